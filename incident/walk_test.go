package incident

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"rollbook/engine/walktest"
	"rollbook/model"
)

// world is a cluster and an engine reduced to what Decide sees of them.
type world struct {
	t       *testing.T
	inc     Incident
	facts   []Fact
	seen    Seen
	now     time.Time
	effects []Effect // not run yet
}

func newWorld(t *testing.T, change func(*Settings)) *world {
	w := &world{t: t, now: t0}
	set := Settings{Namespace: "production", Production: true, Operator: "maria", Limits: model.DefaultLimits(),
		Verify: DefaultVerify(), Scrape: 15 * time.Second, Poll: 5 * time.Second}
	if change != nil {
		change(&set)
	}
	w.fold(Fact{At: w.now, Body: Began{Settings: set}})
	w.seen.Ways = []Way{{Method: "undo", Title: "Kubernetes undo"}}
	w.seen.Identity = model.Identity{Cluster: "uid-1", User: "maria@corp"}
	w.seen.Figures = map[string]*model.Figures{}
	w.component("backend-python", func(c *model.Component) {
		c.Revision, c.OwnerName, c.RevisionStart, c.TemplateHash = 42, owner(42), t0.Add(-11*time.Minute), "hash-42"
	})
	w.component("frontend", nil)
	for _, c := range w.seen.Board {
		w.figures(c.ID, repeat(0.002, 21), repeat(0.2, 21))
	}
	return w
}

func (w *world) component(id string, change func(*model.Component)) {
	c := &model.Component{ID: id, Workload: model.Workload{Kind: model.Deployment, Namespace: "production", Name: id}, UID: "uid-" + id, Revision: 3, OwnerName: owner(3),
		RevisionStart: t0.Add(-240 * time.Hour), TemplateHash: "hash-3", Desired: 3, Replicas: 3, Updated: 3, Ready: 3,
		Available: 3, Generation: 7, Observed: 7, Progressing: model.Condition{Status: "True", Reason: "NewReplicaSetAvailable"}}
	if old := w.seen.Component(id); old != nil {
		*c = *old
	}
	if change != nil {
		change(c)
	}
	board := []*model.Component{}
	for _, o := range w.seen.Board {
		if o.ID != id {
			board = append(board, o)
		}
	}
	w.seen.Board = append(board, c)
}

func (w *world) figures(id string, errors, p95 []float64) {
	move := w.now.Sub(t0)
	shift := func(f model.Figure) model.Figure {
		for n := range f.Samples {
			f.Samples[n].At = f.Samples[n].At.Add(move)
		}
		f.Now.At = f.Now.At.Add(move)
		if !f.Now.Known {
			f.Now.Why = "no series"
		}
		return f
	}
	fs := &model.Figures{Errors: shift(figure(errors...)), P95: shift(figure(p95...))}
	one := model.Reading{Known: true, Value: 3, At: w.now}
	fs.Up, fs.Targets, fs.Requests = one, one, model.Reading{Known: true, Value: 600, At: w.now}
	fs.HoldErrors, fs.HoldP95, fs.HoldRequests = fs.Errors.Now, fs.P95.Now, fs.Requests
	m := map[string]*model.Figures{}
	for k, v := range w.seen.Figures {
		m[k] = v
	}
	m[id] = fs
	w.seen.Figures = m
}

func (w *world) fold(f Fact) {
	w.inc = Apply(w.inc, f)
	w.facts = append(w.facts, f)
}

// do hands an input to Decide; keys are the operator's, the rest nobody's.
func (w *world) do(in Act) []Effect {
	w.t.Helper()
	w.seen.Cluster.Heard, w.seen.Metrics.Heard = w.now, w.now
	by := "maria"
	switch in.(type) {
	case Observed, Wrote, Settled, Gathered, Measured, Reported, Sent, LeaseHeard, PodLogsRead:
		by = ""
	}
	w.judge()
	facts, effects := Decide(w.inc, w.seen, Input{At: w.now, By: by, Do: in})
	for _, f := range facts {
		w.fold(f)
	}
	w.effects = append(w.effects, effects...)
	return effects
}

// judge sees how far the writes are, as the engine does by their method: by the
// template that the board shows.
func (w *world) judge() {
	w.seen.Progress = map[WriteID]model.Progress{}
	for _, s := range w.inc.Standing() {
		c := w.seen.Component(s.Write.Plan.Component)
		if s.Write.State != Rolling && s.Write.State != Done || c == nil || c.Generation < 8 {
			continue
		}
		p := model.Progress{Phase: model.PhaseFinished, Text: "rolled out", Share: 1}
		if c.TemplateHash != "hash-41" {
			p = model.Progress{Phase: model.PhaseReverted, By: c.RevisionBy, Text: c.RevisionBy + " put another template in place"}
		}
		w.seen.Progress[s.WriteID] = p
	}
}

