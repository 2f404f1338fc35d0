package ui

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"rollbook/incident"
	"rollbook/model"
)

// now is when all fixtures are looked at.
// It is told in a zone of its own: what is shown is in UTC, wherever the operator is.
var now = time.Date(2026, 11, 23, 3, 20, 0, 0, time.UTC).In(time.FixedZone("UTC-5", -5*60*60))

func ago(d time.Duration) time.Time { return now.Add(-d) }

// The ReplicaSets of backend-python. An undo gives the old one a new number, and
// it keeps its name.
const (
	badRS  = "backend-python-5d88c4f7b9" // revision 42
	goodRS = "backend-python-7c9f6d5b84" // revision 41, which becomes 43
)

// undo is the only method of these fixtures.
const undo model.Method = "undo"

var (
	python  = model.Release("backend-python")
	undoing = incident.WriteID{N: 1, Plan: "plan-41"}
)

// dark is what most frames are drawn in.
var dark = Look{Profile: colorprofile.TrueColor}

// still is an engine that never has anything new and must not be asked for
// anything.
type still struct {
	t    testing.TB
	snap *incident.Snapshot
}

func (e still) Snapshot() *incident.Snapshot { return e.snap }
func (e still) Changed() <-chan struct{}     { return nil }
func (e still) Send(do incident.Act)         { e.t.Errorf("unexpected input %#v", do) }
func (e still) Writing() bool                { return false }

// library answers every reading with the same text.
type library struct{}

func (library) Logs(context.Context, *model.Component, string, string, bool, int) ([]model.LogLine, error) {
	line := func(ago time.Duration, level, text string) model.LogLine {
		return model.LogLine{At: now.Add(-ago), Level: level, Text: text}
	}
	json := line(41*time.Second, "warn", "no cache: dial tcp 10.0.0.9:6379: connect: connection refused")
	json.Rest = "logger=shop.cache trace_id=8f14e45fceea467f9f4b1f2a3c4d5e6f attempt=3 pool=main"
	return []model.LogLine{
		line(42*time.Second, "info", "Started server process [1]"), line(42*time.Second, "info", "Waiting for application startup."), json,
		line(40*time.Second, "error", "Traceback (most recent call last):"), line(40*time.Second, "", `  File "/app/settings.py", line 41, in <module>`),
		line(40*time.Second, "", `    PAYMENT_URL = os.environ["PAYMENT_URL"]`), line(40*time.Second, "error", "KeyError: 'PAYMENT_URL'"),
		line(40*time.Second, "error", "Application startup failed. Exiting."), {Text: "[redacted]"},
	}, nil
}

func (library) Follow(context.Context, *model.Component, string, string, int, func([]model.LogLine)) error {
	return nil
}

func (library) Manifest(context.Context, *model.Component) (string, error) {
	return "apiVersion: apps/v1\nkind: Deployment\n", nil
}

func (library) Diff(context.Context, *model.Component, string) (string, error) {
	return "~ image: registry.example/shop/api:2026.11.23-2 → registry.example/shop/api:2026.11.22-7\n" +
		"- env api PAYMENT_URL: configmap api-env\n~ probe api readiness timeout: 1s → 3s\n+ annotation team: shop", nil
}

func (library) Events(context.Context, *model.Component) (model.Events, error) {
	return model.Events{Older: 412, Unread: "no answer from 10.0.0.7:6443 within 10s", List: []model.Event{{At: ago(40 * time.Second), Object: "pod/backend-python-5d88-9lmn2", Type: "Warning", Reason: "BackOff",
		Message: "Back-off restarting failed container api in pod backend-python-5d88-9lmn2", Count: 9}}}, nil
}

// series is a figure with one sample each 15 s, the newest last.
func series(query string, values ...float64) model.Figure {
	f := model.Figure{Step: 15 * time.Second}
	for i, v := range values {
		f.Samples = append(f.Samples, model.Sample{At: ago(time.Duration(len(values)-1-i)*f.Step + 3*time.Second), V: v})
	}
	f.Now = model.Reading{Known: true, Value: values[len(values)-1], At: f.Samples[len(values)-1].At, Query: query}
	return f
}

// ramp is n samples of low, then m of high.
func ramp(low float64, n int, high float64, m int) []float64 {
	return append(slices.Repeat([]float64{low}, n), slices.Repeat([]float64{high}, m)...)
}

func known(v float64) model.Reading {
	return model.Reading{Known: true, Value: v, At: ago(3 * time.Second)}
}

func component(id string, ready, desired int, revision int64, age time.Duration) *model.Component {
	return &model.Component{
		ID: id, Workload: model.Workload{Kind: model.Deployment, Namespace: "production", Name: id}, UID: "uid-" + id,
		Revision: revision, RevisionStart: ago(age), RevisionBy: "gitlab-ci", Images: []string{"registry.example/shop/" + id + ":2026.11.23-2"},
		OwnerName: id + "-7c9f6d5b84", Desired: desired, Replicas: desired, Updated: desired, Ready: ready, Available: ready,
	}
}

// pod is named after its owner, as its controller names it.
func pod(name string, revision int64, state string, ready bool, age time.Duration) model.Pod {
	return model.Pod{Name: name, UID: name, Owner: name[:strings.LastIndexByte(name, '-')], Revision: revision, State: state, Ready: ready, Started: ago(age), Names: []string{"api"}, Bad: "api"}
}

func crashing(name string, revision int64) model.Pod {
	p := pod(name, revision, "CrashLoopBackOff", false, 11*time.Minute)
	p.Failing, p.Restarts, p.Exit, p.ExitAt, p.Message = true, 9, "exit 1", ago(40*time.Second), "Traceback:\nKeyError: 'PAYMENT_URL'"
	return p
}

