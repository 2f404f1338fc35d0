package engine

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollbook/incident"
	"rollbook/model"
)

// fakePodLogs tells what the test sets, and counts how often it is asked.
type fakePodLogs struct {
	mu   sync.Mutex
	said model.Said
	asks int
}

func (l *fakePodLogs) PodLogs(_ context.Context, of model.PodLogs) model.Said {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asks++
	out := l.said
	out.Component, out.Version = of.Component, of.Version
	return out
}

func (l *fakePodLogs) set(said model.Said) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.said = said
}

func (l *fakePodLogs) asked() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.asks
}

// What failing pods say is read once, again when a pod has restarted, and after a while
// when it could not be read; nothing is read of pods that are well.
func TestPodLogsAreReadOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, logs := newCluster(t), &fakePodLogs{}
		logs.set(model.Said{Pods: 1, Read: 3, Lines: []model.SaidLine{{Text: "KeyError: 'PAYMENT_URL'", Level: "error", Count: 1}}})
		pods := func(failing bool, restarts int) func(*model.Component) {
			return func(c *model.Component) {
				c.Pods = []model.Pod{{Name: "b-1", UID: "1", Owner: c.OwnerName, State: "CrashLoopBackOff", Failing: failing, Ready: !failing, Restarts: restarts, Exit: "exit 1", Names: []string{"api"}, Bad: "api"}}
			}
		}
		r := startWith(t, c, &fakeMetrics{}, func(cfg *Config) { cfg.PodLogs = logs })
		defer r.end()
		r.wait(time.Second)
		c.show(pods(false, 0))
		if r.wait(2 * time.Minute); logs.asked() != 0 {
			t.Errorf("nothing fails, and it was read %d times", logs.asked())
		}
		c.show(pods(true, 1))
		s := r.wait(2 * time.Minute)
		if _, line, ok := s.Incident.NewLogLine("backend-python"); logs.asked() != 1 || !ok || line.Text != "KeyError: 'PAYMENT_URL'" {
			t.Errorf("read %d times: %+v", logs.asked(), s.Incident.Said)
		}
		c.show(pods(true, 2))
		if r.wait(2 * time.Minute); logs.asked() != 2 {
			t.Errorf("it restarted, and was read %d times", logs.asked())
		}
		logs.set(model.Said{Err: "forbidden"})
		c.show(pods(true, 3))
		r.wait(10 * time.Second)
		first := logs.asked()
		s = r.wait(3 * time.Minute)
		if n := logs.asked() - first; first != 3 || n < 2 || n > 3 {
			t.Errorf("it cannot be read, and was tried %d times, and in three minutes %d times more", first, n)
		}
		// What was read before stands.
		if _, _, ok := s.Incident.NewLogLine("backend-python"); !ok {
			t.Errorf("%+v", s.Incident.Said)
		}
		r.Send(incident.Next{})
		r.wait(time.Second)
		if s := r.Snapshot(); len(s.Incident.Said) != 1 || s.Incident.ID == "" {
			t.Errorf("opened: %+v", s.Incident.Said)
		}
	})
}
