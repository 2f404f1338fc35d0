package migrate

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"

	"rollbook/model"
	"rollbook/text"
	"rollbook/ways"
)

// errUnknown says that the schema is at a migration that the code in a pod does not know.
var errUnknown = errors.New("the schema is at a migration that the code does not know")

// django is the tool of Django, for one app or several.
type django struct{ t *Target }

// key names a migration: of the one app by its name, of one among several or another one as
// APP.NAME.
func (d django) key(app, name string) string {
	if len(d.t.Apps) == 1 && app == d.t.Apps[0] {
		return name
	}
	return app + "." + name
}

// named takes a key apart.
func (d django) named(key string) (app, name string) {
	if app, name, other := strings.Cut(key, "."); other {
		return app, name
	}
	return d.t.Apps[0], key
}

// ours reports whether an app is one of those that are taken back.
func (d django) ours(app string) bool { return slices.Contains(d.t.Apps, app) }

func (d django) look() []string {
	return d.t.command(append([]string{"showmigrations", "--no-color", "--plan"}, d.t.Apps...)...)
}

// goal is where an app is brought to.
type goal struct{ app, to string }

// goals returns where each app is brought to by going to a migration, the one whose newest
// migration was applied last first: what rests on another was applied after it.
func (d django) goals(s *state, to string) (out []goal) {
	if len(d.t.Apps) == 1 {
		return []goal{{d.t.Apps[0], to}}
	}
	behind := false
	moves, ends := map[string]bool{}, map[string]string{}
	for _, x := range s.applied() {
		behind = behind || x.Key == to
		app, name := d.named(x.Key)
		switch {
		case x.Key == djangoBase:
		case !behind && !moves[app]:
			moves[app] = true
			out = append(out, goal{app, djangoBase})
		case behind && ends[app] == "":
			ends[app] = name
		}
	}
	for n := range out {
		if to := ends[out[n].app]; to != "" {
			out[n].to = to
		}
	}
	return out
}

func (d django) back(s *state, to string, steps []step) (out []command) {
	all := d.goals(s, to)
	args := func(g goal) []string { return d.t.command("migrate", "--no-color", "--noinput", g.app, g.to) }
	if len(all) == 1 {
		return oneCommand(args(all[0]), steps)
	}
	for n, g := range all {
		c := command{Args: args(g)}
		for k := range steps {
			if steps[k].command == n {
				c.Steps = append(c.Steps, steps[k].Key)
			}
		}
		if len(c.Steps) > 0 || len(out) == 0 { // else those before undo all of it
			out = append(out, c)
		}
	}
	if len(out) == 0 {
		return []command{{Args: args(goal{d.t.Apps[0], to})}}
	}
	return out
}

// recorded asks the database itself for what is applied, in the order in which it was:
// Django's own commands leave out what the code does not know, and then say that there is
// nothing to do.
const recorded = `from django.db import connections
from django.db.migrations.recorder import MigrationRecorder
recorder = MigrationRecorder(connections["default"])
for app, name in recorder.migration_qs.order_by("id").values_list("app", "name") if recorder.has_table() else []: print("rollbook-applied", app, name)`

// planLine matches a line of showmigrations --plan.
var planLine = text.Pattern(`^\[([X ])\]\s+([A-Za-z_][0-9A-Za-z_]*)\.([0-9A-Za-z_]+)`)

func (d django) read(ctx context.Context, r runner) (*state, error) {
	var known, applied output
	var errs [2]error
	ways.Several(
		func() { known, errs[0] = ask(ctx, r, d.look()) },
		func() { applied, errs[1] = ask(ctx, r, d.t.command("shell", "--no-color", "-c", recorded)) })
	if err := cmp.Or(errs[0], errs[1]); err != nil { // both say the same of one pod
		return nil, err
	}
	return d.stateOf(known.out, applied.out)
}

