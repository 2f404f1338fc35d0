package engine

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"rollbook/incident"
	"rollbook/model"
)

var theJob = incident.WriteID{N: 1, Plan: "run-1040"}

func startJob(t *testing.T, c *fakeCluster, m *fakeMetrics, j *fakeJob, dirs ...string) *run {
	j.c = c
	return startWith(t, c, m, func(cfg *Config) { cfg.Methods = []Method{j} }, dirs...)
}

// writeState returns the state of the only write.
func writeState(s *incident.Snapshot) incident.AttemptState {
	return s.Incident.Attempt().Writes[0].State
}

// told checks how far the job is shown to be.
func (r *run) told(want model.Progress) {
	r.t.Helper()
	got := r.Snapshot().ProgressOf(theJob)
	if got.Phase != want.Phase || got.Text != want.Text || got.Share != want.Share || len(got.Lines) != len(want.Lines) {
		r.t.Errorf("shown is %+v, want %+v", got, want)
	}
}

func TestProgressIsFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, m := newCluster(t), &fakeMetrics{ratio: 0.3}
		j := &fakeJob{do: begun, follow: func(ctx context.Context, p model.Plan, r model.Receipt, out func(model.Progress)) error {
			if p.ID != theJob.Plan || parsed[string](p.Detail) != "deploy" || parsed[int](r.Detail) != 77 || r.URL != "https://there/77" {
				t.Errorf("followed is %+v, %+v", p, r)
			}
			out(steps(12))
			time.Sleep(10 * time.Second)
			out(steps(30))
			time.Sleep(10 * time.Second)
			out(steps(40))
			return nil
		}}
		r := startJob(t, c, m, j, t.TempDir())
		s := r.confirm()
		if to := s.Incident.Attempt().Writes[0].Plan.To; to != pipeline {
			t.Errorf("went to %+v", to)
		}
		r.told(steps(12))
		if writeState(s) != incident.Rolling {
			t.Errorf("it runs, and is %q", writeState(s))
		}
		m.set(0.0002, nil)
		r.wait(10 * time.Second)
		r.told(steps(30))
		s = r.wait(10 * time.Second)
		r.told(steps(40))
		if writeState(s) != incident.Done || s.Incident.RolledOut.IsZero() {
			t.Fatalf("finished, and it is %q", writeState(s))
		}
		r.Send(incident.Next{})
		s = r.wait(150 * time.Second)
		if s.Incident.Verified.IsZero() {
			t.Errorf("not verified: %+v", incident.VerifyChecks(s))
		}
		if c.count("do") != 1 || c.count("follow") != 1 {
			t.Errorf("called were %q", c.calls)
		}
		r.end()
	})
}

func TestProgressIsFollowedAfterARestart(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c, m := newCluster(t), &fakeMetrics{ratio: 0.3}
		r := startJob(t, c, m, &fakeJob{do: begun, follow: endless}, dir)
		r.confirm()
		r.end() // following ends with it, or this never returns
		if c.count("follow") != 1 {
			t.Fatalf("called were %q", c.calls)
		}

		m.set(0.0002, nil)
		c = newCluster(t)
		r = startJob(t, c, m, &fakeJob{follow: func(ctx context.Context, p model.Plan, got model.Receipt, out func(model.Progress)) error {
			if p.ID != theJob.Plan || parsed[string](p.Detail) != "deploy" || parsed[int](got.Detail) != 77 || got.Text != "job 77" {
				t.Errorf("followed again is %+v, %+v", p, got)
			}
			out(steps(30))
			time.Sleep(10 * time.Second)
			out(steps(40))
			return nil
		}}, dir)
		s := r.wait(5 * time.Second)
		r.told(steps(30))
		if !s.Seen.Resumed || s.Incident.Step != incident.RollBack || writeState(s) != incident.Rolling {
			t.Errorf("resumed %v at %s: %q", s.Seen.Resumed, s.Incident.Step.Name(), writeState(s))
		}
		if s = r.wait(10 * time.Second); writeState(s) != incident.Done || c.count("follow") != 1 || c.count("do") != 0 {
			t.Errorf("finished, and it is %q; called were %q", writeState(s), c.calls)
		}
		r.Send(incident.Next{})
		r.wait(time.Second)
		r.end()

		// What was finished before this run is seen to be: else it could not be verified.
		c = newCluster(t)
		r = startJob(t, c, m, &fakeJob{follow: func(_ context.Context, _ model.Plan, _ model.Receipt, out func(model.Progress)) error {
			out(steps(40))
			return nil
		}}, dir)
		if s = r.wait(150 * time.Second); s.Incident.Verified.IsZero() {
			t.Errorf("not verified after another restart: %+v", incident.VerifyChecks(s))
		}
		r.told(steps(40))
		r.end()
	})
}

