package ui

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"rollbook/model"
)

// facts makes lines of a name and a text, which is wrapped.
func (p *pen) facts(w int) (out *[]string, add func(name, text string)) {
	out = &[]string{}
	return out, func(name, text string) {
		for _, l := range p.wrap(text, w-11, 0) {
			*out = append(*out, p.label(name, l))
			name = ""
		}
	}
}

// runsLines are what a component runs, since when, by whom, and how many.
func (s *scope) runsLines(r *row, w int) []string {
	c := r.c
	if c.Missing != "" {
		return nil
	}
	out, add := s.pen.facts(w)
	guessed := ""
	if c.StartGuessed {
		guessed = " (guessed from the ReplicaSet; wrong after an undo)"
	}
	add("revision", fmt.Sprintf("%d, running for %s%s, by %s", c.Revision, model.Age(s.snap.Now, c.RevisionStart), guessed, nonEmpty(c.RevisionBy, "unknown")))
	for _, img := range c.Images {
		add("image", img)
	}
	add("counts", fmt.Sprintf("%d desired, %d updated, %d ready, %d available, %d terminating", c.Desired, c.Updated, c.Ready, c.Available, c.Terminating))
	return *out
}

// measured are the figures of a component with how they went, since when they are over
// their limits, and their queries.
func (s *scope) measured(r *row, w int) []string {
	if r.f == nil || r.f.NotMeasured {
		return nil
	}
	out, add := s.pen.facts(w)
	for _, m := range s.measures(r) {
		f, _, _ := m.of(r.f)
		*out = append(*out, "")
		if f.Now.Known {
			add(m.name, shown(f.Now, m.show)+", sampled "+age(s.snap.Now, f.Now.At)+" ago; limit "+m.show(m.limit)+" for "+model.Short(m.limitFor))
		} else {
			add(m.name, "? "+nonEmpty(f.Now.Why, "not read yet"))
		}
		switch {
		case m.run.State == model.TriYes:
			add("", "over for "+model.Short(m.run.For)+", since "+m.run.Since.UTC().Format("15:04:05"))
		case m.run.State == model.TriUnknown && m.run.Why != f.Now.Why:
			add("", "unknown: "+m.run.Why)
		}
		*out = append(*out, s.chart(r, m, w-1, chartMost)...)
		if f.Now.Query != "" {
			add("query", f.Now.Query)
		}
	}
	return *out
}

// podList is a component's pods, one a line: whose they are stands above.
func (s *scope) podList(r *row, w int) []string {
	p, c := s.pen, r.c
	names, nw := podNames(c)
	least := 0 // of the state
	for i := range c.Pods {
		least = max(least, len(fmt.Sprintf("%d  %s", c.Pods[i].Revision, c.Pods[i].State)))
	}
	nw = min(nw, max(16, w-11-least))
	var out []string
	for i := range c.Pods {
		pod := &c.Pods[i]
		sign, style := "✓", p.Plain
		if pod.Leftover {
			sign, style = "–", p.Dim
		} else if pod.Failing {
			sign, style = "✗", p.Bad
		} else if !pod.Ready {
			sign, style = "·", p.Warn
		}
		state := p.firstFit(w-nw-11, fmt.Sprintf("%d  %s", pod.Revision, podState(pod)), fmt.Sprintf("%d  %s", pod.Revision, pod.State))
		out = append(out, " "+paint(style, p.say(sign))+" "+p.name(names[i], nw, p.Plain)+"  "+p.cell(state, max(12, w-nw-11), style)+
			p.right(podAge(s.snap.Now, pod.Started), 6, p.Dim))
	}
	return out
}

// podNames are what tells a workload's pods apart, and how wide the widest is.
func podNames(c *model.Component) (names []string, w int) {
	names = make([]string, len(c.Pods))
	for n := range c.Pods {
		names[n] = c.Pods[n].Name
		if rest, ok := strings.CutPrefix(names[n], c.Workload.Name); ok && len(rest) > 1 {
			names[n] = "…" + rest
		}
		w = max(w, ansi.StringWidth(names[n]))
	}
	return names, w
}

// pastLines are the releases before the running one.
func (s *scope) pastLines(r *row, w int) []string {
	p, c := s.pen, r.c
	if len(c.Past) == 0 {
		return nil
	}
	out := []string{p.heading("ran before", w)}
	for n := range c.Past {
		e := &c.Past[n]
		v := c.Came(e)
		text := v.Full()
		if e.Cause != "" {
			text += "  " + e.Cause
		}
		out = append(out, p.hang(" "+p.right(model.Age(s.snap.Now, e.At), 5, p.Plain)+"  ", text, w, 0, p.Plain)...)
	}
	return out
}
