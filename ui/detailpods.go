package ui

import (
	"fmt"
	"strings"

	"rollbook/incident"
	"rollbook/model"
)

// podLines say which pods fail and why, with the last words of the first of
// each kind; nothing where all are there, which the board says.
func (s *scope) podLines(r *row, t *sheet) {
	p, c, now := s.pen, r.c, s.snap.Now
	if c.PodsNo != "" {
		t.say("pods", "? ", p.Warn, p.Warn, c.PodsNo)
		return
	}
	defer func() {
		for _, g := range incident.PodsBy(c, func(p *model.Pod) bool { return p.Leftover }) {
			s.leftover(g, t)
		}
	}()
	list, name := incident.FailingPods(c), "pods"
	if !c.NoneReady.IsZero() {
		t.say(name, "✗ ", p.Bad, p.Plain, fmt.Sprintf("0 of %d pods ready for %s", c.Desired, age(now, c.NoneReady)))
		name = ""
	}
	for _, g := range list {
		text := g.Words(c)
		if !g.Last.IsZero() {
			text += ", last " + age(now, g.Last) + " ago"
		}
		t.say(name, "✗ ", p.Bad, p.Plain, text)
		name = ""
		if said := s.inc().SaidNow(c); said != nil && len(said.Lines) > 0 && strings.Contains(g.Message, said.Lines[0].Text) {
			continue // it stands below, as what they say
		}
		for _, l := range lastLines(g.Message, 2) {
			t.say("", "  ", p.Plain, p.Strong, l)
		}
	}
	old, version := servesStill(c)
	switch {
	case len(list) > 0 && old > 0:
		t.say("", "  ", p.Plain, p.Plain, "still serving: "+model.Plural(old, "pod")+" of "+version)
	case len(list) == 0 && c.NoneReady.IsZero():
		if text := s.podsSay(c, old, version); text != "" {
			t.say("pods", "", p.Plain, p.Plain, text)
		}
	}
}

// podsSay tells how many pods are ready where none fails, and how far a rollout is; "" where
// all are there. So many of the ready ones are of an earlier version.
func (s *scope) podsSay(c *model.Component, old int, version string) string {
	if stop := s.snap.StopOf(c.ID); stop != nil {
		return "0 replicas: " + stop.Words()
	}
	if c.Desired == 0 {
		return "0 replicas: nothing runs"
	}
	rolling := c.Updated < c.Desired || c.Replicas > c.Updated
	if !rolling && c.Ready == c.Desired && c.Available == c.Desired {
		return ""
	}
	text := fmt.Sprintf("%d of %d ready", c.Ready, c.Desired)
	if n, until := c.Waiting(); n > 0 && !until.IsZero() {
		text += fmt.Sprintf(", %s: %s to go", notYet(n, c.Ready), model.Short(max(0, until.Sub(s.snap.Now))))
	} else if c.Available != c.Ready {
		text += fmt.Sprintf(", %d available", c.Available)
	}
	switch {
	case old > 0 && old == c.Ready:
		text += ", all of " + version
	case old > 0:
		text += fmt.Sprintf(", %d of them of %s", old, version)
	}
	if !rolling {
		return text
	}
	waits := 0
	for n := range c.Pods {
		if p := &c.Pods[n]; p.Owner == c.OwnerName && c.OwnerName != "" && !p.Ready && !p.Deleting && !p.Leftover {
			waits++
		}
	}
	if waits > 0 {
		return text + "; " + model.Plural(waits, "new pod") + " of " + c.Running().Name() + " not ready"
	}
	return text + fmt.Sprintf("; rolling out: %d of %d updated", c.Updated, c.Desired)
}

// servesStill returns how many ready pods are not of the running version, and of which
// they are.
func servesStill(c *model.Component) (old int, name string) {
	name = "an earlier version"
	for n := range c.Pods {
		p := &c.Pods[n]
		if !p.Ready || p.Owner == "" || p.Owner == c.OwnerName || c.OwnerName == "" {
			continue
		}
		old++
		for k := range c.Past {
			if c.Past[k].Owner == p.Owner {
				name = c.Came(&c.Past[k]).Name()
			}
		}
	}
	return old, name
}

// stuckLine says why the newest rollout does not get on, and since when: not what the
// lines about the pods say above.
func (s *scope) stuckLine(r *row, t *sheet) {
	if r.stuck == "" {
		return
	}
	p, c := s.pen, r.c
	text, shown := "stuck", c.StuckPods && len(incident.FailingPods(c)) > 0
	switch {
	case shown && (!c.NoneReady.IsZero() || r.since.IsZero()):
		return
	case !r.since.IsZero():
		text += " for " + age(s.snap.Now, r.since)
	}
	if !shown {
		text += ": " + r.stuck
	}
	t.say("rollout", "✗ ", p.Bad, p.Plain, text)
}

// notYet says that of so many ready pods some do not count as available yet.
func notYet(n, ready int) string {
	if n == ready {
		return "not yet available"
	}
	return fmt.Sprintf("%d not yet available", n)
}

// leftover says how many pods have ended and were replaced, and when the last did.
func (s *scope) leftover(g *incident.PodGroup, t *sheet) {
	text := fmt.Sprintf("%d %s", len(g.Pods), g.State)
	if g.State == "Evicted" {
		text = fmt.Sprintf("%d evicted", len(g.Pods))
	}
	if !g.Last.IsZero() {
		text += " " + age(s.snap.Now, g.Last) + " ago"
	}
	text += ", replaced"
	if onset := s.inc().Onset; !onset.IsZero() && g.Last.After(onset) {
		t.say("", "⚠ ", s.pen.Warn, s.pen.Plain, text+": since the onset; look at the nodes, it is not the release")
		return
	}
	t.say("", "", s.pen.Plain, s.pen.Plain, text)
}
