package ui

import (
	"fmt"
	"slices"
	"time"

	"rollbook/incident"
	"rollbook/model"
)

func limitOf(v float64) *float64 { return &v }

// proving is at Verify with the team's own checks, one of each kind bad.
func proving() *incident.Snapshot {
	s := verifying()
	set := &s.Incident.Settings
	set.Components = []model.Target{{ID: "backend-python", Workload: s.Seen.Board[1].Workload,
		Health: []model.Health{{URL: "https://shop.example/healthz", Status: 200}, {URL: "https://api.shop.example/internal/ready"}},
		Pods:   "app=backend-python,tier=web", Logs: 20, LogsBad: "ERROR|Traceback",
		Promql: []model.OwnCheck{{Name: "checkout queue", Query: "max(queue_depth)", Max: limitOf(200)}, {Name: "orders per minute", Query: "sum(rate(orders[1m]))*60", Min: limitOf(5)}},
	}}
	s.Seen.Probes = map[string][]model.ProbeSeen{"backend-python": {
		{URL: "https://shop.example/healthz", State: model.TriYes, Text: "200 in 34ms", At: ago(2 * time.Second), Since: ago(48 * time.Second)},
		{URL: "https://api.shop.example/internal/ready", State: model.TriNo, At: ago(2 * time.Second), Since: ago(70 * time.Second),
			Text: "TLS: the certificate is for *.old.example, not for api.shop.example; it ended on 2026-11-20"},
	}}
	s.Seen.Selected = map[string]model.SelectedSeen{"backend-python": {Ready: 6, Total: 6, At: ago(2 * time.Second)}}
	s.Seen.Tails = map[string]model.TailSeen{"backend-python": {Pod: "backend-python-7c9f6d5b84-2kq4x", At: ago(2 * time.Second),
		Lines: []string{"INFO started", "INFO GET /cart 200 12ms", "ERROR payment gateway: timeout after 3s (retrying)", "INFO GET /cart 200 9ms", "INFO POST /pay 200 44ms"},
		Bad:   []string{"ERROR payment gateway: timeout after 3s (retrying)"}}}
	s.Seen.Own = map[string][]model.OwnSeen{"backend-python": {{Name: "checkout queue", Reading: known(17)},
		{Name: "orders per minute", Reading: model.Unknown("q", "no series: sum(rate(orders[1m]))*60 has no result")}}}
	return s
}

// paged is at Close with the question when the operator was paged.
func paged() *incident.Snapshot {
	s := told()
	i := &s.Incident
	i.Items = append([]incident.Item{{ID: incident.ItemDetection, Text: "detection: when were you paged?"}}, i.Items...)
	i.Alerts = []incident.AlertFired{{Component: "backend-python", Name: "KubernetesDeploymentErrorRateInProductionTooHigh", Severity: "page", Since: i.Onset.Add(time.Minute)}}
	i.Shown, i.Detected = i.Detected, i.Alerts[0].Since
	i.DetectedBy = incident.Detector{Source: incident.SourceAlert, Name: i.Alerts[0].Name}
	return s
}

