package migrate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"rollbook/model"
	"rollbook/text"
	"rollbook/ways"
)

// run is a command that this program began.
type run struct {
	mu    sync.Mutex
	lines []string // the last ones, safe to show
	ended chan struct{}
	code  int
	err   error
	// done is how many commands of the plan have come to their end, as the database tells;
	// stopped says why those after them were not begun.
	done    int
	stopped string
}

// shown is how many lines of a command's output are kept.
const shown = 200

func (r *run) say(s string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, s)
	if over := len(r.lines) - shown; over > 0 {
		r.lines = slices.Delete(r.lines, 0, over)
	}
}

// said returns the last lines. They are not changed later.
func (r *run) said() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.lines)
}

// over reports whether the command has ended.
func (r *run) over() bool {
	select {
	case <-r.ended:
		return true
	default:
		return false
	}
}

// wait waits for the command's end, for a moment, and tells what it writes.
func (r *run) wait(ctx context.Context, first time.Duration, tell func(model.Progress)) {
	enough, look := time.After(first), time.NewTicker(200*time.Millisecond)
	defer look.Stop()
	told := 0
	for {
		select {
		case <-r.ended:
			return
		case <-ctx.Done():
			return
		case <-enough:
			return
		case <-look.C:
			if all := r.said(); len(all) > told {
				told = len(all)
				tell(model.Progress{Text: all[told-1], Lines: all})
			}
		}
	}
}

// longest bounds a command.
const longest = 2 * time.Hour

// Do begins the command, if the schema is still where it was when the plan was made. What
// it writes, and how it ends, Follow tells. It is begun once.
func (m *Migrate) Do(ctx context.Context, p model.Plan, tell func(model.Progress)) (model.Receipt, error) {
	want, err := ways.Detail[detail](p.Detail)
	if err != nil {
		return model.Receipt{}, err
	}
	not := fmt.Sprintf("the schema of %s was not taken back", p.Component)
	if m.ReadOnly {
		return model.Receipt{}, model.Told(model.ErrReadOnly, nil, "%s: rollbook runs read-only", not)
	}
	if tell == nil {
		tell = func(model.Progress) {}
	}
	t, err := m.target(p.Component)
	if err != nil {
		return model.Receipt{}, model.Told(model.ErrRefused, err, "%s: %s", not, err)
	}
	all, err := m.places(ctx, &t, p.Workload)
	if err != nil {
		return model.Receipt{}, model.Told(model.ErrRefused, err, "%s: its pods cannot be listed: %s", not, because(err))
	}
	at, ok := all[want.At.Owner]
	if !ok {
		return model.Receipt{}, model.Told(model.ErrChanged, nil, "%s: no pod of the version that it was confirmed for runs any more", not)
	}
	tell(model.Progress{Text: "asking where the schema is"})
	s, err := t.tool().read(ctx, m.runner(at))
	switch {
	case err != nil && unknownToCode(err):
		return model.Receipt{}, model.Told(model.ErrChanged, err, "%s: %s", not, because(err))
	case err != nil:
		return model.Receipt{}, model.Told(model.ErrRefused, err, "%s: where it is could not be read again before that: %s", not, because(err))
	}
	if is, _ := want.where(s); is != standsBefore {
		return model.Receipt{}, model.Told(model.ErrChanged, nil, "%s: it is at %s now, and was at %s when this was confirmed", not, want.at(s), text.Line(want.From))
	}
	tell(model.Progress{Text: "running " + text.Line(strings.Join(want.Args, " "))})
	begun := m.Now()
	r := m.begin(ctx, p.ID, at, &t, &want)
	r.wait(ctx, m.First, tell)
	receipt := model.Receipt{At: begun, Text: fmt.Sprintf("begun in pod %s", at.Pod)}
	if !r.over() || r.err == nil && r.code == 0 || r.done > 0 {
		return receipt, nil
	}
	switch {
	case errors.Is(r.err, model.ErrRefused), errors.Is(r.err, model.ErrReadOnly):
		return model.Receipt{}, model.Told(model.ErrRefused, r.err, "%s: %s", not, because(r.err))
	case r.err != nil:
		return model.Receipt{}, model.Told(model.ErrLost, r.err, "%s; how far the schema of %s was taken back is asked of the database", because(r.err), p.Component)
	}
	// It failed at once. Where nothing moved, nothing was done.
	s, err = t.tool().read(ctx, m.runner(at))
	if err != nil {
		return receipt, nil //nolint:nilerr // what it came to is asked again
	}
	if is, _ := want.where(s); is == standsBefore {
		return model.Receipt{}, model.Told(model.ErrRefused, nil, "%s, it is still at %s: %s failed (exit %d): %s", not, text.Line(want.From), want.Tool, r.code, r.why())
	}
	return receipt, nil
}

// why returns the last line that says something.
func (r *run) why() string {
	o := output{out: r.said()}
	return o.why()
}

// begin starts the plan's commands, one after the other. They go on when the caller's
// context ends.
func (m *Migrate) begin(ctx context.Context, id string, at place, t *Target, want *detail) *run {
	r := &run{ended: make(chan struct{})}
	m.mu.Lock()
	m.runs[id] = r
	m.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), longest)
	go func() {
		defer close(r.ended)
		defer cancel()
		all := want.commands()
		for n := range all {
			if n > 0 {
				r.say("$ " + text.Line(strings.Join(all[n].Args, " ")))
			}
			if m.one(ctx, r, at, all[n].Args); r.err != nil || r.code != 0 {
				return
			}
			if n == len(all)-1 {
				return // its end is asked for by who follows it
			}
			if r.stopped = m.unproved(ctx, at, t, &all[n]); r.stopped != "" {
				return
			}
			r.done++
		}
	}()
	return r
}

// one runs a command to its end.
func (m *Migrate) one(ctx context.Context, r *run, at place, args []string) {
	var streams [2]text.Stream
	r.code, r.err = m.pods.Exec(ctx, at.Namespace, at.Pod, at.Container, args, func(stderr bool, s string) {
		n := 0
		if stderr {
			n = 1
		}
		r.say(streams[n].Line(s))
	})
}

// unproved says why it is not sure that a command has undone its steps; "" when the
// database tells that it has.
func (m *Migrate) unproved(ctx context.Context, at place, t *Target, c *command) string {
	said := text.Line(strings.Join(c.Args, " ")) + " ended"
	s, err := t.tool().read(ctx, m.runner(at))
	if err != nil {
		return said + ", and where the schema is cannot be seen: " + because(err)
	}
	var left []string
	for _, key := range c.Steps {
		if s.has(key) {
			left = append(left, text.Line(key))
		}
	}
	if len(left) > 0 {
		return said + ", and still applied is " + strings.Join(left, ", ") + ": nothing after it was begun"
	}
	return ""
}

// own returns the command that this program began for a plan, or nil.
func (m *Migrate) own(id string) *run {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.runs[id]
}
