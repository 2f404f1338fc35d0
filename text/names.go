package text

import (
	"encoding/base64"
	"strings"
)

// What a name says about its value.
type nameKind int

const (
	notSecret     nameKind = iota
	secret                 // one word or one quoted text
	authorization          // a scheme and credentials
	cookie                 // the rest of the line
	inQuery                // a long value, and only as a parameter of a URL
	session                // a long value
	address                // a URL
	loginPair              // a user and a password in base64
	beside                 // what the name beside it says: {"name":"TOKEN","value":"abc"}
)

// secretEnds are the ends of names, in lower case and without separators, that
// hold secrets, by their last letter.
var secretEnds = [256][]string{
	'd': {"password", "passwd", "pwd", "sessionid", "sessid", "connectsid"},
	'e': {"passphrase", "passcode", "secretkeybase"},
	'k': {"webhook"},
	'l': {"credential", "webhookurl"},
	'n': {"token"},
	'r': {"bearer"},
	's': {"credentials", "creds", "dbpass", "userpass", "rootpass", "adminpass", "mysqlpass", "smtppass", "mailpass", "ftppass", "ldappass", "redispass", "storepass", "keypass", "sshpass"},
	't': {"secret", "jwt", "passwort"},
	'y': {"apikey", "accesskey", "secretkey", "privatekey", "accountkey", "signingkey", "encryptionkey", "masterkey", "authkey", "tlskey", "sshkey", "sharedkey",
		"subscriptionkey", "appkey", "applicationkey", "functionskey", "serverkey", "hmackey", "sessionkey", "deploykey", "licensekey", "storagekey"},
	'w': {"pw"},
	'h': {"auth"},
	'g': {"sig"},
}

// qualifiers are last words of names that leave what the rest says: SECRET_KEY_PROD.
// They are kept by their last letter.
var qualifiers = [256][]string{
	'd': {"prod", "encoded", "old"},
	'e': {"stage", "base", "live", "value", "database"},
	'g': {"staging", "string"},
	'n': {"production", "main", "admin", "plain"},
	'v': {"dev", "v"},
	't': {"test", "default", "current", "text", "root"},
	'y': {"primary", "secondary", "readonly"},
	'w': {"new", "rw"},
	's': {"previous"},
	'r': {"master"},
	'b': {"db"},
	'p': {"backup"},
	'o': {"ro"},
	'a': {"data"},
}

// telling are the words that hide the value of a whole key, wherever in it they
// stand.
var telling = []string{"token", "secret", "password", "passwd", "passphrase", "pwd", "credential", "credentials", "apikey", "privatekey", "accesskey", "authorization", "cookie"}

// SecretName reports whether a key of an object (an annotation, a label, a
// variable) says that its value is a secret. It takes more keys than Redact does,
// whose names stand in sentences.
func SecretName(key string) bool {
	for end := len(key); end > 0; end-- {
		if end < len(key) && alnum(key[end]) && !wordStart(key, end) {
			continue // within a word
		}
		for _, word := range telling {
			if at, ok := nameSuffix(key[:end], word); ok && wordStart(key, at) {
				return true
			}
		}
	}
	name := key[strings.LastIndexByte(key, '/')+1:]
	switch secretName(name) {
	case secret, authorization, cookie:
		return true
	}
	return false
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
		switch {
		case foldEqual(name, "code"):
			return inQuery
		case foldEqual(name, "value"):
			return beside
		}
	case 'y':
		if foldEqual(name, "key") {
			return inQuery
		}
	}
	return qualified(name)
}