func owner(revision int) string { return "rs-" + strconv.Itoa(revision) }

// backend is the release of backend-python; its first write has the ID first.
var (
	backend = model.Release("backend-python")
	first   = WriteID{1, "plan-1"}
)

func (w *world) wait(d time.Duration) { w.now = w.now.Add(d) }

func (w *world) snap() *Snapshot { return &Snapshot{Incident: w.inc, Seen: w.seen, Now: w.now} }

func (w *world) history(all ...model.Candidate) {
	w.seen.History = map[model.Slot]*model.History{backend: {Component: "backend-python", Method: "undo", At: w.now, Candidates: all}}
}

func revision(n int) model.Version { return model.Revision(owner(n), int64(n)) }

func served(n int, errors float64) model.Candidate {
	known := func(v float64) model.Reading { return model.Reading{Known: true, Value: v, At: t0} }
	return model.Candidate{Version: revision(n), Owner: owner(n), Behaviour: model.Behaviour{Errors: known(errors), P95: known(0.2), Requests: known(9000)}}
}

func (w *world) preflight(checks ...model.Check) *model.Plan {
	w.seen.Preflight = map[model.Slot]*model.Preflight{backend: {Slot: backend, To: owner(41), Done: true, Checks: checks, Plans: []model.Plan{{
		ID: "plan-1", Method: "undo", Role: model.RoleRelease, Component: "backend-python",
		Workload: model.Workload{Kind: model.Deployment, Namespace: "production", Name: "backend-python"}, From: revision(42), To: revision(41),
		Title: "Roll back backend-python from revision 42 to revision 41"}}}}
	return &w.seen.Preflight[backend].Plans[0]
}

// toConfirm walks a bad release of backend-python up to the open confirmation.
func (w *world) toConfirm() *model.Plan {
	w.t.Helper()
	w.figures("backend-python", repeat(0.3, 21), repeat(0.2, 21))
	w.do(Observed{})
	w.do(Next{})
	w.do(Next{})
	current := served(42, 0.3)
	current.Current = true
	w.history(current, served(41, 0.002))
	w.do(Observed{})
	w.do(Next{})
	if w.inc.Step != Confirm {
		w.t.Fatalf("at %s: %s", w.inc.Step.Name(), w.inc.Step.Blocked(w.snap()))
	}
	return w.preflight(model.Check{ID: "access.patch", State: model.CheckOK})
}

func (w *world) toRolling() {
	w.t.Helper()
	p := w.toConfirm()
	w.do(ConfirmWrite{Word: "backend-python", Plans: []string{p.ID}})
	w.do(Wrote{WriteID: first, Receipt: &model.Receipt{At: w.now, Text: "resourceVersion 9"}})
	if w.inc.Step != RollBack || w.inc.Attempt().Writes[0].State != Rolling {
		w.t.Fatalf("at %s with %+v", w.inc.Step.Name(), w.inc.Attempt())
	}
}

// undone has the cluster run what backend-python is rolled back to.
func (w *world) undone() {
	w.component("backend-python", func(c *model.Component) {
		c.Revision, c.OwnerName, c.TemplateHash, c.Generation, c.Observed = 43, owner(41), "hash-41", 8, 8
	})
}

func (w *world) rolledOut() {
	w.undone()
	w.do(Observed{})
}

