package ui

import (
	"fmt"
	"slices"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"rollbook/model"
)

// rollBack is the fifth page: the rollout pod by pod, against its bar, and the
// question when it does not get on.
type rollBack struct{ base }

func newRollBack(s *scope) *rollBack { return &rollBack{base{s}} }

func (r *rollBack) Title() string { return "5 Roll back" }

// Follow looks at the component that is being rolled back.
func (r *rollBack) Follow() {
	a := r.inc().Attempt()
	if r.inc().Step != model.RollBack || a == nil {
		return
	}
	for _, w := range a.Writes {
		if w.Plan.Component == r.focus {
			return
		}
	}
	r.focus = a.Writes[0].Plan.Component
}

// askKeys answer the walk's own question. None of them is enter: nothing is done
// by a key that was meant to go on.
func (s *scope) askKeys(undo bool) []Key {
	only := func(*model.Snapshot) string {
		if s.inc().Asked == model.AskNothing {
			return "nothing is asked"
		}
		return ""
	}
	keys := []Key{
		{Keys: []string{"w"}, Name: "wait", Help: "go on waiting", Disabled: only, do: func() tea.Cmd { return s.send(model.Answered{With: "wait"}) }},
		{Keys: []string{"n"}, Name: "another revision", Help: "choose another revision and confirm that", Disabled: only, do: func() tea.Cmd { return s.send(model.Answered{With: "another"}) }},
	}
	if undo {
		keys = append(keys, Key{Keys: []string{"u"}, Name: "undo the undo", Disabled: only,
			Help: "back to the revision that was bad: the last resort; it is chosen and confirmed like any other",
			do:   func() tea.Cmd { return s.send(model.Answered{With: "undo"}) }})
	}
	return keys
}

func (r *rollBack) Keys() []Key {
	keys := []Key{r.nextKey("verify", "go on to the proof that it worked, when it is rolled out")}
	keys = append(keys, r.askKeys(true)...)
	keys = append(keys, r.componentKeys()...)
	return append(keys,
		Key{Keys: []string{"tab"}, Name: "next component", Help: "the next component of this rollback", Hide: true, do: r.turn},
		r.backKey(), r.endKey())
}

func (r *rollBack) turn() tea.Cmd {
	a := r.inc().Attempt()
	if a == nil {
		return nil
	}
	at := slices.IndexFunc(a.Writes, func(w model.Write) bool { return w.Plan.Component == r.focus })
	r.focus = a.Writes[(at+1)%len(a.Writes)].Plan.Component
	return nil
}

func (r *rollBack) Says() sentence {
	i := r.inc()
	a := i.Attempt()
	switch {
	case a == nil:
		return sentence{warn, "Nothing has been confirmed yet."}
	case i.Asked != model.AskNothing:
		return sentence{bad, i.AskText}
	case r.d.blocked == "":
		return sentence{fine, "Rolled out. Verify proves that it worked: enter."}
	}
	for _, w := range a.Writes {
		switch w.State {
		case model.Writing:
			return sentence{warn, "Writing " + w.Plan.Component + ": waiting for the API server's answer."}
		case model.Unsettled:
			return sentence{bad, "No answer to the write of " + w.Plan.Component + ": looking whether it happened. Nothing is sent twice."}
		case model.Rolling:
			st := model.Rollout(r.snap.Seen.Component(w.Plan.Component), &w)
			return sentence{calm, "Rolling back " + w.Plan.Component + ": " + st.Text + "."}
		}
	}
	return sentence{bad, upper(r.d.blocked) + "."}
}

func (r *rollBack) View(w, h int) []string {
	a := r.inc().Attempt()
	if a == nil {
		return []string{"", " Nothing has been confirmed yet: 4 is where a rollback begins."}
	}
	var out []string
	for n := range a.Writes {
		out = append(out, r.progress(&a.Writes[n], w)...)
	}
	if r.inc().Asked != model.AskNothing {
		out = append(out, r.question(w)...)
	}
	last := min(4, max(2, h/5))
	room := max(3, h-len(out)-last-1)
	out = append(out, r.pods(w, room)...)
	for len(out) < h-last {
		out = append(out, "")
	}
	return append(out[:min(len(out), h-last)], r.timelineLines(w, last, false)...)
}

