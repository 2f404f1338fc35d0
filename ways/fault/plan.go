package fault

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"

	"rollbook/model"
	"rollbook/text"
	"rollbook/ways"
)

// planned is a plan with what it is made of.
type planned struct {
	model.Plan
	detail
	writer string // who wrote the workload last
	change ways.Change
	stays  []string // paths that somebody else has changed since
}

// changes are the writes of it: one, or none.
func (p *planned) changes() []ways.Change {
	if len(p.change.Fields) == 0 {
		return nil
	}
	return []ways.Change{p.change}
}

// make reads the workload and makes the plan for a fault, or, for any other version, for
// putting back what was there.
func (f Fault) make(ctx context.Context, component string, w model.Workload, to model.Version) (*planned, error) {
	raw, writer, err := f.cluster.Read(ctx, w.Object())
	if err != nil {
		return nil, err
	}
	if raw == nil {
		return nil, model.Told(model.ErrChanged, nil, "%s is not there", w)
	}
	tree, err := ways.Tree(raw)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", w, err)
	}
	if ways.At(tree, "/metadata/deletionTimestamp") != nil {
		return nil, model.Told(model.ErrChanged, nil, "%s is being deleted", w)
	}
	p := &planned{writer: writer, change: ways.Change{Object: w.Object(), Raw: raw}}
	p.Plan = model.Plan{Method: model.MethodFault, Role: model.RoleFault, Component: component, Workload: w}
	var labels, annotations map[string]string
	var meta struct {
		Metadata struct{ Labels, Annotations map[string]string }
	}
	_ = json.Unmarshal(raw, &meta) // it was read before
	labels, annotations = meta.Metadata.Labels, meta.Metadata.Annotations
	mark := model.MarkOf(model.MethodFault, labels, annotations)
	if fault := model.Fault(to.Key); !fault.IsZero() {
		p.Broken, p.To = true, fault
		err = f.breaks(ctx, p, tree, mark)
	} else {
		err = f.putsBack(p, tree, mark, annotations[before])
	}
	if err != nil {
		return nil, err
	}
	p.Same = len(p.change.Fields) == 0
	if !p.Same {
		// By the mark's label alone: the API server completes a template with defaults.
		c := ways.Change{Object: p.change.Object, Raw: raw}
		c.Fields = slices.DeleteFunc(slices.Clone(p.change.Fields), func(x ways.Field) bool { return x.Path != labelPath })
		p.Objects = []ways.Changed{c.Kept()}
	}
	p.Detail, err = json.Marshal(p.detail)
	return p, err
}

// breaks plans a fault.
func (f Fault) breaks(ctx context.Context, p *planned, tree map[string]any, mark *model.Mark) error {
	w := p.Workload
	if mark != nil {
		return model.Told(model.ErrChanged, nil, "%s is broken by a drill already (%s): put it back first", w, mark.What)
	}
	main, err := broken(tree)
	if err != nil {
		return fmt.Errorf("%s: %w", w, err)
	}
	patch, err := f.patchOf(p.To.Key, main)
	if err != nil {
		return err
	}
	var change, after map[string]any
	if err := ways.Decode(patch, &change); err != nil {
		return fmt.Errorf("the fault cannot be read: %w", err)
	}
	if err := ways.Decode(p.change.Raw, &after); err != nil { // once more: the patch is merged into it
		return fmt.Errorf("%s cannot be read: %w", w, err)
	}
	if after, err = merged(after, change, w.Kind); err != nil {
		return model.Told(nil, err, "%s cannot be broken so: %s", w, text.Line(err.Error()))
	}
	template := ways.At(tree, "/spec/template")
	p.From = asBefore(template)
	fields := ways.Differing(map[string]any{"spec": map[string]any{"template": template}}, map[string]any{"spec": map[string]any{"template": ways.At(after, "/spec/template")}})
	if len(fields) == 0 {
		return fmt.Errorf("%s is so already: %s changes nothing of it", w, p.To)
	}
	kept := make([]was, len(fields))
	for n, x := range fields {
		kept[n] = was{Path: x.Path, Was: x.From, Set: x.To}
	}
	raw, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	what := p.To.Label
	if p.To.Key == model.FaultImage {
		what += " (" + noTag + ")"
	}
	if name, _, _ := strings.Cut(f.Env, "="); p.To.Key == model.FaultEnv {
		what += " (" + text.Line(name) + ")"
	}
	p.Owes = fmt.Sprintf("%s is broken on purpose: %s", p.Component, what)
	p.Title = fmt.Sprintf("Break %s on purpose: %s", p.Component, what)
	p.Changes = []model.Change{{Kind: "other", What: "container " + main.Name, From: "as released", To: what}}
	p.Stays = []string{"requests that fail meanwhile: whoever uses this place feels it"}
	p.Command = text.Line(f.cluster.Kubectl(w.Namespace, fmt.Sprintf("patch %s -p %s", w, model.ShellWord(f.shown(p.To.Key, patch)))))
	p.ID = model.Digest(p.Method, p.Component, w, p.To.Key, fields)
	m := model.Mark{To: p.From, What: p.Owes, Plan: p.ID, Since: f.Now(), By: f.By, Incident: model.IncidentOf(ctx)}
	p.change.Fields = append(fields,
		ways.Field{Path: labelPath, To: p.From.Key},
		ways.Field{Path: ways.Pointer("metadata", "annotations", before), From: ways.At(tree, ways.Pointer("metadata", "annotations", before)), To: string(raw), Beside: true},
		ways.Field{Path: ways.Pointer("metadata", "annotations", key), From: ways.At(tree, ways.Pointer("metadata", "annotations", key)), To: m.Note(), Beside: true})
	return nil
}