func TestTheWalk(t *testing.T) {
	w := newWorld(t, nil)
	w.toRolling()
	if !strings.HasPrefix(w.inc.ID, "INC-20261123-0255-backend-python") {
		t.Errorf("the incident is named by its onset: %s", w.inc.ID)
	}
	w.wait(40 * time.Second)
	w.rolledOut()
	if w.inc.RolledOut.IsZero() {
		t.Fatal("rolled out, and not noticed")
	}
	w.do(Next{})
	for range 9 {
		w.wait(15 * time.Second)
		w.figures("backend-python", repeat(0.0005, 3), repeat(0.2, 3))
		w.figures("frontend", repeat(0, 3), repeat(0.2, 3))
		w.do(Observed{})
	}
	if w.inc.Verified.IsZero() {
		t.Fatalf("not verified: %+v", VerifyChecks(w.snap()))
	}
	for _, f := range w.facts {
		if v, ok := f.Body.(WasVerified); ok && !slices.Contains(v.Figures, "backend-python error ratio: 0.05%; must be ≤ 0.1% over 2m (configured)") {
			t.Errorf("a check is journaled without its limit: %q", v.Figures)
		}
	}
	if w.inc.Recovered.Before(w.inc.RolledOut) || w.inc.Recovered.After(w.inc.Verified.Add(-2*time.Minute)) {
		t.Errorf("recovered %s, rolled out %s, verified %s", w.inc.Recovered, w.inc.RolledOut, w.inc.Verified)
	}
	w.do(Next{})
	for _, it := range w.inc.Items {
		w.do(SettleItem{ID: it.ID})
	}
	if w.inc.Closed.IsZero() || w.inc.End.Outcome != "rolled back" {
		t.Errorf("every item is settled, and the incident is open: %+v", w.inc.End)
	}
}

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(*world)
		want    Verdict
	}{
		{"all is well, but nobody said that the feature works", func(w *world) {}, YourCall},
		{"all is well, and the operator says so", func(w *world) { w.do(Say{Question: QCritical, Answer: model.TriNo}) }, WatchClosely},
		{"errors", func(w *world) { w.figures("frontend", repeat(0.06, 21), repeat(0.2, 21)) }, Now},
		{"errors, not long enough", func(w *world) {
			w.figures("frontend", join(repeat(0, 10), repeat(0.06, 11)), repeat(0.2, 21))
			w.do(Say{Question: QCritical, Answer: model.TriNo})
		}, WatchClosely},
		{"slow", func(w *world) { w.figures("frontend", repeat(0, 21), repeat(2.1, 21)) }, Now},
		{"no series", func(w *world) {
			w.figures("frontend", nil, nil)
			w.do(Say{Question: QCritical, Answer: model.TriNo})
		}, YourCall},
		{"not measured by configuration", func(w *world) {
			w.seen.Figures = map[string]*model.Figures{"frontend": {NotMeasured: true}, "backend-python": {NotMeasured: true}}
			w.do(Say{Question: QCritical, Answer: model.TriNo})
		}, WatchClosely},
		{"no Prometheus", func(w *world) {
			w.seen.Figures = nil
			w.do(Say{Question: QCritical, Answer: model.TriNo})
		}, YourCall},
		{"no pod for a minute, and so no series", func(w *world) {
			w.figures("frontend", nil, nil)
			w.component("frontend", func(c *model.Component) { c.Available, c.Ready, c.NoneReady = 0, 0, t0.Add(-time.Minute) })
		}, Now},
		{"no pod for half a minute", func(w *world) {
			w.component("frontend", func(c *model.Component) { c.Available, c.Ready, c.NoneReady = 0, 0, t0.Add(-30*time.Second) })
		}, YourCall},
		{"stuck while the old pods serve", func(w *world) {
			w.component("frontend", func(c *model.Component) { c.Stuck, c.StuckSince = "CrashLoopBackOff", t0.Add(-time.Minute) })
			w.do(Say{Question: QCritical, Answer: model.TriNo})
		}, Within10},
		{"stuck, and the figures are unknown", func(w *world) {
			w.seen.Figures = nil
			w.component("frontend", func(c *model.Component) { c.Stuck, c.StuckSince = "CrashLoopBackOff", t0.Add(-time.Minute) })
		}, Within10},
		{"data lost", func(w *world) { w.do(Say{Question: QDataLoss, Answer: model.TriYes}) }, Now},
		{"overruled", func(w *world) {
			w.figures("frontend", repeat(0.06, 21), repeat(0.2, 21))
			w.do(Observed{})
			w.do(Overrule{Verdict: WatchClosely, Reason: "load test"})
		}, WatchClosely},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, nil)
			c.prepare(w)
			w.do(Observed{})
			if got := w.inc.Verdict.Verdict; got != c.want {
				t.Errorf("%s, want %s (%s)", got.Name(), c.want.Name(), w.inc.Verdict.Text)
			}
		})
	}
}

