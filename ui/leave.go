package ui

import (
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"

	"rollbook/incident"
	"rollbook/model"
)

// leaving is how far the operator is out of the door.
type leaving int

const (
	staying leaving = iota
	asking          // the one line is shown: the same key again leaves
	waiting         // a write is on its way; its answer is waited for
)

// leaveMsg looks again whether the write was answered.
type leaveMsg struct{}

// leavePoll is how often.
const leavePoll = 50 * time.Millisecond

// quit leaves at once where nothing is open. An open incident is said to be
// reopenable first; a write on its way is waited for, at most until its
// deadline.
func (a *App) quit() tea.Cmd {
	i := a.inc()
	open := i.ID != "" && i.Closed.IsZero() && !a.session.guest
	if open && a.leaving == staying {
		a.leaving = asking
		return nil
	}
	switch {
	case a.session.parting != nil:
		a.farewell = a.session.parting(&a.scope)
	case open:
		a.farewell = i.ID + " stays open: start rollbook here again to go on with it."
		if a.snap.Seen.Journal != "" {
			a.farewell += " Journal: " + a.snap.Seen.Journal
		}
	}
	a.tellHandling()
	if a.engine.Writing() {
		a.leaving, a.since = waiting, a.clock()
		if a.session.parting == nil {
			a.farewell += " A write was under way: the cluster goes on by itself."
		}
		return pollLeave()
	}
	return tea.Quit
}

func pollLeave() tea.Cmd {
	return tea.Tick(leavePoll, func(time.Time) tea.Msg { return leaveMsg{} })
}

// leave ends the wait when the write was answered or its time is up.
func (a *App) leave() tea.Cmd {
	if a.leaving != waiting {
		return nil
	}
	if !a.engine.Writing() || a.clock().Sub(a.since) >= a.opt.writeDeadline() {
		return tea.Quit
	}
	return pollLeave()
}

// pressLeaving takes the keys that have to do with leaving; done says that the
// key means nothing else.
func (a *App) pressLeaving(msg tea.KeyPressMsg) (cmd tea.Cmd, done bool) {
	key := msg.String()
	switch {
	case key == "ctrl+c" && a.leaving == waiting:
		return tea.Quit, true
	case key == "ctrl+c":
		return a.quit(), true
	case a.leaving == waiting:
		return nil, true
	case a.leaving == asking:
		if key == "q" {
			return a.quit(), true
		}
		a.leaving = staying
		return nil, true
	}
	return nil, false
}

// leavingLine stands in the footer's place while leaving.
func (a *App) leavingLine() string {
	switch a.leaving {
	case asking:
		if text := a.session.ends; text != "" {
			return text + " q leaves · any other key stays"
		}
		if a.engine.Writing() {
			return "A write is under way; the cluster goes on by itself. q leaves when it is answered · any other key stays"
		}
		for _, s := range a.inc().Standing() {
			if s.Write.Plan.Role == model.RoleSchema && s.Write.State == incident.Rolling {
				return "Migrations are being taken back by a command over this program's connection: leaving may end it half-way. q leaves · any other key stays"
			}
		}
		return "The incident stays open; start rollbook here again to go on. q leaves · any other key stays"
	case waiting:
		left := a.opt.writeDeadline() - a.clock().Sub(a.since)
		return fmt.Sprintf("The cluster goes on by itself. Waiting for the write's answer, at most %d s · ctrl+c leaves now",
			max(0, int(left.Seconds())))
	}
	return ""
}
