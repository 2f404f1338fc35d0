package incident

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"rollbook/model"
)

// site is a small cluster that is walked through at random: two components with five
// versions each, of which some fail, crash or never get ready, with what runs, what
// ran before, and the figures that follow from that.
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
	plans    int
}

var siteNames = []string{"backend-python", "frontend"}

func newSite(t *testing.T, seed uint64) *site {
	s := &site{world: newWorld(t, func(x *Settings) { x.Production = false }), r: rand.New(rand.NewPCG(seed, 11)), bad: map[string]map[int]float64{},
		crashes: map[string]map[int]bool{}, runs: map[string]int{}, numbers: map[string]int{}, since: map[string]time.Time{},
		releases: map[string][]model.Earlier{}, series: map[string][]float64{}}
	for _, id := range siteNames {
		s.bad[id], s.crashes[id] = map[int]float64{}, map[int]bool{}
		for v := 1; v <= 5; v++ {
			s.bad[id][v] = []float64{0, 0, 0.002, 0.3, 0.6}[s.r.IntN(5)]
			s.crashes[id][v] = s.r.IntN(6) == 0
		}
		s.runs[id], s.numbers[id] = 4, 4
		s.bad[id][4], s.crashes[id][4] = 0, false
		s.since[id] = t0.Add(-26 * time.Hour)
		s.series[id] = repeat(0, 21)
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
	s.numbers[id]++
	s.component(id, func(c *model.Component) { c.RevisionBy = by })
}

// pass lets a step of time go by.
func (s *site) pass() {
	s.wait(15 * time.Second)
	for _, id := range siteNames {
		now := s.bad[id][s.runs[id]]
		if s.crashes[id][s.runs[id]] {
			now = 0 // the old pods serve
		}
		was := s.series[id][len(s.series[id])-1]
		s.series[id] = append(s.series[id], was+(now-was)/2)
		if n := len(s.series[id]); n > 120 {
			s.series[id] = s.series[id][n-120:]
		}
	}
	s.show()
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
			c.Stuck, c.StuckSince, c.Updated, c.Replicas, c.Pods = "", time.Time{}, 3, 3, nil
			if s.crashes[id][v] {
				c.Stuck, c.StuckSince = "1 of 1 new pods CrashLoopBackOff", s.since[id]
				c.Updated, c.Replicas = 1, 4
				c.Pods = []model.Pod{{Owner: owner(v), State: "CrashLoopBackOff", Failing: true, Restarts: 3}}
			}
		})
		s.figures(id, s.series[id], repeat(0.2, len(s.series[id])))
	}
}

