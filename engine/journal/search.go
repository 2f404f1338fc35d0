package journal

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"

	"rollbook/incident"
)

// Unfinished is what earlier runs left to be done, the journal written last
// first.
type Unfinished struct {
	Open       []*Summary // not closed
	Unreported []*Summary // closed, and the report does not tell of it
	Errs       []error    // what cannot be read; it hides nothing else
}

// Search finds the journals in the folders that are not finished. Of a closed one
// it reads the end, or its kept summary; what it had to read whole it forgets at
// once, but for the summary. It calls turnsTo with each path before it reads there,
// and returns early, with nothing found, when ctx ends.
func Search(ctx context.Context, dirs []string, turnsTo func(path string)) (u Unfinished) {
	var files []File
	for _, dir := range dirs {
		turnsTo(dir)
		some, errs := Find([]string{dir})
		files, u.Errs = append(files, some...), append(u.Errs, errs...)
	}
	newestFirst(files)
	same := map[Header][]string{} // paths of journals with the same header
	var left []*Summary
	buf := bufio.NewReaderSize(nil, tail)
	for _, f := range files {
		if ctx.Err() != nil {
			return Unfinished{}
		}
		turnsTo(f.Path)
		s, err := summarize(f, buf)
		if err != nil {
			u.Errs = append(u.Errs, err)
			continue
		}
		same[s.Header] = append(same[s.Header], s.Path)
		if s.State != Closed {
			left = append(left, s)
		}
	}
	for _, s := range left {
		switch {
		case s.copied(same[s.Header], turnsTo):
		case s.State == Open:
			u.Open = append(u.Open, s)
		default:
			u.Unreported = append(u.Unreported, s)
		}
	}
	return u
}

// summarize returns a journal's summary: the kept one if it counts. Of a closed
// journal without one it holds no more than the path, the header and the state. It
// reads through buf.
func summarize(f File, buf *bufio.Reader) (*Summary, error) {
	if s := Kept(f); s != nil {
		return s, nil
	}
	if s := skim(f.Path, buf); s != nil {
		return s, nil
	}
	c, err := Read(f.Path)
	if err != nil {
		return nil, err
	}
	s := c.Summary()
	_ = s.Keep() // a folder that takes no file costs the same time at the next start, and nothing else
	return s, nil
}

// copied reports whether the journal is an earlier copy of one of those at paths,
// which have the same header: it was left behind on a disk that failed, while the
// whole went on in another folder.
func (s *Summary) copied(paths []string, turnsTo func(string)) bool {
	if s.Facts == 0 {
		return false
	}
	for _, p := range paths {
		if p == s.Path {
			continue
		}
		turnsTo(p)
		// Of two that are equal the first in order of their paths stays.
		c, err := Read(p)
		if err == nil && (len(c.Facts) > s.Facts || len(c.Facts) == s.Facts && p < s.Path) && digest(c.Facts[s.Facts-1]) == s.Last {
			return true
		}
	}
	return false
}

// tail is how much of a journal's end is read first, in bytes. After the close
// comes little more than the report.
const tail = 16 << 10

// skim returns the header and the state of a journal that is closed and reported,
// as far as that can be told without decoding every fact; else nil, and then the
// journal has to be read.
func skim(path string, buf *bufio.Reader) *Summary {
	f, err := open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil
	}
	buf.Reset(f)
	first, err := readLine(buf)
	if err != nil {
		return nil
	}
	h, err := header(first)
	if err != nil {
		return nil
	}
	for _, from := range []int64{max(0, st.Size()-tail), 0} {
		buf.Reset(io.NewSectionReader(f, from, st.Size()-from))
		w, err := lastWordIn(buf, from > 0)
		switch {
		case err != nil:
			return nil
		case w.closed && (w.reportedAfter || from == 0 && !w.reportedBefore):
			return &Summary{Path: path, Header: h, State: Closed}
		case from == 0 || w.closed && w.reportedBefore:
			return nil
		}
	}
	return nil
}

// lastWord is what a part of a journal says of the incident's end.
type lastWord struct{ closed, reportedBefore, reportedAfter bool }

// lastWordIn looks through lines for the close and the reports. The first line is
// left out when it is cut, and so is one that does not end.
func lastWordIn(in *bufio.Reader, cut bool) (w lastWord, err error) {
	for n := 0; ; n++ {
		line, err := readLine(in)
		if errors.Is(err, io.EOF) {
			return w, nil
		}
		if err != nil {
			return w, err
		}
		if n == 0 && cut {
			continue
		}
		switch kindOf(line) {
		case closedKind, reportKind:
		default:
			continue
		}
		var f incident.Fact
		if err := f.UnmarshalJSON(bytes.TrimSpace(line)); err != nil {
			return w, err
		}
		switch f.Body.(type) {
		case incident.WasClosed:
			w = lastWord{closed: true, reportedBefore: w.reportedBefore || w.reportedAfter}
		case incident.ReportWritten:
			w.reportedBefore, w.reportedAfter = w.reportedBefore || !w.closed, w.reportedAfter || w.closed
		}
	}
}
