package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollbook/engine/journal"
	"rollbook/incident"
	"rollbook/model"
)

// fakeCluster is a cluster of one Deployment. A call that the test did not
// prepare fails it.
type fakeCluster struct {
	t     *testing.T
	mu    sync.Mutex
	out   func(model.Observation)
	line  model.Component
	board []*model.Component
	id    string

	undo  func(ctx context.Context, p model.Plan) (model.Written, error)
	look  func() (model.SettledState, string, error)
	calls []string
}

func newCluster(t *testing.T) *fakeCluster {
	return &fakeCluster{t: t, id: "uid-1", line: model.Component{ID: "backend-python",
		Workload: model.Workload{Kind: model.Deployment, Namespace: "production", Name: "backend-python"},
		UID:      "uid-b", Revision: 42, TemplateHash: "hash-42", Desired: 3, Replicas: 3, Updated: 3, Ready: 3, Available: 3,
		Generation: 7, Observed: 7, RevisionStart: time.Now().Add(-11 * time.Minute)}}
}

func (c *fakeCluster) called(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, what)
}

func (c *fakeCluster) count(what string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, x := range c.calls {
		if x == what {
			n++
		}
	}
	return n
}

func (c *fakeCluster) Watch(ctx context.Context, out func(model.Observation)) {
	c.mu.Lock()
	c.out = out
	c.mu.Unlock()
	c.show(nil)
	// The heartbeat of the real one.
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(5 * time.Second):
			c.show(nil)
		}
	}
}

func (c *fakeCluster) show(change func(*model.Component)) {
	c.mu.Lock()
	if change != nil {
		change(&c.line)
	}
	if change != nil || c.board == nil { // what did not change keeps its place
		line := c.line
		c.board = []*model.Component{&line}
	}
	board, out := c.board, c.out
	c.mu.Unlock()
	out(model.Observation{Board: board, Connection: model.Connection{To: "api", Heard: time.Now()},
		Identity: model.Identity{Cluster: c.id, User: "maria@corp"}})
}

func (c *fakeCluster) History(ctx context.Context, w *model.Component) (*model.History, error) {
	return &model.History{Component: w.ID, At: time.Now(), Revisions: []model.Revision{
		{Number: 42, Owner: "rs-42", Current: true}, {Number: 41, Owner: "rs-41"}, {Number: 40, Owner: "rs-40"}}}, nil
}

func (c *fakeCluster) Preflight(ctx context.Context, w *model.Component, to int64, out func(model.Preflight)) {
	p := &model.Plan{ID: fmt.Sprintf("plan-%d", to), Component: w.ID, Workload: w.Workload, UID: w.UID, From: 42, To: to,
		FromHash: "hash-42", ToHash: fmt.Sprintf("hash-%d", to)}
	out(model.Preflight{Plan: p})
	out(model.Preflight{Plan: p, Done: true, Checks: []model.Check{{ID: "access.patch", State: model.CheckOK}}})
}

func (c *fakeCluster) Undo(ctx context.Context, p model.Plan) (model.Written, error) {
	c.called("undo")
	if c.undo == nil {
		c.t.Error("a write that the test did not expect")
		return model.Written{}, errors.New("not expected")
	}
	return c.undo(ctx, p)
}

func (c *fakeCluster) Look(ctx context.Context, p model.Plan) (model.SettledState, string, error) {
	c.called("look")
	if c.look == nil {
		c.t.Error("a look that the test did not expect")
		return "", "", errors.New("not expected")
	}
	return c.look()
}

func (c *fakeCluster) PostEvent(ctx context.Context, w model.Workload, uid, text string) error {
	c.called("event")
	return nil
}

// fakeMetrics serves the error ratio that the test sets.
type fakeMetrics struct {
	mu    sync.Mutex
	ratio float64
	fail  error
}

func (m *fakeMetrics) set(ratio float64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ratio, m.fail = ratio, err
}

func (m *fakeMetrics) To() (string, string) { return "prometheus", "" }

