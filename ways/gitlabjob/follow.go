package gitlabjob

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"rollbook/model"
	"rollbook/text"
	"rollbook/ways"
)

// Follow tells how far the job is, with the end of its log, until it is at its end.
// Where GitLab runs a failed job again by itself it goes on with that run.
func (j Job) Follow(ctx context.Context, p model.Plan, r model.Receipt, out func(model.Progress)) error {
	want, err := ways.Detail[detail](p.Detail)
	if err != nil {
		return err
	}
	id, err := j.started(ctx, &want, r)
	if err != nil {
		return err
	}
	log := &trace{job: id}
	for {
		x, err := j.job(ctx, want.Project, id)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			out(model.Progress{Text: fmt.Sprintf("how far job %d is cannot be seen: %s", id, because(err)), Lines: log.lines()})
		default:
			if x.Status == "failed" {
				next, err := j.newer(ctx, &want, id)
				if ctx.Err() != nil {
					return ctx.Err()
				}
				if err != nil {
					out(model.Progress{Text: fmt.Sprintf("job %d failed, and whether GitLab runs it again cannot be seen: %s", id, because(err)), Lines: log.lines()})
					break
				}
				if next != 0 {
					id, log = next, &trace{job: next}
					continue
				}
			}
			j.readLog(ctx, &want, log, x.over())
			if ctx.Err() != nil {
				return ctx.Err()
			}
			out(j.progress(&want, x, log))
			if x.over() {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(j.Every):
		}
	}
}

// started returns the job that a write has started: by its receipt, or, where its
// answer was lost, the newest run.
func (j Job) started(ctx context.Context, want *detail, r model.Receipt) (int64, error) {
	if len(r.Detail) > 0 {
		got, err := ways.Detail[ran](r.Detail)
		return got.Job, err
	}
	found, err := j.again(ctx, want)
	switch {
	case err != nil:
		return 0, model.Told(nil, err, "the run of the job %s cannot be found: %s", text.Line(want.Name), because(err))
	case !found.begun(want):
		return 0, model.Told(nil, nil, "the job %s was not started yet, as far as GitLab shows", text.Line(want.Name))
	}
	return found.newest.ID, nil
}

// newer returns the run that took the place of one that failed; 0 = none did.
func (j Job) newer(ctx context.Context, want *detail, id int64) (int64, error) {
	jobs, err := j.jobs(ctx, want.Project, want.Pipeline)
	if x := named(jobs, want.Name); err == nil && x != nil && x.ID > id {
		return x.ID, nil
	}
	return 0, err
}

// reasons puts into words what GitLab calls the reasons for which a job failed.
var reasons = map[string]string{
	"script_failure":                  "its script failed",
	"stuck_or_timeout_failure":        "it stood still for too long",
	"job_execution_timeout":           "it took longer than it may",
	"runner_system_failure":           "its runner failed",
	"missing_dependency_failure":      "what other jobs had left for it is gone: their artifacts have expired",
	"forward_deployment_failure":      "the guard against outdated deployments refused it",
	"failed_outdated_deployment_job":  "the guard against outdated deployments refused it",
	"archived_failure":                "it is archived",
	"protected_environment_failure":   "the environment is protected, and lets the token's user not deploy",
	"insufficient_bridge_permissions": "the token's user may not start what it triggers",
	"deployment_rejected":             "its approval was refused",
}

func (j Job) progress(want *detail, x *job, log *trace) model.Progress {
	p := model.Progress{Phase: model.PhaseRunning, Lines: log.lines()}
	name := fmt.Sprintf("job %d (%s)", x.ID, text.Line(x.Name))
	switch x.Status {
	case "success":
		p.Phase, p.Share, p.Text = model.PhaseFinished, 1, name+" succeeded"
	case "failed":
		why := text.Line(x.Reason)
		p.Phase, p.Left = model.PhaseFailed, true
		p.Text = fmt.Sprintf("%s failed: %s; what it had done until then stays", name, cmp.Or(reasons[x.Reason], why, "GitLab says no reason"))
	case "canceled":
		p.Phase, p.Left, p.Text = model.PhaseFailed, true, name+" was cancelled; what it had done until then stays"
	case "skipped":
		p.Phase, p.Left, p.Text = model.PhaseFailed, true, name+" was skipped by GitLab: nothing was deployed"
	case "canceling":
		p.Text = name + " is being cancelled"
	case "running":
		runs := j.Now().Sub(x.began())
		p.Text, p.Share = fmt.Sprintf("%s runs for %s", name, model.Short(runs)), 0.1
		if want.Took > 0 {
			p.Text += fmt.Sprintf("; it took %s last time", model.Short(want.Took))
			p.Share = min(0.9, max(0.1, float64(runs)/float64(want.Took)))
		}
	case "manual", "blocked":
		p.Text = name + " waits for an approval or to be started in GitLab"
	case "pending":
		p.Text = name + " waits for a runner"
	case "waiting_for_resource":
		p.Text = name + " waits for another deployment to end"
	default:
		p.Text = fmt.Sprintf("%s is %s", name, text.Line(x.Status))
	}
	if p.Phase == model.PhaseRunning && x.Status != "canceling" {
		p.Aid = aidFor(x)
	}
	return p
}

// Judge tells, after the job has succeeded, whether the workload is there too.
func (j Job) Judge(c *model.Component, p *model.Plan, _ *model.Receipt) model.Progress {
	want, err := ways.Detail[detail](p.Detail)
	there := err == nil && c != nil && model.BearsVersion(c.Images, want.SHA, want.Tag)
	switch {
	case err != nil:
		return model.Progress{Text: err.Error()}
	case c != nil && c.Missing == model.NotFound:
		return model.Progress{Phase: model.PhaseReverted, Text: p.Workload.String() + " was deleted"}
	case c == nil || c.Missing != "":
		return model.Progress{Text: "the workload cannot be seen"}
	case c.Generation > c.Observed:
		return model.Progress{Phase: model.PhaseRunning, Text: "waiting for the controller to see what the job changed"}
	case !there && c.TemplateHash == want.Template:
		return model.Progress{Phase: model.PhaseRunning, Text: fmt.Sprintf("the job has ended, and %s still runs the template from before it", c.ID)}
	case !there && want.Named:
		return model.Progress{Phase: model.PhaseReverted, By: c.RevisionBy, Text: fmt.Sprintf(
			"another version than %s runs: %s put another template in place", p.To.Name(), cmp.Or(c.RevisionBy, "somebody else"))}
	}
	return j.Rollout(c, c.OwnerName, want.Before)
}

// readLog reads on in the job's log. A log that cannot be read is no failure of the
// job: its lines say why.
func (j Job) readLog(ctx context.Context, want *detail, log *trace, end bool) {
	path := inProject(want.Project, "/jobs/"+number(log.job)+"/trace")
	status, header, answer, err := j.gitlab.Do(ctx, http.MethodGet, path, http.Header{"Accept": {"text/plain"}, "Range": {fmt.Sprintf("bytes=%d-", log.read)}}, nil)
	switch {
	case err != nil:
		if s := (*model.SendError)(nil); errors.As(err, &s) {
			log.trouble = "the log cannot be read: " + because(err)
		}
		return
	case status == http.StatusPartialContent:
		log.part(header.Get("Content-Range"), answer)
	case status == http.StatusOK:
		log.whole(answer)
	case status == http.StatusRequestedRangeNotSatisfiable, status == http.StatusNotFound: // nothing new, or nothing yet
	default:
		log.trouble = "the log cannot be read: " + because(j.refused(status, header, answer))
		return
	}
	log.trouble = ""
	if end {
		log.end()
	}
}
