package ui

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"rollbook/incident"
	"rollbook/model"
)

// recovery is the overlay with what to do when the rollback failed or made it worse: the
// runbook's rows F1 to F5 as steps. Before it is begun, it asks of which components.
type recovery struct {
	pager
	course incident.Course
	draws  func(w int) (out []string, at int) // all of it, and on which line what is marked ends
	at     int
	came   bool            // it has been to the first step that can be taken
	wasID  string          // the step that was marked when it was looked at last, while it was open
	of     map[string]bool // components that were put in or taken out by hand, before it is begun
	copied string
}

func newRecovery(s *scope) overlay {
	r := &recovery{pager: pager{base: base{s}}, course: incident.CourseRecovery, of: map[string]bool{}}
	r.shows(r.draw)
	return r
}

// shows makes it show what a function draws.
func (r *recovery) shows(draws func(w int) (out []string, at int)) {
	r.draws = draws
	r.lines = func(w int) []string { lines, _ := r.draws(w); return lines }
	r.Follow()
}

func (r *recovery) Title() string {
	if r.begun() {
		return "Recovery, begun " + r.procedure().Began.UTC().Format("15:04:05 UTC") + " by " + r.procedure().By
	}
	return "Recovery: when the rollback failed or made it worse"
}

func (r *recovery) procedure() *incident.Procedure {
	return r.inc().Procedure(r.course)
}

// begun reports whether a recovery is under way, or was and nobody asks for another.
func (r *recovery) begun() bool { return r.procedure() != nil }

// Follow goes to the next step that can be taken, at the beginning and when the marked
// one is settled.
func (r *recovery) Follow() {
	p := r.procedure()
	if p == nil {
		return
	}
	settled := r.wasID != "" && p.Step(r.wasID) != nil && p.Step(r.wasID).State != incident.ItemOpen
	if next := p.Next(); next != nil && (!r.came || settled) {
		r.at = slices.IndexFunc(p.Steps, func(s incident.ProcedureStep) bool { return s.ID == next.ID })
	}
	r.came, r.wasID = true, ""
	if s := r.step(); s != nil && s.State == incident.ItemOpen {
		r.wasID = s.ID
	}
}

// step is the marked one; nil before the recovery is begun.
func (r *recovery) step() *incident.ProcedureStep {
	p := r.procedure()
	if p == nil || len(p.Steps) == 0 {
		return nil
	}
	return &p.Steps[max(0, min(r.at, len(p.Steps)-1))]
}

// Scroll keeps what is marked in view, with what is said of it.
func (r *recovery) Scroll(w, h int) {
	r.pager.Scroll(w, h)
	lines, at := r.draws(w)
	r.top = window(r.top, at+1, len(lines), max(1, h))
}

func (r *recovery) Keys() []Key {
	keys := r.beginKeys()
	if r.begun() {
		keys = r.stepKeys()
	}
	keys = append(keys,
		r.helpKey(),
		r.closeKey("close", "close"))
	return append(keys, r.moveKeys()...)
}

func (r *recovery) moveKeys() []Key {
	return []Key{
		{Keys: []string{"up", "k"}, Show: "↑", Name: "up", Help: "the step or component above", Hide: true, do: func() tea.Cmd { return r.move(-1) }},
		{Keys: []string{"down", "j"}, Show: "↓", Name: "down", Help: "the step or component below", Hide: true, do: func() tea.Cmd { return r.move(1) }},
	}
}