func (s *site) history(id string) *model.History {
	h := &model.History{Component: id, Method: "undo", At: s.now}
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

// do is world.do with progress as this cluster shows it.
func (s *site) do(in Act) []Effect {
	s.t.Helper()
	s.seen.Cluster.Heard, s.seen.Metrics.Heard = s.now, s.now
	by := "maria"
	switch in.(type) {
	case Observed, Wrote:
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
		s.seen.History[model.Release(id)] = s.history(id)
	}
	facts, effects := Decide(s.inc, s.seen, Input{At: s.now, By: by, Do: in})
	for _, f := range facts {
		s.fold(f)
	}
	return effects
}

// act is one thing that an operator, or the world, may do.
func (s *site) act() Act {
	id := siteNames[s.r.IntN(2)]
	switch s.r.IntN(14) {
	case 0, 1, 2:
		return Next{}
	case 3:
		return Back{}
	case 4:
		return Goto{Step: Step(s.r.IntN(7))}
	case 5:
		return Select{Component: id, On: s.r.IntN(3) > 0}
	case 6, 7:
		return Pick{Component: id, To: owner(1 + s.r.IntN(5))}
	case 8:
		return Answered{With: []Reply{ReplyWait, ReplyAnother, ReplyUndo}[s.r.IntN(3)]}
	case 9:
		return OverrideCheck{Slot: model.Release(id), Check: HelpID, Reason: "I know better"}
	case 10:
		return Say{Question: []Question{QErrors, QCritical, QDataLoss}[s.r.IntN(3)], Answer: model.Tri(s.r.IntN(3))}
	case 11, 12:
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

// Whatever is done in whatever order, what is shown is so.
func TestWhatIsShownIsSo(t *testing.T) {
	walks, confirmed, overridden := 400, 0, 0
	if testing.Short() {
		walks = 100
	}
	for seed := range uint64(walks) {
		s := newSite(t, seed)
		for n := range 90 {
			switch {
			case n == 10+int(seed%20):
				s.set(siteNames[s.r.IntN(2)], 5, "gitlab-ci")
			case s.r.IntN(60) == 0:
				s.set(siteNames[s.r.IntN(2)], 1+s.r.IntN(5), "jonas")
			}
			s.pass()
			s.do(Observed{})
			act := s.act()
			before, had := s.inc, len(s.facts)
			for _, e := range s.do(act) {
				if x, is := e.(WritePlan); is {
					var v int
					if _, err := fmt.Sscanf(x.Plan.To.Key, "rs-%d", &v); err != nil {
						t.Fatal(err)
					}
					s.set(x.Plan.Component, v, "rollbook")
					s.do(Wrote{WriteID: x.ID(), Receipt: &model.Receipt{At: s.now}})
				}
			}
			for _, f := range s.facts[had:] {
				c, is := f.Body.(Confirmed)
				if !is {
					continue
				}
				confirmed++
				for _, p := range c.Plans {
					k := before.known(p.Component, p.To.Key)
					why := k.bad()
					if why == "" && !k.good() {
						if r := s.history(p.Component).Candidate(p.To.Key); r != nil && bad(r.Behaviour, before.Settings.Limits) {
							why = "its figures"
						}
					}
					if why == "" {
						continue
					}
					overridden++
					if !slices.ContainsFunc(c.Checks, func(l model.Check) bool {
						return l.ID == HelpID && l.Component == p.Component && l.State == model.CheckBlocked && before.Overridden(model.Release(p.Component), l)
					}) {
						t.Fatalf("seed %d: %s of %s is known to be bad (%s), and was confirmed: %+v", seed, p.To, p.Component, why, c.Checks)
					}
				}
			}
			s.holds(t, seed)
		}
		if got := Fold(s.facts); !reflect.DeepEqual(got.Known, s.inc.Known) || !reflect.DeepEqual(got.Suspects, s.inc.Suspects) {
			t.Fatalf("seed %d: the journal knows something else", seed)
		}
	}
	if confirmed < walks/10 || overridden == 0 {
		t.Errorf("%d confirmations, %d of them against what is known: nothing was tried", confirmed, overridden)
	}
	t.Logf("%d confirmations, %d of them against what is known", confirmed, overridden)
}

// holds checks what is shown now.
func (s *site) holds(t *testing.T, seed uint64) {
	t.Helper()
	now := s.snap()
	for _, x := range now.Causes() {
		if !s.inc.Onset.IsZero() && x.At.After(s.inc.Onset.Add(time.Second)) {
			t.Fatalf("seed %d: the cause came %s after the onset: %+v", seed, x.At.Sub(s.inc.Onset), x)
		}
		if s.inc.ours(x.Component, x.Version.Key, x.At) {
			t.Fatalf("seed %d: an attempt's own write is accused: %+v", seed, x)
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
		well := w.State == Done && w.Plan.To.Key == owner(s.runs[id]) && s.bad[id][s.runs[id]] <= 0.002 && !s.crashes[id][s.runs[id]]
		if others := slices.ContainsFunc(s.inc.Triggers, func(t Trigger) bool { return t.Component != id }); well && !others {
			t.Fatalf("seed %d: %s after %s was rolled back well: %s", seed, v.Name(), id, why)
		}
	}
}
