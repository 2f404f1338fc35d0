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
	"rollbook/incident"
	"rollbook/text"
)

// book is a journal with the name under which it is asked for: its folder's,
// which a second incident of the same minute has to itself.
type book struct {
	*journal.Content
	name   string
	opened time.Time
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

// readJournals reads every journal in the folders where they may lie, newest
// first. What cannot be read hides nothing else; of a journal that moved to
// another folder because its disk failed, the longest counts.
func readJournals(f *flags, cfg *config.Config) (books []book, bad []error, err error) {
	dirs, err := journalDirs(f, cfg)
	if err != nil {
		return nil, nil, err
	}
	at := map[string]int{}
	for _, d := range dirs {
		found, errs := journal.List(d)
		bad = append(bad, errs...)
		for _, c := range found {
			b := book{Content: c, name: filepath.Base(filepath.Dir(c.Path)), opened: openedAt(c)}
			n, had := at[b.name]
			switch {
			case !had:
				at[b.name] = len(books)
				books = append(books, b)
			case len(c.Facts) > len(books[n].Facts):
				books[n] = b
			}
		}
	}
	slices.SortStableFunc(books, func(a, b book) int { return b.opened.Compare(a.opened) })
	return books, bad, nil
}

// openedAt is when the incident was opened; the file's time, should it not say.
func openedAt(c *journal.Content) time.Time {
	for _, f := range c.Facts {
		if _, ok := f.Body.(incident.Opened); ok {
			return f.At
		}
	}
	return c.Modified
}

// tell says what is wrong with journals that cannot be read, or only in part.
func tell(w io.Writer, books []book, bad []error) {
	for _, err := range bad {
		fmt.Fprintf(w, "rollbook: left out: %s\n", text.Line(err.Error()))
	}
	for _, b := range books {
		if b.Torn > 0 {
			fmt.Fprintf(w, "rollbook: %s: its last line was cut off by a crash: %d bytes are left out\n", b.name, b.Torn)
		}
	}
}

// findBook is the journal that is asked for: by its name, by the beginning of
// one alone, or the latest.
func findBook(books []book, bad []error, name string) (book, error) {
	var hits []book
	for _, b := range books {
		switch {
		case b.name == name:
			return b, nil
		case strings.HasPrefix(b.name, name):
			hits = append(hits, b)
		}
	}
	var why error
	for _, err := range bad {
		if name != "latest" && strings.Contains(err.Error(), string(filepath.Separator)+name) {
			why = err
		}
	}
	switch {
	case name == "latest" && len(books) > 0:
		return books[0], nil
	case len(hits) == 1:
		return hits[0], nil
	case len(hits) > 1:
		return book{}, usagef("%q begins several incidents: %s", name, strings.Join(named(hits), ", "))
	case why != nil:
		return book{}, fmt.Errorf("incident %s cannot be read: %w", name, why)
	case len(books) == 0:
		return book{}, errors.New("no incident is kept here: a journal begins when the walk goes to Decide; --journal-dir names another folder")
	}
	return book{}, usagef("no incident %q; rollbook incidents lists them", name)
}

func named(books []book) (out []string) {
	for _, b := range books {
		out = append(out, b.name)
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

// namedBook reads the journal of the incident that the command line names, and
// tells errs what is odd about it.
func namedBook(f *flags, name string, errs io.Writer) (book, *config.Config, error) {
	cfg, err := looseConfig(f)
	if err != nil {
		return book{}, nil, err
	}
	books, bad, err := readJournals(f, cfg)
	if err != nil {
		return book{}, nil, err
	}
	b, err := findBook(books, bad, name)
	if err != nil {
		return book{}, nil, err
	}
	tell(errs, []book{b}, nil)
	return b, cfg, nil
}