// beginKeys choose of which components the recovery is, and begin it.
func (r *recovery) beginKeys() []Key {
	return []Key{
		{Keys: []string{"enter"}, Name: "begin", Main: true, Acts: true, Help: "begin the recovery of the components that are ticked; nothing is written by that",
			Disabled: func(s *incident.Snapshot) string {
				if len(r.chosen()) == 0 {
					return "no component is ticked: space ticks one"
				}
				return incident.RecoverBlocked(s)
			},
			do: func() tea.Cmd { return r.send(incident.Recover{Components: r.chosen()}) }},
		{Keys: []string{"space"}, Name: "tick", Acts: true, Help: "put the marked component in, or take it out",
			do: func() tea.Cmd {
				if all := r.candidates(); len(all) > 0 {
					id := all[min(r.at, len(all)-1)]
					r.of[id] = !r.ticked(id)
				}
				return nil
			}},
	}
}

// stepKeys take the marked step, tick it, leave it out, or open it again.
func (r *recovery) stepKeys() []Key {
	p, step := r.procedure(), r.step()
	if p == nil || step == nil { // where only the keys' data is wanted
		p, step = &incident.Procedure{}, &incident.ProcedureStep{}
	}
	settled := func(*incident.Snapshot) string {
		switch {
		case step.State != incident.ItemOpen:
			return fmt.Sprintf("it is %s already: a takes it once more", step.State)
		case !r.inc().Closed.IsZero():
			return "the incident is closed"
		}
		return ""
	}
	enter := Key{Keys: []string{"enter"}, Name: "check and confirm", Main: true, Acts: true,
		Help: "take the marked step: a write is checked and confirmed first, what is done by hand is ticked",
		Disabled: func(s *incident.Snapshot) string {
			if why := settled(s); why != "" {
				return why
			}
			return s.StepBlocked(p, step.ID)
		},
		do: func() tea.Cmd {
			r.shut()
			return r.send(incident.TakeStep{Course: p.Course, ID: step.ID})
		}}
	switch {
	case p.Open() == 0:
		enter.Name = "taken"
	case step.ByHand():
		enter.Name, enter.do = "done", r.tick
	case step.Slot.Role == model.RoleRelease:
		enter.Name = "choose version"
	}
	keys := []Key{enter,
		{Keys: []string{"w"}, Name: "leave out", Acts: true, Help: "leave the marked step out, with a reason", Disabled: settled, do: func() tea.Cmd {
			return r.reason("Leave out: "+step.Text, nil, "leave it out", func(reason string) tea.Cmd {
				return r.send(incident.SettleStep{Course: p.Course, ID: step.ID, Waive: true, Reason: reason})
			})
		}},
		{Keys: []string{"space"}, Name: "by hand", Acts: true, Hide: step.ByHand(), Help: "tick the marked step: it was done outside of rollbook",
			Disabled: func(s *incident.Snapshot) string {
				if why := settled(s); why != "" {
					return why
				}
				return s.TickBlocked(p.Course, step.ID, "by hand")
			}, do: r.tick},
		{Keys: []string{"a"}, Name: "once more", Acts: true, Hide: step.State == incident.ItemOpen, Help: "open the marked step again, and with it what goes back on it",
			Disabled: func(*incident.Snapshot) string {
				if step.State == incident.ItemOpen {
					return "it is open"
				}
				return ""
			}, do: func() tea.Cmd { return r.send(incident.ReopenStep{Course: p.Course, ID: step.ID}) }},
		{Keys: []string{"y"}, Name: "copy", Help: "copy the marked step's command to the terminal's clipboard (OSC 52)", Hide: len(r.snap.StepCommands(step)) == 0,
			Disabled: func(s *incident.Snapshot) string {
				if len(s.StepCommands(step)) == 0 {
					return "it has no command"
				}
				return ""
			}, do: r.copy},
	}
	if p.Open() == 0 && r.course == incident.CourseRecovery {
		keys = append(keys, Key{Keys: []string{"n"}, Name: "another", Acts: true, Help: "begin another recovery, when this one is at its end",
			do: func() tea.Cmd { return r.send(incident.Recover{Components: r.chosen()}) }})
	}
	return keys
}

