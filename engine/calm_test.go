package engine

import (
	"testing"
	"testing/synctest"
	"time"

	"rollbook/incident"
	"rollbook/model"
)

// snapshots counts those published within d, read as a screen reads them.
func (r *run) snapshots(d time.Duration) int {
	n := 0
	for end := time.After(d); ; {
		select {
		case <-r.Changed():
			n++
		case <-end:
			return n
		}
	}
}

// While nothing is wrong the screen is woken for what is new alone: the fake's
// heartbeats and the polls. With a trigger it is every second.
func TestCalmIsQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &fakeMetrics{ratio: 0.001}
		r := start(t, newCluster(t), m)
		r.wait(30 * time.Second)
		if n := r.snapshots(time.Minute); n > 24 {
			t.Errorf("%d snapshots in a calm minute", n)
		}
		m.set(0.3, nil)
		r.wait(20 * time.Second)
		if n := r.snapshots(time.Minute); n < 58 {
			t.Errorf("%d snapshots in a minute with a trigger", n)
		}
		r.end()
	})
}

// Time alone must still bring a trigger about: here nothing new is heard but
// that the API server lives.
func TestCalmIsNotBlind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, m := newCluster(t), &fakeMetrics{ratio: 0.001}
		r := start(t, c, m)
		r.wait(20 * time.Second)
		since := time.Now()
		c.show(func(l *model.Component) { l.Available, l.NoneReady = 0, since })
		if s := r.wait(55 * time.Second); len(s.Incident.Triggers) != 0 {
			t.Fatalf("too early: %+v", s.Incident.Triggers)
		}
		s := r.wait(12 * time.Second)
		if len(s.Incident.Triggers) != 1 || s.Incident.Triggers[0].Kind != incident.TNoPod {
			t.Errorf("no pod for 67 s, and: %+v", s.Incident.Triggers)
		}
		r.end()
	})
}
