package kube

import (
	"context"
	"errors"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

// item is what is kept of an object.
type item interface {
	GetName() string
	GetNamespace() string
}

// source is one watched kind of object in one namespace. Of each object only a
// small struct is kept, made while it is decoded.
type source struct {
	v         *view
	resource  string
	namespace string
	field     string // field selector
	api       *rest.RESTClient
	empty     func() runtime.Object // a list of it
	keep      func(any) item        // nil for a type that it does not know

	// Under view.mu.
	items  map[string]item // by name
	synced bool
	err    string // why it cannot be read; "" while it can, or while nobody knows
	epoch  int    // of the feed that may change it
	polled bool   // it may not be watched, and is listed every few seconds
}

// The waits between two attempts to watch. The heartbeat begins all watches
// anew when the API server is back, so these matter only while it is away.
var reflectorBackoff = wait.Backoff{Duration: 400 * time.Millisecond, Factor: 1.6, Jitter: 0.3, Steps: 5, Cap: 3 * time.Second}

// pageSize is how many objects a list asks for at a time.
const pageSize = 500

const forbiddenAgain = 30 * time.Second

// follow keeps the source up to date until ctx ends.
func (s *source) follow(ctx context.Context, epoch int) {
	defer utilruntime.HandleCrashWithContext(ctx)
	if s.resource == "events" {
		s.v.afterYou(ctx)
	}
	ctx = klog.NewContext(ctx, klog.Logger{}) // its zero value says nothing
	silent := klog.Logger{}
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.FieldSelector = s.field
			if s.resource == "events" {
				return s.all(ctx)
			}
			return s.page(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.FieldSelector = s.field
			w, err := s.watch(ctx, o)
			var st apierrors.APIStatus
			if err != nil && !errors.As(err, &st) {
				raise(s.v.doubt)
			}
			return w, err
		},
	}
	backoff := reflectorBackoff
	r := cache.NewReflectorWithOptions(cache.ToListWatcherWithWatchListSemantics(lw, s), nil, &feed{s, epoch},
		cache.ReflectorOptions{Logger: &silent, Name: s.resource, Backoff: &backoff})
	r.WatchListPageSize = pageSize
	delay := reflectorBackoff
	for ctx.Err() == nil {
		begun := s.v.c.now()
		err := r.ListAndWatchWithContext(ctx)
		if ctx.Err() != nil {
			return
		}
		if apierrors.IsForbidden(err) {
			err = s.poll(ctx, epoch)
		}
		s.failed(err)
		if s.v.c.now().Sub(begun) > 10*time.Second {
			delay = reflectorBackoff
		}
		pause := delay.Step()
		if apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) {
			pause = forbiddenAgain
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// page reads one page of a list, for API servers whose watches do not begin with
// all that there is, and keeps of it what is kept.
func (s *source) page(ctx context.Context, o metav1.ListOptions) (*internalversion.List, error) {
	l, err := s.list(ctx, o)
	if err != nil {
		return nil, err
	}
	m, err := meta.ListAccessor(l)
	if err != nil {
		return nil, err
	}
	out := &internalversion.List{ListMeta: metav1.ListMeta{ResourceVersion: m.GetResourceVersion(),
		Continue: m.GetContinue(), RemainingItemCount: m.GetRemainingItemCount()}}
	err = meta.EachListItem(l, func(obj runtime.Object) error {
		if it := s.keep(obj); it != nil {
			out.Items = append(out.Items, &arrival{named: name(it.GetNamespace(), it.GetName()), item: it})
		}
		return nil
	})
	return out, err
}

// IsWatchListSemanticsUnSupported has the events listed instead of beginning their
// watch with all that there are: a list can be read a page at a time and the oldest
// be dropped, where client-go would hold them all until the last has come.
func (s *source) IsWatchListSemanticsUnSupported() bool { return s.resource == "events" }

// failed notes why the source cannot be read. What was read before stays on the
// board while the API server is away, but not once it is forbidden.
func (s *source) failed(err error) {
	if err == nil {
		return
	}
	s.v.mu.Lock()
	defer s.v.mu.Unlock()
	forbidden := apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err)
	if s.synced && !forbidden {
		return
	}
	if forbidden && len(s.items) > 0 {
		for _, old := range s.items {
			s.v.unlink(old)
		}
		s.items = map[string]item{}
	}
	s.synced, s.err = false, because(err)
	s.v.answered(s)
	s.v.signal()
}

// feed is the store that one reflector writes to. One that was given up, and
// comes back late, changes nothing any more.
type feed struct {
	s     *source
	epoch int
}

var _ cache.TransformingStore = (*feed)(nil)

// Transformer takes what is kept while the objects of the first answer still come
// in, so that they are never all in memory.
func (f *feed) Transformer() cache.TransformFunc {
	return func(obj any) (any, error) {
		if it := f.s.small(obj); it != nil {
			return it, nil
		}
		return nil, fmt.Errorf("unexpected %T in a watch of %s", obj, f.s.resource)
	}
}

func (s *source) small(obj any) item {
	if a, ok := obj.(*arrival); ok {
		return a.item
	}
	if it, ok := obj.(item); ok {
		if _, typed := obj.(runtime.Object); !typed {
			return it
		}
	}
	return s.keep(obj)
}

// Add is called for a new object.
func (f *feed) Add(obj any) error { return f.Update(obj) }

// Update is called for a changed object.
func (f *feed) Update(obj any) error {
	it := f.s.small(obj)
	if it == nil {
		return nil
	}
	v := f.s.v
	v.c.hear()
	v.mu.Lock()
	defer v.mu.Unlock()
	if f.epoch == f.s.epoch {
		f.s.set(it)
		v.signal()
	}
	return nil
}

// Delete is called for an object that is gone.
func (f *feed) Delete(obj any) error {
	m, ok := obj.(item)
	if !ok {
		return nil
	}
	v := f.s.v
	v.c.hear()
	v.mu.Lock()
	defer v.mu.Unlock()
	if f.epoch != f.s.epoch {
		return nil
	}
	if old := f.s.items[m.GetName()]; old != nil {
		delete(f.s.items, m.GetName())
		v.unlink(old)
		v.signal()
	}
	return nil
}

// Replace is called with everything that there is.
func (f *feed) Replace(objs []any, _ string) error {
	v := f.s.v
	v.c.hear()
	v.mu.Lock()
	defer v.mu.Unlock()
	if f.epoch != f.s.epoch {
		return nil
	}
	seen := make(map[string]bool, len(objs))
	for _, obj := range objs {
		if it := f.s.small(obj); it != nil {
			seen[it.GetName()] = true
			f.s.set(it)
		}
	}
	for k, old := range f.s.items {
		if !seen[k] {
			delete(f.s.items, k)
			v.unlink(old)
		}
	}
	first := !f.s.synced
	f.s.synced, f.s.err = true, ""
	if first {
		v.answered(f.s)
	}
	v.signal()
	if v.filled() {
		raise(v.hurry)
	}
	return nil
}

// answered notes that a source can be read from now on, or not any more.
func (v *view) answered(s *source) {
	v.missed, v.evDirty = true, true
	if s.resource == "pods" {
		v.changeAll(s.namespace) // each line says whether its pods were read
	}
}

// filled says whether a board is worth showing at once: all workloads are there
// for the first time, or all that lines are made of.
func (v *view) filled() bool {
	loads, rest, lines := true, true, 0
	for _, s := range v.sources {
		switch s.resource {
		case "deployments", "statefulsets", "daemonsets":
			loads = loads && (s.synced || s.err != "")
			lines += len(s.items)
		case "events":
		default:
			rest = rest && (s.synced || s.err != "")
		}
	}
	step := 0
	if loads && lines > 0 {
		step = 1
		if rest {
			step = 2
		}
	}
	if step <= v.step {
		return false
	}
	if v.step = step; step == 2 {
		close(v.full)
	}
	return true
}

// afterYou lets the board be filled before the events come: of a namespace that
// was just set up there are more events than pods.
func (v *view) afterYou(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-v.full:
	case <-time.After(time.Second):
	}
}

