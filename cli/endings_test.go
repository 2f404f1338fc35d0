package cli

import (
	"strings"
	"testing"
	"time"
)

// The wrong ways to an end, and that none of them is told as a right one.

// While what failed goes on failing, a healthy component that was rolled back proves
// nothing.
func TestWrongComponentIsNeverVerified(t *testing.T) {
	play(t, "errors", func(m *played) {
		m.Waits(20*time.Second, "ROLL BACK NOW", "on backend-python")
		m.decides("● YES")
		m.chooses("6 → 5")
		m.Keys(" ")
		m.Keys(tab)
		m.Keys(tab)
		m.Keys(" ")
		m.Waits(20*time.Second, "[x] frontend", "[ ] backend-python", "2.5.0")
		m.Keys(down)
		m.Keys(enter)
		m.Waits(5*time.Second, "4 → 3")
		m.Keys(enter)
		m.Waits(20*time.Second, "▸4 Confirm", "nothing fails on frontend")
		m.Keys("o")
		m.Keys("a test")
		m.Keys(enter)
		m.Waits(5*time.Second, "type y to roll back")
		m.Keys("y")
		m.Keys(enter)
		m.Waits(2*time.Minute, "Rolled out, but backend-python still fails (error ratio 30%")
		m.Keys(enter)
		m.Waits(5*time.Second, "▸6 Verify", "backend-python  also failing since the onset", "Not good yet: backend-python error ratio")
		time.Sleep(2 * time.Minute) // four times the hold
		m.Waits(5*time.Second, "0:00 of 0:30", "error ratio       ✗ bad")
		m.Keys("M")
		m.Waits(5*time.Second, "The problem goes on", "status: identified")
		m.Keys(down)
		m.Waits(5*time.Second, "Still over its limit: backend-python errors")
		if s := m.Screen(); strings.Contains(s, "Resolved:") || strings.Contains(s, "VERIFIED") {
			t.Errorf("it is told as the end:\n%s", s)
		}
		m.Keys(esc)
		m.scenario.End.Images = nil
		m.leavesOpen()
	})
}

// “Recovered” is not taken while something is over its limit, and with a reason it is
// not told as resolved; nothing is confirmed until it is reopened.
func TestRecoveredAgainstTheFigures(t *testing.T) {
	play(t, "errors", func(m *played) {
		m.Waits(20*time.Second, "ROLL BACK NOW", "on backend-python")
		m.decides("● YES")
		m.Keys("x")
		m.Waits(5*time.Second, "▸ recovered on its own", "It is not well: backend-python errors")
		m.Keys(enter)
		m.Waits(5*time.Second, "▸2 Decide", "type first why")
		m.Keys("they say so")
		m.Keys(enter)
		m.Waits(5*time.Second, "▸7 Close", "“Resolved” is not drafted: still backend-python errors", "x reopens the")
		m.Keys("3")
		m.Waits(20*time.Second, "▸3 Choose")
		m.Waits(20*time.Second, "[x] backend-python", "1.41.0") // nothing is proposed any more
		m.Keys(down)
		m.Keys(enter)
		m.Waits(20*time.Second, "6 → 5")
		m.Keys(enter)
		m.Waits(20*time.Second, "▸4 Confirm", "has ended (recovered on its own): x reopens it")
		m.Keys("y")
		m.Keys(enter)
		m.Waits(5*time.Second, "▸4 Confirm")
		m.runs("backend-python", "shop/backend-python:1.42.0")
		m.Keys(esc)
		m.Keys("x")
		m.Waits(5*time.Second, "Reopen the incident")
		m.Keys("it is not")
		m.Keys(enter)
		m.Waits(5*time.Second, "▸3 Choose")
		m.confirms()
		m.verifies()
		m.closes()
	})
}

// leavesOpen leaves an incident that stays open.
func (m *played) leavesOpen() {
	m.t.Helper()
	m.Keys("q")
	m.Waits(5*time.Second, "q leaves")
	m.Keys("q")
	if err := m.end(); err != nil {
		m.t.Errorf("ended with %v", err)
	}
}
