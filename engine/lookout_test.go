package engine

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollbook/incident"
	"rollbook/model"
)

// shownAs is what a look says of a workload as the fake cluster shows it.
func shownAs(c *fakeCluster) func() (model.Looked, error) {
	return func() (model.Looked, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.line.TemplateHash == "hash-42" {
			return model.Looked{State: model.SettledNot}, nil
		}
		// As the real one does: what is looked up may be newer than the board.
		return model.Looked{State: model.SettledDone, Receipt: &model.Receipt{At: time.Now(), Detail: raw(undoReceipt{Generation: c.line.Generation})}}, nil
	}
}

// The screen is right within two seconds of the cluster, whenever the write arrives
// and whether or not its answer ever comes.
func TestLateWriteIsShown(t *testing.T) {
	for _, answer := range []time.Duration{0, 30 * time.Second} {
		for _, late := range []time.Duration{2 * time.Second, 6 * time.Second, 45 * time.Second, 3 * time.Minute} {
			t.Run(fmt.Sprintf("arrives after %s, lost after %s", late, answer), func(t *testing.T) {
				dir := t.TempDir()
				synctest.Test(t, func(t *testing.T) {
					c, m := newCluster(t), &fakeMetrics{ratio: 0.3}
					c.look = shownAs(c)
					c.undo = func(ctx context.Context, p model.Plan) (model.Receipt, error) {
						go func() {
							time.Sleep(late)
							_, _ = written(c)(ctx, p)
						}()
						time.Sleep(answer)
						return model.Receipt{}, fmt.Errorf("%w: connection reset", model.ErrLost)
					}
					r := start(t, c, m, dir)
					s := r.toConfirm()
					r.Send(incident.ConfirmWrite{Word: "backend-python", Plans: plans(s)})
					for at := time.Duration(0); at < late; at += time.Second {
						s = r.Snapshot()
						if st := s.Incident.Attempts; len(st) > 0 && (st[0].Writes[0].State == incident.Rolling || st[0].Writes[0].State == incident.Done || c.count("event") > 0) {
							t.Fatalf("said to be written after %s", at)
						}
						if at < 80*time.Second && strings.Contains(s.Incident.AskText, "Nothing was written") {
							t.Fatalf("after %s: %s", at, s.Incident.AskText)
						}
						r.wait(time.Second)
					}
					s = r.wait(2 * time.Second)
					if st := s.Incident.Attempts[0].Writes[0].State; st != incident.Rolling && st != incident.Done || s.Incident.Step != incident.RollBack || s.Incident.Asked != incident.AskNothing {
						t.Errorf("written, and it is %q at %s: %s", st, s.Incident.Step.Name(), s.Incident.AskText)
					}
					s = r.wait(time.Minute)
					if c.count("event") != 1 || c.count("undo") != 1 || s.Incident.Attempts[0].Writes[0].State != incident.Done {
						t.Errorf("%d events, %d writes, %q", c.count("event"), c.count("undo"), s.Incident.Attempts[0].Writes[0].State)
					}
					r.end()
				})
			})
		}
	}
}

// A write that never arrives is told as that, and looked for no more than its
// workload changes.
func TestWriteThatNeverArrives(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c, m := newCluster(t), &fakeMetrics{ratio: 0.3}
		c.look = shownAs(c)
		c.undo = func(context.Context, model.Plan) (model.Receipt, error) {
			return model.Receipt{}, fmt.Errorf("%w: connection reset", model.ErrLost)
		}
		r := start(t, c, m, dir)
		r.confirm()
		s := r.wait(3 * time.Second)
		if !strings.Contains(s.Incident.AskText, "may still arrive until") || s.Incident.Step != incident.Confirm {
			t.Errorf("at %s: %s", s.Incident.Step.Name(), s.Incident.AskText)
		}
		s = r.wait(2 * time.Minute)
		if !strings.Contains(s.Incident.AskText, "Nothing was written") || c.count("event") != 0 {
			t.Errorf("%s", s.Incident.AskText)
		}
		looks := c.count("look")
		r.wait(10 * time.Minute)
		if n := c.count("look"); n != looks {
			t.Errorf("%d more looks at what does not change", n-looks)
		}
		r.end()
	})
}

// What the plan rests on is shown as another one: the preflight is made again.
func TestPreflightIsMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, m := newCluster(t), &fakeMetrics{ratio: 0.3}
		r := start(t, c, m)
		s := r.toConfirm()
		slot := model.Release("backend-python")
		first := s.Seen.Preflight[slot].Started
		c.show(func(l *model.Component) { l.Ready, l.Generation, l.Replicas = 2, 8, 4 })
		if s = r.wait(3 * time.Second); !s.Seen.Preflight[slot].Started.Equal(first) {
			t.Error("made again for a pod that flaps")
		}
		c.show(func(l *model.Component) { l.TemplateHash, l.RevisionBy = "hash-x", "jonas" })
		if s = r.wait(3 * time.Second); s.Seen.Preflight[slot].Started.Equal(first) || !s.Seen.Preflight[slot].Done {
			t.Error("not made again for another template")
		}
		r.end()
	})
}

// A workload that went away after the write is told, also where the board has no line
// for what is not there.
func TestWorkloadThatWentAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, m := newCluster(t), &fakeMetrics{ratio: 0.3}
		c.undo = written(c)
		r := start(t, c, m, t.TempDir())
		s := r.confirm()
		plan := s.Incident.Attempt().Writes[0].Plan
		r.post(func() {
			r.seen.Board = []*model.Component{{ID: "frontend"}}
			if got := r.shown(&plan); got == nil || got.Missing != model.NotFound {
				t.Errorf("shown is %+v", got)
			}
			r.seen.Reading = true
			if got := r.shown(&plan); got != nil {
				t.Errorf("not read yet, and shown is %+v", got)
			}
		})
		r.wait(time.Second)
		r.end()
	})
}
