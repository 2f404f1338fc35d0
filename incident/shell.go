package incident

import (
	"fmt"
	"time"

	"rollbook/model"
)

// Shell is a terminal on a component's database that somebody was given. What was done in
// it nobody knows here.
type Shell struct {
	N         int // from 1, in the order in which they were opened
	Component string
	Command   string
	By        string
	At        time.Time
	Left      time.Time // zero = nobody saw its end
	Err       string    // how it failed; "" = it did not
}

// shell returns the one of that number, or nil.
func (i *Incident) shell(n int) *Shell {
	if n < 1 || n > len(i.Shells) {
		return nil
	}
	return &i.Shells[n-1]
}

// ShellBlocked says why nobody can be given a terminal on a component's database; "" when
// somebody can.
func ShellBlocked(s *Snapshot, component string) string {
	i := &s.Incident
	switch {
	case s.SchemaWay(component) == nil:
		return "no migrations are configured for " + component
	case i.Settings.ReadOnly:
		return "read-only: nothing that could change the database is begun; copy the command, or start again without --read-only"
	case s.Seen.JournalE != "" && !i.WithoutJournal:
		return "the journal cannot be written: " + s.Seen.JournalE
	}
	return endedBlocked(i)
}

// OpenShell asks for the terminal, for a command on a component's database.
type OpenShell struct {
	Component string
	Command   string // as it may be shown
}

func (do OpenShell) decide(d *decider) {
	if d.by == "" || ShellBlocked(&d.s, do.Component) != "" {
		return
	}
	if d.inc().ID == "" {
		d.open()
	}
	n := len(d.inc().Shells) + 1
	d.fact(ShellOpened{N: n, Component: do.Component, Command: do.Command})
	d.effect(LendTerminal{N: n})
}

// LendTerminal lets the screen give the terminal away, when it is on disk that it does.
type LendTerminal struct{ N int }

func (x LendTerminal) run(r Runner) { r.LendTerminal(x) }

// ShellOpened is a terminal on a component's database. Without an end after it nobody saw
// when it was left.
type ShellOpened struct {
	N         int    `json:"n"`
	Component string `json:"component"`
	Command   string `json:"command"`
}

func (b ShellOpened) apply(i *Incident, f Fact) {
	i.Shells = with(i.Shells, Shell{N: b.N, Component: b.Component, Command: b.Command, By: f.By, At: f.At})
}

func (b ShellOpened) entry(*Incident) (EntryKind, string) {
	return EntryWrite, fmt.Sprintf("opened psql on the database of %s: what is done there rollbook does not know: %s", b.Component, b.Command)
}

// LeaveShell says that the terminal is back.
type LeaveShell struct {
	N   int
	Err string // how the command failed; "" = it did not
}

func (do LeaveShell) decide(d *decider) {
	x := d.inc().shell(do.N)
	if x == nil || !x.Left.IsZero() {
		return
	}
	d.fact(ShellLeft(do))
	if w := d.s.SchemaWay(x.Component); w != nil {
		d.effect(ReadHistory{Slot: Schema(x.Component), Method: w.Method, Until: d.onset()})
	}
	if d.inc().Step == Confirm {
		d.checkPlans()
	}
}

// ShellLeft is the end of a terminal on a component's database.
type ShellLeft struct {
	N   int    `json:"n"`
	Err string `json:"err,omitempty"`
}

func (b ShellLeft) apply(i *Incident, f Fact) {
	if i.shell(b.N) == nil {
		return
	}
	i.Shells = append([]Shell(nil), i.Shells...)
	x := i.shell(b.N)
	x.Left, x.Err = f.At, b.Err
}

func (b ShellLeft) entry(before *Incident) (EntryKind, string) {
	x := before.shell(b.N)
	switch {
	case x == nil:
		return EntryNote, "left psql on a database"
	case b.Err != "":
		return EntryNote, fmt.Sprintf("psql on the database of %s failed: %s; the schema is asked again", x.Component, b.Err)
	}
	return EntryNote, fmt.Sprintf("left psql on the database of %s; the schema is asked again", x.Component)
}

// shellMoved says that a schema was found at another migration than before somebody had a
// terminal on its database; "" when it was not.
func (i *Incident) shellMoved(b HistoryRead) string {
	was := i.HistoryRead(b.Slot())
	if was == nil || b.Role != model.RoleSchema || was.Current() == nil || b.Current() == nil || was.Current().Key == b.Current().Key {
		return ""
	}
	for w := range i.writes() {
		if w.Plan.Slot() == b.Slot() && w.happened() && w.since().After(was.At) {
			return "" // it was brought there from here
		}
	}
	for n := range i.Shells {
		if x := &i.Shells[n]; x.Component == b.Component && !x.Left.Before(was.At) {
			return fmt.Sprintf("the schema of %s is at %s now; before psql was opened on its database it was at %s", b.Component, b.Current().Key, was.Current().Key)
		}
	}
	return ""
}
