//go:build e2e

package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"rollbook/engine/porttest"
)

// serves waits until a shop has run for so long before it breaks that it can be told
// that it was well: until its pods were scraped often enough.
func serves(t *testing.T, namespace string) {
	t.Helper()
	query := url.Values{"query": {fmt.Sprintf(`min(sum_over_time(up{namespace=%[1]q,app="backend-python"}[5m]) and up{namespace=%[1]q} == 1)`, namespace)}}
	for deadline := time.Now().Add(porttest.Patience(time.Minute)); ; time.Sleep(500 * time.Millisecond) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, env(t, "ROLLBOOK_PROMETHEUS_DIRECT")+"/api/v1/query?"+query.Encode(), nil)
		if err != nil {
			t.Fatal(err)
		}
		got := answer(t, req)
		var a struct {
			Data struct{ Result []struct{ Value [2]any } }
		}
		if err := json.Unmarshal([]byte(got), &a); err != nil {
			t.Fatal(err)
		}
		if r := a.Data.Result; len(r) == 1 {
			if n, err := strconv.ParseFloat(fmt.Sprint(r[0].Value[1]), 64); err == nil && n >= 6 {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("the shop in %s is not scraped: %s", namespace, got)
		}
	}
}

// prom is Prometheus without the proxy that tests break.
func prom(t *testing.T) []string {
	return []string{"--prometheus", env(t, "ROLLBOOK_PROMETHEUS_DIRECT")}
}

// broken is a shop with a bad release of backend-python in it.
func broken(t *testing.T, kind string) (namespace string) {
	t.Helper()
	namespace = shop(t)
	serves(t, namespace)
	bed(t, "POST", "/release", "namespace", namespace, "workload", "backend-python", "kind", kind)
	return namespace
}

// toConfirm goes from the board to the open confirmation, by the keys that the
// screen names.
func (m *terminal) toConfirm() {
	m.t.Helper()
	m.keys("Enter")
	m.sees(`▸2 Decide`, 5*time.Second)
	m.keys("Enter")
	m.sees(`▸3 Choose`, 5*time.Second)
	m.sees(`★ good`, 15*time.Second)
	m.keys("Enter")
	m.sees(`▸4 Confirm`, 5*time.Second)
}

// confirm types the word and presses enter after the grace.
func (m *terminal) confirm(word string) {
	m.t.Helper()
	m.sees(`type `+word, 10*time.Second)
	m.types(word)
	m.sees(`: `+word, 3*time.Second)
	m.keys("Enter")
}

