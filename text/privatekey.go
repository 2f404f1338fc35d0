package text

import "strings"

// Private keys in PEM: within one text, and over the lines of a log.

const (
	pemBegin = "-----BEGIN "
	pemEnd   = "-----END "
)

// keyRun is from which length on a run of base64 may be a line of a key's body:
// PEM breaks its lines after 64 characters, OpenSSH after 70.
const keyRun = 40

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
	e := strings.Index(s[body:], pemEnd)
	if e < 0 {
		return i, len(s)
	}
	e += body + len(pemEnd)
	if n := strings.Index(s[e:], "-----"); n >= 0 {
		return i, e + n + len("-----")
	}
	return i, len(s)
}

// privateKeyRest finds what is there of a private key whose END line is at s[i]
// and whose beginning was cut off: the end of a log is often kept alone.
func privateKeyRest(s string, i, floor int) (start, end int) {
	label := s[i+len(pemEnd) : min(len(s), i+len(pemEnd)+64)]
	n := strings.Index(label, "-----")
	if n < 0 || !strings.Contains(label[:n], "PRIVATE KEY") {
		return 0, 0
	}
	last := true // the key's last line, which may be short
	for at := i; at > floor; {
		to := at
		for to > floor && !base64Byte(s[to-1]) {
			to--
		}
		from := to
		for from > floor && base64Byte(s[from-1]) {
			from--
		}
		switch {
		case isKeyRun(s[from:to]):
			start, end = from, i+len(pemEnd)+n+len("-----")
		case !last:
			return start, end
		}
		last, at = false, from
	}
	return start, end
}

// isKeyRun reports whether a run of base64 is long enough for a line of a key,
// and no digest in hexadecimal.
func isKeyRun(run string) bool {
	return len(run) >= keyRun && !hex(run)
}

func base64Byte(c byte) bool { return alnum(c) || c == '+' || c == '/' || c == '=' }

// A Stream reads one log, line by line, and also masks a private key spread over
// several of its lines. The zero value is at the log's beginning, which may lie
// within a key; it belongs to one goroutine.
type Stream struct {
	read  bool // a line was read
	cut   bool // all lines so far may belong to a key whose beginning is not there
	left  int  // how many more lines may belong to a key that began
	words int  // how many words stand before the key on its lines: a time, a level
	solid bool // the line before belongs to the key
	netrc bool // the line before belongs to an entry of a .netrc
}

// maxKeyLines bounds what one BEGIN line can hide: an RSA key of 16384 bits
// has some 200 lines.
const maxKeyLines = 220

// Line sanitises and redacts the next line.
func (t *Stream) Line(s string) string {
	s = Clean(s)
	if !t.read {
		t.read, t.cut = true, true
	}
	if t.keyLine(s) {
		return Mask
	}
	is, next := netrcLine(s, t.netrc)
	if t.netrc = next; is {
		const begun = "machine h "
		return strings.TrimPrefix(Redact(begun+s), begun)
	}
	if i := strings.LastIndex(s, pemBegin); i >= 0 {
		if body, ok := privateKeyBody(s, i); ok && !strings.Contains(s[body:], pemEnd) {
			t.left, t.solid, t.words = maxKeyLines, true, len(strings.Fields(s[:i]))
			if i > 0 && s[i-1] != ' ' {
				t.words-- // {"msg":"-----BEGIN…
			}
		}
	}
	return Redact(s)
}

// keyLine reports whether the line is one of a key's body, or its END line. What a
// program wrote in between is none: others of its threads may go on.
func (t *Stream) keyLine(s string) bool {
	if t.left == 0 && !t.cut {
		return false
	}
	run, words := lastRun(s)
	if t.cut {
		// Nothing said that it is a key: only what can be nothing else.
		body := len(run) >= 60 && strings.ContainsAny(run, "0123456789") && strings.ToUpper(run) != run && strings.ToLower(run) != run
		rest := t.solid && words == t.words && run != ""
		t.cut, t.solid, t.words = body, body, words
		return body || rest
	}
	t.left--
	if strings.Contains(s, pemEnd) {
		t.left, t.solid = 0, false
		return true
	}
	long := isKeyRun(run) || isKeyRun(longestRun(s))
	body := long || t.solid && run != "" && words == t.words
	t.solid = long
	return body
}

// lastRun returns the run of base64 with which a line ends, but for what closes a
// text, and how many words stand before it.
func lastRun(s string) (run string, words int) {
	s = strings.TrimRight(s, " \"'`,;)]}>")
	s = strings.TrimSuffix(strings.TrimSuffix(s, `\n`), `\r`)
	i := len(s)
	for i > 0 && base64Byte(s[i-1]) {
		i--
	}
	words = len(strings.Fields(s[:i]))
	if i > 0 && s[i-1] != ' ' {
		words--
	}
	return s[i:], words
}

// longestRun returns the longest run of base64 in a line.
func longestRun(s string) (longest string) {
	for i := 0; i < len(s); i++ {
		from := i
		for i < len(s) && base64Byte(s[i]) {
			i++
		}
		if i-from > len(longest) {
			longest = s[from:i]
		}
	}
	return longest
}