// shown returns a fault's patch as it may be shown. The value of a variable is the team's.
func (f Fault) shown(fault string, patch json.RawMessage) string {
	switch fault {
	case model.FaultEnv:
		name, value, _ := strings.Cut(f.Env, "=")
		return strings.Replace(string(patch), fmt.Sprintf("%q", value), `"VALUE OF `+name+`"`, 1)
	case model.FaultPatch:
		return "$(cat " + model.ShellWord(f.Patch) + ")"
	}
	return string(patch)
}

// merged returns a workload with a strategic merge patch.
func merged(o, patch map[string]any, kind model.Kind) (out map[string]any, err error) {
	defer func() { // a patch from outside: a list where an object is
		if r := recover(); r != nil {
			err = fmt.Errorf("the patch does not fit: %v", r)
		}
	}()
	var like any
	switch kind {
	case model.Deployment:
		like = appsv1.Deployment{}
	case model.StatefulSet:
		like = appsv1.StatefulSet{}
	case model.DaemonSet:
		like = appsv1.DaemonSet{}
	default:
		return nil, fmt.Errorf("a %s has no pod template that is known", kind)
	}
	return strategicpatch.StrategicMergeMapPatch(o, patch, like)
}

// broken returns the container that a fault is put into: the one that kubectl takes if none
// is named.
func broken(tree map[string]any) (*container, error) {
	var t struct {
		Metadata struct{ Annotations map[string]string }
		Spec     struct{ Containers []container }
	}
	raw, err := json.Marshal(ways.At(tree, "/spec/template"))
	if err == nil {
		err = json.Unmarshal(raw, &t)
	}
	if err != nil || len(t.Spec.Containers) == 0 {
		return nil, fmt.Errorf("its template has no container")
	}
	want := t.Metadata.Annotations["kubectl.kubernetes.io/default-container"]
	if at := slices.IndexFunc(t.Spec.Containers, func(c container) bool { return c.Name == want }); at >= 0 {
		return &t.Spec.Containers[at], nil
	}
	return &t.Spec.Containers[0], nil
}

// putsBack plans that a workload becomes what it was: what the fault set, and what rollbook
// has put in its place since, gets the value back that was there. What somebody else wrote
// meanwhile stays.
func (f Fault) putsBack(p *planned, tree map[string]any, mark *model.Mark, kept string) error {
	w := p.Workload
	if mark == nil {
		return noFault(w)
	}
	now := asBefore(ways.At(tree, "/spec/template"))
	p.From, p.To = model.Version{Key: now.Key, Label: "what runs now", Short: "now"}, mark.To
	var all []was
	if now.Key != mark.To.Key {
		if err := ways.Decode([]byte(kept), &all); err != nil {
			return fmt.Errorf("what %s was before the drill is not known any more: its annotation %s is gone. Roll it back to the revision from before, then take the label off: %s",
				w, before, f.cluster.Kubectl(w.Namespace, fmt.Sprintf("label %s %s-", w, key)))
		}
	}
	own := templateIsOurs(p.change.Raw)
	for _, x := range all {
		is := ways.At(tree, x.Path)
		switch {
		case model.Digest(is) == model.Digest(x.Was):
		case model.Digest(is) == model.Digest(x.Set), own:
			p.change.Fields = append(p.change.Fields, ways.Field{Path: x.Path, From: is, To: x.Was})
			p.Changes = append(p.Changes, model.Change{Kind: "other", What: strings.ReplaceAll(strings.TrimPrefix(x.Path, "/spec/template/"), "/", "."), From: "broken", To: "as before"})
		default:
			p.stays = append(p.stays, strings.TrimPrefix(x.Path, "/spec/template/"))
		}
	}
	p.Title = fmt.Sprintf("Put %s back to what was there before the drill", p.Component)
	if len(p.change.Fields) == 0 {
		p.Title = fmt.Sprintf("%s is what it was before the drill: take off the drill's mark", p.Component)
	}
	p.Command = text.Line(f.cluster.Kubectl(w.Namespace, fmt.Sprintf("rollout undo %s", w)) + " && " + f.cluster.Kubectl(w.Namespace, fmt.Sprintf("label %s %s-", w, key)) +
		" && " + f.cluster.Kubectl(w.Namespace, fmt.Sprintf("annotate %s %s- %s-", w, key, before)))
	p.change.Fields = append(p.change.Fields, ways.Field{Path: labelPath, From: mark.To.Key})
	for _, a := range []string{before, key} {
		if is := ways.At(tree, ways.Pointer("metadata", "annotations", a)); is != nil {
			p.change.Fields = append(p.change.Fields, ways.Field{Path: ways.Pointer("metadata", "annotations", a), From: is, Beside: true})
		}
	}
	p.ID = model.Digest(p.Method, p.Component, w, p.To.Key, p.change.Kept())
	return nil
}

// templateIsOurs reports whether rollbook wrote the pod template last, by the newest of the
// managed fields' entries that own any of it.
func templateIsOurs(raw json.RawMessage) bool {
	var o struct {
		Metadata struct {
			ManagedFields []struct {
				Manager  string
				Time     time.Time
				FieldsV1 map[string]map[string]json.RawMessage
			}
		}
	}
	if json.Unmarshal(raw, &o) != nil {
		return false
	}
	var newest time.Time
	ours := false
	for _, e := range o.Metadata.ManagedFields {
		if e.FieldsV1["f:spec"]["f:template"] == nil || e.Time.Before(newest) {
			continue
		}
		ours = e.Manager == ways.Manager || strings.HasPrefix(e.Manager, ways.Manager+"-") || ours && e.Time.Equal(newest) // times are to the second
		newest = e.Time
	}
	return ours
}