func TestVerdictFallsOnlyByTheKey(t *testing.T) {
	w := newWorld(t, nil)
	w.figures("frontend", repeat(0.06, 21), repeat(0.2, 21))
	w.do(Observed{})
	w.seen.Figures = nil // Prometheus is gone
	w.do(Observed{})
	if w.inc.Verdict.Verdict != Now {
		t.Fatal("the verdict fell when Prometheus went away")
	}
	for n := range 22 {
		w.wait(15 * time.Second)
		w.figures("frontend", join(repeat(0.06, 21), repeat(0, n+1)), repeat(0.2, 30))
		w.figures("backend-python", repeat(0, 30), repeat(0.2, 30))
		w.do(Observed{})
		if w.now.Sub(t0) < 5*time.Minute && CanStandDown(w.snap()) == "" {
			t.Fatalf("may stand down %s after it was over", w.now.Sub(t0))
		}
	}
	if w.inc.Verdict.Verdict != Now {
		t.Fatal("the verdict fell by itself")
	}
	if why := CanStandDown(w.snap()); why != "" {
		t.Fatal(why)
	}
	w.do(StandDown{})
	if w.inc.Verdict.Verdict == Now {
		t.Error("the key did nothing")
	}
}

func TestTenMinutes(t *testing.T) {
	w := newWorld(t, nil)
	w.component("frontend", func(c *model.Component) { c.Stuck, c.StuckSince = "CrashLoopBackOff", t0.Add(-time.Minute) })
	w.do(Observed{})
	w.do(Next{})
	w.do(Next{})
	w.wait(9 * time.Minute)
	w.do(Observed{})
	if w.inc.Verdict.Verdict != Within10 {
		t.Fatalf("%s after nine minutes", w.inc.Verdict.Verdict.Name())
	}
	w.wait(time.Minute)
	effects := w.do(Observed{})
	if w.inc.Verdict.Verdict != Now || len(effects) != 0 {
		t.Errorf("%s after ten minutes, effects %v", w.inc.Verdict.Verdict.Name(), effects)
	}
}

func TestProposal(t *testing.T) {
	current := served(42, 0.3)
	current.Current = true
	restart := served(41, 0.002)
	restart.RestartOf = owner(42)
	few := served(41, 0)
	few.Behaviour.Requests.Value = 12
	noP95 := served(41, 0)
	noP95.Behaviour.P95 = model.Reading{Why: "no series"}
	for _, c := range []struct {
		name string
		h    model.History
		want int // revision; 0 = none
	}{
		{"the newest good one", model.History{Candidates: []model.Candidate{current, served(41, 0.002), served(40, 0.001)}}, 41},
		{"two bad releases in a row", model.History{Candidates: []model.Candidate{current, served(41, 0.28), served(40, 0.001)}}, 40},
		{"over half the limit is not well", model.History{Candidates: []model.Candidate{current, served(41, 0.026)}}, 0},
		{"only a restart", model.History{Candidates: []model.Candidate{current, restart, served(40, 0.001)}}, 40},
		{"twelve requests say nothing", model.History{Candidates: []model.Candidate{current, few, served(40, 0.001)}}, 40},
		{"its P95 is unknown, others' is not", model.History{Candidates: []model.Candidate{current, noP95, served(40, 0.001)}}, 40},
		{"nobody measured", model.History{Candidates: []model.Candidate{{Version: revision(42), Current: true}, {Version: revision(41)}}}, 0},
		{"nothing else is kept", model.History{Candidates: []model.Candidate{current}}, 0},
		{"no history", model.History{Err: "forbidden"}, 0},
	} {
		got, why := (&Snapshot{Incident: Incident{Settings: Settings{Limits: model.DefaultLimits()}}}).Proposal(&c.h)
		if want := map[bool]model.Version{true: revision(c.want)}[c.want > 0]; got != want || why == "" {
			t.Errorf("%s: proposed %v (%q), want %v", c.name, got, why, want)
		}
	}
}

