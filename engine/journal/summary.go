package journal

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"rollbook/incident"
)

// SummaryName is the name of the kept summary in the incident's folder.
const SummaryName = "summary.json"

// summaryFormat is raised with each change of what a summary holds or of how it
// is worked out: summaries of another format are made anew.
const summaryFormat = 2

// State is where an incident stands, as far as its journal tells. The zero value
// is unknown.
type State string

// The states of a journal.
const (
	Open       State = "open"
	Closed     State = "closed"
	Unreported State = "unreported" // closed, and its report does not tell of it
)

// Summary is what a list of incidents and the start of the walk need of a
// journal. One is kept in a file beside the journal, so that a journal which did
// not change is not read again. It is a cache and nothing more: it counts only
// while the journal has the size and the time that it names, and may be lost,
// stale or damaged at any time.
type Summary struct {
	Path     string    `json:"-"` // the journal's, where it was found
	Format   int       `json:"summary"`
	Size     int64     `json:"size"`     // of the journal, in bytes
	Modified time.Time `json:"modified"` // the journal's

	Header Header `json:"header"`
	State  State  `json:"state"`
	Facts  int    `json:"facts"`
	Torn   int64  `json:"torn,omitempty"` // bytes at the end that are no whole line
	Last   string `json:"last,omitempty"` // hash of the last fact; "" = there is none

	Opened    time.Time     `json:"opened,omitzero"` // zero = the journal does not say
	Touched   time.Time     `json:"touched"`         // the newest fact's time, else the file's
	Step      incident.Step `json:"step"`
	Component string        `json:"component,omitempty"` // the first that it is about; "" = none yet
	Operator  string        `json:"operator,omitempty"`  // "" = the journal does not say
	Owes      []string      `json:"owes,omitempty"`      // what it switched off and did not put back, in words
	Damage    *Damage       `json:"-"`                   // a damaged journal has no summary that is kept

	// Row is what the list of incidents shows of this one, in a form of the list's
	// own; nil = it was not asked for yet.
	Row json.RawMessage `json:"row,omitempty"`

	steady bool // made of a file that nobody wrote meanwhile
}

// Name returns the name under which the incident is asked for.
func (s *Summary) Name() string { return File{Path: s.Path}.Name() }

// Summary works out the journal's summary.
func (c *Content) Summary() *Summary {
	i := incident.Fold(c.Facts)
	s := &Summary{Path: c.Path, Format: summaryFormat, Size: c.length(), Damage: c.Damage, Modified: c.Modified, Header: c.Header,
		State: Open, Facts: len(c.Facts), Torn: c.Torn, Opened: i.Opened, Touched: i.Opened, Step: i.Step, Operator: i.Operator,
		steady: c.steady}
	if i.Opened.IsZero() {
		s.Operator = "" // the settings' is the local user: who opened it goes by another name
		if x, _ := (File{Path: c.Path}).opening(); c.Damage != nil && x != nil {
			o, _ := x.Body.(incident.Opened)
			s.Opened, s.Operator = x.At, cmp.Or(o.Operator, x.By)
		}
	}
	switch {
	case c.Unreported():
		s.State = Unreported
	case c.Closed():
		s.State = Closed
	}
	if n := len(c.Facts); n > 0 {
		s.Last = digest(c.Facts[n-1])
	}
	for _, f := range c.Facts {
		if f.At.After(s.Touched) {
			s.Touched = f.At
		}
	}
	if s.Touched.IsZero() {
		s.Touched = c.Modified
	}
	for _, d := range i.Owed() {
		s.Owes = append(s.Owes, d.What)
	}
	switch standing := i.Standing(); {
	case len(standing) > 0:
		s.Component = standing[0].Write.Plan.Component
	case len(i.Triggers) > 0:
		s.Component = i.Triggers[0].Component
	case len(i.Choices) > 0:
		s.Component = i.Choices[0].Component
	}
	return s
}

// digest identifies a fact: by its line, as it is written today.
func digest(f incident.Fact) string {
	line, err := encode(f)
	if err != nil {
		return "" // not a fact that was read
	}
	sum := sha256.Sum256(line)
	return hex.EncodeToString(sum[:])
}

// Kept returns the summary that is kept beside a journal, or nil when there is
// none that counts: it cannot be read, is of another format, or the journal is
// not as it was.
func Kept(f File) *Summary {
	path := filepath.Join(filepath.Dir(f.Path), SummaryName)
	r, err := open(path)
	if err != nil {
		return nil
	}
	defer r.Close()
	raw, err := io.ReadAll(io.LimitReader(r, 1<<20))
	if err != nil {
		return nil
	}
	s := &Summary{Path: f.Path}
	if err := json.Unmarshal(raw, s); err != nil || s.Format != summaryFormat || s.Size != f.Size || !s.Modified.Equal(f.Modified) ||
		s.Header.Journal != Version {
		return nil
	}
	switch s.State {
	case Open, Closed, Unreported:
		return s
	}
	return nil
}

// Keep writes the summary beside its journal, whole or not at all. It keeps none
// of a journal that was written while it was read, nor of one that ends in a torn
// line or is damaged: whoever mends it may bring the file back to the same size.
func (s *Summary) Keep() error {
	if !s.steady || s.Torn > 0 || s.Damage != nil {
		return nil
	}
	raw, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("keep summary of %s: %w", s.Path, err)
	}
	dir := filepath.Dir(s.Path)
	part, err := os.CreateTemp(dir, ".summary-*") // mode 0600
	if err != nil {
		return fmt.Errorf("keep summary: %w", err)
	}
	_, err = part.Write(append(bytes.TrimSpace(raw), '\n'))
	if err = errors.Join(err, part.Close()); err == nil {
		err = os.Rename(part.Name(), filepath.Join(dir, SummaryName))
	}
	if err != nil {
		_ = os.Remove(part.Name())
		return fmt.Errorf("keep summary: %w", err)
	}
	return nil
}
