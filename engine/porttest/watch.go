package porttest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"rollbook/engine"
	"rollbook/model"
)

// board is what a Watch told last.
type board struct {
	t    *testing.T
	mu   sync.Mutex
	last model.Observation
	n    int
}

// watch begins to watch, until the test ends.
func watch(t *testing.T, c engine.Cluster) *board {
	t.Helper()
	w := &board{t: t}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.Watch(ctx, func(o model.Observation) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.last, w.n = o, w.n+1
		})
	}()
	t.Cleanup(func() {
		cancel()
		<-done // Watch returns when its context ends
	})
	return w
}

func (w *board) now() model.Observation {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

// get is a component as it was seen last, nil while it was not.
func (w *board) get(id string) *model.Component {
	for _, c := range w.now().Board {
		if c.ID == id && c.Missing == "" {
			return c
		}
	}
	return nil
}

// until waits until a component is as ok wants it.
func (w *board) until(within time.Duration, id, what string, ok func(c *model.Component) bool) *model.Component {
	w.t.Helper()
	var c *model.Component
	eventually(w.t, within, id+" "+what, func() string {
		if c = w.get(id); c != nil && ok(c) {
			return ""
		}
		return show(c)
	})
	return c
}

func show(c *model.Component) string {
	if c == nil {
		return "it is not on the board"
	}
	var pods []string
	for _, p := range c.Pods {
		pods = append(pods, fmt.Sprintf("%s %s ready=%v restarts=%d %s %q", p.Name, p.State, p.Ready, p.Restarts, p.Exit, p.Message))
	}
	return fmt.Sprintf("revision %d, desired %d, replicas %d, updated %d, ready %d, available %d, generation %d observed %d, %+v, stuck %q, pods: %s",
		c.Revision, c.Desired, c.Replicas, c.Updated, c.Ready, c.Available, c.Generation, c.Observed, c.Progressing, c.Stuck, strings.Join(pods, "; "))
}

// settled is a rollout at its end.
func settled(c *model.Component) bool {
	return c.Observed == c.Generation && c.Updated == c.Desired && c.Replicas == c.Desired && c.Available == c.Desired && ready(c) == c.Desired && len(c.Pods) == c.Desired
}

func ready(c *model.Component) (n int) {
	for _, p := range c.Pods {
		if p.Ready && !p.Deleting {
			n++
		}
	}
	return n
}

func boardFills(t *testing.T, b *Bed) {
	ns := b.Shop(t)
	begun := time.Now()
	w := watch(t, b.Connect(t, ns, nil))
	c := w.until(20*time.Second, "backend-python", "is on the board", settled)
	eventually(t, 20*time.Second, "who asks which cluster is known", func() string {
		if id := w.now().Identity; id.User == "" || id.Cluster == "" || !strings.HasPrefix(id.Version, "v1.") {
			return fmt.Sprintf("%+v", id)
		}
		return ""
	})
	for what, ok := range map[string]bool{
		"three are wanted": c.Desired == 3, "it has a UID": c.UID != "", "it has a revision": c.Revision > 0,
		"its image is told":       len(c.Images) == 1 && strings.Contains(c.Images[0], "backend-python:"),
		"its template has a hash": c.TemplateHash != "", "it knows its ReplicaSet": strings.HasPrefix(c.OwnerName, "backend-python-"),
		"its start is known": !c.RevisionStart.IsZero() && !c.StartGuessed, "and by whom": c.RevisionBy == "gitlab-ci",
		"nothing is stuck": c.Stuck == "", "it progressed": c.Progressing.Reason == "NewReplicaSetAvailable",
	} {
		if !ok {
			t.Errorf("not so: %s: %s %+v", what, show(c), c)
		}
	}
	for _, p := range c.Pods {
		if p.State != "Running" || p.Failing || p.Owner != c.OwnerName || p.Revision != c.Revision || p.Started.IsZero() {
			t.Errorf("pod %+v", p)
		}
	}
	for _, id := range []string{"backend-rust", "frontend"} {
		w.until(30*time.Second, id, "is on the board", settled)
	}
	if con := w.now().Connection; con.Err != "" || con.Heard.Before(begun.Add(-2*time.Second)) || con.To == "" {
		t.Errorf("connection %+v", con)
	}
}

func changeArrives(t *testing.T, b *Bed) {
	ns := b.Shop(t)
	w := watch(t, b.Connect(t, ns, nil))
	for _, id := range []string{"backend-python", "backend-rust", "frontend"} {
		w.until(30*time.Second, id, "is settled", settled)
	}
	quiet(t, w)
	front, rust := w.get("frontend"), w.get("backend-rust")
	b.patch(t, ns, "backend-python", merge, `{"spec":{"replicas":4}}`)
	w.until(5*time.Second, "backend-python", "wants four", func(c *model.Component) bool { return c.Desired == 4 })
	w.until(30*time.Second, "backend-python", "has four", settled)
	if w.get("frontend") != front || w.get("backend-rust") != rust {
		t.Error("what did not change has another pointer")
	}
}

// quiet waits until nothing new was told for three seconds but heartbeats.
func quiet(t *testing.T, w *board) {
	t.Helper()
	since, last := time.Now(), w.now().Board
	eventually(t, time.Minute, "the board is quiet", func() string {
		now := w.now().Board
		if len(now) != len(last) {
			since, last = time.Now(), now
		}
		for i := range now {
			if now[i] != last[i] {
				since, last = time.Now(), now
				break
			}
		}
		if time.Since(since) < 3*time.Second {
			return "something moves"
		}
		return ""
	})
}

func rolloutEnds(t *testing.T, b *Bed) {
	ns := b.Shop(t)
	w := watch(t, b.Connect(t, ns, nil))
	before := w.until(30*time.Second, "backend-python", "is settled", settled)
	begun := time.Now()
	b.Release(t, ns, Good)
	least := 3
	after := w.until(90*time.Second, "backend-python", "is released", func(c *model.Component) bool {
		least = min(least, c.Available)
		if most := c.Desired + 1; c.Replicas > most+c.Terminating {
			t.Errorf("%d pods, %d are ending; more than a surge of 25 %% allows", c.Replicas, c.Terminating)
		}
		return c.Revision > before.Revision && settled(c)
	})
	if least < 3 { // 25 % of three that may be missing, rounded down
		t.Errorf("only %d were available in between", least)
	}
	if after.Revision != before.Revision+1 || after.OwnerName == before.OwnerName || after.TemplateHash == before.TemplateHash ||
		after.Progressing.Reason != "NewReplicaSetAvailable" || after.RevisionStart.Before(begun.Add(-2*time.Second)) {
		t.Errorf("before: %s\nafter: %s, since %s", show(before), show(after), after.RevisionStart)
	}
}

func crashLoopShows(t *testing.T, b *Bed) {
	ns := b.Shop(t)
	w := watch(t, b.Connect(t, ns, nil))
	before := w.until(30*time.Second, "backend-python", "is settled", settled)
	b.Release(t, ns, Crash)
	var bad model.Pod
	c := w.until(2*time.Minute, "backend-python", "crashes", func(c *model.Component) bool {
		for _, p := range c.Pods {
			if p.State == "CrashLoopBackOff" && p.Restarts > 0 && p.Exit != "" {
				bad = p
				return c.Stuck != ""
			}
		}
		return false
	})
	if !bad.Failing || bad.Ready || bad.Owner == before.OwnerName || !strings.HasPrefix(bad.Exit, "exit 1") || bad.ExitAt.IsZero() || bad.Revision != before.Revision+1 {
		t.Errorf("pod %+v", bad)
	}
	if c.Available != 3 || ready(c) != 3 {
		t.Errorf("the old ones do not serve: %s", show(c))
	}
	if !c.StuckPods || !strings.Contains(strings.ToLower(c.Stuck), "crash") {
		t.Errorf("stuck says %q, of its pods: %v", c.Stuck, c.StuckPods)
	}
}

func pullFailureShows(t *testing.T, b *Bed) {
	ns := b.Shop(t)
	w := watch(t, b.Connect(t, ns, nil))
	w.until(30*time.Second, "backend-python", "is settled", settled)
	b.Release(t, ns, ImagePull)
	c := w.until(2*time.Minute, "backend-python", "cannot pull", func(c *model.Component) bool {
		for _, p := range c.Pods {
			if strings.Contains(p.State, "ImagePull") && p.Failing && !p.Ready {
				return c.Stuck != ""
			}
		}
		return false
	})
	if c.Available != 3 {
		t.Errorf("the old ones do not serve: %s", show(c))
	}
}

func deadlineShows(t *testing.T, b *Bed) {
	ns := b.Shop(t)
	b.patch(t, ns, "backend-python", merge, `{"spec":{"progressDeadlineSeconds":8}}`)
	w := watch(t, b.Connect(t, ns, nil))
	w.until(30*time.Second, "backend-python", "is settled", settled)
	b.Release(t, ns, NeverReady)
	c := w.until(time.Minute, "backend-python", "is stuck", func(c *model.Component) bool {
		return c.Progressing.Reason == "ProgressDeadlineExceeded" && c.Stuck != ""
	})
	if c.Progressing.Status != "False" || c.Available != 3 || c.Updated != 1 || c.Replicas != 4 {
		t.Errorf("stuck is %s", show(c))
	}
}