func TestConfirmation(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(*world, *model.Plan)
		word    string
		plans   []string
		written bool
	}{
		{"typed", nil, "backend-python", []string{"plan-1"}, true},
		{"another word", nil, "backend", []string{"plan-1"}, false},
		{"nothing typed", nil, "", []string{"plan-1"}, false},
		{"another plan than the one shown", nil, "backend-python", []string{"plan-0"}, false},
		{"blocked", func(w *world, p *model.Plan) {
			w.preflight(model.Check{ID: "owner", State: model.CheckBlocked, Text: "Argo CD"})
		}, "backend-python", []string{"plan-1"}, false},
		{"blocked and overridden", func(w *world, p *model.Plan) {
			w.preflight(model.Check{ID: "owner", State: model.CheckBlocked, Text: "Argo CD"})
			w.do(OverrideCheck{Slot: backend, Check: "owner", Reason: "sync is off"})
		}, "backend-python", []string{"plan-1"}, true},
		{"blocked and overridden without a reason", func(w *world, p *model.Plan) {
			w.preflight(model.Check{ID: "owner", State: model.CheckBlocked, Text: "Argo CD"})
			w.do(OverrideCheck{Slot: backend, Check: "owner", Reason: " "})
		}, "backend-python", []string{"plan-1"}, false},
		{"what cannot be lifted", func(w *world, p *model.Plan) {
			w.preflight(model.Check{ID: "access", State: model.CheckBlocked, Hard: true, Text: "may not patch"})
			w.do(OverrideCheck{Slot: backend, Check: "access", Reason: "I may"})
		}, "backend-python", []string{"plan-1"}, false},
		{"unknown holds nothing up", func(w *world, p *model.Plan) { w.preflight(model.Check{ID: "hpa"}) }, "backend-python", []string{"plan-1"}, true},
		{"equal templates", func(w *world, p *model.Plan) { p.Same = true }, "backend-python", []string{"plan-1"}, false},
		{"still checking", func(w *world, p *model.Plan) { w.seen.Preflight[backend].Done = false }, "backend-python", []string{"plan-1"}, false},
		{"no journal", func(w *world, p *model.Plan) { w.seen.JournalE = "disk full" }, "backend-python", []string{"plan-1"}, false},
		{"no journal, and the operator's word", func(w *world, p *model.Plan) {
			w.seen.JournalE = "disk full"
			w.do(NoJournal{})
		}, "backend-python", []string{"plan-1"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, nil)
			p := w.toConfirm()
			if c.prepare != nil {
				c.prepare(w, p)
			}
			effects := w.do(ConfirmWrite{Word: c.word, Plans: c.plans})
			if got := writes(effects) == 1; got != c.written {
				t.Errorf("effects %v; %s", effects, w.inc.Step.Blocked(w.snap()))
			}
		})
	}
}

func writes(effects []Effect) (n int) {
	for _, e := range effects {
		if _, ok := e.(WritePlan); ok {
			n++
		}
	}
	return n
}

func TestReadOnlyAndStagingConfirm(t *testing.T) {
	w := newWorld(t, func(s *Settings) { s.ReadOnly = true })
	p := w.toConfirm()
	if e := w.do(ConfirmWrite{Word: "backend-python", Plans: []string{p.ID}}); len(e) != 0 {
		t.Errorf("read-only, and %v", e)
	}
	w = newWorld(t, func(s *Settings) { s.Production = false })
	p = w.toConfirm()
	if e := w.do(ConfirmWrite{Word: "y", Plans: []string{p.ID}}); writes(e) != 1 {
		t.Errorf("not production: y confirms; got %v", e)
	}
}

func TestWriteThatDidNotHappen(t *testing.T) {
	for _, c := range []struct {
		name  string
		out   Wrote
		asked Asked
		step  Step
	}{
		{"changed by somebody else", Wrote{WriteID: first, Changed: "image, by jonas"}, AskChanged, Confirm},
		{"refused", Wrote{WriteID: first, Err: "forbidden"}, AskFailed, Confirm},
		{"no answer", Wrote{WriteID: first, Lost: "connection reset"}, AskNothing, RollBack},
	} {
		w := newWorld(t, nil)
		p := w.toConfirm()
		w.do(ConfirmWrite{Word: "backend-python", Plans: []string{p.ID}})
		effects := w.do(c.out)
		if w.inc.Asked != c.asked || w.inc.Step != c.step {
			t.Errorf("%s: asks %q at %s", c.name, w.inc.Asked, w.inc.Step.Name())
		}
		if c.out.Lost != "" {
			if _, ok := effects[0].(LookPlan); !ok {
				t.Errorf("%s: %v instead of a look", c.name, effects)
			}
			w.do(Settled{WriteID: first, State: model.SettledDone})
			if w.inc.Attempt().Writes[0].State != Rolling {
				t.Errorf("settled as done, and it is %q", w.inc.Attempt().Writes[0].State)
			}
		}
		w.do(c.out) // the same outcome twice changes nothing
		if n := len(w.inc.Attempts); n != 1 {
			t.Errorf("%s: %d attempts", c.name, n)
		}
	}
}

