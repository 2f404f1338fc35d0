package journal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"rollbook/incident"
)

// Version is that of the journal's format. From 2 on every later version of rollbook
// reads it; nothing was released with 1.
const Version = 2

// FileName is the journal's name in the incident's folder.
const FileName = "journal.jsonl"

// maxLine bounds one fact: a longer line is not one of ours.
const maxLine = 4 << 20

// Errors of reading. They are wrapped with the file and the line.
var (
	ErrNewer  = errors.New("written by a newer rollbook")
	ErrOlder  = errors.New("written before rollbook's first format")
	ErrBroken = errors.New("not a journal of rollbook")
	ErrLocked = errors.New("another rollbook on this machine is writing it")
)

// Header is a journal's first line.
type Header struct {
	Journal   int    `json:"journal"` // Version
	ID        string `json:"id"`
	Cluster   string `json:"cluster"`
	Namespace string `json:"namespace"`
}

// Content is a journal as read.
type Content struct {
	Path   string
	Header Header
	Facts  []incident.Fact
	// Torn is the number of bytes at the end that are no whole line: what a crash
	// cut off. Good is the length up to the last good line.
	Torn, Good int64
	Damage     *Damage   // of a line that others follow; nil = none
	Modified   time.Time // the file's, before it was read
	// steady says that nobody wrote the file while it was read: its size and time
	// stand for what is in Facts.
	steady bool
}

// Damage is a line that cannot be read, with others after it. The facts before it
// count; what comes after it may rest on what it said.
type Damage struct {
	Line  int
	Bytes int64 // from that line on to the end
	Why   error
}

func (d *Damage) String() string {
	return fmt.Sprintf("line %d cannot be read: %s; it and all after it, %d bytes, are left out", d.Line, d.Why, d.Bytes)
}

// Closed says whether the incident was closed.
func (c *Content) Closed() bool {
	for n := len(c.Facts) - 1; n >= 0; n-- {
		if _, ok := c.Facts[n].Body.(incident.WasClosed); ok {
			return true
		}
	}
	return false
}

// Unreported says whether the incident was closed and its report not written
// once more after that: the program ended too early.
func (c *Content) Unreported() bool {
	reported, closed := -1, -1
	for n, f := range c.Facts {
		switch f.Body.(type) {
		case incident.ReportWritten:
			reported = n
		case incident.WasClosed:
			closed = n
		}
	}
	return closed >= 0 && reported >= 0 && reported < closed
}

// Read reads a journal. A torn last line is left out and counted. From a line in the
// middle on that cannot be read all is left out, as Damage tells.
func Read(path string) (*Content, error) {
	f, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	defer f.Close()
	before, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	c, err := decode(f)
	if err != nil {
		return nil, fmt.Errorf("journal %s: %w", path, err)
	}
	c.Path, c.Modified = path, before.ModTime()
	if after, err := f.Stat(); err == nil {
		c.steady = c.length() == before.Size() && after.Size() == before.Size() && after.ModTime().Equal(before.ModTime())
	}
	return c, nil
}

// length is the file's, with what is left out of it.
func (c *Content) length() int64 {
	if c.Damage != nil {
		return c.Good + c.Torn + c.Damage.Bytes
	}
	return c.Good + c.Torn
}

func decode(r io.Reader) (*Content, error) {
	c := &Content{}
	in := bufio.NewReader(r)
	for n := 1; ; n++ {
		line, err := readLine(in)
		if errors.Is(err, io.EOF) {
			c.Torn = int64(len(line))
			break
		}
		if err != nil && (n == 1 || !errors.Is(err, ErrBroken)) {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if err != nil {
			return c.damaged(n, line, in, err)
		}
		if n == 1 {
			if c.Header, err = header(line); err != nil {
				return nil, err
			}
			c.Good += int64(len(line))
			continue
		}
		var f incident.Fact
		// Not by json.Unmarshal, which would go over each line once more.
		if err := f.UnmarshalJSON(line); err != nil {
			if _, more := in.Peek(1); errors.Is(more, io.EOF) {
				c.Torn = int64(len(line))
				break
			}
			return c.damaged(n, line, in, err)
		}
		c.Facts = append(c.Facts, f)
		c.Good += int64(len(line))
	}
	if c.Header.Journal == 0 {
		return nil, fmt.Errorf("%w: it has no header line", ErrBroken)
	}
	return c, nil
}

// damaged ends the reading at line n, which was read as far as line goes.
func (c *Content) damaged(n int, line []byte, in io.Reader, why error) (*Content, error) {
	rest, err := io.Copy(io.Discard, in)
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", n, err)
	}
	c.Damage = &Damage{Line: n, Bytes: int64(len(line)) + rest, Why: why}
	return c, nil
}

// header reads a journal's first line.
func header(line []byte) (h Header, err error) {
	if err := json.Unmarshal(line, &h); err != nil || h.Journal == 0 {
		return h, fmt.Errorf("%w: the first line is not its header", ErrBroken)
	}
	switch {
	case h.Journal > Version:
		return h, fmt.Errorf("%w: format %d, this one reads format %d; open it with that version", ErrNewer, h.Journal, Version)
	case h.Journal < Version:
		return h, fmt.Errorf("%w: format %d, which no released version wrote and none reads; this one reads format %d", ErrOlder, h.Journal, Version)
	}
	return h, nil
}

// readLine reads up to and with the next newline. At the end of the file it
// returns what is left together with io.EOF.
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > maxLine:
			return line, fmt.Errorf("%w: a line of more than %d bytes", ErrBroken, maxLine)
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		}
		return line, err
	}
}

// encode gives a fact's line.
func encode(f incident.Fact) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(f); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
