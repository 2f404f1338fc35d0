package text

import (
	"slices"
	"strings"
)

// Values after a name in files of settings that need no sign between the two.

// netrcBefore bounds how far back the beginning of an entry of a .netrc is looked for.
const netrcBefore = 256

// netrcKeys are the words of a .netrc that are followed by a value.
var netrcKeys = map[string]bool{"machine": true, "login": true, "account": true, "password": true}

// inNetrc reports whether s ends within an entry of a .netrc: "machine h login u", or
// "default", in pairs, on one line or over several.
func inNetrc(s string) bool {
	s = strings.ReplaceAll(s[max(0, len(s)-netrcBefore):], NewlineSign, "\n")
	words := strings.Fields(s)
	key := func(n int) string { return words[n][strings.LastIndexAny(words[n], "\"'`")+1:] } // {"netrc":"machine
	for n := len(words); n > 0; n -= 2 {
		switch {
		case key(n-1) == "default":
			return n < len(words)
		case n == 1 || !netrcKeys[key(n-2)]:
			return false
		case key(n-2) == "machine":
			return true
		}
	}
	return false
}

// netrcLine is inNetrc for the lines of a log: it reports whether a line is one of an entry
// of which a line was read before it, and whether the next one may be, too.
func netrcLine(s string, within bool) (is, next bool) {
	words := strings.Fields(s)
	switch {
	case len(words) == 0 || len(words)%2 == 1 && words[0] != "default":
		return false, false
	case words[0] == "machine", words[0] == "default":
		return false, true
	}
	is = within && netrcKeys[words[0]]
	return is, is
}

// directives are settings of Redis whose value is a password, by their last letter.
var directives = [256][]string{'s': {"requirepass"}, 'h': {"masterauth"}}

// directiveValue finds the value of a directive, from the space at s[i] after its name:
// the last word of its line, or one that looks made up, since a sentence may go on there.
func directiveValue(s string, i, from int) (start, end int) {
	known := false
	for _, d := range directives[lower(s[i-1])] {
		known = known || foldEqual(s[from:i], d)
	}
	if !known {
		return 0, 0
	}
	v := i + len(s[i:]) - len(strings.TrimLeft(s[i:], " "))
	if v == len(s) {
		return 0, 0
	}
	if q := s[v]; q == '"' || q == '\'' {
		if end = quotedEnd(s, v+1, q, 0); harmless(s[v+1:end], false) {
			return 0, 0
		}
		return v + 1, end
	}
	end = v + wordLen(s[v:])
	if b := lineBreak(s, end); strings.Trim(s[end:b.from], " \"'`") != "" && !mixed(s[v:end]) {
		return 0, 0
	}
	return trimValue(s, v, end, true, false)
}

// notKeys lists the words before KEY in names of variables that hold no secret.
var notKeys = strings.Fields(`
	primary foreign public pub partition sort cache idempotency routing binding unique shard sharding group index object hash range config feature flag dedup deduplication lookup
	message record row topic map redis etcd consul i18n translation issue project space job queue order join composite natural surrogate candidate search label tag
	metric host known hot short arrow enter escape any no missing duplicate registry distribution dist by column field name id lock limit rate`)

// keyOfCapitals reports whether a name is that of a variable with a key in it, STRIPE_KEY.
func keyOfCapitals(name string) bool {
	rest, ok := strings.CutSuffix(name, "_KEY")
	if !ok || rest == "" || strings.ToUpper(name) != name {
		return false
	}
	last := strings.ToLower(rest[strings.LastIndexByte(rest, '_')+1:])
	return last != "" && !slices.Contains(notKeys, last)
}

// listed returns where a list of quoted texts ends that begins with the one at
// s[start:end], so that all of it is masked.
func listed(s string, end int, quote byte, slashes int) int {
	between := strings.Repeat(`\`, slashes) + string(quote)
	for {
		rest := s[end:]
		next, ok := strings.CutPrefix(rest, between+",")
		if !ok {
			return end
		}
		next, ok = strings.CutPrefix(strings.TrimLeft(next, " \n"), between)
		if !ok {
			return end
		}
		v := len(s) - len(next)
		end = quotedEnd(s, v, quote, slashes)
	}
}

// attributeNames are attributes of XML that name what an element holds.
var attributeNames = []string{"name", "key", "id"}

// namedElement reports whether s ends in a tag of XML, but for its ">", with the name of a
// secret: <property name="password".
func namedElement(s string) bool {
	s = s[max(0, len(s)-4*maxName):]
	open := strings.LastIndexByte(s, '<')
	if open < 0 || strings.IndexByte(s[open:], '>') >= 0 {
		return false
	}
	tag := s[open:]
	for _, a := range attributeNames {
		_, v, ok := strings.Cut(tag, " "+a+"=")
		if !ok || v == "" || v[0] != '"' && v[0] != '\'' {
			continue
		}
		if name, _, ok := strings.Cut(v[1:], v[:1]); ok && secretName(name) == secret {
			return true
		}
	}
	return false
}
