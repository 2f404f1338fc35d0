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
	's': {"credentials", "creds", "dbpass", "userpass", "rootpass", "adminpass", "mysqlpass", "smtppass", "mailpass", "ftppass", "ldappass", "redispass", "storepass", "keypass", "sshpass", "requirepass", "pass"},
	't': {"secret", "jwt", "passwort", "kennwort", "pat"},
	'y': {"apikey", "accesskey", "secretkey", "privatekey", "accountkey", "signingkey", "encryptionkey", "masterkey", "authkey", "tlskey", "sshkey", "sharedkey",
		"subscriptionkey", "appkey", "applicationkey", "functionskey", "serverkey", "hmackey", "sessionkey", "deploykey", "licensekey", "storagekey"},
	'w': {"pw"},
	'h': {"masterauth", "auth"},
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

// maxDomain is how long a domain is at most.
const maxDomain = 253

// maxIndent bounds how far back the beginning of a key's line is looked for.
const maxIndent = 256

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
			if at := nameSuffix(key[:end], word); at >= 0 && wordStart(key, at) {
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
var wholeWords = map[string]bool{"pass": true, "pw": true, "auth": true, "sig": true, "pat": true}

func secretName(name string) nameKind {
	// A numbered name (PASSWORD_2) is one too.
	for name != "" && (name[len(name)-1] >= '0' && name[len(name)-1] <= '9' || separator(name[len(name)-1])) {
		name = name[:len(name)-1]
	}
	if name == "" {
		return notSecret
	}
	last := lower(name[len(name)-1])
	for _, end := range secretEnds[last] {
		if at := nameSuffix(name, end); at >= 0 && (!wholeWords[end] || wordStart(name, at)) {
			return secretKind(end, at == 0)
		}
	}
	switch last {
	case 'n':
		if nameSuffix(name, "authorization") >= 0 {
			return authorization
		}
	case 'e':
		if at := nameSuffix(name, "cookie"); at >= 0 && wordStart(name, at) {
			return cookie
		}
		if nameSuffix(name, "signature") > 0 { // X-Amz-Signature
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
	if keyOfCapitals(name) {
		return secret
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

// nameSuffix returns where in name the word begins that it ends in, whatever its
// case and its separators, or -1 when it ends in another.
func nameSuffix(name, word string) int {
	i := len(name)
	for j := len(word) - 1; j >= 0; {
		if i == 0 {
			return -1
		}
		i--
		switch {
		case lower(name[i]) == word[j]:
			j--
		case !separator(name[i]):
			return -1
		}
	}
	return i
}

// wordStart reports whether a word begins at name[at]: after a separator, or with a
// capital (dbPass, APIPass; BYPASS is one word).
func wordStart(name string, at int) bool {
	if at == 0 || !alnum(name[at-1]) {
		return true
	}
	capital := name[at] != lower(name[at])
	return capital && (name[at-1] >= 'a' || at+1 < len(name) && name[at+1] >= 'a')
}

// qualified is secretName for a name that ends in a qualifier.
func qualified(name string) nameKind {
	for _, q := range qualifiers[lower(name[len(name)-1])] {
		if at := nameSuffix(name, q); at > 0 && secretName(name[:at]) == secret {
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
	n := nameStart(rest, len(rest), 0)
	key := strings.TrimRight(rest[:n], " \"'\\:=")
	if !foldSuffix(key, "name") && !foldSuffix(key, "key") {
		return ""
	}
	return rest[n:]
}

// keyOfDomain reports whether s ends in a domain and a "/", as keys of annotations
// and labels do before their name, "vault.example.com/token", and in no path.
func keyOfDomain(s string) bool {
	s = strings.TrimSuffix(s, "/")
	from := max(0, len(s)-maxDomain)
	for j := len(s); j > from; j-- {
		if !nameByte(s[j-1]) {
			from = j
		}
	}
	return strings.IndexByte(s[from:], '.') > 0 && !strings.HasSuffix(s[:from], "/")
}

// blockValue finds a value of several lines in YAML, whose "|" or ">" is at s[v]
// and whose key is at s[key:]: all lines that stand further in than the key.
func blockValue(s string, key, v int) (start, end int, ok bool) {
	if s[v] != '|' && s[v] != '>' {
		return 0, 0, false
	}
	at := len(s) - len(strings.TrimLeft(s[v+1:], "-+0123456789"))
	if lineBreak(s, at).from != at {
		return 0, 0, false
	}
	before := s[max(0, key-maxIndent):key]
	before = before[strings.LastIndexByte(before, '\n')+1:]
	if n := strings.LastIndex(before, NewlineSign); n >= 0 {
		before = before[n+len(NewlineSign):]
	}
	for b := lineBreak(s, at); b.from < len(s); b = lineBreak(s, b.to) {
		next := lineBreak(s, b.to)
		line := s[b.to:next.from]
		spaces := len(line) - len(strings.TrimLeft(line, " "))
		switch {
		case spaces == len(line): // empty
			continue
		case spaces <= len(before):
			return start, end, true
		case start == 0:
			start = b.to + spaces
		}
		end = next.from
	}
	return start, end, true
}

// span is a part of a text.
type span struct{ from, to int }

// lineBreak returns the first end of a line in s[i:], in either form; the end of s
// when there is none.
func lineBreak(s string, i int) span {
	found := span{len(s), len(s)}
	if n := strings.IndexByte(s[i:], '\n'); n >= 0 {
		found = span{i + n, i + n + 1}
	}
	if n := strings.Index(s[i:found.from], NewlineSign); n >= 0 {
		found = span{i + n, i + n + len(NewlineSign)}
	}
	return found
}

// loginOf reports whether a value begins with a user and a password in base64, as
// the configuration of a registry has them.
func loginOf(v string) bool {
	// What cannot be decoded is behind the login, or cut off.
	plain, _ := base64.RawStdEncoding.DecodeString(strings.TrimRight(v, "="+closing))
	return len(plain) >= 6 && strings.Contains(string(plain), ":") && printable(plain, true)
}

// reference reports values that name where a secret is, ${DB_PASSWORD}, with what
// closes a bracket or a sentence behind it.
func reference(v string) bool {
	end := "}"
	name, ok := strings.CutPrefix(v, "${")
	if !ok {
		end = ")"
		name, ok = strings.CutPrefix(v, "$(")
	}
	name, behind, closed := strings.Cut(name, end)
	return ok && closed && name != "" && nameStart(name, len(name), 0) == 0 && strings.Trim(behind, closing) == ""
}
