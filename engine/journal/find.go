package journal

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"rollbook/incident"
)

// File is a journal in one of the folders where journals lie, as it was when it
// was found. Nothing of it has been read.
type File struct {
	Path     string
	Size     int64 // bytes
	Modified time.Time
}

// Name returns the name under which the incident is asked for: its folder's,
// which a second incident of the same minute has to itself.
func (f File) Name() string { return filepath.Base(filepath.Dir(f.Path)) }

// Find lists the journals in the folders, the one written last first, and reads
// none of them. A folder that is not there is empty. What cannot be looked at, or
// could be another user's, is in errs and hides nothing else.
func Find(dirs []string) (files []File, errs []error) {
	for _, dir := range dirs {
		if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := Ours(dir); err != nil {
			errs = append(errs, fmt.Errorf("list journals: %w", err))
			continue
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			errs = append(errs, fmt.Errorf("list journals: %w", err))
		}
		for _, e := range entries {
			path := filepath.Join(dir, e.Name(), FileName)
			st, err := os.Lstat(path)
			if err == nil && e.Type()&fs.ModeSymlink != 0 {
				err = fmt.Errorf("%s is a symbolic link: %w", filepath.Join(dir, e.Name()), ErrForeign)
			}
			if err == nil {
				err = foreign(st, path)
			}
			switch {
			case errors.Is(err, ErrForeign):
				errs = append(errs, fmt.Errorf("find journal: %w", err))
			case errors.Is(err, fs.ErrNotExist), err != nil && !e.IsDir():
				// A folder of something else, or a file: no incident.
			case err != nil:
				errs = append(errs, fmt.Errorf("find journal: %w", err))
			case !st.Mode().IsRegular():
				errs = append(errs, fmt.Errorf("journal %s: %w: it is no regular file", path, ErrBroken))
			default:
				files = append(files, File{Path: path, Size: st.Size(), Modified: st.ModTime()})
			}
		}
	}
	newestFirst(files)
	return files, errs
}

func newestFirst(files []File) {
	slices.SortStableFunc(files, func(a, b File) int { return b.Modified.Compare(a.Modified) })
}

// Opened returns when the incident was opened, or, where the journal does not
// say, when it was last written. Of a journal without a kept summary it reads no
// further than the fact that tells it.
func (f File) Opened() (time.Time, error) {
	if s := Kept(f); s != nil {
		if s.Opened.IsZero() {
			return f.Modified, nil
		}
		return s.Opened, nil
	}
	switch x, err := f.opening(); {
	case err != nil:
		return time.Time{}, err
	case x != nil:
		return x.At, nil
	}
	return f.Modified, nil
}

// opening returns the fact that opened the incident, also from behind a damaged line:
// it rests on nothing before it. It is nil where no line tells it.
func (f File) opening() (*incident.Fact, error) {
	r, err := open(f.Path)
	if err != nil {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	defer r.Close()
	in := bufio.NewReader(r)
	for n := 1; ; n++ {
		line, err := readLine(in)
		switch {
		case n == 1 && err == nil:
			if _, err := header(line); err != nil {
				return nil, fmt.Errorf("journal %s: %w", f.Path, err)
			}
		case n == 1:
			return nil, fmt.Errorf("journal %s: %w: it has no header line", f.Path, ErrBroken)
		case err != nil:
			return nil, nil // no whole line is left, and none told it
		case kindOf(line) == openedKind:
			var x incident.Fact
			if err := x.UnmarshalJSON(line); err == nil {
				return &x, nil
			}
		}
	}
}

// Names of the facts that are looked for without decoding the others.
var openedKind, closedKind, reportKind = mustKind(incident.Opened{}), mustKind(incident.WasClosed{}), mustKind(incident.ReportWritten{})

// mustKind returns the name under which facts of b's type stand in a journal.
func mustKind(b incident.Body) string {
	line, err := encode(incident.Fact{Body: b})
	if err != nil {
		panic(err) // a type that is no fact
	}
	return kindOf(line)
}

// kindOf returns the name of the fact on a line, "" for the header and for what
// was not written by encode. It does not decode the line: the first `"fact":"` is
// the key, because a quote inside a string, such as the operator's name that
// stands before it, is escaped. What the line says is known only when it is
// decoded.
func kindOf(line []byte) string {
	const key = `"fact":"`
	_, rest, _ := bytes.Cut(line, []byte(key))
	kind, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(kind)
}
