package ui

import (
	"fmt"
	"slices"
	"strings"

	"rollbook/incident"
	"rollbook/model"
)

func (c *choose) View(w, h int) []string {
	p := c.pen
	comps, revs := c.heights(w, h)
	if w >= wideWidth {
		// The tables have the whole width, so that nobody's reason is cut.
		out := append(c.components(w, comps), c.revisions(w, revs)...)
		out = append(out, "")
		cols, room := widths(w), h-len(out)
		blocks := [][]string{c.change(cols[0], room), c.charts(c.row(), cols[1], room, chartMost)}
		if len(cols) > 2 {
			blocks = append(blocks, c.aside(cols[2], room))
		}
		return append(out, p.side(blocks, cols, max(0, room))...)
	}
	out := append(c.components(w, comps), c.revisions(w, revs)...)
	return append(out, c.change(w, h-len(out))...)
}

// heights are the lines that the two tables get, their heads among them.
func (c *choose) heights(w, h int) (comps, revs int) {
	if w >= wideWidth {
		comps, revs = min(len(c.list())+1, max(3, h/4)), 2
		if h1 := c.history(); h1 != nil {
			revs = max(2, min(listed(h1)+1, h/3))
		}
		return comps, revs
	}
	comps, revs = min(len(c.list()), max(2, min(4, h/5)))+1, 2
	if h1 := c.history(); h1 != nil {
		revs = min(listed(h1), max(3, h/3)) + 1
	}
	return comps, revs
}

// listed is how many lines a history takes.
func listed(h *model.History) int { return len(h.Candidates) + min(1, h.Left) }

func (c *choose) planned(ch incident.Choice) string {
	if ch.To.IsZero() {
		return "none yet"
	}
	return way(c.from(ch), ch.To)
}

// from is what a choice goes back from: what runs now, until it is written.
func (c *choose) from(ch incident.Choice) model.Version {
	open := slices.ContainsFunc(c.inc().Open(), func(o incident.Choice) bool { return o.Slot == ch.Slot })
	if now := c.snap.Seen.Component(ch.Component); now != nil && open && !now.Running().IsZero() {
		return now.Running()
	}
	return ch.From
}

// changedWords says when a component changed, and whether it is well itself.
func (c *choose) changedWords(r *row) string {
	var first *incident.Suspect
	for n := range c.d.suspects {
		x := &c.d.suspects[n]
		if x.Component == r.c.ID && (first == nil || x.Version.Is(r.c.Running())) {
			first = x
		}
	}
	words := ""
	if first != nil {
		if words = first.Distance(c.inc()); c.inc().Onset.IsZero() {
			words = first.Words(c.snap)
		}
	}
	switch {
	case first != nil && r.rank == rankRest && !c.inc().Onset.IsZero():
		return "is healthy itself; " + words
	case first != nil:
		return words
	case r.rank < rankUnknown && !r.c.RevisionStart.IsZero():
		return "failing, but not changed in the hour before"
	}
	return ""
}

// against says what speaks against a version of that key; "" when nothing is known to.
func (c *choose) against(h *model.History, key string) string {
	if h == nil || h.Candidate(key) == nil {
		return ""
	}
	return c.snap.Against(h, h.Candidate(key))
}

