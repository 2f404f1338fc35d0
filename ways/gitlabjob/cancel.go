package gitlabjob

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"rollbook/model"
	"rollbook/text"
	"rollbook/ways"
)

// MethodCancel cancels the job of a way back that is under way.
const MethodCancel model.Method = "gitlab cancel"

// Cancel stops a job that should not go on.
type Cancel struct{ j Job }

// NewCancel returns what cancels the jobs that a Job has started.
func NewCancel(j Job) Cancel { return Cancel{j} }

// Name returns MethodCancel.
func (Cancel) Name() model.Method { return MethodCancel }

// withoutJob returns the version that a component is brought to by cancelling a job.
func withoutJob(id int64) model.Version {
	return model.Version{Key: number(id), Label: fmt.Sprintf("job %d cancelled", id), Short: fmt.Sprintf("job %d", id)}
}

// aidFor offers to cancel a job.
func aidFor(x *job) *model.Aid {
	return &model.Aid{Method: MethodCancel, To: withoutJob(x.ID), Name: "cancel job", Offer: true, Text: fmt.Sprintf("cancel job %d (%s)", x.ID, text.Line(x.Name))}
}

// Versions lists nothing: what can be cancelled is offered by the job's progress.
func (Cancel) Versions(_ context.Context, c *model.Component, _ time.Time) (*model.History, error) {
	return &model.History{Component: c.ID, Method: MethodCancel}, nil
}

// cancelDetail keeps in a plan for cancelling what it rests on.
type cancelDetail struct {
	Project string `json:"project"`
	Job     int64  `json:"job"`
	Name    string `json:"name"`
}

func (d *cancelDetail) path() string { return inProject(d.Project, "/jobs/"+number(d.Job)+"/cancel") }

// Plan makes the plan for cancelling the job and checks it.
func (k Cancel) Plan(ctx context.Context, c *model.Component, to model.Version, out func(model.Preflight)) {
	pf := model.Preflight{Slot: model.Slot{Component: c.ID, Role: model.RoleAid}, To: to.Key, Started: k.j.Now(), Done: true}
	defer func() { out(pf) }()
	w := world{}
	var x *job
	id, err := strconv.ParseInt(to.Key, 10, 64)
	if err == nil {
		w.target, err = k.j.target(c.ID)
	}
	if err != nil {
		pf.Err = err.Error()
		return
	}
	if x, err = k.j.job(ctx, w.target.Project, id); err == nil {
		err = k.j.ask(ctx, inProject(w.target.Project, ""), &w.project)
	}
	if err != nil {
		pf.Err = fmt.Sprintf("job %d cannot be seen: %s", id, because(err))
		return
	}
	want := cancelDetail{w.target.Project, x.ID, x.Name}
	raw, err := json.Marshal(want)
	if err != nil {
		pf.Err = err.Error()
		return
	}
	name := text.Line(x.Name)
	p := model.Plan{Method: MethodCancel, Role: model.RoleAid, Component: c.ID, Workload: c.Workload, To: withoutJob(x.ID),
		Title:   fmt.Sprintf("Cancel job %d (%s) of pipeline %d", x.ID, name, x.Pipeline.ID),
		Stays:   []string{"what the job has done until then"},
		Command: fmt.Sprintf(`curl --request POST --header "PRIVATE-TOKEN: $GITLAB_TOKEN" %s`, k.j.gitlab.URL(want.path())), Detail: raw}
	p.ID = model.Digest(p.Method, p.Component, want)
	pf.Plans = []model.Plan{p}
	state := ways.Line("job.state", model.CheckOK, "", "job %d (%s) is %s", x.ID, name, text.Line(x.Status))
	if x.over() {
		state = ways.Hard(ways.Line("job.state", 0, "look at the rollout again", "job %d (%s) is at its end already: %s", x.ID, name, text.Line(x.Status)))
	}
	checks, _ := k.j.userRights(ctx, &w)
	pf.Checks = append(checks, state)
}

// Do cancels the job, if it is not at its end.
func (k Cancel) Do(ctx context.Context, plan model.Plan, tell func(model.Progress)) (model.Receipt, error) {
	want, err := ways.Detail[cancelDetail](plan.Detail)
	if err != nil {
		return model.Receipt{}, err
	}
	not := fmt.Sprintf("job %d was not cancelled", want.Job)
	if k.j.ReadOnly {
		return model.Receipt{}, model.Told(model.ErrReadOnly, nil, "%s: rollbook runs read-only", not)
	}
	x, err := k.j.job(ctx, want.Project, want.Job)
	switch {
	case err != nil:
		return model.Receipt{}, model.Told(model.ErrRefused, err, "%s: it could not be read again before that: %s", not, because(err))
	case x.over() || x.Status == "canceling":
		return model.Receipt{}, model.Told(model.ErrChanged, nil, "%s: it is %s now", not, text.Line(x.Status))
	}
	got, err := k.j.order(ctx, want.path(), tell)
	if err == nil && got.ID != want.Job {
		return model.Receipt{}, model.Told(model.ErrLost, nil, "the cancelling of job %d was answered by something that is not that job: it may or may not have been cancelled", want.Job)
	}
	if err != nil {
		return model.Receipt{}, refusedOrLost(err, not, fmt.Sprintf("the cancelling of job %d", want.Job), "cancelled")
	}
	return model.Receipt{At: k.j.Now(), Text: fmt.Sprintf("job %d is %s", got.ID, text.Line(got.Status)), URL: text.Line(got.WebURL)}, nil
}

// Look tells whether the job was cancelled.
func (k Cancel) Look(ctx context.Context, plan model.Plan) (model.Looked, error) {
	want, err := ways.Detail[cancelDetail](plan.Detail)
	if err != nil {
		return model.Looked{}, err
	}
	x, err := k.j.job(ctx, want.Project, want.Job)
	switch {
	case err != nil:
		return model.Looked{}, model.Told(nil, err, "whether job %d was cancelled cannot be seen: %s", want.Job, because(err))
	case x.Status == "canceled" || x.Status == "canceling":
		return model.Looked{State: model.SettledDone}, nil
	case x.over():
		return model.Looked{State: model.SettledForeign, By: fmt.Sprintf("the job itself, which came to its end first: %s", text.Line(x.Status))}, nil
	}
	return model.Looked{State: model.SettledNot}, nil
}

// Follow tells when the job is at its end.
func (k Cancel) Follow(ctx context.Context, p model.Plan, _ model.Receipt, out func(model.Progress)) error {
	want, err := ways.Detail[cancelDetail](p.Detail)
	if err != nil {
		return err
	}
	for {
		x, err := k.j.job(ctx, want.Project, want.Job)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			out(model.Progress{Text: fmt.Sprintf("whether job %d has ended cannot be seen: %s", want.Job, because(err))})
		case x.Status == "canceled":
			out(model.Progress{Phase: model.PhaseFinished, Share: 1, Text: fmt.Sprintf("job %d is cancelled", x.ID)})
			return nil
		case x.over():
			out(model.Progress{Phase: model.PhaseFailed, Text: fmt.Sprintf("job %d was not cancelled: it came to its end first: %s", x.ID, text.Line(x.Status))})
			return nil
		default:
			out(model.Progress{Phase: model.PhaseRunning, Text: fmt.Sprintf("job %d is %s", x.ID, text.Line(x.Status))})
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(k.j.Every):
		}
	}
}
