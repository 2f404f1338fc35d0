// Package text makes what comes from outside safe to show and to keep: logs,
// events, annotations, metric labels, the words of servers. The sanitiser
// takes out what a terminal would obey instead of show, the redactor takes out
// secrets. Everything from outside passes through here once, where it enters.
//
// Sanitise first, redact second: an escape sequence in the middle of a word
// would otherwise hide a password from the redactor. Line and Lines, and the
// methods of that name of a Redactor, do both in that order.
package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// NewlineSign stands where Clean found the end of a line.
const NewlineSign = " ↵ "

// tabSpaces replaces a tab. Its width is fixed, because the column in which
// the text will be shown is not known here.
const tabSpaces = "    "

// maxMarks is how many combining marks may sit on one character. Real scripts
// need up to four; text made to spill over its neighbours uses hundreds.
const maxMarks = 4

// Clean returns s as one line that any terminal shows and none obeys: without
// control characters and escape sequences (ESC and C1 forms of CSI, OSC, DCS,
// SOS, PM and APC), without characters that are invisible or turn the
// direction of writing, and as valid UTF-8. Ends of lines become NewlineSign,
// tabs become spaces, bytes that are not UTF-8 become U+FFFD.
//
// A sequence that does not end within its line is not believed: only its
// introducer goes and the rest is shown, so that a log cannot hide what
// follows. Clean is idempotent, and returns s itself when there is nothing to
// change.
func Clean(s string) string { return clean(s, false) }

// CleanLines is Clean for text of several lines: every kind of line end
// becomes "\n" and stays.
func CleanLines(s string) string { return clean(s, true) }

func clean(s string, keepLines bool) string {
	i := firstUnclean(s, keepLines)
	if i < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 8)
	b.WriteString(s[:i])
	var (
		pending bool // a line ended; the sign is written before the next text
		invalid bool // the last thing written stands for invalid bytes
		marks   = trailingMarks(s[:i])
	)
	for i < len(s) {
		r, size := utf8.DecodeRuneInString(s[i:])
		end, kind := classify(s, i, r, size)
		switch {
		case kind == newline && keepLines:
			b.WriteByte('\n')
			marks = 0
		case kind == newline:
			pending = true
		case kind == gone:
		case kind == invalidByte && invalid:
		case kind == mark && marks >= maxMarks:
		default:
			if pending && b.Len() > 0 {
				b.WriteString(NewlineSign)
				marks = 0
			}
			pending = false
			switch kind {
			case tab:
				b.WriteString(tabSpaces)
				marks = 0
			case invalidByte:
				b.WriteRune(utf8.RuneError)
				marks = 0
			case mark:
				b.WriteString(s[i:end])
				marks++
			default:
				b.WriteString(s[i:end])
				marks = 0
			}
		}
		invalid = kind == invalidByte
		i = end
	}
	return b.String()
}

// firstUnclean returns where s must be changed first, or -1. It is what every
// clean line costs, so printable ASCII is passed over byte by byte.
func firstUnclean(s string, keepLines bool) int {
	marks := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c < 0x7f || c == '\n' && keepLines {
			marks = 0
			i++
			continue
		}
		if c < utf8.RuneSelf {
			return i
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch _, kind := classify(s, i, r, size); kind {
		case plain:
			marks = 0
		case mark:
			if marks++; marks > maxMarks {
				return i
			}
		default:
			return i
		}
		i += size
	}
	return -1
}

// trailingMarks counts the combining marks at the end of s.
func trailingMarks(s string) int {
	n := 0
	for s != "" {
		r, size := utf8.DecodeLastRuneInString(s)
		if !isMark(r) {
			break
		}
		n++
		s = s[:len(s)-size]
	}
	return n
}

type class int

const (
	plain       class = iota
	gone              // nothing is shown for it
	newline           // any kind of line end
	tab               //
	invalidByte       // not UTF-8
	mark              // sits on the character before it
)

