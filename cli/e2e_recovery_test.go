//go:build e2e

package cli

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollbook/config"
	"rollbook/engine/journal"
	"rollbook/engine/porttest"
	"rollbook/incident"
	"rollbook/model"
)

// fileOf writes a file that a test's program reads, and returns its path.
func fileOf(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// lacks waits until the screen does not have a text any more.
func (m *terminal) lacks(text string, within time.Duration) string {
	m.t.Helper()
	for end := time.Now().Add(porttest.Patience(within)); ; time.Sleep(100 * time.Millisecond) {
		s := m.screen()
		if !strings.Contains(s, text) {
			return s
		}
		if time.Now().After(end) {
			m.t.Fatalf("still seen after %s: %s", within, text)
		}
	}
}

// step takes the next step of a recovery, which writes, from the page of the rollout.
func (m *terminal) step(name, done string) {
	m.t.Helper()
	m.keys("Enter")
	m.sees(`▸ ○  `+name, 10*time.Second)
	m.keys("Enter")
	m.sees(`▸4 Confirm`, 10*time.Second)
	m.confirm("backend-python")
	m.sees(`▸5 Roll back`, 10*time.Second)
	m.sees(done, time.Minute)
}

// ticks ticks the next step of a recovery, which is done by hand, with a note.
func (m *terminal) ticks(name, note string) {
	m.t.Helper()
	m.sees(`▸ ○  `+name, 10*time.Second)
	m.lacks("not well", time.Minute)
	m.keys("Enter")
	m.sees(`Done: `, 5*time.Second)
	m.types(note)
	m.sees(note, 5*time.Second)
	m.keys("Enter")
	m.lacks("Done: ", 10*time.Second)
}

// A rollback whose old revision is bad too is recovered, step by step, by the keys that
// the screen names; afterwards all is field by field as it was before the releases.
func TestRecoveryToTheEnd(t *testing.T) {
	t.Parallel()
	const name = "backend-python"
	ns := shop(t)
	kubectl(t, "-n", ns, "apply", "--server-side", "--field-manager=team", "-f", fileOf(t, "hpa.yaml", fmt.Sprintf(rescueHPA, name)))
	serves(t, ns)
	before := objects(t, ns, name, "")
	m := open(t, 80, 24, quick+"recovery:\n  maintenance: "+fileOf(t, "page.yaml", fmt.Sprintf(rescuePage, name))+"\n  restore: https://wiki.example/restore\n", "", append(prom(t), "-n", ns)...)
	m.sees(name+` +3/3 ✓ .*\dms `, time.Minute)
	bed(t, http.MethodPost, "/release", "namespace", ns, "workload", name, "kind", "errors")
	m.sees(name+` .*1\.43\.0 .* [0-9.]+%.* ⚠`, 2*time.Minute)
	bed(t, http.MethodPost, "/release", "namespace", ns, "workload", name, "kind", "errors")
	m.sees(`ROLL BACK NOW`, 3*time.Minute)
	m.keys("Enter")
	m.sees(`▸2 Decide`, 5*time.Second)
	m.keys("Enter")
	m.sees(`1\.43\.0 +4 +✗ bad`, 30*time.Second)
	m.sees(`▸✓1\.42\.0 +3 +★ good`, 15*time.Second)
	m.keys("Up")
	m.sees(`1\.43\.0 is marked`, 5*time.Second)
	m.keys("Enter")
	m.sees(`▸✓1\.43\.0`, 5*time.Second)
	m.keys("Enter")
	m.sees(`Blocked: 1\.43\.0 was over the limits`, 20*time.Second)
	m.keys("o")
	m.sees(`why: `, 5*time.Second)
	m.types("nobody believed it")
	m.sees(`why: nobody believed it`, 5*time.Second)
	m.keys("Enter")
	m.sees(`overridden`, 10*time.Second)
	m.confirm(name)
	m.sees(`✓ rolled out after`, time.Minute)

	m.keys("r")
	m.sees(`10 maintenance page off`, 5*time.Second)
	m.keys("Enter")
	m.sees(`Recovery, begun`, 10*time.Second)
	m.keys("Enter")
	m.sees(`▸4 Confirm`, 10*time.Second)
	m.sees(`had? 3 replicas|from 3 replicas to 0`, 15*time.Second)
	m.confirm(name)
	m.sees(`OWED +backend-python is scaled to 0, it had 3 replicas`, time.Minute)
	m.sees(`is done\. Next of the recovery`, time.Minute)
	m.step("maintenance page on", `(?s)aintenance page on is done.*restore: choose`)
	m.keys("Enter")
	for _, r := range []string{"restore: choose the backup", "restore the data, by", "restore: check the restored data"} {
		m.ticks(r, "done by hand")
	}
	m.sees(`▸ ○  redeploy`, 5*time.Second)
	m.keys("Enter")
	m.sees(`(?s)▸3 Choose.*▸✓1\.42\.0 +3 +★ good`, 20*time.Second)
	m.keys("Enter")
	m.sees(`▸4 Confirm`, 10*time.Second)
	m.confirm(name)
	m.sees(`(?s)edeploy the last known good.*is done`, time.Minute)
	m.step("one pod", `One pod: backend-python is done`)
	m.sees(`OWED +backend-python (has 1 of 3|is scaled to 0, it had 3 replicas.*, and back at 1)`, 10*time.Second)
	m.keys("Enter")
	m.ticks("verify it with one pod", "it answers well")
	m.sees(`▸ ○  all replicas`, 5*time.Second)
	m.keys("Enter")
	m.sees(`▸4 Confirm`, 10*time.Second)
	m.confirm(name)
	m.sees(`(?s)All replicas: backend-python as.*before is done`, time.Minute)
	m.step("maintenance page off", `recovery is at its end|enter verify`)
	m.lacks("OWED", 20*time.Second)
	m.keys("Enter")
	m.sees(`▸6 Verify`, 10*time.Second)
	m.sees(`VERIFIED: green for`, 5*time.Minute)
	m.keys("Enter")
	m.sees(`▸7 Close`, 5*time.Second)
	for n := 0; n < 20 && !strings.Contains(m.screen(), "Closed. q leaves"); n++ {
		m.keys("Space")
		time.Sleep(porttest.Patience(silence))
	}
	m.sees(`Closed\. q leaves`, 5*time.Second)
	m.keys("q")
	m.sees(`exit 0`, 5*time.Second)

	if after := objects(t, ns, name, ""); after != before {
		t.Errorf("not as before:\n%s\nbefore\n%s", after, before)
	}
	if left := kubectl(t, "-n", ns, "get", "deployments,horizontalpodautoscalers,services,configmaps", "-o", "yaml"); strings.Contains(left, "rollbook/owes") || strings.Contains(left, "rollbook/before") || strings.Contains(left, "rollbook/maintenance") {
		t.Errorf("a mark is left:\n%s", left)
	}
	// The team's own manifest meets no conflict, and changes nothing.
	if said := kubectl(t, "-n", ns, "apply", "--server-side", "--dry-run=server", "--field-manager=team", "-f", fileOf(t, "hpa.yaml", fmt.Sprintf(rescueHPA, name))); !strings.Contains(said, "serverside-applied") {
		t.Error(said)
	}
	found, errs := journalsIn(m.dir)
	if len(found) != 1 || len(errs) > 0 {
		t.Fatalf("%d journals, %v", len(found), errs)
	}
	rescuedIn(t, found[0])
}

// rescuedIn looks at the journal of a recovery that was taken to its end.
func rescuedIn(t *testing.T, c *journal.Content) {
	t.Helper()
	i := incident.Fold(c.Facts)
	if i.Closed.IsZero() || len(i.Owed()) > 0 || len(i.Waived) > 0 {
		t.Errorf("closed %s, owed %+v, waived %+v", i.Closed, i.Owed(), i.Waived)
	}
	for _, s := range i.Procedure(incident.CourseRecovery).Steps {
		if s.State != incident.ItemDone {
			t.Errorf("%s is %q: %s", s.ID, s.State, s.Reason)
		}
	}
}

// toStep has a racer whose maintenance page is configured go to the confirmation of a step
// of its recovery; what goes before that is left out.
func toStep(t *testing.T, cfg *config.Config, ns, name, user, who, step string, via ...string) (*racer, *incident.Snapshot, func()) {
	t.Helper()
	r, end := newRacerWith(t, cfg, ns, name, user, who, true, via...)
	return r, r.toStep(step), end
}

// toStep goes to the confirmation of a step of the recovery; what goes before that is left
// out.
func (r *racer) toStep(step string) *incident.Snapshot {
	return r.until("the step "+step, func(s *incident.Snapshot) bool {
		i := &s.Incident
		p := i.Procedure(incident.CourseRecovery)
		switch {
		case p == nil && i.Step.Blocked(s) == "":
			r.once("recover", incident.Recover{Components: []string{r.name}})
		case p == nil || i.Step == incident.Confirm:
		case p.Blocked(step) != "":
			r.once("leave out "+p.Next().ID, incident.SettleStep{Course: p.Course, ID: p.Next().ID, Waive: true, Reason: "the test leaves it out"})
		default:
			r.once("take "+step, incident.TakeStep{Course: p.Course, ID: step})
		}
		open := i.Open()
		return i.Step == incident.Confirm && len(open) > 0 && s.Seen.Preflight[open[0].Slot] != nil && s.Seen.Preflight[open[0].Slot].Done && s.Seen.Leases[r.name].Asking.IsZero()
	})
}

// against is what stands against the confirmation, in all its lines.
func against(s *incident.Snapshot) string {
	out := s.Incident.Step.Blocked(s)
	for _, c := range s.Incident.Open() {
		if pf := s.Seen.Preflight[c.Slot]; pf != nil {
			out += "\n" + pf.Err
		}
		for _, k := range incident.CheckLines(s, c) {
			if k.State == model.CheckBlocked {
				out += "\n" + k.Text
			}
		}
	}
	return out
}

// What is refused is told before the confirmation, which does not open then.
func TestRecoveryIsRefusedBeforeTheConfirmation(t *testing.T) {
	t.Parallel()
	ns := emptyNamespace(t)
	kubectl(t, "-n", ns, "create", "deployment", "api", "--image=api:1", "--replicas=2")
	settled(t, ns, "api", "1")
	kubectl(t, "-n", ns, "apply", "-f", fileOf(t, "hpa.yaml", fmt.Sprintf(rescueHPA, "api")))
	kubectl(t, "-n", ns, "create", "deployment", "stopped", "--image=api:1", "--replicas=0")
	kubectl(t, "-n", ns, "label", "deployment", "stopped", model.MarkKey+string(model.MethodScale)+"=3")
	kubectl(t, "-n", ns, "apply", "-f", fileOf(t, "hpa.yaml", fmt.Sprintf(rescueHPA, "stopped")))
	kubectl(t, "-n", ns, "create", "role", "scales", "--verb=patch", "--resource=deployments.apps")
	kubectl(t, "-n", ns, "create", "role", "leases", "--verb=get,create,update", "--resource=leases.coordination.k8s.io")
	for _, role := range []string{"scales", "leases"} {
		kubectl(t, "-n", ns, "create", "rolebinding", role, "--role="+role, "--user=viewer")
	}
	looks := emptyNamespace(t)
	kubectl(t, "-n", looks, "create", "deployment", "api", "--image=api:1", "--replicas=2")
	page := func(text string) string { return fileOf(t, "page.yaml", text) }
	for what, x := range map[string]struct{ ns, name, user, step, page, want string }{
		"no right to scale":        {looks, "api", "viewer", incident.StepStop, "", "you may not patch deployment/api"},
		"no right to the HPA":      {ns, "stopped", "viewer", incident.StepOnePod, "", "you may not patch horizontalpodautoscaler/stopped"},
		"no right to the manifest": {ns, "api", "oncall", incident.StepPageOn, page(fmt.Sprintf(rescuePage, "api")), "forbidden"},
		"no manifest":              {ns, "api", "testbed", incident.StepPageOn, "/nowhere/page.yaml", "no such file"},
		"no YAML":                  {ns, "api", "testbed", incident.StepPageOn, page("a: ["), "YAML"},
		"invalid":                  {ns, "api", "testbed", incident.StepPageOn, page("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: Page_1}"), "Invalid value"},
		"another namespace":        {ns, "api", "testbed", incident.StepPageOn, page("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: page, namespace: " + looks + "}"), "namespace " + looks},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			before := kubectl(t, "-n", x.ns, "get", "deployment", x.name, "-o", "jsonpath={.metadata.generation} {.metadata.labels}")
			cfg := config.Defaults()
			cfg.Recovery.Maintenance = x.page
			r, s, end := toStep(t, cfg, x.ns, x.name, x.user, "maria", x.step)
			defer end()
			if why := against(s); s.Incident.Step.Blocked(s) == "" || !strings.Contains(why, x.want) {
				t.Errorf("%q, want %q", why, x.want)
			}
			r.e.Send(incident.ConfirmWrite{Word: incident.ConfirmWord(&s.Incident), Plans: plansIn(s)})
			r.e.Send(incident.Recheck{})
			r.until("the checks once more", func(now *incident.Snapshot) bool {
				pf := now.Seen.Preflight[now.Incident.Open()[0].Slot]
				return pf != nil && pf.Done && pf.Started.After(s.Now)
			})
			if s = r.e.Snapshot(); len(s.Incident.Attempts) > 0 {
				t.Errorf("confirmed: %+v", s.Incident.Attempts)
			}
			if after := kubectl(t, "-n", x.ns, "get", "deployment", x.name, "-o", "jsonpath={.metadata.generation} {.metadata.labels}"); after != before {
				t.Errorf("it is %s, and was %s", after, before)
			}
		})
	}
}