func settings() incident.Settings {
	return incident.Settings{
		Namespace: "production", Context: "prod-eu", Production: true, Operator: "maria", Limits: model.DefaultLimits(), Verify: incident.DefaultVerify(),
		Scrape: 15 * time.Second, Poll: 5 * time.Second,
		Contacts: []incident.Contact{
			{Role: "on-call", Name: "Maria", How: "+49 30 1234567", When: "first responder"},
			{Role: "lead engineer", Name: "Jonas", How: "+49 30 1234568", When: "the rollback does not resolve the issue"},
			{Role: "CTO", Name: "Ada", How: "+49 30 1234569", When: "more than 30 minutes of downtime, or data loss"},
		},
		Links: []incident.Link{{Name: "incident response", URL: "https://wiki.example/incident-response"}},
	}
}

// filled is the shop with an incident under way, before anybody decided.
func filled() *incident.Snapshot {
	python := component("backend-python", 4, 6, 42, 11*time.Minute)
	python.ChangeCause, python.OwnerName = "checkout v2", badRS
	python.Past = []model.Earlier{
		{Owner: goodRS, Revision: 41, At: ago(26 * time.Hour), Images: []string{"registry.example/shop/backend-python:2026.11.22-7"}, Cause: "fix tax"},
		{Owner: "backend-python-6b7d9c4f58", Revision: 40, At: ago(96 * time.Hour), Images: []string{"registry.example/shop/backend-python:2026.11.19-1"}},
	}
	python.Pods = []model.Pod{
		crashing("backend-python-5d88c4f7b9-9lmn2", 42), crashing("backend-python-5d88c4f7b9-x7k2p", 42),
		pod("backend-python-5d88c4f7b9-b8v7m", 42, "Running", true, 11*time.Minute), pod("backend-python-5d88c4f7b9-c4d5e", 42, "Running", true, 11*time.Minute),
		pod("backend-python-5d88c4f7b9-f6g7h", 42, "Running", true, 11*time.Minute), pod("backend-python-5d88c4f7b9-j8k9l", 42, "Running", true, 11*time.Minute),
	}
	postgres := component("postgres", 1, 1, 3, 40*24*time.Hour)
	postgres.Workload.Kind = model.StatefulSet
	s := &incident.Snapshot{Now: now, Incident: incident.Incident{Settings: settings(), Onset: ago(7*time.Minute + 41*time.Second), Detected: ago(2*time.Minute + 30*time.Second)}}
	s.Seen = incident.Seen{
		Cluster:  model.Connection{To: "10.0.0.1:6443", Heard: ago(time.Second)},
		Metrics:  model.Connection{To: "service:monitoring/prometheus:9090", Heard: ago(2 * time.Second)},
		Identity: model.Identity{Cluster: "4f1c", User: "maria@corp"},
		Board:    []*model.Component{component("frontend", 3, 3, 17, 6*24*time.Hour), python, component("backend-rust", 2, 2, 9, 2*24*time.Hour), postgres},
		Figures: map[string]*model.Figures{
			"backend-python": {At: ago(2 * time.Second), Errors: series(`sum(rate(http_requests_total{app="backend-python",status=~"5.."}[1m])) / sum(rate(http_requests_total{app="backend-python"}[1m]))`, ramp(.003, 10, .124, 29)...),
				P95: series("histogram_quantile(0.95, …)", ramp(.21, 14, 1.84, 25)...)},
			"frontend": {At: ago(2 * time.Second), Errors: series("q", ramp(.002, 20, .003, 19)...), P95: series("q", ramp(.21, 20, .212, 19)...)},
			"backend-rust": {At: ago(2 * time.Second), Errors: model.Figure{Now: model.Unknown("q", "no traffic")},
				P95: model.Figure{Now: model.Unknown("q", "no traffic")}},
			"postgres": {NotMeasured: true},
		},
		Events: []model.Event{{At: ago(40 * time.Second), Component: "backend-python", Object: "pod/backend-python-5d88c4f7b9-9lmn2", Type: "Warning",
			Reason: "BackOff", Message: "Back-off restarting failed container api", Count: 9}},
	}
	s.Incident.Triggers = []incident.Trigger{{Component: "backend-python", Kind: incident.TErrors, Onset: s.Incident.Onset, At: s.Incident.Detected, Value: .124,
		Limit: .05, For: 5 * time.Minute, Text: "errors over 5% for 5m (limit 5m) on backend-python"}}
	now, before := python.Running(), python.Came(&python.Past[0])
	s.Incident.Histories = []incident.HistoryRead{{Role: model.RoleRelease, History: model.History{Component: "backend-python", Method: undo, At: ago(2 * time.Minute),
		Candidates: []model.Candidate{{Version: now, Current: true}, {Version: before, Behaviour: model.Behaviour{Errors: known(.002), P95: known(.205), Requests: known(18211)}, Changes: []model.Change{
			{Kind: "image", What: "api", From: python.Images[0], To: python.Past[0].Images[0]},
			{Kind: "env", What: "api PAYMENT_URL", To: "configmap api-env"},
			{Kind: "env", What: "api ORDERS_V2", From: model.Literal},
			{Kind: "probe", What: "api readiness timeout", From: "3s", To: "1s"},
		}}}}}}
	return s
}

// firing is filled with alerts about its components.
func firing() *incident.Snapshot {
	s := filled()
	s.Seen.Figures["backend-python"].Alerts = []model.Alert{
		{Name: "HighErrorRate", Severity: "page", Since: ago(6*time.Minute + 10*time.Second)},
		{Name: "KubernetesDeploymentReplicasMismatchInProductionForLongerThanTenMinutes", Severity: "warning", Since: ago(5 * time.Minute)},
		{Name: "PodCrashLooping", Since: ago(2 * time.Minute)}, {Name: "ErrorBudgetBurn", Severity: "ticket", Since: ago(time.Minute)},
	}
	s.Seen.Figures["frontend"].Alerts = []model.Alert{{Name: "CertificateExpiresSoon", Severity: "info", Since: ago(3 * time.Hour), Before: true}}
	s.Seen.Figures["backend-rust"].AlertsNo = "the series are another cluster's as well"
	return s
}

