package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"rollbook/engine/journal"
	"rollbook/incident"
	"rollbook/model"
)

// play is an operator and a cluster, as far as Decide sees them: the journals
// under testdata were written by it. They are kept as they are, so that the reports
// of older journals stay readable: WRITE_JOURNALS=1 writes them again, which a new
// format of the journal alone asks for.
type play struct {
	t     *testing.T
	by    string
	inc   incident.Incident
	seen  incident.Seen
	facts []incident.Fact
	now   time.Time
}

// release is what every play brings back.
var release = model.Release("backend-python")

func begin(t *testing.T) *play {
	p := &play{t: t, by: "maria", now: t0}
	set := incident.Settings{Namespace: "production", Context: "prod-eu", Server: "https://api.prod-eu:6443", Production: true, Operator: "maria",
		Limits: model.DefaultLimits(), Verify: incident.DefaultVerify(), Scrape: 15 * time.Second, Poll: 5 * time.Second,
		ConfigHash: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", ConfigFrom: []string{"rollbook.yaml (commit 4f2c9d1)"},
		Links: []incident.Link{{Name: "Deployment runbook", URL: "https://wiki.corp/runbook"}}}
	p.fold(incident.Fact{At: p.now, Body: incident.Began{Settings: set, Version: "v1.4.0"}})
	p.seen.Identity = model.Identity{Cluster: "uid-1", User: "maria@corp"}
	p.seen.Ways = []incident.Way{{Method: "undo", Title: "Kubernetes undo"}}
	p.runs(42, "hash-42", 7)
	p.figures(0.004)
	return p
}

func (p *play) fold(f incident.Fact) {
	p.facts = append(p.facts, f)
	p.inc = incident.Apply(p.inc, f)
}

// runs puts a revision of backend-python on the board.
func (p *play) runs(revision int64, hash string, generation int64) {
	c := &model.Component{ID: "backend-python", Workload: model.Workload{Kind: model.Deployment, Namespace: "production", Name: "backend-python"}, UID: "uid-b",
		Revision: revision, OwnerName: "rs-" + hash[5:], RevisionStart: t0.Add(-11 * time.Minute), RevisionBy: "gitlab-ci", TemplateHash: hash, Images: []string{"registry.corp/api:" + hash[5:]},
		Desired: 3, Replicas: 3, Updated: 3, Ready: 3, Available: 3, Generation: generation, Observed: generation}
	p.seen.Board = []*model.Component{c}
}

// figures are five minutes of an error ratio, up to now.
func (p *play) figures(errors float64) {
	figure := func(v float64) model.Figure {
		f := model.Figure{Step: 15 * time.Second, Now: model.Reading{Known: true, Value: v, At: p.now, Query: `sum(rate(http_requests_total{namespace="production",pod=~"backend-python-[^-]+-[^-]+",status=~"5.."}[1m])) / sum(rate(http_requests_total{namespace="production",pod=~"backend-python-[^-]+-[^-]+"}[1m]))`}}
		for n := 20; n >= 0; n-- {
			f.Samples = append(f.Samples, model.Sample{At: p.now.Add(-time.Duration(n) * f.Step), V: v})
		}
		return f
	}
	fs := &model.Figures{Errors: figure(errors), P95: figure(0.18)}
	three := model.Reading{Known: true, Value: 3, At: p.now}
	fs.Up, fs.Targets, fs.Requests = three, three, model.Reading{Known: true, Value: 600, At: p.now}
	fs.HoldErrors, fs.HoldP95, fs.HoldRequests = fs.Errors.Now, fs.P95.Now, fs.Requests
	p.seen.Figures = map[string]*model.Figures{"backend-python": fs}
}

func (p *play) wait(d time.Duration) { p.now = p.now.Add(d) }

func (p *play) do(in incident.Act) {
	p.t.Helper()
	p.seen.Cluster.Heard, p.seen.Metrics.Heard = p.now, p.now
	p.watchWrites()
	by := p.by
	switch in.(type) {
	case incident.Observed, incident.Wrote, incident.Settled:
		by = ""
	}
	facts, _ := incident.Decide(p.inc, p.seen, incident.Input{At: p.now, By: by, Do: in})
	for _, f := range facts {
		p.fold(f)
	}
}

// decide leads a broken release up to the choice, with its history read.
func (p *play) decide() {
	p.figures(0.21)
	p.do(incident.Observed{})
	p.wait(35 * time.Second)
	p.figures(0.21)
	p.do(incident.Next{})
	p.wait(20 * time.Second)
	p.figures(0.21)
	p.do(incident.Next{})
	known := func(v float64) model.Reading { return model.Reading{Known: true, Value: v, At: t0} }
	p.seen.History = map[model.Slot]*model.History{release: {Component: "backend-python", Method: "undo", At: p.now, Candidates: []model.Candidate{
		{Version: model.Revision("rs-42", 42), Owner: "rs-42", Current: true, Behaviour: model.Behaviour{Errors: known(0.21), P95: known(0.18), Requests: known(4000)}},
		{Version: model.Revision("rs-41", 41), Owner: "rs-41", Behaviour: model.Behaviour{Errors: known(0.004), P95: known(0.18), Requests: known(90000)}},
		{Version: model.Revision("rs-40", 40), Owner: "rs-40", Behaviour: model.Behaviour{Errors: known(0.003), P95: known(0.17), Requests: known(80000)}}}}}
	p.do(incident.Observed{})
}