// classify says what the rune at s[i:] is and where what belongs to it ends.
func classify(s string, i int, r rune, size int) (end int, kind class) {
	end = i + size
	switch {
	case r >= 0x20 && r < 0x7f:
		return end, plain
	case r == utf8.RuneError && size == 1:
		return end, invalidByte
	case r == '\t':
		return end, tab
	case r == '\r' && end < len(s) && s[end] == '\n':
		return end + 1, newline
	case r == '\n', r == '\r', r == '\v', r == '\f', r == 0x85, r == 0x2028, r == 0x2029:
		// A lone carriage return overwrites its line on a terminal; here both
		// versions stay visible.
		return end, newline
	case r == 0x1b:
		return escapeEnd(s, i), gone
	case r >= 0x80 && r < 0xa0:
		return c1End(s, end, byte(r)), gone
	case r < 0x20 || r == 0x7f || hidden(r):
		return end, gone
	case isMark(r):
		return end, mark
	}
	return end, plain
}

// hidden reports characters that show nothing, or that change how other
// characters are shown: zero-width spaces and joiners, soft hyphens, bidi
// marks, embeddings, overrides and isolates, variation selectors, blank
// fillers, tags. (Unicode's Default_Ignorable_Code_Point, and the annotation
// marks.)
func hidden(r rune) bool {
	switch {
	case r < 0x34f:
		return r == 0xad
	case r == 0x34f, r == 0x61c, r == 0x115f, r == 0x1160, r == 0x17b4, r == 0x17b5, r == 0x3164, r == 0xfeff, r == 0xffa0:
		return true
	case r >= 0x180b && r <= 0x180f,
		r >= 0x200b && r <= 0x200f,
		r >= 0x202a && r <= 0x202e,
		r >= 0x2060 && r <= 0x206f,
		r >= 0xfe00 && r <= 0xfe0f,
		r >= 0xfff0 && r <= 0xfffb,
		r >= 0x1bca0 && r <= 0x1bca3,
		r >= 0x1d173 && r <= 0x1d17a,
		r >= 0xe0000 && r <= 0xe0fff:
		return true
	}
	return false
}

func isMark(r rune) bool {
	return r >= 0x300 && unicode.In(r, unicode.Mn, unicode.Me)
}

// escapeEnd returns where the sequence that the ESC at s[i] begins ends.
func escapeEnd(s string, i int) int {
	i++
	if i == len(s) {
		return i
	}
	switch c := s[i]; {
	case c == '[':
		return csiEnd(s, i+1)
	case c == ']' || c == 'P' || c == 'X' || c == '^' || c == '_' || c == 'k':
		return stringEnd(s, i+1)
	case c >= 0x20 && c < 0x30: // intermediates, then one final byte
		for i < len(s) && s[i] >= 0x20 && s[i] < 0x30 {
			i++
		}
		if i < len(s) && s[i] >= 0x30 && s[i] < 0x7f {
			i++
		}
		return i
	case c >= 0x30 && c < 0x7f:
		return i + 1
	}
	return i
}

// c1End is escapeEnd for the one-character form of an introducer, which ends
// at s[:i].
func c1End(s string, i int, c byte) int {
	switch c {
	case 0x9b:
		return csiEnd(s, i)
	case 0x90, 0x98, 0x9d, 0x9e, 0x9f:
		return stringEnd(s, i)
	}
	return i
}

// csiEnd passes over parameters, intermediates and the final byte of a control
// sequence, as far as they are there.
func csiEnd(s string, i int) int {
	for i < len(s) && s[i] >= 0x30 && s[i] < 0x40 {
		i++
	}
	for i < len(s) && s[i] >= 0x20 && s[i] < 0x30 {
		i++
	}
	if i < len(s) && s[i] >= 0x40 && s[i] < 0x7f {
		i++
	}
	return i
}

// stringEnd returns the end of a control string whose contents begin at s[i]:
// after BEL or ST, or i itself when anything else that a string cannot hold
// comes first, or nothing does.
func stringEnd(s string, i int) int {
	for j := i; j < len(s); j++ {
		switch c := s[j]; {
		case c == 0x07:
			return j + 1
		case c == 0x1b && j+1 < len(s) && s[j+1] == '\\':
			return j + 2
		case c == 0xc2 && j+1 < len(s) && s[j+1] >= 0x80 && s[j+1] < 0xa0:
			if s[j+1] == 0x9c {
				return j + 2
			}
			return i
		case c < 0x20 || c == 0x7f:
			return i
		}
	}
	return i
}
