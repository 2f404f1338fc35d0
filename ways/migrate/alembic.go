package migrate

import (
	"context"
	"slices"
	"strings"

	"rollbook/model"
	"rollbook/text"
	"rollbook/ways"
)

// alembic is the tool of SQLAlchemy.
type alembic struct{ t *Target }

func (a alembic) back(to string) []string { return a.t.command("downgrade", to) }

func (a alembic) look() []string { return a.t.command("heads") }

// at matches a line of alembic current and heads; what env.py says beside is none.
var atLine = text.Pattern(`^([0-9A-Za-z_]+)((?: \([a-z ,]+\))*)$`)

// historyLine matches a line of alembic history.
var historyLine = text.Pattern(`^(<base>|[0-9A-Za-z_, ]+?) (?:\([^)]*\) )?-> ([0-9A-Za-z_]+)((?: \([a-z ,]+\))*)(?:, (.*))?$`)

// revisionsOf returns the revisions in what current or heads has written.
func revisionsOf(out []string) (all []string) {
	for _, l := range out {
		if m := atLine().FindStringSubmatch(strings.TrimSpace(l)); m != nil && !slices.Contains(all, m[1]) {
			all = append(all, m[1])
		}
	}
	return all
}

// parseHistory returns what alembic history has written, by revision.
func parseHistory(out []string) map[string]revision {
	all := map[string]revision{}
	for _, l := range out {
		m := historyLine().FindStringSubmatch(strings.TrimRight(l, " \r"))
		if m == nil {
			continue
		}
		x := revision{key: m[2], title: m[4]}
		if m[1] != "<base>" {
			for p := range strings.SplitSeq(m[1], ",") {
				x.down = append(x.down, strings.TrimSpace(p))
			}
		}
		all[x.key] = x
	}
	return all
}

// revision is a line of the history.
type revision struct {
	key, title string
	down       []string // none: the first; several: a merge
}

func (a alembic) read(ctx context.Context, r runner) (*state, error) {
	var current, history output
	var errs [2]error
	args := a.t.command("current")
	ways.Several(
		func() { current, errs[0] = r(ctx, args) },
		func() { history, errs[1] = ask(ctx, r, a.t.command("history")) })
	switch {
	case errs[0] == nil && current.code != 0 && current.has("Can't locate revision"):
		return nil, model.Told(errUnknown, nil, "the code in the pod does not know the migration at which the schema is: %s: a pod of the version that brought it is needed", current.why())
	case errs[0] != nil:
		return nil, errs[0]
	case errs[1] != nil:
		return nil, errs[1]
	}
	if err := current.failed(args); err != nil {
		return nil, err
	}
	return stateOf(revisionsOf(current.out), parseHistory(history.out))
}

// stateOf puts current and history together, as one line of migrations.
func stateOf(at []string, all map[string]revision) (*state, error) {
	// A word that env.py prints on a line of its own looks like a revision, and is none.
	at = slices.DeleteFunc(at, func(key string) bool { _, known := all[key]; return !known })
	if len(at) > 1 {
		return nil, model.Told(nil, nil, "the schema is at several migrations at once (%s): branches are not taken back here; use alembic itself", text.Line(strings.Join(at, ", ")))
	}
	s := &state{At: alembicBase}
	if len(at) == 1 {
		s.At = at[0]
	}
	// Those that are not applied, from the newest on; then those that are.
	above := map[string]string{}
	for key, x := range all {
		for _, d := range x.down {
			if _, two := above[d]; two {
				above[d] = "" // a branch
				continue
			}
			above[d] = key
		}
		if len(x.down) == 0 {
			above[alembicBase] = key
		}
	}
	for key := above[s.At]; key != "" && len(s.All) <= len(all); key = above[key] {
		s.All = append(s.All, migration{Key: key, Title: all[key].title})
	}
	slices.Reverse(s.All)
	for key := s.At; key != alembicBase && len(s.All) <= len(all); {
		x, known := all[key]
		if !known {
			break
		}
		s.All = append(s.All, migration{Key: key, Title: x.title, Applied: true})
		if len(x.down) > 1 {
			return s, nil // what comes before a merge is no single migration
		}
		if len(x.down) == 0 {
			break
		}
		key = x.down[0]
	}
	s.All = append(s.All, migration{Key: alembicBase, Title: "no migration at all", Applied: true})
	return s, nil
}

func (a alembic) head(ctx context.Context, r runner) (string, error) {
	o, err := ask(ctx, r, a.t.command("heads"))
	if err != nil {
		return "", err
	}
	var heads []string
	for _, l := range o.out {
		if m := atLine().FindStringSubmatch(strings.TrimSpace(l)); m != nil && strings.Contains(m[2], "(head)") {
			heads = append(heads, m[1])
		}
	}
	if len(heads) != 1 {
		return "", model.Told(nil, nil, "its code has %d heads", len(heads))
	}
	return heads[0], nil
}

// undone has alembic write the SQL, which runs each downgrade() without a database. One
// that raises ends it: what comes before that one is asked for by itself.
func (a alembic) undone(ctx context.Context, r runner, s *state, to string, _ bool) ([]step, error) {
	steps := between(s, to)
	for from := 0; from < len(steps); {
		o, err := r(ctx, a.t.command("downgrade", steps[from].Key+":"+to, "--sql"))
		if err != nil {
			return nil, err
		}
		parts := sections(o.out)
		n := from
		for ; n < len(steps); n++ {
			sql, told := parts[steps[n].Key]
			if !told {
				break
			}
			steps[n].SQL, steps[n].Nothing = sql, len(sql) == 0
		}
		if o.code == 0 && n == len(steps) {
			return steps, nil
		}
		// The last one that was begun did not come to its end.
		bad := max(from, n-1)
		steps[bad].SQL, steps[bad].Nothing = nil, false
		why := o.why()
		switch {
		case n == from || o.code == 0:
			for k := from; k < len(steps); k++ {
				steps[k].Unknown = why
			}
			return steps, nil
		case strings.Contains(why, "NotImplementedError") || strings.Contains(strings.ToLower(why), "irreversible"):
			steps[bad].Never = why
		default:
			steps[bad].Unknown = why
		}
		from = bad + 1
	}
	return steps, nil
}

// between returns the migrations that going to one would undo, the newest first.
func between(s *state, to string) (out []step) {
	for _, m := range s.applied() {
		if m.Key == to {
			return out
		}
		out = append(out, step{Key: m.Key, Title: m.Title})
	}
	return nil
}

// running matches what alembic writes before the SQL of each migration.
var running = text.Pattern(`^-- Running downgrade ([0-9A-Za-z_]+) ->`)

// sections returns the SQL of each migration, by its revision, without what Alembic notes
// for itself.
func sections(out []string) map[string][]string {
	all := map[string][]string{}
	key := ""
	for _, l := range out {
		if m := running().FindStringSubmatch(l); m != nil {
			key = m[1]
			all[key] = []string{}
			continue
		}
		l = strings.TrimRight(l, " \r")
		if key == "" || l == "" || l == "COMMIT;" || l == "BEGIN;" || l == "GO" ||
			strings.HasPrefix(l, "UPDATE alembic_version ") || strings.HasPrefix(l, "DELETE FROM alembic_version ") || l == "DROP TABLE alembic_version;" {
			continue
		}
		all[key] = append(all[key], l)
	}
	return all
}