// write confirms and writes the plan for going back to a revision, which gives the
// workload a new generation.
func (p *play) write(to int64, generation int64) {
	p.t.Helper()
	if p.inc.Step == incident.Choose {
		p.wait(10 * time.Second)
		p.do(incident.Next{})
	}
	c := p.seen.Board[0]
	target := model.Revision(fmt.Sprintf("rs-%d", to), to)
	plan := model.Plan{ID: "plan-hash-" + target.Short, Method: "undo", Role: model.RoleRelease, Component: c.ID, Workload: c.Workload, From: c.Running(), To: target,
		Title: fmt.Sprintf("Roll back %s from %s to %s", c.ID, c.Running(), target), Detail: []byte(`{"toHash":"hash-` + target.Short + `"}`),
		Command: "kubectl -n production rollout undo deployment/backend-python --to-revision=" + target.Short,
		Changes: []model.Change{{Kind: "image", What: "api", From: "registry.corp/api:" + c.TemplateHash[5:], To: "registry.corp/api:" + target.Short},
			{Kind: "env", What: "api DB_POOL", From: "changed", To: "changed"}},
		Stays: []string{"replicas 3", "schema"}}
	p.seen.Preflight = map[model.Slot]*model.Preflight{release: {Slot: release, To: target.Key, Done: true, Plans: []model.Plan{plan},
		Checks: []model.Check{{ID: "access.patch", State: model.CheckOK, Text: "may patch deployments"}}}}
	p.wait(15 * time.Second)
	p.do(incident.ConfirmWrite{Word: "backend-python", Plans: []string{plan.ID}})
	if p.inc.Step != incident.RollBack {
		p.t.Fatalf("at %s: %s", p.inc.Step.Name(), p.inc.Step.Blocked(&incident.Snapshot{Incident: p.inc, Seen: p.seen, Now: p.now}))
	}
	p.do(incident.Wrote{WriteID: incident.WriteID{N: len(p.inc.Attempts), Plan: plan.ID}, Receipt: &model.Receipt{At: p.now,
		Text: fmt.Sprintf("resourceVersion 88123, generation %d", generation), Detail: fmt.Appendf(nil, `{"resourceVersion":"88123","generation":%d}`, generation)}})
}

// watchWrites keeps how far the writes are, as kubectl rollout status judges it.
func (p *play) watchWrites() {
	p.seen.Progress = map[incident.WriteID]model.Progress{}
	for _, s := range p.inc.Standing() {
		if s.Write.State != incident.Rolling && s.Write.State != incident.Done {
			continue
		}
		var plan struct{ ToHash string }
		var got struct{ Generation int64 }
		for raw, into := range map[string]any{string(s.Write.Plan.Detail): &plan, string(s.Write.Receipt.Detail): &got} {
			if err := json.Unmarshal([]byte(raw), into); err != nil {
				p.t.Fatal(err)
			}
		}
		c, out := p.seen.Board[0], model.Progress{}
		switch {
		case c.Generation < got.Generation:
			out.Text = "waiting for the cluster to show the patch"
		case c.TemplateHash != plan.ToHash:
			out = model.Progress{Phase: model.PhaseReverted, By: c.RevisionBy,
				Text: fmt.Sprintf("%s put another template in place: revision %d runs now", c.RevisionBy, c.Revision)}
		case c.Updated < c.Desired:
			out = model.Progress{Phase: model.PhaseRunning, Text: fmt.Sprintf("%d of %d new pods are there", c.Updated, c.Desired)}
		default:
			out = model.Progress{Phase: model.PhaseFinished, Text: "rolled out", Share: 1}
		}
		p.seen.Progress[s.WriteID] = out
	}
}

func (p *play) rolledOut(revision int64, hash string, generation int64) {
	p.wait(38 * time.Second)
	p.runs(revision, hash, generation)
	p.do(incident.Observed{})
	p.wait(5 * time.Second)
	p.do(incident.Next{})
}

// hold lets two and a half minutes pass with a good error ratio.
func (p *play) hold() {
	for range 11 {
		p.wait(15 * time.Second)
		p.figures(0.0004)
		p.do(incident.Observed{})
	}
}

func (p *play) settle() {
	p.do(incident.Next{})
	for _, it := range p.inc.Items {
		p.wait(time.Minute)
		switch it.ID {
		case "canary":
			p.do(incident.SettleItem{ID: it.ID, Waive: true, Reason: "planned for next quarter anyway"})
		case "follow-up":
			p.do(incident.SettleItem{ID: it.ID, Reason: "OPS-412"})
		default:
			p.do(incident.SettleItem{ID: it.ID})
		}
	}
	if p.inc.Closed.IsZero() {
		p.t.Fatalf("not closed: %+v", p.inc.Items)
	}
}

