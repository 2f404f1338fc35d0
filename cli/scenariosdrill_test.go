package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"rollbook/config"
	"rollbook/engine/journal"
	"rollbook/incident"
	"rollbook/model"
	reporting "rollbook/report"
	"rollbook/sandbox"
)

// rehearse opens a drill of backend-python in the sandbox by a fault, up to the first look
// at its steps.
func rehearse(t *testing.T, fault string, walked func(m *played, before string)) {
	t.Helper()
	t.Parallel()
	raise(t, 80, 24, func(ctx context.Context, s stage) error {
		return (&rehearsal{flags: &flags{stage: s}, fault: fault, sandbox: true}).run(ctx, io.Discard, nil)
	}, func(m *played, tmp string, pipe *sandbox.Pipe) {
		var err error
		if m.scenario, err = sandbox.Load(sandbox.Drill); err != nil {
			t.Fatal(err)
		}
		m.Waits(20*time.Second, "┌ Drill: break it", "1 backend-python is healthy for 30s", "Nothing is broken yet")
		m.connects(tmp, pipe)
		walked(m, m.asReleased())
	})
}

// asReleased returns all that a person or a pipeline has set of backend-python.
func (m *played) asReleased() string {
	m.t.Helper()
	d, err := m.cluster.Deployments("production").Get(m.t.Context(), "backend-python", metav1.GetOptions{})
	if err != nil {
		m.t.Fatal(err)
	}
	for k := range d.Annotations {
		if strings.HasPrefix(k, "deployment.kubernetes.io/") {
			delete(d.Annotations, k)
		}
	}
	raw, err := json.Marshal([]any{d.UID, d.Labels, d.Annotations, d.Spec})
	if err != nil {
		m.t.Fatal(err)
	}
	return string(raw)
}

// breaks begins the drill and breaks it, and is on the board then.
func (m *played) breaks(what string) {
	m.t.Helper()
	m.Keys(enter)
	m.Waits(5*time.Second, "┌ Drill, begun ", "▸ ○  backend-python is healthy for 30s", "Healthy for ")
	m.Keys(enter)
	m.Waits(2*time.Second, "enter done: this is seen, and ticked then") // it is not to be hurried
	m.Waits(time.Minute, "✓  backend-python is healthy for 30s", "▸ ○  break backend-python on purpose: "+what)
	m.Keys(enter)
	m.Waits(20*time.Second, "▸4 Confirm", "Break backend-python on purpose: "+what, "✓ you may patch deployment/backend-python", "type y to do this")
	m.Keys("y")
	m.Keys(enter)
	m.Waits(10*time.Second, "▸1 Assess", "OWED  backend-python is broken on purpose: "+what, "P put back")
}

// putsBack takes the drill's last step, and compares with what was there before it.
func (m *played) putsBack(before string, words ...string) {
	m.t.Helper()
	m.Keys("B")
	m.Waits(5*time.Second, "┌ Drill, begun ", "▸ ○  put backend-python back")
	m.Keys(enter)
	m.Waits(20*time.Second, append(words, "▸4 Confirm", "type y to do this")...)
	m.Keys("y")
	m.Keys(enter)
	m.Waits(time.Minute, "▸5 Roll back")
	m.Keys("B")
	m.Waits(2*time.Minute, "✓  put backend-python back", "The drill is at its end")
	if after := m.asReleased(); after != before {
		m.t.Errorf("it is not what it was:\n%s\nbefore\n%s", after, before)
	}
	m.Keys(esc)
	m.Waits(5*time.Second, "▸5 Roll back")
	if s := m.Screen(); strings.Contains(s, "OWED") {
		m.t.Errorf("something is owed:\n%s", s)
	}
}

