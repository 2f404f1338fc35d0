package kube

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"

	"rollbook/model"
	"rollbook/text"
)

// The undo is that of kubectl 1.37 (pkg/polymorphichelpers/rollback.go): which
// revision is taken, what is patched, which annotations stay. It differs in these
// points: a revision is named by its ReplicaSet or ControllerRevision and not by its
// number, the template is never decoded into a type, the patch is a JSON patch for
// each kind and tests all that it was made of, annotations are changed one by one,
// marks of ownership stay, and a paused Deployment is resumed in the same write.

// annotationsToSkip keep the Deployment's value (kubectl's list of this name).
var annotationsToSkip = map[string]bool{
	annLastApplied: true, annRevision: true, annHistory: true, annDesired: true, annMaxReplicas: true,
	"deprecated.deployment.rollback.to": true,
}

// ownershipMarks are prefixes of annotations by which a controller recognises
// its objects, and rollbook what it switched off. They keep the Deployment's value too:
// kubectl loses them when the older revision was made before they were set.
var ownershipMarks = []string{model.MarkKey, "argocd.argoproj.io/", "meta.helm.sh/", "kapp.k14s.io/", "kustomize.toolkit.fluxcd.io/"}

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

// MethodUndo is the undo of a rollout, as kubectl rollout undo does it.
const MethodUndo model.Method = "undo"

// undoDetail is what the undo keeps in a plan: hashes, not values. Before the write
// everything is read and planned again, and written only when it comes out equal.
type undoDetail struct {
	UID        string    `json:"uid"`
	FromNumber int64     `json:"fromNumber"` // the revisions' numbers when it was planned
	ToNumber   int64     `json:"toNumber"`
	FromHash   string    `json:"fromHash"` // running template
	ToHash     string    `json:"toHash"`   // template to be written
	Guard      string    `json:"guard"`    // spec less replicas, annotations less deployment.kubernetes.io/*
	Patch      string    `json:"patch"`    // what is written
	Unpause    bool      `json:"unpause,omitempty"`
	Before     time.Time `json:"before,omitzero"` // Progressing's lastUpdateTime before the write: an unchanged one is a leftover
}

// undoReceipt is what the undo keeps of the API server's answer.
type undoReceipt struct {
	ResourceVersion string `json:"resourceVersion"`
	Generation      int64  `json:"generation"`
	Reads           int    `json:"reads,omitempty"`  // how often it had to be read again because it changed between the read and the write
	Ending          bool   `json:"ending,omitempty"` // its namespace was being deleted
	// Admitted is how admission changed the template on its way in; "" when it did not.
	Admitted string `json:"admitted,omitempty"`
	// TemplateHash is of the template as the server stored it: admission may have
	// changed it on its way in, and then it is not the plan's ToHash.
	TemplateHash string `json:"templateHash,omitempty"`
}

// detail reads a method's own part of a plan or a receipt back.
func detail[T any](raw json.RawMessage) (T, error) {
	var d T
	if err := json.Unmarshal(raw, &d); err != nil {
		return d, fmt.Errorf("the plan's detail cannot be read: %w", err)
	}
	return d, nil
}

// planned is a plan with what it is made of.
type planned struct {
	model.Plan
	undoDetail
	kind             kind
	workload, target *object
	ending           bool            // its namespace is being deleted
	ambiguous        string          // another revision of the same number
	undo             string          // arguments of the equal kubectl command; "" = there is none
	template         json.RawMessage // bare
	annotations      map[string]string
}

// targetOf picks the revision to go to by its owner's name. "" is kubectl's default,
// the second-highest number, which is not the last good one.
func targetOf(k kind, w *object, revs []*object, key string) (*object, error) {
	if key != "" {
		for _, r := range revs {
			if r.Metadata.Name == key {
				return r, nil
			}
		}
		return nil, fmt.Errorf("%s is not in the history of %s any more: choose another revision", text.Line(key), text.Line(w.Metadata.Name))
	}
	ordered := make([]*object, 0, len(revs))
	current := runningOf(w, revs)
	for _, s := range revs {
		if s != current {
			ordered = append(ordered, s)
		}
	}
	if current != nil {
		ordered = append(ordered, current)
	}
	var latest, previous *object
	latestN, previousN := int64(-1), int64(-1)
	for _, s := range ordered {
		n, ok := s.number()
		switch {
		case !ok:
		case latestN < n:
			previous, previousN, latest, latestN = latest, latestN, s, n
		case previousN < n:
			previous, previousN = s, n
		}
	}
	if previous == nil {
		return nil, errors.New(k.none(text.Line(w.Metadata.Name)))
	}
	return previous, nil
}