// calmed is the shop with nothing over its limit.
func calmed() *incident.Snapshot {
	s := filled()
	s.Incident = incident.Incident{Settings: settings()}
	s.Seen.Board = append([]*model.Component{component("backend-python", 6, 6, 42, 26*time.Hour)}, s.Seen.Board[0])
	f := *s.Seen.Figures["frontend"]
	s.Seen.Figures["backend-python"] = &f
	return s
}

// opened is at Decide: the journal has begun.
func opened() *incident.Snapshot {
	s := filled()
	i := &s.Incident
	i.Suspects = s.Suspects()
	i.ID, i.Opened, i.Operator, i.Cluster = "INC-20261123-0312-backend-python", ago(time.Minute), "maria", "4f1c"
	i.Step, i.Furthest = incident.Decision, incident.Decision
	i.Verdict = incident.VerdictRecord{Verdict: incident.Now, Since: i.Detected}
	s.Seen.Journal = "/home/maria/.local/state/rollbook/incidents/INC-20261123-0312-backend-python/journal.jsonl"
	i.Timeline = []incident.Entry{
		{At: i.Detected, Kind: "bad", Text: "errors over 5% for 5m (limit 5m) on backend-python"},
		{At: i.Opened, By: "maria", Kind: "note", Text: "incident INC-20261123-0312-backend-python opened"},
	}
	return s
}

func chosen() *incident.Snapshot {
	s := opened()
	i := &s.Incident
	i.Step, i.Furthest, i.Decided = incident.Choose, incident.Choose, ago(40*time.Second)
	i.Choices = []incident.Choice{{Slot: python, Method: undo, From: model.Revision(badRS, 42), To: model.Revision(goodRS, 41), Why: "the newest that served well before the onset: 0.2% errors, P95 205ms, 18211 requests"}}
	good := model.Behaviour{Errors: known(.002), P95: known(.205), Requests: known(18211)}
	unknown := model.Behaviour{Errors: model.Unknown("q", "no series"), P95: model.Unknown("q", "no series")}
	rev := func(n int64, rs string, age time.Duration, tag, by, cause string, b model.Behaviour) model.Candidate {
		return model.Candidate{Version: model.Revision(rs, n), Owner: rs, Start: ago(age), By: by, Cause: cause, Images: []string{"registry.example/shop/api:" + tag}, Behaviour: b,
			Changes: []model.Change{
				{Kind: "image", From: "registry.example/shop/api:2026.11.23-2", To: "registry.example/shop/api:" + tag},
				{Kind: "env", What: "api PAYMENT_URL", From: "configmap api-env"},
				{Kind: "probe", What: "api readiness timeout", From: "1s", To: "3s"},
			}}
	}
	running := rev(42, badRS, 11*time.Minute, "2026.11.23-2", "gitlab-ci", "checkout v2", model.Behaviour{Errors: known(.124), P95: known(1.84)})
	running.Current, running.Changes = true, nil
	s.Seen.Ways = []incident.Way{{Method: undo, Title: "Kubernetes undo"}}
	s.Seen.History = map[model.Slot]*model.History{python: {Component: "backend-python", Method: undo, At: ago(30 * time.Second), Candidates: []model.Candidate{
		running, rev(41, goodRS, 26*time.Hour, "2026.11.22-7", "gitlab-ci", "fix tax", good), rev(40, "backend-python-6b7d9c4f58", 96*time.Hour, "2026.11.19-1", "gitlab-ci", "", good),
		rev(38, "backend-python-59cc8d6b74", 9*24*time.Hour, "2026.11.14-3", "jonas", "hotfix", unknown),
	}}}
	i.Timeline = append(i.Timeline, incident.Entry{At: i.Decided, By: "maria", Kind: "choice", Text: "decided: ROLL BACK NOW (errors over 5% for 7m10s (limit 5m) on backend-python)"},
		incident.Entry{At: i.Decided, Kind: "choice", Text: "proposed: revision 41 of backend-python: the newest that served well before the onset"})
	return s
}

// checked is at Confirm with nothing against going on, but what extra says.
func checked(extra ...model.Check) *incident.Snapshot {
	s := chosen()
	i := &s.Incident
	i.Step, i.Furthest = incident.Confirm, incident.Confirm
	to := s.Seen.History[python].Candidates[1]
	plan := model.Plan{ID: undoing.Plan, Method: undo, Role: python.Role, Component: "backend-python", Workload: s.Seen.Board[1].Workload,
		From: s.Incident.Choices[0].From, To: to.Version, Title: "Roll back backend-python from revision 42 to revision 41", Changes: to.Changes,
		Stays:   []string{"replicas 6", "configmap api-env (changed 12m ago)", "schema"},
		Command: "kubectl --context prod-eu -n production rollout undo deployment/backend-python --to-revision=41"}
	s.Seen.Preflight = map[model.Slot]*model.Preflight{python: {Slot: python, To: goodRS, Started: ago(5 * time.Second), Done: true, Plans: []model.Plan{plan},
		Checks: append(extra,
			model.Check{ID: "access.patch", State: model.CheckOK, Text: "you may patch deployments, create events"},
			model.Check{ID: "dryrun", State: model.CheckOK, Text: "admission accepts it (server dry run)"},
			model.Check{ID: "paused", State: model.CheckOK, Text: "not paused"},
			model.Check{ID: "configmap.changed:api-env", State: model.CheckWarning, Text: "configmap api-env changed 12m ago: revision 41 will read the new one"},
			model.Check{ID: "hpa", State: model.CheckNote, Text: "HPA api: 6..20 stays in charge of the replica count"},
			model.Check{ID: "quota", State: model.CheckUnknown, Text: "quota: no answer within 3 s"}),
	}}
	return s
}

