package redeploy

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"rollbook/model"
	"rollbook/text"
	"rollbook/ways"
)

// world holds what a plan is made of.
type world struct {
	target  Target
	repo    repository
	comp    *model.Component
	to      *candidate
	running *candidate // nil = not known
	build   *build
	before  *build // of what runs; nil = not known
	tries   []model.Rehearsed
	objects []object // what changes
	origin  origin
}

// origin is what the other side says of a tag.
type origin struct {
	asked  bool
	commit string // "" = it has no such tag
	err    error
}

// Plan builds a version, compares it with the cluster by dry run, object by object, and
// checks what stands against applying it.
func (r Redeploy) Plan(ctx context.Context, c *model.Component, to model.Version, out func(model.Preflight)) {
	pf := model.Preflight{Slot: model.Release(c.ID), To: to.Key, Started: r.Now()}
	w := &world{comp: c}
	err := r.prepare(ctx, w, to, func(what string) {
		pf.Checks = []model.Check{{ID: "plan", Text: what + " …"}}
		out(pf)
	})
	if w.to != nil {
		pf.To = w.to.Key
	}
	pf.Checks = nil
	if w.tries != nil {
		pf.Checks = r.rights(ctx, w)
	}
	pf.Done = true
	if err == nil {
		var p model.Plan
		if p, err = r.makePlan(w); err == nil {
			pf.Plans = []model.Plan{p}
			pf.Checks = append(pf.Checks, w.lines(r.state.stale(w.repo))...)
		}
	}
	if err != nil {
		pf.Err = err.Error()
	}
	out(pf)
}

// prepare fills in what a plan is made of.
func (r Redeploy) prepare(ctx context.Context, w *world, to model.Version, tell func(string)) (err error) {
	c := w.comp
	if c.Missing != "" && c.Missing != model.NotFound { // what was deleted is made anew
		return model.Told(nil, nil, "%s is not to be seen (%s): nothing is written to what nobody can watch", c.Workload, c.Missing)
	}
	if w.target, err = r.target(c.ID); err != nil {
		return err
	}
	if w.repo, err = r.repository(w.target); err != nil {
		return err
	}
	tell("reading the versions in " + text.Line(w.target.Repository))
	all, err := r.candidates(ctx, w.target, w.repo, c)
	if err != nil {
		return model.Told(nil, err, "no plan for %s: %s", c.ID, err)
	}
	if w.to, err = wanted(ctx, w.repo, all, to); err != nil {
		return err
	}
	w.running = current(all)
	tell(fmt.Sprintf("building %s from %s", w.to.Version, w.target.what()))
	ways.Several(
		func() { w.build, err = r.build(ctx, w.target, w.repo, w.to.release, c.Workload.Namespace) },
		func() {
			if w.running != nil && w.running.Key != w.to.Key { // only to tell what it has that the other one has not
				w.before, _ = r.build(ctx, w.target, w.repo, w.running.release, c.Workload.Namespace)
			}
		},
		func() { w.origin = w.repo.ask(ctx, w.to.tag) })
	if err != nil {
		return model.Told(nil, err, "%s cannot be built: %s", w.to.Version, err)
	}
	if w.build.find(c.Workload) == nil {
		return model.Told(nil, nil, "%s of %s has no %s in namespace %s: look at redeploy of %s in your own rollbook.yaml", w.target.what(), w.to.Version, c.Workload, c.Workload.Namespace, c.ID)
	}
	tell(fmt.Sprintf("comparing %s with the cluster (server dry run)", model.Plural(len(w.build.objects), "object")))
	var errs error
	w.tries, errs = r.rehearse(ctx, w.build.objects)
	if errs != nil {
		return errs
	}
	for _, t := range w.tries {
		if t.Refused != "" && !t.Remade() {
			continue
		}
		o, err := changed(t)
		if err != nil {
			return err
		}
		if o != nil {
			w.objects = append(w.objects, *o)
		}
	}
	return nil
}

// what names the place of the manifests.
func (t *Target) what() string {
	return text.Line(cmp.Or(t.Overlay, t.Manifests, strings.Join(t.Command, " ")))
}

// ask looks where a tag is on the other side.
func (g repository) ask(ctx context.Context, tag string) origin {
	if tag == "" || g.url != "" || !g.origin(ctx) { // what rollbook keeps was fetched just now
		return origin{}
	}
	commit, err := g.there(ctx, tag)
	return origin{asked: true, commit: commit, err: err}
}

// atOnce is how many objects are asked for at the same time.
const atOnce = 8

