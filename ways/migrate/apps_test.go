package migrate_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rollbook/model"
	"rollbook/ways/migrate"
)

// apps is a Django of several apps, and its database. Its code is in a line in which each
// migration stands after those that it rests on.
type apps struct {
	mu      sync.Mutex
	code    []string            // app.name
	rests   map[string][]string // on others of other apps
	old     []string            // that the older pod's code knows
	applied []string            // in the order in which they were
	ran     []string            // commands that changed something
	fails   string              // that does not get undone: its command fails
	stays   string              // that is not undone, and its command says nothing of that
}

func (*apps) KubectlIn(_, what string) string { return "kubectl " + what }

func (*apps) MayExec(context.Context, string, string) (bool, error) { return true, nil }

func (*apps) RunningPods(context.Context, model.Workload) ([]model.Pod, error) {
	return []model.Pod{{Name: "api-new-1", Owner: "api-new", Ready: true, Names: []string{"api"}}, {Name: "api-old-1", Owner: "api-old", Ready: true, Names: []string{"api"}}}, nil
}

// undoing returns what bringing an app to one of its migrations undoes, in Django's order.
func (a *apps) undoing(app, to string) (out []string) {
	gone := map[string]bool{}
	past := to == "zero"
	for _, key := range a.code {
		if of, name, _ := strings.Cut(key, "."); of == app {
			gone[key] = past
			past = past || name == to
		}
		for _, on := range a.rests[key] {
			gone[key] = gone[key] || gone[on]
		}
	}
	for _, key := range slices.Backward(a.code) {
		if gone[key] && slices.Contains(a.applied, key) {
			out = append(out, key)
		}
	}
	return out
}

func (a *apps) Exec(_ context.Context, _, pod, _ string, args []string, line func(bool, string)) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	code := a.code
	if pod == "api-old-1" {
		code = a.old
	}
	switch args = args[1:]; args[0] {
	case "showmigrations":
		for _, key := range code {
			mark := " "
			if slices.Contains(a.applied, key) {
				mark = "X"
			}
			line(false, "["+mark+"]  "+key)
		}
	case "shell":
		for _, key := range a.applied {
			line(false, "rollbook-applied "+strings.Replace(key, ".", " ", 1))
		}
	case "sqlmigrate":
		line(false, "DROP TABLE "+args[3]+";")
	case "migrate":
		app, to := args[len(args)-2], args[len(args)-1]
		if slices.Contains(args, "--plan") {
			for _, key := range a.undoing(app, to) {
				line(false, key)
				line(false, "    Undo it")
			}
			return 0, nil
		}
		a.ran = append(a.ran, app+" "+to)
		for _, key := range a.undoing(app, to) {
			switch key {
			case a.fails:
				line(true, "django.db.utils.InternalError: somebody holds it")
				return 1, nil
			case a.stays:
				continue
			}
			a.applied = slices.DeleteFunc(a.applied, func(s string) bool { return s == key })
			line(false, "  Unapplying "+key+"... OK")
		}
	default:
		return 127, nil
	}
	return 0, nil
}

// twoApps has orders, which rests on shop, and a release that brought one of each; in
// Django's own order of them one of the release comes before one that is older.
func twoApps() *apps {
	line := []string{"shop.0001", "orders.0001", "orders.0002", "shop.0002", "shop.0003"}
	return &apps{code: line, old: []string{"shop.0001", "orders.0001", "shop.0002"}, rests: map[string][]string{"orders.0001": {"shop.0001"}},
		applied: []string{"shop.0001", "orders.0001", "shop.0002", "shop.0003", "orders.0002"}}
}

func (a *apps) method(names ...string) *migrate.Migrate {
	return migrate.New(a, map[string]migrate.Target{"api": {Tool: migrate.Django, Command: []string{"manage.py"}, Apps: names}}, migrate.Options{Now: time.Now, Every: time.Millisecond})
}

