package text

import "strings"

// Values that a name gives away: "password=…", "X-Api-Key: …", "--token …".

// maxName bounds how far back a name is read.
const maxName = 64

// nameStart returns where the name begins that ends before s[end].
func nameStart(s string, end, floor int) int {
	from := end
	for from > floor && end-from < maxName && nameByte(s[from-1]) {
		from--
	}
	return from
}

// pastSlashes returns where the backslashes from s[v] on end, and how many they are.
func pastSlashes(s string, v int) (end, slashes int) {
	end = len(s) - len(strings.TrimLeft(s[v:], `\`))
	return end, end - v
}

// namedValue finds the value after the ":" or "=" at s[i], if the name before
// it is that of a secret.
func namedValue(s string, i, floor int) (start, end int) {
	// The name, past a quote or bracket that closes around it.
	n := max(floor, i-maxName)
	n += len(strings.TrimRight(s[n:i], " \"'`\\]"))
	from := nameStart(s, n, floor)
	kind := secretName(s[from:n])
	spoken := spokenKey(s[floor:n])
	if spoken {
		kind = secret
	}
	many := kind == notSecret && n > from && lower(s[n-1]) == 's' && secretName(s[from:n-1]) == secret // a list of them
	if kind == notSecret && !many {
		return 0, 0
	}
	var before byte
	if from > 0 {
		before = s[from-1]
	}
	param := before == '?' || before == '&' // of a URL's query
	switch {
	case kind == inQuery && !param,
		kind == beside && secretName(nameBeside(s, from, floor)) != secret,
		before == '/' && s[i] == ':' && !keyOfDomain(s[floor:from]): // "/etc/tls/tls.key: permission denied"
		return 0, 0
	}

	// The value, past what belongs to the separator (":=", "=>") and past an
	// opening bracket (headers are printed as lists).
	v := i
	if s[i] == '-' { // "password -> hunter2"
		v += len("->")
	}
	for v < len(s) && (strings.IndexByte(":= ", s[v]) >= 0 || s[v] == '>' && s[v-1] == '=') {
		v++
	}
	prose := s[i] == ':' && v > i+1 || s[i] == '-'
	bracket := v
	for v < len(s) && s[v] == '[' && !strings.HasPrefix(s[v:], Mask) {
		v++
	}
	list := v > bracket
	v, slashes := pastSlashes(s, v)
	if v == len(s) {
		return 0, 0
	}
	if q := s[v]; q == '"' || q == '\'' || q == '`' {
		start, end = v+1, quotedEnd(s, v+1, q, slashes)
		v := s[start:end]
		if harmless(v, false) || kind == address && !strings.Contains(v, "://") || kind == session && len(v) < 16 || kind == loginPair && !loginOf(v) {
			return 0, 0
		}
		if many && (!list || foldSuffix(s[from:n], "secrets") && objectName(v)) {
			return 0, 0 // "secrets":["db"] are names of the cluster's
		}
		if list && (kind == secret || many) {
			end = listed(s, end, q, slashes)
		}
		return start, end
	}
	if many {
		return 0, 0
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
		if from, to, ok := blockValue(s, from, v); ok && s[i] == ':' {
			return from, to
		}
		end = v + wordLen(s[v:])
		if param {
			end = v + indexAny(s[v:end], "&#")
		}
		if kind == loginPair && param && !authSchemes[strings.ToLower(s[v:end])] {
			kind = secret
		}
		if kind == inQuery && end-v < 20 || kind == session && end-v < 16 ||
			kind == loginPair && !loginOf(s[v:end]) || kind == address && !strings.Contains(s[v:end], "://") {
			return 0, 0
		}
	}
	start, end = trimValue(s, v, end, prose, s[from:n] == "PWD" || s[from:n] == "OLDPWD")
	if prose && foldSuffix(s[from:n], "credentials") && strings.HasSuffix(s[:from], "getting ") {
		return 0, 0 // "getting credentials: exec: …", as client-go begins an error
	}
	if prose && (foldSuffix(s[from:n], "token") || before == '/') && sentence(s[start:]) {
		return 0, 0
	}
	if spoken && prose && !mixed(s[start:end]) {
		return 0, 0
	}
	return start, end
}

// authSchemes are values of a parameter "auth" that say how somebody logs in.
var authSchemes = map[string]bool{"basic": true, "bearer": true, "digest": true, "jwt": true, "ldap": true, "local": true, "oauth": true, "oauth2": true, "oidc": true, "saml": true, "sso": true,
	"0": true, "1": true, "required": true, "optional": true, "failed": true, "ok": true}

// spokenKey reports whether s ends in the name of a secret as people write it, "API
// key", where an error may go on as well: "invalid API key: not found".
func spokenKey(s string) bool {
	for _, name := range []string{"api key", "access key", "secret key"} {
		if at := len(s) - len(name); foldSuffix(s, name) && wordStart(s, at) {
			return true
		}
	}
	return false
}

// sentence reports whether s begins with two plain words: an error goes on
// ("failed to fetch token: serviceaccounts not found"). Tokens that are one
// lower-case word and are followed by another are not made by machines.
func sentence(s string) bool {
	word, next, _ := strings.Cut(s, " ")
	return len(word) <= 20 && smallLetters(word) && next != "" && (next[0] == '"' || smallLetters(next[:1]))
}

func smallLetters(s string) bool {
	for i := range len(s) {
		if s[i] < 'a' || s[i] > 'z' {
			return false
		}
	}
	return true
}

// closing is what may stand behind a value without being a part of it.
const closing = ",;.)]}"

// trimValue takes what closes a bracket or a sentence off an unquoted value,
// and returns nothing for a value that is no secret.
func trimValue(s string, start, end int, prose, folder bool) (int, int) {
	full := s[start:end]
	if rest, ok := strings.CutPrefix(full, Mask); ok && strings.Trim(rest, closing) == "" {
		return start, start + len(Mask)
	}
	if reference(full) {
		return 0, 0
	}
	v := strings.TrimRight(full, closing)
	if harmless(v, prose) || folder && v[0] == '/' {
		return 0, 0
	}
	return start, start + len(v)
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
			if run <= slashes || slashes == 0 && run%2 == 0 {
				return j - min(run, slashes)
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
	scheme := end-i <= 20
	for _, c := range []byte(s[i:end]) {
		scheme = scheme && (alnum(c) || c == '-')
	}
	for end < len(s) && s[end] == ' ' && (scheme || s[end-1] == ',') {
		scheme = false
		next := end + 1
		n := wordLen(s[next:])
		if strings.HasSuffix(s[:next+n], "=") && strings.HasPrefix(s[next+n:], `"`) { // param="quoted"
			n = quotedEnd(s, next+n+1, '"', 0) - next
			if strings.HasPrefix(s[next+n:], `"`) {
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
	case "<redacted>", "[REDACTED]", "REDACTED", "<secret>", "<nil>", "<none>", "null", "nil", "none", "None", "true", "false", "undefined", "YES", "NO", "yes", "no":
		return true
	}
	if reference(v) {
		return true
	}
	if !prose {
		return false
	}
	switch v {
	case "Authentication", "a", "an", "already", "authentication", "bad", "cannot", "could", "decode", "does", "empty", "error", "expected", "expired", "failed", "failure", "field", "has", "illegal", "in", "invalid", "is", "key", "malformed", "missing", "must", "no", "not", "parse", "required", "revoked", "server", "signature", "the", "this", "too", "unable", "unauthorized", "unexpected", "unknown", "unsupported", "was", "wrong", "you", "your":
		return true
	}
	return false
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
