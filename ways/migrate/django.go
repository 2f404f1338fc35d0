package migrate

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"rollbook/model"
	"rollbook/text"
	"rollbook/ways"
)

// errUnknown says that the schema is at a migration that the code in a pod does not know.
var errUnknown = errors.New("the schema is at a migration that the code does not know")

// django is the tool of Django, for one app.
type django struct{ t *Target }

func (d django) back(to string) []string {
	return d.t.command("migrate", "--no-color", "--noinput", d.t.App, to)
}

func (d django) look() []string {
	return d.t.command("showmigrations", "--no-color", "--plan", d.t.App)
}

// recorded asks the database itself for what is applied: Django's own commands leave out
// what the code does not know, and then say that there is nothing to do.
const recorded = `from django.db import connections
from django.db.migrations.recorder import MigrationRecorder
for app, name in MigrationRecorder(connections["default"]).applied_migrations(): print("rollbook-applied", app, name)`

// planLine matches a line of showmigrations --plan.
var planLine = text.Pattern(`^\[([X ])\]\s+([A-Za-z_][0-9A-Za-z_]*)\.([0-9A-Za-z_]+)`)

func (d django) read(ctx context.Context, r runner) (*state, error) {
	var known, applied output
	var errs [2]error
	ways.Several(
		func() { known, errs[0] = ask(ctx, r, d.look()) },
		func() { applied, errs[1] = ask(ctx, r, d.t.command("shell", "--no-color", "-c", recorded)) })
	if err := errors.Join(errs[0], errs[1]); err != nil {
		return nil, errors.Join(errs[0], errs[1])
	}
	return d.stateOf(known.out, applied.out)
}

// stateOf puts what the code knows and what the database has together.
func (d django) stateOf(known, recorded []string) (*state, error) {
	applied, others := map[string]bool{}, map[string]bool{}
	for _, l := range recorded {
		switch f := strings.Fields(l); {
		case len(f) != 3 || f[0] != "rollbook-applied":
		case f[1] == d.t.App:
			applied[f[2]] = true
		default:
			others[f[1]+"."+f[2]] = true
		}
	}
	s := &state{At: djangoBase, Others: others, All: []migration{{Key: djangoBase, Title: "no migration at all", Applied: true}}}
	gap := ""
	for _, l := range known {
		m := planLine().FindStringSubmatch(strings.TrimSpace(l))
		if m == nil || m[2] != d.t.App {
			continue
		}
		x := migration{Key: m[3], Applied: applied[m[3]] || m[1] == "X"}
		switch {
		case x.Applied && gap != "":
			return nil, model.Told(nil, nil, "%s is applied, and %s before it is not: this is no line that could be taken back here; use manage.py itself", text.Line(x.Key), text.Line(gap))
		case x.Applied:
			s.At = x.Key
		case gap == "":
			gap = x.Key
		}
		delete(applied, x.Key)
		s.All = append(s.All, x)
	}
	if len(applied) > 0 && len(s.All) > 1 {
		for name := range applied {
			if strings.Contains(name, "squashed") { // one that was squashed stays on record
				delete(applied, name)
			}
		}
	}
	var foreign []string
	for name := range applied {
		if newer(name, s.All) {
			foreign = append(foreign, text.Line(name))
		}
	}
	slices.Sort(foreign)
	switch {
	case len(foreign) > 0:
		return nil, model.Told(errUnknown, nil, "the code in the pod does not know %s of %s, which is applied: with it Django finds nothing to do and says so; a pod of the version that brought it is needed",
			strings.Join(foreign, ", "), text.Line(d.t.App))
	case len(s.All) == 1:
		return nil, model.Told(nil, nil, "the code in the pod has no migrations of the app %s", text.Line(d.t.App))
	}
	slices.Reverse(s.All)
	return s, nil
}

// newer reports whether a migration that the code does not know is no older one that a
// squashed one has replaced.
func newer(name string, all []migration) bool {
	for n := range all {
		if strings.Contains(all[n].Key, "squashed") && name < all[n].Key {
			return false
		}
	}
	return true
}

func (d django) head(ctx context.Context, r runner) (string, error) {
	o, err := ask(ctx, r, d.look())
	if err != nil {
		return "", err
	}
	last := ""
	for _, l := range o.out {
		if m := planLine().FindStringSubmatch(strings.TrimSpace(l)); m != nil && m[2] == d.t.App {
			last = m[3]
		}
	}
	if last == "" {
		return "", model.Told(nil, nil, "its code has no migrations of %s", text.Line(d.t.App))
	}
	return last, nil
}

// planned matches the heading of a migration in migrate --plan.
var planned = text.Pattern(`^([A-Za-z_][0-9A-Za-z_]*)\.([0-9A-Za-z_]+)$`)

// parsePlan returns what migrate --plan lists: of each migration, named app.name where it
// is of another app, its operations.
func (d django) parsePlan(out []string) (steps []step, operations [][]string) {
	for _, l := range out {
		if m := planned().FindStringSubmatch(strings.TrimRight(l, " \r")); m != nil {
			key := m[2]
			if m[1] != d.t.App {
				key = m[1] + "." + m[2]
			}
			steps, operations = append(steps, step{Key: key}), append(operations, nil)
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

func (d django) undone(ctx context.Context, r runner, _ *state, to string, sql bool) ([]step, error) {
	o, err := ask(ctx, r, d.t.command("migrate", "--no-color", "--noinput", "--plan", d.t.App, to))
	if err != nil {
		return nil, err
	}
	steps, operations := d.parsePlan(o.out)
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
	return steps, errors.Join(errs...)
}

// sql asks for the SQL of one step.
func (d django) sql(ctx context.Context, r runner, s *step, operations []string) error {
	app, name, other := strings.Cut(s.Key, ".")
	if !other {
		app, name = d.t.App, s.Key
	}
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