func TestFollowingThatEndsTooEarlyBeginsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, m := newCluster(t), &fakeMetrics{ratio: 0.3}
		var began []time.Time
		j := &fakeJob{do: begun, follow: func(_ context.Context, _ model.Plan, _ model.Receipt, out func(model.Progress)) error {
			began = append(began, time.Now())
			switch len(began) {
			case 1:
				return errors.New("the log cannot be read: connection refused")
			case 2:
				out(steps(12))
				return nil // the log ended, and the job did not
			case 3:
				out(steps(30))
				return errors.New("connection reset")
			}
			out(steps(40))
			return nil
		}}
		r := startJob(t, c, m, j, t.TempDir())
		s := r.toConfirm()
		r.Send(incident.ConfirmWrite{Word: "backend-python", Plans: plans(s)})
		r.wait(time.Second)
		r.told(model.Progress{Text: "the log cannot be read: connection refused"})
		r.wait(lookEvery)
		r.told(steps(12))
		s = r.wait(lookEvery)
		r.told(model.Progress{Text: "connection reset"})
		if writeState(s) != incident.Rolling {
			t.Errorf("nobody knows how far it is, and it is %q", writeState(s))
		}
		s = r.wait(lookEvery)
		r.told(steps(40))
		if writeState(s) != incident.Done || c.count("do") != 1 {
			t.Errorf("finished, and it is %q; called were %q", writeState(s), c.calls)
		}
		r.wait(time.Minute)
		for n := range began[1:] {
			if pause := began[n+1].Sub(began[n]); pause != lookEvery {
				t.Errorf("begun again after %s", pause)
			}
		}
		if len(began) != 4 {
			t.Errorf("begun %d times", len(began))
		}
		r.end()
	})
}

func TestProgressOfTheWriteItselfIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, m := newCluster(t), &fakeMetrics{ratio: 0.3}
		j := &fakeJob{follow: endless, do: func(tell func(model.Progress)) (model.Receipt, error) {
			tell(steps(3))
			time.Sleep(5 * time.Second)
			tell(steps(4))
			time.Sleep(5 * time.Second)
			return begun(tell)
		}}
		r := startJob(t, c, m, j, t.TempDir())
		s := r.confirm()
		r.told(steps(3))
		if writeState(s) != incident.Writing {
			t.Errorf("it is being written, and is %q", writeState(s))
		}
		r.wait(5 * time.Second)
		r.told(steps(4))
		if s = r.wait(5 * time.Second); writeState(s) != incident.Rolling {
			t.Errorf("written, and it is %q", writeState(s))
		}
		r.told(steps(12))
		r.end()
	})
}

func TestProgressIsJudgedByTheBoard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, m := newCluster(t), &fakeMetrics{ratio: 0.3}
		c.undo = func(context.Context, model.Plan) (model.Receipt, error) {
			return model.Receipt{At: time.Now(), Detail: raw(undoReceipt{Generation: 8})}, nil
		}
		r := start(t, c, m, t.TempDir())
		s := r.confirm()
		id := incident.WriteID{N: 1, Plan: s.Incident.Attempt().Writes[0].Plan.ID}
		for _, step := range []struct {
			text   string
			phase  model.Phase
			state  incident.AttemptState
			change func(*model.Component)
		}{
			{"waiting for the cluster to show the patch", model.PhaseUnknown, incident.Rolling, func(*model.Component) {}},
			{"waiting for the controller to see the patch", model.PhaseRunning, incident.Rolling, func(l *model.Component) {
				l.Generation, l.TemplateHash, l.OwnerName, l.Revision = 8, "hash-40", "rs-40", 43
			}},
			{"1 of 3 new pods are there", model.PhaseRunning, incident.Rolling, func(l *model.Component) { l.Observed, l.Updated = 8, 1 }},
			{"1 old pods still have to end", model.PhaseRunning, incident.Rolling, func(l *model.Component) { l.Updated, l.Replicas = 3, 4 }},
			{"2 of 3 new pods are available", model.PhaseRunning, incident.Rolling, func(l *model.Component) { l.Replicas, l.Available = 3, 2 }},
			{"rolled out", model.PhaseFinished, incident.Done, func(l *model.Component) { l.Available = 3 }},
		} {
			c.show(step.change)
			s = r.wait(time.Second)
			if p := s.Seen.Progress[id]; p.Phase != step.phase || p.Text != step.text || writeState(s) != step.state {
				t.Errorf("judged as %+v, and it is %q; want %q, %q: %s", p, writeState(s), step.state, step.phase, step.text)
			}
		}
		c.show(func(l *model.Component) {
			l.Generation, l.Observed, l.TemplateHash, l.Revision, l.RevisionBy = 9, 9, "hash-42", 44, "argocd-controller"
		})
		s = r.wait(time.Second)
		if w := s.Incident.Attempt().Writes[0]; w.State != incident.Reverted || w.Err != "reverted by argocd-controller" ||
			s.Incident.Asked != incident.AskReverted || s.Incident.AskText != "backend-python: another template is in place: revision 44 runs now" {
			t.Errorf("it is %q: %s; asked %q: %s", w.State, w.Err, s.Incident.Asked, s.Incident.AskText)
		}
		r.end()
	})
}

