package ui

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"rollbook/incident"
)

// scope is what pages and overlays see and may do. There is one, owned by App.
type scope struct {
	ctx    context.Context
	snap   *incident.Snapshot // Now is the screen's clock
	d      *derived
	pen    *pen
	engine Engine
	viewer Viewer
	start  time.Time
	env    func(name string) string

	shells shells // terminals on databases

	drafts map[draftKey]draft // what the operator made of a message, kept while the program runs

	session session // as of snap

	reminder string // what the team has to do between incidents; "" = nothing, or it is not known yet

	focus string    // the component that the operator looks at, on every page
	over  []overlay // the last is on top
	hint  string    // why a key did nothing
	// rested: no key came in the 300 ms before the one that is being taken.
	rested bool
	keys   int // pressed so far
	// handling counts the keys that the incident was not told of yet, where they are counted.
	handling handling
	w, h     int
}

// send hands an input to the engine, if the session lets it.
func (s *scope) send(do incident.Act) tea.Cmd {
	if why := s.session.refuses(do); why != "" {
		s.hint = why
		return nil
	}
	if s.inc().Step == incident.Close { // where the act may be what closes it
		s.tellHandling()
	}
	s.engine.Send(do)
	return nil
}

func (s *scope) inc() *incident.Incident { return &s.snap.Incident }

// open puts an overlay on top; one of the kind that is there already is not
// opened twice.
func (s *scope) open(o overlay) tea.Cmd {
	if n := len(s.over); n > 0 && s.over[n-1].Title() == o.Title() {
		return nil
	}
	s.over = append(s.over, o)
	if b, ok := o.(interface{ begin() tea.Cmd }); ok {
		return b.begin()
	}
	return nil
}

// shut closes the overlay on top.
func (s *scope) shut() tea.Cmd {
	if n := len(s.over); n > 0 {
		if e, ok := s.over[n-1].(interface{ closed() }); ok {
			e.closed()
		}
		s.over = s.over[:n-1]
	}
	return nil
}

// row is the component in focus; nil when there is none.
func (s *scope) row() *row { return s.d.byID[s.focus] }

// pointAt moves the focus to the component named on the command line, else to the worst.
// From the first key on, and on later pages, it stays where it is while that exists:
// nothing moves under the operator's hand.
func (s *scope) pointAt() {
	named := s.d.byID[s.inc().Settings.Focus]
	untouched := s.keys == 0 && named == nil && s.inc().Step == incident.Assess
	switch {
	case s.d.byID[s.focus] != nil && !untouched:
	case named != nil:
		s.focus = named.c.ID
	case len(s.d.rows) > 0:
		s.focus = s.d.rows[0].c.ID
	}
}

// level is how urgent a sentence is.
type level int

const (
	calm level = iota
	fine
	warn
	bad
	alarm
)

// sentence is the one that matters now.
type sentence struct {
	level level
	text  string
}

// page is one of the seven. Keys are what it can do, Update takes typed text
// while a field is open (true = the key was text), View draws the body in
// exactly h lines of at most w cells, and Says is the one sentence that matters
// now; these three change nothing. Follow is called after each new snapshot,
// Scroll after each message, with the size that View will get: there a page
// brings what is marked into view.
type page interface {
	Title() string
	Keys() []Key
	Update(msg tea.KeyPressMsg) (tea.Cmd, bool)
	View(w, h int) []string
	Says() sentence
	Follow()
	Scroll(w, h int)
}

// overlay is a page that stands above one. Size is what it wants of a body of
// w×h.
type overlay interface {
	page
	Size(w, h int) (int, int)
}

// base gives a page the parts that most have no use for.
type base struct{ *scope }

func (base) Update(tea.KeyPressMsg) (tea.Cmd, bool) { return nil, false }
func (base) Follow()                                {}
func (base) Scroll(int, int)                        {}
func (base) Says() sentence                         { return sentence{} }