func (m *fakeMetrics) Poll(ctx context.Context, p model.Poll) (map[string]*model.Figures, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return nil, m.fail
	}
	f := model.Figure{Step: 15 * time.Second}
	now := time.Now()
	for n := 20; n >= 0; n-- {
		f.Samples = append(f.Samples, model.Sample{At: now.Add(-time.Duration(n) * f.Step), V: m.ratio})
	}
	f.Now = model.Reading{Known: true, Value: m.ratio, At: now}
	quick := f
	quick.Samples = nil
	for _, s := range f.Samples {
		quick.Samples = append(quick.Samples, model.Sample{At: s.At, V: 0.1})
	}
	quick.Now.Value = 0.1
	one := model.Reading{Known: true, Value: 3, At: now}
	return map[string]*model.Figures{"backend-python": {Errors: f, P95: quick, Up: one, Targets: one,
		HoldErrors: f.Now, HoldP95: quick.Now, HoldRequests: one}}, nil
}

func (m *fakeMetrics) Behaviour(ctx context.Context, t model.Target, owners []string, until time.Time) (map[string]model.Behaviour, error) {
	known := func(v float64) model.Reading { return model.Reading{Known: true, Value: v, At: until} }
	return map[string]model.Behaviour{
		"rs-42": {Errors: known(0.3), P95: known(0.1), Requests: known(900)},
		"rs-41": {Errors: known(0.28), P95: known(0.1), Requests: known(900)},
		"rs-40": {Errors: known(0.001), P95: known(0.1), Requests: known(9000)}}, nil
}

func (m *fakeMetrics) Baseline(ctx context.Context, t []model.Target, onset time.Time) (map[string]model.Baseline, error) {
	known := func(v float64) model.Reading { return model.Reading{Known: true, Value: v, At: onset} }
	return map[string]model.Baseline{"backend-python": {Errors: known(0.002), P95: known(0.1)}}, nil
}

// run is an engine under test.
type run struct {
	*Engine
	t    *testing.T
	stop func()
	done chan error
}

func start(t *testing.T, c *fakeCluster, m *fakeMetrics, dirs ...string) *run {
	set := incident.Settings{Namespace: "production", Production: true, Operator: "maria", Limits: model.DefaultLimits(),
		Verify: incident.DefaultVerify(), Scrape: 15 * time.Second, Poll: 5 * time.Second,
		Components: []model.Target{{ID: "backend-python"}}}
	var open []*journal.Content
	for _, d := range dirs {
		found, errs := journal.List(d)
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		open = append(open, found...)
	}
	e := New(Config{Cluster: c, Metrics: m, Settings: set, Version: "test", Journals: dirs, Open: open, IdlePoll: 15 * time.Second})
	ctx, stop := context.WithCancel(context.Background())
	r := &run{Engine: e, t: t, stop: stop, done: make(chan error, 1)}
	go func() { r.done <- e.Run(ctx) }()
	return r
}

// wait lets time pass and everything settle.
func (r *run) wait(d time.Duration) *incident.Snapshot {
	time.Sleep(d)
	synctest.Wait()
	return r.Snapshot()
}

func (r *run) end() {
	r.t.Helper()
	r.stop()
	if err := <-r.done; err != nil {
		r.t.Error(err)
	}
}

// toConfirm walks up to the open confirmation.
func (r *run) toConfirm() *incident.Snapshot {
	r.t.Helper()
	r.wait(2 * time.Second)
	for range 3 {
		r.Send(incident.Next{})
		r.wait(time.Second)
	}
	s := r.Snapshot()
	if s.Incident.Step != incident.Confirm {
		r.t.Fatalf("at %s: %s", s.Incident.Step.Name(), s.Incident.Step.Blocked(s))
	}
	return s
}

func (r *run) confirm() *incident.Snapshot {
	r.t.Helper()
	s := r.toConfirm()
	r.Send(incident.ConfirmWrite{Word: "backend-python", Plans: []string{s.Seen.Preflight["backend-python"].Plan.ID}})
	return r.wait(2 * time.Second)
}

func written(c *fakeCluster) func(context.Context, model.Plan) (model.Written, error) {
	return func(_ context.Context, p model.Plan) (model.Written, error) {
		c.show(func(l *model.Component) { l.Generation, l.Observed, l.TemplateHash, l.Revision = 8, 8, p.ToHash, 43 })
		return model.Written{ResourceVersion: "9", Generation: 8, At: time.Now()}, nil
	}
}

