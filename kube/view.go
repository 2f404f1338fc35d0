package kube

import (
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"rollbook/model"
)

// view is the board while it is being watched: what the sources keep, indexed
// by workload, and the lines made of it. Lines are copied on write: one that
// did not change keeps its pointer.
type view struct {
	c       *Client
	targets []model.Target

	mu       sync.Mutex
	sources  []*source
	loads    map[model.Workload]*workload
	sets     map[model.Workload]map[string]*replicas
	setOf    map[string]*replicas // by "namespace/name" of the ReplicaSet
	pods     map[model.Workload]map[string]*pod
	podOf    map[string]model.Workload // by "namespace/name" of the pod
	events   map[string]*event
	dirty    map[model.Workload]bool
	all      bool // every line may have changed
	evDirty  bool
	lines    map[model.Workload]*model.Component
	none     map[model.Workload]time.Time // since when none was seen available
	board    []*model.Component
	shown    []model.Event
	identity model.Identity
	missing  map[string]*model.Component // by ID, for targets that are not there

	wake  chan struct{} // has one element when there is something to tell
	hurry chan struct{} // has one element when that should not wait
	doubt chan struct{} // has one element when a watch could not be begun
	step  int           // how far the first filling was when it last hurried
	full  chan struct{} // closed when it was full for the first time
}

func newView(c *Client, targets []model.Target) *view {
	return &view{c: c, targets: targets,
		loads: map[model.Workload]*workload{}, sets: map[model.Workload]map[string]*replicas{},
		setOf: map[string]*replicas{}, pods: map[model.Workload]map[string]*pod{}, podOf: map[string]model.Workload{},
		events: map[string]*event{}, dirty: map[model.Workload]bool{},
		lines: map[model.Workload]*model.Component{}, none: map[model.Workload]time.Time{},
		missing: map[string]*model.Component{}, wake: make(chan struct{}, 1), hurry: make(chan struct{}, 1), full: make(chan struct{}), doubt: make(chan struct{}, 1), all: true}
}

func (v *view) signal() { raise(v.wake) }

