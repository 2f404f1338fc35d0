package engine

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"rollbook/engine/journal"
	"rollbook/engine/rescuetest"
	"rollbook/incident"
)

// bad is the rescued cluster before its recovery: what runs is bad.
func bad() *rescued { return &rescued{gen: 7, now: standing{Replicas: 3, Hash: "hash-42"}} }

// toTheEnd has an operator work with a rescued cluster and the journals of a folder until
// the incident is closed, and returns its journal.
func (r *rescued) toTheEnd(t *testing.T, dir string) *journal.Content {
	t.Helper()
	e := New(r.config(dir))
	ctx, stop := context.WithCancel(context.Background())
	x := &run{Engine: e, t: t, stop: stop, done: make(chan error, 1)}
	go func() { x.done <- e.Run(ctx) }()
	o := &rescuetest.Operator{Engine: e, Component: "backend-python"}
	for end := time.Now().Add(20 * time.Minute); !o.Act(); x.wait(500 * time.Millisecond) {
		if time.Now().After(end) {
			s := e.Snapshot()
			t.Errorf("not closed: at %s: %s; asked %q %s; %+v; recovery %+v", s.Incident.Step.Name(), s.Incident.Step.Blocked(s), s.Incident.Asked, s.Incident.AskText,
				r.state(), s.Incident.Procedure(incident.CourseRecovery))
			break
		}
	}
	x.end()
	found, errs := journalsIn(dir)
	if len(found) != 1 || len(errs) > 0 {
		t.Fatalf("%d journals, %v", len(found), errs)
	}
	return found[0]
}

// recovered looks at a cluster and at the journal of its recovery when that is over.
func (r *rescued) recovered(t *testing.T, c *journal.Content) {
	t.Helper()
	if want := (standing{Replicas: 3, Hash: "hash-40"}); r.state() != want {
		t.Errorf("%+v, want %+v", r.state(), want)
	}
	once := []string{"held false", "held true", "owed 0", "page false", "page true", "replicas 0", "replicas 1", "replicas 3", "template hash-40"}
	if wrote := slices.Sorted(slices.Values(r.writes)); !slices.Equal(wrote, once) {
		t.Errorf("written, not each once: %q", wrote)
	}
	i := incident.Fold(c.Facts)
	if i.Closed.IsZero() || len(i.Owed()) > 0 || len(i.Waived) > 0 {
		t.Errorf("closed %s, owed %+v, waived %+v", i.Closed, i.Owed(), i.Waived)
	}
	p := i.Procedure(incident.CourseRecovery)
	if p == nil {
		t.Fatal("the recovery was not begun")
	}
	for _, s := range p.Steps {
		if s.State != incident.ItemDone {
			t.Errorf("%s is %q: %s", s.ID, s.State, s.Reason)
		}
	}
}

// killedWith is a cluster as a journal tells it; of the write that was sent and not
// answered, so many parts are done.
func killedWith(facts []incident.Fact, parts int) *rescued {
	i, r := incident.Fold(facts), bad()
	for _, a := range i.Attempts {
		for _, w := range a.Writes {
			to := parsed[rescueDetail](w.Plan.Detail).To
			switch w.State {
			case incident.Rolling, incident.Done:
				r.brings(to, 9)
			case incident.Writing:
				r.brings(to, parts)
			}
		}
	}
	return r
}

// onItsWay is how many parts the write has that was sent and not answered; 0 = none was.
func onItsWay(facts []incident.Fact) (parts int) {
	i := incident.Fold(facts)
	for _, a := range i.Attempts {
		for _, w := range a.Writes {
			if d := parsed[rescueDetail](w.Plan.Detail); w.State == incident.Writing {
				_, has, _ := d.From.parts(d.To)
				for _, x := range has {
					if !x {
						parts++
					}
				}
			}
		}
	}
	return parts
}

// A recovery that is killed anywhere goes on where it was: wherever its journal ends, and
// however much of the write was done that was on its way. Nothing is written twice, and
// nothing stays switched off.
func TestRecoveryIsTakenUpAnywhere(t *testing.T) {
	dir := t.TempDir()
	var whole *journal.Content
	synctest.Test(t, func(t *testing.T) {
		r := bad()
		whole = r.toTheEnd(t, dir)
		r.recovered(t, whole)
	})
	if t.Failed() {
		return
	}
	raw, err := os.ReadFile(whole.Path)
	if err != nil {
		t.Fatal(err)
	}
	lines, sent := bytes.SplitAfter(raw, []byte("\n")), 0
	for n := 1; n <= len(whole.Facts); n++ {
		facts := whole.Facts[:n]
		if !incident.Fold(facts).Closed.IsZero() {
			break
		}
		sent += onItsWay(facts)
		for parts := range onItsWay(facts) + 1 {
			t.Run(fmt.Sprint(n, "+", parts), func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				at := filepath.Join(dir, whole.Header.ID)
				if err := os.Mkdir(at, 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(at, journal.FileName), bytes.Join(lines[:n+1], nil), 0o600); err != nil {
					t.Fatal(err)
				}
				synctest.Test(t, func(t *testing.T) {
					time.Sleep(time.Until(facts[n-1].At.Add(time.Second)))
					r := killedWith(facts, parts)
					r.recovered(t, r.toTheEnd(t, dir))
				})
			})
		}
	}
	if len(lines) < 50 || sent < 9 {
		t.Errorf("%d lines, %d parts of writes: nothing was tried", len(lines), sent)
	}
}