// stateOf puts what the code knows and what the database has together, as one line: of
// several apps in the order in which their migrations were applied, so that each is undone
// before what it rests on.
func (d django) stateOf(known, recorded []string) (*state, error) {
	applied, others := map[string]int{}, map[string]bool{} // when
	for _, l := range recorded {
		switch f := strings.Fields(l); {
		case len(f) != 3 || f[0] != "rollbook-applied":
		case d.ours(f[1]):
			applied[d.key(f[1], f[2])] = len(applied)
		default:
			others[f[1]+"."+f[2]] = true
		}
	}
	s := &state{At: djangoBase, Others: others}
	gap, last := map[string]string{}, map[string]int{} // by app
	when := map[string]int{}
	var line, ahead []migration
	for _, l := range known {
		m := planLine().FindStringSubmatch(strings.TrimSpace(l))
		if m == nil || !d.ours(m[2]) {
			continue
		}
		at, is := applied[d.key(m[2], m[3])]
		x := migration{Key: d.key(m[2], m[3]), Applied: is || m[1] == "X"}
		last[m[2]] = max(last[m[2]], at)
		switch {
		case x.Applied && gap[m[2]] != "":
			return nil, model.Told(nil, nil, "%s is applied, and %s before it is not: this is no line that could be taken back here; use manage.py itself", text.Line(x.Key), text.Line(gap[m[2]]))
		case x.Applied:
			when[x.Key] = last[m[2]]
			line = append(line, x)
		default:
			if gap[m[2]] == "" {
				gap[m[2]] = x.Key
			}
			ahead = append(ahead, x)
		}
		delete(applied, x.Key)
	}
	if len(d.t.Apps) > 1 {
		slices.SortStableFunc(line, func(a, b migration) int { return when[a.Key] - when[b.Key] })
	}
	if len(line) > 0 {
		s.At = line[len(line)-1].Key
	}
	s.All = slices.Concat([]migration{{Key: djangoBase, Title: "no migration at all", Applied: true}}, line, ahead)
	for _, app := range d.t.Apps {
		if _, has := last[app]; !has {
			return nil, d.strangers(applied, s.All, app)
		}
	}
	if err := d.strangers(applied, s.All, ""); err != nil {
		return nil, err
	}
	slices.Reverse(s.All)
	return s, nil
}

// strangers says which migrations are applied that the code does not know; without any, that
// it has none of an app, "" for all that it is to have.
func (d django) strangers(applied map[string]int, all []migration, without string) error {
	foreign := map[string][]string{} // by app
	for key := range applied {
		app, name := d.named(key)
		squashed := strings.Contains(name, "squashed") && app != without // one that was squashed stays on record
		if !squashed && d.newer(app, name, all) {
			foreign[app] = append(foreign[app], text.Line(name))
		}
	}
	if apps := slices.Sorted(maps.Keys(foreign)); len(apps) > 0 {
		app := apps[0]
		slices.Sort(foreign[app])
		return model.Told(errUnknown, nil, "the code in the pod does not know %s of %s, which is applied: with it Django finds nothing to do and says so; a pod of the version that brought it is needed",
			strings.Join(foreign[app], ", "), text.Line(app))
	}
	if without != "" {
		return model.Told(nil, nil, "the code in the pod has no migrations of the app %s", text.Line(without))
	}
	return nil
}

// newer reports whether a migration that the code does not know is no older one that a
// squashed one has replaced.
func (d django) newer(app, name string, all []migration) bool {
	for n := range all {
		if of, known := d.named(all[n].Key); of == app && strings.Contains(known, "squashed") && name < known {
			return false
		}
	}
	return true
}

func (d django) knows(ctx context.Context, r runner) ([]string, error) {
	o, err := ask(ctx, r, d.look())
	if err != nil {
		return nil, err
	}
	var all []string
	for _, l := range o.out {
		if m := planLine().FindStringSubmatch(strings.TrimSpace(l)); m != nil && d.ours(m[2]) {
			all = append(all, d.key(m[2], m[3]))
		}
	}
	switch {
	case len(all) == 0:
		return nil, model.Told(nil, nil, "its code has no migrations of %s", text.Line(strings.Join(d.t.Apps, ", ")))
	case len(d.t.Apps) == 1:
		return all[len(all)-1:], nil
	}
	return all, nil
}

