package migrate_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"rollbook/model"
	"rollbook/ways/migrate"
)

// said is a pod whose Alembic answers as it was seen to, by its arguments.
type said map[string]string

func (said) KubectlIn(_, what string) string { return "kubectl " + what }

func (said) MayExec(context.Context, string, string) (bool, error) { return true, nil }

func (said) RunningPods(context.Context, model.Workload) ([]model.Pod, error) {
	return []model.Pod{{Name: "api-new-1", Owner: "api-new", Ready: true, Names: []string{"api"}}}, nil
}

func (s said) Exec(_ context.Context, _, _, _ string, args []string, line func(bool, string)) (int, error) {
	key := strings.Join(args[1:], " ")
	if args[1] == "shell" || args[1] == "-c" { // Django's own record, and the processes
		key = args[1]
	}
	out, known := s[key]
	if !known {
		return 0, model.Told(model.ErrRefused, nil, "nobody asked for %q", args)
	}
	for l := range strings.SplitSeq(out, "\n") {
		line(false, l)
	}
	return 0, nil
}

const branchedHistory = `settings
b2aaaaaaaaaa -> b3aaaaaaaaaa (Orders-2) (head), orders two
a1b2c3d4e5f6 -> b2aaaaaaaaaa (Orders-2), orders one
a1b2c3d4e5f6 -> c2bbbbbbbbbb (billing) (head), billing one
<base> -> a1b2c3d4e5f6 (branchpoint), create users`

const mergedHistory = `d4cccccccccc -> e5cccccccccc (billing, Orders-2) (head), after
b3aaaaaaaaaa, c2bbbbbbbbbb -> d4cccccccccc (billing, Orders-2) (mergepoint), merge
` + branchedHistory

