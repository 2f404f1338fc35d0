package gitlabjob

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"rollbook/model"
	"rollbook/text"
	"rollbook/ways"
)

// now holds what is read again before the write, and to look whether there was one.
type now struct {
	newest *job        // run of the plan's job
	other  *deployment // the newest to the environment since the plan, that is not the plan's; nil = none
}

// again reads what a plan rests on.
func (j Job) again(ctx context.Context, want *detail) (now, error) {
	t := Target{Project: want.Project, Environment: want.Environment}
	var done, running []deployment
	var jobs []job
	errs := make([]error, 3)
	ways.Several(
		func() { done, errs[0] = j.deployments(ctx, t, "success", 1) },
		func() { running, errs[1] = j.deployments(ctx, t, "running", 1) },
		func() { jobs, errs[2] = j.jobs(ctx, want.Project, want.Pipeline) })
	if err := errors.Join(errs...); err != nil {
		return now{}, err
	}
	out := now{newest: named(jobs, want.Name)}
	if out.newest == nil {
		var err error
		if out.newest, err = j.job(ctx, want.Project, want.Job); err != nil {
			return now{}, err
		}
	}
	for _, all := range [][]deployment{running, done} {
		for n := range all {
			d := &all[n]
			ours := d.Job != nil && d.Job.Name == want.Name && d.Job.Pipeline.ID == want.Pipeline
			if d.ID > want.Last && !ours && (out.other == nil || d.ID > out.other.ID) {
				out.other = d
			}
		}
	}
	return out, nil
}

// begun reports whether the job was started since the plan was made.
func (n *now) begun(want *detail) bool {
	return n.newest.ID != want.Job || n.newest.Status != want.Status
}

func (n *now) by() string { return fmt.Sprintf("%s at %s", n.newest.User, clock(n.newest.began())) }

func (d *deployment) by() string { return fmt.Sprintf("%s at %s", d.User, clock(d.CreatedAt)) }

// Do starts the job, if that and the environment are still what the plan was made of.
// GitLab has no precondition for it: between the look and the start lie some
// milliseconds. It is started once; again only after GitLab said that it takes no more
// requests now, as it asks.
func (j Job) Do(ctx context.Context, plan model.Plan, tell func(model.Progress)) (model.Receipt, error) {
	want, err := ways.Detail[detail](plan.Detail)
	if err != nil {
		return model.Receipt{}, err
	}
	not := fmt.Sprintf("the job %s of pipeline %d was not started", text.Line(want.Name), want.Pipeline)
	if j.ReadOnly {
		return model.Receipt{}, model.Told(model.ErrReadOnly, nil, "%s: rollbook runs read-only", not)
	}
	found, err := j.again(ctx, &want)
	switch {
	case err != nil:
		return model.Receipt{}, model.Told(model.ErrRefused, err, "%s: what it rests on could not be read again before that: %s", not, because(err))
	case found.begun(&want) && found.newest.ID == want.Job:
		return model.Receipt{}, model.Told(model.ErrChanged, nil, "%s: it is %s now, and was %s when this was confirmed", not, text.Line(found.newest.Status), text.Line(want.Status))
	case found.begun(&want):
		return model.Receipt{}, model.Told(model.ErrChanged, nil, "%s: since it was confirmed it was run by %s", not, found.by())
	case found.other != nil:
		return model.Receipt{}, model.Told(model.ErrChanged, nil, "%s: since it was confirmed %s was deployed to %s by %s", not, found.other.version(), text.Line(want.Environment), found.other.by())
	}
	started, err := j.order(ctx, want.path(), tell)
	if err == nil && !want.answers(&started) {
		return model.Receipt{}, model.Told(model.ErrLost, nil, "the start of the job %s was answered by something that is not that job: it may or may not have been started", text.Line(want.Name))
	}
	if err != nil {
		what := fmt.Sprintf("the start of the job %s", text.Line(want.Name))
		err = refusedOrLost(err, not, what, "started")
		if overtaken(err) {
			if found, lookErr := j.again(ctx, &want); lookErr == nil && found.begun(&want) {
				return model.Receipt{}, model.Told(model.ErrLost, nil, "%s was refused, and the job was started all the same, by %s: by somebody else, or by this request, which something on the way sent twice: %s", what, found.by(), err)
			}
		}
		return model.Receipt{}, err
	}
	raw, err := json.Marshal(ran{started.ID})
	return model.Receipt{At: j.Now(), Text: fmt.Sprintf("job %d of pipeline %d", started.ID, want.Pipeline), URL: text.Line(started.WebURL), Detail: raw}, err
}

