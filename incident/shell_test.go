package incident

import (
	"slices"
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// toldOf returns the lines of the timeline that tell of psql or of where the schema is.
func (w *world) toldOf() (out []string) {
	for _, e := range w.inc.Timeline {
		if strings.Contains(e.Text, "psql") {
			out = append(out, strings.TrimSpace(e.By+" "+e.Text))
		}
	}
	return out
}

// A terminal on a database is given when its fact is on disk; after it the schema is asked
// again, and what moved is told.
func TestPsqlIsTold(t *testing.T) {
	w := newWorld(t, nil)
	w.migrated()
	w.toConfirm()
	w.do(Back{})
	w.schemaAt("d4")
	w.do(Observed{})
	w.effects = nil
	w.do(OpenShell{Component: "backend-python", Command: "kubectl exec -it db -- psql"})
	if len(w.effects) != 1 || w.effects[0] != (LendTerminal{N: 1}) {
		t.Fatalf("%+v", w.effects)
	}
	w.effects = nil
	w.do(LeaveShell{N: 1})
	if !slices.ContainsFunc(w.effects, func(e Effect) bool {
		x, is := e.(ReadHistory)
		return is && x.Slot == pythonSchema && x.Method == "migrate"
	}) {
		t.Errorf("the schema is not asked again: %+v", w.effects)
	}
	w.do(LeaveShell{N: 1}) // it is told once
	w.now = w.now.Add(time.Second)
	w.schemaAt("c3")
	w.do(Observed{})
	w.do(OpenShell{Component: "backend-python", Command: "psql"})
	w.do(LeaveShell{N: 2, Err: "it ended with 2"})
	want := []string{"maria opened psql on the database of backend-python: what is done there rollbook does not know: kubectl exec -it db -- psql",
		"maria left psql on the database of backend-python; the schema is asked again",
		"the schema of backend-python is at c3 now; before psql was opened on its database it was at d4",
		"maria opened psql on the database of backend-python: what is done there rollbook does not know: psql",
		"maria psql on the database of backend-python failed: it ended with 2; the schema is asked again"}
	if got := w.toldOf(); !slices.Equal(got, want) {
		t.Errorf("told\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if x := w.inc.Shells; len(x) != 2 || x[0].By != "maria" || x[0].Left.IsZero() || x[1].Err == "" {
		t.Errorf("%+v", x)
	}
}

// A plan that was made before somebody had psql is made anew.
func TestPlansAreMadeAnewAfterPsql(t *testing.T) {
	w := both(t)
	w.do(OpenShell{Component: "backend-python", Command: "psql"})
	w.effects = nil
	w.do(LeaveShell{N: 1})
	var again []model.Role
	for _, e := range w.effects {
		if x, is := e.(CheckPlan); is {
			again = append(again, x.Choice.Role)
		}
	}
	if !slices.Contains(again, model.RoleSchema) || !slices.Contains(again, model.RoleRelease) {
		t.Errorf("%v", again)
	}
}

func TestPsqlIsRefused(t *testing.T) {
	for name, x := range map[string]struct {
		set  func(w *world)
		says string
	}{
		"read-only":    {func(w *world) { w.inc.Settings.ReadOnly = true }, "read-only: nothing that could change the database is begun"},
		"no schema":    {func(w *world) { w.seen.Ways = nil }, "no migrations are configured for backend-python"},
		"no journal":   {func(w *world) { w.seen.JournalE = "disk full" }, "the journal cannot be written: disk full"},
		"it has ended": {func(w *world) { w.inc.End = &End{Outcome: FalseAlarm} }, "this incident has ended"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.migrated()
			w.toConfirm()
			x.set(w)
			w.effects = nil
			w.do(OpenShell{Component: "backend-python", Command: "psql"})
			if got := ShellBlocked(w.snap(), "backend-python"); !strings.Contains(got, x.says) || len(w.inc.Shells) > 0 || slices.Contains(w.effects, Effect(LendTerminal{N: 1})) {
				t.Errorf("%q, %+v", got, w.inc.Shells)
			}
		})
	}
}
