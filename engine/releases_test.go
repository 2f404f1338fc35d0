package engine

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"rollbook/incident"
	"rollbook/model"
)

// countedUndo counts how often its versions are read, and fails while no is set.
type countedUndo struct {
	fakeUndo
	reads *atomic.Int32
	no    *atomic.Bool
}

func (u countedUndo) Versions(ctx context.Context, c *model.Component, until time.Time) (*model.History, error) {
	u.reads.Add(1)
	if u.no.Load() {
		return nil, errors.New("forbidden")
	}
	return u.fakeUndo.Versions(ctx, c, until)
}

// What the release of a component with a trigger changed is read once before anybody
// chooses, again where it could not be, and of the next release; nothing is read of what
// is well.
func TestReleaseIsReadOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, m := newCluster(t), &fakeMetrics{}
		u := countedUndo{fakeUndo{c}, &atomic.Int32{}, &atomic.Bool{}}
		m.set(0.0002, nil)
		r := startWith(t, c, m, func(cfg *Config) { cfg.Methods = []Method{u} })
		defer r.end()
		r.wait(time.Second)
		c.show(func(l *model.Component) { l.Past = []model.Earlier{{Owner: "rs-41", Revision: 41}} })
		if r.wait(3 * time.Minute); u.reads.Load() != 0 {
			t.Errorf("nothing is over a limit, and it was read %d times", u.reads.Load())
		}
		u.no.Store(true)
		m.set(0.3, nil)
		s := r.wait(40 * time.Second)
		if h := s.Incident.HistoryRead(model.Release("backend-python")); u.reads.Load() != 1 || h == nil || h.Err != "forbidden" {
			t.Errorf("read %d times: %+v", u.reads.Load(), h)
		}
		u.no.Store(false)
		s = r.wait(5 * time.Minute)
		if h := s.Incident.HistoryRead(model.Release("backend-python")); u.reads.Load() != 2 || h == nil || h.Err != "" || h.Current() == nil {
			t.Errorf("read %d times: %+v", u.reads.Load(), h)
		}
		c.show(func(l *model.Component) { l.OwnerName, l.Revision = "rs-40", 43 })
		s = r.wait(5 * time.Minute)
		if h := s.Incident.HistoryRead(model.Release("backend-python")); u.reads.Load() != 3 || h.Current() == nil || h.Current().Key != "rs-40" {
			t.Errorf("another release, and read %d times: %+v", u.reads.Load(), h)
		}
		if s.Incident.ID != "" || s.Incident.Step != incident.Assess {
			t.Errorf("looking began an incident: %s", s.Incident.ID)
		}
	})
}
