package model

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// sampleEvery is how often the components concerned are sampled for the replay,
// and sampleMax how many of them.
const (
	sampleEvery = 15 * time.Second
	sampleMax   = 20
)

// observe is what follows from a new observation, or from time going on.
func (d *decider) observe() {
	if !d.inc().Closed.IsZero() || d.inc().End != nil {
		return
	}
	d.triggers()
	d.notice()
	if len(d.s.Seen.Board) > 0 {
		d.judge()
	}
	if step := d.inc().Step; step == Choose || step == Confirm {
		d.propose()
	}
	d.baselines()
	d.follow()
	d.verify()
	d.clock()
	d.escalate()
	d.sample()
}

// triggers latches what is broken now, and marks what is no longer.
func (d *decider) triggers() {
	if a := d.inc().Attempt(); a != nil && a.Active() {
		// While a rollback is under way its own churn is no new trigger.
		return
	}
	for _, f := range d.findings() {
		t := d.inc().trigger(f.Component, f.Kind)
		switch {
		case t == nil && f.State == TriYes:
			f.Trigger.At = d.s.Now
			d.fact(Rose{Trigger: f.Trigger})
		case t == nil:
		case f.State == TriNo && !f.Over && t.Under.IsZero():
			d.fact(Eased{Component: f.Component, Kind: f.Kind, Since: d.underSince(f)})
		case !t.Under.IsZero() && (f.State != TriNo || f.Over):
			d.fact(BackOver{Component: f.Component, Kind: f.Kind})
		}
	}
}

// underSince is the first sample of the run under the limit, or now.
func (d *decider) underSince(f finding) time.Time {
	figs := d.s.FiguresOf(f.Component)
	limits := d.inc().Settings.Limits
	var t time.Time
	switch {
	case figs == nil:
	case f.Kind == TErrors:
		t = UnderSince(figs.Errors, limits.Errors)
	case f.Kind == TP95:
		t = UnderSince(figs.P95, limits.P95.Seconds())
	}
	if t.IsZero() {
		return d.s.Now
	}
	return t
}

// notice keeps what the cluster shows of the components concerned as facts:
// each change of a pod's reason, of a revision and of an owner.
func (d *decider) notice() {
	if d.s.clusterLost() != "" {
		return
	}
	for _, c := range d.s.Seen.Board {
		_, suspect := d.s.suspect(c)
		if c.Missing != "" || !suspect && !d.s.concerns(c) && len(reasons(c)) == 0 {
			continue
		}
		note := func(what, text string) {
			was, had := d.inc().Noted[c.ID+"/"+what]
			if was == text || !had && text == "" {
				return
			}
			d.fact(Noticed{Component: c.ID, What: what, Text: text})
		}
		for _, r := range reasons(c) {
			// Once for each revision: a crash loop goes through its states for hours.
			note(r, r)
		}
		if c.Revision != 0 && c.Observed >= c.Generation { // the controller numbers a new template after it is written
			note("revision", "revision "+strconv.FormatInt(c.Revision, 10)+" "+strings.Join(c.Images, " "))
		}
		var owners []string
		for _, o := range c.Owners {
			owners = append(owners, strings.TrimSpace(o.Manager+" "+o.Name))
		}
		if len(owners) > 0 {
			note("owners", "owned by "+strings.Join(owners, ", "))
		}
	}
}

// reasons are the distinct states of a component's failing pods, without their
// number, which changes all the time. A pod that runs again for a moment is not
// one of them.
func reasons(c *Component) []string {
	var out []string
	for _, p := range c.Pods {
		if !p.Failing || p.State == "Running" {
			continue
		}
		r := p.State
		if p.Exit != "" {
			r += " (" + p.Exit + ")"
		}
		out = append(out, fmt.Sprintf("pods of revision %d: %s", p.Revision, r))
	}
	sort.Strings(out)
	return slices.Compact(out)
}

// concerns says whether the incident is about a component: it has a trigger or
// is chosen.
func (s *Snapshot) concerns(c *Component) bool {
	if s.Incident.Choice(c.ID) != nil {
		return true
	}
	return s.fails(c.ID)
}

func (d *decider) sample() {
	i := d.inc()
	if i.ID == "" || d.s.Now.Sub(i.SampledAt) < sampleEvery {
		return
	}
	var b Sampled
	for _, c := range d.s.Seen.Board {
		if !d.s.concerns(c) || len(b.Components) == sampleMax {
			continue
		}
		o := SampleOf{Component: c.ID, Revision: c.Revision, Ready: c.Ready, Desired: c.Desired,
			Replicas: c.Replicas, Updated: c.Updated, Available: c.Available,
			Generation: c.Generation, Observed: c.Observed, Hash: c.TemplateHash}
		if f := d.s.FiguresOf(c.ID); f != nil {
			o.Errors, o.P95, o.Requests = f.Errors.Now.pointer(), f.P95.Now.pointer(), f.Requests.pointer()
			o.Up, o.Targets = f.Up.pointer(), f.Targets.pointer()
			o.HoldErrors, o.HoldP95 = f.HoldErrors.pointer(), f.HoldP95.pointer()
		}
		b.Components = append(b.Components, o)
	}
	if len(b.Components) > 0 {
		d.fact(b)
	}
}

func (r Reading) pointer() *float64 {
	if !r.Known {
		return nil
	}
	return &r.Value
}
