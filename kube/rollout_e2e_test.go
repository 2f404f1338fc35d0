//go:build e2e

package kube

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// A StatefulSet that was gone back while its new pod is not ready stands still, for
// kubectl as for us, until that pod is deleted (kubernetes#67250).
func TestStatefulSetThatStandsStill(t *testing.T) {
	for _, behaviour := range []string{"never-ready", "crash", "imagepull"} {
		t.Run(behaviour, func(t *testing.T) {
			t.Parallel()
			x := newRollout(t, model.StatefulSet, "")
			x.release("api:bad", behaviour)
			x.until("the new pod is not ready", func(c *model.Component) bool {
				p := podNamed(c, "api-2")
				return c.Revision == 2 && p != nil && p.Owner == c.OwnerName && !p.Ready && !p.Deleting && c.Ready == 2
			})
			bad := podNamed(x.line(), "api-2").UID
			pf := x.undo(1)
			if ch := line(t, pf, "strategy.ordered"); ch.State != model.CheckWarning || !strings.Contains(ch.Text, "api-2") {
				t.Errorf("%+v", ch)
			}
			x.until("what gets it on is offered", func(c *model.Component) bool { return x.judge(c).Aid != nil })
			for end := time.Now().Add(5 * time.Second); time.Now().Before(end); {
				if got := x.judge(x.line()); got.Phase != model.PhaseRunning || got.Aid == nil || !strings.Contains(got.Text, "api-2") {
					t.Fatalf("%+v", got)
				}
				if said, done, failed := x.kubectlStatus(); done || failed {
					t.Fatalf("kubectl says %s", said)
				}
				if p := podNamed(x.line(), "api-2"); p == nil || p.UID != bad {
					t.Fatalf("it got on by itself: %+v", p)
				}
			}

			d := NewDeletePod(x.c)
			aid := x.judge(x.line()).Aid
			if aid.Method != d.Name() {
				t.Fatalf("%+v", aid)
			}
			h, err := d.Versions(t.Context(), x.line(), time.Now())
			if err != nil || len(h.Candidates) != 1 || h.Candidates[0].Version != aid.To {
				t.Fatalf("%+v %v, want %+v", h, err, aid.To)
			}
			d.Plan(t.Context(), x.line(), aid.To, func(p model.Preflight) { pf = p })
			if len(pf.Plans) != 1 || line(t, pf, "pod").State != model.CheckOK || line(t, pf, "access.delete").State != model.CheckOK {
				t.Fatalf("%+v", pf)
			}
			if got, err := d.Look(t.Context(), pf.Plans[0]); got.State != model.SettledNot || err != nil {
				t.Errorf("look: %+v %v", got, err)
			}
			r, err := d.Do(t.Context(), pf.Plans[0], nil)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := d.Look(t.Context(), pf.Plans[0]); got.State != model.SettledDone || err != nil {
				t.Errorf("look: %+v %v", got, err)
			}
			x.until("the pod is made again", func(c *model.Component) bool { return d.Judge(c, &pf.Plans[0], &r).Phase == model.PhaseFinished })
			x.until("the rollout is at its end", func(c *model.Component) bool { return x.judge(c).Phase == model.PhaseFinished })
			if said, done, _ := x.kubectlStatus(); !done {
				t.Errorf("kubectl says %s", said)
			}
			if images := kubectl(t, "", "-n", x.w.Namespace, "get", "pods", "-o", "jsonpath={.items[*].spec.containers[0].image}"); images != "api:1 api:1 api:1" {
				t.Errorf("pods run %s", images)
			}
		})
	}
}

// With parallel pods nothing stands still, and nothing is offered.
func TestParallelStatefulSetGetsOn(t *testing.T) {
	x := newRollout(t, model.StatefulSet, `"podManagementPolicy":"Parallel",`)
	x.release("api:bad", "never-ready")
	x.until("a new pod is not ready", func(c *model.Component) bool { return c.Revision == 2 && c.Updated > 0 && c.Ready < 3 })
	x.undo(1)
	x.until("the rollout is at its end", func(c *model.Component) bool {
		got := x.judge(c)
		if got.Aid != nil {
			t.Errorf("offered: %+v", got)
		}
		return got.Phase == model.PhaseFinished
	})
}

