package ui

import (
	"fmt"
	"slices"

	tea "charm.land/bubbletea/v2"

	"rollbook/incident"
	"rollbook/model"
)

// recovery is the overlay with what to do when the rollback failed or made it
// worse: the runbook's rows F1 to F5 as commands, filled in and ready to copy.
// Running them from here, with preflight and confirmation, is to come.
type recovery struct {
	pager
	at   int
	said string
}

// command is one line to copy, or a remark when it is not one.
type command struct {
	head string // starts a section
	line string
	note string
}

func newRecovery(s *scope) overlay {
	r := &recovery{pager: pager{base: base{s}, title: "Recovery: when the rollback failed or made it worse"}}
	r.lines = func(w int) []string { lines, _ := r.draw(w); return lines }
	return r
}

// Scroll keeps the marked command in view.
func (r *recovery) Scroll(w, h int) {
	r.pager.Scroll(w, h)
	lines, at := r.draw(w)
	r.top = window(r.top, at+1, len(lines), max(1, h))
}

func (r *recovery) Keys() []Key {
	return []Key{
		r.closeKey("close", "close"),
		{Keys: []string{"enter"}, Name: "copy", Help: "copy the marked command to the terminal's clipboard (OSC 52)", do: r.copy},
		{Keys: []string{"up", "k"}, Show: "↑", Name: "up", Help: "the command above", Hide: true, do: func() tea.Cmd { return r.move(-1) }},
		{Keys: []string{"down", "j"}, Show: "↓", Name: "down", Help: "the command below", Hide: true, do: func() tea.Cmd { return r.move(1) }},
	}
}

func (r *recovery) move(by int) tea.Cmd {
	r.at = max(0, min(len(r.runnable())-1, r.at+by))
	r.said = ""
	return nil
}

func (r *recovery) runnable() []string {
	var out []string
	for _, c := range commands(r.snap) {
		if c.line != "" {
			out = append(out, c.line)
		}
	}
	return out
}

func (r *recovery) copy() tea.Cmd {
	lines := r.runnable()
	if r.at >= len(lines) {
		return nil
	}
	r.said = "Sent to the clipboard, if the terminal allows it (in tmux: set-clipboard on). Paste it in another window."
	return tea.SetClipboard(lines[r.at])
}

func (r *recovery) Says() sentence {
	if r.said != "" {
		return sentence{calm, r.said}
	}
	return sentence{warn, "In this order. Nothing here is run by rollbook: copy a command, read it, run it yourself."}
}

// draw draws all of it, and says on which line the marked command begins.
func (r *recovery) draw(w int) (out []string, at int) {
	p := r.pen
	n := 0
	for _, c := range commands(r.snap) {
		switch {
		case c.head != "":
			out = append(out, " "+paint(p.Strong, p.fit(c.head, w-1)))
		case c.line != "":
			sign, style := "   ", p.Plain
			if n == r.at {
				sign, style, at = " ▸ ", p.Note, len(out)
			}
			for k, l := range p.wrap(c.line, w-8, 0) {
				if k > 0 {
					sign = "     "
				}
				out = append(out, p.say(sign)+" "+paint(style, l))
			}
			n++
		default:
			for _, l := range p.wrap(c.note, w-6, 0) {
				out = append(out, "    "+paint(p.Dim, l))
			}
		}
	}
	return out, at
}

// commands are the recovery's lines for this incident: of the components that
// were chosen, else of the one that the screen looks at.
func commands(s *incident.Snapshot) []command {
	set := &s.Incident.Settings
	kubectl := "kubectl"
	if set.Context != "" {
		kubectl += " --context " + model.ShellWord(set.Context)
	}
	kubectl += " -n " + model.ShellWord(set.Namespace)
	var out []command
	head := func(t string) { out = append(out, command{head: t}) }
	line := func(f string, a ...any) { out = append(out, command{line: fmt.Sprintf(f, a...)}) }
	note := func(f string, a ...any) { out = append(out, command{note: fmt.Sprintf(f, a...)}) }
	of := concerned(s)

	head("F1  Stop the traffic: scale to 0")
	for _, c := range of {
		if c.Workload.Kind == model.DaemonSet {
			note("%s is a DaemonSet: it cannot be scaled", c.ID)
			continue
		}
		line("%s scale %s --replicas=0", kubectl, model.ShellWord(c.Workload.String()))
		if c.Desired == 0 {
			note("It has 0 replicas already.")
		} else {
			note("It has %s now. This suspends an HPA; do not delete it.", plural(c.Desired, "replica"))
		}
	}
	if len(of) == 0 {
		note("no component is known yet")
	}
	head("F2  Maintenance mode")
	if m := set.Recovery.Maintenance; m != "" {
		line("%s apply -f %s", kubectl, model.ShellWord(m))
	} else {
		note("no manifest is configured (recovery.maintenance)")
	}
	head("F3  Restore from a backup, when data is affected")
	if l := set.Recovery.Restore; l != "" {
		note("the procedure: %s", l)
	} else {
		note("no procedure is configured (recovery.restore)")
	}
	head("F4  The last good version again")
	if o := set.Recovery.Overlay; o != "" {
		line("git checkout LAST_GOOD_TAG && %s apply -k %s", kubectl, model.ShellWord(o))
		note("--force deletes and creates anew what conflicts: only when there is no other way")
	} else {
		note("no overlay is configured (recovery.overlay)")
	}
	head("F5  Back up, gradually")
	for _, c := range of {
		if c.Workload.Kind == model.DaemonSet {
			continue
		}
		name := model.ShellWord(c.Workload.String())
		line("%s scale %s --replicas=1", kubectl, name)
		line("%s rollout status %s --timeout=2m", kubectl, name)
		n, from := s.ReplicasToGoBackTo(c)
		if n > 1 {
			line("%s scale %s --replicas=%d", kubectl, name, n)
		}
		if from != "" {
			note("%s", from)
		}
	}
	return out
}

func concerned(s *incident.Snapshot) []*model.Component {
	var out []*model.Component
	for _, ch := range s.Incident.Choices {
		if c := s.Seen.Component(ch.Component); c != nil {
			out = append(out, c)
		}
	}
	if len(out) > 0 {
		return out
	}
	for _, t := range s.Incident.Triggers {
		if c := s.Seen.Component(t.Component); c != nil && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	if len(out) == 0 && len(s.Seen.Board) > 0 && len(s.Seen.Board) <= 4 {
		out = s.Seen.Board
	}
	return out
}
