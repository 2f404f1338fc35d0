package incident

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"rollbook/engine/walktest"
	"rollbook/model"
)

// site is a small cluster that is walked through at random: two components with five
// versions each, of which some fail, crash or never get ready, with what runs, what
// ran before, and the figures that follow from that. What is so is known here without
// asking the incident.
type site struct {
	*world
	r        *rand.Rand
	bad      map[string]map[int]float64 // errors of each version, by component and its number at first
	crashes  map[string]map[int]bool
	runs     map[string]int       // the version that runs
	numbers  map[string]int       // the newest number
	since    map[string]time.Time // when that was set
	releases map[string][]model.Earlier
	series   map[string][]float64
	dark     map[string]bool           // nobody knows its figures
	none     map[string]time.Time      // since when it has no ready pod
	proven   map[string]map[int]bool   // bad versions that the incident saw for long enough to know
	history  map[string]*model.History // as it is read
	written  walktest.Writes           // all that was set, by whom
	plans    int
}

// rollbook is who wrote what the incident wrote.
const rollbook = "rollbook"

var siteNames = []string{"backend-python", "frontend"}

// What a site's figures are made of: how many steps are kept, and what is over the
// trigger's and over Verify's limit.
const (
	siteSteps  = 40
	overErrors = 0.05
	wellErrors = 0.001
)

func newSite(t *testing.T, seed uint64) *site {
	s := &site{world: newWorld(t, func(x *Settings) { x.Production = false }), r: rand.New(rand.NewPCG(seed, 11)), bad: map[string]map[int]float64{},
		crashes: map[string]map[int]bool{}, runs: map[string]int{}, numbers: map[string]int{}, since: map[string]time.Time{},
		releases: map[string][]model.Earlier{}, series: map[string][]float64{}, dark: map[string]bool{}, none: map[string]time.Time{},
		proven: map[string]map[int]bool{}, history: map[string]*model.History{}}
	s.seen.Memory = &Memory{}
	for _, id := range siteNames {
		s.bad[id], s.crashes[id], s.proven[id] = map[int]float64{}, map[int]bool{}, map[int]bool{}
		for v := 1; v <= 5; v++ {
			s.bad[id][v] = []float64{0, 0, 0.002, 0.3, 0.6}[s.r.IntN(5)]
			s.crashes[id][v] = s.r.IntN(6) == 0
		}
		s.runs[id], s.numbers[id] = 4, 4
		s.bad[id][4], s.crashes[id][4] = 0, false
		s.since[id] = t0.Add(-26 * time.Hour)
		s.written = append(s.written, walktest.Write{Component: id, Version: owner(4), At: s.since[id]})
		s.series[id] = repeat(0, 21)
		s.history[id] = s.read(id)
	}
	s.world.now = t0.Add(-20 * time.Minute)
	s.show()
	return s
}

// set brings a component to a version, as a release or an undo does.
func (s *site) set(id string, v int, by string) {
	if v == s.runs[id] {
		return
	}
	s.releases[id] = append(s.releases[id], model.Earlier{Owner: owner(s.runs[id]), Revision: int64(s.numbers[id]), At: s.since[id]})
	s.runs[id], s.since[id] = v, s.now
	s.written = append(s.written, walktest.Write{Component: id, Version: owner(v), By: by, At: s.now})
	s.numbers[id]++
	s.component(id, func(c *model.Component) { c.RevisionBy = by })
	s.history[id] = s.read(id)
}

// pass lets a step of time go by, in which figures and pods come and go.
func (s *site) pass() {
	s.wait(15 * time.Second)
	for _, id := range siteNames {
		now := s.bad[id][s.runs[id]]
		if s.crashes[id][s.runs[id]] {
			now = 0 // the old pods serve
		}
		was := s.series[id][len(s.series[id])-1]
		s.series[id] = append(s.series[id], was+(now-was)/2)
		if n := len(s.series[id]); n > siteSteps {
			s.series[id] = s.series[id][n-siteSteps:]
		}
		switch n := s.r.IntN(120); {
		case n == 0:
			s.dark[id] = true
		case n < 8:
			delete(s.dark, id)
		case n == 8:
			s.none[id] = s.now
		case n < 20:
			delete(s.none, id)
		}
	}
	s.show()
}

// over reports whether a component is over its trigger's limit, or without a pod, as
// far as anybody can know.
func (s *site) over(id string) bool {
	return !s.none[id].IsZero() || !s.dark[id] && s.series[id][len(s.series[id])-1] > overErrors
}

