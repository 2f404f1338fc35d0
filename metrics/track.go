package metrics

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"rollbook/model"
)

// kept is how much of the past a Client holds: what the journal begins with and
// what the charts show (WALK.md, "kept in memory, 30 minutes").
const kept = 30 * time.Minute

// overlap is how many steps are asked for again: the last ones may have been
// evaluated before their samples had arrived.
const overlap = 2

// fineMost is for how many workloads a round is finer than a step: it takes
// twice as long.
const fineMost = 200

// track is what is known of one component from earlier rounds.
type track struct {
	print       string // what it was asked with; another print begins anew
	errors, p95 past
	fresh       time.Time // newest sample ever seen to be really there
	labels      []string  // those that tell the outcome
	// strange is the pods of the last round that the cluster had not shown; nil = there
	// was none.
	strange map[string]bool
	burnt   burnt
	renewed renewed
}

// track is what is known of a target; it begins anew when the target is asked for
// in another way.
func (c *Client) track(t model.Target) *track {
	how := fmt.Sprintf("%v %q %q %q %q", t.Workload, t.Match, t.Errors, t.P95, t.Requests)
	if known := c.tracks[t.ID]; known == nil || known.print != how {
		c.tracks[t.ID] = &track{print: how}
	}
	return c.tracks[t.ID]
}

// keepTracks drops what is known of others than the targets, and the past when
// the scrape interval has changed: other steps and windows do not go together.
func (r *round) keepTracks(targets []model.Target) {
	c, wanted := r.c, map[string]bool{}
	for _, t := range targets {
		wanted[t.ID] = true
	}
	maps.DeleteFunc(c.tracks, func(id string, _ *track) bool { return !wanted[id] })
	if c.step != r.step || c.short != r.short {
		for _, t := range c.tracks {
			t.errors, t.p95 = past{}, past{}
		}
		c.step, c.short = r.step, r.short
	}
}

// past is the samples of one figure. They are shared with the figures that were
// handed out: never changed, only replaced or extended.
type past struct {
	samples []model.Sample
	until   time.Time // the last step that was answered; zero = none
	failed  int       // how often it was not, since
}

// merge replaces what it has from g.from on by news.
func (p *past) merge(g grid, news []model.Sample, until time.Time) {
	old := p.samples
	oldest := until.Add(-kept)
	for len(old) > 0 && old[0].At.Before(oldest) {
		old = old[1:]
	}
	cut := len(old)
	for cut > 0 && !old[cut-1].At.Before(g.from) {
		cut--
	}
	tail := old[cut:]
	if len(news) >= len(tail) && slices.EqualFunc(tail, news[:len(tail)], same) {
		p.samples = append(old, news[len(tail):]...) // beyond what any reader was given
	} else {
		all := make([]model.Sample, 0, cut+len(news)+8)
		p.samples = append(append(all, old[:cut]...), news...)
	}
	p.until, p.failed = until, 0
}

func same(a, b model.Sample) bool {
	return a.At.Equal(b.At) && a.V == b.V && a.AtLeast == b.AtLeast
}

// floor is the last whole step up to t, counted from 1970, so that the steps are
// the same in every round and every run.
func floor(t time.Time, step time.Duration) time.Time {
	return t.Add(-time.Duration(t.UnixNano() % int64(step)))
}

// figure is the past with a reading of the present.
func (p *past) figure(now model.Reading, step time.Duration) model.Figure {
	return model.Figure{Now: now, Samples: slices.Clip(p.samples), Step: step}
}

// last is the time of the newest sample; zero = there is none.
func (p *past) last() time.Time {
	if len(p.samples) == 0 {
		return time.Time{}
	}
	return p.samples[len(p.samples)-1].At
}

// pasts are those of the figures that own PromQL tells, or those that it does not.
func pasts(as []*asked, own bool) (ps []*past) {
	for _, a := range as {
		if (a.Errors != "") == own {
			ps = append(ps, &a.errors)
		}
		if (a.P95 != "") == own {
			ps = append(ps, &a.p95)
		}
	}
	return ps
}

// window is the grid that brings several pasts up to date: from the step after
// the oldest of them, with the overlap, or all that is kept. When it is short and
// about not too many it is finer than a step, so that the present is not up to a
// step old. Of no past it is the present alone.
func (r *round) window(workloads int, pasts []*past) grid {
	if len(pasts) == 0 {
		return at(r.now)
	}
	end := floor(r.now, r.step)
	failed := 0
	for _, p := range pasts {
		failed = max(failed, p.failed)
	}
	// What was refused or took too long is asked for a quarter of the time: half
	// an hour, seven minutes, two. The present matters more than the past.
	from := floor(end.Add(-max(kept>>min(2*failed, 20), overlap*r.step)), r.step)
	g := grid{from: from, res: r.step}
	oldest := end
	for _, p := range pasts {
		if p.until.Before(oldest) {
			oldest = p.until
		}
	}
	if o := oldest.Add(-overlap * r.step); o.After(from) {
		g.from = o
		if workloads <= fineMost && end.Sub(o) <= 4*r.step && r.step%(3*time.Second) == 0 {
			g.res = r.step / 3
		}
	}
	g.n = int(r.now.Sub(g.from)/g.res) + 1
	return g
}
