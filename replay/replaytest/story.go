// Package replaytest has the journal of a whole incident, for the tests of what
// reads one.
package replaytest

import (
	"sync"
	"time"

	"rollbook/incident"
	"rollbook/model"
)

// The ReplicaSets of the story. An undo gives the old one a new number, and leaves it
// its name.
const (
	badRS  = "backend-python-5d88c4f7b9" // revision 42
	goodRS = "backend-python-7c9f6d5b84" // revision 41, which becomes 43
)

const undo model.Method = "undo"

// What the story rolls back, and its one write.
var (
	python  = model.Release("backend-python")
	undoing = incident.WriteID{N: 1, Plan: "plan-41"}
)

// Path is where the story's journal lies.
const Path = "/var/incidents/INC-20261123-0256-backend-python/journal.jsonl"

// Story returns the facts of an incident from its beginning to its close: a sample
// every 15 s, a rollback, a message, a call.
func Story() []incident.Fact {
	t0 := time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)
	var facts []incident.Fact
	at := t0
	add := func(by string, b incident.Body) { facts = append(facts, incident.Fact{At: at, By: by, Body: b}) }
	after := func(d time.Duration) { at = at.Add(d) }
	set := incident.Settings{
		Namespace: "production", Context: "prod-eu", Production: true, Operator: "maria", Limits: model.DefaultLimits(), Verify: incident.DefaultVerify(),
		Scrape: 15 * time.Second, Poll: 5 * time.Second,
		Contacts: []incident.Contact{{Role: "CTO", Name: "Ada", How: "+49 30 1234569", When: "more than 30 minutes of downtime, or data loss"}},
	}
	set.Channels = []model.Channel{{ID: "slack/incidents", Kind: model.ChannelSlack, Name: "incidents", Host: "hooks.slack.com"}}
	set.Components = []model.Target{{ID: "backend-python", Workload: model.Workload{Kind: model.Deployment, Namespace: "production", Name: "backend-python"},
		Health: []model.Health{{URL: "https://shop.example/healthz", Status: 200}}, Logs: 20}}
	sample := func(ready, updated int, rev int64, errors, p95 float64, progress ...model.Progress) {
		up := float64(ready)
		want := 6.0
		b := incident.Sampled{Components: []incident.SampleOf{{Component: "backend-python", Revision: rev, Ready: ready, Desired: 6, Replicas: 6, Updated: updated,
			Available: ready, Errors: &errors, P95: &p95, Up: &up, Targets: &want}}}
		if len(progress) > 0 {
			none := 0.
			b.Components[0].OldErrors, b.Components[0].NewErrors = &errors, &none
		}
		for _, p := range progress {
			b.Progress = append(b.Progress, incident.ProgressOf{WriteID: undoing, Progress: p})
		}
		add("", b)
	}
	add("", incident.Began{Settings: set, Version: "1.0"})
	after(time.Minute)
	onset := at.Add(-5 * time.Minute)
	add("", incident.Rose{Trigger: incident.Trigger{Component: "backend-python", Kind: incident.TErrors, Onset: onset, At: at, Value: .124, Limit: .05, For: 5 * time.Minute,
		Text: "errors over 5% for 5m (limit 5m) on backend-python"}})
	add("", incident.Noticed{Component: "backend-python", What: "pods of revision 42: CrashLoopBackOff (exit 1)", Text: "pods of revision 42: CrashLoopBackOff (exit 1)"})
	add("", incident.Noticed{Component: "backend-python", What: "revision", Text: "revision 42 registry.example/shop/api:2026.11.23-2"})
	add("", incident.Judged{Verdict: incident.Now, Text: "errors over 5% for 5m (limit 5m) on backend-python"})
	add("", incident.ClockRan{Running: true, Since: onset})
	after(40 * time.Second)
	add("maria", incident.Opened{ID: "INC-20261123-0256-backend-python", Cluster: "4f1c", User: "maria@corp", Onset: onset})
	add("maria", incident.Moved{To: incident.Decision})
	for range 4 {
		after(15 * time.Second)
		sample(4, 6, 42, .124, 1.84)
	}
	add("maria", incident.Said{Question: incident.QDataLoss, Answer: incident.Answer{Answer: model.TriNo, By: "maria", At: at}})
	add("maria", incident.Moved{To: incident.Choose, Verdict: incident.Now, Text: "errors over 5% for 7m (limit 5m) on backend-python"})
	choice := incident.Choice{Slot: python, Method: undo, From: model.Revision(badRS, 42)}
	add("maria", incident.Chosen{Choice: choice})
	after(300 * time.Millisecond)
	add("", incident.HistoryRead{Role: python.Role, History: versions(at)})
	choice.To, choice.Why = model.Revision(goodRS, 41), "the newest that served well before the onset"
	add("", incident.Chosen{Choice: choice})
	after(15 * time.Second)
	sample(4, 6, 42, .131, 1.9)
	add("maria", incident.Moved{To: incident.Confirm})
	after(10 * time.Second)
	plan := model.Plan{ID: undoing.Plan, Method: undo, Role: python.Role, Component: "backend-python", Workload: set.Components[0].Workload,
		From: model.Revision(badRS, 42), To: model.Revision(goodRS, 41), Title: "Roll back backend-python from revision 42 to revision 41",
		Changes: []model.Change{{Kind: "image", From: "api:2026.11.23-2", To: "api:2026.11.22-7"}},
		Command: "kubectl --context prod-eu -n production rollout undo deployment/backend-python --to-revision=41"}
	add("maria", incident.Confirmed{N: 1, Plans: []model.Plan{plan}, Checks: []model.Check{
		{ID: "access.patch", State: model.CheckOK, Text: "you may patch deployments, create events", Component: "backend-python", Role: python.Role},
		{ID: "configmap.changed:api-env", State: model.CheckWarning, Text: "configmap api-env changed 12m ago: revision 41 will read the new one", Component: "backend-python", Role: python.Role}}})
	add("maria", incident.Moved{To: incident.RollBack})
	add("maria", incident.Intended{WriteID: undoing})
	add("", incident.WriteDone{WriteID: undoing, Receipt: model.Receipt{At: at, Text: "resourceVersion 88123, generation 57"}})
	add("maria", incident.MessageIntended{N: 1, Channel: "slack/incidents", Kind: model.MessageStarted, Title: "[production] Elevated error rate on backend-python", Text: "We are looking into it."})
	after(time.Second)
	add("", incident.MessageSent{N: 1, URL: "https://chat.example/7"})
	for n, p := range []model.Progress{
		{Phase: model.PhaseRunning, Text: "0 of 6 new pods are there"},
		{Phase: model.PhaseRunning, Text: "2 of 6 new pods are there", Share: 1. / 6},
		{Phase: model.PhaseRunning, Text: "4 of 6 new pods are there", Share: 3. / 6},
		{Phase: model.PhaseRunning, Text: "4 of 6 new pods are available", Share: 4. / 6},
	} {
		after(15 * time.Second)
		sample(4, 2*n, 43, .1-.02*float64(n), 1.2, p)
	}
	add("", incident.Noticed{Component: "backend-python", What: "revision", Text: "revision 43 registry.example/shop/api:2026.11.22-7"})
	add("", incident.RolledOut{WriteID: undoing})
	add("maria", incident.Moved{To: incident.Verify})
	add("", incident.HoldBegan{Since: at})
	add("", incident.ClockRan{Since: at})
	add("", incident.Escalated{ID: "data loss", Text: "data were lost", Who: "Ada"})
	since := at
	for range 9 {
		after(15 * time.Second)
		sample(6, 6, 43, .0002, .21, model.Progress{Phase: model.PhaseFinished, Text: "rolled out", Share: 1})
	}
	add("", incident.WasVerified{Recovered: since, Figures: []string{"backend-python error ratio: 0.02%"}})
	add("maria", incident.EscalationAnswered{ID: "data loss", With: incident.EscalationNotNeeded, Reason: "a slip of the hand"})
	add("maria", incident.Moved{To: incident.Close})
	add("", incident.EvidenceKept{Evidence: model.Evidence{At: at, Moment: model.InFull, Dir: "/var/incidents/INC-20261123-0256-backend-python/evidence", Files: 12, Bytes: 480000}})
	add("", incident.ReportWritten{Path: "/var/incidents/INC-20261123-0256-backend-python/report.md", Entries: 20})
	for _, id := range []string{"evidence", "report", "status page", "chat", "follow-up", "tests", "monitoring", "deploy checklist", "canary", "lessons"} {
		after(3 * time.Second)
		add("maria", incident.ItemSettled{ID: id})
	}
	add("maria", incident.Ended{Outcome: "rolled back"})
	add("maria", incident.WasClosed{})
	return facts
}