// told is at Close with messages that went out, one that did not, and one of which
// nobody knows.
func told() *incident.Snapshot {
	s := closingOf()
	i := &s.Incident
	i.Settings.Channels = []model.Channel{
		{ID: "slack/incidents", Kind: model.ChannelSlack, Name: "incidents", Host: "hooks.slack.com"},
		{ID: "teams/ops", Kind: model.ChannelTeams, Name: "ops", Host: "prod-17.westeurope.logic.azure.com"},
		{ID: "statuspage/public", Kind: model.ChannelStatuspage, Name: "public", Host: "api.statuspage.io"},
		{ID: "gitlab/follow-up", Kind: model.ChannelGitLab, Name: "follow-up", Host: "gitlab.example"},
	}
	i.Evidence = map[model.Moment]incident.EvidenceRecord{model.InFull: {Evidence: model.Evidence{At: ago(20 * time.Second), Moment: model.InFull,
		Dir: "/home/maria/.local/state/rollbook/incidents/INC-20261123-0312-backend-python/evidence", Files: 41, Bytes: 3_400_000,
		Missing: []string{"log of pod backend-python-5d88c4f7b9-x7k2p: the pod was gone before it could be read (404)",
			"metrics of backend-rust: no series http_requests_total", "previous log of pod backend-python-5d88c4f7b9-9lmn2: forbidden: pods/log"}}}}
	i.Items[0].State, i.Items[0].By, i.Items[0].At = "", "", time.Time{}
	i.Items = append(i.Items[:3:3], incident.Item{ID: "chat", Text: "Slack/Teams told (A4)"}, incident.Item{ID: "follow-up", Text: "follow-up task created (A4)"},
		incident.Item{ID: "tests", Text: "tests for the bug (P1)", Action: true, State: "done", By: "maria", At: ago(30 * time.Second), Reason: "shop#4711"},
		incident.Item{ID: "monitoring", Text: "better monitoring and alerts (P2)", Action: true}, incident.Item{ID: "deploy checklist", Text: "deployment checklist updated (P3)", Action: true},
		incident.Item{ID: "canary", Text: "canary considered (P4)", Action: true, State: "waived", By: "maria", Reason: "there is one already"}, incident.Item{ID: "lessons", Text: "lessons written down (P5)", Action: true})
	i.Down = incident.DownRecord{Total: 9 * time.Minute, Blind: 2 * time.Minute}
	i.Impact = incident.ImpactRecord{At: ago(time.Minute), Impact: model.Impact{All: model.ComponentImpact{Failed: known(412), Requests: known(18120), MinutesOver: known(9), BudgetShare: known(.021)}}}
	msg := func(n int, channel string, kind model.MessageKind, state incident.MessageState, age time.Duration) incident.MessageRecord {
		return incident.MessageRecord{N: n, By: "maria", At: ago(age), Done: ago(age - time.Second), State: state,
			Message: model.Message{Kind: kind, Channel: channel, Incident: i.ID, Title: "[production] Elevated error rate on backend-python", Text: "Elevated error rate since 03:06 UTC. We are looking into it.\n- errors over 5% for 5m (limit 5m) on backend-python\nOn it: maria (INC-20261123-0312-backend-python)."}}
	}
	a := msg(1, "slack/incidents", model.MessageStarted, incident.MessageOut, 8*time.Minute)
	b := msg(2, "statuspage/public", model.MessageStarted, incident.MessageOut, 7*time.Minute)
	b.Delivery = model.Delivery{Ref: "x1", URL: "https://stspg.io/7m3kx9p2q"}
	c := msg(3, "teams/ops", model.MessageStarted, incident.MessageNotOut, 7*time.Minute)
	c.Err = "teams/ops at prod-17.westeurope.logic.azure.com: not sent: 429 Too Many Requests: Rate limit is exceeded. Try again in 240 seconds.; it asks to wait 4m"
	c.Retry = now.Add(90 * time.Second)
	d := msg(4, "slack/incidents", model.MessageResolved, incident.MessageUnsure, 2*time.Minute)
	d.Err = "slack/incidents at hooks.slack.com: it is not known whether it was sent: no answer within 10 s; look there before sending it again"
	d.Message.Title = "[production] Resolved: backend-python"
	i.Messages = []incident.MessageRecord{a, b, c, d}
	return s
}

// called has two calls that nobody answered.
func called(s *incident.Snapshot) *incident.Snapshot {
	s.Incident.Down = incident.DownRecord{Total: 29 * time.Minute, Blind: 2 * time.Minute, Since: ago(2 * time.Minute)}
	s.Incident.Escalations = []incident.Escalation{
		{ID: "data loss", Text: "data were lost", Who: "Ada +49 30 1234569", At: ago(20 * time.Minute), Answer: incident.EscalationCalled, By: "maria", Done: ago(19 * time.Minute), Reason: "she asks for a restore point"},
		{ID: "downtime", Text: "down for 30m, 2m of it without data", Who: "Ada +49 30 1234569", At: ago(time.Minute)},
		{ID: "rollback/1", Text: "rollback 1 did not help: not green 5m after the rollout", Who: "Jonas +49 30 1234568", At: ago(30 * time.Second)},
	}
	return s
}

