package scale

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"rollbook/model"
	"rollbook/text"
	"rollbook/ways"
)

// planned is a plan with what it is made of.
type planned struct {
	model.Plan
	detail
	mark    *model.Mark // on the workload as it was read; nil = none
	writer  string      // who wrote the workload last
	changes []ways.Change
	scalers []scaler
	unknown error // why it is not known what scales it
	setters []string
}

// make reads the workload and what scales it, and makes the plan for a number of replicas.
func (s Scale) make(ctx context.Context, component string, w model.Workload, to model.Version) (*planned, error) {
	if w.Kind == model.DaemonSet {
		return nil, model.Told(nil, nil, "a DaemonSet has no number of replicas: to take its pods off the nodes, give it a nodeSelector that no node has: %s",
			s.cluster.Kubectl(w.Namespace, fmt.Sprintf(`patch %s -p '{"spec":{"template":{"spec":{"nodeSelector":{"rollbook/stopped":"yes"}}}}}'`, w)))
	}
	o := w.Object()
	raw, writer, err := s.cluster.Read(ctx, o)
	if err != nil {
		return nil, err
	}
	var live struct {
		Metadata struct {
			DeletionTimestamp   string
			Labels, Annotations map[string]string
		}
		Spec struct{ Replicas *int }
	}
	switch err := json.Unmarshal(raw, &live); {
	case raw == nil:
		return nil, model.Told(model.ErrChanged, nil, "%s is not there", w)
	case err != nil:
		return nil, fmt.Errorf("%s cannot be read: %w", w, err)
	case live.Metadata.DeletionTimestamp != "":
		return nil, model.Told(model.ErrChanged, nil, "%s is being deleted", w)
	}
	p := &planned{detail: detail{Now: 1}, writer: writer, mark: model.MarkOf(model.MethodScale, live.Metadata.Labels, live.Metadata.Annotations), setters: setters(raw)}
	if live.Spec.Replicas != nil {
		p.Now = *live.Spec.Replicas
	}
	p.Had = p.Now
	if p.mark != nil {
		if p.Had, err = number(p.mark.To); err != nil {
			return nil, fmt.Errorf("the mark on %s cannot be read: %w", w, err)
		}
	}
	switch {
	case !to.IsZero():
		p.Replicas, err = number(to)
	case p.mark != nil:
		p.Replicas = p.Had
	}
	if err != nil {
		return nil, err
	}
	var all []model.Autoscaler
	all, p.unknown = s.cluster.Autoscalers(ctx, w)
	if errors.Is(p.unknown, context.Canceled) {
		return nil, p.unknown
	}
	p.Marked = p.Replicas < p.Had
	for _, a := range all {
		x, err := scalerOf(a, p)
		if err != nil {
			return nil, err
		}
		p.scalers = append(p.scalers, x)
	}
	p.Free = len(p.scalers) > 0 && p.Replicas > 0
	return p, s.finish(ctx, p, component, w, raw)
}

// finish adds what becomes of the workload, and the words.
func (s Scale) finish(ctx context.Context, p *planned, component string, w model.Workload, raw json.RawMessage) error {
	o, key := w.Object(), model.MarkKey+string(model.MethodScale)
	p.Plan = model.Plan{Method: model.MethodScale, Role: model.RoleSwitch, Component: component, Workload: w, From: model.Replicas(p.Now), To: model.Replicas(p.Replicas)}
	set := p.Replicas
	if !p.Marked && p.mark != nil && p.Now > set {
		set = p.Now // somebody has brought it back already, and further
	}
	load := ways.Change{Object: o, Raw: raw}
	if set != p.Now {
		load.Fields = append(load.Fields, ways.Field{Path: "/spec/replicas", From: json.Number(strconv.Itoa(p.Now)), To: json.Number(strconv.Itoa(set)), Moves: len(p.scalers) > 0, Beside: p.Free && !p.Marked && p.mark != nil})
		p.Changes = append(p.Changes, model.Change{Kind: "replicas", What: w.String(), From: strconv.Itoa(p.Now), To: strconv.Itoa(set)})
	}
	had := model.Replicas(p.Had)
	if p.Marked {
		p.From, p.Owes = had, fmt.Sprintf("%s is scaled to 0, it had %s", component, had)
		if p.Replicas > 0 {
			p.Owes = fmt.Sprintf("%s has %d of %s", component, p.Replicas, had)
		}
		p.Owes += owed(p.scalers)
	}
	// Before the mark itself, which is not the plan but tells of it.
	label := ways.Field{Path: ways.Pointer("metadata", "labels", key)}
	if p.mark != nil {
		label.From = p.mark.To.Key
	}
	if p.Marked {
		label.To = had.Key
	}
	p.order(load, label)
	p.Same = len(p.changes) == 0
	for n := range p.changes {
		if k := p.changes[n].Kept(); len(k.Paths)+len(k.Free) > 0 {
			p.Objects = append(p.Objects, k)
		}
	}
	p.ID = model.Digest(p.Method, p.Component, p.Workload, p.detail)
	if label.From != label.To && len(p.changes) > 0 {
		note := ways.Field{Path: ways.Pointer("metadata", "annotations", key), Beside: true}
		if p.Marked {
			m := model.Mark{To: had, What: p.Owes, Plan: p.ID, Since: s.Now(), By: s.By, Incident: model.IncidentOf(ctx)}
			note.To = m.Note()
		}
		at := slices.IndexFunc(p.changes, func(c ways.Change) bool { return slices.Contains(c.Fields, label) })
		p.changes[at].Fields = append(p.changes[at].Fields, note)
	}
	p.say(s, component, w, set)
	var err error
	p.Detail, err = json.Marshal(p.detail)
	return err
}