var argo = model.Check{ID: "owner.argocd", State: model.CheckBlocked, Text: "Argo CD owns it with self-heal: it will undo this undo", Do: "argocd app set shop --sync-policy none"}

// rolling is at Roll back, 34 s after the write.
func rolling() *incident.Snapshot {
	s := checked()
	i := &s.Incident
	i.Step, i.Furthest = incident.RollBack, incident.RollBack
	w := incident.Write{Plan: s.Seen.Preflight[python].Plans[0], State: incident.Rolling, Intent: ago(34 * time.Second),
		Receipt: model.Receipt{At: ago(34 * time.Second), Text: "resourceVersion 88123, generation 57"}}
	i.Attempts = []incident.Attempt{{N: 1, Confirmed: ago(34 * time.Second), By: "maria", Writes: []incident.Write{w}}}
	c := *s.Seen.Board[1]
	c.Revision, c.RevisionStart, c.RevisionBy, c.OwnerName = 43, ago(34*time.Second), "rollbook", goodRS
	c.Updated, c.Replicas, c.Ready, c.Available = 3, 7, 2, 2
	s.Seen.Progress = map[incident.WriteID]model.Progress{undoing: {Phase: model.PhaseRunning, Text: "3 of 6 new pods are there", Share: 2. / 6}}
	c.Pods = []model.Pod{
		pod("backend-python-7c9f6d5b84-2kq4x", 43, "Running", true, 31*time.Second), pod("backend-python-7c9f6d5b84-b8v7m", 43, "Running", true, 29*time.Second),
		pod("backend-python-7c9f6d5b84-x1x0p", 43, "ContainerCreating", false, 4*time.Second),
		crashing("backend-python-5d88c4f7b9-9lmn2", 42), crashing("backend-python-5d88c4f7b9-x7k2p", 42),
		pod("backend-python-5d88c4f7b9-b8v7m", 42, "Terminating", true, 11*time.Minute), pod("backend-python-5d88c4f7b9-c4d5e", 42, "Running", true, 11*time.Minute),
	}
	s.Seen.Board = slices.Clone(s.Seen.Board)
	s.Seen.Board[1] = &c
	f := *s.Seen.Figures["backend-python"]
	f.Old, f.New = model.Behaviour{Errors: known(.124), P95: known(1.84)}, model.Behaviour{Errors: known(0), P95: known(.21)}
	f.NewErrors, f.NewP95 = series("q", 0, 0).Samples, series("q", .21, .21).Samples
	s.Seen.Figures["backend-python"] = &f
	i.Timeline = append(i.Timeline,
		incident.Entry{At: ago(34 * time.Second), By: "maria", Kind: "write", Text: "confirmed: " + w.Plan.Title},
		incident.Entry{At: ago(34 * time.Second), Kind: "outcome", Text: "written: backend-python (resourceVersion 88123, generation 57)"},
		incident.Entry{At: ago(30 * time.Second), Kind: "seen", Text: "backend-python: revision 43 shop/api:2026.11.22-7"})
	return s
}

// unsettled is at Roll back of an incident that was taken up where its method is not
// configured: only the operator can tell whether it was written.
func unsettled() *incident.Snapshot {
	s := rolling()
	i := &s.Incident
	w := &i.Attempts[0].Writes[0]
	w.State, w.Receipt, w.Err, s.Seen.Progress = incident.Unsettled, model.Receipt{}, "no answer within 10 s", nil
	i.Asked = incident.AskSettle
	i.AskText = `Whether backend-python was written cannot be looked up: the method "undo" is not configured here. Look yourself, then say what you found.`
	i.Timeline = append(i.Timeline[:len(i.Timeline)-2], incident.Entry{At: ago(24 * time.Second), Kind: "bad",
		Text: "no answer to the write to backend-python: no answer within 10 s; looking whether it was done"},
		incident.Entry{At: ago(20 * time.Second), Kind: "note", Text: "taken up again"},
		incident.Entry{At: ago(20 * time.Second), Kind: "bad", Text: i.AskText})
	return s
}

// stuck is at Roll back of a StatefulSet that waits for a broken pod instead of
// replacing it: deleting that pod would get it on.
func stuck() *incident.Snapshot {
	const bad, good = "postgres-7c9f6d5b84", "postgres-59cc8d6b74"
	s, slot, from, to := opened(), model.Release("postgres"), model.Revision(bad, 3), model.Revision(good, 2)
	c := s.Seen.Board[3]
	c.Revision, c.RevisionStart, c.RevisionBy, c.OwnerName = 4, ago(34*time.Second), "rollbook", good
	c.Desired, c.Replicas, c.Updated, c.Ready, c.Available, c.Ordered = 3, 3, 0, 2, 2, true
	c.Pods = []model.Pod{crashing("postgres-2", 3), pod("postgres-1", 3, "Running", true, 40*24*time.Hour), pod("postgres-0", 3, "Running", true, 40*24*time.Hour)}
	c.Pods[0].Message = `FATAL: unrecognized configuration parameter "max_conections"`
	for n := range c.Pods {
		c.Pods[n].Owner, c.Pods[n].Names, c.Pods[n].Bad = bad, []string{"postgres"}, "postgres"
	}
	plan := model.Plan{ID: "plan-2", Method: undo, Role: slot.Role, Component: "postgres", Workload: c.Workload, From: from, To: to,
		Title: "Roll back postgres from revision 3 to revision 2"}
	id := incident.WriteID{N: 1, Plan: plan.ID}
	i := &s.Incident
	i.Step, i.Furthest, i.Decided = incident.RollBack, incident.RollBack, ago(50*time.Second)
	i.Choices = []incident.Choice{{Slot: slot, Method: undo, From: from, To: to, Own: true}}
	i.Attempts = []incident.Attempt{{N: id.N, Confirmed: ago(34 * time.Second), By: "maria", Writes: []incident.Write{{Plan: plan, State: incident.Rolling,
		Intent: ago(34 * time.Second), Receipt: model.Receipt{At: ago(34 * time.Second), Text: "resourceVersion 88123, generation 4"}}}}}
	s.Seen.Progress = map[incident.WriteID]model.Progress{id: {Phase: model.PhaseRunning,
		Text: "pod postgres-2 is not ready, and a StatefulSet waits for it instead of replacing it",
		Aid: &model.Aid{Method: "delete pod", To: model.Version{Key: "postgres-2/postgres-2", Label: "pod postgres-2 made again", Short: "postgres-2"},
			Text: "delete pod postgres-2, so that it is made again"}}}
	i.Timeline = append(i.Timeline,
		incident.Entry{At: ago(40 * time.Second), By: "maria", Kind: "choice", Text: "chose revision 2 of postgres"},
		incident.Entry{At: ago(34 * time.Second), By: "maria", Kind: "write", Text: "confirmed: " + plan.Title},
		incident.Entry{At: ago(34 * time.Second), Kind: "outcome", Text: "written: postgres (resourceVersion 88123, generation 4)"})
	return s
}

