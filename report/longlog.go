package report

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// longLog is a log of which at most limit bytes are kept, the newest. It is
// written as it is read, to two files in turn, so that it never stands in
// memory: when the newer one has reached the limit, the older one is dropped.
type longLog struct {
	s     *store
	name  string
	limit int64

	old, cur *part
	buf      *bufio.Writer
	cut      int64 // bytes that were dropped with old ones
	lines    int
}

func (s *store) longLog(name string, limit int64) *longLog {
	return &longLog{s: s, name: name, limit: max(1, limit)}
}

// line appends one line.
func (l *longLog) line(s string) error {
	if l.cur == nil || l.cur.n+int64(l.buf.Buffered()+len(s)) >= l.limit {
		if err := l.turn(); err != nil {
			return err
		}
	}
	l.lines++
	if _, err := l.buf.WriteString(s); err != nil {
		return err
	}
	return l.buf.WriteByte('\n')
}

// turn begins the next file.
func (l *longLog) turn() error {
	if l.cur != nil {
		if err := l.buf.Flush(); err != nil {
			return err
		}
		if l.old != nil {
			l.cut += l.old.n
			l.old.drop()
		}
		l.old, l.cur = l.cur, nil
	}
	p, err := l.s.part(l.name)
	if err != nil {
		return err
	}
	l.cur = p
	if l.buf == nil {
		l.buf = bufio.NewWriterSize(p, 16<<10)
	}
	l.buf.Reset(p)
	return nil
}

func (l *longLog) drop() {
	for _, p := range []*part{l.old, l.cur} {
		if p != nil {
			p.drop()
		}
	}
	l.old, l.cur = nil, nil
}

// errEmpty is a log without a line.
var errEmpty = errors.New("it is empty")

// keep puts the log in its place; at once when somebody waits for that, without
// copying: then a long log stays in two files.
func (l *longLog) keep(f File, atOnce bool) error {
	if l.cur == nil {
		return errEmpty
	}
	defer l.drop()
	if err := l.buf.Flush(); err != nil {
		return err
	}
	cur := l.cur
	switch {
	case l.old == nil:
		l.cur = nil
		return l.s.keep(cur, f)
	case atOnce:
		old, second := l.old, f
		l.old, l.cur = nil, nil
		second.Name = l.s.reserve(l.name)
		f.Note = "it goes on in " + second.Name
		if l.cut > 0 {
			f.Note += fmt.Sprintf("; the oldest %s of this log are cut", size(l.cut))
		}
		if _, err := fmt.Fprintf(old, "(%s)\n", f.Note); err != nil {
			old.drop()
			cur.drop()
			return err
		}
		return errors.Join(l.s.keep(cur, second), l.s.keep(old, f)) // should there be room for one: the newer
	}
	p, note, err := l.join()
	if err != nil {
		return err
	}
	f.Note = note
	return l.s.keep(p, f)
}

// join puts the end of the older file before the newer one, below a line that
// says what is cut.
func (l *longLog) join() (*part, string, error) {
	const room = 200 // for that line
	skip := max(0, l.old.n+l.cur.n+room-l.limit)
	skip = min(skip, l.old.n)
	if _, err := l.old.f.Seek(skip, io.SeekStart); err != nil {
		return nil, "", err
	}
	if _, err := l.cur.f.Seek(0, io.SeekStart); err != nil {
		return nil, "", err
	}
	in := bufio.NewReaderSize(l.old.f, 64<<10)
	if skip > 0 && skip < l.old.n {
		rest, err := in.ReadSlice('\n') // no line is longer than what the source cuts it to
		for errors.Is(err, bufio.ErrBufferFull) {
			skip += int64(len(rest))
			rest, err = in.ReadSlice('\n')
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, "", err
		}
		skip += int64(len(rest))
	}
	note := ""
	p, err := l.s.part(l.name)
	if err != nil {
		return nil, "", err
	}
	if cut := l.cut + skip; cut > 0 {
		note = fmt.Sprintf("the oldest %s of this log are cut: at most %s of it are kept", size(cut), size(l.limit))
		if _, err := fmt.Fprintf(p, "(%s)\n", note); err != nil {
			p.drop()
			return nil, "", err
		}
	}
	for _, from := range []io.Reader{in, l.cur.f} {
		if _, err := io.Copy(p, from); err != nil {
			p.drop()
			return nil, "", err
		}
	}
	return p, note, nil
}
