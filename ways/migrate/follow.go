package migrate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"rollbook/model"
	"rollbook/text"
	"rollbook/ways"
)

// stands is where a schema is, seen from a plan.
type stands int

const (
	standsElsewhere stands = iota // it is no migration of the plan's
	standsBefore                  // where it was before
	standsBetween                 // some is undone, and some is not
	standsThere                   // where it was to go
)

// where says where a schema is on a plan's way, and how many of its steps are undone.
func (d *detail) where(s *state) (stands, int) {
	if s.At != d.To && !slices.Contains(d.Steps, s.At) {
		if s.At != d.From {
			return standsElsewhere, 0
		}
	}
	n := 0
	for _, key := range d.Steps {
		if !s.has(key) {
			n++
		}
	}
	switch {
	case s.At == d.To && n == len(d.Steps):
		return standsThere, n
	case n == 0:
		return standsBefore, 0
	}
	return standsBetween, n
}

// has reports whether a step of a plan is applied.
func (s *state) has(key string) bool {
	return s.Others[key] || slices.ContainsFunc(s.applied(), func(m migration) bool { return m.Key == key })
}

// at says where a schema is: in words, with what of a plan's steps in other apps is undone
// and what is not.
func (d *detail) at(s *state) string {
	out := text.Line(s.At)
	var gone, left []string
	for _, key := range d.Steps {
		switch {
		case !strings.Contains(key, "."):
		case s.has(key):
			left = append(left, text.Line(key))
		default:
			gone = append(gone, text.Line(key))
		}
	}
	if len(gone) > 0 {
		out += ", undone is " + strings.Join(gone, ", ")
	}
	if len(left) > 0 {
		out += ", still applied is " + strings.Join(left, ", ")
	}
	return out
}

// now asks where the schema is: in a pod of the version that the plan was for, else in
// whichever answers.
func (m *Migrate) now(ctx context.Context, p *model.Plan, want *detail) (*state, place, error) {
	t, err := m.target(p.Component)
	if err != nil {
		return nil, place{}, err
	}
	all, err := m.places(ctx, &t, p.Workload)
	if err != nil {
		return nil, place{}, err
	}
	at, ok := all[want.At.Owner]
	if ok {
		s, err := t.tool().read(ctx, m.runner(at))
		return s, at, err
	}
	err = model.Told(nil, nil, "no pod of %s runs in which it could be asked", p.Workload)
	for _, other := range all {
		var s *state
		if s, err = t.tool().read(ctx, m.runner(other)); err == nil {
			return s, other, nil
		}
	}
	return nil, place{}, err
}

// goesOn tells whether one of the plan's commands still runs in a container. known is false
// where its processes cannot be looked at.
func (m *Migrate) goesOn(ctx context.Context, at place, want *detail) (runs, known bool) {
	o, err := m.runner(at)(ctx, []string{"sh", "-c", "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '"})
	if err != nil || len(o.out) == 0 {
		return false, false
	}
	return slices.ContainsFunc(want.commands(), func(c command) bool {
		return strings.Contains(strings.Join(o.out, " "), strings.Join(c.Args, " "))
	}), true
}

// Look tells whether the schema was taken back, or is on its way: by asking the database,
// and whether the command still runs in the pod.
func (m *Migrate) Look(ctx context.Context, p model.Plan) (model.Looked, error) {
	want, err := ways.Detail[detail](p.Detail)
	if err != nil {
		return model.Looked{}, err
	}
	s, at, err := m.now(ctx, &p, &want)
	if err != nil {
		return model.Looked{}, model.Told(nil, err, "whether the schema of %s was taken back cannot be seen: %s", p.Component, because(err))
	}
	is, n := want.where(s)
	runs, _ := false, false
	if is != standsThere {
		runs, _ = m.goesOn(ctx, at, &want)
	}
	done := model.Looked{State: model.SettledDone, Receipt: &model.Receipt{At: m.Now(), Text: "the schema is at " + want.at(s)}}
	switch {
	case is == standsThere:
		return done, nil
	case runs:
		done.Receipt.Text = "its command runs in pod " + at.Pod
		return done, nil
	case is == standsBetween:
		done.Receipt.Text = fmt.Sprintf("the schema is at %s, %d of %s undone", want.at(s), n, model.Plural(len(want.Steps), "migration"))
		return done, nil
	case is == standsBefore:
		return model.Looked{State: model.SettledNot}, nil
	}
	return model.Looked{State: model.SettledForeign, By: "somebody who brought the schema to " + text.Line(s.At)}, nil
}