func TestBadReleaseIsRolledBack(t *testing.T) {
	t.Parallel()
	ns := broken(t, "errors")
	m := open(t, 80, 24, quick, "", append(prom(t), "-n", ns)...)
	m.sees(`backend-python .*✗`, 2*time.Minute)
	m.sees(`ROLL BACK NOW +errors over 5% for .* \(limit 30s\) on backend-python`, time.Minute)
	m.keys("Enter")
	s := m.sees(`▸2 Decide`, 5*time.Second)
	if !strings.Contains(s, "● YES") {
		t.Errorf("the tree shows no answer:\n%s", s)
	}
	m.keys("d") // the query stands further down
	for range 5 {
		if s = m.sees(`Details of backend-python`, 5*time.Second); strings.Contains(s, "http_requests_total") {
			break
		}
		m.keys("NPage")
		time.Sleep(300 * time.Millisecond)
	}
	if !strings.Contains(s, "http_requests_total") {
		t.Errorf("the details show no query:\n%s", s)
	}
	m.keys("Escape")
	m.sees(`▸2 Decide`, 5*time.Second)
	m.sees(`● YES`, 5*time.Second)
	m.keys("Enter")
	m.sees(`3 .*★ good`, 15*time.Second)
	m.keys("Enter")
	m.confirm("backend-python")
	m.sees(`▸5 Roll back`, 5*time.Second)
	m.sees(`✓ rolled out after`, time.Minute)
	if got := kubectl(t, "-n", ns, "get", "deploy", "backend-python", "-o", "jsonpath={.spec.template.spec.containers[0].image}"); got != "shop/backend-python:1.42.0" {
		t.Errorf("the cluster runs %s", got)
	}
	m.keys("Enter")
	m.sees(`▸6 Verify`, 5*time.Second)
	m.sees(`VERIFIED: green for`, 5*time.Minute)
	m.keys("Enter")
	m.sees(`▸7 Close`, 5*time.Second)
	m.sees(`recover \d`, 3*time.Second)
	// One item at a time, as a hand does it: a key that is held ticks no list.
	for n := 0; n < 20 && !strings.Contains(m.screen(), "Closed. q leaves"); n++ {
		m.keys("Space")
		time.Sleep(porttest.Patience(silence))
	}
	m.sees(`Closed\. q leaves`, 5*time.Second)
	m.keys("q")
	m.sees(`exit 0`, 5*time.Second)

	var order []string
	for _, line := range strings.Split(strings.TrimSpace(m.journal()), "\n")[1:] {
		var f struct{ Fact string }
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatal(err)
		}
		order = append(order, f.Fact)
	}
	story := strings.Join(order, " ")
	at := 0
	for _, want := range []string{"began", "rose", "judged", "opened", "chosen", "confirmed", "intended", "written", "rolled out", "hold began", "verified", "item", "closed"} {
		n := strings.Index(story[at:], want)
		if n < 0 {
			t.Fatalf("the journal does not tell %q after %q", want, story[:at])
		}
		at += n
	}
	if events := kubectl(t, "-n", ns, "get", "events", "--field-selector", "involvedObject.name=backend-python", "-o", "jsonpath={.items[*].message}"); !strings.Contains(events, "with rollbook") {
		t.Errorf("no Event left on the workload: %s", events)
	}
}

func TestTwoBadReleasesInARow(t *testing.T) {
	t.Parallel()
	ns := broken(t, "errors")
	time.Sleep(20 * time.Second)
	bed(t, "POST", "/release", "namespace", ns, "workload", "backend-python", "kind", "errors")
	m := open(t, 80, 24, quick, "", append(prom(t), "-n", ns)...)
	m.sees(`ROLL BACK NOW`, 3*time.Minute)
	m.keys("Enter")
	m.sees(`▸2 `, 5*time.Second)
	m.keys("Enter")
	m.sees(`(?m)^.{3}\S+ +3 +★ good`, 15*time.Second)
	m.sees(`(?m) 5 +now`, time.Second)
}

func TestCrashLoopWhileTheOldPodsServe(t *testing.T) {
	t.Parallel()
	ns := broken(t, "crash")
	m := open(t, 80, 24, quick, "", append(prom(t), "-n", ns)...)
	m.sees(`ROLL BACK WITHIN 10 MINUTES`, 2*time.Minute)
	m.sees(`CrashLoopBackOff`, time.Minute)
	m.never(`ROLL BACK NOW|WATCH`, 5*time.Second)
}

func TestNoAvailablePodIsNow(t *testing.T) {
	t.Parallel()
	ns := shop(t)
	// A namespace that Prometheus is never asked about: there is no series.
	kubectl(t, "-n", ns, "patch", "deploy", "backend-rust", "-p", `{"spec":{"strategy":{"type":"Recreate","rollingUpdate":null}}}`)
	bed(t, "POST", "/release", "namespace", ns, "workload", "backend-rust", "kind", "never-ready")
	m := open(t, 80, 24, quick, "", "-n", ns, "--prometheus", "http://127.0.0.1:1")
	m.sees(`ROLL BACK NOW +no ready pod of 2`, 2*time.Minute)
}

