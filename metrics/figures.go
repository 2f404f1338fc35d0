package metrics

import (
	"cmp"
	"fmt"
	"time"

	"rollbook/model"
)

// preset fills in what a preset's queries say of one target.
func (r *round) preset(a *asked, f *model.Figures) {
	q, k, g := a.shown, a.key, a.g
	if l := r.c.preset().Outcome.told(k, &g.short, &g.long, &g.whole); len(l) > 0 {
		a.labels = l
	}
	if t := g.newest[k]; !t.IsZero() {
		a.fresh = t
	}
	if a.mixed != "" { // nothing of it is shown
		a.errors, a.p95 = past{}, past{}
	}
	r.upReadings(a, f)

	present, last := r.present(a), g.at.n-1
	if a.Errors == "" {
		f.Errors = r.figure(a, &a.errors, (*signals).errors, first(g.newestErr, g.short.cErr, a.longErr(g.long.cErr)), present,
			func(window time.Duration) string { return q.errors(a.labels, window) })
	}
	if a.P95 == "" {
		f.P95 = r.figure(a, &a.p95, (*signals).latency, first(g.newestErr, g.short.cErr, g.short.pErr, a.longErr(first(g.long.cErr, g.long.pErr))), present, q.p95)
	}
	if !a.g.preset() { // nobody in the group needs them
		f.Requests = model.Unknown("", "own PromQL has a window of its own")
	} else {
		n, why := g.short.counts[k].count(last, "too few samples yet")
		n.V *= float64(time.Minute) / float64(r.short)
		f.Requests = r.dated(a, n, unless(first(g.newestErr, g.short.cErr), cmp.Or(present, why)), q.requests(r.short))
	}
	if s, wanted := r.sides[a.ID]; wanted {
		f.Old, f.New = r.sideNow(a.old, present, a), r.sideNow(a.new, present, a)
		f.NewErrors, f.NewP95 = a.renewed.add(s.New, f.New)
	}
	if r.hold <= 0 {
		return
	}
	h, err := &g.whole, first(g.newestErr, g.whole.cErr)
	if a.preset() {
		n, why := h.counts[k].count(0, "too few samples yet")
		f.HoldRequests = r.dated(a, n, unless(err, cmp.Or(present, why)), q.requests(r.hold))
	}
	if a.Errors == "" {
		v, why := h.errors(k, 0)
		f.HoldErrors = r.dated(a, v, unless(err, cmp.Or(present, why)), q.errors(a.labels, r.hold))
	}
	if a.P95 == "" {
		v, why := h.latency(k, 0)
		f.HoldP95 = r.dated(a, v, unless(first(err, h.pErr), cmp.Or(present, why)), q.p95(r.hold))
	}
}

// figure brings a past up to date and reads the present, for which present is why
// there is none. What failed leaves the past as it is.
func (r *round) figure(a *asked, p *past, of signal, err error, present string, query func(window time.Duration) string) model.Figure {
	if err != nil {
		p.failed++
		return p.figure(r.dated(a, model.Sample{}, short(err), query(r.short)), r.step)
	}
	at, until := a.g.at, r.until(a)
	p.merge(at, at.samples(r.step, func(i int) (model.Sample, string) {
		if at.time(i).After(until) || a.mixed != "" {
			return model.Sample{}, "gone"
		}
		v, _, why := a.g.value(of, a.key, i, true)
		return v, why
	}), r.stepOf(at))
	v, s, why := a.g.value(of, a.key, at.n-1, true)
	if present != "" {
		return p.figure(r.dated(a, v, present, query(r.short)), r.step)
	}
	out := p.figure(r.dated(a, v, why, query(s.window)), r.step)
	out.Window = s.window
	return out
}

// upReadings fills in how many targets are up.
func (r *round) upReadings(a *asked, f *model.Figures) {
	namespace, name := r.c.preset().Up.labels()
	up, _ := a.g.up[a.upKey].sum(0, isUp)
	all, none := a.g.up[a.upKey].count(0, fmt.Sprintf("no target with %s and %s labels of %s", namespace, name, a.Workload))
	why := unless(a.g.upErr, cmp.Or(a.mixed, none))
	f.Up = reading(model.Sample{V: up}, why, a.upOnly.up("sum"), r.now)
	f.Targets = reading(all, why, a.upOnly.up("count"), r.now)
}

// present says why there is no present for a target, whatever its history: ""
// when its series are being written.
func (r *round) present(a *asked) string {
	if a.g.newest == nil {
		return ""
	}
	current := !a.g.newest[a.key].IsZero()
	age := r.now.Sub(a.fresh)
	switch {
	case a.mixed != "":
		return a.mixed
	case a.fresh.IsZero():
		return r.c.noSeries()
	case !current:
		return "no series any more, the newest sample is " + model.Short(age) + " old"
	case age > 2*r.interval+r.c.opt.Poll:
		return "stale since " + model.Short(age)
	case -age > r.interval:
		return "the newest sample is " + model.Short(-age) + " ahead of Prometheus' clock"
	}
	return ""
}

// until is the last time that a sample of the target may stand at: half an
// interval after the next scrape is due. Later steps would repeat what is
// gone.
func (r *round) until(a *asked) time.Time {
	if a.fresh.IsZero() { // what there was ended before anybody looked
		return r.now.Add(-r.short)
	}
	return a.fresh.Add(r.interval + r.interval/2)
}

// longErr is err, if the target needs the long window.
func (a *asked) longErr(err error) error {
	if err != nil && a.g.needsLong(a) {
		return err
	}
	return nil
}

// stepOf is the last whole step of a grid.
func (r *round) stepOf(g grid) time.Time { return floor(g.time(g.n-1), r.step) }

// dated returns a reading as of the target's newest sample, also of what is unknown.
func (r *round) dated(a *asked, v model.Sample, why, query string) model.Reading {
	out := reading(v, why, query, a.fresh)
	out.At = a.fresh
	return out
}
