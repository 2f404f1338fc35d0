package report

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"rollbook/model"
	"rollbook/text"
)

// Collector gathers evidence. It is safe for concurrent use: a gathering before a
// write need not wait for the one of the opening to end.
type Collector struct {
	src    Sources
	bounds Bounds
	now    func() time.Time

	mu     sync.Mutex
	stores map[string]*store
}

// NewCollector reads from src within bounds. now tells the time.
func NewCollector(src Sources, bounds Bounds, now func() time.Time) *Collector {
	return &Collector{src: src, bounds: bounds.orDefault(), now: now, stores: map[string]*store{}}
}

// Gather keeps what the request's moment asks for and says what there is now. It
// ends with the moment's time, or as soon as ctx does; what was read until then is
// kept. What could not be had is no error, but stands in Missing with the reason;
// the error is for a folder that takes nothing.
func (c *Collector) Gather(ctx context.Context, r Request) (model.Evidence, error) {
	s, err := c.store(r.Dir)
	if err != nil {
		return model.Evidence{At: c.now(), Moment: r.Moment}, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.bounds.of(r.Moment),
		fmt.Errorf("the time was up after %s", model.Short(c.bounds.of(r.Moment))))
	defer cancel()
	g := &gathering{c: c, s: s, r: r, to: c.now().UTC()}
	onset := r.Onset
	if onset.IsZero() {
		onset = g.to
	}
	g.from = onset.Add(-c.bounds.Before).UTC()
	s.about(r, g.from, g.to)
	if len(r.Left) > 0 {
		g.miss("evidence of "+strings.Join(r.Left, ", "), fmt.Sprintf("over the bound of %d components", subjectsMost))
	}
	if len(r.Subjects) == 0 {
		g.miss("evidence of components", "no component is concerned yet")
	}
	g.first(ctx)
	err = s.save() // what is there so far is listed, should the rest be cut off
	if r.Moment == model.InFull && err == nil {
		g.whole(ctx)
		err = s.save()
	}
	return s.summary(r.Moment, g.to), err
}

func (c *Collector) store(dir string) (*store, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.stores[dir]; s != nil {
		return s, nil
	}
	s, err := openStore(dir, c.bounds.Total)
	if err != nil {
		return nil, err
	}
	c.stores[dir] = s
	return s, nil
}

// gathering is one call of Gather.
type gathering struct {
	c        *Collector
	s        *store
	r        Request
	from, to time.Time
}

// first takes what the cluster will throw away, the most perishable first: the
// controller removes unhealthy pods within a fraction of a second of an undo.
func (g *gathering) first(ctx context.Context) {
	var jobs []func()
	for _, l := range g.failingLogs() {
		jobs = append(jobs, func() { g.tail(ctx, l) })
	}
	for _, x := range g.r.Subjects {
		jobs = append(jobs, func() { g.objects(ctx, x) }, func() { g.events(ctx, x) })
	}
	g.run(jobs)
}

// whole takes the rest: what Prometheus keeps anyhow is small and comes before
// whole logs, which take as long and as much as there is room for.
func (g *gathering) whole(ctx context.Context) {
	jobs := []func(){func() { g.configuration() }, func() { g.figures(ctx) }, func() { g.impact() }}
	for _, x := range g.r.Subjects {
		jobs = append(jobs, func() { g.diff(ctx, x) })
	}
	g.run(jobs)
	logs := g.allLogs()
	if len(logs) == 0 {
		return
	}
	// Each gets an equal part of four fifths of the room: a tenth pod must not find
	// the folder full, nor a later gathering.
	share := min(g.c.bounds.File, g.s.room()/5*4/int64(len(logs)))
	jobs = nil
	for _, l := range logs {
		jobs = append(jobs, func() { g.log(ctx, l, share) })
	}
	g.run(jobs)
}

// run does the jobs, in their order, a bounded number at a time. A panic in one
// is raised again here, in the owner.
func (g *gathering) run(jobs []func()) {
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		raised any
	)
	queue := make(chan func(), len(jobs))
	for _, j := range jobs {
		queue <- j
	}
	close(queue)
	guarded := func(j func()) {
		defer func() {
			if p := recover(); p != nil {
				mu.Lock()
				raised = p
				mu.Unlock()
			}
		}()
		j()
	}
	for range min(g.c.bounds.Workers, len(jobs)) {
		wg.Go(func() {
			for j := range queue {
				guarded(j)
			}
		})
	}
	wg.Wait()
	if raised != nil {
		panic(raised)
	}
}

// keep writes one small file, if its content is not there already.
func (g *gathering) keep(name, source string, write func(io.Writer) error) {
	p, err := g.s.part(name)
	if err == nil {
		if err = write(p); err != nil {
			p.drop()
		} else if _, there := g.s.has(source, p.checksum()); there {
			p.drop()
			return
		} else if p.n > g.c.bounds.File {
			p.drop()
			err = fmt.Errorf("%w of %s for one file", errBound, size(g.c.bounds.File))
		} else {
			err = g.s.keep(p, File{Name: g.s.reserve(name), Source: source, At: g.to, Moment: g.r.Moment})
		}
	}
	if err != nil {
		g.miss(source, err.Error())
	}
}

func (g *gathering) miss(what, why string) {
	g.s.miss(Missing{What: what, Why: text.Line(why), At: g.to, Moment: g.r.Moment})
}

// why says in words why something could not be had.
func (g *gathering) why(ctx context.Context, err error) string {
	switch {
	case ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled) && errors.Is(context.Cause(ctx), context.Canceled):
		return "stopped before it was read"
	case ctx.Err() != nil:
		return context.Cause(ctx).Error()
	case err == nil:
		return "unknown"
	}
	return err.Error()
}

// container is one log that may be had.
type container struct {
	component, namespace string
	pod                  *model.Pod
	name                 string
	previous             bool
}

// source names the log in the manifest. The container before the third restart is
// another one than that before the second.
func (l container) source() string {
	s := fmt.Sprintf("log of pod %s, container %s", l.pod.Name, l.name)
	if l.previous {
		s += fmt.Sprintf(", before restart %d", l.pod.Restarts)
	}
	return s
}

func (l container) file(what string) string {
	which := "current"
	if l.previous {
		which = fmt.Sprintf("previous-%d", l.pod.Restarts)
	}
	return fmt.Sprintf("logs/%s/%s/%s-%s%s.log", safe(l.component), safe(l.pod.Name), safe(l.name), which, what)
}

// logsOf are the logs of the pods that wanted allows: of each container the
// current one, and the previous one where there was a restart.
func (g *gathering) logsOf(wanted func(Subject, *model.Pod) bool) (out []container) {
	for _, x := range g.r.Subjects {
		c := x.Component
		for n := range c.Pods {
			p := &c.Pods[n]
			if !wanted(x, p) {
				continue
			}
			names := slices.Clone(p.Names)
			slices.SortStableFunc(names, func(a, b string) int { return one(b == p.Bad) - one(a == p.Bad) })
			for _, name := range names {
				l := container{component: c.ID, namespace: c.Workload.Namespace, pod: p, name: name}
				if p.Restarts > 0 { // it holds why the container ended: first
					was := l
					was.previous = true
					out = append(out, was)
				}
				out = append(out, l)
			}
		}
	}
	return out
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (g *gathering) failingLogs() []container {
	return g.logsOf(func(_ Subject, p *model.Pod) bool { return p.Failing })
}

func (g *gathering) allLogs() []container {
	return g.logsOf(func(x Subject, p *model.Pod) bool {
		return p.Failing || p.Owner == x.Failed.Key || p.Owner == ""
	})
}