func TestTakenUpAfterACrash(t *testing.T) {
	w := newWorld(t, nil)
	p := w.toConfirm()
	w.do(ConfirmWrite{Word: "backend-python", Plans: []string{p.ID}})
	w.effects = nil
	w.inc = Fold(w.facts) // kill -9 right after the patch: the journal ends with the intent
	w.do(TakenUp{})
	var looks []Effect
	for _, e := range w.effects {
		if _, ok := e.(LookPlan); ok {
			looks = append(looks, e)
		}
		if _, ok := e.(WritePlan); ok {
			t.Error("written a second time")
		}
	}
	if len(looks) != 1 || w.inc.Step != RollBack {
		t.Errorf("looks %v at %s", looks, w.inc.Step.Name())
	}
}

func TestUnknownIsNeverGreen(t *testing.T) {
	w := newWorld(t, nil)
	w.toRolling()
	w.rolledOut()
	w.do(Next{})
	for range 60 {
		w.wait(15 * time.Second)
		w.figures("backend-python", nil, nil)
		w.do(Observed{})
	}
	if !w.inc.Verified.IsZero() {
		t.Fatal("verified without figures")
	}
	if w.inc.Asked != AskUnverified || strings.Contains(w.inc.AskText, "backend-python/") || !strings.Contains(w.inc.AskText, "backend-python error ratio unknown: no series") {
		t.Errorf("after a quarter of an hour it asks %q: %s", w.inc.Asked, w.inc.AskText)
	}
	if len(w.inc.Calls()) > 0 {
		t.Errorf("not known is not “did not help”: %+v", w.inc.Calls())
	}
	for _, v := range VerifyChecks(w.snap()) {
		if v.State == model.TriUnknown {
			w.do(AcceptUnknown{Key: v.Key, Reason: "checked by hand"})
		}
	}
	if !w.inc.Verified.IsZero() || w.inc.Hold.Since.Before(w.now) {
		t.Errorf("what was not known before it was accepted counts: %+v", w.inc.Hold)
	}
	for range 24 {
		w.wait(5 * time.Second)
		w.figures("backend-python", nil, nil)
		w.do(Observed{})
	}
	if w.inc.Verified.IsZero() || w.inc.Hold.With == 0 {
		t.Errorf("accepted by name, and not verified: %+v", VerifyChecks(w.snap()))
	}
}

// TestFoldIsTheIncident walks at random and checks after every input what must
// always hold.
func TestFoldIsTheIncident(t *testing.T) {
	t.Parallel()
	walktest.Each(t, 800, func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 7))
		w := newWorld(t, func(s *Settings) {
			s.Production = r.IntN(2) == 0
			s.Channels = channels
		})
		w.seen.Memory = &Memory{}
		confirmed := map[string]bool{}
		still := promises{}
		for range 60 {
			before := w.inc
			first := len(w.facts)
			in := w.randomInput(r)
			effects := w.do(in)
			still.hold(t, &before, w, in, w.facts[first:], effects)
			for _, f := range w.facts[first:] {
				if c, ok := f.Body.(Confirmed); ok {
					if f.By == "" {
						t.Fatal("confirmed by nobody")
					}
					for _, p := range c.Plans {
						confirmed[p.ID] = true
					}
				}
			}
			for _, e := range effects {
				if wr, ok := e.(WritePlan); ok && !confirmed[wr.Plan.ID] {
					t.Fatalf("a write that nobody confirmed: %+v", wr)
				}
			}
			if before.Verdict.Verdict == Now && w.inc.Verdict.Verdict != Now && w.facts[len(w.facts)-1].By == "" && !operatorActed(w.facts[first:]) {
				t.Fatal("the verdict fell by itself")
			}
			for q, a := range before.Answers {
				if _, ok := w.inc.Answers[q]; !ok {
					t.Fatalf("answer %v to %s lost", a, q)
				}
			}
			if len(w.inc.Attempts) < len(before.Attempts) {
				t.Fatal("an attempt was deleted")
			}
		}
		if got := Fold(w.facts); !reflect.DeepEqual(got, w.inc) {
			t.Fatal("the fold is another incident")
		}
		var back []Fact
		b, err := json.Marshal(w.facts)
		if err == nil {
			err = json.Unmarshal(b, &back)
		}
		if err != nil {
			t.Fatal(err)
		}
		got, want := Fold(back), w.inc
		if !reflect.DeepEqual(got.Timeline, want.Timeline) || got.Verdict != want.Verdict || got.Step != want.Step {
			t.Fatal("the journal read back is another incident")
		}
		if !reflect.DeepEqual(got.Messages, want.Messages) || got.Down != want.Down ||
			!reflect.DeepEqual(got.Escalations, want.Escalations) || !reflect.DeepEqual(got.Items, want.Items) || !reflect.DeepEqual(got.Evidence, want.Evidence) ||
			!reflect.DeepEqual(got.Baseline, want.Baseline) {
			t.Fatal("what goes beside the walk reads back otherwise")
		}
	})
}

