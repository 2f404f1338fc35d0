package gitlabjob

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"rollbook/text"
)

// shown is how many lines of a log are kept.
const shown = 200

// tail is how many bytes of a long log are read closely: the lines that are shown.
const tail = 256 << 10

// longest is how many bytes of one line are kept: one without an end must not fill the
// memory.
const longest = 16 << 10

// trace reads a job's log as it grows.
type trace struct {
	job     int64
	read    int64  // bytes
	rest    []byte // the beginning of a line whose end is not there yet
	stream  text.Stream
	kept    []string
	trouble string // why the log cannot be read now; "" when it can
}

// part takes what a server sent that reads on where it is asked to.
func (t *trace) part(contentRange string, b []byte) {
	var from int64
	if _, err := fmt.Sscanf(contentRange, "bytes %d-", &from); err != nil || from != t.read {
		return // another part than was asked for
	}
	t.take(b)
}

// whole takes all of the log. A shorter one than before was erased, or is another one.
func (t *trace) whole(b []byte) {
	if int64(len(b)) < t.read {
		*t = trace{job: t.job}
	}
	t.take(b[t.read:])
}

func (t *trace) take(b []byte) {
	t.read += int64(len(b))
	if len(b) > tail {
		b, t.rest, t.stream = b[len(b)-tail:], nil, text.Stream{}
	}
	b = append(t.rest, b...)
	for {
		n := bytes.IndexByte(b, '\n')
		if n < 0 {
			break
		}
		t.line(b[:n])
		b = b[n+1:]
	}
	if len(b) > longest {
		t.line(b)
		b = nil
	}
	t.rest = slices.Clone(b)
}

// end takes the last line, which may have no end.
func (t *trace) end() {
	if len(t.rest) > 0 {
		t.line(t.rest)
		t.rest = nil
	}
}

// section matches GitLab's mark of where a part of the log begins or ends.
var section = text.Pattern(`section_(start|end):\d+:[^\r\x1b]*\r?(\x1b\[0K)?`)

func (t *trace) line(b []byte) {
	if len(b) > longest {
		b = b[:longest]
	}
	s := section().ReplaceAllString(string(b), "")
	if s == "" && len(b) > 0 {
		return // nothing but a mark
	}
	s = strings.TrimRight(s, "\r")
	s = s[strings.LastIndexByte(s, '\r')+1:] // what a terminal shows that goes back to the line's beginning
	t.kept = append(t.kept, t.stream.Line(s))
	if over := len(t.kept) - shown; over > 0 {
		t.kept = slices.Delete(t.kept, 0, over)
	}
}

// lines returns the last ones, and after them why the log cannot be read. They are not
// changed later.
func (t *trace) lines() []string {
	out := slices.Clone(t.kept)
	if t.trouble != "" {
		out = append(out, t.trouble)
	}
	return out
}