// order puts the writes in the order in which no autoscaler puts the number back. The
// real one acts on a change of its HPA at once, and then writes its number over another:
// what holds it comes before the workload, and what lets it go after. The mark is taken off
// last, when nothing is owed any more.
func (p *planned) order(load ways.Change, label ways.Field) {
	var before, after []ways.Change
	for n := range p.scalers {
		switch x := &p.scalers[n]; {
		case x.change == nil:
		case x.held != "":
			before = append(before, *x.change)
		default:
			after = append(after, *x.change)
		}
	}
	mark := ways.Change{Object: load.Object, Raw: load.Raw}
	if label.From != label.To || len(load.Fields) > 0 {
		mark.Fields = []ways.Field{label}
	}
	if p.Marked || len(after) == 0 { // with the number, in one write
		load.Fields, mark.Fields = append(load.Fields, mark.Fields...), nil
	}
	p.changes = before
	for _, c := range append(append([]ways.Change{load}, after...), mark) {
		if len(c.Fields) > 0 {
			p.changes = append(p.changes, c)
		}
	}
}

// say adds what the operator reads.
func (p *planned) say(s Scale, component string, w model.Workload, set int) {
	had := model.Replicas(p.Had)
	switch {
	case p.Same:
		p.Title = fmt.Sprintf("%s has %s already", component, p.To)
	case !p.Marked && set == p.Now:
		p.Title = fmt.Sprintf("%s has %s already: take off the mark of what was stopped", component, model.Replicas(p.Now))
	case p.Replicas == 0:
		p.Title = fmt.Sprintf("Stop %s: scale %s from %s to 0", component, w, model.Replicas(p.Now))
	case p.Marked:
		p.Title = fmt.Sprintf("Run %s with %d of %s", component, p.Replicas, had)
	default:
		p.Title = fmt.Sprintf("Bring %s back to %s, from %d", component, p.To, p.Now)
	}
	for n := range p.scalers {
		p.Changes = append(p.Changes, p.scalers[n].said...)
	}
	var commands []string
	scalers := func(held bool) {
		for n := range p.scalers {
			if x := &p.scalers[n]; x.command != "" && (x.held != "") == held {
				commands = append(commands, s.cluster.Kubectl(w.Namespace, x.command))
			}
		}
	}
	scalers(true)
	if set != p.Now {
		commands = append(commands, s.cluster.Kubectl(w.Namespace, fmt.Sprintf("scale %s --replicas=%d", w, set)))
	}
	scalers(false)
	key := model.MarkKey + string(model.MethodScale)
	switch {
	case p.Marked && p.mark == nil:
		commands = append(commands, s.cluster.Kubectl(w.Namespace, fmt.Sprintf("label %s %s=%d", w, key, p.Had)))
	case !p.Marked && p.mark != nil:
		commands = append(commands, s.cluster.Kubectl(w.Namespace, fmt.Sprintf("label %s %s-", w, key)))
	}
	p.Command = text.Line(strings.Join(commands, " && "))
	if p.Replicas == 0 && p.Marked {
		p.Stays = []string{"requests that come meanwhile: they fail, unless a maintenance page answers them", "the data that it wrote"}
	}
}