// unwell says what is known to be wrong with a component, or not known; "" for nothing.
func (s *site) unwell(id string) string {
	switch {
	case !s.none[id].IsZero():
		return "has no pod"
	case s.crashes[id][s.runs[id]]:
		return "crashes"
	case s.dark[id]:
		if _, ok := s.inc.Accepted[id+"/errors"]; ok {
			return ""
		}
		return "is unknown, and was not accepted"
	case s.series[id][len(s.series[id])-1] > wellErrors:
		return "fails"
	}
	return ""
}

// show is what the cluster and Prometheus say now.
func (s *site) show() {
	for _, id := range siteNames {
		v := s.runs[id]
		s.component(id, func(c *model.Component) {
			c.Revision, c.OwnerName, c.RevisionStart = int64(s.numbers[id]), owner(v), s.since[id]
			c.TemplateHash = fmt.Sprintf("hash-%d", v)
			c.Past = slices.Clone(s.releases[id])
			slices.Reverse(c.Past)
			c.Returned = slices.ContainsFunc(c.Past, func(e model.Earlier) bool { return e.Owner == owner(v) })
			c.Generation = int64(7 + len(c.Past))
			c.Observed = c.Generation
			c.Stuck, c.StuckSince, c.Updated, c.Replicas, c.Ready, c.Available, c.Pods = "", time.Time{}, 3, 3, 3, 3, nil
			if s.crashes[id][v] {
				c.Stuck, c.StuckSince = "1 of 1 new pods CrashLoopBackOff", s.since[id]
				c.Updated, c.Replicas = 1, 4
				c.Pods = []model.Pod{{Owner: owner(v), State: "CrashLoopBackOff", Failing: true, Restarts: 3}}
			}
			if c.NoneReady = s.none[id]; !c.NoneReady.IsZero() {
				c.Ready, c.Available = 0, 0
			}
		})
		if s.dark[id] {
			s.figures(id, nil, repeat(0.2, 3))
			continue
		}
		s.figures(id, s.series[id], repeat(0.2, 3))
	}
}

// read is the history of a component as a method reads it.
func (s *site) read(id string) *model.History {
	h := &model.History{Component: id, Method: "undo", At: t0}
	for v := 5; v >= 1; v-- {
		if v == 5 && s.runs[id] != 5 && !slices.ContainsFunc(s.releases[id], func(e model.Earlier) bool { return e.Owner == owner(5) }) {
			continue
		}
		c := model.Candidate{Version: model.Revision(owner(v), int64(v)), Owner: owner(v)}
		if v <= 4 && !s.crashes[id][v] {
			c = served(v, s.bad[id][v])
		}
		c.Current = v == s.runs[id]
		h.Candidates = append(h.Candidates, c)
	}
	return h
}

// knownBad says what is known against a version of a component, by the site's own
// word: how it did before the incident, or while this watched; "" for nothing.
func (s *site) knownBad(id string, v int) string {
	switch {
	case s.proven[id][v] && s.crashes[id][v]:
		return "it crashed"
	case s.proven[id][v]:
		return "it failed when it ran last"
	case v <= 4 && !s.crashes[id][v] && s.bad[id][v] > overErrors:
		return "it failed before the incident"
	}
	return ""
}

// do is world.do with progress as this cluster shows it. What is shown for long enough
// while an incident is open counts as known from then on.
func (s *site) do(in Act) []Effect {
	s.t.Helper()
	s.seen.Cluster.Heard, s.seen.Metrics.Heard = s.now, s.now
	by := "maria"
	switch in.(type) {
	case Observed, Wrote, TakenUp:
		by = ""
	}
	s.seen.Progress, s.seen.History = map[WriteID]model.Progress{}, map[model.Slot]*model.History{}
	for _, st := range s.inc.Standing() {
		p := model.Progress{Phase: model.PhaseReverted, By: "somebody"}
		if id := st.Write.Plan.Component; st.Write.Plan.To.Key == owner(s.runs[id]) {
			p = model.Progress{Phase: model.PhaseFinished}
			if s.crashes[id][s.runs[id]] || s.now.Sub(s.since[id]) < 30*time.Second {
				p.Phase = model.PhaseRunning
			}
		}
		s.seen.Progress[st.WriteID] = p
	}
	for _, id := range siteNames {
		s.seen.History[model.Release(id)] = s.history[id]
	}
	facts, effects := Decide(s.inc, s.seen, Input{At: s.now, By: by, Do: in})
	for _, f := range facts {
		s.fold(f)
		b, ok := f.Body.(WasVerified)
		for _, id := range s.inc.Covered() {
			if why := s.unwell(id); ok && why != "" {
				s.t.Fatalf("verified, and %s %s: %v", id, why, b.Figures)
			}
		}
	}
	if _, ok := in.(Observed); ok && s.inc.ID != "" && s.inc.End == nil {
		for _, id := range s.inc.Failed {
			v := s.runs[id]
			// Its figures are its own a minute after it is rolled out.
			alone := !s.dark[id] && s.none[id].IsZero() && s.now.Sub(s.since[id]) >= 3*time.Minute
			if s.crashes[id][v] || alone && s.bad[id][v] > overErrors {
				s.proven[id][v] = true
			}
		}
	}
	return effects
}