// What rollbook says of a rollout is what kubectl rollout status says of the same
// state of the object, at any moment.
func TestProgressIsKubectls(t *testing.T) {
	scale := func(x *rollout) {
		kubectl(t, "", "-n", x.w.Namespace, "scale", x.w.Kind.Resource()+"/api", "--replicas=5")
	}
	for _, tt := range []struct {
		name   string
		kind   model.Kind
		spec   string         // that the workload has beside the usual
		then   func(*rollout) // after the first end
		failed bool           // kubectl gives it up
	}{
		{name: "Deployment", kind: model.Deployment, then: scale},
		{name: "Deployment that exceeds its deadline", kind: model.Deployment, failed: true},
		{name: "Deployment, Recreate", kind: model.Deployment, spec: `"strategy":{"type":"Recreate"},`},
		{name: "StatefulSet", kind: model.StatefulSet, then: scale},
		{name: "StatefulSet with a partition", kind: model.StatefulSet, spec: `"updateStrategy":{"rollingUpdate":{"partition":1}},`, then: scale},
		{name: "StatefulSet, parallel", kind: model.StatefulSet, spec: `"podManagementPolicy":"Parallel",`, then: scale},
		{name: "DaemonSet", kind: model.DaemonSet},
		{name: "DaemonSet with a surge", kind: model.DaemonSet, spec: `"updateStrategy":{"rollingUpdate":{"maxSurge":1,"maxUnavailable":0}},`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			start := pace(t)
			if tt.failed {
				tt.spec = fmt.Sprintf(`"progressDeadlineSeconds":%d,`, 2*start+1)
			}
			x := newRolloutOf(t, tt.kind, tt.spec, start)
			if tt.failed { // what is gone back to does not get ready either
				x.release("api:bad", "never-ready")
				x.until("the deadline is exceeded", func(c *model.Component) bool { return c.Progressing.Reason == "ProgressDeadlineExceeded" })
				x.release("api:2", "")
				x.until("it is released", func(c *model.Component) bool { return c.Revision == 3 && x.atRest(c) })
				x.undo(2)
			} else {
				x.release("api:2", "")
				x.until("it is released", func(c *model.Component) bool { return c.Revision == 2 && x.atRest(c) })
				x.undo(1)
			}
			running, ended := x.compare(t, tt.failed)
			if tt.then != nil {
				tt.then(x)
				more, _ := x.compare(t, false)
				running += more
			}
			t.Logf("the same at %d moments under way and %d at the end", running, ended)
			if running < 2 || ended == 0 {
				t.Errorf("too few moments were compared: %d under way, %d at the end", running, ended)
			}
		})
	}
}

// rollout is a workload called api with three pods that take a while to get ready,
// and a board that shows it.
type rollout struct {
	t *testing.T
	c *Client
	w model.Workload
	b *watched
	p model.Plan
	r model.Receipt
}

func newRollout(t *testing.T, kind model.Kind, spec string) *rollout {
	t.Helper()
	return newRolloutOf(t, kind, spec, usualStart)
}

// usualStart is how many seconds a pod takes to get ready.
const usualStart = 3

// pace returns how many seconds a pod must take to get ready for kubectl to be asked
// meanwhile, twice, as loaded as this machine is.
func pace(t *testing.T) int {
	t.Helper()
	begun := time.Now()
	kubectl(t, "", "get", "namespace", "default")
	return max(usualStart, int(math.Ceil(2*time.Since(begun).Seconds())))
}

func newRolloutOf(t *testing.T, kind model.Kind, spec string, start int) *rollout {
	t.Helper()
	x := &rollout{t: t, w: model.Workload{Kind: kind, Namespace: namespace(t), Name: "api"}}
	x.c = client(t, x.w.Namespace, Options{})
	x.b = watching(t, x.c)
	spec += map[model.Kind]string{model.Deployment: `"replicas":3,`, model.StatefulSet: `"serviceName":"api","replicas":3,`}[kind]
	kubectl(t, fmt.Sprintf(`{"apiVersion":"apps/v1","kind":%q,"metadata":{"name":"api"},"spec":{%s"selector":{"matchLabels":{"app":"api"}},
	 "template":{"metadata":{"labels":{"app":"api"},"annotations":{"testbed/start":"%ds"}},"spec":{"terminationGracePeriodSeconds":1,"containers":[{"name":"api","image":"api:1"}]}}}}`,
		kind, spec, start), "-n", x.w.Namespace, "create", "-f", "-")
	x.until("it runs", func(c *model.Component) bool {
		return c.Revision == 1 && c.Desired == 3 && c.Available == 3 && c.Observed == c.Generation
	})
	return x
}

func (x *rollout) line() *model.Component { return x.b.line("api") }

func (x *rollout) until(what string, ok func(c *model.Component) bool) {
	x.t.Helper()
	eventually(x.t, 90*time.Second, what, func() bool {
		c := x.line()
		return c != nil && c.Missing == "" && ok(c)
	})
}

// atRest reports whether all pods are there, and new where they are to be.
func (x *rollout) atRest(c *model.Component) bool {
	return c.Observed == c.Generation && c.Available == c.Desired && c.Replicas == c.Desired && c.Updated == c.Desired-c.Partition
}

