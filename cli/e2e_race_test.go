//go:build e2e

package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rollbook/config"
	"rollbook/engine"
	"rollbook/engine/porttest"
	"rollbook/incident"
	"rollbook/kube"
	"rollbook/model"
)

// unmeasured is a Prometheus that is not there.
type unmeasured struct{}

func (unmeasured) To() (string, string) { return "", "not configured" }
func (unmeasured) Poll(context.Context, model.Poll) (map[string]*model.Figures, error) {
	return nil, errNotThere
}
func (unmeasured) Behaviour(context.Context, model.Target, []string, time.Time) (map[string]model.Behaviour, error) {
	return nil, errNotThere
}
func (unmeasured) Baseline(context.Context, []model.Target, time.Time) (map[string]model.Baseline, error) {
	return nil, errNotThere
}

// racer is an operator without a screen, as a user of their own.
type racer struct {
	t    *testing.T
	e    *engine.Engine
	name string // of the workload
	who  string
	to   string // the version that it goes back to, as Choose lists it; "" = "1"
	// schema is the migration that its schema is taken back to first; "" = it stays.
	schema string
	last   string
}

// newRacer begins one; via is another way to the API server.
func newRacer(t *testing.T, ns, name, user, who string, leases bool, via ...string) (*racer, func()) {
	t.Helper()
	return newRacerWith(t, config.Defaults(), ns, name, user, who, leases, via...)
}

// newRacerWith begins one with a configuration.
func newRacerWith(t *testing.T, cfg *config.Config, ns, name, user, who string, leases bool, via ...string) (*racer, func()) {
	t.Helper()
	flags := &kube.Flags{Kubeconfig: env(t, "ROLLBOOK_CLUSTER")}
	flags.Context.Namespace, flags.CurrentContext = ns, user
	if len(via) > 0 {
		flags.ClusterInfo.Server = via[0]
	}
	target := model.Target{ID: name, Workload: model.Workload{Kind: model.Deployment, Namespace: ns, Name: name}}
	return newRacerOf(t, cfg, flags, target, who, leases)
}

