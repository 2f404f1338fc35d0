package kube

import (
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"rollbook/model"
)

// view is the board while it is being watched: what the sources keep, put
// together by workload, and the lines made of it. Lines are copied on write: one
// that did not change keeps its pointer.
type view struct {
	c       *Client
	targets []model.Target

	mu       sync.Mutex
	sources  []*source
	groups   map[model.Workload]*group
	changed  []*group // whose line is to be made anew
	order    []*group // those that have a line, in the board's order
	reorder  bool     // order is to be made anew
	missed   bool     // why a target is not there may have changed
	evDirty  bool
	board    []*model.Component
	shown    []model.Event
	identity model.Identity
	missing  map[string]*model.Component // by ID, for targets that are not there
	room     []*pod                      // podsOf sorts here

	wake  chan struct{} // has one element when there is something to tell
	hurry chan struct{} // has one element when that should not wait
	doubt chan struct{} // has one element when a watch could not be begun
	step  int           // how far the first filling was when it last hurried
	full  chan struct{} // closed when it was full for the first time
}

// group is a workload with all that was read of it, in whatever order it came.
type group struct {
	key     model.Workload
	load    *workload   // nil while it was not seen itself
	sets    []*replicas // its ReplicaSets or ControllerRevisions
	pods    []*pod      // in no order
	line    *model.Component
	none    time.Time // since when no pod was seen ready
	changed bool      // it is in view.changed
}

func newView(c *Client, targets []model.Target) *view {
	return &view{c: c, targets: targets, groups: map[model.Workload]*group{}, reorder: true, missed: true,
		missing: map[string]*model.Component{}, wake: make(chan struct{}, 1), hurry: make(chan struct{}, 1), full: make(chan struct{}), doubt: make(chan struct{}, 1)}
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
	return model.Workload{Kind: r.kind, Namespace: r.Namespace, Name: r.owner}
}

// group returns the group of a workload, a new one where nothing was read of it.
func (v *view) group(w model.Workload) *group {
	g := v.groups[w]
	if g == nil {
		g = &group{key: w}
		v.groups[w] = g
	}
	return g
}

// change notes that a line is to be made anew.
func (v *view) change(g *group) {
	if !g.changed {
		g.changed = true
		v.changed = append(v.changed, g)
	}
}

// changeAll does so for all lines of a namespace.
func (v *view) changeAll(namespace string) {
	for w, g := range v.groups {
		if w.Namespace == namespace {
			v.change(g)
		}
	}
}

// link and unlink keep the groups; both are called with the lock held.
func (v *view) link(it item) {
	switch x := it.(type) {
	case *workload:
		g := v.group(x.key())
		g.load = x
		v.change(g)
	case *replicas:
		g := v.group(x.key())
		g.sets = append(g.sets, x)
		v.change(g)
		if x.kind == model.Deployment {
			v.adopt(x, g)
		}
	case *pod:
		v.join(x, v.group(v.workloadOf(x)))
	case *event:
		v.evDirty = true
	}
}

func (v *view) unlink(it item) {
	switch x := it.(type) {
	case *workload:
		g := v.group(x.key())
		g.load = nil
		v.change(g)
	case *replicas:
		g := v.group(x.key())
		g.sets = slices.DeleteFunc(g.sets, func(r *replicas) bool { return r == x })
		v.change(g)
	case *pod:
		v.part(x)
	case *event:
		v.evDirty = true
	}
}

// join puts a pod into a group.
func (v *view) join(p *pod, g *group) {
	p.in, p.index = g, int32(len(g.pods))
	g.pods = append(g.pods, p)
	v.change(g)
}

// part takes a pod out of its group.
func (v *view) part(p *pod) {
	g, last := p.in, len(p.in.pods)-1
	g.pods[p.index] = g.pods[last]
	g.pods[p.index].index = p.index
	g.pods[last], p.in = nil, nil
	g.pods = g.pods[:last]
	v.change(g)
}

// workloadOf finds whose pod it is. Before its ReplicaSet was read, or where
// that is forbidden, the name tells: a Deployment's ReplicaSets are called
// after it and the template's hash.
func (v *view) workloadOf(p *pod) model.Workload {
	by := p.controller.Value()
	if by.kind != "ReplicaSet" {
		return model.Workload{Kind: model.Kind(by.kind), Namespace: p.Namespace, Name: by.name}
	}
	name := strings.TrimSuffix(by.name, "-"+by.hash)
	if r := v.set(p.Namespace, by.name); r != nil {
		name = r.owner
	}
	return model.Workload{Kind: model.Deployment, Namespace: p.Namespace, Name: name}
}

// set returns a ReplicaSet, nil when it was not read.
func (v *view) set(namespace, name string) *replicas {
	r, _ := v.item("replicasets", namespace, name).(*replicas)
	return r
}