// act is one thing that an operator, or the world, may do.
func (s *site) act() Act {
	id := siteNames[s.r.IntN(2)]
	switch s.r.IntN(24) {
	case 0, 1, 2, 3:
		return Next{}
	case 4:
		return Back{}
	case 5:
		return Goto{Step: Step(s.r.IntN(7))}
	case 6:
		return Select{Component: id, On: s.r.IntN(3) > 0}
	case 7, 8:
		return Pick{Component: id, To: owner(1 + s.r.IntN(5))}
	case 9:
		return Answered{With: []Reply{ReplyWait, ReplyAnother, ReplyUndo}[s.r.IntN(3)]}
	case 10:
		return OverrideCheck{Slot: model.Release(id), Check: HelpID, Reason: "I know better"}
	case 11:
		return Say{Question: []Question{QErrors, QCritical, QDataLoss}[s.r.IntN(3)], Answer: model.Tri(s.r.IntN(3))}
	case 12:
		if checks := VerifyChecks(s.snap()); len(checks) > 0 {
			return AcceptUnknown{Key: checks[s.r.IntN(len(checks))].Key, Reason: "looked by hand"}
		}
	case 13:
		return StandDown{}
	case 14:
		if s.r.IntN(10) == 0 {
			return EndIncident{Outcome: []Outcome{RecoveredAlone, FixedOtherwise, FalseAlarm}[s.r.IntN(3)], Reason: []string{"", "they say so"}[s.r.IntN(2)]}
		}
		return Reopen{Reason: "it is back"}
	case 15:
		if s.r.IntN(4) == 0 { // killed, and taken up again from what is on disk
			s.inc = Fold(s.facts)
			return TakenUp{}
		}
	case 16:
		if s.r.IntN(6) == 0 {
			return Overrule{Verdict: Verdict(s.r.IntN(4)), Reason: "so it is"}
		}
	case 17, 18, 19, 20:
		s.seen.Preflight = map[model.Slot]*model.Preflight{}
		var ids []string
		for _, c := range s.inc.Choices {
			s.plans++
			plan := model.Plan{ID: fmt.Sprintf("plan-%d", s.plans), Method: "undo", Role: model.RoleRelease, Component: c.Component,
				From: model.Revision(owner(s.runs[c.Component]), int64(s.numbers[c.Component])), To: c.To, Same: c.To.Key == owner(s.runs[c.Component])}
			s.seen.Preflight[c.Slot] = &model.Preflight{Slot: c.Slot, To: c.To.Key, Done: true, Plans: []model.Plan{plan}}
			ids = append(ids, plan.ID)
		}
		return ConfirmWrite{Word: ConfirmWord(&s.inc), Plans: ids}
	}
	return Observed{}
}