// plays are the journals under testdata.
var plays = map[string]func(p *play){
	"rolled-back": func(p *play) {
		p.decide()
		p.write(41, 8)
		p.rolledOut(43, "hash-41", 8)
		p.hold()
		p.settle()
	},
	"healed": func(p *play) {
		p.figures(0.06)
		p.do(incident.Observed{})
		p.wait(time.Minute)
		p.do(incident.Next{})
		p.do(incident.Say{Question: incident.QCritical, Answer: model.TriNo})
		p.wait(time.Minute)
		p.do(incident.Overrule{Verdict: incident.WatchClosely, Reason: "the load test of team B, it ends at 03:15"})
		p.wait(3 * time.Minute)
		p.figures(0.002)
		p.do(incident.Observed{})
		p.wait(2 * time.Minute)
		p.do(incident.EndIncident{Outcome: incident.RecoveredAlone, Reason: "the load test ended"})
	},
	"unknown-accepted": func(p *play) {
		p.decide()
		p.write(41, 8)
		p.rolledOut(43, "hash-41", 8)
		for range 11 {
			p.wait(15 * time.Second)
			p.figures(0.0004)
			f := p.seen.Figures["backend-python"]
			f.P95, f.HoldP95 = model.Figure{Now: model.Reading{Why: "no series http_request_duration_seconds_bucket"}}, model.Reading{Why: "no series http_request_duration_seconds_bucket"}
			p.do(incident.Observed{})
		}
		p.do(incident.AcceptUnknown{Key: "backend-python/p95", Reason: "the histogram is gone since the move to OTel"})
		p.settle()
	},
	"two-attempts": func(p *play) {
		p.decide()
		p.write(41, 8)
		p.rolledOut(43, "hash-41", 8)
		p.wait(30 * time.Second)
		p.runs(44, "hash-42", 9)
		p.seen.Board[0].RevisionBy = "argocd-controller"
		p.do(incident.Observed{})
		p.wait(50 * time.Second)
		p.by = "jonas"
		p.do(incident.Goto{Step: incident.Choose})
		p.do(incident.Answered{With: "another"})
		p.seen.History[release].Candidates[0].Version = model.Revision("rs-42", 44)
		p.do(incident.Pick{Component: "backend-python", To: "rs-40"})
		p.write(40, 10)
		p.rolledOut(45, "hash-40", 10)
		p.hold()
		p.settle()
	},
	"escalated": func(p *play) { // down for more than half an hour, a part of it without data
		p.decide()
		p.seen.Baseline = map[string]model.Baseline{"backend-python": {Errors: model.Reading{Known: true, Value: 0.003, At: t0}}}
		for range 7 {
			p.wait(4 * time.Minute)
			p.figures(0.21)
			p.do(incident.Observed{})
		}
		p.seen.Figures = nil
		p.do(incident.Observed{})
		p.wait(3 * time.Minute)
		p.figures(0.21)
		p.do(incident.Observed{})
		p.do(incident.AnswerEscalation{ID: "downtime", With: incident.EscalationCalled})
		p.do(incident.Say{Question: incident.QDataLoss, Answer: model.TriYes, Reason: "orders of 03:20 are missing"})
		p.write(41, 8)
		p.rolledOut(43, "hash-41", 8)
		p.do(incident.AnswerEscalation{ID: "data loss", With: incident.EscalationNotNeeded, Reason: "they were in the queue"})
		p.hold()
		p.settle()
	},
	"open": func(p *play) { // and with words that would be markup
		p.decide()
		p.do(incident.Overrule{Verdict: incident.Now, Reason: "a|b `c` <script>alert(1)</script>\n# not a heading\n| x |"})
		p.write(41, 8)
		p.seen.Board[0].RevisionBy = "[click](javascript:alert(1))"
		p.wait(2*time.Minute + 10*time.Second)
		p.runs(43, "hash-41", 8)
		p.seen.Board[0].Updated = 1
		p.do(incident.Observed{})
	},
}

func TestJournalsAreWritten(t *testing.T) {
	for name, f := range plays {
		path := filepath.Join("testdata", name, "journal.jsonl")
		if os.Getenv("WRITE_JOURNALS") == "" {
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%v: WRITE_JOURNALS=1 writes it", err)
			}
			continue
		}
		p := begin(t)
		f(p)
		var b bytes.Buffer
		head, _ := json.Marshal(journal.Header{Journal: journal.Version, ID: p.inc.ID, Cluster: "uid-1", Namespace: "production"})
		b.Write(append(head, '\n'))
		for _, x := range p.facts {
			line, err := json.Marshal(x)
			if err != nil {
				t.Fatal(err)
			}
			b.Write(append(line, '\n'))
		}
		os.MkdirAll(filepath.Dir(path), 0o755)
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
