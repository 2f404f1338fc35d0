package ui

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"rollbook/incident"
	"rollbook/model"
)

// rollBack is the fifth page: the rollout pod by pod, against its bar, and the
// question when it does not get on.
type rollBack struct{ base }

func newRollBack(s *scope) *rollBack { return &rollBack{base{s}} }

func (r *rollBack) Title() string { return "5 Roll back" }

// Follow looks at the component that is being rolled back.
func (r *rollBack) Follow() {
	list := r.writes()
	if r.inc().Step != incident.RollBack || len(list) == 0 {
		return
	}
	for _, w := range list {
		if w.Write.Plan.Component == r.focus {
			return
		}
	}
	r.focus = list[len(list)-1].Write.Plan.Component
}

func (r *rollBack) Keys() []Key {
	keys := []Key{r.nextKey("verify", "go on to the proof that it worked, when it is rolled out")}
	if a := r.inc().Attempt(); a != nil && a.Course == incident.CourseRecovery && r.recovering() != nil {
		keys[0] = Key{Keys: []string{"enter"}, Name: "next step", Main: true, Help: "show the recovery and its next step", do: func() tea.Cmd { return r.open(newRecovery(r.scope)) }}
	}
	if r.inc().Asked == incident.AskNothing {
		keys = append(keys, r.aidKey())
	}
	keys = append(keys, r.askKeys()...)
	if r.inc().Asked != incident.AskNothing {
		keys = append(keys, r.aidKey())
	}
	keys = append(keys, r.shellKey())
	keys = append(keys, r.componentKeys()...)
	return append(keys,
		Key{Keys: []string{"tab"}, Name: "next component", Help: "the next component of this rollback", Hide: true, do: r.turn},
		r.backKey(), r.endKey())
}

// writes are those of the newest attempt, after what earlier ones wrote to other
// slots: that goes on in the cluster too.
func (r *rollBack) writes() []incident.Standing {
	i := r.inc()
	a := i.Attempt()
	if a == nil {
		return nil
	}
	var out []incident.Standing
	for _, s := range i.Standing() {
		ours := func(w incident.Write) bool { return w.Plan.Slot() == s.Write.Plan.Slot() }
		if (s.Write.State == incident.Rolling || s.Write.State == incident.Done) && !slices.ContainsFunc(a.Writes, ours) {
			out = append(out, s)
		}
	}
	for n := range a.Writes {
		w := &a.Writes[n]
		out = append(out, incident.Standing{WriteID: incident.WriteID{N: a.N, Plan: w.Plan.ID}, Write: w})
	}
	return out
}

// aidKey helps a write on that does not get on by itself, or ends one that does.
func (r *rollBack) aidKey() Key {
	var helped *incident.Standing
	name := ""
	for _, s := range r.writes() {
		if aid := r.snap.ProgressOf(s.WriteID).Aid; s.Write.State == incident.Rolling && aid != nil {
			helped, name = &s, aid.Name
		}
	}
	k := Key{Keys: []string{"D"}, Name: cmp.Or(name, "delete stuck pod"), Acts: true, Hide: helped == nil,
		Help: "delete the pod that the rollout waits for, so that it is made again, or cancel the job that goes back; it is checked and confirmed like any other write",
		Disabled: func(*incident.Snapshot) string {
			if helped == nil {
				return "no rollout waits for a pod that could be deleted, and no job runs that could be cancelled"
			}
			return ""
		}}
	k.do = func() tea.Cmd { return r.send(incident.Help{Write: helped.WriteID}) }
	return k
}

func (r *rollBack) turn() tea.Cmd {
	list := r.writes()
	if len(list) == 0 {
		return nil
	}
	at := slices.IndexFunc(list, func(w incident.Standing) bool { return w.Write.Plan.Component == r.focus })
	r.focus = list[(at+1)%len(list)].Write.Plan.Component
	return nil
}

func (r *rollBack) View(w, h int) []string {
	if r.inc().Attempt() == nil {
		return []string{"", " Nothing has been confirmed yet" + r.keyed(": 4 is where a rollback begins") + "."}
	}
	if w < wideWidth {
		return r.rollout(w, h, min(4, max(2, h/5)), 1)
	}
	cols := widths(w)
	if len(cols) > 2 {
		return r.pen.side([][]string{r.rollout(cols[0], h, 0, 0), r.charts(r.row(), cols[1], h, chartHigh), r.aside(cols[2], h)}, cols, h)
	}
	return r.pen.side([][]string{r.rollout(cols[0], h, 0, 2), r.aside(cols[1], h)}, cols, h)
}

