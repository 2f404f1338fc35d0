package text

import "strings"

// Values that follow the name of a secret without a ":" or "=": arguments of
// commands, and sentences.

// flagValue finds the value of a flag whose dashes begin at s[i]: "--token abc",
// also as arguments in a list, and "-pabc" of a program that takes a password so.
// (With "=" it is a named value.)
func flagValue(s string, i int) (start, end int) {
	if i > 0 && !argumentStart(s[i-1]) {
		return 0, 0
	}
	name := i + 1
	if name < len(s) && s[name] == '-' {
		name++
	}
	n := name
	for n < len(s) && n-i < maxName && nameByte(s[n]) {
		n++
	}
	if n-name > 1 && secretName(s[name:n]) == secret {
		return argumentValue(s, i, n)
	}
	if name == i+1 && n > name {
		return shortFlag(s, i)
	}
	return 0, 0
}

func argumentStart(c byte) bool { return strings.IndexByte(" \t\n\"'`[(,=", c) >= 0 }

// argumentValue finds the argument after the flag s[i:n]: after a space, or as the
// next of a list in JSON, YAML or a program's own form.
func argumentValue(s string, i, n int) (start, end int) {
	v := n
	if i > 0 && v < len(s) && s[v] == s[i-1] && strings.IndexByte("\"'`", s[v]) >= 0 {
		v++ // "--token", "abc"
		for v < len(s) && (s[v] == ',' || s[v] == ' ' || s[v] == '\n') {
			v++
		}
	} else {
		switch {
		case v == len(s) || s[v] != ' ' && s[v] != '\n':
			return 0, 0
		case s[v] == '\n' || strings.HasPrefix(s[v:], NewlineSign):
			rest := strings.TrimLeft(strings.TrimPrefix(s[v:], NewlineSign), " \n")
			if !strings.HasPrefix(rest, "- ") {
				return 0, 0
			}
			v = len(s) - len(rest) + len("- ")
		}
		for v < len(s) && s[v] == ' ' {
			v++
		}
	}
	switch {
	case v >= len(s) || s[v] == '-' || s[v] == ']':
		return 0, 0
	case s[v] == '"' || s[v] == '\'' || s[v] == '`':
		return v + 1, quotedEnd(s, v+1, s[v], 0)
	}
	return trimValue(s, v, v+wordLen(s[v:]), true, false)
}

// shortFlags are programs whose flag of one letter is followed by a password, at
// once or as the next argument.
var shortFlags = []struct {
	program string
	flag    byte
	apart   bool // also as the next argument
}{
	{"mysql", 'p', false}, {"mysqldump", 'p', false}, {"mysqladmin", 'p', false}, {"mysqlimport", 'p', false}, {"mysqlcheck", 'p', false}, {"mysqlshow", 'p', false}, {"mysqlpump", 'p', false}, {"mysqlsh", 'p', false},
	{"mariadb", 'p', false}, {"mariadb-dump", 'p', false}, {"mariadb-admin", 'p', false}, {"7z", 'p', false},
	{"sshpass", 'p', true}, {"mongo", 'p', true}, {"mongosh", 'p', true}, {"mongodump", 'p', true}, {"mongorestore", 'p', true}, {"cqlsh", 'p', true}, {"login", 'p', true},
	{"redis-cli", 'a', true}, {"curl", 'u', true}, {"sqlcmd", 'P', true}, {"zip", 'P', true}, {"unzip", 'P', true},
	{"ldapsearch", 'w', true}, {"ldapadd", 'w', true}, {"ldapmodify", 'w', true}, {"ldapwhoami", 'w', true}, {"ldapdelete", 'w', true},
}

// aroundFlag is how far from a short flag its program is looked for.
const aroundFlag = 256

// shortFlag finds the password of a flag of one letter, whose dash is at s[i]. A
// value that looks made by a machine is one without a program, too: a list of
// arguments does not always say whose they are.
func shortFlag(s string, i int) (start, end int) {
	flag, v := s[i+1], i+2
	if strings.IndexByte("pPauw", flag) < 0 {
		return 0, 0
	}
	apart, known := programOf(s, i, flag)
	end = v + wordLen(s[v:])
	if end > v && strings.IndexByte("\"',])", s[v]) < 0 {
		start, end = trimValue(s, v, end, true, false)
		word := s[start:end]
		if !known && (flag != 'p' || len(word) < 6 || !mixed(word) || ordinary(word)) {
			return 0, 0
		}
	} else if known && apart {
		start, end = argumentValue(s, i, v)
	} else {
		return 0, 0
	}
	if flag == 'u' { // curl -u user:password
		user := strings.IndexByte(s[start:end], ':')
		if user < 0 {
			return 0, 0
		}
		start += user + 1
		if strings.HasPrefix(s[start:], Mask) {
			end = start + len(Mask)
		}
	}
	return start, end
}

