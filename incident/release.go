package incident

import (
	"fmt"
	"strings"
	"time"

	"rollbook/model"
)

// Watching is a release that is watched beside the pipeline that made it.
type Watching struct {
	Component string
	Since     time.Time     // when the watching began
	For       time.Duration // how long it is to go well
	Owner     string        // of the running template's pods when it began; "" = not known
}

// Watched is how a release does so far.
type Watched struct {
	Good model.Tri // yes, no = roll back, or not known
	Over bool      // it stays so: it is decided, or the time is over
	Text string    // the one sentence
}

// seenLeast is which share of the time the figures have to be there for.
const seenLeast = 0.9

// Beside returns how a release does. It is bad as soon as one of its component's limits is
// passed for as long as the limit asks, by all its pods or by the new ones alone, and the
// old ones do not fail alike; good when the time is over, all its pods are of it and ready,
// and its figures were there, under their limits.
func (s *Snapshot) Beside(w Watching) Watched {
	over := s.Now.Sub(w.Since) >= w.For
	c := s.Seen.Component(w.Component)
	switch {
	case s.Seen.Cluster.Heard.IsZero() || s.Seen.Reading:
		return Watched{Over: over, Text: "the cluster has not answered yet"}
	case c == nil:
		return Watched{Over: over, Text: w.Component + " is not there"}
	case c.Missing != "":
		return Watched{Over: over, Text: w.Component + ": " + c.Missing}
	case w.Owner != "" && c.OwnerName != "" && c.OwnerName != w.Owner:
		return Watched{Over: true, Text: "another release came while this one was watched: " + c.Running().Full()}
	}
	if why := s.releaseFails(w.Component); why != "" {
		if old := s.oldFailAlike(w.Component); old != "" {
			return Watched{Over: true, Text: why + ", but " + old + ": a rollback alone is unlikely to help"}
		}
		return Watched{Good: model.TriNo, Over: true, Text: why}
	}
	why := s.notProved(c, w)
	switch {
	case !over && why == "":
		return Watched{Text: "good so far" + s.releaseFigures(w.Component)}
	case why != "":
		return Watched{Over: over, Text: why}
	}
	return Watched{Good: model.TriYes, Over: true, Text: c.Running().Full() + " is good" + s.releaseFigures(w.Component)}
}

// releaseFails says which limit a component has passed for long enough, by all its pods or
// by the new ones alone; "" for none.
func (s *Snapshot) releaseFails(component string) string {
	for n := range s.Incident.Triggers {
		if t := &s.Incident.Triggers[n]; t.Component == component && s.over(t) {
			return t.Text
		}
	}
	f := s.FiguresOf(component)
	if f == nil {
		return ""
	}
	for _, x := range s.sidesOf(f) {
		if run := Over(model.Figure{Now: x.new, Samples: x.samples, Step: max(x.whole.Step, s.Incident.Settings.Poll)}, x.limit, x.last); run.Held {
			return fmt.Sprintf("%s of the new pods of %s over %s for %s (limit %s)", x.name, component, x.show(x.limit), model.Short(run.For), model.Short(x.last))
		}
	}
	return ""
}

// apart is one figure of a component whose new pods are told apart from the old.
type apart struct {
	name     string
	whole    model.Figure
	old, new model.Reading
	samples  []model.Sample // of the new
	limit    float64
	last     time.Duration // how long it may be over
	show     func(float64) string
}

func (s *Snapshot) sidesOf(f *model.Figures) []apart {
	l := &s.Incident.Settings.Limits
	return []apart{
		{"errors", f.Errors, f.Old.Errors, f.New.Errors, f.NewErrors, l.Errors, l.For, model.Percent},
		{"P95", f.P95, f.Old.P95, f.New.P95, f.NewP95, l.P95.Seconds(), l.P95For, model.Seconds},
	}
}

// oldFailAlike says that the pods of before pass a limit as the new ones do; "" when they
// do not, when there are none any more, or when nobody knows.
func (s *Snapshot) oldFailAlike(component string) string {
	f := s.FiguresOf(component)
	if f == nil {
		return ""
	}
	for _, x := range s.sidesOf(f) {
		if x.old.Known && x.old.Value > x.limit && x.new.Known && x.new.Value > x.limit && x.new.Value < worseBy*x.old.Value {
			return fmt.Sprintf("the pods of before fail alike (%s %s, new %s)", x.name, x.show(x.old.Value), x.show(x.new.Value))
		}
	}
	return ""
}

// notProved says what is missing for a release to count as good; "" for nothing.
func (s *Snapshot) notProved(c *model.Component, w Watching) string {
	if why := s.clusterLost(); why != "" {
		return why
	}
	if c.Observed < c.Generation || c.Updated < c.Desired || c.Replicas > c.Updated {
		return fmt.Sprintf("it is still being rolled out: %d of %d pods are new, %d available", c.Updated, c.Desired, c.Available)
	}
	f := s.FiguresOf(c.ID)
	switch {
	case f == nil:
		return "figures unknown: " + s.noFigures()
	case f.NotMeasured:
		return "nothing of it is measured, by configuration"
	}
	for _, x := range s.sidesOf(f) {
		switch missing := s.missing(x.whole, w.Since); {
		case !x.whole.Now.Known:
			return x.name + " unknown: " + x.whole.Now.Why
		case missing > 0:
			return fmt.Sprintf("%s are not known of %s of the %s that it was watched", x.name, model.Short(missing), model.Short(s.Now.Sub(w.Since)))
		}
	}
	return s.Unwell(c.ID)
}

// missing returns for how much of the time since then a figure is not known, where that is
// more than a release may have to count as watched; else 0.
func (s *Snapshot) missing(f model.Figure, since time.Time) time.Duration {
	if f.Step <= 0 {
		return 0
	}
	n := 0
	for _, x := range f.Samples {
		if x.At.After(since) {
			n++
		}
	}
	seen, all := time.Duration(n)*f.Step, s.Now.Sub(since)
	if all < 4*f.Step || float64(seen+2*f.Step) >= seenLeast*float64(all) {
		return 0
	}
	return (all - seen).Truncate(time.Second)
}

// releaseFigures says how the new pods do beside the old ones, for the end of a sentence.
func (s *Snapshot) releaseFigures(component string) string {
	f := s.FiguresOf(component)
	if f == nil {
		return ""
	}
	var out []string
	for _, x := range s.sidesOf(f) {
		now := x.new
		if !now.Known {
			now = x.whole.Now
		}
		switch {
		case !now.Known:
		case x.old.Known:
			out = append(out, fmt.Sprintf("%s %s (old pods %s)", x.name, x.show(now.Value), x.show(x.old.Value)))
		default:
			out = append(out, x.name+" "+x.show(now.Value))
		}
	}
	if len(out) == 0 {
		return ""
	}
	return ": " + strings.Join(out, ", ")
}