// rollout draws the bars, the question when there is one, so many charts, the pods, and
// so many last lines of the timeline. Where not all has room, the pods come before the
// charts.
func (r *rollBack) rollout(w, h, last, charts int) []string {
	var out []string
	for _, wr := range r.writes() {
		out = append(out, r.progress(wr, w)...)
		out = append(out, r.said(wr, w, max(3, h/4))...)
	}
	if r.inc().Asked != incident.AskNothing {
		out = append(out, r.question(w)...)
	}
	pods := r.pods(w, h)
	if row := r.row(); row != nil && charts > 0 {
		// A chart takes what the pods leave, and makes do with little; of many pods some
		// give way to it.
		room := h - len(out) - last - 1
		room = max(room-len(pods), min(charts*(chartLeast+1), room-min(5, len(pods))))
		if room < charts*chartLeast {
			charts = 1
		}
		for _, m := range r.measures(row)[:charts] {
			out = append(out, r.chart(row, m, w, min(chartMost, room/charts))...)
		}
	}
	if room := max(3, h-len(out)-last-1); len(pods) >= room {
		pods = r.pods(w, room) // some give way, and it says how many
	}
	out = append(out, pods...)
	if last == 0 {
		return out
	}
	for len(out) < h-last {
		out = append(out, "")
	}
	return append(out[:min(len(out), h-last)], r.timelineLines(w, last, false)...)
}

// progress is one workload: what it goes to, how far it is, how long it has.
func (r *rollBack) progress(s incident.Standing, w int) []string {
	p, wr := r.pen, s.Write
	head := named(&wr.Plan) + " " + fromTo(wr.Plan)
	state, style := string(wr.State), p.Plain
	switch wr.State {
	case incident.Pending:
		state = "not begun"
		if wr.Plan.Waits {
			state = "waits for what goes before it"
		}
	case incident.Done:
		state, style = "✓ rolled out after "+model.Short(wr.RolledOut.Sub(wr.Receipt.At)), p.Good
		if wr.Plan.Role == model.RoleSchema {
			state = "✓ taken back"
		} else if wr.Plan.Role == model.RoleSwitch || wr.Plan.Role == model.RoleMaintenance || wr.Plan.Role == model.RoleAid {
			state = "✓ done after " + model.Short(wr.RolledOut.Sub(wr.Receipt.At))
		} else if wr.Asleep && !r.snap.NoneRuns(wr.Plan.Component) {
			state = "✓ runs"
		} else if r.snap.NoneRuns(wr.Plan.Component) && (wr.Asleep || r.snap.StopOf(wr.Plan.Component) == nil) {
			state, style = "version set", p.Warn // its progress says that nothing runs it
		}
	case incident.Reverted: // its Err begins with that word
		state, style = "✗ "+wr.Err, p.Bad
	case incident.Refused, incident.Failed, incident.Stopped:
		state, style = "✗ "+state+": "+wr.Err, p.Bad
	case incident.Rolling:
		state = fmt.Sprintf("%s of %s", clockOf(r.snap.Now.Sub(wr.Receipt.At)), clockOf(r.inc().Settings.Limits.Rollout))
	}
	out := []string{" " + paint(p.Strong, p.say(head))}
	if n := ansi.StringWidth(p.say(state)); n > w-ansi.StringWidth(head)-4 {
		out = append(out, p.hang("   ", state, w, 0, style)...)
	} else {
		out[0] = p.pad(out[0], w-n-1) + paint(style, p.say(state))
	}
	if wr.State != incident.Rolling && wr.State != incident.Done {
		return out
	}
	seen := r.snap.ProgressOf(s.WriteID)
	color := p.Good
	if wr.Plan.Role == model.RoleRelease && wr.State == incident.Done && r.snap.StopOf(wr.Plan.Component) != nil {
		seen.Text = "no pod runs it: stopped on purpose"
	}
	if c := r.snap.Seen.Component(wr.Plan.Component); c != nil && wr.State == incident.Rolling {
		stuck, _ := c.StuckAt(r.snap.Now)
		n, until := c.Waiting()
		if n > 0 && !until.IsZero() {
			seen.Text += ": " + model.Short(max(0, until.Sub(r.snap.Now))) + " to go"
		}
		switch {
		case stuck != "" || r.newFail(s) != "":
			color = p.Bad
		case r.snap.Now.Sub(wr.Receipt.At) >= r.inc().Settings.Limits.Rollout && n == 0:
			color = p.Warn
		}
	}
	if seen.Phase == model.PhaseFailed || seen.Aid != nil && !seen.Aid.Offer {
		color = p.Bad
	}
	// A text that leaves no room for a bar to be read stands below it.
	if n := ansi.StringWidth(seen.Text); w-n-4 >= 20 {
		bw := min(48, w-n-4)
		out = append(out, " "+paint(color, p.say(bar(seen.Share, bw)))+"  "+p.say(seen.Text))
	} else {
		out = append(out, " "+paint(color, p.say(bar(seen.Share, min(48, w-2)))))
		out = append(out, p.hang("   ", seen.Text, w, 0, p.Plain)...)
	}
	for _, l := range p.wrap(r.apart(wr), w-4, 0) {
		if l != "" {
			out = append(out, "   "+l)
		}
	}
	if seen.Aid != nil && !r.looks() {
		out = append(out, p.hang("   "+paint(p.Key, "D")+"  ", seen.Aid.Text, w, 0, p.Plain)...)
	}
	return out
}

