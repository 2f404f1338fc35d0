package ui

import (
	"bytes"
	"context"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/charmbracelet/x/ansi"

	"rollbook/incident"
	"rollbook/model"
	"rollbook/ui/uitest"
)

// scripted is an engine that expects certain inputs, one after the other, and
// answers each with a snapshot.
type scripted struct {
	t       *testing.T
	snap    atomic.Pointer[incident.Snapshot]
	change  chan struct{}
	writing atomic.Bool

	mu   sync.Mutex
	want []expected
}

type expected struct {
	do   incident.Act
	next *incident.Snapshot
}

func newScripted(t *testing.T, first *incident.Snapshot) *scripted {
	e := &scripted{t: t, change: make(chan struct{}, 1)}
	e.snap.Store(first)
	return e
}

func (e *scripted) Snapshot() *incident.Snapshot { return e.snap.Load() }
func (e *scripted) Changed() <-chan struct{}     { return e.change }
func (e *scripted) Writing() bool                { return e.writing.Load() }

func (e *scripted) Send(do incident.Act) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.want) == 0 || !reflect.DeepEqual(e.want[0].do, do) {
		e.t.Errorf("unexpected input %#v; expected %+v", do, e.want)
		return
	}
	next := e.want[0].next
	e.want = e.want[1:]
	if next != nil {
		e.show(next)
	}
}

func (e *scripted) show(s *incident.Snapshot) {
	e.snap.Store(s)
	select {
	case e.change <- struct{}{}:
	default:
	}
}

func (e *scripted) expect(do incident.Act, next *incident.Snapshot) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.want = append(e.want, expected{do, next})
}

// terminal is the program running in an emulated terminal.
type terminal struct {
	*uitest.Terminal
	t      *testing.T
	engine *scripted
	ended  chan error
	said   string
	cancel context.CancelFunc
}

// start runs the program; it has to be called inside a bubble.
func start(t *testing.T, first *incident.Snapshot) *terminal {
	e := newScripted(t, first)
	return run(t, e, e, 80, 24)
}

// run shows an engine in a terminal of that size; more is added to the
// environment.
func run(t *testing.T, e Engine, script *scripted, w, h int, more ...string) *terminal {
	return runAs(t, Options{Engine: e}, script, w, h, more...)
}

// runAs is run with an engine or a session in o.
func runAs(t *testing.T, o Options, script *scripted, w, h int, more ...string) *terminal {
	m := &terminal{t: t, engine: script, Terminal: uitest.New(t, w, h), ended: make(chan error, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	m.cancel = cancel
	go func() {
		o.Viewer, o.Start, o.Input, o.Output, o.Width, o.Height = library{}, time.Now(), m, m, w, h
		o.Env, o.WriteDeadline, o.Program = append(slices.Clone(uitest.Env), more...), 5*time.Second, uitest.Program
		o.OnQuit = func(said string) { m.said = said }
		m.ended <- Run(ctx, o)
		m.Hangup()
	}()
	m.Settle()
	return m
}

// does presses a key of which exactly that input is expected.
func (m *terminal) does(text string, do incident.Act, next *incident.Snapshot) {
	m.t.Helper()
	m.engine.expect(do, next)
	m.Keys(text)
	m.engine.mu.Lock()
	defer m.engine.mu.Unlock()
	if len(m.engine.want) > 0 {
		m.t.Fatalf("%q did not send %#v:\n%s", text, do, m.Screen())
	}
}

// left waits until the program has ended and cleans up.
func (m *terminal) left() {
	m.t.Helper()
	synctest.Wait()
	select {
	case err := <-m.ended:
		if err != nil {
			m.t.Errorf("ended with %v", err)
		}
	default:
		m.t.Errorf("the program is still running:\n%s", m.Screen())
		m.cancel()
		<-m.ended
	}
	m.cancel()
	m.Close()
	time.Sleep(2 * time.Second) // its timers
}

func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

// The seven pages by their keys, from the board to the closed incident.
func TestWalk(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := start(t, filled())
		m.Sees("▸1 Assess", "backend-python", "CrashLoopBackOff", "ROLL BACK NOW", "enter decide")
		m.does("\r", incident.Next{}, opened())
		m.Sees("▸2 Decide", "D1 errors over 5% for 5m?", "data lost?", "INC-0312")
		m.does("\x1b[B\x1b[B\x1b[By", incident.Say{Question: incident.QSLO, Answer: model.TriYes}, opened())
		m.does("\r", incident.Next{}, chosen())
		m.Sees("▸3 Choose", "42 → 41", "★ good", "enter confirm")
		m.does("\r", incident.Next{}, checked())
		m.Sees("▸4 Confirm", "same as: kubectl", "type backend-python to roll back:", "Nothing is written yet")
		m.Keys("backend-pythom")
		m.Keys("\r")
		m.Sees("“backend-pythom” is not backend-python: ctrl+u empties")
		m.Keys("\x7fn")
		m.Sees("to roll back: backend-python")
		m.does("\r", incident.ConfirmWrite{Word: "backend-python", Plans: []string{"plan-41"}}, rolling())
		m.Sees("▸5 Roll back", "3 of 6 new pods are there", "(enter verify)")
		m.Keys("\r") // it is not rolled out yet
		m.Sees("enter verify:")
		done := verifying()
		done.Incident.Step, done.Incident.Furthest = incident.RollBack, incident.RollBack
		m.engine.show(done)
		m.Settle()
		m.Sees("Verify proves that it worked")
		m.does("\r", incident.Next{}, verifying())
		m.Sees("▸6 Verify", "All checks green so far", "still open: critical feature broken?")
		green := verified()
		m.engine.show(green)
		m.Settle()
		m.Sees("VERIFIED")
		m.does("\r", incident.Next{}, closingOf())
		m.Sees("▸7 Close", "[ ] open   incident report written")
		m.does(" ", incident.SettleItem{ID: "report"}, nil)
		closed := closingOf()
		closed.Incident.Closed = now
		m.engine.show(closed)
		m.Settle()
		m.Sees("Closed. q leaves.")
		m.Keys("q")
		m.left()
		if m.said != "" {
			t.Errorf("a closed incident leaves with %q", m.said)
		}
	})
}

