package cli

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"rollbook/sandbox"
)

// recovers begins a recovery of what is proposed for it.
func (m *played) recovers() {
	m.t.Helper()
	m.Keys("r")
	m.Waits(5*time.Second, "┌ Recovery: when the rollback failed", "[x] backend-python", "1 stop the traffic")
	m.Keys(enter)
	m.Waits(5*time.Second, "┌ Recovery, begun ", "▸ ○  stop the traffic")
}

// takes takes the marked step of the open recovery, which writes, confirms it, and is
// back on the recovery when it is done.
func (m *played) takes(step string, words ...string) {
	m.t.Helper()
	m.Waits(5*time.Second, "┌ Recovery, begun ", "▸ ○  "+step)
	m.Keys(enter)
	m.Waits(20*time.Second, append(words, "▸4 Confirm", "type y to ")...)
	m.Keys("y")
	m.Keys(enter)
	m.Waits(5*time.Second, "▸5 Roll back")
	m.Keys("r")
	m.Waits(2*time.Minute, "┌ Recovery, begun ", "✓  "+step, "done by you")
}

// leavesOut leaves the marked step of the open recovery out; a reason is asked for.
func (m *played) leavesOut(step, reason string) {
	m.t.Helper()
	m.Waits(5*time.Second, "▸ ○  "+step)
	m.Keys("w")
	m.Waits(5*time.Second, "┌ Leave out: "+step)
	m.Keys(enter)
	m.Waits(5*time.Second, "type first why")
	m.Keys(reason)
	m.Keys(enter)
	m.Waits(5*time.Second, "–  "+step, "left out by you")
}

// redeploys takes the recovery's redeploy, of the version that stands so many lines below
// the marked one.
func (m *played) redeploys(below int, words ...string) {
	m.t.Helper()
	m.Waits(5*time.Second, "▸ ○  redeploy the last known good version")
	m.Keys(enter)
	m.Waits(20*time.Second, "▸3 Choose", " REV ")
	for range below {
		m.Keys(down)
	}
	m.Keys(enter)
	m.Waits(10*time.Second, "[x] backend-python")
	m.Keys(enter)
	m.Waits(20*time.Second, append(words, "▸4 Confirm", "type y to roll back", "0 replicas: the rollback changes what starts")...)
	m.confirmed()
	m.Waits(time.Minute, "version set")
	m.Keys("r")
	m.Waits(time.Minute, "✓  redeploy the last known good version", "done by you")
}

// proves ticks the recovery's look at one pod, once its checks are good.
func (m *played) proves() {
	m.t.Helper()
	m.Waits(3*time.Minute, "▸ ○  verify it with one pod", "All checks are good: ", "One pod is well, by all checks.")
	m.Keys(enter)
	m.Waits(5*time.Second, "┌ Done: verify it with one pod")
	m.Keys(enter)
	m.Waits(5*time.Second, "✓  verify it with one pod")
}

// scaledTo compares how many replicas the cluster wants, and whether it remembers that any
// are owed.
func (m *played) scaledTo(component string, replicas int32, owed string) {
	m.t.Helper()
	d, err := m.cluster.Deployments("production").Get(m.t.Context(), component, metav1.GetOptions{})
	if err != nil {
		m.t.Fatal(err)
	}
	if d.Spec.Replicas == nil || *d.Spec.Replicas != replicas || d.Labels["rollbook/owes.scale"] != owed {
		m.t.Errorf("%s has %v replicas and owes %q, want %d and %q", component, d.Spec.Replicas, d.Labels["rollbook/owes.scale"], replicas, owed)
	}
}

// Where the version before fails as well, the recovery leads to one that serves: nothing
// is owed at its end, and Verify proves it.
func TestScenarioOldBadToo(t *testing.T) {
	play(t, "old-bad-too", func(m *played) {
		m.Waits(20*time.Second, "ROLL BACK NOW", "on backend-python")
		m.decides("● YES")
		m.chooses("1.42.0 → 1.41.0 (6 → 5)", "★ good")
		m.confirms("✓ this should help")
		m.Waits(2*time.Minute, "Rolled out")
		m.hinted(5)
		m.Waits(3*time.Minute, "error")
		m.recovers()
		m.takes("stop the traffic", "from 3 replicas", "to 0")
		m.scaledTo("backend-python", 0, "3")
		m.Keys(esc)
		m.Waits(5*time.Second, "no pod runs it: stopped on purpose", "OWED")
		m.Keys("1")
		m.Waits(20*time.Second, "backend-python  stopped", "STOPPED ON PURPOSE", "by you: backend-python has no pod")
		m.Keys("r")
		m.leavesOut("restore", "no data is affected")
		m.redeploys(2, "1.41.0 → 1.40.0 (revision 7 → 4, runs as 8)")
		m.takes("one pod", "1 of 3 replicas")
		m.scaledTo("backend-python", 1, "3")
		m.proves()
		m.takes("all replicas", "back to 3 replicas, from 1")
		m.Waits(5*time.Second, "nothing of it is open")
		m.scaledTo("backend-python", 3, "")
		m.Keys(esc)
		m.Waits(2*time.Minute, "Verify proves that it worked")
		if s := m.Screen(); strings.Contains(s, "OWED") {
			t.Errorf("something is owed:\n%s", s)
		}
		m.Keys(enter)
		m.Waits(5*time.Second, "▸6 Verify")
		m.hinted(6)
		m.Waits(5*time.Minute, "VERIFIED: green for 30s")
		m.closes()
	})
}

