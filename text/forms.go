package text

import (
	"encoding/base64"
	"strings"
)

// How a secret is found by its form. Each rule is started by one byte, its
// trigger, and looks around from there; a byte that triggers nothing costs one
// table look-up. A log line of 150 bytes takes 1 µs; nine of the rules written
// as regular expressions took 31 µs.

const pemBegin = "-----BEGIN "

// triggers are the bytes at which a rule may start.
var triggers = func() (t [256]bool) {
	for _, c := range []byte(":=@-Bb") {
		t[c] = true
	}
	for _, k := range knownTokens {
		t[k.prefix[0]] = true
	}
	return t
}()

func redactForms(s string) string {
	var b strings.Builder
	done := 0  // s[:done] is written
	floor := 0 // what was found so far ends here
	for i := 0; i < len(s); {
		if !triggers[s[i]] {
			i++
			continue
		}
		start, end := findForm(s, i, floor)
		if end <= start {
			i++
			continue
		}
		if s[start:end] != Mask {
			b.WriteString(s[done:start])
			b.WriteString(Mask)
			done = end
		}
		floor = end
		i = max(end, i+1)
	}
	if done == 0 {
		return s
	}
	b.WriteString(s[done:])
	return b.String()
}

// findForm returns the bounds of the secret that the byte at s[i] leads to, or
// nothing. What it returns does not begin before s[floor].
func findForm(s string, i, floor int) (start, end int) {
	switch c := s[i]; c {
	case ':':
		if strings.HasPrefix(s[i:], "://") {
			return urlSecret(s, i+3)
		}
		return namedValue(s, i, floor)
	case '=':
		return namedValue(s, i, floor)
	case '@':
		return dsnPassword(s, i, floor)
	case '-':
		if strings.HasPrefix(s[i:], pemBegin) {
			return privateKey(s, i)
		}
		return flagValue(s, i)
	default:
		if i > 0 && alnum(s[i-1]) {
			return 0, 0
		}
		if c == 'B' || c == 'b' {
			return schemeValue(s, i)
		}
		return knownToken(s, i)
	}
}

// maxAuthority bounds how far the "@" of a URL is looked for, so that a line
// made of nothing but "://" costs no more than its length.
const maxAuthority = 1024

// urlSecret finds the password of a URL whose authority begins at s[i], and
// the path of a URL that is a secret as a whole (a webhook).
func urlSecret(s string, i int) (start, end int) {
	word := s[i:min(len(s), i+maxAuthority)]
	word = word[:wordLen(word)]
	auth := word[:indexAny(word, "/?#")]
	host := i
	if strings.IndexByte(auth, '@') >= 0 {
		// People forget to escape: a password may hold "@" and "/" too, so the
		// last "@" before the query ends it.
		at := strings.LastIndexByte(word[:indexAny(word, "?")], '@')
		host = i + at + 1
		if user := strings.IndexByte(word[:at], ':'); user >= 0 {
			start, end = i+user+1, i+at
		} else if at >= 16 && (foldSuffix(s[:i], "http://") || foldSuffix(s[:i], "https://")) {
			start, end = i, i+at // a token in the place of the user
		}
	} else if port := strings.IndexByte(auth, ':'); port >= 0 && !digits(auth[port+1:]) {
		// "user:pa/ss@host": what looks like the host's end is in the password.
		if at := strings.LastIndexByte(word, '@'); at > port {
			start, end = i+port+1, i+at
			host = end + 1
		}
	}
	if path := webhookPath(s[host:min(len(s), host+maxAuthority)]); path > 0 {
		if stop := host + wordLen(s[host:]); stop > host+path {
			if start == end {
				start = host + path
			}
			end = stop
		}
	}
	return start, end
}

// webhooks are hosts, with as much of the path as tells them apart, whose URLs
// let whoever knows them post. A leading dot stands for any subdomain.
var webhooks = []struct{ host, path string }{
	{"hooks.slack.com", ""},
	{".webhook.office.com", ""},
	{"outlook.office.com", "/webhook"},
	{".logic.azure.com", ""},
	{".powerplatform.com", ""},
	{".powerautomate.com", ""},
	{"discord.com", "/api/webhooks"},
	{"discordapp.com", "/api/webhooks"},
	{"chat.googleapis.com", "/v1/spaces"},
	{"api.telegram.org", "/bot"},
	{"events.pagerduty.com", "/integration"},
}

// webhookPath returns where, in a URL after its scheme, the secret begins, or
// 0 when it is no webhook.
func webhookPath(u string) int {
	slash := strings.IndexByte(u, '/')
	if slash <= 0 {
		return 0
	}
	host := u[:slash]
	if port := strings.IndexByte(host, ':'); port >= 0 {
		host = host[:port]
	}
	for _, w := range webhooks {
		if (foldEqual(host, w.host) || w.host[0] == '.' && foldSuffix(host, w.host)) && strings.HasPrefix(u[slash:], w.path) {
			return slash + max(1, len(w.path))
		}
	}
	return 0
}

// dsnPassword finds the password in "user:password@tcp(host)", the form of
// Go's MySQL driver, from its "@".
func dsnPassword(s string, i, floor int) (start, end int) {
	rest := s[i+1:]
	if !strings.HasPrefix(rest, "tcp(") && !strings.HasPrefix(rest, "unix(") && !strings.HasPrefix(rest, "tcp6(") {
		return 0, 0
	}
	from := i
	for from > floor && i-from < maxAuthority && wordByte(s[from-1]) {
		from--
	}
	if user := strings.IndexByte(s[from:i], ':'); user >= 0 {
		return from + user + 1, i
	}
	return 0, 0
}

