package ui

import (
	"slices"
	"strings"

	"rollbook/incident"
	"rollbook/model"
)

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
		if words = first.Distance(); c.inc().Onset.IsZero() {
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
	var cur model.Version
	if x := hist.Current(); x != nil {
		cur = x.Version
	}
	out := []string{p.heading("running "+way(cur, r.Version), w)}
	if r.Current {
		out[0] = p.heading(r.Full(), w)
	}
	if r.Current {
		return append(out, "   this is what runs now")
	}
	var tail []string
	ch := c.choice()
	if r.Refused != "" {
		tail = append(tail, paint(p.Bad, p.say(" ✗ "))+p.fit(r.Refused, w-4))
	}
	if r.Ambiguous != "" {
		tail = append(tail, p.hang(paint(p.Warn, p.say(" ⚠ ")), r.Label+" is also that of "+r.Ambiguous+": this one is "+r.Key, w, p.Plain)...)
	}
	if hist.FiguresErr != "" && (ch == nil || !ch.To.IsZero()) { // else it is the reason why nothing is proposed
		tail = append(tail, p.hang(paint(p.Warn, p.say(" ⚠ ")), "how the versions behaved is unknown: "+hist.FiguresErr, w, p.Plain)...)
	}
	if why := c.against(hist, r.Key); why != "" {
		tail = append(tail, p.hang(paint(p.Bad, p.say(" ✗ ")), why, w, p.Plain)...)
	}
	if of := hist.Candidate(r.RestartOf); of != nil {
		tail = append(tail, paint(p.Warn, p.say(" ⚠ "))+p.fit("only a restart of "+of.Label, w-4))
	}
	stays := "replicas, contents of ConfigMaps and Secrets, schema"
	if pre := c.snap.Seen.Preflight[c.slot()]; pre != nil && len(pre.Plans) > 0 && pre.To == r.Key && len(pre.Plans[0].Stays) > 0 {
		stays = strings.Join(pre.Plans[0].Stays, ", ")
	}
	for _, l := range p.wrap("not brought back: "+stays, w-2, 2) {
		tail = append(tail, " "+l)
	}
	if ch != nil && ch.Why != "" && ch.To.Key == r.Key {
		for _, l := range p.wrap("proposed: "+ch.Why, w-2, 2) {
			tail = append(tail, " "+paint(p.Dim, l))
		}
	}
	room := max(1, h-1-len(tail))
	out = append(out, p.changeLines(r.Changes, w, room)...)
	return append(out, tail...)
}