// versions is the history that the operator of the story chose from.
func versions(at time.Time) model.History {
	known := func(v float64) model.Reading { return model.Reading{Known: true, Value: v} }
	did := func(errors, p95, requests float64) model.Behaviour {
		return model.Behaviour{Errors: known(errors), P95: known(p95), Requests: known(requests)}
	}
	candidate := func(rs string, n int64, ago time.Duration, tag, by, cause string, was model.Behaviour) model.Candidate {
		v := model.Revision(rs, n)
		v.Tag = tag
		return model.Candidate{Version: v, Start: at.Add(-ago), By: by, Cause: cause, Images: []string{"registry.example/shop/api:" + tag}, Vary: 1, Behaviour: was,
			Changes: []model.Change{{Kind: "image", From: "registry.example/shop/api:2026.11.23-2", To: "registry.example/shop/api:" + tag},
				{Kind: "env", What: "api PAYMENT_URL", From: "configmap api-env"}}}
	}
	bad := candidate(badRS, 42, 8*time.Minute, "2026.11.23-2", "gitlab-ci", "checkout v2", model.Behaviour{})
	bad.Current, bad.Changes, bad.Now = true, nil, did(.124, 1.84, 9120)
	return model.History{Component: python.Component, Method: undo, At: at, Candidates: []model.Candidate{bad,
		candidate(goodRS, 41, 26*time.Hour, "2026.11.22-7", "gitlab-ci", "fix tax", did(.002, .205, 18211)),
		candidate("backend-python-6b7d9c4f58", 40, 96*time.Hour, "2026.11.19-1", "jonas", "", model.Behaviour{})}}
}