// Held keys and double presses do not run through the pages.
func TestHeldEnter(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := start(t, filled())
		m.does("\r\r\r\r\r\r", incident.Next{}, opened())
		m.Sees("▸2 Decide")
		m.Keys("q")
		m.Keys("q")
		m.left()
	})
}

func TestQuitBeforeAnIncident(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := start(t, filled())
		m.Keys("q")
		m.left()
		if m.said != "" {
			t.Errorf("leaves with %q", m.said)
		}
	})
}

func TestQuitAnOpenIncident(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := start(t, opened())
		m.Keys("q")
		m.Sees("The incident stays open")
		m.Keys("d") // any other key stays, and does nothing else
		m.Sees("enter choose")
		m.Keys("q")
		m.Keys("q")
		m.left()
		if !strings.Contains(m.said, "INC-20261123-0312-backend-python stays open") || !strings.Contains(m.said, "journal.jsonl") {
			t.Errorf("leaves with %q", m.said)
		}
	})
}

// ctrl+c works in an open field too, where all else is text.
func TestControlC(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := start(t, checked())
		m.Keys("q")
		m.Sees("to roll back: q")
		m.Keys("\x03")
		m.Sees("The incident stays open")
		m.Keys("\x03")
		m.left()
	})
}

// A write on its way is waited for, until it is answered.
func TestQuitWaitsForAWrite(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := start(t, rolling())
		m.engine.writing.Store(true)
		m.Keys("q")
		m.Sees("A write is under way")
		m.Keys("q")
		m.Sees("Waiting for the write's answer")
		m.Keys("xqr") // no key means anything now
		m.Sees("Waiting for the write's answer")
		m.engine.writing.Store(false)
		m.Settle()
		m.left()
		if !strings.Contains(m.said, "A write was under way") {
			t.Errorf("leaves with %q", m.said)
		}
	})
}

// An answer that never comes holds nobody: the deadline ends the wait, and so
// does ctrl+c.
func TestQuitWaitsNotForEver(t *testing.T) {
	for name, leave := range map[string]func(m *terminal){
		"deadline": func(*terminal) { time.Sleep(6 * time.Second) },
		"ctrl+c":   func(m *terminal) { m.Keys("\x03") },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				m := start(t, rolling())
				m.engine.writing.Store(true)
				m.Keys("q")
				m.Keys("q")
				m.Sees("Waiting for the write's answer")
				leave(m)
				m.left()
			})
		})
	}
}

// When nothing changes, almost nothing is sent: the clock's digits.
func TestIdleOutput(t *testing.T) {
	for name, s := range map[string]*incident.Snapshot{"assess": filled(), "decide": opened(), "rollback": rolling(), "verify": verifying(), "thousand": thousand(),
		"close": told(), "calls": called(rolling())} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				m := start(t, s)
				const seconds = 30
				beat := func() {
					next := *m.engine.Snapshot()
					next.Now = next.Now.Add(time.Second)
					next.Seen.Cluster.Heard, next.Seen.Metrics.Heard = next.Now, next.Now
					m.engine.show(&next)
					time.Sleep(time.Second)
					synctest.Wait()
				}
				for range 5 {
					beat()
				}
				before, screen := m.Bytes(), m.Screen()
				for range seconds {
					beat()
				}
				rate := float64(m.Bytes()-before) / seconds
				t.Logf("%.0f B/s", rate)
				if rate >= 100 {
					t.Errorf("%.0f B/s when nothing changes\n%s\n%s", rate, screen, m.Screen())
				}
				m.Keys("q")
				if s.Incident.ID != "" {
					m.Keys("q")
				}
				m.left()
			})
		})
	}
}

// What the terminal shows is what Frame says: the differences that are sent add
// up to it.
func TestTerminalShowsTheFrame(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := start(t, filled())
		for _, s := range []*incident.Snapshot{opened(), chosen(), checked(argo), rolling(), verified(), closingOf()} {
			m.engine.show(s)
			m.Settle()
			l := dark
			a := New(Options{Engine: still{t, s}, Viewer: library{}, Look: &l, Width: 80, Height: 24})
			a.focus = "backend-python" // which the operator looked at all the way
			a.derive()
			want := a.Frame()
			got := strings.Split(m.Screen(), "\n")
			for n, line := range strings.Split(ansi.Strip(want), "\n") {
				if n > 0 && strings.TrimRight(got[n], " ") != strings.TrimRight(line, " ") { // line 1 has the clock
					t.Errorf("%s, line %d:\n got %q\nwant %q", s.Incident.Step.Name(), n+1, got[n], line)
				}
			}
		}
		if !bytes.Contains([]byte(m.Screen()), []byte("▸7 Close")) {
			t.Error("the last page is not shown")
		}
		m.Keys("q")
		m.Keys("q")
		m.left()
	})
}
