package ui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"rollbook/incident"
	"rollbook/model"
)

// drill is the overlay of a rehearsal: its beginning and its end as steps, the runbook's
// rows T1 to T5. What lies between is the walk.
type drill struct{ recovery }

func newDrill(s *scope) overlay {
	d := &drill{recovery{pager: pager{base: base{s}}, course: incident.CourseDrill}}
	d.shows(d.draw)
	return d
}

func (d *drill) Title() string {
	if d.begun() {
		return "Drill, begun " + d.procedure().Began.UTC().Format("15:04:05 UTC") + " by " + d.procedure().By
	}
	return "Drill: break it, roll it back, put it back"
}

func (d *drill) Keys() []Key {
	keys := []Key{{Keys: []string{"enter"}, Name: "begin", Main: true, Acts: true, Help: "begin the drill; nothing is broken by that",
		Disabled: incident.DrillBlocked, do: func() tea.Cmd { return d.send(incident.BeginDrill{}) }}}
	if d.begun() {
		keys = d.stepKeys()
		if s := d.step(); s.ID == incident.StepWalk && s.State == incident.ItemOpen {
			keys[0] = Key{Keys: []string{"enter"}, Name: "to the walk", Main: true, Help: "close this, and roll it back as at night", do: d.shut}
		}
	}
	return append(append(keys, d.closeKey("close", "close")), d.moveKeys()...)
}

func (d *drill) Says() sentence {
	p := d.procedure()
	switch {
	case p == nil:
		if why := incident.DrillBlocked(d.snap); why != "" {
			return sentence{warn, d.upper(stop(why))}
		}
		return sentence{warn, "Nothing is broken yet: that is a step of its own, checked and confirmed."}
	case p.Open() == 0:
		return sentence{fine, "The drill is at its end, and all is as it was." + d.keyed(" Close (7) asks what went badly.")}
	}
	step := d.step()
	if step.State != incident.ItemOpen {
		return sentence{calm, fmt.Sprintf("%s of the drill open.", model.Plural(p.Open(), "step"))}
	}
	if wait := d.snap.StepWait(p, step.ID); wait != "" {
		return sentence{calm, wait}
	}
	if why := d.snap.StepBlocked(p, step.ID); why != "" {
		return sentence{warn, d.upper(stop(why))}
	}
	return sentence{warn, "Nothing is written yet: checks and confirmation follow."}
}

// draw draws all of it, and says on which line what is marked ends.
func (d *drill) draw(w int) (out []string, at int) {
	if d.begun() {
		return d.drawSteps(d.procedure().Steps, w)
	}
	p, set := d.pen, d.inc().Settings.Drill
	if set == nil {
		return nil, 0
	}
	for n, s := range d.snap.DrillSteps() {
		out = append(out, p.hang(fmt.Sprintf("   %2d ", n+1), s.Text, w, 0, p.Plain)...)
	}
	out = append(out, "")
	out = append(out, p.hang("      ", fmt.Sprintf("It is to recover within %s of being detected. However the drill ends, what it broke is owed: each page says so until it is put back, "+
		"and so does any other rollbook that sees this cluster.", model.Short(set.Target)), w, 0, p.Dim)...)
	return out, 0
}

// rehearses makes the session one of a drill, if the program was started for one or goes on
// with one.
func (s *session) rehearses(snap *incident.Snapshot) {
	if snap.Incident.Settings.Drill == nil {
		return
	}
	*snap = *snap.Blindfolded()
	s.mark, s.measured = func(int) string { return " DRILL " }, !s.guest
	s.beside = func(s *scope) []Key { return []Key{s.drillKey()} }
}

func (s *scope) drillKey() Key {
	return Key{Keys: []string{"B"}, Name: "drill", Now: s.inc().Procedure(incident.CourseDrill) == nil,
		Help: "the drill's own steps: break it, wait for the alert, put it back (T1-T5)", do: func() tea.Cmd { return s.open(newDrill(s)) }}
}

// rehearse opens the drill's steps once, when the cluster is seen; it reports whether it did.
func (a *App) rehearse() bool {
	set := a.inc().Settings.Drill
	if a.drilled || a.session.guest || set == nil || a.snap.Seen.Cluster.Heard.IsZero() || len(a.snap.Seen.Board) == 0 || a.snap.Seen.Searching || a.snap.Seen.Resuming != "" {
		return false
	}
	a.drilled = true
	if p := a.inc().Procedure(incident.CourseDrill); p != nil && p.Open() == 0 {
		return false
	}
	a.open(newDrill(&a.scope))
	return true
}