// Several apps go back each to its own migration, in the order in which they were applied;
// where the code of a release ends is one place in that order.
func TestAppsAreOneLine(t *testing.T) {
	a := twoApps()
	h, err := a.method("shop", "orders").Versions(t.Context(), component(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, c := range h.Candidates {
		keys = append(keys, c.Key)
	}
	if got := strings.Join(keys, " "); got != "orders.0002 shop.0003 shop.0002 orders.0001 shop.0001 zero" {
		t.Errorf("%s", got)
	}
	if want := []model.Head{{Owner: "api-old", Key: "shop.0002", By: "a pod of it"}}; !slices.Equal(h.Heads, want) {
		t.Errorf("%+v", h.Heads)
	}
	a.old = []string{"shop.0001", "orders.0001", "orders.0002"} // it knows what came after one that it does not know
	if h, err = a.method("shop", "orders").Versions(t.Context(), component(), time.Time{}); err != nil || len(h.Heads) != 0 {
		t.Errorf("%+v, %v", h.Heads, err)
	}
}

func TestAppsGoBack(t *testing.T) {
	for _, tt := range []struct {
		to       string
		commands []string
		steps    []string // in the order in which they are undone
		left     []string
	}{
		{"shop.0002", []string{"orders 0001", "shop 0002"}, []string{"orders.0002", "shop.0003"}, []string{"shop.0001", "orders.0001", "shop.0002"}},
		{"shop.0003", []string{"orders 0001"}, []string{"orders.0002"}, []string{"shop.0001", "orders.0001", "shop.0002", "shop.0003"}},
		{"orders.0001", []string{"orders 0001", "shop 0001"}, []string{"orders.0002", "shop.0003", "shop.0002"}, []string{"shop.0001", "orders.0001"}},
		{"shop.0001", []string{"orders zero", "shop 0001"}, []string{"orders.0002", "orders.0001", "shop.0003", "shop.0002"}, []string{"shop.0001"}},
		{"zero", []string{"orders zero", "shop zero"}, []string{"orders.0002", "orders.0001", "shop.0003", "shop.0002", "shop.0001"}, nil},
	} {
		a := twoApps()
		m := a.method("shop", "orders")
		p := planFor(t, m, tt.to)
		var steps []string
		for _, c := range p.Changes {
			if c.Kind == "migration" {
				steps = append(steps, strings.TrimSuffix(c.What, " Undo it"))
			}
		}
		if !slices.Equal(steps, tt.steps) || strings.Count(p.Command, " && ") != len(tt.commands)-1 {
			t.Errorf("%s: %q by %s", tt.to, steps, p.Command)
		}
		r, err := m.Do(t.Context(), p, nil)
		if err != nil {
			t.Fatal(err)
		}
		all := follow(t, m, p, r)
		if last := all[len(all)-1]; last.Phase != model.PhaseFinished || !slices.Equal(a.ran, tt.commands) || !slices.Equal(a.applied, tt.left) {
			t.Errorf("%s: %+v; ran %q, left %q", tt.to, last, a.ran, a.applied)
		}
		if _, err := m.Do(t.Context(), p, nil); err == nil || len(a.ran) != len(tt.commands) {
			t.Errorf("%s: begun again: %v, %q", tt.to, err, a.ran)
		}
	}
}

// A command is begun when the database tells that the one before it is done; what stops
// half-way is told and planned anew.
func TestAppsStopHalfWay(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  func(*apps)
		ran  string
		says string
	}{
		{"the first fails", func(a *apps) { a.fails = "orders.0001" }, "orders zero",
			"django failed (exit 1): django.db.utils.InternalError: somebody holds it; half-way: 1 of 4 migrations undone"},
		{"the first says nothing", func(a *apps) { a.stays = "orders.0001" }, "orders zero",
			"ended, and still applied is orders.0001: nothing after it was begun; half-way: 1 of 4 migrations undone"},
		{"the second fails", func(a *apps) { a.fails = "shop.0003" }, "orders zero, shop 0001", "half-way: 2 of 4 migrations undone"},
	} {
		a := twoApps()
		tt.set(a)
		m := a.method("orders", "shop")
		p := planFor(t, m, "shop.0001")
		r, err := m.Do(t.Context(), p, nil)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		all := follow(t, m, p, r)
		if last := all[len(all)-1]; last.Phase != model.PhaseFailed || !strings.Contains(last.Text, tt.says) || strings.Join(a.ran, ", ") != tt.ran {
			t.Errorf("%s: %+v; ran %q", tt.name, last, a.ran)
		}
		// Another run of the program sees the same, by the database.
		if got, err := a.method("orders", "shop").Look(t.Context(), p); err != nil || got.State != model.SettledDone || !strings.Contains(got.Receipt.Text, "of 4 migrations undone") {
			t.Errorf("%s: %+v, %v", tt.name, got, err)
		}
		a.fails, a.stays = "", ""
		p = planFor(t, m, "shop.0001")
		if r, err = m.Do(t.Context(), p, nil); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if all = follow(t, m, p, r); all[len(all)-1].Phase != model.PhaseFinished || !slices.Equal(a.applied, []string{"shop.0001"}) {
			t.Errorf("%s, again: %+v; left %q", tt.name, all[len(all)-1], a.applied)
		}
	}
}

// What was applied in an order that its own code does not have is left to people.
func TestAppsOutOfOrder(t *testing.T) {
	a := twoApps()
	a.rests["orders.0002"] = []string{"shop.0003"}
	a.code = []string{"shop.0001", "orders.0001", "shop.0002", "shop.0003", "orders.0002"}
	a.applied = []string{"shop.0001", "orders.0001", "orders.0002", "shop.0002", "shop.0003"} // put on record by hand
	if pf := preflight(t, a.method("shop", "orders"), to("shop.0002")); len(pf.Plans) != 0 || !strings.Contains(pf.Err, "going back to shop.0002 would undo orders.0002 too, which was applied before it") {
		t.Errorf("%s", fmt.Sprint(pf.Err, pf.Plans))
	}
}
