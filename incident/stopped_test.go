package incident

import (
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// worseThenStopped is a rollback that made it worse, and a recovery that stopped the
// traffic of it.
func worseThenStopped(t *testing.T) *rescue {
	t.Helper()
	r := newRescue(t)
	r.inc.Settings.Channels = channels
	r.toRolling()
	r.wait(40 * time.Second)
	r.figures("backend-python", append(repeat(0.3, 18), 0.6, 0.85), repeat(0.2, 21))
	r.do(Observed{})
	if a := r.snap().Afterwards(); a.State != AfterWorse {
		t.Fatalf("it was not made worse: %s: %s", a.Head, a.Text)
	}
	r.do(Recover{Components: []string{"backend-python"}})
	r.take(StepStop)
	r.figures("backend-python", nil, nil)
	return r
}

func (r *rescue) headline() Headline {
	s := r.snap()
	nodes := Tree(s)
	v, why := VerdictOf(s, nodes)
	return HeadlineOf(s, v, why, s.Afterwards(), Calm(s, nodes))
}

// While traffic is stopped on purpose, that is said, since when and by whom, and nothing
// is judged; once a pod runs again, it is.
func TestStoppedOnPurposeIsNoVerdict(t *testing.T) {
	r := worseThenStopped(t)
	r.wait(2 * time.Minute)
	r.do(Observed{})
	h := r.headline()
	if got := h.String(); !strings.HasPrefix(got, "STOPPED ON PURPOSE 2m ago by maria: backend-python has no pod; next of the recovery: ") || h.After != AfterStopped {
		t.Errorf("%q, %d", got, h.After)
	}
	for _, n := range Tree(r.snap())[:2] {
		if n.Answer == model.TriYes && !n.Covered {
			t.Errorf("a verdict is drawn: %+v", n)
		}
	}
	var seen []string
	for _, v := range VerifyChecks(r.snap()) {
		seen = append(seen, v.Name+": "+v.Seen)
	}
	if got := strings.Join(seen, "\n"); got != "pods running: stopped on purpose at "+clockTime(r.snap().StopOf("backend-python").Since)+" by maria\nswitched off: backend-python is scaled to 0" {
		t.Errorf("checks:\n%s", got)
	}
	for _, c := range channels {
		m := Draft(r.snap(), c, model.MessageUpdated)
		switch {
		case c.Kind == model.ChannelGitLab:
		case !strings.Contains(m.Title, "Stopped for repair: ") || strings.Contains(m.Text, "worse") || strings.Contains(m.Text, "it is scaled to 0"):
			t.Errorf("%s: %q %q", c.Kind, m.Title, m.Text)
		case c.Kind.Public() && !strings.Contains(m.Text, "We stopped a service on purpose at "):
			t.Errorf("%s: %q", c.Kind, m.Text)
		case !c.Kind.Public() && !strings.Contains(m.Text, "backend-python is stopped on purpose at "):
			t.Errorf("%s: %q", c.Kind, m.Text)
		}
	}
	// Somebody scales it up by hand: it is judged again.
	r.replicas["backend-python"] = 3
	r.figures("backend-python", repeat(0.85, 21), repeat(0.2, 21))
	r.do(Observed{})
	if h := r.headline(); h.After != AfterWorse {
		t.Errorf("with pods again: %s", h)
	}
}

// What is stopped serves nobody: its downtime goes on, without a gap, until a pod runs.
func TestStoppedIsDown(t *testing.T) {
	r := worseThenStopped(t)
	stopped := r.snap().StopOf("backend-python").Since
	r.wait(5 * time.Minute)
	r.do(Observed{})
	before, blind := Downtime(r.snap())
	r.wait(10 * time.Minute)
	r.do(Observed{})
	total, also := Downtime(r.snap())
	if total-before != 10*time.Minute || also != blind || blind != 0 {
		t.Errorf("%s, %s later; without data %s, %s", before, total, blind, also)
	}
	if got, want := total, r.now.Sub(r.inc.Onset); got != want {
		t.Errorf("down for %s since the onset %s ago, stopped %s ago", got, want, r.now.Sub(stopped))
	}
	r.replicas["backend-python"] = 1
	r.figures("backend-python", repeat(0, 21), repeat(0.2, 21))
	r.do(Observed{})
	if !r.inc.Down.Since.IsZero() {
		t.Errorf("it runs, and is down since %s", r.inc.Down.Since)
	}
	// Behind the maintenance page nobody is served either.
	r.wait(time.Minute)
	r.take(StepPageOn)
	r.wait(time.Minute)
	r.do(Observed{})
	if again, _ := Downtime(r.snap()); again-total < time.Minute {
		t.Errorf("behind the maintenance page it is down for %s, %s before", again, total)
	}
}

// Who stopped it is told by this incident's write, by the step that was ticked, or by the
// cluster's mark; and nothing is told where nobody says that it was on purpose.
func TestWhoStoppedIt(t *testing.T) {
	asleep := func(c *model.Component) { c.Desired, c.Replicas, c.Updated, c.Ready, c.Available = 0, 0, 0, 0, 0 }
	for _, tt := range []struct {
		name   string
		change func(r *rescue)
		want   string
	}{
		{"it runs", func(r *rescue) {}, ""},
		{"nobody says it was on purpose", func(r *rescue) { r.replicas["backend-python"] = 0 }, ""},
		{"ticked by hand", func(r *rescue) {
			r.do(Recover{Components: []string{"backend-python"}})
			r.replicas["backend-python"] = 0
			r.tick(StepStop, "kubectl")
		}, "stopped on purpose at 03:42 UTC by maria"},
		{"left out, and stopped by somebody", func(r *rescue) {
			r.do(Recover{Components: []string{"backend-python"}})
			r.do(SettleStep{Course: CourseRecovery, ID: StepStop, Waive: true, Reason: "no"})
			r.replicas["backend-python"] = 0
		}, ""},
		{"another incident", func(r *rescue) {
			r.replicas["backend-python"] = 0
			r.component("backend-python", func(c *model.Component) {
				c.Marks = []model.Mark{{Method: model.MethodScale, Since: t0, By: "jonas", Incident: "INC-2"}}
			})
		}, "stopped on purpose at 03:42 UTC by jonas (INC-2)"},
		{"this incident's write, and somebody else since it was brought back", func(r *rescue) {
			r.do(Recover{Components: []string{"backend-python"}})
			r.take(StepStop)
			r.do(Pay{Write: r.inc.Owed()[0].WriteID})
			r.answers(r.do(r.checked()))
			r.replicas["backend-python"] = 0
		}, ""},
	} {
		r := newRescue(t)
		r.do(Next{})
		tt.change(r)
		r.show()
		got := ""
		if o := r.snap().StopOf("backend-python"); o != nil {
			got = strings.ReplaceAll(o.Words(), clockTime(o.Since), "03:42 UTC")
		}
		if got != tt.want {
			t.Errorf("%s: %q", tt.name, got)
		}
	}
	w := newWorld(t, nil)
	w.component("frontend", asleep)
	if w.snap().StopOf("frontend") != nil || w.snap().Afterwards().State != AfterNothing {
		t.Error("what never ran was stopped on purpose")
	}
}