// rehearse tries all objects by dry run.
func (r Redeploy) rehearse(ctx context.Context, all []model.Manifest) ([]model.Rehearsed, error) {
	out, errs := make([]model.Rehearsed, len(all)), make([]error, len(all))
	inTurn(len(all), func(n int) { out[n], errs[n] = r.cluster.Rehearse(ctx, all[n]) })
	for _, err := range errs {
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

// inTurn calls f with each number below n, some at the same time.
func inTurn(n int, f func(int)) {
	next := make(chan int)
	fs := make([]func(), 0, atOnce+1)
	for range min(n, atOnce) {
		fs = append(fs, func() {
			for k := range next {
				f(k)
			}
		})
	}
	ways.Several(append(fs, func() {
		for k := range n {
			next <- k
		}
		close(next)
	})...)
}

func (r Redeploy) makePlan(w *world) (model.Plan, error) {
	c, x := w.comp, w.to
	want := detail{Repository: w.target.Repository, Tag: x.tag, Commit: x.commit, Manager: w.target.Manager, Objects: w.objects}
	p := model.Plan{Method: MethodRedeploy, Role: model.RoleRelease, Component: c.ID, Workload: c.Workload, From: c.Running(), To: x.Version, Same: len(w.objects) == 0}
	own := c.Workload.String() // of whose fields the page says whose they are
	for _, t := range w.tries {
		mine := isWorkload(t.Object, c.Workload)
		if mine {
			want.Template, want.Before = t.Template, t.Before
		}
		for _, ch := range t.Changes {
			if !mine && ch.Kind != "object" {
				ch.What = strings.TrimSpace(t.Object.String() + " " + ch.What)
			}
			p.Changes = append(p.Changes, ch)
		}
		for _, o := range t.Conflicts {
			p.Changes = append(p.Changes, model.Change{Kind: "owner", What: strings.TrimPrefix(t.Object.String()+" "+o.Field, own+" "), From: o.Manager, To: want.Manager})
		}
	}
	var err error
	if p.Detail, err = json.Marshal(want); err != nil {
		return p, err
	}
	what := fmt.Sprintf("%d objects change", len(w.objects))
	if len(w.objects) == 1 {
		what = w.objects[0].Object.String() + " changes"
	}
	p.Title = fmt.Sprintf("Redeploy %s at %s from %s: %s", c.ID, x.Full(), w.target.what(), what)
	if x.tag != "" {
		p.Title = fmt.Sprintf("Redeploy %s at %s (commit %s) from %s: %s", c.ID, x.Version, ways.ShortCommit(x.commit), w.target.what(), what)
	}
	if anew := w.anew(); len(anew) > 0 {
		p.Title += "; deleted and made anew: " + some(anew)
		p.Sentence = remakes(anew)
	}
	p.Stays = w.stays()
	p.Command = r.command(w)
	of := want
	of.Before = time.Time{} // moves with each pod that gets ready
	p.ID = model.Digest(p.Method, p.Component, p.Workload, of)
	return p, nil
}

// remakes returns the words that are typed to have objects deleted and made anew.
func remakes(names []string) string { return "delete " + strings.Join(names, ", ") }

// anew returns the objects that are deleted and made anew.
func (w *world) anew() (out []string) {
	for n := range w.objects {
		if w.objects[n].UID != "" {
			out = append(out, w.objects[n].Object.String())
		}
	}
	return out
}

// stays says what applying a version does not bring back.
func (w *world) stays() []string {
	out := []string{"data and its schema"}
	if gone := w.notThere(); len(gone) > 0 {
		out = append(out, fmt.Sprintf("objects that %s has and %s has not are not deleted: %s", w.running.Version, w.to.Version, some(gone)))
	}
	if w.running == nil {
		out = append(out, fmt.Sprintf("objects that are not in %s are not deleted", w.to.Version))
	}
	return out
}

// notThere returns the objects of what runs that the version does not have.
func (w *world) notThere() (out []string) {
	if w.before == nil {
		return nil
	}
	has := map[model.Object]bool{}
	for n := range w.build.objects {
		has[w.build.objects[n].Object] = true
	}
	for n := range w.before.objects {
		if o := w.before.objects[n].Object; !has[o] {
			out = append(out, o.String())
		}
	}
	return out
}

// some lists the first of some names, and how many more there are.
func some(names []string) string {
	const most = 4
	if len(names) > most {
		names = append(names[:most:most], fmt.Sprintf("and %d more", len(names)-most))
	}
	return text.Line(strings.Join(names, ", "))
}

// command returns the commands that do the same.
func (r Redeploy) command(w *world) string {
	t, x := &w.target, w.to
	apply := "apply --server-side --field-manager=" + model.ShellWord(t.Manager)
	for n := range w.objects {
		if len(w.objects[n].Takes) > 0 {
			apply += " --force-conflicts"
			break
		}
	}
	ns := w.comp.Workload.Namespace
	out := fmt.Sprintf("D=$(mktemp -d) && git -C %s archive %s | tar -x -C $D && ", model.ShellWord(w.repo.dir), model.ShellWord(x.commit))
	for n := range w.objects {
		if o := &w.objects[n]; o.UID != "" {
			cascade := " --cascade=background"
			if o.Orphan {
				cascade = " --cascade=orphan"
			}
			out += r.cluster.Kubectl(o.Namespace, "delete "+o.Object.String()+cascade) + " && "
		}
	}
	switch {
	case t.Overlay != "":
		out += r.cluster.Kubectl(ns, apply+" -k $D/"+model.ShellWord(t.Overlay))
	case t.Manifests != "":
		out += r.cluster.Kubectl(ns, apply+" -R -f $D/"+model.ShellWord(t.Manifests))
	default:
		words := make([]string, len(t.Command))
		for n, a := range t.arguments(x.release) {
			words[n] = model.ShellWord(a)
		}
		out += "cd $D && " + strings.Join(words, " ") + " | " + r.cluster.Kubectl(ns, apply+" -f -")
	}
	return text.Line(out)
}

// refused returns an error as it is for the operator, of the kind that says that nothing
// was written.
func refused(err error, format string, args ...any) error {
	if errors.Is(err, model.ErrReadOnly) {
		return model.Told(model.ErrReadOnly, err, format, args...)
	}
	return model.Told(model.ErrRefused, err, format, args...)
}
