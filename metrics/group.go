package metrics

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"rollbook/model"
)

// inquiry is one look at some targets: a poll, a window that lies behind, a
// baseline. It says which of them are asked for together, and holds what came
// back.
type inquiry struct {
	c       *Client
	targets []*asked // those that are measured
	groups  []*group
	// The scrape interval, the two windows of the figures, and the distance of
	// their samples, as they are by the interval.
	interval, short, long, step time.Duration
}

// The windows (WALK.md, "Readings"). The short one holds at least four scrapes.
const (
	shortWindow = time.Minute
	longWindow  = 5 * time.Minute
	scrapes     = 4
	leastStep   = 15 * time.Second
	usual       = 15 * time.Second // the scrape interval until it is known
)

// asked is one target of an inquiry.
type asked struct {
	model.Target
	*track        // of a poll alone
	off    string // why its series are not asked for, or do not count; "" = they do
	mixed  string // why the series that are being written are not its alone
	key    string // in the group's series
	upKey  string // in those of `up`
	shown  shown  // asks the same of the target alone, at the present
	upOnly shown  // shown for `up`
	g      *group // nil = no figure of it is a preset's
	own    own
	old    model.Behaviour // of a rollout under way
	new    model.Behaviour
}

// preset says whether a figure of the target is a preset's.
func (a *asked) preset() bool { return a.Errors == "" || a.P95 == "" }

// group is targets that one question asks for together.
type group struct {
	targets     []*asked
	scope       scope
	upScope     scope
	at          grid    // of short and long
	short, long signals // long: of those who need it
	whole       signals // the window as one: the hold, the incident, the hour before
	up          map[string]parts
	upErr       error
	newest      map[string]time.Time // by key, when it was scraped last; nil = not known
	newestErr   error
}

// preset says whether a figure of any target is a preset's.
func (g *group) preset() bool { return slices.ContainsFunc(g.targets, (*asked).preset) }

// inquire groups the targets that are measured: those share a question that share
// their Match and what apart returns.
func (c *Client) inquire(targets []model.Target, apart func(*asked) string) *inquiry {
	q, p := &inquiry{c: c}, c.preset()
	groups, cuts := map[[2]string]*group{}, 0
	for _, t := range targets {
		if t.NotMeasured {
			continue
		}
		a := &asked{Target: t, off: p.Owner.unsure(t)}
		if t.Workload.Name == "" {
			a.off = "no workload to look for"
		}
		a.key, a.shown = p.alone(p.Owner, t)
		a.upKey, a.upOnly = p.alone(p.Up, t)
		q.targets = append(q.targets, a)
		id := [2]string{t.Match, apart(a)}
		if a.off != "" {
			continue
		}
		if isCut(t.Workload) { // each of its pods stands in the query
			cuts++
			id[1] += fmt.Sprint(" cut ", cuts/explicitCut)
		}
		if groups[id] == nil {
			groups[id] = &group{}
			q.groups = append(q.groups, groups[id])
		}
		a.g = groups[id]
		a.g.targets = append(a.g.targets, a)
	}
	for _, g := range q.groups {
		g.scope, g.upScope = p.over(p.Owner, plain(g.targets)), p.over(p.Up, plain(g.targets))
	}
	return q
}

// together is for inquiries in which nothing sets targets apart.
func together(*asked) string { return "" }

// apartFromOthers is together for what lies behind: a target that the last round
// found among another cluster's series is not asked for.
func (c *Client) apartFromOthers(a *asked) string {
	a.off = cmp.Or(a.off, c.mixedOf(a.ID))
	return ""
}

func plain(as []*asked) []model.Target {
	ts := make([]model.Target, len(as))
	for i, a := range as {
		ts[i] = a.Target
	}
	return ts
}

// paced takes the windows and steps from the scrape interval.
func (q *inquiry) paced() {
	q.interval = positive(q.c.scrape(), usual)
	q.short = q.c.shortWindow()
	q.long = max(longWindow, q.short)
	q.step = max(leastStep, q.interval)
}

// findInterval finds out the scrape interval: the median distance of the raw
// samples of `up`. It stays unknown when there are not two of them. To ask
// /api/v1/targets would be exact, and megabytes.
func (c *Client) findInterval(ctx context.Context, of scope) {
	a, err := c.ask(ctx, of.scrapes())
	if err != nil {
		return
	}
	var gaps []time.Duration
	for _, s := range a.rest {
		for i := 1; i < len(s.Values); i++ {
			gaps = append(gaps, s.Values[i].Timestamp.Time().Sub(s.Values[i-1].Timestamp.Time()))
		}
	}
	if len(gaps) > 0 {
		slices.Sort(gaps)
		c.interval.Store(int64(max(time.Second, gaps[len(gaps)/2].Round(time.Second))))
	}
}

// pick is the window that has requests enough at time i, and else why neither
// has. gaps lets the long one speak for a time of which the short one has no two
// samples.
func (g *group) pick(key string, i int, gaps bool) (*signals, string) {
	why := g.short.why(key, i)
	_, counted := g.short.counts[key].total(i)
	if why == "" || g.short.cErr != nil || !g.long.asked || !counted && !gaps {
		return &g.short, why
	}
	if _, more := g.long.counts[key].total(i); !more && g.long.cErr == nil {
		return &g.short, why
	}
	return &g.long, g.long.why(key, i)
}

// signal is one of the figures that signals have: (*signals).errors or latency.
type signal func(s *signals, key string, i int) (model.Sample, string)

// value is a figure at time i and the window that tells it, or why it is not known.
func (g *group) value(of signal, key string, i int, gaps bool) (model.Sample, *signals, string) {
	s, why := g.pick(key, i, gaps)
	if why != "" {
		return model.Sample{}, s, why
	}
	v, why := of(s, key, i)
	return v, s, why
}