// plansIn are the plans that the confirmation shows.
func plansIn(s *incident.Snapshot) (ids []string) {
	for _, c := range s.Incident.Open() {
		for _, p := range s.Seen.Preflight[c.Slot].Plans {
			ids = append(ids, p.ID)
		}
	}
	return ids
}

// A second operator is told who recovers the workload, and since when.
func TestRecoveryOfTwoOperators(t *testing.T) {
	t.Parallel()
	ns := emptyNamespace(t)
	kubectl(t, "-n", ns, "create", "deployment", "api", "--image=api:1", "--replicas=2")
	settled(t, ns, "api", "1")
	a, s, endA := toStep(t, config.Defaults(), ns, "api", "oncall", "maria", incident.StepStop)
	defer endA()
	a.e.Send(incident.ConfirmWrite{Word: incident.ConfirmWord(&s.Incident), Plans: plansIn(s)})
	a.until("that it is stopped", func(s *incident.Snapshot) bool {
		return s.Incident.Procedure(incident.CourseRecovery).Step(incident.StepStop).State == incident.ItemDone
	})
	b, _, endB := toStep(t, config.Defaults(), ns, "api", "testbed", "jonas", incident.StepOnePod)
	defer endB()
	s = b.until("who is on it", func(s *incident.Snapshot) bool { return incident.LeaseCheck(s, "api") != nil && against(s) != "" })
	if k := incident.LeaseCheck(s, "api"); k.State != model.CheckBlocked || !strings.Contains(k.Text, "laptop-of-maria") || !strings.Contains(k.Text, "since ") || !strings.Contains(s.Incident.Step.Blocked(s), "laptop-of-maria") {
		t.Errorf("told %+v, blocked %q", k, s.Incident.Step.Blocked(s))
	}
	if o := s.Owed(); len(o) != 1 || !o[0].Foreign || o[0].By == "" || o[0].Since.IsZero() || o[0].Back.Key != "2" {
		t.Errorf("seen as switched off: %+v", o)
	}
	b.e.Send(incident.ConfirmWrite{Word: incident.ConfirmWord(&s.Incident), Plans: plansIn(s)})
	b.e.Send(incident.Back{})
	if s = b.until("the way back", func(s *incident.Snapshot) bool { return s.Incident.Step != incident.Confirm }); len(s.Incident.Attempts) > 0 {
		t.Errorf("confirmed: %+v", s.Incident.Attempts)
	}
	if n := kubectl(t, "-n", ns, "get", "deploy", "api", "-o", "jsonpath={.spec.replicas}"); n != "0" {
		t.Errorf("it has %s replicas", n)
	}
}

