package text

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Mask stands where a secret stood.
const Mask = "[redacted]"

// minLiteral is the length from which a given value is looked for. Shorter
// ones would mask ordinary words all over the screen and protect nothing.
const minLiteral = 6

// Redact returns s with what looks like a secret replaced by Mask: values
// named password, token, secret, key and the like; Authorization and Cookie
// headers; passwords in URLs and connection strings; tokens with a known form
// (JWT, AWS, GitHub, GitLab, Slack …), also in base64; private keys; webhook URLs;
// and what this process was made to Know.
//
// It errs on the side of masking: losing a word of a log line costs less than
// a password in a report. It returns s itself when there is nothing to mask,
// and is idempotent.
func Redact(s string) string { return (*Redactor)(nil).Redact(s) }

// Line sanitises and redacts s into one line.
func Line(s string) string { return Redact(Clean(s)) }

// Lines sanitises and redacts s and keeps its line ends.
func Lines(s string) string { return Redact(CleanLines(s)) }

// A Redactor masks, beside what Redact finds by its form, values that it was
// given: the tokens and passwords that this program itself uses. The zero
// value, and nil, know none. It may be used and added to concurrently.
type Redactor struct {
	mu       sync.Mutex
	literals atomic.Pointer[[]string] // longest first; replaced, never changed
}

// Add makes r mask each value from now on, also base64-encoded, URL-escaped
// and as JSON writes it. A value of several lines is also masked line by line.
// Values under six characters are not taken.
func (r *Redactor) Add(values ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	if p := r.literals.Load(); p != nil {
		all = slices.Clone(*p)
	}
	add := func(v string) {
		// A value within the mask itself would be found for ever.
		if !strings.Contains(Mask, v) && !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	for _, v := range values {
		v = strings.TrimSpace(v)
		if len(v) < minLiteral {
			continue
		}
		add(v)
		add(base64.StdEncoding.EncodeToString([]byte(v)))
		add(base64.RawURLEncoding.EncodeToString([]byte(v)))
		add(url.QueryEscape(v))
		add(url.PathEscape(v))
		if j, err := json.Marshal(v); err == nil {
			add(string(j[1 : len(j)-1]))
		}
		if strings.ContainsAny(v, "\r\n") {
			for line := range strings.Lines(v) {
				// Lines of a key are long; "-----END" ones are no secret.
				if line = strings.TrimSpace(line); len(line) >= 16 && !strings.HasPrefix(line, "-----") {
					add(line)
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	r.literals.Store(&all)
}

// AddURL is Add for a URL that is a secret as a whole, as a webhook's is: r masks
// it, its path, its query and what in them looks made by a machine. Its host
// stays.
func (r *Redactor) AddURL(u *url.URL) {
	pass, _ := u.User.Password()
	all := []string{u.String(), u.RequestURI(), u.Path, u.EscapedPath(), u.RawQuery, pass}
	segments := strings.Split(strings.Trim(u.Path, "/"), "/")
	for n, part := range segments {
		if n == len(segments)-1 || len(part) >= 8 && strings.ContainsAny(part, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_-") {
			all = append(all, part)
		}
	}
	for _, values := range u.Query() {
		for _, v := range values {
			if len(v) >= 8 {
				all = append(all, v)
			}
		}
	}
	r.Add(all...)
}

// own are the secrets that this process itself holds. They are one set for the
// whole process, since what shows or keeps a text cannot know all who could have
// brought a secret into it: a pod's log may hold the token of a chat.
var own Redactor

// Know makes everything in this package mask values from now on, as Redactor.Add
// does: credentials that this process uses, as soon as it has them.
func Know(values ...string) { own.Add(values...) }

// Redact is the function Redact, and masks the values that r was given.
func (r *Redactor) Redact(s string) string {
	return redactEncoded(redactForms(r.literal(own.literal(s))))
}

// literal masks the values that r was given.
func (r *Redactor) literal(s string) string {
	if r == nil {
		return s
	}
	if p := r.literals.Load(); p != nil {
		for _, v := range *p {
			if strings.Contains(s, v) {
				s = strings.ReplaceAll(s, v, Mask)
			}
		}
	}
	return s
}

// Line sanitises and redacts s into one line.
func (r *Redactor) Line(s string) string { return r.Redact(Clean(s)) }

// Lines sanitises and redacts s and keeps its line ends.
func (r *Redactor) Lines(s string) string { return r.Redact(CleanLines(s)) }