func operatorActed(facts []Fact) bool {
	for _, f := range facts {
		if f.By != "" {
			return true
		}
	}
	return false
}

func (w *world) randomInput(r *rand.Rand) Act {
	w.wait(time.Duration(r.IntN(40)) * time.Second)
	level := []float64{0, 0.002, 0.3}[r.IntN(3)]
	if r.IntN(6) == 0 {
		w.figures("backend-python", nil, nil)
	} else {
		w.figures("backend-python", repeat(level, 1+r.IntN(25)), repeat(0.2, 21))
	}
	if r.IntN(3) == 0 {
		w.figures("frontend", repeat([]float64{0, 0, 0.3}[r.IntN(3)], 1+r.IntN(25)), repeat(0.2, 21))
	}
	if r.IntN(4) == 0 {
		w.undone()
	}
	if r.IntN(6) == 0 {
		// A later reading may know less, and a later run none.
		w.seen.Baseline = []map[string]model.Baseline{nil, {"backend-python": {Errors: model.Reading{Known: true, Value: level, At: w.now}}},
			{"backend-python": {Errors: model.Unknown("", "no series"), P95: model.Reading{Known: true, Value: 0.3, At: w.now}}}}[r.IntN(3)]
	}
	switch r.IntN(22) {
	case 0, 1, 2:
		return Next{}
	case 3:
		return Back{}
	case 4:
		return Say{Question: []Question{QErrors, QCritical, QDataLoss}[r.IntN(3)], Answer: model.Tri(r.IntN(3))}
	case 5:
		current := served(42, 0.3)
		current.Current = true
		w.history(current, served(41, 0.002))
		return Select{Component: "backend-python", On: r.IntN(3) > 0}
	case 6:
		return Pick{Component: "backend-python", To: owner(41)}
	case 7, 8:
		p := w.preflight()
		return ConfirmWrite{Word: ConfirmWord(&w.inc), Plans: []string{p.ID}}
	case 9:
		return []Act{Wrote{WriteID: first, Receipt: &model.Receipt{At: w.now}},
			Wrote{WriteID: first, Lost: "reset"},
			Settled{WriteID: first, State: model.SettledNot}}[r.IntN(3)]
	case 10:
		return Answered{With: []Reply{ReplyWait, ReplyAnother, ReplyUndo}[r.IntN(3)]}
	case 11:
		return StandDown{}
	case 12, 13, 14, 15, 16, 17, 18:
		return w.randomBeside(r)
	case 19:
		// Killed at any point, and taken up again from what is on disk.
		w.inc = Fold(w.facts)
		return TakenUp{Torn: int64(r.IntN(2) * 40)}
	}
	return Observed{}
}

// toConfirmBoth walks to the confirmation of backend-python (plan-1) and of frontend
// (plan-2), whose slot it returns.
func (w *world) toConfirmBoth() (front model.Slot) {
	w.t.Helper()
	w.toConfirm()
	w.do(Back{})
	w.do(Select{Component: "frontend", On: true})
	front = model.Release("frontend")
	w.seen.History = map[model.Slot]*model.History{backend: w.seen.History[backend], front: {Component: "frontend", Method: "undo", At: w.now,
		Candidates: []model.Candidate{{Version: revision(3), Current: true}, {Version: revision(2)}}}}
	w.do(Pick{Component: "frontend", To: owner(2)})
	w.do(Next{})
	w.preflight(model.Check{ID: "access.patch", State: model.CheckOK})
	w.seen.Preflight[front] = &model.Preflight{Slot: front, To: owner(2), Done: true, Plans: []model.Plan{{ID: "plan-2", Method: "undo",
		Role: model.RoleRelease, Component: "frontend", From: revision(3), To: revision(2)}}, Checks: []model.Check{{ID: "access.patch", State: model.CheckWarning}}}
	return front
}