// tick says that the marked step was done by hand.
func (r *recovery) tick() tea.Cmd {
	p, step := r.procedure(), r.step()
	d := dialog{title: "Done: " + step.Text, typed: true, prompt: "note", yes: "tick it",
		check: func(_ int, typed string) (sentence, string) {
			why := r.snap.TickBlocked(p.Course, step.ID, strings.TrimSpace(typed))
			return sentence{warn, why}, why
		},
		act: func(_ int, note string) tea.Cmd {
			return r.send(incident.SettleStep{Course: p.Course, ID: step.ID, Reason: strings.TrimSpace(note)})
		}}
	return r.ask(d)
}

func (r *recovery) copy() tea.Cmd {
	lines := r.snap.StepCommands(r.step())
	if len(lines) == 0 {
		return nil
	}
	r.copied = "Sent to the clipboard, if the terminal allows it (in tmux: set-clipboard on). Read it before you run it."
	return tea.SetClipboard(strings.Join(lines, "\n"))
}

func (r *recovery) move(by int) tea.Cmd {
	n := len(r.candidates())
	if p := r.procedure(); p != nil {
		n = len(p.Steps)
	}
	r.at, r.copied = max(0, min(n-1, r.at+by)), ""
	return nil
}

func (r *recovery) Says() sentence {
	p := r.procedure()
	switch {
	case r.copied != "":
		return sentence{calm, r.copied}
	case p == nil && len(r.candidates()) == 0:
		return sentence{warn, "No workload is seen yet."}
	case p == nil:
		return sentence{warn, "All that is ticked is stopped together. Nothing is written before each step is checked and confirmed."}
	case p.Open() == 0:
		return sentence{fine, "The recovery is at its end: nothing of it is open." + r.keyed(" Verify (6) proves that it worked.")}
	}
	step := r.step()
	if step.State != incident.ItemOpen {
		return sentence{calm, fmt.Sprintf("%s of the recovery open.", model.Plural(p.Open(), "step"))}
	}
	if why := r.snap.StepBlocked(p, step.ID); why != "" {
		return sentence{warn, r.upper(stop(why))}
	}
	switch {
	case step.ID == incident.StepProve && r.snap.TickBlocked(p.Course, step.ID, "") == "":
		return sentence{fine, "One pod is well, by all checks." + r.keyed(" Enter ticks it, with a note if you looked yourself.")}
	case step.ID == incident.StepProve:
		return sentence{warn, "One pod is not verified yet: see what speaks against it, beside the step."}
	case step.ByHand():
		return sentence{warn, "This is done by hand." + r.keyed(" Enter ticks it then; w leaves it out.")}
	case step.Slot.Role == model.RoleRelease:
		return sentence{warn, "The version, and by which method, is chosen on 3 Choose."}
	}
	return sentence{warn, "Nothing is written yet: checks and confirmation follow."}
}

// candidates are the components that a recovery may be of: those that the incident is
// about first, then the board's, the worst first.
func (r *recovery) candidates() []string {
	out := r.snap.RecoveryOf()
	for _, row := range r.d.rows {
		if !slices.Contains(out, row.c.ID) {
			out = append(out, row.c.ID)
		}
	}
	return out
}

// ticked reports whether a component is to be recovered.
func (r *recovery) ticked(id string) bool {
	on, said := r.of[id]
	return said && on || !said && slices.Contains(r.snap.RecoveryOf(), id)
}

func (r *recovery) chosen() []string {
	return slices.DeleteFunc(r.candidates(), func(id string) bool { return !r.ticked(id) })
}