// What changes while the confirmation is open is planned anew, and shown: what is
// confirmed then is that.
func TestChangedWhileConfirming(t *testing.T) {
	t.Parallel()
	ns := broken(t, "errors")
	m := open(t, 80, 24, quick, "", append(prom(t), "-n", ns)...)
	m.sees(`ROLL BACK NOW`, 3*time.Minute)
	m.toConfirm()
	m.sees(`revision 4 → 3, runs as 5`, 10*time.Second)
	m.sees(`type backend-python`, 10*time.Second)
	// The status moves all the time; that does not matter. The replicas neither.
	kubectl(t, "-n", ns, "scale", "deploy", "backend-python", "--replicas=4")
	// Another template does.
	kubectl(t, "-n", ns, "set", "env", "deploy/backend-python", "HOTFIX=1")
	m.sees(`revision 5 → 3, runs as 6`, 20*time.Second)
	m.confirm("backend-python")
	m.sees(`rolled out after`, time.Minute)
	if n := strings.Count(m.journal(), `"fact":"written"`); n != 1 {
		t.Errorf("written %d times", n)
	}
	if n := kubectl(t, "-n", ns, "get", "deploy", "backend-python", "-o", "jsonpath={.spec.replicas}"); n != "4" {
		t.Errorf("the replicas went back to %s", n)
	}
}

func TestNoRightToPatch(t *testing.T) {
	t.Parallel()
	ns := broken(t, "errors")
	m := open(t, 80, 24, quick, "", append(prom(t), "-n", ns, "--context", "viewer")...)
	m.sees(`ROLL BACK NOW`, 3*time.Minute)
	m.toConfirm()
	m.sees(`you may not patch deployments`, 10*time.Second)
	m.types("backend-python")
	m.keys("Enter")
	m.never(`▸5 `, 2*time.Second)
}

func TestNoRightToListPods(t *testing.T) {
	t.Parallel()
	ns := shop(t)
	m := open(t, 80, 24, quick, "", append(prom(t), "-n", ns, "--context", "nopods")...)
	m.sees(`backend-python +3/3`, 30*time.Second)
	m.sees(`(?i)forbidden|may not`, 10*time.Second)
}

