//go:build bench

package cli

import (
	"strings"
	"unicode/utf8"
)

// screen is what a terminal would show: as much of a VT as is needed to read
// what the program draws, since it sends only the cells that changed.
type screen struct {
	w, h     int
	x, y     int
	top, bot int // scroll region, inclusive
	cells    [][]rune
	last     rune
	rest     []byte // an unfinished sequence
	answer   func(string)
	unknown  string // the first sequence that is not understood
}

func newScreen(w, h int, answer func(string)) *screen {
	s := &screen{w: w, h: h, bot: h - 1, answer: answer}
	for range h {
		s.cells = append(s.cells, blank(w))
	}
	return s
}

func blank(w int) []rune { return []rune(strings.Repeat(" ", w)) }

func (s *screen) String() string {
	var b strings.Builder
	for _, l := range s.cells {
		b.WriteString(string(l))
		b.WriteByte('\n')
	}
	return b.String()
}

// write takes what the program sent; sequences may be cut anywhere.
func (s *screen) write(p []byte) {
	p = append(s.rest, p...)
	s.rest = nil
	for len(p) > 0 {
		n := s.one(p)
		if n == 0 {
			s.rest = append([]byte(nil), p...)
			return
		}
		p = p[n:]
	}
}

// one takes one character or sequence and returns its length; 0 = unfinished.
func (s *screen) one(p []byte) int {
	switch c := p[0]; {
	case c == 0x1b:
		return s.escape(p)
	case c == '\r':
		s.x = 0
	case c == '\n':
		s.down()
	case c == '\b':
		s.x = max(0, s.x-1)
	case c == '\t':
		s.x = min(s.w-1, s.x/8*8+8)
	case c < 0x20:
	default:
		if !utf8.FullRune(p) {
			return 0
		}
		r, n := utf8.DecodeRune(p)
		s.put(r)
		return n
	}
	return 1
}

func (s *screen) put(r rune) {
	if s.x >= s.w { // the wrap that was pending
		s.x = 0
		s.down()
	}
	s.cells[s.y][s.x] = r
	s.x++
	s.last = r
}

func (s *screen) down() {
	if s.y == s.bot {
		s.scroll(s.top, 1)
	} else {
		s.y = min(s.h-1, s.y+1)
	}
}

// scroll moves the lines from top to the region's end up by n (down if n < 0).
func (s *screen) scroll(top, n int) {
	for ; n > 0; n-- {
		copy(s.cells[top:s.bot+1], s.cells[top+1:s.bot+1])
		s.cells[s.bot] = blank(s.w)
	}
	for ; n < 0; n++ {
		copy(s.cells[top+1:s.bot+1], s.cells[top:s.bot])
		s.cells[top] = blank(s.w)
	}
}

func (s *screen) escape(p []byte) int {
	if len(p) < 2 {
		return 0
	}
	switch p[1] {
	case '[':
		for n := 2; n < len(p); n++ {
			if p[n] >= 0x40 && p[n] <= 0x7e {
				s.control(string(p[2:n]), p[n])
				return n + 1
			}
		}
		return 0
	case ']', 'P', '_':
		for n := 2; n < len(p); n++ {
			if p[n] == 7 || p[n] == '\\' && p[n-1] == 0x1b {
				if strings.HasPrefix(string(p[2:n]), "11;?") {
					s.answer("\x1b]11;rgb:0000/0000/0000\x1b\\")
				}
				return n + 1
			}
		}
		return 0
	case 'M':
		if s.y == s.top {
			s.scroll(s.top, -1)
		} else {
			s.y = max(0, s.y-1)
		}
	case '(', ')':
		if len(p) < 3 {
			return 0
		}
		return 3
	}
	return 2
}

// control is a CSI sequence.
func (s *screen) control(args string, final byte) {
	if strings.HasPrefix(args, "?") || strings.HasPrefix(args, ">") || strings.HasPrefix(args, "=") {
		s.private(args, final)
		return
	}
	var n []int
	for f := range strings.SplitSeq(args, ";") {
		v := 0
		for _, c := range f {
			if c < '0' || c > '9' {
				break
			}
			v = v*10 + int(c-'0')
		}
		n = append(n, v)
	}
	first := max(1, n[0])
	line := s.cells[s.y]
	x := min(s.x, s.w-1)
	switch final {
	case 'A':
		s.y = max(0, s.y-first)
	case 'B', 'e':
		s.y = min(s.h-1, s.y+first)
	case 'C', 'a':
		s.x = min(s.w-1, s.x+first)
	case 'D':
		s.x = max(0, x-first)
	case 'E', 'F':
		s.x, s.y = 0, max(0, min(s.h-1, s.y+map[byte]int{'E': first, 'F': -first}[final]))
	case 'G', '`':
		s.x = min(s.w, first) - 1
	case 'd':
		s.y = min(s.h, first) - 1
	case 'H', 'f':
		s.x, s.y = 0, min(s.h, first)-1
		if len(n) > 1 {
			s.x = min(s.w, max(1, n[1])) - 1
		}
	case 'I':
		s.x = min(s.w-1, (s.x/8+first)*8)
	case 'Z':
		s.x = max(0, ((x+7)/8-first)*8)
	case 'J':
		s.erase(n[0])
	case 'K':
		from, to := x, s.w
		if n[0] == 1 {
			from, to = 0, x+1
		} else if n[0] == 2 {
			from = 0
		}
		copy(line[from:to], blank(to-from))
	case 'X':
		to := min(s.w, x+first)
		copy(line[x:to], blank(to-x))
	case '@':
		k := min(first, s.w-x)
		copy(line[x+k:], line[x:])
		copy(line[x:x+k], blank(k))
	case 'P':
		k := min(first, s.w-x)
		copy(line[x:], line[x+k:])
		copy(line[s.w-k:], blank(k))
	case 'L':
		s.scroll(s.y, -first)
	case 'M':
		s.scroll(s.y, first)
	case 'S':
		s.scroll(s.top, first)
	case 'T':
		s.scroll(s.top, -first)
	case 'b':
		for range first {
			s.put(s.last)
		}
	case 'r':
		s.top, s.bot, s.x, s.y = 0, s.h-1, 0, 0
		if len(n) > 1 {
			s.top, s.bot = max(1, n[0])-1, min(s.h, max(1, n[1]))-1
		}
	case 'm', 'h', 'l', 'q', 't', 's', 'u', 'W':
	default:
		s.lost(args + string(final))
	}
}

func (s *screen) erase(what int) {
	from, to := 0, s.h
	switch what {
	case 0:
		x := min(s.x, s.w)
		copy(s.cells[s.y][x:], blank(s.w-x))
		from = s.y + 1
	case 1:
		copy(s.cells[s.y][:min(s.w, s.x+1)], blank(s.w))
		to = s.y
	}
	for y := from; y < to; y++ {
		s.cells[y] = blank(s.w)
	}
}

// private is a sequence that begins with ?, > or =. A question is answered as
// today's terminals do, with synchronized output.
func (s *screen) private(args string, final byte) {
	switch {
	case args == "?2026$" && final == 'p':
		s.answer("\x1b[?2026;2$y")
	case args == "?2027$" && final == 'p':
		s.answer("\x1b[?2027;0$y")
	case strings.HasPrefix(args, "?1049") && (final == 'h' || final == 'l'):
		s.erase(2)
		s.x, s.y = 0, 0
	case strings.ContainsRune("hlumpqnJK", rune(final)):
	default:
		s.lost(args + string(final))
	}
}

func (s *screen) lost(what string) {
	if s.unknown == "" {
		s.unknown = what
	}
}
