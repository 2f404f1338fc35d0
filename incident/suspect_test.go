package incident

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// suspected returns the incident's suspects in short: component, revision and
// distance.
func suspected(i Incident) string {
	var out []string
	for _, x := range i.Suspects {
		out = append(out, fmt.Sprintf("%s %s %s", x.Component, x.Version.Short, x.Before.Round(time.Minute)))
	}
	return strings.Join(out, "; ")
}

// openWithErrors opens an incident of backend-python, whose errors began about
// five minutes ago.
func openWithErrors(w *world) {
	w.figures("backend-python", repeat(0.3, 21), repeat(0.2, 21))
	w.do(Observed{})
	w.do(Next{})
}

// Who is suspected is a fact from the opening on, and stays as it was seen: after
// the rollback another revision runs, and the culprit is still the same.
func TestSuspectsAreKept(t *testing.T) {
	w := newWorld(t, nil)
	w.component("backend-python", func(c *model.Component) {
		c.RevisionStart, c.RevisionBy, c.ChangeCause, c.Images = t0.Add(-6*time.Minute), "gitlab-ci", "checkout v2", []string{"api:42"}
	})
	w.component("frontend", func(c *model.Component) {
		c.Revision, c.OwnerName, c.RevisionStart = 17, owner(17), t0.Add(-30*time.Minute)
	})
	if before := suspected(Incident{Suspects: w.snap().Suspects()}); !strings.HasPrefix(before, "backend-python 42") {
		t.Errorf("before the opening the board shows %q", before)
	}
	openWithErrors(w)
	const want = "backend-python 42 1m0s; frontend 17 25m0s"
	if got := suspected(w.inc); got != want {
		t.Fatalf("at the opening %q, want %q", got, want)
	}
	if x := w.inc.Suspects[0]; x.By != "gitlab-ci" || x.ChangeCause != "checkout v2" || x.Images[0] != "api:42" {
		t.Errorf("%+v", x)
	}
	if told := texts(w.inc, "seen"); !strings.Contains(strings.Join(told, "\n"),
		"suspected: revision 42 of backend-python, released 1m before the first bad sample; revision 17 of frontend, released 25m before the first bad sample") {
		t.Errorf("the timeline tells %q", told)
	}
	facts := len(w.facts)
	for range 20 {
		w.wait(5 * time.Second)
		w.do(Observed{})
	}
	for _, f := range w.facts[facts:] {
		if _, ok := f.Body.(Suspected); ok {
			t.Error("it is told again though nothing changed")
		}
	}
	// A hotfix by somebody else, and a change elsewhere that is late.
	w.component("backend-python", func(c *model.Component) {
		c.Revision, c.OwnerName, c.RevisionStart, c.Images = 43, owner(43), w.now, []string{"api:43"}
	})
	w.component("frontend", func(c *model.Component) { c.Revision, c.OwnerName, c.RevisionStart = 18, owner(18), w.now })
	w.do(Observed{})
	if got := suspected(w.inc); !strings.HasPrefix(got, want+"; backend-python 43 -") || strings.Contains(got, "frontend 18") {
		t.Errorf("after a hotfix: %q", got)
	}
	if last := w.inc.Suspects[len(w.inc.Suspects)-1]; !last.Later() {
		t.Errorf("a hotfix counts as a cause: %+v", last)
	}
	if folded := Fold(w.facts); suspected(folded) != suspected(w.inc) {
		t.Errorf("folded: %q", suspected(folded))
	}
}

// What the incident's own attempts wrote is no suspect.
func TestOwnWritesAreNotSuspected(t *testing.T) {
	w := newWorld(t, nil)
	w.component("backend-python", func(c *model.Component) { c.RevisionStart = t0.Add(-6 * time.Minute) })
	w.toRolling()
	before := suspected(w.inc)
	if !strings.Contains(before, "backend-python 42") {
		t.Fatalf("before the rollback %q", before)
	}
	w.wait(10 * time.Second)
	w.component("backend-python", func(c *model.Component) {
		c.Revision, c.OwnerName, c.RevisionStart, c.RevisionBy = 43, owner(43), w.now, "rollbook"
	})
	w.do(Observed{})
	if got := suspected(w.inc); got != before {
		t.Errorf("after the rollback %q, before %q", got, before)
	}
}