func TestKilledAfterThePatchIsTakenUp(t *testing.T) {
	t.Parallel()
	ns := broken(t, "errors")
	dir := t.TempDir()
	args := append(prom(t), "-n", ns)
	m := open(t, 80, 24, quick, dir, args...)
	m.sees(`ROLL BACK NOW`, 3*time.Minute)
	m.toConfirm()
	m.confirm("backend-python")
	m.sees(`▸5 Roll back`, 5*time.Second)
	m.kill()
	before := kubectl(t, "-n", ns, "get", "deploy", "backend-python", "-o", "jsonpath={.metadata.generation}")
	// The answer is cut off the journal, as if the kill had come before it.
	paths, _ := filepath.Glob(filepath.Join(dir, "*", "journal.jsonl"))
	raw, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Index(string(raw), `"fact":"written"`); n >= 0 {
		cut := strings.LastIndexByte(string(raw[:n]), '\n') + 1
		if err := os.WriteFile(paths[0], raw[:cut+10], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	again := open(t, 80, 24, quick, dir, args...)
	again.sees(`▸5 Roll back`, 15*time.Second)
	again.sees(`rolled out`, time.Minute)
	if after := kubectl(t, "-n", ns, "get", "deploy", "backend-python", "-o", "jsonpath={.metadata.generation}"); after != before {
		t.Errorf("written again: generation %s became %s", before, after)
	}
	if !strings.Contains(again.journal(), `"fact":"settled"`) {
		t.Error("the journal does not say that the write was looked for")
	}
	again.kill()

	other := strings.Replace(string(raw), `"cluster":"`, `"cluster":"another-`, 1)
	if err := os.WriteFile(paths[0], []byte(other), 0o600); err != nil {
		t.Fatal(err)
	}
	third := open(t, 80, 24, quick, dir, args...)
	third.sees(`▸1 Assess`, 15*time.Second)
	third.never(`INC-|▸5 `, 5*time.Second)
}

func TestBlackHoleAtTheStart(t *testing.T) {
	t.Parallel()
	api := porttest.NewLine(t, apiServer(t))
	api.Hole(true)
	m := open(t, 80, 24, quick, "", append(prom(t), "--server", "https://"+api.Addr)...)
	m.sees(`▸1 Assess`, 2*time.Second)
	m.sees(`(?i)connecting|no answer|trying`, 2*time.Second)
	m.sees(`127\.0\.0\.1:\d+.* [3-9]s`, 15*time.Second)
	m.keys("q")
	m.sees(`exit 0`, time.Second)
}

func TestOutageInTheMiddleOfTheRollout(t *testing.T) {
	t.Parallel()
	ns, api := shop(t), porttest.NewLine(t, apiServer(t))
	// A good version that takes its time, then a bad one: going back is slow.
	bed(t, "POST", "/release", "namespace", ns, "workload", "backend-python", "kind", "slow-start")
	kubectl(t, "-n", ns, "rollout", "status", "deploy/backend-python", "--timeout=2m")
	serves(t, ns)
	bed(t, "POST", "/release", "namespace", ns, "workload", "backend-python", "kind", "errors")
	m := open(t, 80, 24, quick, "", append(prom(t), "-n", ns, "--server", "https://"+api.Addr)...)
	m.sees(`ROLL BACK NOW`, 3*time.Minute)
	m.toConfirm()
	m.confirm("backend-python")
	m.sees(`▸5 Roll back`, 5*time.Second)
	m.sees(`of 3 new pods`, 5*time.Second)
	before := kubectl(t, "-n", ns, "get", "deploy", "backend-python", "-o", "jsonpath={.metadata.generation}")
	api.Hole(true)
	m.sees(`✗ lost`, 40*time.Second)
	m.sees(`▸5 Roll back`, time.Second)
	api.Hole(false)
	m.sees(`● live`, 40*time.Second)
	m.sees(`rolled out`, 2*time.Minute)
	if after := kubectl(t, "-n", ns, "get", "deploy", "backend-python", "-o", "jsonpath={.metadata.generation}"); after != before {
		t.Errorf("written twice: generation %s became %s", before, after)
	}
}

func TestPrometheusGoesAwayInTheMiddle(t *testing.T) {
	t.Parallel()
	ns, figures := broken(t, "errors"), porttest.NewLine(t, hostIn(t, env(t, "ROLLBOOK_PROMETHEUS_DIRECT")))
	m := open(t, 80, 24, quick, "", "-n", ns, "--prometheus", "http://"+figures.Addr)
	m.sees(`ROLL BACK NOW`, 3*time.Minute)
	figures.Hole(true)
	m.sees(`stale since`, 90*time.Second)
	m.sees(`ROLL BACK NOW`, time.Second)
	m.never(`WATCH|UNKNOWN, YOUR CALL`, 5*time.Second)
	figures.Hole(false)
	m.sees(`backend-python .*[0-9]%`, time.Minute)
}

func TestEscapeSequencesDoNothing(t *testing.T) {
	t.Parallel()
	ns := shop(t)
	evil := "\x1b]0;owned\x07\x1b[2J\x1b[31mred\u009b5mblink\u202e"
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]string{"kubernetes.io/change-cause": evil}}})
	if err != nil {
		t.Fatal(err)
	}
	kubectl(t, "-n", ns, "patch", "deploy", "backend-python", "--type=merge", "-p", string(patch))
	bed(t, "POST", "/release", "namespace", ns, "workload", "backend-python", "kind", "crash")
	kubectl(t, "-n", ns, "patch", "deploy", "backend-python", "--type=merge", "-p", string(patch))
	m := open(t, 120, 40, quick, "", append(prom(t), "-n", ns, "deploy/backend-python")...)
	m.sees(`backend-python`, 20*time.Second)
	m.keys("d")
	time.Sleep(2 * time.Second)
	if title := m.tmux("display-message", "-p", "#{pane_title}"); strings.Contains(title, "owned") {
		t.Errorf("the terminal's title was set: %s", title)
	}
	if raw := m.tmux("capture-pane", "-pe"); strings.Contains(raw, "\x1b[5m") || !strings.Contains(raw, "Assess") {
		t.Errorf("the screen was written to: %q", raw)
	}
}