// programOf looks for a program of shortFlags around s[i]: before it, or as the
// image or command after it, which manifests have below the arguments.
func programOf(s string, i int, flag byte) (apart, known bool) {
	before, after := s[max(0, i-aroundFlag):i], s[i:min(len(s), i+aroundFlag)]
	n := strings.Index(after, "image")
	if m := strings.Index(after, "command"); n < 0 || m >= 0 && m < n {
		n = m
	}
	for _, f := range shortFlags {
		if f.flag == flag && (hasWord(before, f.program) || n >= 0 && hasWord(after[n:], f.program)) {
			return f.apart, true
		}
	}
	return false, false
}

func hasWord(s, word string) bool {
	for at := 0; ; {
		n := strings.Index(s[at:], word)
		if n < 0 {
			return false
		}
		from, to := at+n, at+n+len(word)
		if (from == 0 || !nameByte(s[from-1])) && (to == len(s) || !nameByte(s[to])) {
			return true
		}
		at = to
	}
}

// spokenValue finds a secret in a sentence: "passwd abc", "password is abc", "the
// secret 'abc'", from the space at s[i] after the name. These are words of prose
// too ("password reset", "token bucket"), and of the cluster ("secret "api" not
// found"), so what follows must look like a value.
func spokenValue(s string, i, floor int) (start, end int) {
	if i == 0 || saidNames[lower(s[i-1])] == nil && directives[lower(s[i-1])] == nil {
		return 0, 0
	}
	from := nameStart(s, i, floor)
	if start, end = directiveValue(s, i, from); start < end {
		return start, end
	}
	said := saidName(s, from, i, floor)
	if said == "" {
		return 0, 0
	}
	v := i + 1
	for v < len(s) && s[v] == ' ' {
		v++
	}
	for _, link := range []string{"is ", "was ", "set ", "to "} {
		if foldPrefix(s[v:], link) {
			v += len(link)
		}
	}
	v, slashes := pastSlashes(s, v)
	if v == len(s) {
		return 0, 0
	}
	if q := s[v]; q == '"' || q == '\'' || q == '`' {
		start, end = v+1, quotedEnd(s, v+1, q, slashes)
		if quotedSecret(said, q, s[start:end], s[end:]) {
			return start, end
		}
		return 0, 0
	}
	if slashes > 0 || s[v] == '=' || s[v] == ':' {
		return 0, 0
	}
	if s[from:i] == "password" && v == i+1 && inNetrc(s[:from]) {
		return trimValue(s, v, v+wordLen(s[v:]), false, false)
	}
	start, end = trimValue(s, v, v+wordLen(s[v:]), true, false)
	if start == end || strings.Contains(s[start:end], Mask) || !spokenSecret(said, s[start:end]) {
		return 0, 0
	}
	return start, end
}

// saidNames are names of secrets in sentences, by their last letter.
var saidNames = [256][]string{'d': {"password", "passwd"}, 'e': {"passphrase"}, 't': {"secret"}, 'n': {"token"}, 'y': {}}

// saidName returns which of the names of secrets a sentence has in s[from:to], ""
// for none.
func saidName(s string, from, to, floor int) string {
	name := s[from:to]
	for _, known := range saidNames[lower(s[to-1])] {
		if at := nameSuffix(name, known); at >= 0 && wordStart(name, at) {
			return known
		}
	}
	if foldEqual(name, "by") && foldSuffix(s[floor:from], "identified ") { // SQL
		return "password"
	}
	return ""
}

// quotedSecret reports whether a quoted text after the name of a secret is one.
func quotedSecret(name string, quote byte, v, after string) bool {
	if len(v) < 4 || harmless(v, true) || ordinary(v) {
		return false
	}
	switch name {
	case "token":
		return mixed(v) && len(v) >= 6 // "unexpected token 'export'"
	case "secret":
		return !clusterWords(after) && (quote == '\'' || !objectName(v))
	}
	return true
}

