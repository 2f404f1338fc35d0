package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rollbook/config"
	"rollbook/engine/journal"
	"rollbook/text"
)

// book is a journal with the name under which it is asked for.
type book struct {
	*journal.Content
	name string
}

// shelved is an incident by the files of its journal, which are not read yet: one,
// or several where it moved to another folder because its disk failed.
type shelved struct {
	name  string
	files []journal.File
}

// looseConfig is loadConfig for commands that only want to know where the journals
// are: with the folder given, a mistake in the file need not hide them.
func looseConfig(f *flags) (*config.Config, error) {
	cfg, err := loadConfig(f)
	if err != nil && f.journalDir != "" {
		return &config.Config{}, nil
	}
	return cfg, err
}

// shelf lists the incidents in the folders where their journals may lie, the one
// written last first. What cannot be looked at hides nothing else.
func shelf(f *flags, cfg *config.Config) (all []shelved, bad []error, err error) {
	dirs, err := journalDirs(f, cfg)
	if err != nil {
		return nil, nil, err
	}
	files, bad := journal.Find(dirs)
	at := map[string]int{}
	for _, file := range files {
		n, had := at[file.Name()]
		if !had {
			n = len(all)
			at[file.Name()] = n
			all = append(all, shelved{name: file.Name()})
		}
		all[n].files = append(all[n].files, file)
	}
	return all, bad, nil
}

// read reads the incident's journal, the longest of several. The error says why
// none can be read.
func (s shelved) read() (book, error) {
	var out book
	var errs []error
	for _, file := range s.files {
		c, err := journal.Read(file.Path)
		switch {
		case err != nil:
			errs = append(errs, err)
		case out.Content == nil || len(c.Facts) > len(out.Facts):
			out = book{c, s.name}
		}
	}
	if out.Content == nil {
		return book{}, errors.Join(errs...)
	}
	return out, nil
}

// byOpening returns the incidents, the one opened last first. One whose journal
// does not even begin as such is left out.
func byOpening(all []shelved) []shelved {
	type dated struct {
		shelved
		opened time.Time
	}
	var some []dated
	for _, s := range all {
		for _, file := range s.files {
			if opened, err := file.Opened(); err == nil {
				some = append(some, dated{s, opened})
				break
			}
		}
	}
	slices.SortStableFunc(some, func(a, b dated) int { return b.opened.Compare(a.opened) })
	out := make([]shelved, len(some))
	for n, d := range some {
		out[n] = d.shelved
	}
	return out
}

// leftOut says what is left out because it cannot be read.
func leftOut(w io.Writer, bad ...error) {
	for _, err := range bad {
		fmt.Fprintf(w, "rollbook: left out: %s\n", text.Line(err.Error()))
	}
}

// tornLine says that a journal can be read only in part; of 0 bytes it says
// nothing.
func tornLine(w io.Writer, name string, bytes int64) {
	if bytes > 0 {
		fmt.Fprintf(w, "rollbook: %s: its last line was cut off by a crash: %d bytes are left out\n", name, bytes)
	}
}

// findBook reads the journal that is asked for: by its name, by the beginning of
// one alone, or the latest that can be read. It reads no other.
func findBook(all []shelved, name string, errs io.Writer) (book, error) {
	if len(all) == 0 {
		return book{}, errors.New("no incident is kept here: a journal begins when the walk goes to Decide; --journal-dir names another folder")
	}
	if name == "latest" {
		return latestBook(all, errs)
	}
	var hits []shelved
	for _, s := range all {
		if s.name == name {
			hits = []shelved{s}
			break
		}
		if strings.HasPrefix(s.name, name) {
			hits = append(hits, s)
		}
	}
	switch len(hits) {
	case 0:
		return book{}, usagef("no incident %q; rollbook incidents lists them", name)
	case 1:
		b, err := hits[0].read()
		if err != nil {
			return book{}, fmt.Errorf("incident %s cannot be read: %w", name, err)
		}
		return b, nil
	}
	return book{}, usagef("%q begins several incidents: %s", name, strings.Join(named(hits), ", "))
}

func latestBook(all []shelved, errs io.Writer) (book, error) {
	var bad []error
	for _, s := range byOpening(all) {
		b, err := s.read()
		if err == nil {
			leftOut(errs, bad...)
			return b, nil
		}
		bad = append(bad, err)
	}
	return book{}, fmt.Errorf("none of %d journals can be read; rollbook incidents says why", len(all))
}

func named(all []shelved) (out []string) {
	for _, s := range all {
		out = append(out, s.name)
	}
	return out
}

// writeOut writes to a file, in one piece, or to out.
func writeOut(out io.Writer, path string, b []byte) error {
	if path == "" {
		_, err := out.Write(b)
		return err
	}
	if err := replaceFile(path, b); err != nil {
		return fmt.Errorf("-o %s: %w; nothing was written", path, err)
	}
	return nil
}

// replaceFile writes a file whole or not at all, for its owner alone.
func replaceFile(path string, b []byte) error {
	part, err := os.CreateTemp(filepath.Dir(path), ".rollbook-*")
	if err != nil {
		return err
	}
	_, err = part.Write(b)
	if err = errors.Join(err, part.Close()); err == nil {
		err = os.Rename(part.Name(), path)
	}
	if err != nil {
		_ = os.Remove(part.Name())
	}
	return err
}

// damageLine says from where on a journal cannot be read; of nil it says nothing.
func damageLine(w io.Writer, name string, d *journal.Damage) {
	if d != nil {
		fmt.Fprintf(w, "rollbook: %s: %s\n", name, text.Line(d.String()))
	}
}

// namedBook reads the journal of the incident that the command line names, and
// tells errs what is odd about it.
func namedBook(f *flags, name string, errs io.Writer) (book, *config.Config, error) {
	cfg, err := looseConfig(f)
	if err != nil {
		return book{}, nil, err
	}
	all, _, err := shelf(f, cfg)
	if err != nil {
		return book{}, nil, err
	}
	b, err := findBook(all, name, errs)
	if err != nil {
		return book{}, nil, err
	}
	tornLine(errs, b.name, b.Torn)
	damageLine(errs, b.name, b.Damage)
	return b, cfg, nil
}
