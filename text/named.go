package text

import "strings"

// Values that a name gives away: "password=…", "X-Api-Key: …", "--token …".

// maxName bounds how far back a name is read.
const maxName = 64

// namedValue finds the value after the ":" or "=" at s[i], if the name before
// it is that of a secret.
func namedValue(s string, i, floor int) (start, end int) {
	// The name, past a quote or bracket that closes around it.
	n := i
	for n > floor && i-n < 6 && strings.IndexByte(" \"'`\\]", s[n-1]) >= 0 {
		n--
	}
	from := n
	for from > floor && n-from < maxName && nameByte(s[from-1]) {
		from--
	}
	kind := secretName(s[from:n])
	if kind == notSecret {
		return 0, 0
	}
	before := byte(0)
	if from > 0 {
		before = s[from-1]
	}
	param := before == '?' || before == '&' // of a URL's query
	switch {
	case kind == inQuery && !param,
		before == '/' && s[i] == ':': // "/etc/tls/tls.key: permission denied"
		return 0, 0
	}

	// The value, past what belongs to the separator (":=", "=>") and past an
	// opening bracket (headers are printed as lists).
	v := i + 1
	for v < len(s) && strings.IndexByte(":=> ", s[v]) >= 0 {
		v++
	}
	prose := s[i] == ':' && v > i+1
	for v < len(s) && s[v] == '[' && !strings.HasPrefix(s[v:], Mask) {
		v++
	}
	slashes := 0
	for v < len(s) && s[v] == '\\' {
		v++
		slashes++
	}
	if v == len(s) {
		return 0, 0
	}
	if q := s[v]; q == '"' || q == '\'' || q == '`' {
		start, end = v+1, quotedEnd(s, v+1, q, slashes)
		if harmless(s[start:end], false) || kind == address && !strings.Contains(s[start:end], "://") {
			return 0, 0
		}
		return start, end
	}
	v -= slashes
	switch kind {
	case cookie:
		end = lineEnd(s, v)
	case authorization:
		if prose && harmless(s[v:v+wordLen(s[v:])], true) {
			return 0, 0
		}
		end = authorizationEnd(s, v)
	default:
		end = v + wordLen(s[v:])
		if param {
			end = v + indexAny(s[v:end], "&#")
		}
		if kind == inQuery && end-v < 20 || kind == address && !strings.Contains(s[v:end], "://") {
			return 0, 0
		}
	}
	start, end = trimValue(s, v, end, prose, s[from:n] == "PWD")
	if prose && foldSuffix(s[from:n], "token") && sentence(s[start:]) {
		return 0, 0
	}
	return start, end
}

// sentence reports whether s begins with two plain words: an error goes on
// ("failed to fetch token: serviceaccounts not found"). Tokens that are one
// lower-case word and are followed by another are not made by machines.
func sentence(s string) bool {
	i := 0
	for i < len(s) && s[i] >= 'a' && s[i] <= 'z' {
		i++
	}
	return i > 0 && i <= 20 && i+1 < len(s) && s[i] == ' ' && (s[i+1] >= 'a' && s[i+1] <= 'z' || s[i+1] == '"')
}

// flagValue finds the value of a flag, "--token abc", whose dashes begin at
// s[i]. (With "=" it is a named value.)
func flagValue(s string, i int) (start, end int) {
	if !strings.HasPrefix(s[i:], "--") || i > 0 && (alnum(s[i-1]) || s[i-1] == '-') {
		return 0, 0
	}
	n := i + 2
	for n < len(s) && n-i < maxName && nameByte(s[n]) {
		n++
	}
	if n == len(s) || s[n] != ' ' || secretName(s[i+2:n]) != secret {
		return 0, 0
	}
	v := n
	for v < len(s) && s[v] == ' ' {
		v++
	}
	if v == len(s) || s[v] == '-' {
		return 0, 0
	}
	if q := s[v]; q == '"' || q == '\'' {
		return v + 1, quotedEnd(s, v+1, q, 0)
	}
	return trimValue(s, v, v+wordLen(s[v:]), true, false)
}