// progress is one workload: what it goes to, how far it is, how long it has.
func (r *rollBack) progress(wr *model.Write, w int) []string {
	p := r.pen
	c := r.snap.Seen.Component(wr.Plan.Component)
	head := fmt.Sprintf("%s %d → %d", wr.Plan.Component, wr.Plan.From, wr.Plan.To)
	state, style := string(wr.State), p.Plain
	switch wr.State {
	case model.Pending:
		state = "not begun"
	case model.Done:
		state, style = "✓ rolled out after "+model.Short(wr.RolledOut.Sub(wr.Written.At)), p.Good
	case model.Refused, model.Failed, model.Reverted:
		state, style = "✗ "+state+": "+wr.Err, p.Bad
	case model.Rolling:
		state = fmt.Sprintf("%s of %s", clockOf(r.snap.Now.Sub(wr.Written.At)), clockOf(r.inc().Settings.Limits.Rollout))
	}
	room := w - ansi.StringWidth(head) - 4
	state = p.fit(state, room)
	line := " " + paint(p.Strong, p.say(head))
	out := []string{p.pad(line, w-ansi.StringWidth(state)-1) + paint(style, state)}
	if c == nil || wr.State != model.Rolling && wr.State != model.Done {
		return out
	}
	st := model.Rollout(c, wr)
	updated, available := 0, 0
	if st.Known && !st.Reverted && c.Observed >= wr.Written.Generation {
		updated, available = c.Updated, min(c.Updated, c.Available)
	}
	text := fmt.Sprintf("%d of %d updated, %d available", updated, c.Desired, available)
	bw := max(10, min(48, w-len(text)-4))
	share := 0.0
	if c.Desired > 0 {
		share = float64(min(available, c.Desired)) / float64(c.Desired)
	}
	return append(out, " "+paint(p.Good, p.say(bar(share, bw)))+"  "+p.fit(text, w-bw-4))
}

// question is the walk's own, with every answer and its key.
func (r *rollBack) question(w int) []string {
	p := r.pen
	out := []string{p.heading("what now?", w)}
	for _, l := range p.wrap(r.inc().AskText, w-3, 2) {
		out = append(out, "   "+paint(p.Bad, l))
	}
	undo := "back to what was there before"
	if a := r.inc().Attempt(); a != nil && len(a.Writes) > 0 {
		undo = fmt.Sprintf("undo the undo: back to %d, which was bad", a.Writes[0].Plan.From)
	}
	for _, k := range [][2]string{{"w", "wait: it goes on in the cluster"}, {"n", "another revision"}, {"r", "recovery: scale to 0, maintenance, restore"}, {"u", undo}} {
		out = append(out, "   "+paint(p.Key, k[0])+"  "+p.fit(k[1], w-8))
	}
	return out
}

// pods lists the pods of the component in focus, the new ones first.
func (r *rollBack) pods(w, room int) []string {
	p := r.pen
	row := r.row()
	if row == nil {
		return []string{"   the workload is not seen"}
	}
	c := row.c
	if c.PodsNo != "" {
		return []string{"   " + paint(p.Warn, p.fit("pods: "+c.PodsNo, w-4))}
	}
	nw := max(12, min(40, w-46))
	out := []string{"   " + p.cell("POD", nw, p.Dim) + " " + p.right("REV", 5, p.Dim) + "  " + p.cell("STATE", 26, p.Dim) + p.right("READY", 5, p.Dim) + p.right("AGE", 6, p.Dim)}
	for n := range c.Pods {
		if len(out) == room-1 && n < len(c.Pods)-1 {
			out = append(out, paint(p.Dim, p.say(fmt.Sprintf("   … %d more", len(c.Pods)-n))))
			break
		}
		pod := &c.Pods[n]
		state := pod.State
		if pod.Exit != "" && pod.Failing {
			state += " (" + pod.Exit + ")"
		}
		sign, style := "–", p.Dim
		switch {
		case pod.Ready:
			sign, style = "✓", p.Good
		case pod.Failing:
			sign, style = "✗", p.Bad
		}
		look := p.Plain
		if pod.Failing {
			look = p.Bad
		}
		rev := "?"
		if pod.Revision != 0 {
			rev = itoa(pod.Revision)
		}
		out = append(out, "   "+p.name(pod.Name, nw, p.Plain)+" "+p.right(rev, 5, p.Plain)+"  "+p.cell(state, 26, look)+p.right(sign, 5, style)+p.right(model.Age(r.snap.Now, pod.Started), 6, p.Plain))
	}
	return out
}