// version is the number of one of a site's versions.
func version(t *testing.T, v model.Version) (n int) {
	t.Helper()
	if _, err := fmt.Sscanf(v.Key, "rs-%d", &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Whatever is done in whatever order, what is shown is so.
func TestWhatIsShownIsSo(t *testing.T) {
	t.Parallel()
	confirmed, overridden, verified, opened := 0, 0, 0, 0
	taken := walktest.Each(t, 800, func(t *testing.T, seed uint64) {
		s := newSite(t, seed)
		for n := range 90 {
			switch {
			case n == 10+int(seed%20):
				s.set(siteNames[s.r.IntN(2)], 5, "gitlab-ci")
			case s.r.IntN(60) == 0:
				s.set(siteNames[s.r.IntN(2)], 1+s.r.IntN(5), "jonas")
			}
			s.pass()
			before, had := s.inc, len(s.facts)
			s.do(Observed{})
			s.looked(t)

			for _, e := range s.do(s.act()) {
				if x, is := e.(WritePlan); is {
					s.set(x.Plan.Component, version(t, x.Plan.To), rollbook)
					s.do(Wrote{WriteID: x.ID(), Receipt: &model.Receipt{At: s.now}})
				}
			}
			if before.Verified.IsZero() && !s.inc.Verified.IsZero() {
				verified++
			}
			for _, f := range s.facts[had:] {
				switch b := f.Body.(type) {
				case Opened:
					opened++
				case Confirmed:
					confirmed++
					overridden += s.mayBeConfirmed(t, f.At, b)
				}
			}
			s.holds(t)
		}
		if got := Fold(s.facts); !reflect.DeepEqual(got, s.inc) {
			t.Fatal("the fold is another incident")
		}
	})
	if taken >= 100 && (confirmed < taken/10 || overridden == 0 || verified == 0) {
		t.Errorf("%d walks: %d confirmations, %d of them against what is known, %d verified: nothing was tried", taken, confirmed, overridden, verified)
	}
	t.Logf("%d walks: %d opened, %d confirmations, %d of them against what is known, %d verified", taken, opened, confirmed, overridden, verified)
}

// mayBeConfirmed fails unless what was confirmed against what is known was overridden
// first. It returns how many versions that is.
func (s *site) mayBeConfirmed(t *testing.T, at time.Time, c Confirmed) (against int) {
	t.Helper()
	for _, p := range c.Plans {
		why := s.knownBad(p.Component, version(t, p.To))
		if why == "" {
			continue
		}
		against++
		if !slices.ContainsFunc(s.facts, func(f Fact) bool {
			o, is := f.Body.(CheckOverridden)
			return is && o.Slot == model.Release(p.Component) && o.Check == HelpID && !f.At.After(at)
		}) {
			t.Fatalf("%s of %s is known to be bad (%s), and was confirmed: %+v", p.To, p.Component, why, c.Checks)
		}
	}
	return against
}

// whose checks right after a look that each write is told of as whose it was.
func (s *site) whose(t *testing.T) {
	t.Helper()
	for _, st := range s.inc.Standing() {
		w := s.written.Last(st.Write.Plan.Component, s.now)
		theirs := w.By != rollbook && w.Version != st.Write.Plan.To.Key
		if st.Write.InPlace() && theirs || st.Write.State == Reverted && w.By == rollbook && w.At.Equal(st.Write.Intent) {
			t.Fatalf("%s of %s is %q, and the newest write is %+v", st.Write.Plan.To, st.Write.Plan.Component, st.Write.State, w)
		}
	}
	a := s.snap().Afterwards()
	if a.State == AfterNothing {
		return
	}
	w := s.written.Last(a.Component, s.now)
	by := w.By
	if by == rollbook {
		by = "maria"
	}
	if told := a.Head + ": " + a.Text; !strings.Contains(told, " by "+by+" (") || !a.At.Equal(w.At) {
		t.Fatalf("%q, at %s, and the newest write is %+v", told, a.At, w)
	}
}

// looked checks what is shown right after a look.
func (s *site) looked(t *testing.T) {
	t.Helper()
	i := &s.inc
	if i.Closed.IsZero() && i.End == nil {
		s.whose(t)
	}
	if !i.Closed.IsZero() || i.ID == "" || i.End != nil && !i.holds() {
		return
	}
	over := slices.ContainsFunc(i.Concerned(), s.over)
	if counts := !i.Down.Since.IsZero() && !i.Down.Unseen; counts != over {
		t.Fatalf("something concerned is over its limit %v, and the clock of the downtime runs %v: %+v", over, counts, i.Down)
	}
	if i.Verified.IsZero() {
		return
	}
	for _, id := range i.Covered() {
		if s.over(id) {
			t.Fatalf("verified, and %s is over its limit", id)
		}
	}
}

// holds checks what is shown now.
func (s *site) holds(t *testing.T) {
	t.Helper()
	now := s.snap()
	for _, x := range now.Causes() {
		if !s.inc.Onset.IsZero() && x.At.After(s.inc.Onset.Add(time.Second)) {
			t.Fatalf("the cause came %s after the onset: %+v", x.At.Sub(s.inc.Onset), x)
		}
		if w := s.written.Last(x.Component, x.At); w.By == rollbook || w.Version != x.Version.Key || !w.At.Equal(x.At) || x.By != "" && x.By != w.By {
			t.Fatalf("suspected is %+v, and written was %+v", x, w)
		}
	}
	v, why := VerdictOf(now, Tree(now))
	if v != Now && v != Within10 {
		return
	}
	if s.inc.Verdict.Overruled || slices.ContainsFunc(Tree(now), func(n Node) bool { return n.By != "" && n.Answer == model.TriYes }) {
		return // the operator says so
	}
	for _, st := range s.inc.Standing() {
		w, id := st.Write, st.Write.Plan.Component
		well := w.State == Done && w.Plan.To.Key == owner(s.runs[id]) && s.none[id].IsZero() && s.bad[id][s.runs[id]] <= 0.002 && !s.crashes[id][s.runs[id]]
		if others := slices.ContainsFunc(s.inc.Triggers, func(t Trigger) bool { return t.Component != id }); well && !others {
			t.Fatalf("%s after %s was rolled back well: %s", v.Name(), id, why)
		}
	}
}