// draw draws all of it, and says on which line what is marked ends.
func (r *recovery) draw(w int) (out []string, at int) {
	if r.begun() {
		out = r.fits(w)
		steps, at := r.drawSteps(r.procedure().Steps, w)
		return append(out, steps...), at + len(out)
	}
	p := r.pen
	for n, id := range r.candidates() {
		sign, box := "   ", "[ ] "
		if n == r.at && !r.looks() {
			sign, at = " ▸ ", len(out)
		}
		if r.ticked(id) {
			box = "[x] "
		}
		pods := ""
		if c := r.snap.Seen.Component(id); c != nil {
			pods = fmt.Sprintf("%d/%d", c.Ready, c.Desired)
			if c.Workload.Kind == model.DaemonSet {
				pods += " DaemonSet: cannot be scaled"
			}
		}
		out = append(out, p.say(sign)+box+p.cell(id, min(40, w-30), p.Plain)+"  "+paint(p.Dim, pods))
	}
	out = append(out, r.fits(w)...)
	out = append(out, p.heading("what it would be", w))
	steps := r.snap.RecoverySteps(r.chosen())
	for n, s := range steps {
		out = append(out, p.hang(fmt.Sprintf("   %2d ", n+1), s.Text, w, 0, p.Plain)...)
	}
	return append(out, r.unset(w)...), at
}

// unset says what is not asked because nothing is configured for it.
func (r *recovery) unset(w int) (out []string) {
	p, set := r.pen, r.inc().Settings.Recovery
	note := func(text string) { out = append(out, p.hang("      ", text, w, 0, p.Dim)...) }
	if set.Maintenance == "" {
		note("no maintenance page: recovery.maintenance is not configured")
	}
	if set.Restore == "" {
		note("no procedure is linked for the restore: recovery.restore is not configured")
	}
	return out
}

func (r *recovery) drawSteps(steps []incident.ProcedureStep, w int) (out []string, at int) {
	p := r.pen
	for n := range steps {
		s := &steps[n]
		lead, style := "   ", p.Plain
		if n == r.at && !r.looks() {
			lead, style = " ▸ ", p.Strong
		}
		sign, state, look := "○", "", p.Plain
		switch {
		case s.State == incident.ItemWaived:
			sign, look, state = "–", p.Dim, "left out"
		case s.State != incident.ItemOpen:
			sign, look, state = "✓", p.Good, string(s.State)
		case r.snap.StepUnderWay(s.ID):
			sign, look, state = "◐", p.Warn, "under way"
		case r.procedure().Blocked(s.ID) != "":
			sign, look, style = "·", p.Dim, p.Dim
		}
		if s.State != incident.ItemOpen {
			if s.By != "" {
				state += " by " + s.By
			}
			state += s.At.UTC().Format(" 15:04:05")
		}
		room := w - 8 - ansi.StringWidth(state)
		text := p.wrap(s.Text, max(20, room), 0)
		for k, l := range text {
			line := spaces(6) + paint(style, l)
			if k == 0 {
				line = p.pad(p.say(lead)+paint(look, p.say(sign))+"  "+paint(style, l), w-ansi.StringWidth(state)-1) + paint(look, p.say(state))
			}
			out = append(out, line)
		}
		if s.Reason != "" && n == r.at {
			out = append(out, p.hang(spaces(6), "“"+s.Reason+"”", w, 0, p.Dim)...)
		}
		if n == r.at {
			out = append(out, r.detail(s, w)...)
			at = len(out) - 1
		}
	}
	return out, at
}

// detail tells of the marked step: its commands, and where a number is from.
func (r *recovery) detail(s *incident.ProcedureStep, w int) (out []string) {
	p := r.pen
	if s.State != incident.ItemOpen {
		return nil
	}
	for n, c := range r.snap.StepCommands(s) {
		lead := "by hand: "
		if n > 0 {
			lead = spaces(len(lead))
		}
		out = append(out, p.hang(spaces(6)+paint(p.Dim, lead), c, w, 0, p.Note)...)
	}
	notes := r.snap.StepNotes(s)
	if wait := r.snap.StepWait(r.procedure(), s.ID); wait != "" {
		notes = append(notes, wait)
	}
	for _, note := range notes {
		out = append(out, p.hang(spaces(6), note, w, 0, p.Dim)...)
	}
	return out
}
