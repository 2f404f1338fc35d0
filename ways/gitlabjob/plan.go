package gitlabjob

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"rollbook/model"
	"rollbook/text"
	"rollbook/ways"
)

// world holds what a plan is made of.
type world struct {
	target  Target
	project project
	done    []deployment // to the environment, that succeeded, the newest first
	running []deployment
	waiting []deployment // created or blocked, and not begun
	jobs    []job        // the newest runs of the jobs of the version's pipeline
}

// Plan makes the plan for running the job of a version, and checks it.
func (j Job) Plan(ctx context.Context, c *model.Component, to model.Version, out func(model.Preflight)) {
	pf := model.Preflight{Slot: model.Release(c.ID), To: to.Key, Started: j.Now()}
	fail := func(err error) {
		pf.Done, pf.Err = true, err.Error()
		out(pf)
	}
	w := world{}
	var err error
	if w.target, err = j.target(c.ID); err != nil {
		fail(err)
		return
	}
	if err := j.look(ctx, &w); err != nil {
		fail(model.Told(nil, err, "no plan for %s in %s: %s", w.target.Environment, w.target.Project, because(err)))
		return
	}
	all := candidates(w.done, c)
	x := wanted(all, to)
	switch {
	case x == nil && to.IsZero():
		fail(model.Told(nil, nil, "no other version was deployed to %s of %s", w.target.Environment, w.target.Project))
		return
	case x == nil:
		fail(model.Told(nil, nil, "%s is not among the last %d deployments to %s: read the versions again", to, enough, w.target.Environment))
		return
	case x.Refused != "":
		fail(model.Told(nil, nil, "%s: %s", x.Version, x.Refused))
		return
	}
	pf.To = x.Key
	if w.jobs, err = j.jobs(ctx, w.target.Project, x.last.Job.Pipeline.ID); err != nil {
		fail(model.Told(nil, err, "the jobs of %s cannot be read: %s", x.Version, because(err)))
		return
	}
	r, err := w.choose(x.last)
	if err != nil {
		fail(err)
		return
	}
	plan, err := j.makePlan(c, &w, x, r)
	if err != nil {
		fail(err)
		return
	}
	pf.Plans = []model.Plan{plan}
	pf.Checks = w.lines(c, all, x, r, j.Now())
	out(pf)
	pf.Checks = append(j.rights(ctx, &w), pf.Checks...)
	pf.Done = true
	out(pf)
}

