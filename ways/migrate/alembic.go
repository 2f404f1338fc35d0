package migrate

import (
	"context"
	"maps"
	"slices"
	"strings"

	"rollbook/model"
	"rollbook/text"
	"rollbook/ways"
)

// alembic is the tool of SQLAlchemy.
type alembic struct{ t *Target }

func (a alembic) back(_ *state, to string, steps []step) []command {
	return oneCommand(a.t.command("downgrade", to), steps)
}

func (a alembic) look() []string { return a.t.command("heads") }

// at matches a line of alembic current and heads; what env.py says beside is none.
var atLine = text.Pattern(`^([0-9A-Za-z_]+)((?: \([^()]+\))*)$`)

// historyLine matches a line of alembic history.
var historyLine = text.Pattern(`^(<base>|[0-9A-Za-z_, ]+?) (?:\([^)]*\) )?-> ([0-9A-Za-z_]+)((?: \([^()]+\))*)(?:, (.*))?$`)

// revisionsOf returns the revisions in what current has written, by whether it says more
// of one, such as that it is a head: then it surely is one.
func revisionsOf(out []string) (all map[string]bool) {
	all = map[string]bool{}
	for _, l := range out {
		if m := atLine().FindStringSubmatch(strings.TrimSpace(l)); m != nil {
			all[m[1]] = all[m[1]] || m[2] != ""
		}
	}
	return all
}

// ofGraph is what alembic says of a revision beside the labels of its branches.
var ofGraph = []string{"head", "effective head", "branchpoint", "mergepoint", "current"}

// labelsOf returns the labels of branches in what stands in brackets behind a revision.
func labelsOf(brackets string) string {
	var out []string
	for b := range strings.SplitSeq(brackets, ")") {
		if b = strings.TrimLeft(b, " ("); b != "" && !slices.Contains(ofGraph, b) {
			out = append(out, b)
		}
	}
	return strings.Join(out, ", ")
}

// parseHistory returns what alembic history has written, by revision.
func parseHistory(out []string) map[string]revision {
	all := map[string]revision{}
	for _, l := range out {
		m := historyLine().FindStringSubmatch(strings.TrimRight(l, " \r"))
		if m == nil {
			continue
		}
		x := revision{key: m[2], labels: labelsOf(m[3]), title: m[4]}
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
	labels     string   // of its branches
	down       []string // none: the first; several: a merge
}

// named returns a revision with what tells it from those of other branches.
func (x revision) named() string {
	out := x.key
	if x.labels != "" {
		out += " (" + x.labels + ")"
	}
	if x.title != "" {
		out += " " + x.title
	}
	return text.Line(out)
}

// branched says that a schema is at several migrations at once, and what to do: going back
// to one before the branches undoes all of them.
func branched(at []string, all map[string]revision) error {
	var names []string
	example := "LABEL@-1"
	for _, key := range at {
		x := all[key]
		names = append(names, x.named())
		if x.labels != "" {
			first, _, _ := strings.Cut(x.labels, ", ")
			example = first + "@-1"
		}
	}
	return model.Told(nil, nil, "the schema is at %d migrations at once: %s. They are branches, and which of them the release brought is not known here; a downgrade to one before the branches undoes them all. Take back the one that is meant by hand, such as with alembic downgrade %s, and look at its --sql first",
		len(at), strings.Join(names, "; "), text.Line(example))
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
func stateOf(current map[string]bool, all map[string]revision) (*state, error) {
	var at []string
	for _, key := range slices.Sorted(maps.Keys(current)) {
		_, known := all[key]
		switch {
		case known:
			at = append(at, key)
		case current[key]: // else it is a word that env.py prints on a line of its own
			return nil, model.Told(errUnknown, nil, "the schema is at %s, which alembic history does not tell of", text.Line(key))
		}
	}
	if len(at) > 1 {
		return nil, branched(at, all)
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
			if _, two := above[alembicBase]; two {
				key = ""
			}
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
		if len(x.down) > 1 { // what comes before a merge is no single migration
			x.title += " (merges " + strings.Join(x.down, " and ") + "; what comes before it is taken back by hand)"
			s.All = append(s.All, migration{Key: key, Title: x.title, Applied: true})
			return s, nil
		}
		s.All = append(s.All, migration{Key: key, Title: x.title, Applied: true})
		if len(x.down) == 0 {
			break
		}
		key = x.down[0]
	}
	s.All = append(s.All, migration{Key: alembicBase, Title: "no migration at all", Applied: true})
	return s, nil
}

func (a alembic) knows(ctx context.Context, r runner) ([]string, error) {
	o, err := ask(ctx, r, a.t.command("heads"))
	if err != nil {
		return nil, err
	}
	var heads []string
	for _, l := range o.out {
		if m := atLine().FindStringSubmatch(strings.TrimSpace(l)); m != nil && strings.Contains(m[2], "(head)") {
			heads = append(heads, m[1])
		}
	}
	if len(heads) != 1 {
		return nil, model.Told(nil, nil, "its code has %d heads: %s", len(heads), text.Line(strings.Join(heads, ", ")))
	}
	return heads, nil
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
		for _, key := range slices.Sorted(maps.Keys(parts)) {
			if !slices.ContainsFunc(steps, func(x step) bool { return x.Key == key }) {
				return nil, model.Told(nil, nil, "going back to %s would undo %s too, which is on another branch and may rest on it: take back what is meant by hand, with alembic itself", text.Line(to), text.Line(key))
			}
		}
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