// trimValue takes what closes a bracket or a sentence off an unquoted value,
// and returns nothing for a value that is no secret.
func trimValue(s string, start, end int, prose, folder bool) (int, int) {
	if start >= end {
		return 0, 0
	}
	full := s[start:end]
	if rest, ok := strings.CutPrefix(full, Mask); ok && strings.Trim(rest, ",;.)]}") == "" {
		return start, start + len(Mask)
	}
	for end > start && strings.IndexByte(",;.)]}", s[end-1]) >= 0 {
		end--
	}
	v := s[start:end]
	if v == "" || harmless(v, prose) || folder && v[0] == '/' {
		return 0, 0
	}
	return start, end
}

// quotedEnd returns where the value that begins at s[i] after a quote, itself
// written after so many backslashes, ends: before the closing quote, or at the
// end of the line.
func quotedEnd(s string, i int, quote byte, slashes int) int {
	run := 0
	for j := i; j < len(s); j++ {
		switch s[j] {
		case '\\':
			run++
			continue
		case '\n':
			return j
		case quote:
			// Within a text in which a quote is written with n backslashes, a
			// quote inside a value has at least 2n+1.
			if slashes == 0 && run%2 == 0 {
				return j
			}
			if slashes > 0 && run <= slashes {
				return j - run
			}
		}
		run = 0
	}
	return len(s)
}

// authorizationEnd returns where the value of an Authorization header ends:
// one word, or a scheme and what follows it, with the parameters that commas
// join to it.
func authorizationEnd(s string, i int) int {
	end := i + wordLen(s[i:])
	scheme := end > i && end-i <= 20
	for _, c := range []byte(s[i:end]) {
		scheme = scheme && (alnum(c) || c == '-')
	}
	for end < len(s) && s[end] == ' ' && (scheme || s[end-1] == ',') {
		scheme = false
		next := end + 1
		n := wordLen(s[next:])
		if n > 0 && next+n < len(s) && s[next+n-1] == '=' && s[next+n] == '"' { // param="quoted"
			n = quotedEnd(s, next+n+1, '"', 0) - next
			if next+n < len(s) {
				n++
			}
			n += wordLen(s[next+n:])
		}
		if n == 0 {
			break
		}
		end = next + n
	}
	return end
}

func lineEnd(s string, i int) int { return i + indexAny(s[i:], "\"'`\n") }

// harmless reports values that are no secret: nothing, a mask of another
// program's, and, in prose ("invalid token: expired"), the words with which an
// error goes on.
func harmless(v string, prose bool) bool {
	if strings.Trim(v, "*") == "" || len(v) > 2 && strings.Trim(v, "xX") == "" {
		return true
	}
	switch v {
	case "<redacted>", "[REDACTED]", "REDACTED", "<secret>", "<nil>", "<none>", "null", "nil", "none", "None", "true", "false", "undefined":
		return true
	}
	if !prose {
		return false
	}
	switch v {
	case "a", "an", "already", "bad", "cannot", "could", "decode", "does", "empty", "error", "expected", "expired", "failed", "failure", "field", "has", "illegal", "in", "invalid", "is", "key", "malformed", "missing", "must", "no", "not", "parse", "required", "revoked", "server", "signature", "the", "this", "too", "unable", "unauthorized", "unexpected", "unknown", "unsupported", "was", "wrong", "you", "your":
		return true
	}
	return false
}

// What a name says about its value.
type nameKind int

const (
	notSecret     nameKind = iota
	secret                 // one word or one quoted text
	authorization          // a scheme and credentials
	cookie                 // the rest of the line
	inQuery                // a long value, and only as a parameter of a URL
	address                // a URL
)

