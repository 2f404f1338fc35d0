package ui

import (
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"rollbook/incident"
	"rollbook/model"
)

// Once it is rolled out, the page says what came of it: not yet proven, proven, or that
// nothing can be.
func TestRolledOutSaysWhatIsProven(t *testing.T) {
	asleep := func(s *incident.Snapshot) {
		c := *s.Seen.Board[1]
		c.Desired, c.Replicas, c.Updated, c.Ready, c.Available, c.Pods = 0, 0, 0, 0, 0, nil
		s.Seen.Board[1] = &c
		s.Seen.Progress[undoing] = model.Progress{Phase: model.PhaseFinished, Text: "written; 0 replicas: nothing runs it yet"}
	}
	for name, tt := range map[string]struct {
		snap  *incident.Snapshot
		wants []string
		not   []string
	}{
		"the hold goes on": {verifying(), []string{"✓ rolled out after", "Rolled out. Verify proves that it worked: enter."}, []string{"VERIFIED"}},
		"verified":         {verified(), []string{"✓ rolled out after", "Rolled out. VERIFIED: green for 2m. Enter shows Verify."}, []string{"proves"}},
		"verified with unknown ones": {with(verified(), func(s *incident.Snapshot) { s.Incident.Hold.With = 2 }),
			[]string{"Rolled out. VERIFIED WITH 2 UNKNOWN after 2m. Enter shows Verify."}, []string{"proves"}},
		"0 replicas": {with(verifying(), asleep), []string{"version set", "nothing runs it yet",
			"The version of backend-python is set; 0 replicas run it. Verify can prove nothing until it is scaled up."}, []string{"✓ rolled out", "Rolled out"}},
	} {
		tt.snap.Incident.Timeline, tt.snap.Incident.Settings.Verify.Hold = nil, 2*time.Minute
		frame := ansi.Strip(screen(t, fixture{snap: step(tt.snap, incident.RollBack)}, 120, 40, dark).Frame())
		for _, want := range tt.wants {
			if !strings.Contains(frame, want) {
				t.Errorf("%s: no %q in\n%s", name, want, frame)
			}
		}
		for _, not := range tt.not {
			if strings.Contains(frame, not) {
				t.Errorf("%s: %q in\n%s", name, not, frame)
			}
		}
	}
}

// The bar of a rollout is green while it gets on, amber past the time that it has, and
// red when it is stuck or the pods that it brings fail.
func TestTheBarSaysHowTheRolloutDoes(t *testing.T) {
	late := func(s *incident.Snapshot) {
		w := &s.Incident.Attempts[0].Writes[0]
		w.Receipt.At, w.Waited = ago(s.Incident.Settings.Limits.Rollout), true
	}
	stuck := func(s *incident.Snapshot) {
		s.Seen.Board[1].Stuck, s.Seen.Board[1].StuckSince = "1 of 3 new pods in CrashLoopBackOff", ago(time.Second)
	}
	phase := func(p model.Phase) func(s *incident.Snapshot) {
		return func(s *incident.Snapshot) {
			was := s.Seen.Progress[undoing]
			was.Phase = p
			s.Seen.Progress[undoing] = was
		}
	}
	for name, tt := range map[string]struct {
		change []func(s *incident.Snapshot)
		want   func(p *pen) ansi.Style
	}{
		"it gets on": {nil, func(p *pen) ansi.Style { return p.Good }},
		"just in time": {[]func(s *incident.Snapshot){late, func(s *incident.Snapshot) {
			w := &s.Incident.Attempts[0].Writes[0]
			w.Receipt.At = w.Receipt.At.Add(time.Second)
		}}, func(p *pen) ansi.Style { return p.Good }},
		"past its time": {[]func(s *incident.Snapshot){late}, func(p *pen) ansi.Style { return p.Warn }},
		"past its time, and ready pods wait to be available": {[]func(s *incident.Snapshot){late, func(s *incident.Snapshot) {
			s.Seen.Board[1].MinReady, s.Seen.Board[1].Available = 5*time.Minute, 1
		}}, func(p *pen) ansi.Style { return p.Good }},
		"stuck":                 {[]func(s *incident.Snapshot){stuck}, func(p *pen) ansi.Style { return p.Bad }},
		"stuck past its time":   {[]func(s *incident.Snapshot){late, stuck}, func(p *pen) ansi.Style { return p.Bad }},
		"a new pod fails":       {[]func(s *incident.Snapshot){func(s *incident.Snapshot) { s.Seen.Board[1].Pods[0] = crashing("backend-python-7c9f6d5b84-2kq4x", 43) }}, func(p *pen) ansi.Style { return p.Bad }},
		"its method gave it up": {[]func(s *incident.Snapshot){phase(model.PhaseFailed)}, func(p *pen) ansi.Style { return p.Bad }},
	} {
		s := rolling()
		for _, change := range tt.change {
			change(s)
		}
		a := screen(t, fixture{snap: s}, 80, 24, dark)
		sign := bar(s.Seen.Progress[undoing].Share, 48)[:len("█")]
		want, _, _ := strings.Cut(paint(tt.want(a.pen), sign), sign)
		if frame := a.Frame(); !strings.Contains(frame, want+sign) {
			t.Errorf("%s: no bar after %q in\n%q", name, want, frame)
		}
	}
}