func raise(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (w *workload) key() model.Workload { return w.line.Workload }

func (r *replicas) key() model.Workload {
	return model.Workload{Kind: r.kind, Namespace: r.namespace, Name: r.owner}
}

// link and unlink keep the indexes; both are called with the lock held.
func (v *view) link(it item) {
	switch x := it.(type) {
	case *workload:
		v.loads[x.key()] = x
		v.dirty[x.key()] = true
	case *replicas:
		put(v.sets, x.key(), x.name, x)
		v.dirty[x.key()] = true
		if x.kind == model.Deployment {
			v.setOf[keyOf(x)] = x
			v.adopt(x)
		}
	case *pod:
		w := v.workloadOf(x)
		put(v.pods, w, x.named.name, x)
		v.podOf[keyOf(x)] = w
		v.dirty[w] = true
	case *event:
		v.events[keyOf(x)] = x
		v.evDirty = true
	}
}

func (v *view) unlink(it item) {
	switch x := it.(type) {
	case *workload:
		delete(v.loads, x.key())
		v.dirty[x.key()] = true
	case *replicas:
		take(v.sets, x.key(), x.name)
		v.dirty[x.key()] = true
		if x.kind == model.Deployment {
			delete(v.setOf, keyOf(x))
		}
	case *pod:
		w := v.podOf[keyOf(x)]
		take(v.pods, w, x.named.name)
		delete(v.podOf, keyOf(x))
		v.dirty[w] = true
	case *event:
		delete(v.events, keyOf(x))
		v.evDirty = true
	}
}

func put[T any](m map[model.Workload]map[string]T, w model.Workload, name string, x T) {
	if m[w] == nil {
		m[w] = map[string]T{}
	}
	m[w][name] = x
}

func take[T any](m map[model.Workload]map[string]T, w model.Workload, name string) {
	delete(m[w], name)
	if len(m[w]) == 0 {
		delete(m, w)
	}
}

// workloadOf finds whose pod it is. Before its ReplicaSet was read, or where
// that is forbidden, the name tells: a Deployment's ReplicaSets are called
// after it and the template's hash.
func (v *view) workloadOf(p *pod) model.Workload {
	if p.kind != "ReplicaSet" {
		return model.Workload{Kind: model.Kind(p.kind), Namespace: p.namespace, Name: p.owner}
	}
	name := strings.TrimSuffix(p.owner, "-"+p.hash)
	if r := v.setOf[p.namespace+"/"+p.owner]; r != nil {
		name = r.owner
	}
	return model.Workload{Kind: model.Deployment, Namespace: p.namespace, Name: name}
}

// adopt puts right the pods that came before their ReplicaSet and whose name
// told the wrong Deployment.
func (v *view) adopt(r *replicas) {
	guess := model.Workload{Kind: model.Deployment, Namespace: r.namespace, Name: strings.TrimSuffix(r.name, "-"+r.hash)}
	if guess == r.key() {
		return
	}
	for _, p := range v.pods[guess] {
		if p.owner == r.name {
			take(v.pods, guess, p.named.name)
			put(v.pods, r.key(), p.named.name, p)
			v.podOf[keyOf(p)] = r.key()
			v.dirty[guess], v.dirty[r.key()] = true, true
		}
	}
}

// observe makes the board anew where something changed.
func (v *view) observe() (board []*model.Component, events []model.Event, id model.Identity) {
	v.mu.Lock()
	defer v.mu.Unlock()
	changed := v.all
	v.evDirty = v.evDirty || v.all
	if v.all {
		for w := range v.loads {
			v.dirty[w] = true
		}
		v.all = false
	}
	for w := range v.dirty {
		changed = v.refresh(w) || changed
	}
	clear(v.dirty)
	if changed {
		v.compose()
	}
	if v.evDirty {
		v.evDirty = false
		v.shown = v.recent()
	}
	id = v.identity
	id.Skew = time.Duration(v.c.skew.Load())
	if id.ListPods = v.why("pods", ""); id.ListPods == notRead {
		id.ListPods = "" // nobody refused it
	}
	return v.board, v.shown, id
}

// refresh makes one line; true when it changed.
func (v *view) refresh(w model.Workload) bool {
	x := v.loads[w]
	if x == nil {
		_, was := v.lines[w]
		delete(v.lines, w)
		delete(v.none, w)
		return was
	}
	line := v.build(x)
	if old := v.lines[w]; old != nil && reflect.DeepEqual(old, line) {
		return false
	}
	v.lines[w] = line
	return true
}

// compose puts the lines in their order: the configured one, else by name.
func (v *view) compose() {
	if len(v.targets) == 0 {
		v.board = make([]*model.Component, 0, len(v.lines))
		for _, l := range v.lines {
			v.board = append(v.board, l)
		}
		slices.SortFunc(v.board, func(a, b *model.Component) int { return strings.Compare(a.ID, b.ID) })
		return
	}
	v.board = make([]*model.Component, 0, len(v.targets))
	for _, t := range v.targets {
		line := v.lines[t.Workload]
		if line == nil {
			line = &model.Component{ID: t.ID, Workload: t.Workload, Missing: v.why(t.Workload.Kind.Resource(), t.Workload.Namespace)}
			if line.Missing == "" {
				line.Missing = "not found"
			}
			if old := v.missing[t.ID]; old != nil && reflect.DeepEqual(old, line) {
				line = old
			}
			v.missing[t.ID] = line
		}
		v.board = append(v.board, line)
	}
}

// notRead is why there is nothing to show before the first answer.
const notRead = "not read yet"

// why says why a kind of object in a namespace ("" = in any) was not read; ""
// when it was.
func (v *view) why(resource, namespace string) string {
	why := ""
	for _, s := range v.sources {
		if s.resource != resource || (namespace != "" && s.namespace != namespace) {
			continue
		}
		switch {
		case s.err != "":
			return s.err
		case !s.synced:
			why = notRead
		}
	}
	return why
}

// id is the component's name on the board.
func (v *view) id(w model.Workload) string {
	for _, t := range v.targets {
		if t.Workload == w {
			return t.ID
		}
	}
	if w.Kind != model.Deployment {
		for _, k := range []model.Kind{model.Deployment, model.StatefulSet} {
			if k == w.Kind {
				break
			}
			if v.loads[model.Workload{Kind: k, Namespace: w.Namespace, Name: w.Name}] != nil {
				return w.String()
			}
		}
	}
	return w.Name
}