// makePlan plans going from a workload as it was read to one of its revisions.
func makePlan(component string, w model.Workload, o, target *object, revs []*object) (*planned, error) {
	p := &planned{kind: kinds[w.Kind], workload: o, target: target}
	var err error
	if p.template, err = bare(target.template()); err != nil {
		return nil, err
	}
	if p.kind.annotated {
		p.annotations = undoneAnnotations(o, target)
	}
	p.UID, p.Before = string(o.Metadata.UID), o.progressing()
	p.Unpause = p.kind.pausable && o.paused()
	p.ToNumber, _ = target.number()
	from := ""
	if r := runningOf(o, revs); r != nil {
		from = text.Line(r.Metadata.Name)
		p.FromNumber, _ = r.number()
	} else {
		p.FromNumber, _ = o.number()
	}
	if p.FromHash, err = hashOf(o.template()); err != nil {
		return nil, err
	}
	if p.ToHash, err = hashOf(target.template()); err != nil {
		return nil, err
	}
	if p.Guard, err = o.guard(); err != nil {
		return nil, err
	}
	value, err := tree(p.template)
	if err != nil {
		return nil, err
	}
	// The controller's own annotations move while a rollout goes on.
	p.Patch = model.Digest(value, withoutController(p.annotations), p.Unpause)
	p.Plan = model.Plan{Method: MethodUndo, Role: model.RoleRelease, Component: component, Workload: w,
		From: model.Revision(from, p.FromNumber), To: model.Revision(text.Line(target.Metadata.Name), p.ToNumber)}
	by := namedBy(o, revs)
	p.From.Tag, p.To.Tag = tagOf(o, by), tagOf(target, by)
	if p.Same, err = same(o.template(), target.template()); err != nil {
		return nil, err
	}
	if p.Changes, err = diff(o.template(), target.template()); err != nil {
		return nil, err
	}
	p.ambiguous = sameNumber(target, revs)
	p.Title = fmt.Sprintf("Roll back %s from %s to %s", component, p.From, p.To)
	if p.From.Tag != "" && p.To.Tag != "" && p.From.Tag != p.To.Tag {
		p.Title = fmt.Sprintf("Roll back %s %s → %s (%s → %s", component, p.From.Tag, p.To.Tag, p.From, p.To.Short)
		if p.kind.annotated && p.FromNumber > 0 { // an undo makes it the newest again
			p.Title += fmt.Sprintf(", runs as %d", p.FromNumber+1)
		}
		p.Title += ")"
	}
	if p.Unpause {
		p.Title += ", and resume it"
	}
	if p.ambiguous == "" && p.ToNumber > 0 {
		p.undo = fmt.Sprintf("rollout undo %s --to-revision=%d", w, p.ToNumber)
	}
	if p.Detail, err = json.Marshal(p.undoDetail); err != nil {
		return nil, err
	}
	p.ID = p.id()
	return p, nil
}

// undoneAnnotations are a Deployment's after an undo: the revision's, but for those
// that stay.
func undoneAnnotations(o, target *object) map[string]string {
	out := map[string]string{}
	for k, v := range o.Metadata.Annotations {
		if keepsDeployments(k) {
			out[k] = v
		}
	}
	for k, v := range target.Metadata.Annotations {
		if !keepsDeployments(k) {
			out[k] = v
		}
	}
	return out
}

// sameNumber names another revision that bears the number of target; "" when there
// is none. kubectl cannot tell the two apart.
func sameNumber(target *object, revs []*object) string {
	n, ok := target.number()
	for _, r := range revs {
		if m, is := r.number(); r != target && ok && is && m == n {
			return text.Line(r.Metadata.Name)
		}
	}
	return ""
}

// id is over what the plan is, not over what was said about it: two reads of an
// unchanged workload give the same.
func (p *planned) id() string {
	return model.Digest(p.Method, p.Component, p.Workload, p.UID, p.FromNumber, p.ToNumber, p.FromHash, p.ToHash, p.To.Key, p.Guard,
		p.Patch, p.Unpause, p.Same)
}

// same says whether two templates are equal as kubectl compares them, and in
// the fields that neither of us knows too.
func same(a, b json.RawMessage) (bool, error) {
	ta, va, err := parsed(a)
	if err != nil {
		return false, err
	}
	tb, vb, err := parsed(b)
	return err == nil && apiequality.Semantic.DeepEqual(ta, tb) && reflect.DeepEqual(prune(va), prune(vb)), err
}

// parsed returns a template less the hash label, as its type and as it is written.
func parsed(raw json.RawMessage) (t *corev1.PodTemplateSpec, v any, err error) {
	if raw, err = bare(raw); err != nil {
		return nil, nil, err
	}
	if t, err = typed(raw); err != nil {
		return nil, nil, err
	}
	v, err = tree(raw)
	return t, v, err
}
