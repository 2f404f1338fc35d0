package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"rollbook/model"
)

// fakeUndo brings a component of a fakeCluster back to an earlier template. What
// the API server answers is what the test has prepared in the cluster.
type fakeUndo struct{ c *fakeCluster }

const undoName model.Method = "undo"

// undoDetail is what a plan of the undo keeps for itself.
type undoDetail struct {
	FromHash, ToHash string
	Before           time.Time `json:",omitzero"` // of the Progressing condition
}

// undoReceipt is what its answer keeps.
type undoReceipt struct {
	Generation   int64
	TemplateHash string `json:",omitempty"` // as the server stored it; "" = as planned
}

func (u fakeUndo) Name() model.Method { return undoName }

func (u fakeUndo) Title() string { return "Kubernetes undo" }

func (u fakeUndo) Serves(string) bool { return true }

func (u fakeUndo) Near() {}

func (u fakeUndo) Versions(_ context.Context, c *model.Component, _ time.Time) (*model.History, error) {
	return undoHistory(c), nil
}

func (u fakeUndo) Plan(_ context.Context, c *model.Component, to model.Version, out func(model.Preflight)) {
	p := undoPlan(c, to)
	out(model.Preflight{Plans: []model.Plan{p}})
	out(model.Preflight{Plans: []model.Plan{p}, Done: true, Checks: []model.Check{{ID: "access.patch", State: model.CheckOK}}})
}

func (u fakeUndo) Do(ctx context.Context, p model.Plan, _ func(model.Progress)) (model.Receipt, error) {
	u.c.called("undo")
	if u.c.undo == nil {
		u.c.t.Error("a write that the test did not expect")
		return model.Receipt{}, errors.New("not expected")
	}
	return u.c.undo(ctx, p)
}

func (u fakeUndo) Look(context.Context, model.Plan) (model.Looked, error) {
	u.c.called("look")
	if u.c.look == nil {
		u.c.t.Error("a look that the test did not expect")
		return model.Looked{}, errors.New("not expected")
	}
	return u.c.look()
}

func (u fakeUndo) Judge(c *model.Component, p *model.Plan, r *model.Receipt) model.Progress {
	return judgeUndo(c, p, r)
}

// undoHistory lists the ReplicaSets rs-42, rs-41 and rs-40, of which one runs.
func undoHistory(c *model.Component) *model.History {
	h := &model.History{Component: c.ID, Method: undoName, At: time.Now()}
	for n := int64(42); n >= 40; n-- {
		one := model.Candidate{Version: model.Revision(fmt.Sprintf("rs-%d", n), n)}
		if one.Owner = one.Key; one.Key == c.OwnerName {
			one.Version, one.Current = c.Running(), true
		}
		h.Candidates = append(h.Candidates, one)
	}
	return h
}

// undoPlan returns the plan for going from what runs to the template of a
// ReplicaSet.
func undoPlan(c *model.Component, to model.Version) model.Plan {
	d := undoDetail{FromHash: c.TemplateHash, ToHash: templateOf(to), Before: c.Progressing.Updated}
	return model.Plan{ID: fmt.Sprintf("plan-%s-%s", to.Key, d.FromHash), Method: undoName, Role: model.RoleRelease,
		Component: c.ID, Workload: c.Workload, From: c.Running(), To: to, Same: d.FromHash == d.ToHash,
		Title: fmt.Sprintf("Roll back %s from %s to %s", c.ID, c.Running(), to), Detail: raw(d)}
}

// templateOf returns the hash of a ReplicaSet's template.
func templateOf(v model.Version) string { return "hash-" + strings.TrimPrefix(v.Key, "rs-") }

// written lets the undo succeed: the cluster shows the template at once, as
// revision 43.
func written(c *fakeCluster) func(context.Context, model.Plan) (model.Receipt, error) {
	return func(_ context.Context, p model.Plan) (model.Receipt, error) {
		c.show(func(l *model.Component) {
			l.Generation, l.Observed, l.TemplateHash, l.Revision, l.OwnerName = 8, 8, parsed[undoDetail](p.Detail).ToHash, 43, p.To.Key
		})
		return model.Receipt{At: time.Now(), Text: "resourceVersion 9, generation 8", Detail: raw(undoReceipt{Generation: 8})}, nil
	}
}

// judgeUndo judges a rollout as kubectl rollout status does, by the counts of pods
// and by the template.
func judgeUndo(c *model.Component, p *model.Plan, r *model.Receipt) model.Progress {
	want := parsed[undoDetail](p.Detail)
	var got undoReceipt
	if len(r.Detail) > 0 { // none after a write that was settled by looking
		got = parsed[undoReceipt](r.Detail)
	}
	if got.TemplateHash == "" {
		got.TemplateHash = want.ToHash
	}
	running := func(format string, args ...any) model.Progress {
		return model.Progress{Phase: model.PhaseRunning, Text: fmt.Sprintf(format, args...)}
	}
	switch {
	case c == nil || c.Missing != "":
		return model.Progress{Text: "the workload cannot be seen"}
	case c.Generation < got.Generation:
		return model.Progress{Text: "waiting for the cluster to show the patch"}
	case c.TemplateHash != "" && c.TemplateHash != got.TemplateHash:
		return model.Progress{Phase: model.PhaseReverted, By: c.RevisionBy, Text: fmt.Sprintf("another template is in place: revision %d runs now", c.Revision)}
	case c.Generation > c.Observed:
		return running("waiting for the controller to see the patch")
	}
	leftover := !want.Before.IsZero() && c.Progressing.Updated.Equal(want.Before)
	switch {
	case c.Progressing.Reason == "ProgressDeadlineExceeded" && !leftover:
		return model.Progress{Phase: model.PhaseFailed, Text: "the rollout exceeded its progress deadline"}
	case c.Updated < c.Desired:
		return running("%d of %d new pods are there", c.Updated, c.Desired)
	case c.Replicas > c.Updated:
		return running("%d old pods still have to end", c.Replicas-c.Updated)
	case c.Available < c.Updated:
		return running("%d of %d new pods are available", c.Available, c.Updated)
	}
	return model.Progress{Phase: model.PhaseFinished, Text: "rolled out", Share: 1}
}

// raw encodes what a method keeps for itself.
func raw(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// parsed decodes it again.
func parsed[T any](b json.RawMessage) (v T) {
	if err := json.Unmarshal(b, &v); err != nil {
		panic(err)
	}
	return v
}
