package maintenance

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"rollbook/model"
	"rollbook/text"
	"rollbook/ways"
)

// planned is a plan with what it is made of.
type planned struct {
	model.Plan
	detail
	mark    *model.Mark
	writer  string // who wrote the workload last
	changes []change
	lines   []model.Check
}

// change is what becomes of one object; one that is made has what is applied.
type change struct {
	ways.Change
	apply *model.Rehearsed
	taken []model.Change // of one that was there before, what changes in it
}

// heavy are the kinds of object that a page may make, and not change: what they were may be
// a secret, or decides what runs.
var heavy = []string{"Secret", "ConfigMap", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod"}

// make makes the plan for showing the page, or for taking it away.
func (m Maintenance) make(ctx context.Context, component string, w model.Workload, to model.Version) (*planned, error) {
	raw, writer, err := m.cluster.Read(ctx, w.Object())
	if err != nil {
		return nil, err
	}
	if raw == nil {
		return nil, model.Told(model.ErrChanged, nil, "%s is not there", w)
	}
	p := &planned{mark: markOf(raw), writer: writer}
	on := to.Key == model.MaintenancePage(true).Key || to.IsZero() && p.mark == nil
	if to.Key != "" && to.Key != model.MaintenancePage(on).Key {
		return nil, fmt.Errorf("%q is no state of the maintenance page", to.Key)
	}
	p.Plan = model.Plan{Method: model.MethodMaintenance, Role: model.RoleMaintenance, Component: component, Workload: w,
		From: model.MaintenancePage(!on), To: model.MaintenancePage(on)}
	var all []model.Object
	if on {
		all, err = m.show(ctx, p)
	} else {
		all, err = m.takeAway(ctx, p)
	}
	if err != nil {
		return nil, err
	}
	return p, m.finish(ctx, p, raw, on, all)
}

// show plans what becomes of the manifest's objects.
func (m Maintenance) show(ctx context.Context, p *planned) (all []model.Object, err error) {
	manifests, err := m.read(ctx, p.Workload.Namespace)
	if err != nil {
		return nil, err
	}
	digest := make([]any, 0, len(manifests))
	for _, x := range manifests {
		digest = append(digest, x.Object, x.Raw)
		r, err := m.cluster.Rehearse(ctx, x)
		if err != nil {
			return nil, err
		}
		if r.Refused != "" {
			return nil, model.Told(nil, nil, "the API server refuses %s of %s: %s", x.Object, text.Line(m.Manifest), r.Refused)
		}
		c := change{Change: ways.Change{Object: x.Object, Raw: r.Live}}
		if r.Live == nil {
			c.apply = &r
			c.Fields = []ways.Field{{Path: ways.Pointer("metadata", "labels", labelPage), To: "on"}}
			p.Changes = append(p.Changes, r.Changes...)
		} else if err := c.takeOver(&r); err != nil {
			return nil, err
		}
		if len(c.Fields) > 0 {
			p.changes, all = append(p.changes, c), append(all, x.Object)
		}
		for _, o := range r.Conflicts {
			if len(c.taken) > 0 {
				p.lines = append(p.lines, ways.Line("owner:"+o.Manager, model.CheckWarning, "look whether "+o.Manager+" puts its own back by itself",
					"%s of %s is set by %s, which may put its own back", o.Field, x.Object, o.Manager))
			}
		}
	}
	p.Manifest = model.Digest(digest...)
	return all, nil
}

// takeOver plans the change of an object that is there before: exactly what the apply would
// change, by a patch, so that all of it can be put back.
func (c *change) takeOver(r *model.Rehearsed) error {
	live, err := ways.Tree(r.Live)
	if err != nil {
		return fmt.Errorf("%s cannot be read: %w", r.Object, err)
	}
	after, err := ways.Tree(r.After)
	if err != nil {
		return fmt.Errorf("the dry run of %s cannot be read: %w", r.Object, err)
	}
	label := ways.Pointer("metadata", "labels", labelPage)
	fields := ways.Differing(live, after)
	mine := ways.At(live, label) != nil
	if mine && len(fields) == 0 || !mine && len(fields) == 1 && fields[0].Path == label {
		return nil // it is as the page wants it: nothing is to be put back
	}
	if _, kept := ways.At(live, ways.Pointer("metadata", "annotations", ways.AnnBefore)).(string); mine && kept {
		return model.Told(nil, nil, "%s is a part of a maintenance page already, and is not as %s wants it: take the page away first", r.Object, "the manifest")
	}
	if !mine && slices.Contains(heavy, r.Kind) {
		return model.Told(nil, nil, "%s is there already, and the manifest would change it: give the page a %s of its own name", r.Object, r.Kind)
	}
	if mine { // made by an earlier page, of another manifest
		c.Fields = fields
		return nil
	}
	var before []was
	for _, f := range fields {
		before = append(before, was{f.Path, f.From, f.To})
	}
	note, err := json.Marshal(before)
	if err != nil {
		return err
	}
	c.taken = r.Changes
	c.Fields = append(fields, ways.Field{Path: ways.Pointer("metadata", "annotations", ways.AnnBefore), To: string(note)})
	return nil
}

// takeAway plans what becomes of the page's objects: those that the mark names, and those
// of the manifest, where they bear the page's label.
func (m Maintenance) takeAway(ctx context.Context, p *planned) ([]model.Object, error) {
	var all []model.Object
	if p.mark != nil {
		all = slices.Clone(p.mark.Objects)
	}
	if manifests, err := m.read(ctx, p.Workload.Namespace); err == nil {
		for _, x := range manifests {
			if !slices.Contains(all, x.Object) {
				all = append(all, x.Object)
			}
		}
	} else if p.mark != nil && len(all) == 0 {
		return nil, model.Told(nil, err, "which objects the page is made of is not known, the mark on %s does not tell: %s", p.Workload, err)
	}
	slices.Reverse(all)
	for _, o := range all {
		if o.Namespace != p.Workload.Namespace {
			continue // a mark that somebody else wrote
		}
		raw, writer, err := m.cluster.Read(ctx, o)
		if err != nil {
			return nil, err
		}
		tree, err := ways.Tree(raw)
		if err != nil {
			return nil, fmt.Errorf("%s cannot be read: %w", o, err)
		}
		if ways.At(tree, ways.Pointer("metadata", "labels", labelPage)) == nil {
			continue
		}
		c := change{Change: ways.Change{Object: o, Raw: raw}}
		note, before := ways.At(tree, ways.Pointer("metadata", "annotations", ways.AnnBefore)).(string)
		if !before {
			c.Gone = true
			p.Changes = append(p.Changes, model.Change{Kind: "object", What: o.String(), From: "of the page", To: "deleted"})
		} else if err := p.putBack(&c, tree, note, writer); err != nil {
			return nil, err
		}
		p.changes = append(p.changes, c)
	}
	return nil, nil
}

// putBack plans that an object gets the values back that the page changed.
func (p *planned) putBack(c *change, now map[string]any, note, writer string) error {
	var before []was
	if err := ways.Decode([]byte(note), &before); err != nil {
		return model.Told(nil, err, "what %s was before the page cannot be read from its annotation %s: put it back by hand", c.Object, ways.AnnBefore)
	}
	for _, b := range before {
		at := ways.At(now, b.Path)
		c.Fields = append(c.Fields, ways.Field{Path: b.Path, From: at, To: b.Was})
		if model.Digest(at) != model.Digest(b.Set) {
			p.lines = append(p.lines, ways.Line("changed:"+c.Object.String(), model.CheckBlocked, "look at it; override this to put back what was there before the page",
				"%s of %s was changed after the page came, last by %s", pointed(b.Path), c.Object, writer))
		}
		if b.Path == ways.Pointer("metadata", "labels", labelPage) {
			continue
		}
		p.Changes = append(p.Changes, model.Change{Kind: "other", What: c.Object.String() + " " + pointed(b.Path), From: "of the page", To: "as before"})
	}
	c.Fields = append(c.Fields, ways.Field{Path: ways.Pointer("metadata", "annotations", ways.AnnBefore), From: note})
	return nil
}

// pointed returns a JSON pointer as people write it: spec.rules.
func pointed(pointer string) string {
	return text.Line(strings.NewReplacer("~1", "/", "~0", "~").Replace(strings.ReplaceAll(strings.TrimPrefix(pointer, "/"), "/", ".")))
}

// finish adds the mark on the workload, before the page comes and after it went, and the
// words.
func (m Maintenance) finish(ctx context.Context, p *planned, raw json.RawMessage, on bool, all []model.Object) error {
	key, off := model.MarkKey+string(model.MethodMaintenance), model.MaintenancePage(false)
	mark := change{Change: ways.Change{Object: p.Workload.Object(), Raw: raw}}
	label := ways.Field{Path: ways.Pointer("metadata", "labels", key)}
	if p.mark != nil {
		label.From = p.mark.To.Key
	}
	if on && (len(p.changes) > 0 || p.mark != nil) {
		label.To = off.Key
		p.Owes = "the maintenance page is on: " + shownBy(all)
	}
	if label.From != label.To {
		mark.Fields = []ways.Field{label}
		if on {
			p.changes = append([]change{mark}, p.changes...)
		} else {
			p.changes = append(p.changes, mark)
		}
	}
	p.Same = len(p.changes) == 0
	for n := range p.changes {
		p.Objects = append(p.Objects, p.changes[n].Kept())
	}
	p.ID = model.Digest(p.Method, p.Component, p.Workload, p.To.Key, p.detail)
	for n := range p.changes {
		if c := &p.changes[n]; c.Object == mark.Object && label.From != label.To {
			note := ways.Field{Path: ways.Pointer("metadata", "annotations", key), Beside: true}
			if on {
				k := model.Mark{To: off, What: p.Owes, Plan: p.ID, Since: m.Now(), By: m.By, Incident: model.IncidentOf(ctx), Objects: all}
				note.To = k.Note()
			}
			c.Fields = append(c.Fields, note)
		}
	}
	for n := range p.changes {
		for _, ch := range p.changes[n].taken {
			if !strings.HasSuffix(ch.What, labelPage) {
				ch.What = strings.TrimSpace(p.changes[n].Object.String() + " " + ch.What)
				p.Changes = append(p.Changes, ch)
			}
		}
	}
	p.say(m, on, all)
	var err error
	p.Detail, err = json.Marshal(p.detail)
	return err
}

// say adds what the operator reads.
func (p *planned) say(m Maintenance, on bool, all []model.Object) {
	ns := p.Workload.Namespace
	switch {
	case p.Same:
		p.Title = "The " + p.To.Label + " already"
	case on:
		p.Title = "Show the maintenance page: " + shownBy(all)
		p.Command = m.cluster.Kubectl(ns, "apply --server-side --field-manager="+ways.Manager+" -f "+model.ShellWord(m.Manifest))
	default:
		var gone, back []string
		for n := range p.changes {
			switch c := &p.changes[n]; {
			case c.Gone:
				gone = append(gone, c.Object.String())
			case c.Object != p.Workload.Object():
				back = append(back, c.Object.String())
			}
		}
		p.Title = "Take the maintenance page away"
		if len(gone) > 0 {
			p.Title += ": delete " + strings.Join(gone, ", ")
			p.Command = m.cluster.Kubectl(ns, "delete "+strings.Join(gone, " "))
		}
		if len(back) > 0 {
			p.Title += "; put back " + strings.Join(back, ", ")
			p.Stays = append(p.Stays, "the command leaves out what is put back: "+strings.Join(back, ", ")+", by the annotation "+ways.AnnBefore)
		}
	}
	p.Title, p.Command = text.Line(p.Title), text.Line(p.Command)
}