func secretKind(end string, whole bool) nameKind {
	switch end {
	case "sig":
		return inQuery
	case "webhook", "webhookurl":
		return address
	case "sessionid", "sessid", "connectsid":
		return session
	case "auth":
		if whole { // "auth: failed" is prose; "_auth=" and "x-auth:" are not
			return loginPair
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

// qualified is secretName for a name that ends in a qualifier.
func qualified(name string) nameKind {
	if len(name) < 6 {
		return notSecret
	}
	for _, q := range qualifiers[lower(name[len(name)-1])] {
		if at, ok := nameSuffix(name, q); ok && at > 0 && wordStart(name, at) && secretName(name[:at]) == secret {
			return secret
		}
	}
	return notSecret
}

// nameBeside returns the name that stands before s[i:], a key called "value":
// `{"name":"TOKEN","value":` and the same in YAML. It is "" when there is none.
func nameBeside(s string, i, floor int) string {
	from := max(floor, i-2*maxName)
	rest := strings.TrimRight(s[from:i], " \t\n\"',;-{}\\"+strings.TrimSpace(NewlineSign))
	n := len(rest)
	for n > 0 && nameByte(rest[n-1]) {
		n--
	}
	key := strings.TrimRight(rest[:n], " \"'\\:=")
	if len(key) == n || !foldSuffix(key, "name") && !foldSuffix(key, "key") {
		return ""
	}
	return rest[n:]
}

// keyOfDomain reports whether the name after the "/" at s[i] is a key as
// annotations and labels have them, "vault.example.com/token", and no path.
func keyOfDomain(s string, i, floor int) bool {
	from := i
	for from > floor && i-from < 4*maxName && nameByte(s[from-1]) {
		from--
	}
	return from < i && strings.IndexByte(s[from:i], '.') > 0 && (from == 0 || s[from-1] != '/')
}

// blockValue finds a value of several lines in YAML, whose "|" or ">" is at s[v]
// and whose key is at s[key:]: all lines that stand further in than the key.
func blockValue(s string, key, v int) (start, end int, ok bool) {
	if s[v] != '|' && s[v] != '>' {
		return 0, 0, false
	}
	at := v + 1
	for at < len(s) && (s[at] == '-' || s[at] == '+' || digits(s[at:at+1])) {
		at++
	}
	if next := lineBreak(s, at); next.from != at || next.to == len(s) {
		return 0, 0, false
	}
	before := s[max(0, key-4*maxName):key]
	in := len(before) - 1 - strings.LastIndexByte(before, '\n')
	if n := strings.LastIndex(before, NewlineSign); n >= 0 {
		in = min(in, len(before)-n-len(NewlineSign))
	}
	for b := lineBreak(s, at); b.from < len(s); b = lineBreak(s, b.to) {
		next := lineBreak(s, b.to)
		line := s[b.to:next.from]
		spaces := len(line) - len(strings.TrimLeft(line, " "))
		switch {
		case spaces == len(line): // empty
			continue
		case spaces <= in:
			return start, end, start < end
		case start == 0:
			start = b.to + spaces
		}
		end = next.from
	}
	return start, end, start < end
}

// span is a part of a text.
type span struct{ from, to int }

// lineBreak returns the first end of a line in s[i:], in either form; the end of s
// when there is none.
func lineBreak(s string, i int) span {
	n := strings.IndexByte(s[i:], '\n')
	m := strings.Index(s[i:], NewlineSign)
	switch {
	case n < 0 && m < 0:
		return span{len(s), len(s)}
	case m < 0 || n >= 0 && n < m:
		return span{i + n, i + n + 1}
	}
	return span{i + m, i + m + len(NewlineSign)}
}

// loginOf reports whether a value begins with a user and a password in base64, as
// the configuration of a registry has them.
func loginOf(v string) bool {
	n := 0
	for n < len(v) && base64Byte(v[n]) {
		n++
	}
	plain, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(v[:n], "="))
	return err == nil && len(plain) >= 6 && strings.IndexByte(string(plain), ':') > 0 && printable(plain, false)
}

// reference reports values that name where a secret is, ${DB_PASSWORD}, with what
// closes a bracket or a sentence behind it.
func reference(v string) bool {
	if len(v) < 4 || v[0] != '$' {
		return false
	}
	n := 2
	for n < len(v) && nameByte(v[n]) {
		n++
	}
	if n == 2 || n == len(v) || v[1:2]+v[n:n+1] != "{}" && v[1:2]+v[n:n+1] != "()" {
		return false
	}
	return strings.Trim(v[n+1:], ",;.)]}") == ""
}
