package metrics

import (
	"errors"
	"fmt"
	"math"
	"time"

	"rollbook/model"
)

// preset fills in what a preset's queries say of one target.
func (r *round) preset(a *asking, f *model.Figures) {
	q, k, g := r.c.opt.Preset.show(a.Target), a.key, a.g
	for _, w := range []*answers{&g.short, &g.long, &g.hold} {
		if c := w.counts[k]; c != nil && c.label != "" {
			a.label = c.label
		}
	}
	if t := g.newest[k]; !t.IsZero() {
		a.fresh = t
	}
	r.upReadings(a, f)

	present, last := r.present(a), g.grid.n-1
	if a.Errors == "" {
		err := first(g.err, g.short.cErr, r.longErr(a, g.long.cErr))
		now := r.dated(a, unless(err, present), q.errors(a.label, r.short))
		if err != nil {
			a.errors.failed++
		} else {
			a.errors.merge(g.grid, r.samples(a, r.errorsAt), r.stepOf(g.grid))
			if now.Why == "" {
				v, w, why := r.errorsAt(a, last)
				now = r.known(a, v, q.errors(a.label, w), why)
			}
		}
		f.Errors = a.errors.figure(now, r.step)
	}
	if a.P95 == "" {
		err := first(g.err, g.short.cErr, g.short.pErr, r.longErr(a, first(g.long.cErr, g.long.pErr)))
		now := r.dated(a, unless(err, present), q.p95(r.short))
		if err != nil {
			a.p95.failed++
		} else {
			a.p95.merge(g.grid, r.samples(a, r.p95At), r.stepOf(g.grid))
			if now.Why == "" {
				v, w, why := r.p95At(a, last)
				now = r.known(a, v, q.p95(w), why)
			}
		}
		f.P95 = a.p95.figure(now, r.step)
	}
	f.Requests = r.dated(a, unless(first(g.err, g.short.cErr), present), q.requests(r.short))
	if !g.short.asked { // nobody in the group needs them
		f.Requests = model.Unknown("", "own PromQL has a window of its own")
	} else if f.Requests.Why == "" {
		n, ok := g.short.counts[k].total(last)
		why := ""
		if !ok {
			why = r.fewWhy(a, last)
		}
		f.Requests = r.known(a, model.Sample{V: n * float64(time.Minute) / float64(r.short)}, f.Requests.Query, why)
	}
	if r.hold > 0 {
		r.holdReadings(a, f, present)
	}
}

// holdReadings fills in what the hold's window says.
func (r *round) holdReadings(a *asking, f *model.Figures, present string) {
	q, h := r.c.opt.Preset.show(a.Target), &a.g.hold
	if a.Errors == "" || a.P95 == "" {
		f.HoldRequests = r.dated(a, unless(first(a.g.err, h.cErr), present), q.requests(r.hold))
		if f.HoldRequests.Why == "" {
			n, ok := h.counts[a.key].total(0)
			f.HoldRequests = r.known(a, model.Sample{V: n}, f.HoldRequests.Query, absent(ok, "too few samples yet"))
		}
	}
	if a.Errors == "" {
		f.HoldErrors = r.dated(a, unless(first(a.g.err, h.cErr), present), q.errors(a.label, r.hold))
		if f.HoldErrors.Why == "" {
			f.HoldErrors = r.ofWindow(a, h, f.HoldErrors.Query, func() (model.Sample, string) {
				return model.Sample{V: h.counts[a.key].ratio(0)}, ""
			})
		}
	}
	if a.P95 == "" {
		f.HoldP95 = r.dated(a, unless(first(a.g.err, h.cErr, h.pErr), present), q.p95(r.hold))
		if f.HoldP95.Why == "" {
			f.HoldP95 = r.ofWindow(a, h, f.HoldP95.Query, func() (model.Sample, string) {
				v, least, ok := h.p95[a.key].at(0)
				return model.Sample{V: v, AtLeast: least}, absent(ok, r.c.noLatency(h.p95[a.key]))
			})
		}
	}
}

// ofWindow is a figure of the hold, if there were requests enough in it.
func (r *round) ofWindow(a *asking, h *answers, query string, value func() (model.Sample, string)) model.Reading {
	n, ok := h.counts[a.key].total(0)
	if why := enough(n, ok, r.hold, r.c.opt.Limits.Requests); why != "" {
		return r.known(a, model.Sample{}, query, why)
	}
	v, why := value()
	return r.known(a, v, query, why)
}

// upReadings fills in how many targets are up.
func (r *round) upReadings(a *asking, f *model.Figures) {
	f.Up, f.Targets = model.Reading{Query: a.up.upQuery}, model.Reading{Query: a.up.allQuery}
	switch {
	case a.up.err != nil:
		f.Up.Why = short(a.up.err)
	case a.up.all == 0:
		f.Up.Why = fmt.Sprintf("no target with %s and %s labels of %s", r.c.opt.Preset.Namespace, r.c.opt.Preset.Pod, a.Workload)
	default:
		f.Up = model.Reading{Known: true, Value: a.up.up, At: r.now, Query: a.up.upQuery}
		f.Targets = model.Reading{Known: true, Value: a.up.all, At: r.now, Query: a.up.allQuery}
	}
	f.Targets.Why = f.Up.Why
}

