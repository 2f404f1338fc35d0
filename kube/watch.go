package kube

import (
	"context"
	"slices"
	"sync"
	"time"

	utilruntime "k8s.io/apimachinery/pkg/util/runtime"

	"rollbook/model"
)

// At most four observations a second leave, but the first ones do not wait for
// each other: the board is to be there at once.
const (
	perSecond = 4
	settle    = 15 * time.Millisecond // what comes together is told together
)

// Watch keeps the board up to date until ctx ends and hands over a whole new
// observation at most four times a second; unchanged components keep their
// pointers. It outlives outages and expired watches, and says by
// Observation.Connection how old what it shows is. out may take its time: it
// holds nothing up but the next observation. Other targets begin it anew.
func (c *Client) Watch(ctx context.Context, out func(model.Observation)) {
	p := &pulse{}
	var id model.Identity // who asks which cluster does not change with what is watched
	for ctx.Err() == nil {
		id = c.watch(ctx, p, id, out)
	}
}

// watch is Watch until ctx ends or there are other targets.
func (c *Client) watch(ctx context.Context, p *pulse, id model.Identity, out func(model.Observation)) model.Identity {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	select { // before the targets are read: what was set until here is among them
	case <-c.retarget:
	default:
	}
	v := newView(c, *c.targets.Load())
	v.sources, v.identity = v.scope(), id
	restart := make(chan struct{}, 1)
	var wg sync.WaitGroup
	run := func(f func()) {
		wg.Go(func() {
			defer utilruntime.HandleCrashWithContext(ctx)
			f()
		})
	}
	run(func() {
		c.beat(ctx, p, v.doubt, v.signal, func() { raise(restart) })
	})
	run(func() {
		c.identify(ctx, func(set func(*model.Identity)) {
			v.mu.Lock()
			set(&v.identity)
			v.mu.Unlock()
			v.signal()
		})
	})
	run(func() { v.supervise(ctx, restart) })
	run(func() {
		select {
		case <-ctx.Done():
		case <-c.retarget:
			cancel()
		}
	})
	tell := func() {
		o := v.observe()
		o.Connection = c.connection(p)
		out(o)
	}
	p.begin(c.now())
	v.tell(ctx, tell)
	wg.Wait()
	return v.identity
}

// supervise runs the watches and begins them anew, on new connections, each
// time restart says that the API server is back after a loss.
func (v *view) supervise(ctx context.Context, restart <-chan struct{}) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for ctx.Err() == nil {
		run, cancel := context.WithCancel(ctx)
		for _, s := range v.sources {
			v.mu.Lock()
			s.epoch++
			epoch := s.epoch
			v.mu.Unlock()
			wg.Go(func() { s.follow(run, epoch) })
		}
		select {
		case <-ctx.Done():
		case <-restart:
		}
		cancel()
	}
}

// tell calls out for each change, at most four times a second; the first time
// at once, with what is being tried before anything answers. A list that has
// come in does not wait behind heartbeats.
func (v *view) tell(ctx context.Context, out func()) {
	var last [perSecond]time.Time // of the last observations, oldest first
	pause := func(d time.Duration, cut <-chan struct{}) {
		select {
		case <-ctx.Done():
		case <-cut:
		case <-time.After(d):
		}
	}
	for ctx.Err() == nil {
		copy(last[:], last[1:])
		last[perSecond-1] = v.c.now()
		out()
		select {
		case <-ctx.Done():
		case <-v.hurry:
		case <-v.wake:
			pause(time.Second/perSecond-v.c.now().Sub(last[perSecond-1]), v.hurry)
		}
		pause(max(settle, time.Second-v.c.now().Sub(last[0])), nil)
		for _, told := range []chan struct{}{v.wake, v.hurry} {
			select {
			case <-told:
			default:
			}
		}
	}
}

// scope is what has to be watched for the targets; without any, the workloads
// of the namespace.
func (v *view) scope() []*source {
	type scope struct{ kind, namespace string }
	names := map[scope][]string{}
	var order []string
	add := func(kind model.Kind, namespace, name string) {
		k := scope{kind.Resource(), namespace}
		if !slices.Contains(names[k], name) {
			names[k] = append(names[k], name)
		}
		if !slices.Contains(order, namespace) {
			order = append(order, namespace)
		}
	}
	for _, t := range v.targets {
		add(t.Workload.Kind, t.Workload.Namespace, t.Workload.Name)
	}
	if len(v.targets) == 0 {
		for _, k := range []model.Kind{model.Deployment, model.StatefulSet, model.DaemonSet} {
			add(k, v.c.namespace, "")
		}
	}
	var out []*source
	for _, ns := range order {
		var sets, revisions bool
		for _, k := range []model.Kind{model.Deployment, model.StatefulSet, model.DaemonSet} {
			n := names[scope{k.Resource(), ns}]
			if len(n) == 0 {
				continue
			}
			field := ""
			if len(n) == 1 && n[0] != "" {
				field = "metadata.name=" + n[0]
			}
			out = append(out, v.source(k.Resource(), ns, field))
			sets, revisions = sets || k == model.Deployment, revisions || k != model.Deployment
		}
		if sets {
			out = append(out, v.source("replicasets", ns, ""))
		}
		if revisions {
			out = append(out, v.source("controllerrevisions", ns, ""))
		}
		// Of the events those that tell of trouble, and what was said of the
		// workloads themselves (scaled, rolled back): all would be thousands.
		out = append(out, v.source("pods", ns, ""),
			v.source("events", ns, "type!=Normal"),
			v.source("events", ns, "type=Normal,involvedObject.kind=Deployment"))
	}
	return out
}