func onCall(s *incident.Snapshot) *incident.Snapshot {
	s.Seen.OnCall = []model.OnCall{
		{Name: "Jonas Weber", How: "+49 30 1234568, @jonas", Schedule: "shop-primary", Source: "Grafana OnCall", Until: now.Add(160 * time.Minute)},
		{Name: "Ada Kowalczyk", How: "https://acme.pagerduty.com/users/PXPGF42", Schedule: "leadership", Source: "PagerDuty", Until: now.Add(30 * time.Hour)},
	}
	s.Seen.OnCallAt = ago(time.Minute)
	return s
}

var jonas = model.Lease{Holder: "jonas@desk-12 (INC-20261123-0315-backend-python)", Since: ago(8 * time.Minute), Renewed: ago(5 * time.Second), Step: "Roll back", At: ago(2 * time.Second)}

func offered() *incident.Snapshot {
	s := filled()
	s.Seen.Open = []incident.OpenIncident{
		{ID: "INC-20261123-0258-frontend", Opened: ago(22 * time.Minute), Touched: ago(4 * time.Minute), Step: incident.Verify, Component: "frontend", Operator: "maria"},
		{ID: "INC-20261121-1530-backend-rust", Opened: ago(36 * time.Hour), Touched: ago(35 * time.Hour), Step: incident.Choose, Component: "backend-rust", Operator: "jonas", Owes: []string{"backend-rust is scaled to 0"}, Abandoned: true},
		{ID: "INC-20261123-0301-postgres", Opened: ago(19 * time.Minute), Touched: ago(time.Second), Step: incident.Decision, Component: "postgres", Operator: "ada"},
	}
	s.Seen.Trouble = []string{"journal /home/maria/.local/state/rollbook/incidents/INC-20261101-0900-frontend/journal.jsonl: written by a newer rollbook: format 3, this one reads up to 2; open it with that version"}
	return s
}