const notHere = `the method "job" is not configured here`

// A journal of a run that had another method: what was chosen with it is neither
// checked nor written, and the page says why.
func TestMethodThatIsNotConfiguredIsNotPlanned(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c, m := newCluster(t), &fakeMetrics{ratio: 0.3}
		r := startJob(t, c, m, &fakeJob{}, dir)
		r.toConfirm()
		r.end()

		c = newCluster(t) // without undo: a write would fail the test
		r = startWith(t, c, m, func(*Config) {}, dir)
		s := r.wait(5 * time.Second)
		if !s.Seen.Resumed || s.Incident.Step != incident.Confirm {
			t.Fatalf("resumed %v at %s", s.Seen.Resumed, s.Incident.Step.Name())
		}
		slot := model.Release("backend-python")
		if h := s.Seen.History[slot]; h == nil || h.Err != notHere || h.Method != jobName || len(h.Candidates) > 0 {
			t.Errorf("the history: %+v", h)
		}
		if p := s.Seen.Preflight[slot]; p == nil || !p.Done || p.Err != notHere || len(p.Plans) > 0 {
			t.Errorf("the preflight: %+v", p)
		}
		if why := s.Incident.Step.Blocked(s); !strings.Contains(why, notHere) {
			t.Errorf("blocked: %q", why)
		}
		r.Send(incident.ConfirmWrite{Word: "backend-python", Plans: []string{theJob.Plan}})
		if s = r.wait(2 * time.Second); len(s.Incident.Attempts) > 0 {
			t.Errorf("written: %+v", s.Incident.Attempts)
		}
		r.end()
	})
}

func TestMethodThatIsNotConfiguredDoesNotWrite(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c, m := newCluster(t), &fakeMetrics{ratio: 0.3}
		r := startJob(t, c, m, &fakeJob{}, dir)
		s := r.toConfirm()
		r.post(func() { r.cfg.Methods = nil })
		r.Send(incident.ConfirmWrite{Word: "backend-python", Plans: plans(s)})
		s = r.wait(2 * time.Second)
		if w := s.Incident.Attempt().Writes[0]; w.State != incident.Failed || w.Err != notHere || r.Writing() {
			t.Errorf("it is %q: %s; writing %v", w.State, w.Err, r.Writing())
		}
		if s.Incident.Step != incident.Confirm || s.Incident.Asked != incident.AskFailed || !strings.Contains(s.Incident.AskText, notHere) {
			t.Errorf("at %s, asked %q: %s", s.Incident.Step.Name(), s.Incident.Asked, s.Incident.AskText)
		}
		r.end()
		found, _ := journalsIn(dir)
		if inc := incident.Fold(found[0].Facts); inc.Attempt().Writes[0].State != incident.Failed {
			t.Errorf("the journal says %q", inc.Attempt().Writes[0].State)
		}
	})
}

// Whether it was written is neither claimed nor denied by one who cannot look.
func TestMethodThatIsNotConfiguredCannotLook(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c, m := newCluster(t), &fakeMetrics{ratio: 0.3}
		hang := make(chan struct{})
		r := startJob(t, c, m, &fakeJob{follow: endless, do: func(tell func(model.Progress)) (model.Receipt, error) {
			<-hang
			return begun(tell)
		}}, dir)
		r.confirm()
		left := onKill(t, dir)
		close(hang)
		r.end()

		r = startWith(t, newCluster(t), m, func(*Config) {}, left) // a look would fail the test
		s := r.wait(time.Minute)
		if !s.Seen.Resumed || s.Incident.Asked != incident.AskSettle || !strings.Contains(s.Incident.AskText, notHere) {
			t.Errorf("resumed %v, and asked %q: %s", s.Seen.Resumed, s.Incident.Asked, s.Incident.AskText)
		}
		if st := writeState(s); st != incident.Unsettled {
			t.Errorf("settled as %q", st)
		}
		r.Send(incident.Answered{With: incident.ReplyWait}) // no answer to this question
		if s = r.wait(time.Second); s.Incident.Asked != incident.AskSettle {
			t.Error("the question went away without an answer")
		}
		r.Send(incident.Answered{With: incident.ReplyNotWritten})
		if s = r.wait(time.Second); writeState(s) != incident.Failed || s.Incident.Asked != incident.AskFailed {
			t.Errorf("the operator looked, and it is %q", writeState(s))
		}
		r.end()
	})
}