// Branches of Alembic are named, and where it is not known which one is meant nothing is
// offered, but what to do is said.
func TestBranches(t *testing.T) {
	for name, x := range map[string]struct {
		current, history string
		listed           string // keys, the newest first
		err              string
	}{
		"several at once": {"settings\nb3aaaaaaaaaa (head)\nc2bbbbbbbbbb (head)", branchedHistory, "",
			"the schema is at 2 migrations at once: b3aaaaaaaaaa (Orders-2) orders two; c2bbbbbbbbbb (billing) billing one. They are branches, and which of them the release brought is not known here; a downgrade to one before the branches undoes them all. Take back the one that is meant by hand, such as with alembic downgrade billing@-1"},
		"one of two":     {"settings\nb3aaaaaaaaaa (head)", branchedHistory, "b3aaaaaaaaaa b2aaaaaaaaaa a1b2c3d4e5f6 base", ""},
		"after a merge":  {"settings\ne5cccccccccc (head)", mergedHistory, "e5cccccccccc d4cccccccccc", ""},
		"at a merge":     {"d4cccccccccc (mergepoint)", mergedHistory, "d4cccccccccc", ""},
		"none":           {"settings", branchedHistory, "base", ""},
		"one not told":   {"f6dddddddddd (head)", branchedHistory, "", "the schema is at f6dddddddddd, which alembic history does not tell of"},
		"before a merge": {"settings\nb3aaaaaaaaaa\nc2bbbbbbbbbb", mergedHistory, "", "the schema is at 2 migrations at once"},
	} {
		t.Run(name, func(t *testing.T) {
			s := said{"current": x.current, "history": x.history, "downgrade e5cccccccccc:d4cccccccccc --sql": "-- Running downgrade e5cccccccccc -> d4cccccccccc\n\nselect 2;",
				"downgrade b3aaaaaaaaaa:base --sql": "-- Running downgrade b3aaaaaaaaaa -> b2aaaaaaaaaa\nselect 3;\n-- Running downgrade b2aaaaaaaaaa -> a1b2c3d4e5f6\nselect 2;\n-- Running downgrade a1b2c3d4e5f6 -> \nselect 1;"}
			h, err := migrate.New(s, map[string]migrate.Target{"api": {Tool: migrate.Alembic}}, migrate.Options{Now: time.Now}).Versions(t.Context(), component(), time.Time{})
			if x.err != "" {
				if err == nil || !strings.Contains(err.Error(), x.err) {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil || h.FiguresErr != "" {
				t.Fatalf("%v, %+v", err, h)
			}
			var keys []string
			for _, c := range h.Candidates {
				keys = append(keys, c.Key)
			}
			if got := strings.Join(keys, " "); got != x.listed {
				t.Errorf("%s", got)
			}
			if last := h.Candidates[len(h.Candidates)-1]; strings.Contains(name, " a merge") && last.Cause != "merge (merges b3aaaaaaaaaa and c2bbbbbbbbbb; what comes before it is taken back by hand)" {
				t.Errorf("%q", last.Cause)
			}
		})
	}
}

// What goes back with an app of Django in another one, which rests on it, is undone first:
// where the command stops after that it is half-way, and not where it was before.
func TestOtherAppsGoBackToo(t *testing.T) {
	const plan = "Planned operations:\norders.0002_totals\n    Remove field total from order\nshop.0002_prices\n    Remove field price from product"
	known := func(s string) string {
		return "[X]  shop.0001_initial\n[" + s + "]  shop.0002_prices"
	}
	recorded := func(names ...string) string { return "rollbook-applied " + strings.Join(names, "\nrollbook-applied ") }
	s := said{"sqlmigrate --no-color --backwards orders 0002_totals": `ALTER TABLE "orders_order" DROP COLUMN "total";`, "sqlmigrate --no-color --backwards shop 0002_prices": `ALTER TABLE "shop_product" DROP COLUMN "price";`,
		"migrate --no-color --noinput --plan shop 0001_initial": plan}
	stands := func(x string, names ...string) {
		s["showmigrations --no-color --plan shop"] = known(x)
		s["shell"] = recorded(names...)
	}
	stands("X", "shop 0001_initial", "shop 0002_prices", "orders 0001_initial", "orders 0002_totals")
	m := migrate.New(s, map[string]migrate.Target{"api": {Tool: migrate.Django, Command: []string{"manage.py"}, Apps: []string{"shop"}}}, migrate.Options{Now: time.Now})
	p := planFor(t, m, "0001_initial")
	if got := p.Changes[0].What; !strings.HasPrefix(got, "orders.0002_totals") {
		t.Errorf("%+v", p.Changes)
	}
	for name, x := range map[string]struct {
		shop    string
		applied []string
		state   model.Settled
		says    string
	}{
		"nothing":   {"X", []string{"shop 0001_initial", "shop 0002_prices", "orders 0001_initial", "orders 0002_totals"}, model.SettledNot, ""},
		"the other": {"X", []string{"shop 0001_initial", "shop 0002_prices", "orders 0001_initial"}, model.SettledDone, "the schema is at 0002_prices, undone is orders.0002_totals, 1 of 2 migrations undone"},
		"its own":   {" ", []string{"shop 0001_initial", "orders 0001_initial", "orders 0002_totals"}, model.SettledDone, "the schema is at 0001_initial, still applied is orders.0002_totals, 1 of 2 migrations undone"},
		"both":      {" ", []string{"shop 0001_initial", "orders 0001_initial"}, model.SettledDone, "the schema is at 0001_initial, undone is orders.0002_totals"},
	} {
		stands(x.shop, x.applied...)
		got, err := m.Look(t.Context(), p)
		if err != nil || got.State != x.state || x.says != "" && (got.Receipt == nil || got.Receipt.Text != x.says) {
			t.Errorf("%s: %+v %+v, %v", name, got, got.Receipt, err)
		}
		if _, err := m.Do(t.Context(), p, nil); name != "nothing" && !errors.Is(err, model.ErrChanged) {
			t.Errorf("%s: begun: %v", name, err)
		}
	}
}

// What a downgrade would undo beside the migrations that are shown is found by its own dry
// run, and then there is no plan.
func TestNothingElseIsUndone(t *testing.T) {
	s := said{"current": "b3aaaaaaaaaa (head)", "history": branchedHistory,
		"downgrade b3aaaaaaaaaa:b2aaaaaaaaaa --sql": "-- Running downgrade c2bbbbbbbbbb -> a1b2c3d4e5f6\nselect 9;\n-- Running downgrade b3aaaaaaaaaa -> b2aaaaaaaaaa\nselect 3;"}
	m := migrate.New(s, map[string]migrate.Target{"api": {Tool: migrate.Alembic}}, migrate.Options{Now: time.Now})
	if pf := preflight(t, m, to("b2aaaaaaaaaa")); len(pf.Plans) != 0 || !strings.Contains(pf.Err, "going back to b2aaaaaaaaaa would undo c2bbbbbbbbbb too, which is on another branch and may rest on it") {
		t.Errorf("%+v", pf)
	}
}