// clusterWords reports whether a text goes on as one about a Secret does.
func clusterWords(after string) bool {
	after = strings.TrimLeft(after, "\\\"'` ")
	for _, words := range []string{"not found", "is forbidden", "already exists", "does not exist", "in namespace", "in the namespace", "of type", "not registered", "is invalid", "created", "deleted", "configured", "unchanged", "patched", "has no", "is missing", "must"} {
		if foldPrefix(after, words) {
			return true
		}
	}
	return false
}

// objectName reports whether v can be the name of an object, and does not look
// made by a machine.
func objectName(v string) bool {
	dashed := false
	for i := range len(v) {
		c := v[i]
		if c >= 'A' && c <= 'Z' || !nameByte(c) && c != '/' || c == '_' {
			return false
		}
		dashed = dashed || c == '-' || c == '.' || c == '/'
	}
	return dashed || !mixed(v)
}

// spokenSecret reports whether a bare word after the name of a secret is one.
func spokenSecret(name, v string) bool {
	if n := indexAny(v, ":="); n > 0 && n < len(v)-1 && nameByte(v[n-1]) || len(v) < 4 || ordinary(v) {
		return false // a name with a value of its own
	}
	switch name {
	case "passwd": // no word of prose
		return mixed(v) || alnumOnly(v) && !proseAfter[v]
	case "secret", "token":
		return len(v) >= 16 && mixed(v) && !objectName(v) && !hex(v)
	}
	return mixed(v)
}

// proseAfter are words that follow "passwd" where it is a file or a program.
var proseAfter = map[string]bool{"file": true, "entry": true, "entries": true, "command": true, "database": true, "changed": true, "for": true, "from": true, "updated": true, "with": true, "line": true, "field": true}

// mixed reports whether v looks made up: letters with digits or with signs that
// words do not have.
func mixed(v string) bool {
	letter, other := false, false
	for i := range len(v) {
		switch c := v[i]; {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			letter = true
		case c >= '0' && c <= '9', strings.IndexByte("!#$%^&*+=?@~", c) >= 0:
			other = true
		}
	}
	return letter && other
}

func alnumOnly(v string) bool {
	for i := range len(v) {
		if !alnum(v[i]) {
			return false
		}
	}
	return true
}

// ordinary reports words that look made up and are known to everybody.
func ordinary(v string) bool {
	switch strings.ToLower(v) {
	case "sha1", "sha256", "sha384", "sha512", "md5", "base64", "oauth2", "argon2", "argon2id", "argon2i", "pbkdf2", "bcrypt2", "utf8", "utf-8", "print0", "python2", "python3", "proto2", "proto3", "ppc64", "ppc64le", "http2", "http/2":
		return true
	}
	return false
}

// elementValue finds the text of an element of XML, "<password>abc</password>",
// from the ">" at s[i].
func elementValue(s string, i, floor int) (start, end int) {
	from := nameStart(s, i, floor)
	tag := from < i && from > 0 && (s[from-1] == '<' || s[from-1] == ':') && secretName(s[from:i]) == secret
	if !tag && (i == 0 || s[i-1] != '"' && s[i-1] != '\'' || !namedElement(s[:i])) {
		return 0, 0
	}
	n := strings.IndexByte(s[i+1:], '<')
	if n <= 0 || !strings.HasPrefix(s[i+1+n:], "</") || harmless(strings.TrimSpace(s[i+1:i+1+n]), false) {
		return 0, 0
	}
	return i + 1, i + 1 + n
}

// escapedValue finds the value of a parameter in a URL that stands in a URL:
// "token%3Dabc%26page%3D2", from the "%" at s[i].
func escapedValue(s string, i, floor int) (start, end int) {
	if !foldPrefix(s[i:], "%3d") {
		return 0, 0
	}
	from := nameStart(s, i, floor)
	if secretName(s[from:i]) != secret {
		return 0, 0
	}
	start = i + len("%3d")
	end = start + wordLen(s[start:])
	end = start + indexAny(s[start:end], "&#")
	for _, stop := range []string{"%26", "%23"} {
		if n := strings.Index(s[start:end], stop); n >= 0 {
			end = start + n
		}
	}
	return trimValue(s, start, end, false, false)
}
