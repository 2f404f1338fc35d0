package ui

import (
	"testing"

	"rollbook/incident"
)

// While it is no better for the rollback, by figures that are about it alone, Roll back and
// Verify say so, and what there is to do beside waiting; the recovery stands among the keys.
func TestNoBetterLeadsOn(t *testing.T) {
	for state, want := range map[incident.AfterState]bool{incident.AfterSettling: false, incident.AfterBetter: false, incident.AfterNoBetter: true, incident.AfterWorse: true} {
		a := screen(t, fixture{snap: verifying()}, 120, 40, dark)
		a.d.after = incident.After{State: state, Head: "AS IT STANDS", Text: "errors 38%"}
		const leads = "AS IT STANDS: errors 38% · esc leads to another version, r to the recovery"
		if got := a.pages[incident.Verify].(*verify).Says().text; (got == leads) != want {
			t.Errorf("%v: Verify says %q", state, got)
		}
		for _, k := range a.lookKeys() {
			if k.Name == "recovery" && k.Now != want {
				t.Errorf("%v: the recovery's key is among the first: %v", state, k.Now)
			}
		}
	}
}