func TestWalkToTheEnd(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c, m := newCluster(t), &fakeMetrics{ratio: 0.3}
		c.undo = written(c)
		r := start(t, c, m, dir)
		s := r.wait(2 * time.Second)
		if s.Incident.Verdict.Verdict != incident.Now {
			t.Fatalf("verdict %s: %s", s.Incident.Verdict.Verdict.Name(), s.Incident.Verdict.Text)
		}
		if entries, _ := os.ReadDir(dir); len(entries) != 0 {
			t.Error("looking left a trace")
		}
		s = r.confirm()
		if to := s.Incident.Attempt().Writes[0].Plan.To; to != 40 {
			t.Errorf("went to %d: 41 was bad too", to)
		}
		m.set(0.0002, nil)
		s = r.wait(10 * time.Second)
		if s.Incident.RolledOut.IsZero() || c.count("event") != 1 {
			t.Fatalf("rolled out %s, %d events", s.Incident.RolledOut, c.count("event"))
		}
		r.Send(incident.Next{})
		s = r.wait(150 * time.Second)
		if s.Incident.Verified.IsZero() {
			t.Fatalf("not verified: %+v", incident.VerifyChecks(s))
		}
		r.end()
		found, errs := journal.List(dir)
		if len(found) != 1 || len(errs) != 0 {
			t.Fatalf("%d journals, %v", len(found), errs)
		}
		folded := incident.Fold(found[0].Facts)
		if len(folded.Timeline) != len(r.Snapshot().Incident.Timeline) || folded.Verified.IsZero() {
			t.Error("the journal tells another story than the screen")
		}
		if b := folded.Baseline["backend-python"]; b.Errors.Value != 0.002 || b.P95.Value != 0.1 {
			t.Errorf("the hour before the onset is journaled as %+v", b)
		}
	})
}

func TestIntentBeforeTheWrite(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c, m := newCluster(t), &fakeMetrics{ratio: 0.3}
		c.undo = func(ctx context.Context, p model.Plan) (model.Written, error) {
			found, _ := journal.List(dir)
			last := found[0].Facts[len(found[0].Facts)-1]
			if _, ok := last.Body.(incident.Intended); !ok {
				t.Errorf("the write began, and the journal ends with %T", last.Body)
			}
			return written(c)(ctx, p)
		}
		r := start(t, c, m, dir)
		r.confirm()
		r.end()
		if c.count("undo") != 1 {
			t.Errorf("%d writes", c.count("undo"))
		}
	})
}

func TestLeavingWaitsForTheWrite(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c, m := newCluster(t), &fakeMetrics{ratio: 0.3}
		c.undo = func(ctx context.Context, p model.Plan) (model.Written, error) {
			select {
			case <-time.After(8 * time.Second):
			case <-ctx.Done():
				t.Error("the write was cut short")
			}
			return written(c)(ctx, p)
		}
		r := start(t, c, m, dir)
		r.confirm()
		if !r.Writing() {
			t.Fatal("no write under way")
		}
		r.end()
		found, _ := journal.List(dir)
		inc := incident.Fold(found[0].Facts)
		if w := inc.Attempt().Writes[0]; w.State != incident.Rolling && w.State != incident.Done {
			t.Errorf("the answer is not in the journal: %q", w.State)
		}
	})
}

