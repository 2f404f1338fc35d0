package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"rollbook/model"
)

// fakeJob is a way back whose progress stands in a job's log and not on the board.
// A call that the test did not prepare fails it.
type fakeJob struct {
	c      *fakeCluster
	do     func(tell func(model.Progress)) (model.Receipt, error)
	follow func(ctx context.Context, p model.Plan, r model.Receipt, out func(model.Progress)) error
}

const jobName model.Method = "job"

// pipeline is what the job goes back to by default.
var pipeline = model.Version{Key: "1040", Label: "pipeline 1040", Short: "#1040"}

func (j *fakeJob) Name() model.Method { return jobName }

func (j *fakeJob) Title() string { return "deploy job" }

func (j *fakeJob) Serves(string) bool { return true }

func (j *fakeJob) Versions(_ context.Context, c *model.Component, _ time.Time) (*model.History, error) {
	return &model.History{Component: c.ID, Method: jobName, Candidates: []model.Candidate{
		{Version: model.Version{Key: "1042", Label: "pipeline 1042", Short: "#1042"}, Owner: "rs-42", Current: true},
		{Version: pipeline, Owner: "rs-40"}}}, nil
}

func (j *fakeJob) Plan(_ context.Context, c *model.Component, to model.Version, out func(model.Preflight)) {
	out(model.Preflight{Done: true, Plans: []model.Plan{{ID: "run-" + to.Key, Method: jobName, Role: model.RoleRelease, Component: c.ID,
		Workload: c.Workload, From: c.Running(), To: to, Title: "Run the job of " + to.Label, Detail: raw("deploy")}}})
}

func (j *fakeJob) Do(ctx context.Context, p model.Plan, tell func(model.Progress)) (model.Receipt, error) {
	j.c.called("do")
	if id := model.IncidentOf(ctx); !strings.HasPrefix(id, "INC-") {
		j.c.t.Errorf("a write of the incident %q", id)
	}
	if j.do == nil {
		j.c.t.Error("a write that the test did not expect")
		return model.Receipt{}, errors.New("not expected")
	}
	return j.do(tell)
}

func (j *fakeJob) Look(context.Context, model.Plan) (model.Looked, error) {
	j.c.t.Error("a look that the test did not expect")
	return model.Looked{}, errors.New("not expected")
}

func (j *fakeJob) Follow(ctx context.Context, p model.Plan, r model.Receipt, out func(model.Progress)) error {
	j.c.called("follow")
	if j.follow == nil {
		j.c.t.Error("followed, and the test did not expect it")
		return errors.New("not expected")
	}
	return j.follow(ctx, p, r, out)
}

// begun is a job's answer: it runs as number 77.
func begun(func(model.Progress)) (model.Receipt, error) {
	return model.Receipt{At: time.Now(), Text: "job 77", URL: "https://there/77", Detail: raw(77)}, nil
}

// endless is a job that goes on until nobody follows it any more.
func endless(ctx context.Context, _ model.Plan, _ model.Receipt, out func(model.Progress)) error {
	out(steps(12))
	<-ctx.Done()
	return ctx.Err()
}

// steps returns the progress of a job that has done n of its 40 steps.
func steps(n int) model.Progress {
	if n == 40 {
		return model.Progress{Phase: model.PhaseFinished, Text: "all steps are done", Share: 1}
	}
	return model.Progress{Phase: model.PhaseRunning, Text: fmt.Sprintf("%d of 40 steps are done", n), Share: float64(n) / 40, Lines: []string{"applying"}}
}