// What made it worse is stopped, and the version before both brought.
func TestScenarioMadeWorseRecovered(t *testing.T) {
	play(t, "made-worse", func(m *played) {
		m.Waits(20*time.Second, "ROLL BACK NOW", "on backend-python")
		m.decides("● YES")
		m.chooses("1.42.0 → 1.41.0 (6 → 5)", "★ good")
		m.confirms("✓ this should help")
		m.Waits(90*time.Second, "is worse than before: errors 8", "r  recovery")
		m.recovers()
		m.takes("stop the traffic")
		m.Keys(esc)
		m.Keys("1")
		m.Waits(time.Minute, "STOPPED ON PURPOSE")
		if s := m.Screen(); strings.Contains(s, "WORSE") || strings.Contains(s, "no series") {
			t.Errorf("a verdict of what is stopped:\n%s", s)
		}
		m.Keys("r")
		m.leavesOut("restore", "no data is affected")
		m.redeploys(2, "1.41.0 → 1.40.0")
		m.takes("one pod")
		m.proves()
		m.takes("all replicas")
		m.Keys(esc)
		m.Waits(2*time.Minute, "Verify proves that it worked")
		m.Keys(enter)
		m.Waits(5*time.Minute, "VERIFIED: green for 30s")
		m.scenario.End = sandbox.End{Images: map[string]string{"backend-python": "shop/backend-python:1.40.0"}}
		m.scaledTo("backend-python", 3, "")
		m.Keys(enter)
		m.Waits(5*time.Second, "▸7 Close")
		m.ticks()
	})
}

// The wrong keys: nothing is left out without a reason, nothing is brought back before it
// was stopped, and with something owed, or a step open, nothing is closed.
func TestScenarioOldBadTooTheWrongWay(t *testing.T) {
	play(t, "old-bad-too", func(m *played) {
		m.Waits(20*time.Second, "ROLL BACK NOW", "on backend-python")
		m.decides("● YES")
		m.recovers()
		for range 3 {
			m.Keys(down)
		}
		m.Waits(5*time.Second, "▸ ·  one pod", "Take “stop the traffic: backend-python to 0 replicas” first")
		m.Keys(enter)
		m.Sees("┌ Recovery, begun ")
		m.scaledTo("backend-python", 3, "")
		for range 3 {
			m.Keys(up)
		}
		m.takes("stop the traffic")
		m.Keys(esc)
		m.Keys("x")
		m.Waits(5*time.Second, "┌ End the incident", "backend-python is stopped on purpose at 03:1")
		m.Keys(down)
		m.Keys(enter)
		m.Waits(5*time.Second, "type first why")
		m.Keys("we go home")
		m.Keys(enter)
		m.Waits(5*time.Second, "▸7 Close", "OWED")
		for strings.Contains(m.Screen(), "] open   ") { // space on what is done would take it back
			m.Keys(" ")
		}
		m.Waits(5*time.Second, "Not closed: to be put back first: backend-python is scaled to 0", "OWED")
		if s := m.Screen(); strings.Contains(s, "Closed. q leaves") {
			t.Fatalf("closed with something owed:\n%s", s)
		}
		m.Keys("P")
		m.Waits(5*time.Second, "┌ What is switched off", "why it is left (only to leave it)")
		m.Keys(down)
		m.Waits(5*time.Second, "why it is left: ")
		m.Keys(enter)
		m.Waits(5*time.Second, "type first why it is left")
		m.Keys(up)
		m.Keys(enter)
		m.Waits(20*time.Second, "▸4 Confirm", "type y to ")
		m.Keys("y")
		m.Keys(enter)
		m.Waits(time.Minute, "▸5 Roll back", "3 of 3 pods available")
		m.scaledTo("backend-python", 3, "")
		m.Keys("7")
		m.Waits(5*time.Second, "▸7 Close", "Not closed: ", "of the recovery are open")
		m.Keys("r")
		m.leavesOut("restore", "no data")
		m.leavesOut("redeploy", "it stays")
		m.scenario.End = sandbox.End{}
		m.Keys(esc)
		m.Waits(5*time.Second, "Closed. q leaves")
		m.leaves()
	})
}
