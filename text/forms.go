package text

import (
	"encoding/base64"
	"strings"
)

// How a secret is found by its form. Each rule is started by one byte, its
// trigger, and looks around from there; a byte that triggers nothing costs one
// table look-up. A log line of 150 bytes takes 2 µs; nine of the rules written
// as regular expressions took 31 µs.

// triggers are the bytes at which a rule may start.
var triggers = func() (t [256]bool) {
	for _, c := range []byte(":=@->%$ Bb") {
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
		return beforeHost(s, i, floor)
	case '-':
		switch {
		case strings.HasPrefix(s[i:], pemBegin):
			return privateKey(s, i)
		case strings.HasPrefix(s[i:], pemEnd):
			return privateKeyRest(s, i, floor)
		}
		if strings.HasPrefix(s[i:], "-> ") && i > floor && s[i-1] == ' ' {
			return namedValue(s, i, floor)
		}
		return flagValue(s, i)
	case ' ':
		return spokenValue(s, i, floor)
	case '>':
		return elementValue(s, i, floor)
	case '%':
		return escapedValue(s, i, floor)
	case '$':
		return passwordHash(s, i)
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

// beforeHost finds the password before the "@" at s[i] where no scheme tells of a
// URL: "user:password@host:5432/shop", and "user:password@tcp(host)" of Go's MySQL
// driver.
func beforeHost(s string, i, floor int) (start, end int) {
	from := i
	for from > floor && i-from < maxAuthority && wordByte(s[from-1]) {
		from--
	}
	rest := s[i+1:]
	if strings.HasPrefix(rest, "tcp(") || strings.HasPrefix(rest, "unix(") || strings.HasPrefix(rest, "tcp6(") {
		if user := strings.IndexByte(s[from:i], ':'); user >= 0 {
			return from + user + 1, i
		}
		return 0, 0
	}
	if !hostAndPort(rest) {
		return 0, 0
	}
	if eq := strings.LastIndexByte(s[from:i], '='); eq >= 0 && !strings.Contains(s[from+eq:i], "==") {
		from += eq + 1 // DATABASE=user:password@…
	}
	if slash := strings.IndexByte(s[from:i], '/'); slash > 0 && strings.Contains(s[from:from+slash], ":thin:") { // JDBC for Oracle
		return from + slash + 1, i
	}
	user := strings.IndexByte(s[from:i], ':')
	if user <= 0 || i-from-user-1 < 3 || strings.HasPrefix(s[from+user:], "://") {
		return 0, 0
	}
	name := s[from : from+user]
	for j := range len(name) {
		if !nameByte(name[j]) {
			return 0, 0
		}
	}
	switch {
	case digits(name[:1]), foldEqual(name, "sip"), foldEqual(name, "sips"), foldEqual(name, "mailto"), foldEqual(name, "xmpp"), foldEqual(name, "acct"):
		return 0, 0
	}
	return from + user + 1, i
}

// hostAndPort reports whether s begins with a host and a port, and no digest.
func hostAndPort(s string) bool {
	s = strings.TrimPrefix(s, "//")
	n := 0
	for n < len(s) && nameByte(s[n]) {
		n++
	}
	if n == 0 || n == len(s) || s[n] != ':' {
		return false
	}
	m := n + 1
	for m < len(s) && digits(s[m:m+1]) {
		m++
	}
	return m > n+1 && m-n <= 6 && (m == len(s) || !alnum(s[m]))
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