// verifying is at Verify, 50 s into the hold.
func verifying() *incident.Snapshot {
	s := rolling()
	i := &s.Incident
	i.Step, i.Furthest, i.RolledOut = incident.Verify, incident.Verify, ago(70*time.Second)
	w := &i.Attempts[0].Writes[0]
	w.State, w.Receipt.At, w.RolledOut, w.Intent = incident.Done, ago(2*time.Minute), i.RolledOut, ago(2*time.Minute)
	i.Attempts[0].Confirmed = w.Intent
	i.Hold.Since, i.Hold.Began = ago(50*time.Second), ago(50*time.Second)
	i.Answers = map[incident.Question]incident.Answer{incident.QDataLoss: {Answer: model.TriNo, By: "maria", At: ago(5 * time.Minute)}}
	s.Seen.Progress = map[incident.WriteID]model.Progress{undoing: {Phase: model.PhaseFinished, Text: "rolled out", Share: 1}}
	c := *s.Seen.Board[1]
	c.Updated, c.Replicas, c.Ready, c.Available, c.Pods = 6, 6, 6, 6, c.Pods[:3]
	c.Pods = slices.Clone(c.Pods)
	c.Pods[2].State, c.Pods[2].Ready = "Running", true
	c.Pods = append(c.Pods, c.Pods[2], c.Pods[2], c.Pods[2])
	for n := range c.Pods {
		c.Pods[n].Ready = true
	}
	s.Seen.Board[1] = &c
	f := *s.Seen.Figures["backend-python"]
	f.Errors, f.P95 = series("q", append(ramp(.003, 10, .124, 20), ramp(.04, 2, .0002, 6)...)...), series("q", append(ramp(.21, 10, 1.84, 20), ramp(1, 2, .21, 6)...)...)
	f.Up, f.Targets = known(6), known(6)
	f.NewErrors, f.NewP95 = series("q", ramp(0, 5, .0002, 2)...).Samples, series("q", ramp(.3, 2, .21, 5)...).Samples
	s.Seen.Figures["backend-python"] = &f
	s.Seen.Baseline = map[string]model.Baseline{"backend-python": {Errors: known(.002), P95: known(.205)}}
	for n := range i.Timeline {
		i.Timeline[n].At = i.Timeline[n].At.Add(-3 * time.Minute)
	}
	i.Timeline = append(i.Timeline, incident.Entry{At: i.RolledOut, Kind: "outcome", Text: "rolled out: backend-python"})
	return s
}

func verified() *incident.Snapshot {
	s := verifying()
	i := &s.Incident
	i.RolledOut = ago(5 * time.Minute)
	w := &i.Attempts[0].Writes[0]
	w.RolledOut, w.Receipt.At, w.Intent, i.Attempts[0].Confirmed = i.RolledOut, ago(6*time.Minute), ago(6*time.Minute), ago(6*time.Minute)
	i.Detected, i.Onset, i.Decided = ago(9*time.Minute), ago(14*time.Minute), ago(8*time.Minute)
	i.Recovered, i.Verified, i.Hold.Green, i.Hold.Since = ago(4*time.Minute), ago(2*time.Minute), true, ago(4*time.Minute)
	f := s.Seen.Figures["backend-python"]
	f.HoldErrors, f.HoldP95, f.HoldRequests = known(.0002), known(.21), known(9311)
	return s
}

func closingOf() *incident.Snapshot {
	s := verified()
	i := &s.Incident
	i.Step, i.Furthest = incident.Close, incident.Close
	i.Items = []incident.Item{
		{ID: "evidence", Text: "logs, events and metrics kept (A2)", State: "done", By: "maria", At: ago(time.Minute)},
		{ID: "report", Text: "incident report written (A3)"}, {ID: "status page", Text: "status page says “resolved” (A4)"},
		{ID: "chat", Text: "Slack/Teams told (A4)", State: "waived", By: "maria", Reason: "nobody is awake; the report will be posted at nine"},
		{ID: "tests", Text: "tests for the bug (P1)"},
	}
	return s
}

