package ui

import (
	"testing"
	"time"

	"rollbook/model"
)

// story is the journal of an incident from its beginning to its close: a sample
// every 15 s, a rollback, a message, a call.
func story() []model.Fact {
	t0 := now.Add(-20 * time.Minute)
	var facts []model.Fact
	at := t0
	add := func(by string, b model.Body) { facts = append(facts, model.Fact{At: at, By: by, Body: b}) }
	after := func(d time.Duration) { at = at.Add(d) }
	set := settings()
	set.Channels = []model.Channel{{ID: "slack/incidents", Kind: model.ChannelSlack, Name: "incidents", Host: "hooks.slack.com"}}
	set.Components = []model.Target{{ID: "backend-python", Workload: model.Workload{Kind: model.Deployment, Namespace: "production", Name: "backend-python"},
		Health: []model.Health{{URL: "https://shop.example/healthz", Status: 200}}, Logs: 20}}
	gen := int64(56)
	sample := func(ready, updated int, rev int64, errors, p95 float64, hash string) {
		up := float64(ready)
		want := 6.0
		add("", model.Sampled{Components: []model.SampleOf{{Component: "backend-python", Revision: rev, Ready: ready, Desired: 6, Replicas: 6, Updated: updated,
			Available: ready, Generation: gen, Observed: gen, Hash: hash, Errors: &errors, P95: &p95, Up: &up, Targets: &want}}})
	}
	add("", model.Began{Settings: set, Version: "1.0"})
	after(time.Minute)
	onset := at.Add(-5 * time.Minute)
	add("", model.Rose{Trigger: model.Trigger{Component: "backend-python", Kind: model.TErrors, Onset: onset, At: at, Value: .124, Limit: .05, For: 5 * time.Minute,
		Text: "errors over 5% for 5m (limit 5m) on backend-python"}})
	add("", model.Noticed{Component: "backend-python", What: "pods of revision 42: CrashLoopBackOff (exit 1)", Text: "pods of revision 42: CrashLoopBackOff (exit 1)"})
	add("", model.Noticed{Component: "backend-python", What: "revision", Text: "revision 42 registry.example/shop/api:2026.11.23-2"})
	add("", model.Judged{Verdict: model.Now, Text: "errors over 5% for 5m (limit 5m) on backend-python"})
	add("", model.ClockRan{Running: true, Since: onset})
	after(40 * time.Second)
	add("maria", model.Opened{ID: "INC-20261123-0256-backend-python", Cluster: "4f1c", User: "maria@corp", Onset: onset})
	add("maria", model.Moved{To: model.Decision})
	for range 4 {
		after(15 * time.Second)
		sample(4, 6, 42, .124, 1.84, "hash-42")
	}
	add("maria", model.Said{Question: model.QDataLoss, Answer: model.Answer{Answer: model.TriNo, By: "maria", At: at}})
	add("maria", model.Moved{To: model.Choose, Verdict: model.Now, Text: "errors over 5% for 7m (limit 5m) on backend-python"})
	add("", model.Chosen{Choice: model.Choice{Component: "backend-python", From: 42, To: 41, Why: "the newest that served well before the onset"}})
	after(15 * time.Second)
	sample(4, 6, 42, .131, 1.9, "hash-42")
	add("maria", model.Moved{To: model.Confirm})
	after(10 * time.Second)
	plan := model.Plan{ID: "plan-41", Component: "backend-python", Workload: set.Components[0].Workload, From: 42, To: 41, FromHash: "hash-42", ToHash: "hash-41",
		Changes: []model.Change{{Kind: "image", From: "api:2026.11.23-2", To: "api:2026.11.22-7"}},
		Command: "kubectl --context prod-eu -n production rollout undo deployment/backend-python --to-revision=41"}
	add("maria", model.Confirmed{N: 1, Plans: []model.Plan{plan}, Checks: []model.Check{{ID: "access.patch", State: model.CheckOK, Text: "you may patch deployments, create events"},
		{ID: "configmap.changed:api-env", State: model.CheckWarning, Text: "configmap api-env changed 12m ago: revision 41 will read the new one"}}})
	add("maria", model.Moved{To: model.RollBack})
	add("maria", model.Intended{N: 1, Component: "backend-python"})
	add("", model.WriteDone{N: 1, Component: "backend-python", Written: model.Written{ResourceVersion: "88123", Generation: 57, At: at}})
	gen = 57
	add("maria", model.MessageIntended{N: 1, Channel: "slack/incidents", Kind: model.MessageStarted, Title: "[production] Elevated error rate on backend-python", Text: "We are looking into it."})
	after(time.Second)
	add("", model.MessageSent{N: 1, URL: "https://chat.example/7"})
	for n := range 4 {
		after(15 * time.Second)
		sample(4, 2*n, 43, .1-.02*float64(n), 1.2, "hash-41")
	}
	add("", model.Noticed{Component: "backend-python", What: "revision", Text: "revision 43 registry.example/shop/api:2026.11.22-7"})
	add("", model.RolledOut{N: 1, Component: "backend-python"})
	add("maria", model.Moved{To: model.Verify})
	add("", model.HoldBegan{Since: at})
	add("", model.ClockRan{Since: at})
	add("", model.Escalated{ID: "data loss", Text: "data were lost", Who: "Ada"})
	since := at
	for range 9 {
		after(15 * time.Second)
		sample(6, 6, 43, .0002, .21, "hash-41")
	}
	add("", model.WasVerified{Recovered: since, Figures: []string{"backend-python error ratio: 0.02%"}})
	add("maria", model.EscalationAnswered{ID: "data loss", With: model.EscalationNotNeeded, Reason: "a slip of the hand"})
	add("maria", model.Moved{To: model.Close})
	add("", model.EvidenceKept{Evidence: model.Evidence{At: at, Moment: model.InFull, Dir: "/var/incidents/INC-20261123-0256-backend-python/evidence", Files: 12, Bytes: 480000}})
	add("", model.ReportWritten{Path: "/var/incidents/INC-20261123-0256-backend-python/report.md", Entries: 20})
	for _, id := range []string{"evidence", "report", "status page", "chat", "follow-up", "tests", "monitoring", "deploy checklist", "canary", "lessons"} {
		after(3 * time.Second)
		add("maria", model.ItemSettled{ID: id})
	}
	add("maria", model.Ended{Outcome: "rolled back"})
	add("maria", model.WasClosed{})
	return facts
}

const storyPath = "/var/incidents/INC-20261123-0256-backend-python/journal.jsonl"

func replayed(t testing.TB, facts []model.Fact) *Replay {
	t.Helper()
	r, err := NewReplay(facts, storyPath)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// replayApp is a screen that shows a journal, at 80×24.
func replayApp(t testing.TB, facts []model.Fact) *App {
	t.Helper()
	l := dark
	a := New(Options{Engine: replayed(t, facts), Look: &l, Width: 80, Height: 24})
	a.at, a.quiet = a.inc().Step, true
	return a
}