func TestKilledAfterThePatch(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c, m := newCluster(t), &fakeMetrics{ratio: 0.3}
		hang := make(chan struct{})
		c.undo = func(ctx context.Context, p model.Plan) (model.Written, error) {
			<-hang
			return written(c)(ctx, p)
		}
		r := start(t, c, m, dir)
		r.confirm()
		image := t.TempDir() // what is on disk at the moment of the kill
		found, _ := journal.List(dir)
		folder := filepath.Join(image, filepath.Base(filepath.Dir(found[0].Path)))
		raw, err := os.ReadFile(found[0].Path)
		if err == nil {
			err = os.MkdirAll(folder, 0o700)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, journal.FileName), raw, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		close(hang)
		r.end()

		again := newCluster(t)
		again.line = c.line
		looks := 0
		again.look = func() (model.SettledState, string, error) {
			if looks++; looks < 3 {
				return "", "", errors.New("connection refused")
			}
			return model.SettledDone, "", nil
		}
		r = start(t, again, m, image)
		s := r.wait(10 * time.Second)
		if !s.Seen.Resumed || s.Incident.Step != incident.RollBack || again.count("undo") != 0 {
			t.Errorf("resumed %v at %s, %d writes", s.Seen.Resumed, s.Incident.Step.Name(), again.count("undo"))
		}
		if w := s.Incident.Attempt().Writes[0]; w.State != incident.Done {
			t.Errorf("settled as %q", w.State)
		}
		r.end()

		other := newCluster(t)
		other.id = "uid-2"
		r = start(t, other, m, image)
		if s := r.wait(10 * time.Second); s.Seen.Resumed || s.Incident.ID != "" {
			t.Error("resumed on another cluster")
		}
		r.end()
	})
}

func TestNotWrittenIsBelievedAtTheSecondLook(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c, m := newCluster(t), &fakeMetrics{ratio: 0.3}
		c.undo = func(context.Context, model.Plan) (model.Written, error) {
			return model.Written{}, fmt.Errorf("%w: connection reset", model.ErrLost)
		}
		c.look = func() (model.SettledState, string, error) { return model.SettledNot, "", nil }
		r := start(t, c, m, dir)
		r.confirm()
		s := r.wait(5 * time.Second)
		if s.Incident.Step != incident.Confirm || c.count("look") < 2 || c.count("undo") != 1 {
			t.Errorf("at %s after %d looks and %d writes", s.Incident.Step.Name(), c.count("look"), c.count("undo"))
		}
		r.end()
	})
}

func TestFullDisk(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		c, m := newCluster(t), &fakeMetrics{ratio: 0.3}
		c.undo = written(c)
		r := start(t, c, m, filepath.Join(file, "nowhere"))
		s := r.confirm()
		if c.count("undo") != 0 {
			t.Fatal("written without a journal, and nobody said so")
		}
		why := s.Incident.Step.Blocked(s)
		if !strings.Contains(why, "journal") {
			t.Errorf("blocked: %q", why)
		}
		r.Send(incident.NoJournal{})
		r.wait(time.Second)
		r.Send(incident.ConfirmWrite{Word: "backend-python", Plans: []string{s.Seen.Preflight["backend-python"].Plan.ID}})
		if s = r.wait(2 * time.Second); c.count("undo") != 1 {
			t.Errorf("a full disk blocked the rollback: %s", s.Incident.Step.Blocked(s))
		}
		r.end()
	})
}

func TestPrometheusGoesAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, m := newCluster(t), &fakeMetrics{ratio: 0.3}
		r := start(t, c, m)
		r.wait(2 * time.Second)
		m.set(0, errors.New("connection refused"))
		s := r.wait(2 * time.Minute)
		f := s.FiguresOf("backend-python")
		if f.Errors.Now.Known || !strings.Contains(f.Errors.Now.Why, "stale since") {
			t.Errorf("two minutes old, and still: %+v", f.Errors.Now)
		}
		if s.Incident.Verdict.Verdict != incident.Now {
			t.Errorf("the verdict fell to %s", s.Incident.Verdict.Verdict.Name())
		}
		r.end()
	})
}

func TestPanicEndsRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, m := newCluster(t), &fakeMetrics{ratio: 0.3}
		c.undo = func(context.Context, model.Plan) (model.Written, error) { panic("boom") }
		r := start(t, c, m)
		s := r.toConfirm()
		r.Send(incident.NoJournal{})
		r.wait(time.Second)
		r.Send(incident.ConfirmWrite{Word: "backend-python", Plans: []string{s.Seen.Preflight["backend-python"].Plan.ID}})
		if err := <-r.done; err == nil || !strings.Contains(err.Error(), "boom") {
			t.Errorf("ended with %v", err)
		}
		r.stop()
	})
}