// Follow tells what the command writes, and where the schema is after its end. A command
// that an earlier run of the program began cannot be joined again: the schema is asked
// until it is where it was to go, or stands still and the command has ended.
func (m *Migrate) Follow(ctx context.Context, p model.Plan, r model.Receipt, out func(model.Progress)) error {
	want, err := ways.Detail[detail](p.Detail)
	if err != nil {
		return err
	}
	own := m.own(p.ID)
	f := following{m: m, p: &p, want: &want, moved: m.Now()}
	for {
		var got model.Progress
		switch {
		case own != nil && !own.over():
			got = model.Progress{Phase: model.PhaseRunning, Text: fmt.Sprintf("%s runs for %s", want.Tool, model.Short(m.Now().Sub(r.At))), Share: told(own.said(), want.Steps), Lines: own.said()}
		case own != nil:
			got = f.ended(ctx, own)
		default:
			got = f.look(ctx)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		out(got)
		if got.Phase == model.PhaseFinished || got.Phase == model.PhaseFailed || got.Phase == model.PhaseReverted {
			return nil
		}
		wait := time.After(m.Every)
		var end chan struct{}
		if own != nil && !own.over() {
			end = own.ended
			wait = time.After(min(m.Every, time.Second))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-end:
		case <-wait:
		}
	}
}

// told returns how much of the way the tool's own lines tell.
func told(lines, steps []string) float64 {
	n := 0
	for _, l := range lines {
		if strings.Contains(l, "Running downgrade ") || strings.Contains(l, "Unapplying ") && strings.HasSuffix(l, "OK") {
			n++
		}
	}
	return min(0.9, float64(n)/float64(max(1, len(steps))))
}

// following asks for the end of one write.
type following struct {
	m     *Migrate
	p     *model.Plan
	want  *detail
	at    string    // the schema, when it was asked last
	moved time.Time // when it was another one last
	still int       // looks at which it had ended
}

// ended tells where the schema is after the command that this program began has ended.
func (f *following) ended(ctx context.Context, own *run) model.Progress {
	out := model.Progress{Lines: own.said()}
	how := fmt.Sprintf("%s ended", f.want.Tool)
	switch {
	case own.err != nil:
		lines, got := own.said(), f.look(ctx) // it may go on in the container
		got.Lines = lines
		if got.Phase == model.PhaseRunning {
			got.Text = because(own.err) + "; " + got.Text
		}
		return got
	case own.code != 0:
		how = fmt.Sprintf("%s failed (exit %d): %s", f.want.Tool, own.code, own.why())
	case own.stopped != "":
		how = own.stopped
	}
	s, _, err := f.m.now(ctx, f.p, f.want)
	if err != nil {
		out.Text = how + "; where the schema is cannot be seen: " + because(err)
		return out
	}
	is, n := f.want.where(s)
	return f.judged(out, is, n, f.want.at(s), how)
}

// judged puts where the schema is, after its command has ended, into a progress.
func (f *following) judged(out model.Progress, is stands, n int, at, how string) model.Progress {
	all := model.Plural(len(f.want.Steps), "migration")
	switch is {
	case standsThere:
		out.Phase, out.Share, out.Text = model.PhaseFinished, 1, fmt.Sprintf("the schema is at %s, by the database: %s undone", at, all)
	case standsBefore:
		out.Phase, out.Text = model.PhaseFailed, fmt.Sprintf("%s; nothing was undone: the schema is still at %s", how, at)
	case standsBetween:
		out.Phase, out.Share = model.PhaseFailed, float64(n)/float64(len(f.want.Steps))
		out.Text = fmt.Sprintf("%s; half-way: %d of %s undone, the schema is at %s", how, n, all, at)
	default:
		out.Phase, out.Text = model.PhaseReverted, fmt.Sprintf("the schema is at %s: somebody else brought it there", at)
	}
	return out
}

// look asks where the schema is that an earlier run of the program began to take back.
func (f *following) look(ctx context.Context) model.Progress {
	s, at, err := f.m.now(ctx, f.p, f.want)
	if err != nil {
		return model.Progress{Text: "where the schema is cannot be seen: " + because(err)}
	}
	stands := f.want.at(s)
	if stands != f.at {
		f.at, f.moved, f.still = stands, f.m.Now(), 0
	}
	is, n := f.want.where(s)
	if is == standsThere {
		return f.judged(model.Progress{}, is, n, stands, "")
	}
	runs, known := f.m.goesOn(ctx, at, f.want)
	f.still++
	how := f.want.Tool + " has ended, and nobody saw how"
	switch {
	case runs:
		f.still = 0
	case known && f.still > 1:
		return f.judged(model.Progress{}, is, n, stands, how)
	case !known && f.m.Now().Sub(f.moved) >= f.m.Settle:
		how = fmt.Sprintf("the schema has stood still for %s, and whether %s still runs in the pod is not known", model.Short(f.m.Settle), f.want.Tool)
		return f.judged(model.Progress{}, is, n, stands, how)
	}
	return model.Progress{Phase: model.PhaseRunning, Share: float64(n) / float64(max(1, len(f.want.Steps))),
		Text: fmt.Sprintf("what %s writes cannot be joined again: the schema is at %s, %d of %s undone", f.want.Tool, stands, n, model.Plural(len(f.want.Steps), "migration"))}
}