func (x *rollout) release(image, behaviour string) {
	x.t.Helper()
	kubectl(x.t, "", "-n", x.w.Namespace, "patch", x.w.Kind.Resource(), "api", "-p", fmt.Sprintf(
		`{"spec":{"template":{"metadata":{"annotations":{"testbed/behaviour":%q}},"spec":{"containers":[{"name":"api","image":%q}]}}}}`, behaviour, image))
}

// undo goes back to a revision, as the board has it now.
func (x *rollout) undo(to int64) (pf model.Preflight) {
	x.t.Helper()
	u := NewUndo(x.c)
	u.Plan(x.t.Context(), x.line(), numbered(x.t, x.c, x.line(), to), func(p model.Preflight) { pf = p })
	if len(pf.Plans) != 1 {
		x.t.Fatal(pf.Err)
	}
	x.p = pf.Plans[0]
	var err error
	if x.r, err = u.Do(x.t.Context(), x.p, nil); err != nil {
		x.t.Fatal(err)
	}
	return pf
}

func (x *rollout) judge(c *model.Component) model.Progress { return NewUndo(x.c).Judge(c, &x.p, &x.r) }

// kubectlStatus is what kubectl rollout status says now.
func (x *rollout) kubectlStatus() (said string, done, failed bool) {
	x.t.Helper()
	said, err := tryKubectl(x.t, "", "-n", x.w.Namespace, "rollout", "status", x.w.Kind.Resource()+"/api", "--watch=false")
	if err != nil && !strings.Contains(said, "exceeded its progress deadline") {
		x.t.Fatal(err)
	}
	return said, strings.Contains(said, "successfully rolled out") || strings.Contains(said, "roll out complete") || strings.Contains(said, "rolling update complete"), err != nil
}

// state reads the object: its version, and what both verdicts rest on.
func (x *rollout) state() (version, counts string) {
	x.t.Helper()
	o, err := x.c.get(x.t.Context(), x.w.Namespace, x.w.Kind.Resource(), "api")
	if err != nil {
		x.t.Fatal(err)
	}
	var s struct {
		ObservedGeneration                                                     int64
		Replicas, UpdatedReplicas, ReadyReplicas, AvailableReplicas            int
		DesiredNumberScheduled, CurrentNumberScheduled, UpdatedNumberScheduled int
		NumberReady, NumberAvailable                                           int
		Conditions                                                             []struct{ Type, Reason string }
	}
	if err := json.Unmarshal(o.Status, &s); err != nil {
		x.t.Fatal(err)
	}
	desired, reason := s.DesiredNumberScheduled, ""
	if raw := o.Spec["replicas"]; raw != nil {
		if err := json.Unmarshal(raw, &desired); err != nil {
			x.t.Fatal(err)
		}
	}
	for _, c := range s.Conditions {
		if c.Type == "Progressing" {
			reason = c.Reason
		}
	}
	// A kind has the one or the other.
	return o.Metadata.ResourceVersion, countsOf(o.Metadata.Generation, s.ObservedGeneration, desired, s.Replicas+s.CurrentNumberScheduled,
		s.UpdatedReplicas+s.UpdatedNumberScheduled, s.ReadyReplicas+s.NumberReady, s.AvailableReplicas+s.NumberAvailable, reason)
}

func countsOf(generation, observed int64, desired, replicas, updated, ready, available int, reason string) string {
	return fmt.Sprintf("generation %d/%d, %d desired, %d there, %d updated, %d ready, %d available, %s", observed, generation, desired, replicas, updated, ready, available, reason)
}

// compare lays both verdicts beside each other until the rollout is at its end, and
// counts the moments at which both were about the same state.
func (x *rollout) compare(t *testing.T, fails bool) (running, ended int) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); ended < 2; {
		if time.Now().After(end) {
			t.Fatalf("no end: %+v", x.judge(x.line()))
		}
		before, counts := x.state()
		said, done, failed := x.kubectlStatus()
		if after, _ := x.state(); after != before {
			continue
		}
		var c *model.Component
		same := false
		for wait := time.Now().Add(time.Second); !same && time.Now().Before(wait); time.Sleep(20 * time.Millisecond) {
			c = x.line()
			same = counts == countsOf(c.Generation, c.Observed, c.Desired, c.Replicas, c.Updated, c.Ready, c.Available, c.Progressing.Reason)
		}
		if !same {
			continue // the board is further already
		}
		got := x.judge(c)
		if (got.Phase == model.PhaseFinished) != done || (got.Phase == model.PhaseFailed) != failed {
			t.Errorf("at %s kubectl says %q, and we say %s %q", counts, strings.TrimSpace(said), got.Phase, got.Text)
		}
		if done && !fails || failed && fails {
			ended++
		} else {
			running++
		}
	}
	return running, ended
}

func podNamed(c *model.Component, name string) *model.Pod {
	for i := range c.Pods {
		if c.Pods[i].Name == name {
			return &c.Pods[i]
		}
	}
	return nil
}