// Replicas that somebody changes between the confirmation and the write are left as they
// are, and so are those that somebody brings back afterwards: both are told.
func TestReplicasChangedMeanwhile(t *testing.T) {
	t.Parallel()
	ns := emptyNamespace(t)
	kubectl(t, "-n", ns, "create", "deployment", "api", "--image=api:1", "--replicas=2")
	settled(t, ns, "api", "1")
	replicas := func() string {
		return kubectl(t, "-n", ns, "get", "deploy", "api", "-o", "jsonpath={.spec.replicas}")
	}
	u := newUnwell(t)
	r, s, end := toStep(t, config.Defaults(), ns, "api", "oncall", "maria", incident.StepStop, u.url)
	defer end()
	changed := false
	u.set(0, func(w http.ResponseWriter, req *http.Request, next http.Handler) {
		if !changed {
			changed = true
			kubectl(t, "-n", ns, "scale", "deploy", "api", "--replicas=4")
		}
		next.ServeHTTP(w, req)
	})
	r.e.Send(incident.ConfirmWrite{Word: incident.ConfirmWord(&s.Incident), Plans: plansIn(s)})
	s = r.until("that it is told", func(s *incident.Snapshot) bool { return s.Incident.Asked != incident.AskNothing })
	if s.Incident.Asked != incident.AskChanged || !strings.Contains(s.Incident.AskText, "kubectl") || replicas() != "4" || len(s.Incident.Owed()) != 0 {
		t.Errorf("asked %q %q; it has %s replicas; owed %+v", s.Incident.Asked, s.Incident.AskText, replicas(), s.Incident.Owed())
	}
	s = r.until("the checks", func(s *incident.Snapshot) bool {
		return s.Incident.Step == incident.Confirm && s.Incident.Step.Blocked(s) == ""
	})
	r.e.Send(incident.ConfirmWrite{Word: incident.ConfirmWord(&s.Incident), Plans: plansIn(s)})
	s = r.until("that it is stopped", func(s *incident.Snapshot) bool {
		return s.Incident.Procedure(incident.CourseRecovery).Step(incident.StepStop).State == incident.ItemDone
	})
	if o := s.Incident.Owed(); len(o) != 1 || o[0].Back.Key != "4" || replicas() != "0" {
		t.Errorf("owed %+v, it has %s", o, replicas())
	}
	kubectl(t, "-n", ns, "scale", "deploy", "api", "--replicas=3")
	s = r.until("that it is told", func(s *incident.Snapshot) bool { return s.Incident.Asked != incident.AskNothing })
	if s.Incident.Asked != incident.AskReverted || !strings.Contains(s.Incident.AskText, "3 replicas") || len(s.Incident.Owed()) != 1 || replicas() != "3" {
		t.Errorf("asked %q %q; owed %+v; it has %s", s.Incident.Asked, s.Incident.AskText, s.Incident.Owed(), replicas())
	}
}