func TestSecondComponentFails(t *testing.T) {
	w := newWorld(t, nil)
	front := w.toConfirmBoth()
	if word := ConfirmWord(&w.inc); word != "rollback 2" {
		t.Fatalf("the word is %q", word)
	}
	if why := Confirm.Blocked(w.snap()); !strings.Contains(why, "nothing fails on frontend") {
		t.Errorf("a component that is well and did not change is not held back: %q", why)
	}
	w.do(OverrideCheck{Slot: front, Check: HelpID, Reason: "it calls the old API"})
	effects := w.do(ConfirmWrite{Word: "rollback 2", Plans: []string{"plan-1", "plan-2"}})
	for _, f := range w.facts {
		c, ok := f.Body.(Confirmed)
		helps := slices.DeleteFunc(slices.Clone(c.Checks), func(k model.Check) bool { return k.ID == HelpID })
		if ok && !slices.Equal(helps, []model.Check{{ID: "access.patch", State: model.CheckOK, Component: "backend-python", Role: model.RoleRelease},
			{ID: "access.patch", State: model.CheckWarning, Component: "frontend", Role: model.RoleRelease}}) {
			t.Errorf("the journal does not say whose a line is: %+v", c.Checks)
		}
	}
	if writes(effects) != 1 {
		t.Fatalf("one write at a time, got %v", effects)
	}
	w.do(Wrote{WriteID: first, Receipt: &model.Receipt{At: w.now}})
	w.do(Wrote{WriteID: WriteID{1, "plan-2"}, Err: "forbidden"})
	w.rolledOut()
	if w.inc.Step != Confirm || w.inc.RolledOut.IsZero() {
		t.Fatalf("at %s, rolled out %s", w.inc.Step.Name(), w.inc.RolledOut)
	}
	if word := ConfirmWord(&w.inc); word != "frontend" {
		t.Errorf("only the one that failed is confirmed again, not %q", word)
	}
	w.do(ConfirmWrite{Word: "frontend", Plans: []string{"plan-2"}})
	w.do(Wrote{WriteID: WriteID{2, "plan-2"}, Err: "forbidden"})
	if why := rollBlocked(&w.inc); !strings.HasPrefix(why, "frontend") {
		t.Errorf("blocked by %q", why)
	}
	w.do(Select{Component: "frontend", On: false})
	if why := rollBlocked(&w.inc); why != "" {
		t.Errorf("left out, and still blocked by %q", why)
	}
	keys := map[string]bool{}
	for _, v := range VerifyChecks(w.snap()) {
		keys[v.Component] = true
	}
	if !keys["backend-python"] || keys["frontend"] {
		t.Errorf("verified are %v", keys)
	}
}

// The limit by the baseline stays when nobody can read it again: in a later run
// without Prometheus, and in a replay.
func TestBaselineIsKept(t *testing.T) {
	w := newWorld(t, nil)
	w.toConfirm()
	w.seen.Baseline = map[string]model.Baseline{"backend-python": {Errors: model.Reading{Known: true, Value: 0.02}, P95: model.Unknown("", "no histogram")},
		"frontend": {Errors: model.Reading{Known: true, Value: 0.01}}}
	for range 3 {
		w.do(Observed{})
	}
	kept := 0
	for _, f := range w.facts {
		if b, ok := f.Body.(BaselineRead); ok {
			kept++
			if b.Component != "backend-python" || b.Errors == nil || *b.Errors != 0.02 || b.P95 != nil {
				t.Errorf("kept %+v", b)
			}
		}
	}
	if kept != 1 {
		t.Errorf("kept %d times, want once, of what is chosen", kept)
	}
	p := w.preflight()
	w.do(ConfirmWrite{Word: ConfirmWord(&w.inc), Plans: []string{p.ID}})
	w.do(Wrote{WriteID: first, Receipt: &model.Receipt{At: w.now}})
	live := VerifyChecks(w.snap())
	w.seen.Baseline = nil
	if alone := VerifyChecks(w.snap()); !reflect.DeepEqual(live, alone) || !strings.Contains(live[2].Limit, "≤ 2% over 2m (baseline") {
		t.Errorf("verified by %+v, and by the journal alone by %+v", live, alone)
	}
}

func TestRevertedIsNeverVerified(t *testing.T) {
	w := newWorld(t, nil)
	w.toRolling()
	w.rolledOut()
	w.component("backend-python", func(c *model.Component) {
		c.TemplateHash, c.Generation, c.Observed, c.RevisionBy = "hash-42", 9, 9, "argocd-controller"
	})
	for range 60 {
		w.do(Observed{})
		w.wait(15 * time.Second)
		w.figures("backend-python", repeat(0, 21), repeat(0.2, 21))
	}
	if !w.inc.Verified.IsZero() || w.inc.Asked != AskReverted || !strings.Contains(w.inc.AskText, "argocd-controller") {
		t.Errorf("verified %s, asks %q: %s", w.inc.Verified, w.inc.Asked, w.inc.AskText)
	}
}