// planned matches the heading of a migration in migrate --plan.
var planned = text.Pattern(`^([A-Za-z_][0-9A-Za-z_]*)\.([0-9A-Za-z_]+)$`)

// parsePlan returns what migrate --plan lists: of each migration, named app.name where it
// is of another app, its operations.
func (d django) parsePlan(out []string) (steps []step, operations [][]string) {
	for _, l := range out {
		if m := planned().FindStringSubmatch(strings.TrimRight(l, " \r")); m != nil {
			steps, operations = append(steps, step{Key: d.key(m[1], m[2])}), append(operations, nil)
			continue
		}
		if n := len(steps) - 1; n >= 0 && strings.HasPrefix(l, "    ") {
			operations[n] = append(operations[n], strings.TrimSpace(l))
			if strings.HasSuffix(strings.TrimSpace(l), "-> IRREVERSIBLE") {
				steps[n].Never = strings.TrimSpace(text.Line(l))
			}
		}
	}
	for n := range steps {
		steps[n].Title = text.Line(strings.Join(operations[n], "; "))
	}
	return steps, operations
}

func (d django) undone(ctx context.Context, r runner, s *state, to string, sql bool) ([]step, error) {
	var steps []step
	var operations [][]string
	for n, g := range d.goals(s, to) {
		o, err := ask(ctx, r, d.t.command("migrate", "--no-color", "--noinput", "--plan", g.app, g.to))
		if err != nil {
			return nil, err
		}
		more, does := d.parsePlan(o.out)
		for k := range more {
			if !slices.ContainsFunc(steps, func(x step) bool { return x.Key == more[k].Key }) { // else a command before undoes it
				more[k].command = n
				steps, operations = append(steps, more[k]), append(operations, does[k])
			}
		}
	}
	if len(d.t.Apps) > 1 {
		meant := between(s, to)
		for n := range steps {
			app, _ := d.named(steps[n].Key)
			if d.ours(app) && !slices.ContainsFunc(meant, func(x step) bool { return x.Key == steps[n].Key }) {
				return nil, model.Told(nil, nil, "going back to %s would undo %s too, which was applied before it: take back what is meant by hand, with manage.py itself", text.Line(to), text.Line(steps[n].Key))
			}
		}
	}
	if !sql {
		return steps, nil
	}
	var wg sync.WaitGroup
	room := make(chan struct{}, 3) // commands at the same time: each is a Python of its own
	errs := make([]error, len(steps))
	for n := range steps {
		if steps[n].Never != "" {
			continue
		}
		wg.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			errs[n] = d.sql(ctx, r, &steps[n], operations[n])
		})
	}
	wg.Wait()
	return steps, cmp.Or(errs...)
}

// sql asks for the SQL of one step.
func (d django) sql(ctx context.Context, r runner, s *step, operations []string) error {
	app, name := d.named(s.Key)
	o, err := r(ctx, d.t.command("sqlmigrate", "--no-color", "--backwards", app, name))
	switch {
	case err != nil:
		return err
	case o.code != 0 && o.has("IrreversibleError"):
		s.Never = o.why()
	case o.code != 0:
		s.Unknown = o.why()
	}
	statements := 0
	for _, l := range o.out {
		l = strings.TrimRight(l, " \r")
		switch {
		case l == "" || l == "--" || l == "BEGIN;" || l == "COMMIT;":
			continue
		case strings.Contains(l, "CANNOT BE WRITTEN AS SQL"), strings.HasPrefix(l, "-- THIS OPERATION"):
			s.Unknown = "an operation is Python and cannot be written as SQL: " + text.Line(strings.Join(operations, "; "))
		case !strings.HasPrefix(l, "--"):
			statements++
		}
		s.SQL = append(s.SQL, l)
	}
	s.Nothing = o.code == 0 && statements == 0 && s.Unknown == ""
	return nil
}