// newRacerOf begins one who works on a workload of any kind.
func newRacerOf(t *testing.T, cfg *config.Config, flags *kube.Flags, target model.Target, who string, leases bool) (*racer, func()) {
	t.Helper()
	c, err := kube.Connect(flags, kube.Options{Version: "race", Warn: func(string) {}, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	c.SetTargets([]model.Target{target})
	conf := engine.Config{Cluster: c, Methods: methods(c, cfg, false, nil), Metrics: unmeasured{}, Version: "race", Host: "laptop-of-" + who,
		Journals: []string{t.TempDir()}, IdlePoll: time.Minute,
		Settings: incident.Settings{Namespace: target.Workload.Namespace, Operator: who, Limits: model.DefaultLimits(), Verify: incident.DefaultVerify(),
			Scrape: 15 * time.Second, Poll: 5 * time.Second, Components: []model.Target{target},
			Recovery: incident.Recovery{Maintenance: cfg.Recovery.Maintenance}}}
	if leases {
		conf.Leases = c
	}
	name := target.ID
	r := &racer{t: t, e: engine.New(conf), name: name, who: who}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.e.Run(ctx) }()
	return r, func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func (r *racer) once(what string, in incident.Act) {
	if r.last != what {
		r.last = what
		r.e.Send(in)
	}
}

// until acts on each snapshot until act says that it is done.
func (r *racer) until(what string, act func(*incident.Snapshot) bool) *incident.Snapshot {
	return r.within(30*time.Second, what, act)
}

// within is until for what takes so long.
func (r *racer) within(long time.Duration, what string, act func(*incident.Snapshot) bool) *incident.Snapshot {
	deadline := time.After(min(porttest.Patience(long), long+time.Minute))
	for {
		s := r.e.Snapshot()
		if act(s) {
			return s
		}
		select {
		case <-r.e.Changed():
		case <-time.After(10 * time.Millisecond):
		case <-deadline:
			r.t.Errorf("%s: not in time: %s; at %s: %s; chosen %+v", r.who, what, s.Incident.Step.Name(), s.Incident.Step.Blocked(s), s.Incident.Choices)
			return s
		}
	}
}

// toConfirm goes up to a confirmation of which it is known whether it is open.
func (r *racer) toConfirm() *incident.Snapshot {
	return r.until("the confirmation", func(s *incident.Snapshot) bool {
		i := &s.Incident
		switch i.Step {
		case incident.Assess, incident.Decision:
			if i.Step.Blocked(s) == "" {
				r.once("next from "+i.Step.Name(), incident.Next{})
			}
		case incident.Choose:
			slot := model.Release(r.name)
			switch c := i.Choice(slot); {
			case c == nil:
				r.once("select", incident.Select{Component: r.name, On: true})
			case c.To.Short != cmp.Or(r.to, "1"):
				h := s.Seen.History[slot]
				if h == nil {
					return false
				}
				if n := slices.IndexFunc(h.Candidates, func(x model.Candidate) bool { return x.Short == cmp.Or(r.to, "1") }); n >= 0 {
					r.once("pick", incident.Pick{Component: r.name, To: h.Candidates[n].Key})
				}
			case r.schema != "" && i.Choice(incident.Schema(r.name)) == nil:
				if h := s.Seen.History[incident.Schema(r.name)]; h != nil && h.Candidate(r.schema) != nil {
					r.once("pick schema", incident.PickSchema{Component: r.name, To: r.schema})
				}
			case i.Step.Blocked(s) == "":
				r.once("next", incident.Next{})
			}
		case incident.Confirm:
			if of := s.Seen.Preflight[incident.Schema(r.name)]; r.schema != "" && (of == nil || !of.Done) {
				return false
			}
			p := s.Seen.Preflight[model.Release(r.name)]
			l, asked := s.Seen.Leases[r.name]
			return p != nil && p.Done && (!asked || l.Asking.IsZero()) && r.overrides(s)
		}
		return false
	})
}

// overrides lifts what stands against the write and may be lifted: nobody here has
// figures. It reports whether nothing of that is left.
func (r *racer) overrides(s *incident.Snapshot) bool {
	slot := model.Release(r.name)
	for _, k := range incident.CheckLines(s, *s.Incident.Choice(slot)) {
		if k.State == model.CheckBlocked && !k.Hard && k.ID != "lease" && !s.Incident.Overridden(slot, k) {
			r.once("override "+k.Text, incident.OverrideCheck{Slot: slot, Check: k.ID, Reason: "it is a test"})
			return false
		}
	}
	return true
}

func (r *racer) confirm(s *incident.Snapshot) {
	if p := s.Seen.Preflight[model.Release(r.name)]; p != nil && len(p.Plans) > 0 {
		r.e.Send(incident.ConfirmWrite{Word: incident.ConfirmWord(&s.Incident), Plans: []string{p.Plans[0].ID}})
	}
}

// told is what an operator is told who did not write; "" when that is nothing.
func told(s *incident.Snapshot) string {
	if s.Incident.Asked == incident.AskChanged || s.Incident.Asked == incident.AskFailed {
		return s.Incident.AskText
	}
	if p := s.Seen.Preflight[model.Release(s.Incident.Settings.Components[0].ID)]; p != nil && p.Done && len(p.Plans) > 0 && p.Plans[0].Same {
		return p.Plans[0].Title // the other one came before this one looked
	}
	if c := incident.LeaseCheck(s, s.Incident.Settings.Components[0].ID); c != nil && c.State == model.CheckBlocked {
		return c.Text
	}
	return ""
}

func hasWritten(s *incident.Snapshot) bool {
	for _, a := range s.Incident.Attempts {
		for _, w := range a.Writes {
			if w.State == incident.Rolling || w.State == incident.Done {
				return true
			}
		}
	}
	return false
}

// TestTwoOperatorsRace lets two operators, as two users, roll back the same
// workload at the same moment: a hundred times. Every second time they have no
// Leases, so that nothing but the plan keeps the two writes apart.
func TestTwoOperatorsRace(t *testing.T) {
	t.Parallel()
	const races, beside = 100, 4
	var mu sync.Mutex
	byLease, byPlan := 0, 0
	for lane := range beside {
		t.Run(fmt.Sprint("lane ", lane), func(t *testing.T) {
			t.Parallel()
			ns := emptyNamespace(t)
			for n := range races / beside {
				leases := n%2 == 0
				why := race(t, ns, fmt.Sprint("api-", n), leases)
				mu.Lock()
				if strings.Contains(why, "laptop-of-") {
					byLease++
				} else {
					byPlan++
				}
				mu.Unlock()
				if t.Failed() {
					return
				}
			}
		})
	}
	t.Cleanup(func() { t.Logf("told by the lease: %d, by the plan: %d", byLease, byPlan) })
}

func emptyNamespace(t *testing.T) string {
	t.Helper()
	ns := fmt.Sprintf("e2e-race-%x", time.Now().UnixNano())
	kubectl(t, "create", "namespace", ns)
	t.Cleanup(func() { kubectl(t, "delete", "namespace", ns, "--wait=false") })
	return ns
}

// race is one of them; it returns what the second is told.
func race(t *testing.T, ns, name string, leases bool) string {
	t.Helper()
	kubectl(t, "-n", ns, "create", "deployment", name, "--image=api:1", "--replicas=1")
	settled(t, ns, name, "1")
	kubectl(t, "-n", ns, "set", "image", "deploy/"+name, "api=api:2")
	settled(t, ns, name, "2")
	before := kubectl(t, "-n", ns, "get", "deploy", name, "-o", "jsonpath={.metadata.generation}")
	a, endA := newRacer(t, ns, name, "oncall", "maria", leases)
	defer endA()
	b, endB := newRacer(t, ns, name, "testbed", "jonas", leases)
	defer endB()
	both := []*racer{a, b}
	at := make([]*incident.Snapshot, 2)
	var wg sync.WaitGroup
	for n, r := range both {
		wg.Go(func() { at[n] = r.toConfirm() })
	}
	wg.Wait()
	start := make(chan struct{})
	for n, r := range both {
		wg.Go(func() {
			<-start
			r.confirm(at[n])
		})
	}
	close(start)
	wg.Wait()
	wrote, why := 0, ""
	for _, r := range both {
		s := r.until("an end of the race", func(s *incident.Snapshot) bool { return hasWritten(s) || told(s) != "" && !r.e.Writing() })
		if hasWritten(s) {
			wrote++
		} else {
			why = told(s)
		}
	}
	if wrote != 1 || why == "" {
		t.Errorf("%s: %d of two wrote; the other is told %q", name, wrote, why)
	}
	image := kubectl(t, "-n", ns, "get", "deploy", name, "-o", "jsonpath={.spec.template.spec.containers[0].image}")
	after := kubectl(t, "-n", ns, "get", "deploy", name, "-o", "jsonpath={.metadata.generation}")
	if image != "api:1" || len(after) == 0 || atoi(t, after) != atoi(t, before)+1 {
		t.Errorf("%s: runs %s, generation %s became %s", name, image, before, after)
	}
	return why
}

func atoi(t *testing.T, s string) (n int) {
	t.Helper()
	if _, err := fmt.Sscan(s, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// settled waits until the controller has taken a revision up.
func settled(t *testing.T, ns, name, revision string) {
	t.Helper()
	for end := time.Now().Add(porttest.Patience(20 * time.Second)); ; time.Sleep(20 * time.Millisecond) {
		got := kubectl(t, "-n", ns, "get", "deploy", name, "-o", `jsonpath={.metadata.annotations.deployment\.kubernetes\.io/revision} {.metadata.generation}={.status.observedGeneration}`)
		if rev, gens, _ := strings.Cut(got, " "); rev == revision {
			if g, o, _ := strings.Cut(gens, "="); g == o {
				return
			}
		}
		if time.Now().After(end) {
			t.Fatalf("revision %s of %s is not taken up: %s", revision, name, got)
		}
	}
}