// present says why there is no present for a target, whatever its history: ""
// when its series are being written.
func (r *round) present(a *asking) string {
	if a.g.newest == nil {
		return ""
	}
	current := !a.g.newest[a.key].IsZero()
	age := r.now.Sub(a.fresh)
	switch {
	case a.fresh.IsZero():
		return "no series " + r.c.opt.Preset.Requests
	case !current:
		return "no series any more, the newest sample is " + model.Short(age) + " old"
	case age > 2*r.interval+r.c.opt.Poll:
		return "stale since " + model.Short(age)
	}
	return ""
}

// until is the last time that a sample of the target may stand at: half an
// interval after the next scrape is due. Later steps would repeat what is
// gone.
func (r *round) until(a *asking) time.Time {
	if a.fresh.IsZero() { // what there was ended before anybody looked
		return r.now.Add(-r.short)
	}
	return a.fresh.Add(r.interval + r.interval/2)
}

// picked is the window that has requests enough at one time of the grid.
type picked struct {
	window  time.Duration
	n       float64
	known   bool // n was counted
	enough  bool
	answers *answers
}

func (r *round) pick(a *asking, i int) picked {
	g, least := a.g, r.c.opt.Limits.Requests
	n, ok := g.short.counts[a.key].total(i)
	if ok && n >= least || r.long == r.short {
		return picked{r.short, n, ok, ok && n >= least, &g.short}
	}
	m, more := g.long.counts[a.key].total(i)
	if !more {
		return picked{r.short, n, ok, false, &g.short}
	}
	return picked{r.long, m, true, m >= least, &g.long}
}

// errorsAt is the error ratio at one time of the grid, or why it is not known.
func (r *round) errorsAt(a *asking, i int) (v model.Sample, window time.Duration, why string) {
	w := r.pick(a, i)
	if !w.enough {
		return v, w.window, r.fewWhy(a, i)
	}
	return model.Sample{V: w.answers.counts[a.key].ratio(i)}, w.window, ""
}

// p95At is errorsAt for the latency.
func (r *round) p95At(a *asking, i int) (v model.Sample, window time.Duration, why string) {
	w := r.pick(a, i)
	if !w.enough {
		return v, w.window, r.fewWhy(a, i)
	}
	l := w.answers.p95[a.key]
	s, least, ok := l.at(i)
	return model.Sample{V: s, AtLeast: least}, w.window, absent(ok, r.c.noLatency(l))
}

// fewWhy says why the requests at one time do not do.
func (r *round) fewWhy(a *asking, i int) string {
	w := r.pick(a, i)
	return enough(w.n, w.known, w.window, r.c.opt.Limits.Requests)
}

// enough says why n requests in a window say nothing; "" = they do.
func enough(n float64, known bool, window time.Duration, least float64) string {
	switch {
	case !known:
		return "too few samples yet"
	case n == 0:
		return "no traffic in " + dur(window)
	case n < least:
		// Prometheus extrapolates to the window's ends, so that n is no whole number.
		return fmt.Sprintf("%.0f requests in %s", math.Max(1, n), dur(window))
	}
	return ""
}

// noLatency says why a latency is not there though requests are.
func (c *Client) noLatency(l *latency) string {
	if l == nil {
		return "no series " + c.opt.Preset.Latency
	}
	return "no latency was observed (NaN)"
}

// longErr is err, if the target needs the long window.
func (r *round) longErr(a *asking, err error) error {
	if err == nil {
		return nil
	}
	for i := range a.g.grid.n {
		if n, ok := a.g.short.counts[a.key].total(i); !ok || n < r.c.opt.Limits.Requests {
			return err
		}
	}
	return nil
}

// samples are a figure's steps in the grid.
func (r *round) samples(a *asking, value func(*asking, int) (model.Sample, time.Duration, string)) []model.Sample {
	until := r.until(a)
	return a.g.grid.samples(r.step, func(i int) (model.Sample, bool) {
		if a.g.grid.time(i).After(until) {
			return model.Sample{}, false
		}
		v, _, why := value(a, i)
		return v, why == ""
	})
}

// stepOf is the last whole step of a grid.
func (r *round) stepOf(g grid) time.Time { return floor(g.time(g.n-1), r.step) }

// dated is an unknown reading with the time of the newest sample; Why may be "".
func (r *round) dated(a *asking, why, query string) model.Reading {
	return model.Reading{At: a.fresh, Query: query, Why: why}
}

// known is a reading of v, or unknown when why says so.
func (r *round) known(a *asking, v model.Sample, query, why string) model.Reading {
	if why != "" {
		return r.dated(a, why, query)
	}
	return model.Reading{Known: true, Value: v.V, AtLeast: v.AtLeast, At: a.fresh, Query: query}
}

// absent is why, unless ok.
func absent(ok bool, why string) string {
	if ok {
		return ""
	}
	return why
}

// unless is what an error says, else otherwise.
func unless(err error, otherwise string) string {
	if err != nil {
		return short(err)
	}
	return otherwise
}

// short is an error beside a figure: where Prometheus is stands elsewhere.
func short(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Why
	}
	return err.Error()
}

// first is the first that is an error.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