// change is what the marked revision changes, and what it does not bring back.
func (c *choose) change(w, h int) []string {
	p, r, hist := c.pen, c.version(), c.history()
	if r == nil || h < 2 {
		return nil
	}
	if c.onSchema() {
		return c.migration(w, h)
	}
	var cur model.Version
	if x := hist.Current(); x != nil {
		cur = x.Version
	}
	out := []string{p.heading("running "+way(cur, r.Version), w)}
	if r.Current {
		out[0] = p.heading(r.Full(), w)
	}
	out = append(out, c.sinceLines(w)...)
	if r.Current {
		if r.Cause != "" { // the table has no room for all of it
			out = append(out, p.hang("   ", "“"+r.Cause+"”", w, 0, p.Plain)...)
		}
		if c.snap.NoneRuns(c.focus) {
			return append(out, "   this is the version that is set; no pod runs it")
		}
		return append(out, "   this is what runs now")
	}
	var tail []string
	ch := c.choice()
	if r.Refused != "" {
		tail = append(tail, p.hang(paint(p.Bad, p.say(" ✗ ")), r.Refused, w, 0, p.Plain)...)
	}
	if r.Ambiguous != "" {
		tail = append(tail, p.hang(paint(p.Warn, p.say(" ⚠ ")), r.Label+" is also that of "+r.Ambiguous+": this one is "+r.Key, w, 0, p.Plain)...)
	}
	if hist.FiguresErr != "" && (ch == nil || !ch.To.IsZero()) { // else it is the reason why nothing is proposed
		tail = append(tail, p.hang(paint(p.Warn, p.say(" ⚠ ")), "how the versions behaved is unknown: "+hist.FiguresErr, w, 0, p.Plain)...)
	}
	if why := c.against(hist, r.Key); why != "" {
		tail = append(tail, p.hang(paint(p.Bad, p.say(" ✗ ")), why, w, 0, p.Plain)...)
	}
	if of := hist.Candidate(r.RestartOf); of != nil {
		tail = append(tail, p.hang(paint(p.Warn, p.say(" ⚠ ")), "only a restart of "+of.Label, w, 0, p.Plain)...)
	}
	stays := "replicas, contents of ConfigMaps and Secrets, schema"
	if hist.Stays != "" {
		stays = hist.Stays
	}
	if pre := c.snap.Seen.Preflight[c.slot()]; pre != nil && len(pre.Plans) > 0 && pre.To == r.Key && len(pre.Plans[0].Stays) > 0 {
		stays = strings.Join(pre.Plans[0].Stays, ", ")
	}
	for _, l := range p.wrap("not rolled back: "+stays, w-2, 0) {
		tail = append(tail, " "+l)
	}
	if ch != nil && ch.Why != "" && ch.To.Key == r.Key && !strings.Contains(c.Says().text, ch.Why) {
		for _, l := range p.wrap("proposed: "+ch.Why, w-2, 0) {
			tail = append(tail, " "+paint(p.Dim, l))
		}
	}
	if r.Cause != "" && h-1-len(tail) > len(r.Changes)+1 { // the table has no room for all of it
		out = append(out, p.hang("   ", "“"+r.Cause+"”", w, 0, p.Plain)...)
	}
	room := max(1, h-len(out)-len(tail))
	out = append(out, c.changeLines(r.Changes, r.ChangesLeft, w, room)...)
	return append(out, tail...)
}

// revisions is the table of what can be chosen from.
func (c *choose) revisions(w, h int) []string {
	p, hist := c.pen, c.history()
	out := []string{p.heading("history of "+p.middle(c.focus, w/2), w)}
	switch {
	case c.row() == nil:
		return append(out, "   no component")
	case hist == nil && c.choice() == nil:
		if c.looks() {
			return append(out, paint(p.Dim, "   not selected by then"))
		}
		return append(out, paint(p.Dim, "   space selects it and reads its history"))
	case hist.Pending():
		return append(out, "   reading the history…")
	case hist.Err != "":
		for _, l := range p.wrap(hist.Err, w-5, 0) {
			out = append(out, "   "+paint(p.Bad, l))
		}
		if c.onSchema() {
			out = append(out, c.byHand(w)...)
		}
		return out
	}
	if c.onSchema() {
		return c.migrations(w, h)
	}
	t := newRevTable(w, hist)
	out[0] = t.head(p, w)
	n := max(1, h-1)
	at := c.cursor()
	top := window(c.revTop, at, len(hist.Candidates), n)
	chosen := ""
	if ch := c.choice(); ch != nil {
		chosen = ch.To.Key
	}
	for i := top; i < min(len(hist.Candidates), top+n); i++ {
		out = append(out, t.row(p, hist, &hist.Candidates[i], i == at, chosen, c.snap))
	}
	if hist.Left > 0 && top+n > len(hist.Candidates) {
		out = append(out, paint(p.Dim, p.say(fmt.Sprintf("   … %d older", hist.Left))))
	}
	return out
}