// A namespace that was just deployed changed everywhere: the list is bounded.
func TestSuspectsAreBounded(t *testing.T) {
	w := newWorld(t, nil)
	for n := range 50 {
		w.component(fmt.Sprintf("service-%02d", n), func(c *model.Component) { c.RevisionStart = t0.Add(-time.Duration(6+n) * time.Minute) })
	}
	openWithErrors(w)
	if n := len(w.inc.Suspects); n != suspectsMost {
		t.Errorf("%d suspects", n)
	}
	for n, x := range w.inc.Suspects[1:] {
		if x.Before.Abs() < w.inc.Suspects[n].Before.Abs() {
			t.Errorf("%s stands before %s", w.inc.Suspects[n].Component, x.Component)
		}
	}
}

func TestSuspectWords(t *testing.T) {
	for d, want := range map[time.Duration]string{38 * time.Second: "38s before the first bad sample", -2 * time.Minute: "2m after the first bad sample",
		400 * time.Millisecond: "at the moment of the first bad sample"} {
		if got := (Suspect{Before: d}).Distance(); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}

// The cause is a change before the onset, also where it runs no more: what came later,
// a hotfix that did not help, is told apart and goes back with it.
func TestCauseIsBeforeTheOnset(t *testing.T) {
	w := newWorld(t, nil)
	w.component("backend-python", func(c *model.Component) {
		c.Revision, c.OwnerName, c.RevisionStart, c.RevisionBy = 43, owner(43), t0.Add(-2*time.Minute), "maria"
		c.Past = []model.Earlier{{Owner: owner(42), Revision: 42, At: t0.Add(-6 * time.Minute), Images: []string{"shop/api:1.42.0"}, Cause: "invoices"},
			{Owner: owner(41), Revision: 41, At: t0.Add(-26 * time.Hour)}}
	})
	w.component("frontend", func(c *model.Component) {
		c.Revision, c.OwnerName, c.RevisionStart = 18, owner(18), t0.Add(-time.Minute) // well, and later
	})
	openWithErrors(w)
	causes := w.snap().Causes()
	if len(causes) != 1 || causes[0].Version.Key != owner(42) || causes[0].Version.Tag != "1.42.0" || causes[0].ChangeCause != "invoices" {
		t.Fatalf("the causes are %+v", causes)
	}
	if got := suspected(w.inc); got != "backend-python 42 1m0s; backend-python 43 -3m0s" {
		t.Errorf("kept is %q", got)
	}
	w.do(Next{})
	w.do(Next{})
	if !w.inc.Chosen("backend-python") || w.inc.Chosen("frontend") {
		t.Errorf("chosen are %+v", w.inc.Choices)
	}
	if told := strings.Join(texts(w.inc, "seen"), "\n"); strings.Contains(told, "suspected: revision 43") {
		t.Errorf("the hotfix is accused: %s", told)
	}
}

// What only changed is not taken back by default.
func TestHealthyNeighbourIsNotSelected(t *testing.T) {
	w := newWorld(t, nil)
	w.component("backend-python", func(c *model.Component) { c.RevisionStart = t0.Add(-7 * time.Minute) })
	w.component("frontend", func(c *model.Component) { c.RevisionStart = t0.Add(-5*time.Minute - 10*time.Second) })
	openWithErrors(w)
	w.do(Next{})
	if !w.inc.Chosen("backend-python") || w.inc.Chosen("frontend") {
		t.Errorf("chosen are %+v", w.inc.Choices)
	}
}