func closeFixtures() []fixture {
	keys := func(list ...string) func(a *App) {
		return func(a *App) {
			for _, k := range list {
				pressed(a, k)
			}
		}
	}
	lost := func(s *incident.Snapshot) { s.Incident.LeaseLost = map[string]model.Lease{"backend-python": jonas} }
	out := []fixture{
		{"verify-own", proving(), nil},
		{"verify-own-log", proving(), keys("down", "down", "down", "down", "down", "down", "down", "down", "down")},
		{"verify-own-details", proving(), keys("d")},
		{"end-after-write", proving(), keys("x")},
		{"verify-two", with(proving(), func(s *incident.Snapshot) {
			w := s.Incident.Attempts[0].Writes[0]
			w.Plan.ID, w.Plan.Component, w.Plan.Workload = "plan-16", "frontend", s.Seen.Board[0].Workload
			w.Plan.From, w.Plan.To = model.Revision("frontend-7c9f6d5b84", 17), model.Revision("frontend-59cc8d6b74", 16)
			w.Plan.Title = "Roll back frontend from revision 17 to revision 16"
			s.Seen.Progress[incident.WriteID{N: 1, Plan: w.Plan.ID}] = model.Progress{Text: "waiting for the cluster to show the patch"}
			s.Incident.Attempts[0].Writes = append(slices.Clone(s.Incident.Attempts[0].Writes), w)
		}), nil},
		{"close-detection", paged(), nil},
		{"close-detection-unread", with(paged(), func(s *incident.Snapshot) {
			i := &s.Incident
			i.Alerts, i.Detected, i.DetectedBy = nil, i.Shown, incident.Detector{}
			f := *s.Seen.Figures["backend-python"]
			f.AlertsNo = "it refuses the query (422): too many samples"
			s.Seen.Figures["backend-python"] = &f
		}), nil},
		{"close-paged", paged(), keys("enter")},
		{"close-paged-wrong", paged(), keys("enter", "down", "0", "3", ":", "1", "9")},
		{"close-paged-odd", paged(), keys("enter", "down", "0", "3", ":", "0", "1")},
		{"close-evidence", told(), nil},
		{"close-gathering", with(told(), func(s *incident.Snapshot) {
			s.Seen.Gathering = map[model.Moment]time.Time{model.InFull: ago(12 * time.Second)}
		}), nil},
		{"close-report-stale", with(told(), func(s *incident.Snapshot) {
			s.Incident.Report = incident.ReportRecord{At: ago(3 * time.Minute), Path: "/home/maria/.local/state/rollbook/incidents/INC-20261123-0312-backend-python/report.md", Entries: 2}
		}), keys("down")},
		{"close-chat", told(), keys("down", "down", "down")},
		{"close-evidence-details", told(), keys("d")},
		{"close-severity", with(paged(), func(s *incident.Snapshot) {
			s.Incident.Items = append([]incident.Item{{ID: incident.ItemSeverity, Text: "severity, and users affected?"}}, s.Incident.Items...)
		}), keys("up", "enter", "down")},
		{"close-task", told(), keys("down", "down", "down", "down", "down", "down", "enter", "m", "space", "O", "P", "S", "-", "7")},
		{"close-note", told(), keys("down", "down", "down", "down", "down", "down", "n", "s", "h", "o", "p")},
		{"messages", told(), keys("M")},
		{"messages-failed", told(), keys("M", "down", "left", "left")},
		{"messages-sent", told(), keys("M", "down", "down", "left", "left")},
		{"messages-started", with(opened(), func(s *incident.Snapshot) { s.Incident.Settings.Channels = told().Incident.Settings.Channels }), keys("M")},
		{"messages-asked", told(), keys("M", "enter")},
		{"messages-ask", told(), keys("M", "down", "enter")},
		{"messages-writing", told(), keys("M", "down", "down", "e", "down", "down", "H", "i", " ")},
		{"messages-follow-up", told(), keys("M", "down", "down", "down")},
		{"messages-unconfigured", opened(), keys("M")},
		{"messages-readonly", with(told(), func(s *incident.Snapshot) { s.Incident.Settings.ReadOnly = true }), keys("M")},
		{"messages-many", with(told(), func(s *incident.Snapshot) {
			for n := range 12 {
				s.Incident.Settings.Channels = append(s.Incident.Settings.Channels, model.Channel{ID: fmt.Sprintf("webhook/a-rather-long-name-of-a-channel-%d", n), Kind: model.ChannelWebhook, Host: "hooks.example"})
			}
		}), keys("M", "down", "down", "down", "down", "down")},
		{"escalation", called(verifying()), nil},
		{"escalation-dialog", called(verifying()), keys("E")},
		{"contacts-oncall", onCall(called(opened())), keys("c")},
		{"contacts-cached", with(onCall(opened()), func(s *incident.Snapshot) {
			s.Seen.OnCallAt, s.Seen.OnCallErr = ago(3*time.Hour), "PagerDuty does not answer: Get \"https://api.pagerduty.com/oncalls\": dial tcp: i/o timeout"
		}), keys("c")},
		{"contacts-failed", with(opened(), func(s *incident.Snapshot) {
			s.Seen.OnCallErr = "Grafana OnCall: 401 Unauthorized: the token of ONCALL_TOKEN is not accepted"
		}), keys("c")},
		{"open-incidents", offered(), func(a *App) { a.changed() }},
		{"open-taking-up", with(filled(), func(s *incident.Snapshot) { s.Seen.Resuming = "INC-20261123-0258-frontend" }), nil},
		{"open-abandon", offered(), func(a *App) { a.changed(); pressed(a, "down"); pressed(a, "x") }},
		{"lease-other", with(checked(), func(s *incident.Snapshot) { s.Seen.Leases = map[string]model.Lease{"backend-python": jonas} }), nil},
		{"lease-take", with(checked(), func(s *incident.Snapshot) { s.Seen.Leases = map[string]model.Lease{"backend-python": jonas} }), keys("T")},
		{"lease-lost", with(rolling(), lost), nil},
		{"lease-looking-on", with(rolling(), func(s *incident.Snapshot) { s.Seen.Leases = map[string]model.Lease{"backend-python": jonas} }), nil},
		{"lease-forbidden", with(checked(), func(s *incident.Snapshot) {
			s.Seen.Leases = map[string]model.Lease{"backend-python": {Err: "leases.coordination.k8s.io is forbidden: User \"maria\" cannot create resource \"leases\"", At: ago(time.Second)}}
		}), nil},
	}
	both := with(called(rolling()), lost)
	return append(out, fixture{"notices", both, nil})
}
