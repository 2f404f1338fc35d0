package migrate_test

import (
	"context"
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
	out, known := s[strings.Join(args[1:], " ")]
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