// item returns what is kept of an object, nil when it was not read.
func (v *view) item(resource, namespace, name string) item {
	for _, s := range v.sources {
		if s.resource == resource && s.namespace == namespace {
			if it := s.items[name]; it != nil {
				return it
			}
		}
	}
	return nil
}

// adopt puts right the pods that came before their ReplicaSet and whose name
// told the wrong Deployment.
func (v *view) adopt(r *replicas, to *group) {
	guess := v.groups[model.Workload{Kind: model.Deployment, Namespace: r.Namespace, Name: strings.TrimSuffix(r.name, "-"+r.hash)}]
	if guess == nil || guess == to {
		return
	}
	for _, p := range slices.Clone(guess.pods) {
		if p.controller.Value().name == r.name {
			v.part(p)
			v.join(p, to)
		}
	}
}

// observe makes the board anew where something changed. The connection is not set.
func (v *view) observe() model.Observation {
	v.mu.Lock()
	defer v.mu.Unlock()
	lines := v.missed
	for len(v.changed) > 0 { // a line that comes or goes may change another's ID
		changed := v.changed
		v.changed = nil
		for _, g := range changed {
			g.changed = false
			lines = v.refresh(g) || lines
		}
	}
	if lines {
		v.compose()
		v.missed = false
	}
	if v.evDirty {
		v.evDirty = false
		v.shown = v.recent()
	}
	id := v.identity
	if id.ListPods = v.why("pods", ""); id.ListPods == notRead {
		id.ListPods = "" // nobody refused it
	}
	if slices.ContainsFunc(v.sources, func(s *source) bool { return s.polled }) {
		id.Polled = pollEvery
	}
	return model.Observation{Board: v.board, Reading: v.reading(), Events: v.shown, Identity: id}
}

// reading says whether something that lines are made of is still being read for
// the first time.
func (v *view) reading() bool {
	return slices.ContainsFunc(v.sources, func(s *source) bool { return s.resource != "events" && !s.synced && s.err == "" })
}

// refresh makes one line; true when it changed.
func (v *view) refresh(g *group) bool {
	old := g.line
	if g.load == nil {
		g.line, g.none = nil, time.Time{}
		if len(g.sets) == 0 && len(g.pods) == 0 {
			delete(v.groups, g.key)
		}
	} else if line := v.build(g); old == nil || !reflect.DeepEqual(old, line) {
		g.line = line
	}
	if g.line != nil {
		g.load.line = g.line // what the line is made of next time: one of them is enough
	}
	if (old == nil) != (g.line == nil) {
		v.renamed(g.key)
	}
	if old == nil || g.line == nil || old.ID != g.line.ID {
		v.reorder, v.evDirty = true, true
	}
	return g.line != old
}

// renamed has the lines made anew whose ID tells the kind because of a workload
// that came or went.
func (v *view) renamed(w model.Workload) {
	for _, k := range kindsInOrder[1:] {
		if other := v.groups[model.Workload{Kind: k, Namespace: w.Namespace, Name: w.Name}]; other != nil && k != w.Kind && other.line != nil {
			v.change(other)
		}
	}
}

// compose puts the lines in their order: the configured one, else by name.
func (v *view) compose() {
	if len(v.targets) == 0 {
		v.sort()
		v.board = make([]*model.Component, len(v.order))
		for i, g := range v.order {
			v.board[i] = g.line
		}
		return
	}
	v.board = make([]*model.Component, 0, len(v.targets))
	for _, t := range v.targets {
		var line *model.Component
		if g := v.groups[t.Workload]; g != nil {
			line = g.line
		}
		if line == nil {
			line = &model.Component{ID: t.ID, Workload: t.Workload, Missing: v.why(t.Workload.Kind.Resource(), t.Workload.Namespace)}
			if line.Missing == "" {
				line.Missing = model.NotFound
			}
			if old := v.missing[t.ID]; old != nil && reflect.DeepEqual(old, line) {
				line = old
			}
			v.missing[t.ID] = line
		}
		v.board = append(v.board, line)
	}
}

// sort makes the order anew where a line came, went or was renamed.
func (v *view) sort() {
	if !v.reorder {
		return
	}
	v.reorder = false
	clear(v.order)
	v.order = v.order[:0]
	for _, g := range v.groups {
		if g.line != nil {
			v.order = append(v.order, g)
		}
	}
	slices.SortFunc(v.order, func(a, b *group) int { return strings.Compare(a.line.ID, b.line.ID) })
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
			if g := v.groups[model.Workload{Kind: k, Namespace: w.Namespace, Name: w.Name}]; g != nil && g.load != nil {
				return w.String()
			}
		}
	}
	return w.Name
}