// Resync has nothing to do.
func (f *feed) Resync() error { return nil }

// set takes an item in. Of too many events the oldest go.
func (s *source) set(it item) {
	if old := s.items[it.GetName()]; old != nil {
		s.v.unlink(old)
	}
	s.items[it.GetName()] = it
	s.v.link(it)
	if s.resource == "events" && len(s.items) >= 2*keptEvents {
		events := make([]*event, 0, len(s.items))
		for _, it := range s.items {
			e, _ := it.(*event)
			events = append(events, e)
		}
		clear(s.items)
		for _, e := range s.v.newest(events) {
			s.items[e.name] = e
		}
	}
}

// source is where one kind of the objects that a board is made of comes from.
func (v *view) source(resource, namespace, field string) *source {
	s := &source{v: v, resource: resource, namespace: namespace, field: field, items: map[string]item{}}
	apps, core := v.c.apps, v.c.core
	switch resource {
	case "deployments":
		s.api, s.empty, s.keep = apps, empty[appsv1.DeploymentList], keeps(untimed(fromDeployment), v.c.now)
	case "statefulsets":
		s.api, s.empty, s.keep = apps, empty[appsv1.StatefulSetList], keeps(untimed(fromStatefulSet), v.c.now)
	case "daemonsets":
		s.api, s.empty, s.keep = apps, empty[appsv1.DaemonSetList], keeps(untimed(fromDaemonSet), v.c.now)
	case "replicasets":
		s.api, s.empty, s.keep = apps, empty[appsv1.ReplicaSetList], keeps(untimed(fromReplicaSet), v.c.now)
	case "controllerrevisions":
		s.api, s.empty, s.keep = apps, empty[appsv1.ControllerRevisionList], keeps(untimed(fromControllerRevision), v.c.now)
	case "pods":
		s.api, s.empty, s.keep = core, empty[corev1.PodList], keeps(fromPod, v.c.now)
	case "events":
		s.api, s.empty, s.keep = core, empty[corev1.EventList], keeps(untimed(fromEvent), v.c.now)
	}
	return s
}

func empty[T any, O interface {
	*T
	runtime.Object
}]() runtime.Object {
	return O(new(T))
}

// request asks for the kind, as client-go's own clients do.
func (s *source) request(o *metav1.ListOptions) *rest.Request {
	r := s.api.Get().NamespaceIfScoped(s.namespace, s.namespace != "").Resource(s.resource).VersionedParams(o, params)
	if o.TimeoutSeconds != nil {
		r.Timeout(time.Duration(*o.TimeoutSeconds) * time.Second)
	}
	return r
}

func (s *source) list(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
	l := s.empty()
	return l, s.request(&o).Do(ctx).Into(l)
}

func (s *source) watch(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
	o.Watch = true
	return s.request(&o).Watch(ctx)
}

func keeps[O any, I item](from func(O, time.Time) I, now func() time.Time) func(any) item {
	return func(obj any) item {
		if o, ok := obj.(O); ok {
			return from(o, now())
		}
		return nil
	}
}