// A drill from its beginning to its end: broken, alerted, rolled back, verified, put back
// to exactly what was there, written down.
func TestScenarioDrill(t *testing.T) {
	rehearse(t, "", func(m *played, before string) {
		m.breaks("a variable that makes it fail")
		m.Waits(3*time.Minute, "alert    ⚠ HighErrorRate")
		m.Keys("B")
		m.Waits(5*time.Second, "✓  an alert about backend-python fires", "▸ ○  roll it back, by the walk", "enter to the walk")
		m.Keys(enter)
		m.Waits(6*time.Minute, "ROLL BACK NOW", "suspect  backend-python")
		m.decides("● YES")
		m.chooses("★ good")
		m.confirms("✓ this should help")
		m.verifies()
		m.putsBack(before, "take off the drill's mark")
		m.Keys("6")
		m.Waits(5*time.Second, "▸6 Verify", "VERIFIED")
		m.Keys(enter)
		m.Waits(5*time.Second, "▸7 Close", "what went badly in the drill? (T5)", "who took part?")
		writtenDown(t, m.journal())
		m.ticks()
	})
}

// writtenDown looks at the report and the row of a drill, from its journal alone.
func writtenDown(t *testing.T, path string) {
	t.Helper()
	c, err := journal.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	row := reporting.RowOf(c.Facts)
	if !row.Drill || row.Fault != model.FaultEnv || row.Target.D() != 5*time.Minute || !row.Verified || !row.Took.Recover.Known || row.Attempts != 3 || len(row.Owes) > 0 {
		t.Errorf("%+v", row)
	}
	d := reporting.New(c.Facts, nil)
	md, err := reporting.Markdown(d, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# Drill DRILL-20261123-0312-backend-python", "This was a drill: backend-python was broken on purpose (a variable that makes it fail).", "to recover from its detection: ",
		"| The alert HighErrorRate fired | 03:13:", "| Put back to what was there | 03:2", "What went badly: nobody said."} {
		if !strings.Contains(md, want) {
			t.Errorf("no %q in\n%s", want, md)
		}
	}
	page, err := reporting.HTML(c.Facts, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"How it was handled: ", " keys, ", "enter done on Assess", "Steps gone back: 0."} {
		if !strings.Contains(md, want) || !strings.Contains(string(page), want) {
			t.Errorf("no %q in\n%s", want, md)
		}
	}
	if len(d.Attempts) != 1 || d.Attempts[0].Role != string(model.RoleRelease) {
		t.Errorf("%+v", d.Attempts)
	}
	var out bytes.Buffer
	if err := writeDrills(&out, "table", config.Defaults(), []reporting.Row{row}, night.AddDate(0, 0, 1)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"DRILL-20261123-0312 backend-python   env       verified", "2026-Q4       1  ", "is the target of 5m", "Within their target: ", "The next drill is due on 2027-02-22: the last was on 2026-11-23"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
}

// A drill that is broken off is put back by P, whatever came of it, and closes.
func TestScenarioDrillGivenUp(t *testing.T) {
	for _, x := range []struct{ fault, what string }{
		{"image", "an image that does not exist"}, {"readiness", "a readiness probe that fails"},
		{"command", "a command that fails"}, {"cpu", "too little CPU"},
	} {
		t.Run(x.fault, func(t *testing.T) {
			rehearse(t, x.fault, func(m *played, before string) {
				m.breaks(x.what)
				m.Keys("P")
				m.Waits(5*time.Second, "┌ What is switched off", "put back backend-python")
				m.Keys(enter)
				m.Waits(20*time.Second, "▸4 Confirm", "Put backend-python back to what was there before the drill", "type y to do this")
				m.Keys(esc)
				m.Waits(5*time.Second, "▸1 Assess")
				m.Keys("P")
				m.Waits(5*time.Second, "┌ What is switched off", "put back backend-python")
				m.Keys(enter)
				m.Waits(20*time.Second, "▸4 Confirm", "type y to do this")
				m.Keys("y")
				m.Keys(enter)
				m.Waits(2*time.Minute, "put backend-python back to what was there before")
				if after := m.asReleased(); after != before {
					t.Errorf("it is not what it was:\n%s\nbefore\n%s", after, before)
				}
				m.Keys("q")
			})
		})
	}
}

// Settings of a drill whose place is not listed say so, and nothing can be begun.
func TestDrillRefused(t *testing.T) {
	s := &incident.Snapshot{Incident: incident.Incident{Settings: incident.Settings{Drill: &incident.Drill{Refused: "no entry of not_production"}}}}
	if why := incident.DrillBlocked(s); !strings.Contains(why, "no entry of not_production") {
		t.Error(why)
	}
}

// Of a surprise no page tells component or fault before the rollback is verified: not the
// steps, the confirmation at any size, OWED or the timeline. It is checked, confirmed and put
// back like any other.
func TestScenarioDrillBySurprise(t *testing.T) {
	t.Parallel()
	raise(t, 80, 24, func(ctx context.Context, s stage) error {
		return (&rehearsal{flags: &flags{stage: s}, surprise: true, sandbox: true}).run(ctx, io.Discard, nil)
	}, func(m *played, tmp string, pipe *sandbox.Pipe) {
		var err error
		if m.scenario, err = sandbox.Load(sandbox.Drill); err != nil {
			t.Fatal(err)
		}
		tells := func(where, text string) {
			t.Helper()
			for _, word := range []string{"frontend", "backend-", "image", "readiness", "command that", "too little", "a variable"} {
				if strings.Contains(text, word) {
					t.Errorf("%s tells %q:\n%s", where, word, text)
				}
			}
		}
		m.Waits(20*time.Second, "┌ Drill: break it", "2 break some component on purpose: a fault that is not told", "Nothing is broken yet")
		tells("the drill", windowOn(m.Screen()))
		m.connects(tmp, pipe)
		before := m.allReleased()
		m.Keys(enter)
		m.Waits(time.Minute, "✓  some component is healthy for 30s", "▸ ○  break some component on purpose: a fault that is not told")
		tells("its steps", windowOn(m.Screen()))
		m.Keys(enter)
		m.Waits(20*time.Second, "▸4 Confirm", "Break some component on purpose: a fault that is not told", "checks of it are well", "nobody else is working on some component", "type y to do this")
		tells("the confirmation", m.Screen())
		m.Keys("y")
		m.Keys(enter)
		m.Waits(10*time.Second, "▸1 Assess", "OWED  some component is broken on purpose, since")
		if m.allReleased() == before {
			t.Error("nothing was broken")
		}
		m.Keys("P")
		m.Waits(5*time.Second, "┌ What is switched off", "put back ")
		m.Keys(enter)
		m.Waits(20*time.Second, "▸4 Confirm", "Put some component back to what was there before the drill", "type y to do this")
		m.Keys("y")
		m.Keys(enter)
		for end := time.Now().Add(2 * time.Minute); m.allReleased() != before && time.Now().Before(end); {
			time.Sleep(time.Second)
		}
		if after := m.allReleased(); after != before {
			t.Errorf("it is not what it was:\n%s\nbefore\n%s", after, before)
		}
		m.Keys("q")
	})
}

// windowOn returns the lines of the window that lies over a page, which stays the board.
func windowOn(screen string) (out string) {
	for l := range strings.Lines(screen) {
		if strings.ContainsAny(l[:min(len(l), 3)], "┌│└") {
			out += l
		}
	}
	return out
}

// allReleased returns all that a person or a pipeline has set of the namespace's Deployments.
func (m *played) allReleased() string {
	m.t.Helper()
	list, err := m.cluster.Deployments("production").List(m.t.Context(), metav1.ListOptions{})
	if err != nil {
		m.t.Fatal(err)
	}
	var all []any
	for _, d := range list.Items {
		for k := range d.Annotations {
			if strings.HasPrefix(k, "deployment.kubernetes.io/") {
				delete(d.Annotations, k)
			}
		}
		all = append(all, d.UID, d.Labels, d.Annotations, d.Spec)
	}
	raw, err := json.Marshal(all)
	if err != nil {
		m.t.Fatal(err)
	}
	return string(raw)
}