// Long returns so many facts, or a few more: the story with its samples over and
// over, and without its end.
func Long(n int) []incident.Fact {
	facts := Story()
	head, samples := facts[:len(facts)-14:len(facts)-14], facts[len(facts)-30:len(facts)-20]
	for len(head) < n {
		f := samples[len(head)%len(samples)]
		f.At = head[len(head)-1].At.Add(15 * time.Second)
		head = append(head, f)
	}
	return head
}

// Source hands over facts as they are added. Its methods may be called from
// several goroutines.
type Source struct {
	mu    sync.Mutex
	facts []incident.Fact
	err   error
	free  bool
}

// NewSource makes a source that has these facts, and that a program holds.
func NewSource(facts []incident.Fact) *Source { return &Source{facts: facts} }

// Add writes more facts.
func (s *Source) Add(facts ...incident.Fact) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.facts = append(s.facts, facts...)
}

// Fail makes reading fail from now on; nil ends that.
func (s *Source) Fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// Leave makes the program that holds the journal end, or begin again.
func (s *Source) Leave(left bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = left
}

// More returns the facts that were not handed over yet.
func (s *Source) More() ([]incident.Fact, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return nil, s.err
	}
	facts := s.facts
	s.facts = nil
	return facts, nil
}

// Held reports whether a program holds the journal.
func (s *Source) Held() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.free
}
