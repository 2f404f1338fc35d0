package incident

import (
	"slices"
	"testing"

	"rollbook/model"
)

// methods are the names of what is offered for a component.
func (w *world) methods(component string) (out []model.Method) {
	for _, way := range w.snap().Ways(component) {
		out = append(out, way.Method)
	}
	return out
}

// twoWays offers the undo for every component, and a job for backend-python.
func (w *world) twoWays() {
	w.seen.Ways = []Way{{Method: "undo", Title: "Kubernetes undo"},
		{Method: "job", Title: "deploy job", Serves: func(component string) bool { return component == "backend-python" }}}
}

func TestWaysAreThoseOfTheComponentInItsOrder(t *testing.T) {
	for name, c := range map[string]struct {
		order     []model.Method
		component string
		want      []model.Method
	}{
		"all that serve it":           {nil, "backend-python", []model.Method{"undo", "job"}},
		"not what is another's":       {nil, "frontend", []model.Method{"undo"}},
		"in its own order":            {[]model.Method{"job", "undo"}, "backend-python", []model.Method{"job", "undo"}},
		"only those of its own":       {[]model.Method{"job"}, "backend-python", []model.Method{"job"}},
		"its order adds none":         {[]model.Method{"job", "undo"}, "frontend", []model.Method{"job", "undo"}[1:]},
		"none that is not configured": {[]model.Method{"gone"}, "backend-python", nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(s *Settings) {
				for _, id := range []string{"backend-python", "frontend"} {
					s.Components = append(s.Components, model.Target{ID: id, Methods: c.order})
				}
			})
			w.twoWays()
			if got := w.methods(c.component); !slices.Equal(got, c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

// Another way back has versions of its own: nothing that was chosen, proposed or read
// by the way before counts for it.
func TestAnotherWayBeginsAnew(t *testing.T) {
	w := newWorld(t, nil)
	w.twoWays()
	w.toConfirm()
	w.do(Back{})
	if c := w.inc.Choice(backend); c == nil || c.Method != "undo" || c.To.Key != owner(41) {
		t.Fatalf("chosen before: %+v", c)
	}
	effects := w.do(UseMethod{Component: "backend-python", Method: "job"})
	c := w.inc.Choice(backend)
	if c == nil || c.Method != "job" || !c.To.IsZero() || c.Why != "" {
		t.Fatalf("chosen: %+v", c)
	}
	if !slices.ContainsFunc(effects, func(e Effect) bool {
		r, ok := e.(ReadHistory)
		return ok && r.Slot == backend && r.Method == "job"
	}) {
		t.Errorf("its versions are not read: %v", effects)
	}
	w.do(Observed{})                                       // the undo's history is still there
	w.do(Pick{Component: "backend-python", To: owner(41)}) // and on the screen of a slow terminal
	if c := w.inc.Choice(backend); c.Method != "job" || !c.To.IsZero() || c.Why != "" {
		t.Errorf("of the undo's history was chosen: %+v", c)
	}
	if w.snap().History(w.inc.Choice(backend)) != nil {
		t.Error("the undo's history stands for the job's")
	}
	if why := Choose.Blocked(w.snap()); why != "no version is chosen for backend-python" {
		t.Errorf("blocked: %q", why)
	}
	if _, effects := Decide(w.inc, w.seen, Input{At: w.now, By: "maria", Do: UseMethod{Component: "backend-python", Method: "job"}}); len(effects) > 0 {
		t.Errorf("chosen again it reads again: %v", effects)
	}

	run := func(key, label string) model.Candidate {
		out := served(41, 0.002)
		out.Version, out.Owner = model.Version{Key: key, Label: label}, ""
		return out
	}
	bad := run("8", "pipeline 8")
	bad.Current, bad.Behaviour = true, model.Behaviour{}
	w.seen.History[backend] = &model.History{Component: "backend-python", Method: "job", At: w.now, Candidates: []model.Candidate{bad, run("7", "pipeline 7")}}
	w.do(Observed{})
	if c := w.inc.Choice(backend); c.Method != "job" || c.To.Key != "7" {
		t.Errorf("proposed: %+v", c)
	}
	w.do(UseMethod{Component: "backend-python", Method: "undo"})
	if c := w.inc.Choice(backend); c.Method != "undo" || !c.To.IsZero() {
		t.Errorf("back by the undo: %+v", c)
	}
}

func TestWayThatIsNotOfferedIsNotTaken(t *testing.T) {
	w := newWorld(t, nil)
	w.twoWays()
	w.toConfirm()
	w.do(Back{})
	n := len(w.facts)
	w.do(UseMethod{Component: "backend-python", Method: "gone"})
	w.do(UseMethod{Component: "frontend", Method: "job"})
	w.do(UseMethod{Component: "nobody", Method: "undo"})
	for _, f := range w.facts[n:] {
		if _, ok := f.Body.(Chosen); ok {
			t.Errorf("chosen: %+v", f.Body)
		}
	}
}

// What stands after the operator's name reads right for each name, also for "you".
func TestChosenByWhom(t *testing.T) {
	to := model.Version{Key: "40", Label: "revision 40"}
	for own, want := range map[bool]string{true: "chose revision 40 of api", false: "proposed: revision 40 of api"} {
		c := Choice{Slot: model.Release("api"), To: to, Own: own}
		if kind, got := (Chosen{c}).entry(nil); kind != EntryChoice || got != want {
			t.Errorf("by the operator %v: %s %q, want %q", own, kind, got, want)
		}
	}
}
