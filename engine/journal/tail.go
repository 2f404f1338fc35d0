package journal

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"rollbook/incident"
)

// Tail reads on in a journal that another program may still write. It is used
// from one goroutine.
type Tail struct {
	path  string
	at    int64 // bytes read, up to the end of a whole line
	seen  int64 // the file's size when it was looked at last
	facts []incident.Fact
}

// NewTail makes a tail of a journal that was read: its facts are the first.
func NewTail(c *Content) *Tail {
	return &Tail{path: c.Path, at: c.Good, seen: c.Good, facts: c.Facts}
}

// More returns the facts that it has not returned yet. A line that is not whole,
// or not readable while it is the last, is left for the next time.
func (t *Tail) More() ([]incident.Fact, error) {
	facts := t.facts
	t.facts = nil
	st, err := os.Stat(t.path)
	if err != nil {
		return facts, fmt.Errorf("read journal: %w", err)
	}
	if st.Size() == t.seen {
		return facts, nil
	}
	more, err := t.read()
	if err != nil {
		return append(facts, more...), fmt.Errorf("journal %s: after %d bytes: %w", t.path, t.at, err)
	}
	t.seen = st.Size()
	return append(facts, more...), nil
}

func (t *Tail) read() (facts []incident.Fact, err error) {
	f, err := open(t.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if _, err := f.Seek(t.at, io.SeekStart); err != nil {
		return nil, err
	}
	in := bufio.NewReader(f)
	for {
		line, err := readLine(in)
		if errors.Is(err, io.EOF) {
			return facts, nil
		}
		if err != nil {
			return facts, err
		}
		var fact incident.Fact
		if err := fact.UnmarshalJSON(line); err != nil {
			if _, more := in.Peek(1); errors.Is(more, io.EOF) {
				return facts, nil
			}
			return facts, err
		}
		facts = append(facts, fact)
		t.at += int64(len(line))
	}
}

// Held reports whether a program has the journal open to write it.
func (t *Tail) Held() bool { return Locked(t.path) }
