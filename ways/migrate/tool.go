package migrate

import (
	"context"
	"slices"
	"strings"

	"rollbook/model"
	"rollbook/text"
)

// tool knows a program that brings a schema from one migration to another.
type tool interface {
	// read tells where the schema is, by the database, and which migrations the code
	// in the container knows.
	read(ctx context.Context, r runner) (*state, error)
	// knows returns the migration at which the code in the container ends; of several apps
	// all that it knows.
	knows(ctx context.Context, r runner) ([]string, error)
	// undone returns what going to a migration would undo, in the order in which it is
	// undone. Without sql it is enough to know of each step whether it can be undone.
	undone(ctx context.Context, r runner, s *state, to string, sql bool) ([]step, error)
	// back returns the commands that go to a migration, one after the other, each with
	// those of the steps that it undoes.
	back(s *state, to string, steps []step) []command
	// look returns the command by which doctor finds out whether the tool is there.
	look() []string
}

// What stands for no migration at all.
const (
	alembicBase = "base"
	djangoBase  = "zero"
)

// migration is one that a tool knows.
type migration struct {
	Key, Title string
	Applied    bool
}

// state is how a schema stands.
type state struct {
	At  string      // the newest migration that is applied; the tool's base without any
	All []migration // that the code knows, in one line, the newest first
	// Others are applied beside that line, as APP.NAME: those of Django's other apps, some
	// of which go back with it.
	Others map[string]bool
}

// applied returns those that are applied, the newest first.
func (s *state) applied() []migration {
	for n := range s.All {
		if s.All[n].Key == s.At {
			return s.All[n:]
		}
	}
	return nil
}

// headOf returns the newest of the migrations that some code knows; "" where that code knows
// one that was applied after one that it does not know: then it ends at none of the line.
func (s *state) headOf(known []string) (head string) {
	if len(known) == 1 {
		return known[0]
	}
	for _, x := range s.applied() {
		switch is := x.Key == djangoBase || slices.Contains(known, x.Key); {
		case !is && head != "":
			return ""
		case is && head == "":
			head = x.Key
		}
	}
	return head
}

// step is one migration that would be undone.
type step struct {
	Key, Title string
	SQL        []string
	// Never says why it cannot be undone: the command would fail; "" = it can.
	Never string
	// Nothing says that undoing it does nothing: what it did stays.
	Nothing bool
	// Unknown says why what it would do is not known; "" = it is.
	Unknown string
	command int // that undoes it, of those of back
}

// oneCommand returns a command that undoes all of the steps.
func oneCommand(args []string, steps []step) []command {
	c := command{Args: args}
	for n := range steps {
		c.Steps = append(c.Steps, steps[n].Key)
	}
	return []command{c}
}

// drop matches a statement that takes data with it.
var drop = text.Pattern(`(?i)\b(DROP\s+(TABLE|COLUMN|SCHEMA|DATABASE|VIEW|TYPE|MATERIALIZED)|TRUNCATE|DELETE\s+FROM)\b`)

// drops returns the statements of a step that take data with them.
func (s *step) drops() (out []string) {
	for _, l := range s.SQL {
		if drop().MatchString(l) {
			out = append(out, l)
		}
	}
	return out
}

// runner runs a command that only looks, and returns what it wrote.
type runner func(ctx context.Context, args []string) (output, error)

// output is what a command wrote.
type output struct {
	code      int
	out, errs []string
}

// runner returns what runs commands in a container.
func (m *Migrate) runner(at place) runner {
	return func(ctx context.Context, args []string) (output, error) {
		var o output
		size := 0
		code, err := m.pods.Exec(ctx, at.Namespace, at.Pod, at.Container, args, func(stderr bool, s string) {
			if size += len(s); size > most {
				return
			}
			if stderr {
				o.errs = append(o.errs, s)
			} else {
				o.out = append(o.out, s)
			}
		})
		o.code = code
		if err == nil && size > most {
			err = model.Told(nil, nil, "%s wrote more than %d MiB: its output was not read", text.Line(strings.Join(args, " ")), most>>20)
		}
		return o, err
	}
}

// most is how much of a command's output is read.
const most = 8 << 20

// failed returns what a command says went wrong, if it did: the last thing that it
// wrote, which is the error itself in a traceback of Python.
func (o *output) failed(args []string) error {
	if o.code == 0 {
		return nil
	}
	return model.Told(nil, nil, "%s failed (exit %d): %s", text.Line(strings.Join(args, " ")), o.code, o.why())
}

// why returns what went wrong, in the tool's words.
func (o *output) why() string {
	for _, all := range [][]string{o.errs, o.out} {
		if s := whyOf(all); s != "" {
			return s
		}
	}
	return "it said nothing"
}

// whyOf returns the error below the last traceback of Python, which may have more lines;
// without one the last line that says something.
func whyOf(all []string) string {
	last := ""
	for n, in := 0, false; n < len(all); n++ {
		switch l := text.Line(all[n]); {
		case strings.Contains(l, "Traceback (most recent call last)"):
			in, last = true, ""
		case in && (l == "" || strings.HasPrefix(l, " ")):
		case in:
			in, last = false, l
		}
	}
	if last != "" {
		return last
	}
	for n := len(all) - 1; n >= 0; n-- {
		if s := strings.TrimSpace(text.Line(all[n])); s != "" {
			return s
		}
	}
	return ""
}

// has reports whether a line of the output holds the words.
func (o *output) has(words string) bool {
	for _, all := range [][]string{o.out, o.errs} {
		for _, l := range all {
			if strings.Contains(l, words) {
				return true
			}
		}
	}
	return false
}

// ask runs a command, and fails where it fails.
func ask(ctx context.Context, r runner, args []string) (output, error) {
	o, err := r(ctx, args)
	if err == nil {
		err = o.failed(args)
	}
	return o, err
}
