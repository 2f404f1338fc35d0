package porttest

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// faultTrial has a workload with two replicas, which is to be broken.
func faultTrial(t *testing.T, b *Bed) *Trial {
	t.Helper()
	w, seen := b.made(t, model.Deployment)
	at := path(w.Namespace, w.Kind.Resource(), w.Name)
	x := b.trial(t, w.Namespace, model.MethodFault, "")
	x.Component = func() *model.Component { return seen.get("api") }
	x.To = model.Fault(model.FaultReadiness)
	x.State = func(t *testing.T) string { t.Helper(); return b.asIs(t, at) }
	x.Change = func(t *testing.T) { b.releaseOf(t, w, "contract/api:9", "") }
	x.Changed = model.SettledNot // a release of somebody else's is no fault
	x.lacks(map[string]string{"viewer": "access.patch", "nobody": ""})
	return x
}

// brokenAndPutBack breaks a workload in each way and puts it back: afterwards it is field by
// field what it was, whatever became of it in between, and in between the cluster alone
// tells what is owed.
func brokenAndPutBack(t *testing.T, b *Bed, kind model.Kind) {
	w, seen := b.made(t, kind)
	at := path(w.Namespace, kind.Resource(), w.Name)
	before := b.asIs(t, at)
	m := b.trial(t, w.Namespace, model.MethodFault, "")
	running := func(why string) {
		t.Helper()
		if after := b.asIs(t, at); after != before {
			t.Errorf("%s: it is not what it was: %s, before %s", why, after, before)
		}
		seen.until(time.Minute, "api", "is marked no more", func(c *model.Component) bool { return len(c.Marks) == 0 })
	}
	for _, fault := range []string{model.FaultImage, model.FaultCommand, model.FaultReadiness, model.FaultCPU} {
		p := b.brought(t, m.Again(t), seen, model.Fault(fault))
		if p.Owes == "" || p.Pays != "" || b.asIs(t, at) == before {
			t.Errorf("%s: %+v", fault, p)
		}
		seen.until(time.Minute, "api", "is marked", func(c *model.Component) bool { return len(c.Marks) == 1 })
		if k := seen.get("api").Marks[0]; k.Method != model.MethodFault || k.Role != model.RoleFault || k.To.Key != p.From.Key || k.Plan != p.ID || k.What != p.Owes || k.Since.IsZero() {
			t.Errorf("%s: %+v", fault, k)
		}
		var pf model.Preflight
		m.Again(t).Plan(limited(t), seen.get("api"), model.Fault(model.FaultImage), func(p model.Preflight) { pf = p })
		if len(pf.Plans) > 0 || !strings.Contains(pf.Err, "broken by a drill already") {
			t.Errorf("%s: it could be broken twice: %+v", fault, pf)
		}
		if back := b.brought(t, m.Again(t), seen, p.From); back.Owes != "" {
			t.Errorf("%s: %+v", fault, back)
		}
		running(fault)
	}
	// Rolled back by the walk: the mark alone is left.
	p := b.brought(t, m.Again(t), seen, model.Fault(model.FaultReadiness))
	seen.until(time.Minute, "api", "shows it", func(c *model.Component) bool { return c.Generation == c.Observed && len(c.Marks) == 1 })
	h, err := b.Connect(t, w.Namespace, nil).Versions(limited(t), seen.get("api"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range h.Candidates {
		if !r.Current && r.RestartOf == "" && r.Refused == "" {
			b.brought(t, b.trial(t, w.Namespace, "undo", "").Again(t), seen, r.Version)
			break
		}
	}
	b.brought(t, m.Again(t), seen, p.From)
	running("after an undo")
	// Somebody released meanwhile: that stays.
	p = b.brought(t, m.Again(t), seen, model.Fault(model.FaultImage))
	b.releaseOf(t, w, "contract/api:9", "")
	eventually(t, time.Minute, "the release is seen", func() string {
		var pf model.Preflight
		m.Again(t).Plan(limited(t), seen.get("api"), p.From, func(p model.Preflight) { pf = p })
		for _, ch := range pf.Checks {
			if ch.ID == "foreign" && ch.State == model.CheckWarning && strings.Contains(ch.Text, someone) {
				return ""
			}
		}
		return show(seen.get("api")) + pf.Err
	})
	b.brought(t, m.Again(t), seen, p.From)
	d := &deployment{}
	b.ask(t, http.MethodGet, at, "", "", d)
	if d.image() != "contract/api:9" {
		t.Errorf("what somebody released was undone: %s", d.image())
	}
}
