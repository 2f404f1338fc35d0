package incident

import (
	"encoding/json"
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

// rescue is a cluster that is recovered: how many replicas each component asks for,
// whether the maintenance page is shown, and what was written by whom.
type rescue struct {
	*world
	replicas map[string]int
	page     bool
	plans    int
	late     []WritePlan // sent, and not answered: they may arrive
	written  map[WriteID]int
}

func newRescue(t *testing.T) *rescue {
	r := &rescue{world: newWorld(t, func(s *Settings) {
		s.Components = []model.Target{{ID: "frontend"}, {ID: "backend-python"}}
		s.Recovery = Recovery{Maintenance: "/srv/maintenance.yaml", Restore: "https://wiki.example/restore"}
	}), replicas: map[string]int{"frontend": 2, "backend-python": 3}, written: map[WriteID]int{}}
	r.seen.Methods = []model.Method{"undo", model.MethodScale, model.MethodMaintenance}
	r.show()
	return r
}

func (r *rescue) show() {
	for id, n := range r.replicas {
		r.component(id, func(c *model.Component) {
			c.Desired, c.Replicas, c.Updated, c.Ready, c.Available = n, n, n, n, n
			if r.inc.wroteRelease(id) {
				c.OwnerName, c.TemplateHash, c.Revision = owner(41), "hash-41", 43
			}
		})
	}
}

// version returns what a plan's slot is at now.
func (r *rescue) version(p *model.Plan) model.Version {
	switch p.Role {
	case model.RoleSwitch:
		return model.Replicas(r.replicas[p.Component])
	case model.RoleMaintenance:
		return model.MaintenancePage(r.page)
	}
	return r.seen.Component(p.Component).Running()
}

// do is world.do with progress as this cluster shows it.
func (r *rescue) do(in Act) []Effect {
	r.t.Helper()
	r.show()
	r.seen.Cluster.Heard, r.seen.Metrics.Heard = r.now, r.now
	by := "maria"
	switch in.(type) {
	case Observed, Wrote, Settled, TakenUp:
		by = ""
	}
	r.seen.Progress = map[WriteID]model.Progress{}
	for _, s := range r.inc.Standing() {
		p := model.Progress{Phase: model.PhaseFinished}
		if v := r.version(&s.Write.Plan); v.Key != s.Write.Plan.To.Key {
			p = model.Progress{Phase: model.PhaseReverted, By: "jonas"}
		}
		r.seen.Progress[s.WriteID] = p
	}
	facts, effects := Decide(r.inc, r.seen, Input{At: r.now, By: by, Do: in})
	for _, f := range facts {
		r.fold(f)
	}
	return effects
}

// checked has the plans of all that is chosen at hand, and returns the key that confirms
// them.
func (r *rescue) checked() ConfirmWrite {
	r.seen.Preflight = map[model.Slot]*model.Preflight{}
	do := ConfirmWrite{Word: ConfirmWord(&r.inc)}
	for _, c := range r.inc.Open() {
		r.plans++
		p := model.Plan{ID: fmt.Sprintf("plan-%d", r.plans), Method: c.Method, Role: c.Role, Component: c.Component, To: c.To, Title: c.Component + " to " + c.To.String()}
		p.From = r.version(&p)
		p.Same = p.From.Key == p.To.Key
		switch {
		case p.Role == model.RoleSwitch && p.To.Key == "0":
			p.Owes = c.Component + " is scaled to 0"
		case p.Role == model.RoleMaintenance && p.To.Key == "on":
			p.Owes = "the maintenance page is on"
		}
		r.seen.Preflight[c.Slot] = &model.Preflight{Slot: c.Slot, To: c.To.Key, Done: true, Plans: []model.Plan{p}}
		do.Plans = append(do.Plans, p.ID)
	}
	return do
}

// write does what a plan says, if the world is still what it was made of.
func (r *rescue) write(p *model.Plan) bool {
	if r.version(p).Key != p.From.Key {
		return false
	}
	switch p.Role {
	case model.RoleSwitch:
		n := 0
		_, _ = fmt.Sscan(p.To.Key, &n)
		r.replicas[p.Component] = n
	case model.RoleMaintenance:
		r.page = p.To.Key == "on"
	}
	return true
}

// answers does the writes among effects, and answers them.
func (r *rescue) answers(effects []Effect) {
	for len(effects) > 0 {
		x, is := effects[0].(WritePlan)
		effects = effects[1:]
		if !is {
			continue
		}
		if r.written[x.ID()]++; r.written[x.ID()] > 1 {
			r.t.Fatalf("written twice: %s", x.Plan.Title)
		}
		if !r.write(&x.Plan) {
			r.t.Fatalf("%s: it is at %s", x.Plan.Title, r.version(&x.Plan))
		}
		effects = append(effects, r.do(Wrote{WriteID: x.ID(), Receipt: &model.Receipt{At: r.now}})...)
		effects = append(effects, r.do(Observed{})...)
	}
}

// take takes a step and confirms what it writes.
func (r *rescue) take(id string) {
	r.t.Helper()
	r.wait(time.Second)
	if _, why := r.snap().StepChoices(CourseRecovery, id); why != "" {
		r.t.Fatalf("%s: %s", id, why)
	}
	r.do(TakeStep{Course: CourseRecovery, ID: id})
	r.answers(r.do(r.checked()))
	if s := r.inc.Procedure(CourseRecovery).Step(id); s.State != ItemDone {
		r.t.Fatalf("%s is %q at %s: %s, %+v", id, s.State, r.inc.Step.Name(), r.inc.Step.Blocked(r.snap()), r.inc.Attempt())
	}
}

func (r *rescue) tick(id, reason string) {
	r.t.Helper()
	r.wait(time.Second)
	if why := r.snap().TickBlocked(CourseRecovery, id, reason); why != "" {
		r.t.Fatalf("%s: %s", id, why)
	}
	r.do(SettleStep{Course: CourseRecovery, ID: id, Reason: reason})
}

// The runbook's F1 to F5, of two components: both are stopped at once, and brought back
// in the configured order, each when the one before it is there.
func TestRecovery(t *testing.T) {
	r := newRescue(t)
	r.do(Recover{Components: []string{"backend-python", "frontend"}})
	p := func() *Procedure { return r.inc.Procedure(CourseRecovery) }
	if p() == nil || len(p().Steps) != 10 {
		t.Fatalf("%+v", r.inc.Procedures)
	}
	if why := p().Blocked("restore 2"); !strings.Contains(why, "first, or leave it out with a reason: else what is written while data is restored would be lost") {
		t.Errorf("restored with traffic: %q", why)
	}
	if why := p().Blocked(StepPageOn); why != "" {
		t.Errorf("the maintenance page may come at any time: %s", why)
	}
	r.take(StepPageOn)
	r.take(StepStop)
	if a := r.inc.Attempt(); len(a.Writes) != 2 || a.Writes[0].Plan.Component != "frontend" || a.Course != CourseRecovery {
		t.Fatalf("stopped by %+v", a)
	}
	if o := r.inc.Owed(); len(o) != 3 || o[1].Back != model.Replicas(2) {
		t.Fatalf("owed %+v", o)
	}
	for _, id := range []string{"restore 1", "restore 2", "restore 3"} {
		r.tick(id, "")
		if s := p().Step(id); s.By != "maria" || !s.At.Equal(r.now) {
			t.Errorf("%+v", s)
		}
	}
	if why := p().Blocked(StepOnePod); !strings.Contains(why, "the pods would run the version that failed") {
		t.Errorf("one pod before the redeploy: %q", why)
	}
	r.do(SettleStep{Course: CourseRecovery, ID: StepRedeploy, Waive: true, Reason: "the version is well, the data was not"})
	r.take(StepOnePod)
	if r.replicas["frontend"] != 1 || r.replicas["backend-python"] != 1 || len(r.inc.Owed()) != 3 {
		t.Fatalf("%v, owed %+v", r.replicas, r.inc.Owed())
	}
	if w := r.inc.Owed()[1].Words(); w != "frontend is scaled to 0, and back at 1 replica so far" {
		t.Errorf("owed: %s", w)
	}
	if why := r.snap().TickBlocked(CourseRecovery, StepProve, ""); !strings.HasPrefix(why, "not known, it needs a reason") {
		t.Errorf("one pod is verified: %q", why)
	}
	r.tick(StepProve, "looked by hand")
	r.do(SettleStep{Course: CourseRecovery, ID: StepAll, Reason: "by hand"})
	if p().Step(StepAll).State != ItemOpen {
		t.Error("ticked, and it is still switched off")
	}
	r.take(StepAll)
	if a := r.inc.Attempt(); len(a.Writes) != 2 || a.Writes[0].Plan.Component != "frontend" || !a.Writes[1].Plan.Waits || a.Writes[1].Plan.Pays == "" {
		t.Errorf("brought back by %+v", a.Writes)
	}
	r.take(StepPageOff)
	if p().Open() > 0 || len(r.inc.Owed()) > 0 || r.page || r.replicas["frontend"] != 2 || r.replicas["backend-python"] != 3 {
		t.Errorf("%d steps open, owed %+v, page %v, %v", p().Open(), r.inc.Owed(), r.page, r.replicas)
	}
	if got := Fold(r.facts); !reflect.DeepEqual(got, r.inc) {
		t.Error("the fold is another incident")
	}
}

// The redeploy is chosen on Choose, by its own proposals, and stays part of the recovery.
func TestRecoveryRedeploys(t *testing.T) {
	r := newRescue(t)
	r.do(Recover{Components: []string{"backend-python"}})
	r.take(StepStop)
	for _, id := range []string{"restore 1", "restore 2", "restore 3"} {
		r.do(SettleStep{Course: CourseRecovery, ID: id, Waive: true, Reason: "no data"})
	}
	r.do(TakeStep{Course: CourseRecovery, ID: StepRedeploy})
	if r.inc.Step != Choose {
		t.Fatalf("at %s", r.inc.Step.Name())
	}
	current := served(42, 0.3)
	current.Current = true
	r.history(current, served(41, 0.002))
	r.do(Observed{})
	c := r.inc.Choice(backend)
	if c == nil || c.To.Key != owner(41) || c.Course != CourseRecovery || c.Step != StepRedeploy || len(r.inc.Choices) != 1 {
		t.Fatalf("chosen %+v", r.inc.Choices)
	}
	r.do(Pick{Component: "backend-python", To: owner(41)})
	if c := r.inc.Choice(backend); c.Course != CourseRecovery {
		t.Fatalf("picked %+v", c)
	}
	r.do(Next{})
	r.answers(r.do(r.checked()))
	if s := r.inc.Procedure(CourseRecovery).Step(StepRedeploy); s.State != ItemDone {
		t.Errorf("%+v after %+v", s, r.inc.Attempt())
	}
}

// What was stopped once more is owed once, and goes back to where it was first.
func TestStoppedOnceMore(t *testing.T) {
	r := newRescue(t)
	r.do(Recover{Components: []string{"backend-python"}})
	p := func() *Procedure { return r.inc.Procedure(CourseRecovery) }
	r.take(StepStop)
	for _, id := range []string{"restore 1", "restore 2", "restore 3", StepRedeploy} {
		r.do(SettleStep{Course: CourseRecovery, ID: id, Waive: true, Reason: "not needed"})
	}
	r.take(StepOnePod)
	r.wait(time.Second)
	r.do(ReopenStep{Course: CourseRecovery, ID: StepStop})
	if p().Step(StepStop).State != ItemOpen || p().Step(StepOnePod).State != ItemOpen || p().Step(StepRedeploy).State != ItemWaived {
		t.Fatalf("%+v", p().Steps)
	}
	r.take(StepStop)
	if o := r.inc.Owed(); len(o) != 1 || o[0].Back != model.Replicas(3) || o[0].Now != model.Replicas(0) {
		t.Fatalf("owed %+v", o)
	}
	// It is put back by the key of the debt, and the procedure has nothing left to do.
	r.wait(time.Second)
	r.do(Pay{Write: r.inc.Owed()[0].WriteID})
	r.answers(r.do(r.checked()))
	if len(r.inc.Owed()) > 0 || r.replicas["backend-python"] != 3 {
		t.Fatalf("owed %+v", r.inc.Owed())
	}
	for id, want := range map[string]ItemState{StepOnePod: ItemWaived, StepProve: ItemWaived, StepAll: ItemDone} {
		if s := p().Step(id); s.State != want { // nobody looked at one pod
			t.Errorf("%s is %q", id, s.State)
		}
	}
}

// What was not switched off need not be put back, and what is to stay off says so.
func TestLeftOut(t *testing.T) {
	r := newRescue(t)
	r.do(Recover{Components: []string{"backend-python"}})
	p := func() *Procedure { return r.inc.Procedure(CourseRecovery) }
	r.do(SettleStep{Course: CourseRecovery, ID: StepStop, Waive: true, Reason: "it serves a little"})
	for _, id := range []string{StepOnePod, StepProve, StepAll} {
		if s := p().Step(id); s.State != ItemWaived || !strings.Contains(s.Reason, "was left out") || s.By != "" {
			t.Errorf("%+v", s)
		}
	}
	if p().Step(StepPageOff).State != ItemOpen {
		t.Error("the maintenance page was left out with it")
	}
	r.take(StepPageOn)
	r.do(WaiveDebt{Write: r.inc.Owed()[0].WriteID, Reason: "the night shift takes it away"})
	if s := p().Step(StepPageOff); s.State != ItemWaived || s.Reason != "the night shift takes it away" {
		t.Errorf("%+v", s)
	}
}

// Without the methods, all is done by hand and ticked, and what is not configured is not
// asked.
func TestRecoveryByHand(t *testing.T) {
	r := newRescue(t)
	r.inc.Settings.Recovery = Recovery{}
	r.seen.Methods = []model.Method{"undo"}
	r.component("backend-python", func(c *model.Component) { c.Workload.Kind = model.DaemonSet })
	var ids []string
	for _, s := range r.snap().RecoverySteps([]string{"backend-python", "frontend"}) {
		if ids = append(ids, s.ID); slices.Contains(s.Of(), "backend-python") && s.ID != StepRedeploy {
			t.Errorf("a DaemonSet is scaled: %+v", s)
		}
		if s.ByHand() == (s.ID == StepRedeploy) {
			t.Errorf("%s by hand: %v", s.ID, s.ByHand())
		}
	}
	if got := strings.Join(ids, ", "); got != "stop, restore 1, redeploy, one pod, verify, all replicas" {
		t.Errorf("steps: %s", got)
	}
}

// Without the journal that switched it off, a debt is known by its mark in the cluster,
// and can be paid.
func TestMarkInTheCluster(t *testing.T) {
	r := newRescue(t)
	r.replicas["frontend"] = 0
	mark := model.Mark{Slot: model.Slot{Component: "frontend", Role: model.RoleSwitch}, Method: model.MethodScale, Plan: "theirs",
		To: model.Replicas(2), What: "frontend is scaled to 0", By: "jonas", Incident: "INC-1"}
	r.component("frontend", func(c *model.Component) { c.Marks, c.Desired = []model.Mark{mark}, 0 })
	owed := r.snap().Owed()
	if len(owed) != 1 || !owed[0].Foreign || owed[0].By != "jonas" || len(r.inc.Owed()) != 0 {
		t.Fatalf("owed %+v", owed)
	}
	if w := owed[0].Words(); w != "frontend is scaled to 0" {
		t.Errorf("told as %q", w)
	}
	r.component("frontend", func(c *model.Component) { c.Desired = 1 })
	if w := r.snap().Owed()[0].Words(); w != "frontend is scaled to 0, and back at 1 replica so far" {
		t.Errorf("told as %q", w)
	}
	r.component("frontend", func(c *model.Component) { c.Desired = 0 })
	r.do(Pay{Write: owed[0].WriteID})
	if c := r.inc.Choice(owed[0].Slot); c == nil || c.Pays != "theirs" || c.To != model.Replicas(2) || r.inc.Step != Confirm {
		t.Fatalf("chosen %+v at %s", c, r.inc.Step.Name())
	}
	r.answers(r.do(r.checked()))
	if r.replicas["frontend"] != 2 || len(r.snap().Owed()) != 0 {
		t.Errorf("%v, owed %+v", r.replicas, r.snap().Owed())
	}
}

// act is one thing that an operator, or the world, may do in a recovery.
func (r *rescue) act(x *rand.Rand) []Effect {
	r.wait(time.Duration(1+x.IntN(50)) * time.Second)
	p := r.inc.Procedure(CourseRecovery)
	step := ""
	if p != nil {
		step = p.Steps[x.IntN(len(p.Steps))].ID
	}
	owed := r.snap().Owed()
	switch x.IntN(20) {
	case 0:
		return r.do(Recover{Components: [][]string{{"frontend"}, {"backend-python", "frontend"}}[x.IntN(2)]})
	case 1, 2, 3, 4:
		return r.do(TakeStep{Course: CourseRecovery, ID: step})
	case 5, 6, 7, 8:
		return r.do(r.checked())
	case 9, 10:
		return r.do(SettleStep{Course: CourseRecovery, ID: step, Waive: x.IntN(2) == 0, Reason: []string{"", "so it is"}[x.IntN(2)]})
	case 11:
		if x.IntN(3) == 0 {
			return r.do(ReopenStep{Course: CourseRecovery, ID: step})
		}
	case 12:
		if len(owed) > 0 {
			return r.do(Pay{Write: owed[x.IntN(len(owed))].WriteID})
		}
	case 13:
		if len(owed) > 0 && x.IntN(6) == 0 {
			return r.do(WaiveDebt{Write: owed[x.IntN(len(owed))].WriteID, Reason: []string{"", "by hand"}[x.IntN(2)]})
		}
	case 14:
		for _, it := range r.inc.Items {
			r.do(SettleItem{ID: it.ID, Waive: true, Reason: "test"})
		}
	case 15:
		if x.IntN(2) == 0 {
			return r.do(EndIncident{Outcome: FixedOtherwise, Reason: "so they say"})
		}
		return r.do(Reopen{Reason: "it is back"})
	case 16: // killed, and taken up again from what is on disk
		r.inc = Fold(r.facts)
		return r.do(TakenUp{})
	case 17:
		if x.IntN(4) == 0 {
			r.replicas[[]string{"frontend", "backend-python"}[x.IntN(2)]] = x.IntN(4)
		}
	case 18:
		return r.do([]Act{Next{}, Back{}, Goto{Step: Close}}[x.IntN(3)])
	}
	return r.do(Observed{})
}

// send takes the writes that begin. Some are answered, some refused, some lost on their
// way to the cluster or on their way back.
func (r *rescue) send(t *testing.T, x *rand.Rand, effects []Effect) {
	for len(effects) > 0 {
		e := effects[0]
		effects = effects[1:]
		switch e := e.(type) {
		case WritePlan:
			if r.written[e.ID()]++; r.written[e.ID()] > 1 {
				t.Fatalf("written twice: %s", e.Plan.Title)
			}
			switch x.IntN(8) {
			case 0:
				effects = append(effects, r.do(Wrote{WriteID: e.ID(), Err: "forbidden"})...)
			case 1:
				r.late = append(r.late, e) // it arrives later, or never
				effects = append(effects, r.do(Wrote{WriteID: e.ID(), Lost: "reset"})...)
			case 2:
				r.write(&e.Plan)
				if x.IntN(2) == 0 { // killed before the answer
					r.inc = Fold(r.facts)
					effects = append(effects, r.do(TakenUp{})...)
				} else {
					effects = append(effects, r.do(Wrote{WriteID: e.ID(), Lost: "reset"})...)
				}
			default:
				out := Wrote{WriteID: e.ID(), Changed: "replicas"}
				if r.write(&e.Plan) {
					out = Wrote{WriteID: e.ID(), Receipt: &model.Receipt{At: r.now}}
				}
				effects = append(effects, r.do(out)...)
			}
		case LookPlan:
			effects = append(effects, r.do(r.look(e.ID(), e.Plan))...)
		}
	}
	for n, e := range r.late {
		if w := r.inc.write(e.ID()); x.IntN(3) == 0 && r.now.Before(w.Arrives()) {
			r.write(&e.Plan)
			r.late = slices.Delete(slices.Clone(r.late), n, n+1)
			break
		}
	}
	for _, s := range r.inc.Unanswered() { // the engine looks until it is settled
		r.do(r.look(s.WriteID, s.Write.Plan))
	}
}

func (r *rescue) look(id WriteID, p model.Plan) Settled {
	switch now := r.version(&p).Key; now {
	case p.To.Key:
		return Settled{WriteID: id, State: model.SettledDone}
	case p.From.Key:
		return Settled{WriteID: id, State: model.SettledNot}
	}
	return Settled{WriteID: id, State: model.SettledForeign, By: "jonas"}
}

// In no walk is an incident closed with something switched off by it that was neither put
// back nor left by name.
func TestNothingIsForgotten(t *testing.T) {
	t.Parallel()
	closed, paid, stops := 0, 0, 0
	taken := walktest.Each(t, 400, func(t *testing.T, seed uint64) {
		x := rand.New(rand.NewPCG(seed, 13))
		r := newRescue(t)
		r.seen.Memory = &Memory{}
		for range 100 {
			had := len(r.facts)
			r.send(t, x, r.act(x))
			for _, f := range r.facts[had:] {
				switch b := f.Body.(type) {
				case WasClosed:
					closed++
				case RolledOut:
					if w := r.inc.write(b.WriteID); w.Plan.Pays != "" {
						paid++
					} else if w.Plan.Owes != "" {
						stops++
					}
				}
			}
			r.forgets(t)
		}
		if got := Fold(r.facts); !reflect.DeepEqual(got, r.inc) {
			t.Fatal("the fold is another incident")
		}
		raw, err := json.Marshal(r.facts)
		var back []Fact
		if err == nil {
			err = json.Unmarshal(raw, &back)
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := Fold(back); !reflect.DeepEqual(got.Procedures, r.inc.Procedures) || !reflect.DeepEqual(got.Owed(), r.inc.Owed()) {
			t.Fatal("what is owed reads back otherwise")
		}
	})
	if taken >= 100 && (closed < taken/20 || paid < taken/20 || stops < taken/2) {
		t.Errorf("%d walks: %d closed, %d put back, %d switched off: nothing was tried", taken, closed, paid, stops)
	}
	t.Logf("%d walks: %d closed, %d put back, %d switched off", taken, closed, paid, stops)
}

// forgets fails where something that a write switched off is neither owed, nor put back
// by a later write, nor left by name: told from the facts alone, without their fold.
func (r *rescue) forgets(t *testing.T) {
	t.Helper()
	off := map[model.Slot]WriteID{} // what stands switched off
	plans := map[WriteID]model.Plan{}
	for _, f := range r.facts {
		var id WriteID
		switch b := f.Body.(type) {
		case Confirmed:
			for _, p := range b.Plans {
				plans[WriteID{b.N, p.ID}] = p
			}
			continue
		case DebtWaived:
			for slot, o := range off {
				if o == b.WriteID {
					delete(off, slot)
				}
			}
			continue
		case WriteDone:
			id = b.WriteID
		case WriteSettled:
			if b.State != model.SettledDone {
				continue
			}
			id = b.WriteID
		case RolledOut:
			if p := plans[b.WriteID]; p.Pays != "" {
				delete(off, p.Slot())
			}
			continue
		case WasClosed:
			if len(off) > 0 {
				t.Fatalf("closed, and switched off are %v", off)
			}
			continue
		default:
			continue
		}
		p := plans[id]
		if _, is := off[p.Slot()]; !is && p.Owes != "" {
			off[p.Slot()] = id
		}
	}
	for slot, id := range off {
		if !slices.ContainsFunc(r.inc.Owed(), func(o Debt) bool { return o.Slot == slot }) {
			t.Fatalf("%v was switched off by %v, and owed is %+v", slot, id, r.inc.Owed())
		}
	}
}