func thousand() *incident.Snapshot {
	s := filled()
	for n := range 1000 {
		id := fmt.Sprintf("service-%04d", n)
		c := component(id, 5, 5, int64(n%40+1), time.Duration(n)*time.Minute)
		for k := range 5 {
			c.Pods = append(c.Pods, pod(fmt.Sprintf("%s-7c9f6d5b84-%05d", id, k), c.Revision, "Running", true, time.Hour))
		}
		s.Seen.Board = append(s.Seen.Board, c)
		s.Seen.Figures[id] = &model.Figures{At: ago(2 * time.Second), Errors: series("q", ramp(.001, 20, .002, 20)...), P95: series("q", ramp(.1, 20, .12, 20)...)}
	}
	return s
}

func long() *incident.Snapshot {
	s := checked(argo)
	name := "a-name-of-sixty-three-characters-is-as-long-as-kubernetes-allow"
	c := *s.Seen.Board[1]
	c.ID, c.Workload.Name, c.OwnerName = name, name, name+"-5d88c4f7b9"
	s.Seen.Board[1] = &c
	s.Incident.Settings.Namespace = "another-name-of-sixty-three-characters-which-is-as-long-as-it-g"
	s.Incident.Settings.Context = "arn:aws:eks:eu-central-1:123456789012:cluster/production-cluster-one"
	s.Seen.Identity.User = "system:serviceaccount:a-namespace-of-its-own:a-service-account-with-a-long-name"
	s.Incident.ID = "INC-20261123-0312-" + name
	for n := range s.Incident.Suspects {
		s.Incident.Suspects[n].Component = name
	}
	from, to := model.Revision(name+"-5d88c4f7b9", 42), model.Revision(name+"-7c9f6d5b84", 41)
	slot := model.Release(name)
	s.Incident.Choices = []incident.Choice{{Slot: slot, Method: undo, From: from, To: to}}
	p := s.Seen.Preflight[python]
	p.Slot, p.To, p.Checks[0].State = slot, to.Key, model.CheckOK
	plan := &p.Plans[0]
	plan.Component, plan.Workload, plan.From, plan.To, plan.Title = name, c.Workload, from, to, "Roll back "+name+" from revision 42 to revision 41"
	plan.Command = "kubectl --context " + s.Incident.Settings.Context + " -n " + s.Incident.Settings.Namespace + " rollout undo deployment/" + name + " --to-revision=41"
	s.Seen.Preflight = map[model.Slot]*model.Preflight{slot: p}
	return s
}

// fixture is a settled screen.
type fixture struct {
	name string
	snap *incident.Snapshot
	open func(a *App) // what was pressed before
}

func with(s *incident.Snapshot, change func(s *incident.Snapshot)) *incident.Snapshot {
	change(s)
	return s
}

func step(s *incident.Snapshot, to incident.Step) *incident.Snapshot {
	s.Incident.Step = to
	return s
}

