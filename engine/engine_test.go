package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollbook/engine/journal"
	"rollbook/incident"
	"rollbook/model"
)

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
	e := New(Config{Cluster: c, Metrics: m, Methods: []Method{fakeUndo{c}}, Settings: set, Version: "test", Journals: dirs, IdlePoll: 15 * time.Second, LookOn: readOn})
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
	r.Send(incident.ConfirmWrite{Word: "backend-python", Plans: plans(s)})
	return r.wait(2 * time.Second)
}

// journalsIn reads the journals in a folder, the one written last first.
func journalsIn(dir string) (found []*journal.Content, errs []error) {
	files, errs := journal.Find([]string{dir})
	for _, f := range files {
		c, err := journal.Read(f.Path)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		found = append(found, c)
	}
	return found, errs
}

// plans are the IDs of what the confirmation's page shows.
func plans(s *incident.Snapshot) (ids []string) {
	for _, c := range s.Incident.Open() {
		for _, p := range s.Seen.Preflight[c.Slot].Plans {
			ids = append(ids, p.ID)
		}
	}
	return ids
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
		if to := s.Incident.Attempt().Writes[0].Plan.To; to != model.Revision("rs-40", 40) {
			t.Errorf("went to %s: 41 was bad too", to)
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
		found, errs := journalsIn(dir)
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
		c.undo = func(ctx context.Context, p model.Plan) (model.Receipt, error) {
			found, _ := journalsIn(dir)
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
		c.undo = func(ctx context.Context, p model.Plan) (model.Receipt, error) {
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
		found, _ := journalsIn(dir)
		inc := incident.Fold(found[0].Facts)
		if w := inc.Attempt().Writes[0]; w.State != incident.Rolling && w.State != incident.Done {
			t.Errorf("the answer is not in the journal: %q", w.State)
		}
	})
}

// onKill copies what of an incident is on disk at this moment to a folder of its
// own, as a kill would leave it.
func onKill(t *testing.T, dir string) (image string) {
	t.Helper()
	image = t.TempDir()
	found, _ := journalsIn(dir)
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
	return image
}

func TestKilledAfterThePatch(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c, m := newCluster(t), &fakeMetrics{ratio: 0.3}
		hang := make(chan struct{})
		c.undo = func(ctx context.Context, p model.Plan) (model.Receipt, error) {
			<-hang
			return written(c)(ctx, p)
		}
		r := start(t, c, m, dir)
		r.confirm()
		image := onKill(t, dir)
		close(hang)
		r.end()

		again := newCluster(t)
		again.line = c.line
		looks := 0
		again.look = func() (model.Looked, error) {
			if looks++; looks < 3 {
				return model.Looked{}, errors.New("connection refused")
			}
			return model.Looked{State: model.SettledDone}, nil
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
		c.undo = func(context.Context, model.Plan) (model.Receipt, error) {
			return model.Receipt{}, fmt.Errorf("%w: connection reset", model.ErrLost)
		}
		c.look = func() (model.Looked, error) { return model.Looked{State: model.SettledNot}, nil }
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
		r.Send(incident.ConfirmWrite{Word: "backend-python", Plans: plans(s)})
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

// Whether Prometheus is there is asked though the namespace is empty.
func TestPrometheusIsAskedWithoutAWorkload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, m := newCluster(t), &fakeMetrics{fail: errors.New("connection refused")}
		c.board = []*model.Component{}
		r := start(t, c, m)
		s := r.wait(6 * time.Second)
		if s.Seen.Metrics.Err != "connection refused" || s.Seen.Metrics.Trying.IsZero() {
			t.Errorf("%+v", s.Seen.Metrics)
		}
		m.set(0, nil)
		if s = r.wait(20 * time.Second); s.Seen.Metrics.Heard.IsZero() || s.Seen.Metrics.Err != "" || !s.Seen.Metrics.Trying.IsZero() {
			t.Errorf("%+v", s.Seen.Metrics)
		}
		r.end()
	})
}

func TestPanicEndsRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, m := newCluster(t), &fakeMetrics{ratio: 0.3}
		c.undo = func(context.Context, model.Plan) (model.Receipt, error) { panic("boom") }
		r := start(t, c, m)
		s := r.toConfirm()
		r.Send(incident.NoJournal{})
		r.wait(time.Second)
		r.Send(incident.ConfirmWrite{Word: "backend-python", Plans: plans(s)})
		if err := <-r.done; err == nil || !strings.Contains(err.Error(), "boom") {
			t.Errorf("ended with %v", err)
		}
		r.stop()
	})
}