// answers reports whether a job is the one that was asked to be started: the same one,
// or a newer run of it.
func (d *detail) answers(x *job) bool {
	return x.Name == d.Name && x.Pipeline.ID == d.Pipeline && (x.ID > d.Job || x.ID == d.Job && d.Action == "play")
}

// overtaken reports whether a refusal is one that GitLab also gives for a job that was
// started a moment before.
func overtaken(err error) bool {
	var r *refusal
	return errors.Is(err, model.ErrRefused) && errors.As(err, &r) &&
		slices.Contains([]int{http.StatusBadRequest, http.StatusForbidden, http.StatusConflict}, r.status)
}

// refusedOrLost says what is known of a POST that had no good answer.
func refusedOrLost(err error, not, what, done string) error {
	var r *refusal
	var s *model.SendError
	switch {
	case errors.As(err, &s) && s.Certain:
		return model.Told(model.ErrRefused, err, "%s, the request never left: %s", not, because(err))
	case errors.As(err, &s):
		return model.Told(model.ErrLost, err, "%s had no answer: %s: it may or may not have been %s", what, because(err), done)
	case !errors.As(err, &r):
		return model.Told(model.ErrLost, err, "%s: %s: it may or may not have been %s", what, err, done)
	case r.status/100 == 3:
		return model.Told(model.ErrLost, err, "%s was answered with a redirect: %s: it may or may not have been %s", what, r.text, done)
	case r.status == http.StatusRequestTimeout:
		return model.Told(model.ErrLost, err, "%s took longer than the server waits: %s: it may or may not have been %s", what, r.text, done)
	case r.status >= 500:
		return model.Told(model.ErrLost, err, "%s ended in an error of the server: %s: it may or may not have been %s", what, r.text, done)
	}
	why := r.text
	switch r.status {
	case http.StatusForbidden:
		why += "; the token needs the scope api, its user the right to deploy, and the job must not have been run again, be archived or be held back by the guard against outdated deployments"
	case http.StatusBadRequest:
		why += "; it is not a job that can be started by hand now"
	case http.StatusConflict:
		why += "; somebody else or GitLab itself changes the job at this moment: look at it in GitLab, then confirm again"
	}
	return model.Told(model.ErrRefused, err, "%s: %s", not, why)
}

// Look tells whether the job was started: by its newest run.
func (j Job) Look(ctx context.Context, plan model.Plan) (model.Looked, error) {
	want, err := ways.Detail[detail](plan.Detail)
	if err != nil {
		return model.Looked{}, err
	}
	found, err := j.again(ctx, &want)
	switch {
	case err != nil:
		return model.Looked{}, model.Told(nil, err, "whether the job %s was started cannot be seen: %s", text.Line(want.Name), because(err))
	case !found.begun(&want) && found.other != nil:
		return model.Looked{State: model.SettledForeign, By: found.other.by()}, nil
	case !found.begun(&want):
		return model.Looked{State: model.SettledNot}, nil
	}
	raw, err := json.Marshal(ran{found.newest.ID})
	if err != nil {
		return model.Looked{}, err
	}
	out := model.Looked{State: model.SettledDone, Receipt: &model.Receipt{At: found.newest.began(),
		Text: fmt.Sprintf("job %d of pipeline %d", found.newest.ID, want.Pipeline), URL: text.Line(found.newest.WebURL), Detail: raw}}
	var t token
	if err := j.ask(ctx, "/personal_access_tokens/self", &t); err == nil && t.User != 0 && found.newest.User.ID != 0 && found.newest.User.ID != t.User {
		out.By = found.by()
	}
	return out, nil
}