// said is the end of the log of a write that has one, while it is under way.
func (r *rollBack) said(s incident.Standing, w, most int) []string {
	lines := r.snap.ProgressOf(s.WriteID).Lines
	if s.Write.State != incident.Rolling {
		return nil
	}
	var out []string
	for _, l := range slices.Backward(lines) { // as many as have room as a whole
		said := r.pen.hang("   "+paint(r.pen.Dim, r.pen.say("│ ")), l, w, most, r.pen.Plain)
		if len(out)+len(said) > most {
			break
		}
		out = append(said, out...)
	}
	return out
}

// apart is how the pods that are replaced and those that replace them do, each by
// itself; "" while neither is known.
func (r *rollBack) apart(wr *incident.Write) string {
	f := r.snap.FiguresOf(wr.Plan.Component)
	if f == nil || wr.Plan.Role != model.RoleRelease {
		return ""
	}
	from, to := short(wr.Plan.From), short(wr.Plan.To)
	for _, c := range wr.Plan.Changes {
		if f, t, ok := versions(c); ok {
			from, to = f, t
			break
		}
	}
	var out []string
	for _, x := range []struct {
		name     string
		old, now model.Reading
		show     func(float64) string
	}{{"errors", f.Old.Errors, f.New.Errors, model.Percent}, {"P95", f.Old.P95, f.New.P95, model.Seconds}} {
		if !x.old.Known && !x.now.Known {
			continue
		}
		out = append(out, fmt.Sprintf("%s: old %s %s · new %s %s", x.name, from, shown(x.old, x.show), to, shown(x.now, x.show)))
	}
	return strings.Join(out, "   ")
}

// pods lists the pods of the component in focus, the new ones first, each kind
// of failure with its last words once.
func (r *rollBack) pods(w, room int) []string {
	p := r.pen
	row := r.row()
	if row == nil {
		return []string{"   the workload is not seen"}
	}
	c := row.c
	if c.PodsNo != "" {
		var out []string
		for _, l := range p.wrap("pods: "+c.PodsNo, w-4, 0) {
			out = append(out, "   "+paint(p.Warn, l))
		}
		return out
	}
	names, nw := podNames(c)
	nw = min(max(12, nw), max(12, w/3))
	sw := max(12, w-nw-26)
	out := []string{"   " + p.cell("POD", nw, p.Dim) + " " + p.right("REV", 5, p.Dim) + "  " + p.cell("STATE", sw, p.Dim) + p.right("READY", 6, p.Dim) + p.right("AGE", 6, p.Dim)}
	said := map[string]bool{}
	for n := range c.Pods {
		if len(out) >= room-1 && n < len(c.Pods)-1 {
			return append(out, paint(p.Dim, p.say(fmt.Sprintf("   … %d more", len(c.Pods)-n))))
		}
		pod := &c.Pods[n]
		state := p.firstFit(sw, podState(pod), pod.State)
		if pod.Restarts > 0 {
			state = p.firstFit(sw, podState(pod)+" "+model.Plural(pod.Restarts, "restart"), state)
		}
		sign, style, look := "–", p.Dim, p.Plain
		switch {
		case pod.Failing:
			sign, style, look = "✗", p.Bad, p.Bad
		case pod.Ready:
			sign, style = "✓", p.Good
		}
		rev := "?"
		if pod.Revision != 0 {
			rev = itoa(pod.Revision)
		}
		out = append(out, "   "+p.name(names[n], nw, p.Plain)+" "+p.right(rev, 5, p.Plain)+"  "+p.cell(state, sw, look)+p.right(sign, 6, style)+p.right(podAge(r.snap.Now, pod.Started), 6, p.Plain))
		if words := lastLines(pod.Message, 1); pod.Failing && len(words) > 0 && !said[words[0]] && len(out) < room-1 {
			said[words[0]] = true
			out = append(out, p.hang("     ", words[0], w, max(1, room-1-len(out)), p.Strong)...)
		}
	}
	return out
}