func fixtures() []fixture {
	keys := func(list ...string) func(a *App) {
		return func(a *App) {
			for _, k := range list {
				pressed(a, k)
			}
		}
	}
	return append([]fixture{
		{"connecting", &incident.Snapshot{Now: now, Incident: incident.Incident{Settings: settings()}, Seen: incident.Seen{
			Cluster: model.Connection{To: "10.0.0.1:6443", Trying: ago(3 * time.Second)}, Metrics: model.Connection{To: "service:monitoring/prometheus:9090", Trying: ago(3 * time.Second)}}}, nil},
		{"connecting-refused", &incident.Snapshot{Now: now, Incident: incident.Incident{Settings: settings()}, Seen: incident.Seen{
			Cluster: model.Connection{To: "10.0.0.1:6443", Trying: ago(12 * time.Second), Err: "Get \"https://10.0.0.1:6443/readyz\": dial tcp 10.0.0.1:6443: connect: connection refused"},
			Metrics: model.Connection{Off: "no Prometheus is configured and none was found"}}}, nil},
		{"assess", filled(), nil},
		{"assess-within", with(filled(), func(s *incident.Snapshot) {
			s.Incident.Triggers = []incident.Trigger{{Component: "backend-python", Kind: incident.TStuck, Onset: ago(3 * time.Minute), At: ago(3 * time.Minute),
				Text: "newest rollout of backend-python is stuck: 2 of 6 pods in CrashLoopBackOff"}}
			s.Seen.Figures["backend-python"] = s.Seen.Figures["frontend"]
			s.Seen.Board[1].Stuck, s.Seen.Board[1].StuckSince, s.Seen.Board[1].StuckPods = "2 of 6 pods in CrashLoopBackOff", ago(3*time.Minute), true
			s.Incident.Verdict = incident.VerdictRecord{Verdict: incident.Within10, Deadline: now.Add(7*time.Minute + 12*time.Second)}
		}), nil},
		{"assess-ended", with(opened(), func(s *incident.Snapshot) {
			s.Incident.Step, s.Incident.End = incident.Assess, &incident.End{Outcome: incident.FixedOtherwise, Reason: "flag"}
		}), nil},
		{"assess-ended-well", with(opened(), func(s *incident.Snapshot) {
			s.Incident.Step, s.Incident.End, s.Incident.Closed = incident.Assess, &incident.End{Outcome: incident.RecoveredAlone}, ago(time.Second)
			s.Seen.Figures["backend-python"] = s.Seen.Figures["frontend"]
			s.Incident.Triggers[0].Under = ago(5 * time.Minute)
		}), nil},
		{"stale", with(filled(), func(s *incident.Snapshot) {
			s.Seen.Metrics.Heard, s.Seen.Metrics.Err = ago(70*time.Second), "context deadline exceeded after 3 s"
		}), nil},
		{"cluster-lost", with(filled(), func(s *incident.Snapshot) {
			s.Seen.Cluster.Heard, s.Seen.Cluster.Err = ago(40*time.Second), "Get \"https://10.0.0.1:6443/readyz\": i/o timeout"
		}), nil},
		{"forbidden-pods", with(filled(), func(s *incident.Snapshot) {
			for _, c := range s.Seen.Board {
				c.Pods, c.PodsNo = nil, "forbidden: pods is forbidden: User \"maria\" cannot list resource \"pods\" in the namespace \"production\""
			}
		}), nil},
		{"unknown-figures", with(filled(), func(s *incident.Snapshot) {
			s.Incident.Triggers = nil
			s.Seen.Figures["backend-python"] = &model.Figures{Errors: model.Figure{Now: model.Unknown("q", "too few requests: 3 in 5m")}, P95: model.Figure{Now: model.Unknown("q", "NaN")}}
			s.Seen.Figures["frontend"] = &model.Figures{Errors: model.Figure{Now: model.Unknown("q", "no series http_requests_total")}, P95: model.Figure{Now: model.Unknown("q", "no series http_request_duration_seconds_bucket")}}
		}), nil},
		{"no-prometheus", with(filled(), func(s *incident.Snapshot) {
			s.Incident.Triggers, s.Seen.Figures = nil, nil
			s.Seen.Metrics = model.Connection{Off: "no Prometheus was found: give --prometheus URL"}
		}), nil},
		{"looking-on", with(checked(), func(s *incident.Snapshot) { s.Seen.LookingOn = s.Incident.ID }), keys("b", "enter")},
		{"looking-on-decide", with(opened(), func(s *incident.Snapshot) {
			s.Seen.LookingOn, s.Incident.Furthest = s.Incident.ID, incident.Confirm
		}), nil},
		{"looking-on-furthest", with(rolling(), func(s *incident.Snapshot) { s.Seen.LookingOn = s.Incident.ID }), nil},
		{"logged-out", with(filled(), func(s *incident.Snapshot) {
			s.Seen.Cluster.LoggedOut = true
			s.Seen.Cluster.Err = "getting credentials: exec: executable kubelogin failed with exit code 1"
		}), func(a *App) { a.opt.Login = func() error { return nil } }},
		{"config-not-used", with(filled(), func(s *incident.Snapshot) {
			s.Seen.ConfigE = `ConfigMap production/rollbook:3:5: limits.errors.over: needs a "%" or a share such as 0.05 (and 2 more: rollbook config check)`
		}), nil},
		{"alerts", firing(), nil},
		{"alerts-details", firing(), keys("d")},
		{"alerts-unread", with(firing(), func(s *incident.Snapshot) {
			for _, f := range s.Seen.Figures {
				f.Alerts, f.AlertsNo = nil, "it refuses the query (422): too many samples"
			}
		}), nil},
		{"alerts-calm", with(calmed(), func(s *incident.Snapshot) {
			s.Seen.Figures["frontend"].Alerts = firing().Seen.Figures["backend-python"].Alerts[:1]
		}), nil},
		{"details", filled(), keys("d")},
		{"filter", filled(), keys("/", "r", "u", "s")},
		{"decide", opened(), nil},
		{"decide-overruled", with(opened(), func(s *incident.Snapshot) {
			s.Incident.Verdict.Overruled, s.Incident.Verdict.Verdict, s.Incident.Verdict.Reason = true, incident.WatchClosely, "only the load test"
			s.Incident.Answers = map[incident.Question]incident.Answer{incident.QErrors: {Answer: model.TriNo, By: "maria", At: ago(time.Minute), Reason: "load test", Figure: "errors over 5% for 6m"}}
		}), nil},
		{"decide-dialog", opened(), keys("o")},
		{"choose", chosen(), nil},
		{"choose-written", with(chosen(), func(s *incident.Snapshot) {
			h := s.Seen.History[python].Candidates
			h[1].Version, h[1].Current, h[0].Current = model.Revision(goodRS, 43), true, false
			h[0], h[1] = h[1], h[0]
			s.Incident.Attempts = rolling().Incident.Attempts
		}), nil},
		{"choose-none-known", with(chosen(), func(s *incident.Snapshot) {
			c := &s.Incident.Choices[0]
			c.To, c.Why = model.Version{}, "no proposal: how the others behaved is unknown: Prometheus does not answer"
			s.Seen.History[python].FiguresErr = "Prometheus does not answer"
		}), nil},
		{"choose-two-ways", with(chosen(), func(s *incident.Snapshot) {
			s.Seen.Ways = append(s.Seen.Ways, incident.Way{Method: "gitlab", Title: "GitLab job"})
		}), nil},
		{"choose-reading", with(chosen(), func(s *incident.Snapshot) { s.Seen.History = nil; s.Incident.Choices[0].To = model.Version{} }), nil},
		{"confirm", checked(), nil},
		{"confirm-typed", checked(), keys("b", "a", "c", "k")},
		{"confirm-blocked", checked(argo), nil},
		{"confirm-checking", with(checked(), func(s *incident.Snapshot) { s.Seen.Preflight = nil }), nil},
		{"confirm-changed", ask(checked(), incident.AskChanged, "Nothing was written: backend-python changed after you confirmed: image is now api:2026.11.23-3, by gitlab-ci"), nil},
		{"confirm-failed", ask(checked(), incident.AskFailed, "Nothing was written to backend-python: admission webhook \"policy\" denied the request: no rollbacks on Mondays"), nil},
		{"confirm-staging", with(checked(), func(s *incident.Snapshot) { s.Incident.Settings.Production = false }), nil},
		{"confirm-no-journal", with(checked(), func(s *incident.Snapshot) { s.Seen.JournalE = "no space left on device" }), nil},
		{"rollback", rolling(), nil},
		{"rollback-writing", with(rolling(), func(s *incident.Snapshot) {
			s.Incident.Attempts[0].Writes[0].State, s.Seen.Progress = incident.Writing, nil
		}), nil},
		{"rollback-unsettled", unsettled(), nil},
		{"rollback-new-fail", with(rolling(), func(s *incident.Snapshot) { s.Seen.Board[1].Pods[0] = crashing("backend-python-7c9f6d5b84-2kq4x", 43) }), nil},
		{"rollback-deadline", ask(rolling(), incident.AskDeadline, "backend-python is not rolled out after 2m: 3 of 6 new pods are there. It goes on in the cluster."), nil},
		{"rollback-reverted", ask(with(rolling(), func(s *incident.Snapshot) {
			w := &s.Incident.Attempts[0].Writes[0]
			w.State, w.Err = incident.Reverted, "reverted by argocd-controller"
			s.Seen.Progress = nil
		}), incident.AskReverted, "backend-python: argocd-controller put another template in place: revision 44 runs now"), nil},
		{"rollback-stuck", stuck(), nil},
		{"rollback-job", with(rolling(), func(s *incident.Snapshot) {
			w := &s.Incident.Attempts[len(s.Incident.Attempts)-1].Writes[0]
			w.Plan.Method, w.Plan.To = "gitlab job", model.Version{Key: "4577", Label: "pipeline 4577", Short: "#4577", Tag: "1.41.0"}
			w.Plan.Title = "Run again the job deploy of pipeline 4577 (1.41.0) to go back in production of shop/shop"
			w.Receipt.Text, w.Receipt.URL = "job 905 of pipeline 4577", "https://gitlab.example/shop/shop/-/jobs/905"
			s.Seen.Progress = map[incident.WriteID]model.Progress{{N: s.Incident.Attempts[len(s.Incident.Attempts)-1].N, Plan: w.Plan.ID}: {Phase: model.PhaseRunning, Share: 0.2,
				Text:  "job 905 (deploy) runs for 12s; it took 40s last time",
				Lines: []string{"Running with gitlab-runner 18.4.0", "Executing \"step_script\" stage of the job script", "$ kubectl set image deployment/backend-python api=shop/api:1.41.0", "deployment.apps/backend-python image updated", "$ kubectl rollout status deployment/backend-python", "Waiting for deployment \"backend-python\" rollout to finish: 1 out of 3 new replicas have been updated..."},
				Aid:   &model.Aid{Method: "gitlab cancel", To: model.Version{Key: "905", Label: "job 905 cancelled", Short: "job 905"}, Name: "cancel job", Offer: true, Text: "cancel job 905 (deploy)"}}}
		}), nil},
		{"verify", verifying(), nil},
		{"verify-unknown", with(verifying(), func(s *incident.Snapshot) {
			delete(s.Seen.Figures, "backend-python")
			s.Seen.Metrics = model.Connection{To: "prometheus:9090", Err: "connection refused"}
		}), keys("down")},
		{"verify-not-green", ask(verifying(), incident.AskNotGreen, "not green 5m after the rollout: backend-python error ratio 1.2%"), nil},
		{"verified", verified(), nil},
		{"close", closingOf(), nil},
		{"closed", with(closingOf(), func(s *incident.Snapshot) { s.Incident.Closed = ago(time.Second) }), nil},
		{"help", filled(), keys("?")},
		{"help-typing", checked(), keys("f1")},
		{"timeline", rolling(), keys("t")},
		{"contacts", opened(), keys("c")},
		{"recovery", rolling(), keys("r")},
		{"logs", filled(), keys("l")},
		{"events", filled(), keys("e")},
		{"diff", chosen(), keys("d")},
		{"long-names", step(long(), incident.Assess), nil},
		{"long-names-confirm", long(), nil},
		{"thousand", thousand(), nil},
		{"quit", opened(), keys("q")},
		{"hint", opened(), keys("s")},
	}, slices.Concat(closeFixtures(), whyFixtures(), schemaFixtures(), recoveryFixtures(), backFixtures())...)
}

