package kube

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"

	apiequality "k8s.io/apimachinery/pkg/api/equality"

	"rollbook/model"
	"rollbook/text"
)

// The rollback of a Deployment is that of kubectl 1.37 (pkg/polymorphichelpers/
// rollback.go): which ReplicaSet is taken, what is patched, which annotations
// stay. It differs in these points: the template is never decoded into a type,
// the patch carries the resourceVersion that it was made of, marks of ownership
// stay, and a paused Deployment is resumed in the same write.

// annotationsToSkip keep the Deployment's value (kubectl's list of this name).
var annotationsToSkip = map[string]bool{
	annLastApplied: true, annRevision: true, annHistory: true, annDesired: true, annMaxReplicas: true,
	"deprecated.deployment.rollback.to": true,
}

// ownershipMarks are prefixes of annotations by which a controller recognises
// its objects. They keep the Deployment's value too: kubectl loses them when the
// older revision was made before they were set.
var ownershipMarks = []string{"argocd.argoproj.io/", "meta.helm.sh/", "kapp.k14s.io/"}

func keepsDeployments(annotation string) bool {
	if annotationsToSkip[annotation] {
		return true
	}
	for _, p := range ownershipMarks {
		if strings.HasPrefix(annotation, p) {
			return true
		}
	}
	return false
}

// planned is a plan with what it is made of.
type planned struct {
	model.Plan
	deployment, target *object
	template           json.RawMessage // bare
	annotations        map[string]string
}

// targetSet picks the ReplicaSet to go to, with kubectl's words when there is
// none. to = 0 is the second-highest number, which is not the last good one.
func targetSet(d *object, sets []*object, to int64) (*object, error) {
	name := d.Metadata.Name
	if to < 0 {
		return nil, fmt.Errorf("unable to find specified revision %d in history", to)
	}
	ordered := make([]*object, 0, len(sets))
	running := runningSet(d, sets)
	for _, s := range sets {
		if s != running {
			ordered = append(ordered, s)
		}
	}
	if running != nil {
		ordered = append(ordered, running)
	}
	var latest, previous *object
	latestN, previousN := int64(-1), int64(-1)
	for _, s := range ordered {
		n, ok := s.number()
		switch {
		case !ok:
		case to > 0:
			if n == to {
				return s, nil
			}
		case latestN < n:
			previous, previousN, latest, latestN = latest, latestN, s, n
		case previousN < n:
			previous, previousN = s, n
		}
	}
	if to > 0 {
		return nil, fmt.Errorf("unable to find specified revision %d in history", to)
	}
	if previous == nil {
		return nil, fmt.Errorf("no rollout history found for deployment %q", text.Line(name))
	}
	return previous, nil
}

// makePlan plans going from a Deployment as it was read to a ReplicaSet.
func makePlan(component string, d, target *object) (*planned, error) {
	p := &planned{deployment: d, target: target}
	var err error
	if p.template, err = bare(target.template()); err != nil {
		return nil, err
	}
	p.annotations = map[string]string{}
	for k, v := range d.Metadata.Annotations {
		if keepsDeployments(k) {
			p.annotations[k] = v
		}
	}
	for k, v := range target.Metadata.Annotations {
		if !keepsDeployments(k) {
			p.annotations[k] = v
		}
	}
	w := model.Workload{Kind: model.Deployment, Namespace: d.Metadata.Namespace, Name: d.Metadata.Name}
	p.Plan = model.Plan{Component: component, Workload: w, UID: string(d.Metadata.UID), Owner: target.Metadata.Name,
		Unpause: d.paused(), Before: d.progressing()}
	p.From, _ = d.number()
	p.To, _ = target.number()
	if p.FromHash, err = hashOf(d.template()); err != nil {
		return nil, err
	}
	if p.ToHash, err = hashOf(target.template()); err != nil {
		return nil, err
	}
	if p.Guard, err = d.guard(); err != nil {
		return nil, err
	}
	value, err := tree(p.template)
	if err != nil {
		return nil, err
	}
	// The controller's own annotations move while a rollout goes on.
	p.Patch = digest(value, withoutController(p.annotations), p.Unpause)
	if p.Same, err = same(d.template(), target.template()); err != nil {
		return nil, err
	}
	if p.Changes, err = diff(d.template(), target.template()); err != nil {
		return nil, err
	}
	p.Command = fmt.Sprintf("kubectl -n %s rollout undo %s --to-revision=%d", w.Namespace, w, p.To)
	p.ID = planID(&p.Plan)
	return p, nil
}

// planID is over what the plan is, not over what was said about it: two reads
// of an unchanged workload give the same.
func planID(p *model.Plan) string {
	return digest(p.Component, p.Workload, p.UID, p.From, p.To, p.FromHash, p.ToHash, p.Owner, p.Guard, p.Patch, p.Unpause, p.Same)
}

// same says whether two templates are equal as kubectl compares them, and in
// the fields that neither of us knows too.
func same(a, b json.RawMessage) (bool, error) {
	ta, err := typed(a)
	if err != nil {
		return false, err
	}
	tb, err := typed(b)
	if err != nil {
		return false, err
	}
	delete(ta.Labels, labelHash)
	delete(tb.Labels, labelHash)
	if !apiequality.Semantic.DeepEqual(ta, tb) {
		return false, nil
	}
	if a, err = bare(a); err != nil {
		return false, err
	}
	if b, err = bare(b); err != nil {
		return false, err
	}
	va, err := tree(a)
	if err != nil {
		return false, err
	}
	vb, err := tree(b)
	if err != nil {
		return false, err
	}
	return reflect.DeepEqual(prune(va), prune(vb)), nil
}

// body is the JSON patch. Its first operation makes the API server answer
// "conflict" when the object is no longer the one that was read.
func (p *planned) body() ([]byte, error) {
	type op struct {
		Op    string `json:"op"`
		Path  string `json:"path"`
		Value any    `json:"value"`
	}
	// With no annotations at all there is nothing to replace.
	annotations := "replace"
	if p.deployment.Metadata.Annotations == nil {
		annotations = "add"
	}
	ops := []op{
		{"replace", "/metadata/resourceVersion", p.deployment.Metadata.ResourceVersion},
		{"replace", "/spec/template", p.template},
		{annotations, "/metadata/annotations", p.annotations},
	}
	if p.Unpause {
		ops = append(ops, op{"replace", "/spec/paused", false})
	}
	return json.Marshal(ops)
}

// planMemory keeps what plans were made of, in memory only, so that a change
// since then can be named by its fields.
type planMemory struct {
	mu    sync.Mutex
	order []string
	of    map[string]*object
}

const plansKept = 16

func (m *planMemory) keep(id string, d *object) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.of == nil {
		m.of = map[string]*object{}
	}
	if _, ok := m.of[id]; !ok {
		m.order = append(m.order, id)
	}
	m.of[id] = d
	if len(m.order) > plansKept {
		delete(m.of, m.order[0])
		m.order = m.order[1:]
	}
}

func (m *planMemory) get(id string) *object {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.of[id]
}