// What one rollbook has switched off is seen by another one, which has nothing but the
// cluster: no journal, no manifest. It puts all of it back, alone.
func TestOwedIsPutBackFromAnotherMachine(t *testing.T) {
	t.Parallel()
	ns := emptyNamespace(t)
	kubectl(t, "-n", ns, "create", "deployment", "api", "--image=api:1", "--replicas=3")
	settled(t, ns, "api", "1")
	kubectl(t, "-n", ns, "apply", "--server-side", "--field-manager=team", "-f", fileOf(t, "objects.yaml", fmt.Sprintf(rescueHPA+"---\n"+rescueService, "api")))
	before := objects(t, ns, "api", "")
	cfg := config.Defaults()
	cfg.Recovery.Maintenance = fileOf(t, "page.yaml", fmt.Sprintf(rescuePage, "api"))
	first, s, end := toStep(t, cfg, ns, "api", "testbed", "maria", incident.StepPageOn)
	for _, step := range []string{incident.StepPageOn, incident.StepStop, incident.StepOnePod} {
		if step != incident.StepPageOn {
			s = first.until("the step "+step, func(s *incident.Snapshot) bool {
				p := s.Incident.Procedure(incident.CourseRecovery)
				switch {
				case s.Incident.Step == incident.Confirm:
				case p.Blocked(step) != "":
					first.once("leave out "+p.Next().ID, incident.SettleStep{Course: p.Course, ID: p.Next().ID, Waive: true, Reason: "the test leaves it out"})
				default:
					first.once("take "+step, incident.TakeStep{Course: p.Course, ID: step})
				}
				return s.Incident.Step == incident.Confirm && s.Incident.Step.Blocked(s) == ""
			})
		}
		first.e.Send(incident.ConfirmWrite{Word: incident.ConfirmWord(&s.Incident), Plans: plansIn(s)})
		first.until("the end of "+step, func(s *incident.Snapshot) bool {
			return s.Incident.Procedure(incident.CourseRecovery).Step(step).State == incident.ItemDone
		})
	}
	end() // and its journal is gone with it

	m := open(t, 80, 24, "", "", "-n", ns, "--prometheus", "http://127.0.0.1:1")
	m.sees(`OWED `, 30*time.Second)
	m.sees(`maintenance page is on`, 5*time.Second)
	m.sees(`api\s+is\s+scaled\s+to\s+0,\s+it\s+had\s+3\s+replicas,\s+and\s+back\s+at\s+1\s+replica`, 5*time.Second)
	for range 2 {
		m.keys("P")
		m.sees(`What is switched off`, 10*time.Second)
		m.keys("Enter")
		m.sees(`▸4 Confirm`, 10*time.Second)
		m.confirm("api")
		m.sees(`▸5 Roll back`, 10*time.Second)
		m.sees(`✓ done after`, time.Minute)
	}
	m.lacks("OWED", 20*time.Second)
	if after := objects(t, ns, "api", ""); after != before {
		t.Errorf("not as before:\n%s\nbefore\n%s", after, before)
	}
}
