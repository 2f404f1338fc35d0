package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"rollbook/sandbox/gitlab"
	"rollbook/sandbox/prom"
	"rollbook/sandbox/prom/traffic"
	"rollbook/sandbox/sim"
	"rollbook/sandbox/store"
)

const (
	recent   = time.Hour       // before the opening, of which there are figures and events
	interval = 5 * time.Second // of scrapes and rules
)

// clock is the time of everything in the sandbox: that of the past while it is
// made up, then the real one.
type clock struct {
	live func() time.Time
	past atomic.Pointer[time.Time]
}

func (c *clock) now() time.Time {
	if t := c.past.Load(); t != nil {
		return *t
	}
	return c.live()
}

func (c *clock) set(t time.Time) { c.past.Store(&t) }

// world is everything that time changes.
type world struct {
	clock   *clock
	store   *store.Store
	sim     *sim.Sim
	prom    *prom.Server
	told    *clock // of prom, which is told of the past after it was simulated
	traffic *traffic.Traffic
	gitlab  *gitlab.Server // nil = there is none
	schema  *database      // nil = there is none
}

// newWorld makes everything that a scenario is about, up to its opening. When
// ctx ends before that is done, its error is returned.
func newWorld(ctx context.Context, o Options) (*world, error) {
	seed := o.Seed
	if seed == 0 {
		seed = rand.Uint64() //nolint:gosec // names of pods, not secrets
	}
	opening := o.Now().Truncate(time.Millisecond)
	c, told := &clock{live: o.Now}, &clock{live: o.Now}
	w := &world{clock: c, store: store.New(c.now), told: told, traffic: traffic.New()}
	w.store.Seed(seed)
	b := &behaviours{images: o.Scenario.Images, opening: opening}
	if w.schema = o.Scenario.Schema.open(); w.schema != nil {
		b.schema = w.schema.At
	}
	w.gitlab = w.newGitLab(o.Scenario, opening, o.GitLabToken)
	w.sim = sim.New(sim.Options{Store: w.store, Behave: b.of, Seed: seed})
	var err error
	if w.prom, err = prom.New(prom.Options{Now: told.now, Interval: interval}); err != nil {
		return nil, err
	}
	return w, w.begin(ctx, o.Scenario, opening)
}

// begin makes the past up to the opening: the releases of days at once, the
// last hour as it went.
func (w *world) begin(ctx context.Context, s *Scenario, opening time.Time) error {
	at := func(r Release) time.Time { return opening.Add(time.Duration(r.At)) }
	w.clock.set(at(s.Releases[0]).Add(-time.Hour))
	if err := w.furnish(s); err != nil {
		return err
	}
	from := opening.Add(-recent)
	n := slices.IndexFunc(s.Releases, func(r Release) bool { return !at(r).Before(from) })
	if n < 0 {
		n = len(s.Releases)
	}
	w.sim.Past(true)
	for i, r := range s.Releases[:n] {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		w.clock.set(at(r))
		// Of long ago only revisions are left: pods begin with the last of these.
		later := slices.ContainsFunc(s.Releases[i+1:n], func(x Release) bool { return x.workload() == r.workload() })
		if err := w.release(s, r, !later); err != nil {
			return err
		}
		if err := w.sim.Step(w.clock.now()); err != nil {
			return err
		}
	}
	w.sim.Past(false)
	rounds := w.listen(ctx, opening)
	err := guarded(func() error { return w.lastHour(ctx, s, s.Releases[n:], opening, rounds.tell) })
	return errors.Join(err, rounds.end())
}

// lastHour lets the last hour go by, and tells what the pods do at each of its
// scrapes.
func (w *world) lastHour(ctx context.Context, s *Scenario, todo []Release, opening time.Time, tell func(round)) error {
	for t := opening.Add(-recent); !t.After(opening); t = t.Add(interval) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		for ; len(todo) > 0; todo = todo[1:] {
			at := opening.Add(time.Duration(todo[0].At))
			if at.After(t) {
				break
			}
			if err := w.advance(at); err != nil {
				return err
			}
			if err := w.release(s, todo[0], true); err != nil {
				return err
			}
		}
		if err := w.advance(t); err != nil {
			return err
		}
		tell(round{t, w.sim.Pods()})
	}
	w.clock.past.Store(nil)
	return nil
}

// release makes a workload, or gives it a new version; with pods or without.
func (w *world) release(s *Scenario, r Release, pods bool) error {
	id := r.workload()
	o := s.object(id)
	if o == nil {
		return fmt.Errorf("%s: no object is %s", s.File, r.Workload)
	}
	replicas := int64(0)
	if pods {
		replicas = o.replicas()
	}
	var err error
	switch {
	case s.Git.keeps(id):
		err = w.deploy(s, r, replicas)
	default:
		if err = r.configure(w.store); err == nil {
			err = r.apply(w.store, replicas)
		}
		if apierrors.IsNotFound(err) {
			err = r.create(s, w.store, o, replicas)
		}
	}
	if err == nil && w.schema != nil {
		w.schema.released(r)
	}
	if err != nil {
		return fmt.Errorf("%s: release %s of %s: %w", s.File, r.Image, r.Workload, err)
	}
	return nil
}

// advance lets time pass from one thing that is due to the next.
func (w *world) advance(until time.Time) error {
	for {
		next := w.sim.Next()
		if next.IsZero() || next.After(until) {
			next = until
		}
		w.clock.set(next)
		if err := w.sim.Step(next); err != nil || next.Equal(until) {
			return err
		}
	}
}

// furnish makes what is there before any workload.
func (w *world) furnish(s *Scenario) error {
	data, err := fs.ReadFile(files, "shop/cluster.yaml")
	if err != nil {
		return err
	}
	var cluster World
	if err := decode("shop/cluster.yaml", data, &cluster); err != nil {
		return err
	}
	for _, o := range append(cluster.Objects, s.Objects...) {
		u := o.copy()
		if ns := u.GetNamespace(); ns != "" {
			home := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": ns}}}
			if _, err := w.store.Create(store.Namespaces, home, store.By{Manager: "kubectl-create"}); err != nil && !apierrors.IsAlreadyExists(err) {
				return err
			}
		}
		if _, ok := workloadOf(o); ok {
			continue
		}
		gr, _ := resourceOf(u.GroupVersionKind()) // there is one: see check
		if _, err := w.store.Create(gr, u, store.By{Manager: "kubectl-create"}); err != nil && !(gr == store.Namespaces && apierrors.IsAlreadyExists(err)) {
			return fmt.Errorf("%s: %s %s: %w", s.File, u.GetKind(), u.GetName(), err)
		}
	}
	return nil
}

func resourceOf(gvk schema.GroupVersionKind) (schema.GroupResource, bool) {
	for _, r := range store.Resources {
		if r.GVK() == gvk {
			return r.GR(), true
		}
	}
	return schema.GroupResource{}, false
}

// object is the manifest of a workload, nil = there is none.
func (s *Scenario) object(id workload) Object {
	for _, o := range s.Objects {
		if w, ok := workloadOf(o); ok && w == id {
			return o
		}
	}
	return nil
}