// look reads the project and what was, is and will be deployed to its environment.
func (j Job) look(ctx context.Context, w *world) error {
	errs := make([]error, 5)
	var created, blocked []deployment
	ways.Several(
		func() { w.done, errs[0] = j.deployments(ctx, w.target, "success", enough) },
		func() { w.running, errs[1] = j.deployments(ctx, w.target, "running", 20) },
		func() { created, errs[2] = j.deployments(ctx, w.target, "created", 50) },
		func() { blocked, errs[3] = j.deployments(ctx, w.target, "blocked", 20) },
		func() { errs[4] = j.ask(ctx, inProject(w.target.Project, ""), &w.project) })
	w.waiting = slices.Concat(created, blocked)
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// wanted returns the candidate that is meant; without a key the newest other one that
// was deployed before the running one.
func wanted(all []candidate, to model.Version) *candidate {
	seen := false
	for n := range all {
		x := &all[n]
		if x.Key == to.Key || to.IsZero() && seen && x.Refused == "" {
			return x
		}
		seen = seen || x.Current
	}
	return nil
}

// run says by which job a version is gone back to, and why by that one.
type run struct {
	action string // play or retry
	job    *job
	why    string
	guard  guard
}

// guard says what GitLab's guard against outdated deployments does to a run. The zero
// value is unknown.
type guard int

const (
	guardUnknown guard = iota
	guardOff           // it lets it through
	guardMaybe         // it refuses it, if the job deploys to the environment
	guardRefuses
)

// choose decides between the manual job of the version's pipeline and the job that
// deployed it. GitLab's own button Rollback is the retry of the latter.
//
// The guard (ci_forward_deployment_enabled) refuses a job that deploys to the
// environment, when a newer deployment was successful: one that was never run, and,
// unless retries are let through (ci_forward_deployment_rollback_allowed), any.
func (w *world) choose(d *deployment) (run, error) {
	deploy := named(w.jobs, d.Job.Name)
	if deploy == nil {
		deploy = d.Job // jobs of a parent or a removed pipeline are not listed
	}
	again := run{action: "retry", job: deploy, guard: w.guardOf(deploy, true), why: "the job that deployed it is run again, as GitLab's own Rollback does"}
	name := w.target.Job
	if name == "" || name == deploy.Name {
		return again, nil
	}
	manual := named(w.jobs, name)
	switch {
	case manual == nil:
		again.why = fmt.Sprintf("its pipeline has no job %s: %s", text.Line(name), again.why)
		return again, nil
	case manual.Status == "manual" || manual.Status == "scheduled":
		out := run{action: "play", job: manual, guard: w.guardOf(manual, false), why: "the manual job of its pipeline is started, as configured"}
		if out.guard == guardRefuses && again.guard != guardRefuses {
			again.why = fmt.Sprintf("the guard against outdated deployments refuses the manual job %s, which was never run: %s", text.Line(name), again.why)
			return again, nil
		}
		return out, nil
	case manual.over() && manual.Status != "skipped":
		return run{action: "retry", job: manual, guard: w.guardOf(manual, true), why: "the manual job of its pipeline was run before, and is run again"}, nil
	}
	return run{}, model.Told(nil, nil, "the job %s of pipeline %d is %s: look at it in GitLab: %s", text.Line(name), d.Job.Pipeline.ID, text.Line(manual.Status), text.Line(manual.WebURL))
}

// guardOf says what the guard makes of a job, of which again says whether it has run.
func (w *world) guardOf(x *job, again bool) guard {
	p := &w.project
	switch {
	case p.Guard == nil:
		return guardUnknown
	case !*p.Guard, len(w.done) == 0, w.done[0].Job != nil && w.done[0].Job.Pipeline.ID == x.Pipeline.ID:
		return guardOff // or nothing newer was deployed
	case again && p.GuardRollback != nil && *p.GuardRollback:
		return guardOff
	case again && p.GuardRollback == nil:
		return guardMaybe
	}
	for _, d := range slices.Concat(w.done, w.waiting) {
		if d.Job != nil && (d.Job.ID == x.ID || again && d.Job.Name == x.Name) {
			return guardRefuses
		}
	}
	return guardMaybe
}

func (j Job) makePlan(c *model.Component, w *world, x *candidate, r run) (model.Plan, error) {
	t, d := w.target, x.last
	want := detail{Project: t.Project, Environment: t.Environment, Action: r.action, Job: r.job.ID, Name: r.job.Name, Status: r.job.Status,
		Pipeline: d.Job.Pipeline.ID, SHA: d.SHA, Tag: d.tag(), Last: newestOf(w.done, w.running), Template: c.TemplateHash,
		There: d.bears(c.Images), Took: time.Duration(r.job.Duration * float64(time.Second)), Before: c.Progressing.Updated}
	for n := range w.done {
		want.Named = want.Named || w.done[n].bears(c.Images)
	}
	raw, err := json.Marshal(want)
	if err != nil {
		return model.Plan{}, err
	}
	verb := map[string]string{"play": "Start", "retry": "Run again"}[r.action]
	name := text.Line(r.job.Name)
	p := model.Plan{Method: MethodJob, Role: model.RoleRelease, Component: c.ID, Workload: c.Workload, From: c.Running(), To: x.Version, Changes: x.Changes,
		Title: fmt.Sprintf("%s the job %s of %s (%s) to go back in %s of %s", verb, name, x.Label, x.Name(), text.Line(t.Environment), text.Line(t.Project)),
		Stays: []string{
			fmt.Sprintf("what the other jobs of pipeline %d do, such as a build or a migration: only %s is run", want.Pipeline, name),
			"variables of the project are those of today",
		},
		Command: fmt.Sprintf(`curl --request POST --header "PRIVATE-TOKEN: $GITLAB_TOKEN" %s`, j.gitlab.URL(want.path())), Detail: raw}
	of := want
	of.Before = time.Time{} // moves with each pod that gets ready
	p.ID = model.Digest(p.Method, p.Component, p.Workload, of)
	return p, nil
}

func (d *detail) path() string {
	return inProject(d.Project, "/jobs/"+number(d.Job)+"/"+d.Action)
}

func newestOf(lists ...[]deployment) (id int64) {
	for _, all := range lists {
		for n := range all {
			id = max(id, all[n].ID)
		}
	}
	return id
}
