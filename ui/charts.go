package ui

import (
	"sort"
	"strings"
	"time"

	"rollbook/incident"
	"rollbook/model"
	"rollbook/ui/draw"
)

// What a chart needs to be read, and how much it is given at most: its plot, a row of
// words above, and the time below.
const (
	chartLeast, chartMost, chartHigh = 5, 10, 16
	// chartSpan is how far back charts show: what is kept in memory.
	chartSpan = 30 * time.Minute
)

// measure is one of the two figures of a component, as it is shown.
type measure struct {
	name     string
	kind     incident.TriggerKind
	limit    float64
	limitFor time.Duration // for how long it has to be over that
	most     float64       // 0 = there is no largest value
	show     func(float64) string
	run      incident.Run // for how long it is
}

// measures returns both figures of a component. That which the incident is about comes
// first: it began with that one, or only that one is over its limit.
func (s *scope) measures(r *row) []measure {
	i, limits := s.inc(), &s.inc().Settings.Limits
	errors := measure{"errors", incident.TErrors, limits.Errors, limits.For, 1, model.Percent, r.Errors}
	p95 := measure{"P95", incident.TP95, limits.P95.Seconds(), limits.P95For, 0, model.Seconds, r.P95}
	slow := i.Trigger(r.c.ID, incident.TP95) != nil || r.P95.State == model.TriYes && r.Errors.State != model.TriYes
	if slow && i.Trigger(r.c.ID, incident.TErrors) == nil {
		return []measure{p95, errors}
	}
	return []measure{errors, p95}
}

// of returns the figure of all pods, and by themselves those that a rollback brings: how
// they do now, and how they did.
func (m measure) of(f *model.Figures) (all model.Figure, fresh model.Reading, samples []model.Sample) {
	if m.kind == incident.TP95 {
		return f.P95, f.New.P95, f.NewP95
	}
	return f.Errors, f.New.Errors, f.NewErrors
}

// chart draws one figure of a component in h rows, with what happened meanwhile. It
// returns nil where no sample is known, or where there is no room.
func (s *scope) chart(r *row, m measure, w, h int) []string {
	if r == nil || r.f == nil || r.f.NotMeasured || h < chartLeast {
		return nil
	}
	p := s.pen
	f, fresh, apart := m.of(r.f)
	if len(f.Samples) == 0 {
		return nil
	}
	gap := 2*f.Step + f.Step/2
	lines := []draw.Line{{Samples: f.Samples, Gap: gap, End: p.say(shown(f.Now, m.show))}}
	if none := r.c.NoneReady; !none.IsZero() && f.Now.Value == 0 {
		// What is measured from here on, pods served that are gone.
		n := sort.Search(len(f.Samples), func(n int) bool { return f.Samples[n].At.After(none) })
		lines[0].Samples, lines[0].End = f.Samples[:n], p.say("no pod")
	}
	if s.snap.StopOf(r.c.ID) != nil {
		lines[0].End = p.say("stopped")
	} else if to := s.goneBackTo(r); len(apart) > 0 && !to.IsZero() {
		lines[0].End = p.say("all " + shown(f.Now, m.show))
		lines = append(lines, draw.Line{Samples: apart, Gap: gap, End: p.say("new " + p.middle(nonEmpty(to.Tag, short(to)), 8) + " " + shown(fresh, m.show))})
	}
	to := s.snap.Now
	if closed := s.inc().Closed; !closed.IsZero() {
		to = closed
	}
	c := draw.Chart{Title: p.say(" " + m.name + " " + p.middle(r.c.ID, w/3)), Limit: m.limit, Most: m.most, Show: m.show,
		Marks: s.marks(r), To: to, Span: chartSpan, ASCII: p.look.ASCII,
		Lines: lines}
	return c.Rows(w, h, func(k draw.Kind, text string) string {
		switch k {
		case draw.Scale:
			return paint(p.Dim, text)
		case draw.Limit:
			return paint(p.Warn, text)
		case draw.Title:
			return paint(p.Strong, text)
		case draw.Event:
			return paint(p.Note, text)
		case draw.Over:
			return paint(p.Bad, text)
		case draw.Second:
			return paint(p.Good, text)
		}
		return text
	})
}

// leading draws that figure of a component which the incident is about, in at most h
// rows. It returns nil where chart does.
func (s *scope) leading(r *row, w, h int) []string {
	if r == nil {
		return nil
	}
	return s.chart(r, s.measures(r)[0], w, min(chartMost, h))
}

// charts draws a component's figures below each other in h rows: the one that the
// incident is about, and the other if there is room for both.
func (s *scope) charts(r *row, w, h, most int) []string {
	if r == nil {
		return nil
	}
	var out []string
	all := s.measures(r)
	if h < 2*chartLeast+1 {
		all = all[:1]
	}
	each := min(most, (h-len(all)+1)/len(all))
	for _, m := range all {
		lines := s.chart(r, m, w, each)
		if len(lines) > 0 && len(out) > 0 {
			out = append(out, "")
		}
		out = append(out, lines...)
	}
	return out
}

// goneBackTo returns the version that a component is being rolled back to: until that is
// verified its pods are shown by themselves. Zero where it is not.
func (s *scope) goneBackTo(r *row) model.Version {
	i := s.inc()
	if !i.Verified.IsZero() {
		return model.Version{}
	}
	for _, st := range i.Standing() {
		if st.Write.Plan.Component == r.c.ID && st.Write.Plan.Role == model.RoleRelease {
			return st.Write.Plan.To
		}
	}
	return model.Version{}
}

// subject returns the component that the incident is about: what was written last, what was
// chosen, what fails; the one in focus where there is none.
func (s *scope) subject() *row {
	i := s.inc()
	var ids []string
	if a := i.Attempt(); a != nil {
		for n := range a.Writes {
			ids = append(ids, a.Writes[n].Plan.Component)
		}
	}
	for n := range i.Choices {
		ids = append(ids, i.Choices[n].Component)
	}
	for n := range i.Triggers {
		ids = append(ids, i.Triggers[n].Component)
	}
	for _, id := range ids {
		if r := s.d.byID[id]; r != nil {
			return r
		}
	}
	return s.row()
}

// marks returns what happened to a component, as charts show it: what matters most first.
func (s *scope) marks(r *row) []draw.Mark {
	i := s.inc()
	var out []draw.Mark
	var stops []time.Time
	add := func(at time.Time, text, short string) {
		if !at.IsZero() {
			out = append(out, draw.Mark{At: at, Text: s.pen.say(text), Short: s.pen.say(short)})
		}
	}
	for n := range i.Attempts {
		for _, w := range i.Attempts[n].Writes {
			switch {
			case w.Plan.Component != r.c.ID:
			case w.Plan.Role == model.RoleRelease:
				add(w.Receipt.At, "rollback", "")
			case w.Plan.Method == model.MethodScale && w.Plan.To.Key == model.Replicas(0).Key:
				stops = append(stops, w.Receipt.At)
			}
		}
	}
	add(i.Onset, "onset "+i.Onset.UTC().Format("15:04:05"), "onset")
	add(i.Recovered, "recovered", "ok")
	for _, at := range stops {
		add(at, "stopped", "stop")
	}
	for _, x := range s.snap.Suspects() {
		if x.Component == r.c.ID {
			add(x.At, strings.TrimSpace("release "+x.Version.Tag), "release")
		}
	}
	return out
}