// privateKeyBody returns where the body of the private key whose BEGIN line is
// at s[i] starts.
func privateKeyBody(s string, i int) (int, bool) {
	label := i + len(pemBegin)
	n := strings.Index(s[label:min(len(s), label+64)], "-----")
	if n < 0 || !strings.Contains(s[label:label+n], "PRIVATE KEY") {
		return 0, false
	}
	return label + n + len("-----"), true
}

// privateKey finds the whole of a private key in PEM; one that does not end is
// masked to the end.
func privateKey(s string, i int) (start, end int) {
	body, ok := privateKeyBody(s, i)
	if !ok {
		return 0, 0
	}
	e := strings.Index(s[body:], "-----END ")
	if e < 0 {
		return i, len(s)
	}
	e += body + len("-----END ")
	if n := strings.Index(s[e:], "-----"); n >= 0 {
		return i, e + n + len("-----")
	}
	return i, len(s)
}

// schemeValue finds the credentials after "Bearer" or "Basic" where no header's
// name stands before them. Both are words of prose too ("bearer token is
// missing", "basic setup"), so what follows must look like credentials.
func schemeValue(s string, i int) (start, end int) {
	n := 0
	switch {
	case foldPrefix(s[i:], "bearer "):
		n = len("bearer ")
	case foldPrefix(s[i:], "basic "):
		n = len("basic ")
	default:
		return 0, 0
	}
	start = i + n
	end = start
	digit := false
	for end < len(s) && (alnum(s[end]) || strings.IndexByte("._~+/=-", s[end]) >= 0) {
		digit = digit || s[end] >= '0' && s[end] <= '9'
		end++
	}
	v := s[start:end]
	if n == len("basic ") {
		plain, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(v, "="))
		if err != nil || strings.IndexByte(string(plain), ':') < 0 {
			return 0, 0
		}
		return start, end
	}
	if len(v) >= 20 || len(v) >= 8 && digit {
		return start, end
	}
	return 0, 0
}

// knownTokens are the forms of tokens that can be told without a name before
// them: a prefix and at least min more characters.
var knownTokens = []struct {
	prefix string
	min    int
}{
	{"AKIA", 16}, {"ASIA", 16}, {"AROA", 16}, {"AIDA", 16}, // AWS
	{"AIza", 35}, {"ya29.", 20}, {"GOCSPX-", 20}, // Google
	{"eyJ", 20},                                                          // JSON Web Token, see below
	{"ghp_", 20}, {"gho_", 20}, {"ghu_", 20}, {"ghs_", 20}, {"ghr_", 20}, // GitHub
	{"github_pat_", 20},
	{"glpat-", 16}, {"gldt-", 16}, {"glrt-", 16}, {"glcbt-", 16}, {"glptt-", 16}, {"glft-", 16}, {"glsoat-", 16}, {"glagent-", 16}, // GitLab
	{"xoxb-", 10}, {"xoxp-", 10}, {"xoxa-", 10}, {"xoxr-", 10}, {"xoxs-", 10}, {"xoxe-", 10}, {"xapp-", 10}, // Slack
	{"glsa_", 30}, {"glc_", 30}, // Grafana
	{"hvs.", 20}, {"hvb.", 20}, // Vault
	{"sk_live_", 16}, {"rk_live_", 16}, {"sk_test_", 16}, // Stripe
	{"npm_", 30}, {"pypi-", 50}, {"dckr_pat_", 20}, {"dop_v1_", 40}, {"shpat_", 30}, {"SG.", 40}, {"sntrys_", 30}, {"ATATT", 40}, {"sk-ant-", 20}, {"sk-proj-", 20},
	{"LS0tLS1CRUdJTiB", 20}, // "-----BEGIN " in base64, but for certificates
}

// byFirst holds the indices of knownTokens by the first byte.
var byFirst = func() (t [256][]int) {
	for i, k := range knownTokens {
		t[k.prefix[0]] = append(t[k.prefix[0]], i)
	}
	return t
}()

func knownToken(s string, i int) (start, end int) {
	for _, n := range byFirst[s[i]] {
		k := knownTokens[n]
		if !strings.HasPrefix(s[i:], k.prefix) {
			continue
		}
		from := i + len(k.prefix)
		switch {
		case len(s) < from+k.min,
			k.prefix == "eyJ" && !dotted(s[from:]), // any JSON in base64 begins so
			k.prefix == "LS0tLS1CRUdJTiB" && s[from] == 'D',
			len(k.prefix) == 4 && k.min == 16 && !upperDigits(s[from:from+k.min]): // ASIA-PACIFIC
			continue
		}
		end = from
		for end < len(s) && tokenByte(s[end]) {
			end++
		}
		for end > from && (s[end-1] == '.' || s[end-1] == '/') {
			end-- // the end of a sentence
		}
		if end-from >= k.min {
			return i, end
		}
	}
	return 0, 0
}

func tokenByte(c byte) bool { return alnum(c) || strings.IndexByte("_-.+/=", c) >= 0 }

// dotted reports whether a dot ends the first part of a JSON Web Token.
func dotted(s string) bool {
	s = s[:min(len(s), 2048)]
	for i := range len(s) {
		if c := s[i]; c == '.' {
			return i+1 < len(s) && tokenByte(s[i+1])
		} else if !alnum(c) && c != '_' && c != '-' {
			return false
		}
	}
	return false
}

func upperDigits(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}