func TestMethodThatIsNotConfiguredCannotBeFollowed(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c, m := newCluster(t), &fakeMetrics{ratio: 0.3}
		r := startJob(t, c, m, &fakeJob{do: begun, follow: endless}, dir)
		r.confirm()
		r.end()

		r = startWith(t, newCluster(t), m, func(*Config) {}, dir)
		s := r.wait(10 * time.Second)
		r.told(model.Progress{Text: notHere})
		if writeState(s) != incident.Rolling {
			t.Errorf("nobody knows how far it is, and it is %q", writeState(s))
		}
		if s = r.wait(2 * time.Minute); s.Incident.Asked != incident.AskDeadline || !strings.Contains(s.Incident.AskText, notHere) {
			t.Errorf("asked %q: %s", s.Incident.Asked, s.Incident.AskText)
		}
		r.end()
	})
}

// A component with two ways back is offered the first; another one has its own
// versions read, plans made and write done.
func TestAnotherWayIsTakenToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, m := newCluster(t), &fakeMetrics{ratio: 0.3}
		j := &fakeJob{c: c, do: begun, follow: endless}
		r := startWith(t, c, m, func(cfg *Config) { cfg.Methods = []Method{fakeUndo{c}, j} }, t.TempDir())
		slot := model.Release("backend-python")
		r.wait(5 * time.Second)
		r.Send(incident.Next{})
		r.wait(time.Second)
		r.Send(incident.Next{})
		s := r.wait(5 * time.Second)
		if ch := s.Incident.Choice(slot); ch == nil || ch.Method != undoName {
			t.Fatalf("chosen: %+v", ch)
		}
		r.Send(incident.UseMethod{Component: "backend-python", Method: jobName})
		s = r.wait(5 * time.Second)
		if h := s.History(s.Incident.Choice(slot)); h == nil || h.Method != jobName || h.Candidate(pipeline.Key) == nil {
			t.Fatalf("its versions: %+v", h)
		}
		r.Send(incident.Pick{Component: "backend-python", To: pipeline.Key})
		r.wait(time.Second)
		r.Send(incident.Next{})
		s = r.wait(5 * time.Second)
		r.Send(incident.ConfirmWrite{Word: "backend-python", Plans: plans(s)})
		s = r.wait(2 * time.Second)
		if w := s.Incident.Attempt().Writes; len(w) != 1 || w[0].Plan.Method != jobName || w[0].State != incident.Rolling || c.count("do") != 1 {
			t.Errorf("written: %+v; called %q", w, c.calls)
		}
		r.end()
	})
}

// judgedJob is a job after whose end the workload has to be there.
type judgedJob struct {
	*fakeJob
	there atomic.Bool
}

func (j *judgedJob) Judge(c *model.Component, _ *model.Plan, r *model.Receipt) model.Progress {
	if c == nil || parsed[int](r.Detail) != 77 {
		j.c.t.Errorf("judged is %+v by %+v", r, c)
	}
	if !j.there.Load() {
		return model.Progress{Phase: model.PhaseRunning, Text: "1 of 2 new pods ready", Share: 0.5}
	}
	return model.Progress{Phase: model.PhaseFinished, Text: "2 of 2 new pods ready", Share: 1}
}

// A job that has ended is not the end of the write: the workload has to be there too.
func TestFollowedAndThenJudged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, m := newCluster(t), &fakeMetrics{ratio: 0.3}
		j := &judgedJob{fakeJob: &fakeJob{c: c, do: begun, follow: func(_ context.Context, _ model.Plan, _ model.Receipt, out func(model.Progress)) error {
			out(steps(20))
			time.Sleep(10 * time.Second)
			out(steps(40))
			return nil
		}}}
		r := startWith(t, c, m, func(cfg *Config) { cfg.Methods = []Method{j} }, t.TempDir())
		r.confirm()
		r.told(model.Progress{Phase: model.PhaseRunning, Text: "20 of 40 steps are done", Share: 0.25, Lines: []string{"applying"}})
		s := r.wait(10 * time.Second)
		r.told(model.Progress{Phase: model.PhaseRunning, Text: "1 of 2 new pods ready", Share: 0.75})
		if writeState(s) != incident.Rolling {
			t.Errorf("the job has ended, and the write is %q", writeState(s))
		}
		j.there.Store(true)
		s = r.wait(10 * time.Second)
		r.told(model.Progress{Phase: model.PhaseFinished, Text: "2 of 2 new pods ready", Share: 1})
		if writeState(s) != incident.Done || c.count("follow") != 1 {
			t.Errorf("it is there, and the write is %q; called were %q", writeState(s), c.calls)
		}
		r.end()
	})
}