// keyOf makes the message of a key from its name.
func keyOf(name string) tea.KeyPressMsg {
	if r := []rune(name); len(r) == 1 {
		return tea.KeyPressMsg{Code: r[0], Text: name}
	}
	switch codes := map[string]rune{"enter": tea.KeyEnter, "esc": tea.KeyEscape, "tab": tea.KeyTab, "up": tea.KeyUp, "down": tea.KeyDown,
		"left": tea.KeyLeft, "right": tea.KeyRight, "pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown, "home": tea.KeyHome, "end": tea.KeyEnd, "f1": tea.KeyF1,
		"backspace": tea.KeyBackspace, "delete": tea.KeyDelete}; {
	case name == "space":
		return tea.KeyPressMsg{Code: tea.KeySpace, Text: " "}
	case name == "shift+tab":
		return tea.KeyPressMsg{Code: tea.KeyTab, Mod: tea.ModShift}
	case strings.HasPrefix(name, "ctrl+"):
		return tea.KeyPressMsg{Code: rune(name[5]), Mod: tea.ModCtrl}
	case codes[name] != 0:
		return tea.KeyPressMsg{Code: codes[name]}
	}
	panic("no key " + name)
}

// pressed presses a key after a silence, and delivers what it read.
func pressed(a *App, name string) {
	a.quiet, a.last = true, ""
	over := len(a.over)
	a.Update(keyOf(name))
	if len(a.over) <= over {
		return
	}
	// What an overlay reads first is its own command; the others are timers.
	if b, ok := a.over[len(a.over)-1].(interface{ begin() tea.Cmd }); ok {
		if cmd := b.begin(); cmd != nil {
			a.Update(cmd())
		}
	}
}

// screen is an app that shows a fixture.
func screen(t testing.TB, f fixture, w, h int, l Look) *App {
	a := New(Options{Engine: still{t, f.snap}, Viewer: library{}, Start: ago(3 * time.Second), Look: &l, Width: w, Height: h})
	a.at, a.asked, a.quiet = f.snap.Incident.Step, f.snap.Incident.Asked, true
	if f.open != nil {
		f.open(a)
	}
	return a
}