// secretEnds are the ends of names, in lower case and without separators, that
// hold secrets, by their last letter.
var secretEnds = [256][]string{
	'd': {"password", "passwd", "pwd"},
	'e': {"passphrase"},
	'k': {"webhook"},
	'l': {"credential", "webhookurl"},
	'n': {"token"},
	's': {"credentials", "creds"},
	't': {"secret", "jwt"},
	'y': {"apikey", "accesskey", "secretkey", "privatekey", "accountkey", "signingkey", "encryptionkey", "masterkey", "authkey", "tlskey", "sshkey", "sharedkey"},
	'w': {"pw"},
	'h': {"auth"},
	'g': {"sig"},
}

// wholeWords are ends that must be a word of their own: "bypass" is no "pass".
var wholeWords = map[string]bool{"pass": true, "pw": true, "auth": true, "sig": true}

func secretName(name string) nameKind {
	// A numbered name (PASSWORD_2) is one too.
	for name != "" && (name[len(name)-1] >= '0' && name[len(name)-1] <= '9' || separator(name[len(name)-1])) {
		name = name[:len(name)-1]
	}
	if len(name) < 2 {
		return notSecret
	}
	last := lower(name[len(name)-1])
	for _, end := range secretEnds[last] {
		if at, ok := nameSuffix(name, end); ok && (!wholeWords[end] || wordStart(name, at)) {
			return secretKind(end, at == 0)
		}
	}
	switch last {
	case 's':
		if at, ok := nameSuffix(name, "pass"); ok && wordStart(name, at) {
			return secret
		}
	case 'n':
		if _, ok := nameSuffix(name, "authorization"); ok {
			return authorization
		}
	case 'e':
		if at, ok := nameSuffix(name, "cookie"); ok && wordStart(name, at) {
			return cookie
		}
		if at, ok := nameSuffix(name, "signature"); ok && at > 0 { // X-Amz-Signature
			return secret
		}
		if foldEqual(name, "code") {
			return inQuery
		}
	}
	return notSecret
}

func secretKind(end string, whole bool) nameKind {
	switch end {
	case "sig":
		return inQuery
	case "webhook", "webhookurl":
		return address
	case "auth":
		if whole { // "auth: failed" is prose; "_auth=" and "x-auth:" are not
			return notSecret
		}
	}
	return secret
}

// nameSuffix reports whether name ends in end, whatever its case and its
// separators, and where that begins.
func nameSuffix(name, end string) (at int, ok bool) {
	i := len(name)
	for j := len(end) - 1; j >= 0; j-- {
		for i > 0 && separator(name[i-1]) {
			i--
		}
		if i == 0 || lower(name[i-1]) != end[j] {
			return 0, false
		}
		i--
	}
	return i, true
}

// wordStart reports whether a word begins at name[at]: after a separator, or
// with a capital (dbPass).
func wordStart(name string, at int) bool {
	return at == 0 || !alnum(name[at-1]) || name[at] >= 'A' && name[at] <= 'Z' && name[at-1] >= 'a'
}

func separator(c byte) bool { return c == '_' || c == '-' || c == '.' }

func nameByte(c byte) bool { return alnum(c) || separator(c) }

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func alnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// wordByte reports what can belong to an unquoted value.
func wordByte(c byte) bool {
	return c > ' ' && c != '"' && c != '\'' && c != '`'
}

func wordLen(s string) int {
	for i := range len(s) {
		if !wordByte(s[i]) {
			return i
		}
	}
	return len(s)
}

// indexAny is strings.IndexAny, but len(s) when there is none.
func indexAny(s, chars string) int {
	if i := strings.IndexAny(s, chars); i >= 0 {
		return i
	}
	return len(s)
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

func foldEqual(a, b string) bool  { return strings.EqualFold(a, b) }
func foldPrefix(s, p string) bool { return len(s) >= len(p) && strings.EqualFold(s[:len(p)], p) }
func foldSuffix(s, p string) bool {
	return len(s) >= len(p) && strings.EqualFold(s[len(s)-len(p):], p)
}
