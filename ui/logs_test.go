package ui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"rollbook/model"
)

// A search goes to the newest match and marks it, n and N go on and around, and the
// line of the match is in view each time, also when lines get their full height.
func TestLogSearchGoesToItsMatches(t *testing.T) {
	a := screen(t, fixture{"", filled(), nil}, 80, 24, dark)
	pressed(a, "l")
	l := a.front().(*logs)
	l.got.log = nil
	for n := range 300 {
		text := fmt.Sprintf("line %d is dull", n)
		if n%100 == 50 {
			text = fmt.Sprintf("line %d Needs a Look", n)
		}
		l.got.log = append(l.got.log, model.LogLine{At: now.Add(time.Duration(n) * time.Second), Text: text, Rest: strings.Repeat("field=value ", 20)})
	}
	shows := func(line, tally string) {
		t.Helper()
		frame := ansi.Strip(a.Frame())
		marked := ""
		for _, row := range strings.Split(frame, "\n") {
			if strings.Contains(row, "▸") && strings.Contains(row, "Needs") {
				marked = row
			}
		}
		if !strings.Contains(marked, line+" Needs a Look") || !strings.Contains(frame, tally) {
			t.Errorf("%s (%s) is not shown:\n%s", line, tally, frame)
		}
	}
	typed(a, "/", "needs a")
	shows("line 250", "match 3 of 3")
	if raw := a.Frame(); !strings.Contains(raw, dark.cursor("Needs a")) {
		t.Errorf("what was found is not marked: %q", raw)
	}
	pressed(a, "enter")
	for _, step := range [][3]string{{"n", "line 50", "match 1 of 3"}, {"n", "line 150", "match 2 of 3"}, {"w", "line 150", "match 2 of 3"},
		{"N", "line 50", "match 1 of 3"}, {"N", "line 250", "match 3 of 3"}} {
		pressed(a, step[0])
		shows(step[1], step[2])
	}
	pressed(a, "/")
	typed(a, "x", "yz")
	pressed(a, "enter")
	pressed(a, "n")
	if frame := ansi.Strip(a.Frame()); !strings.Contains(frame, "no line matches needs axyz") {
		t.Errorf("nothing is found, and it is not said:\n%s", frame)
	}
}

// cursor is text under the cursor, as this look has it.
func (l Look) cursor(text string) string { return paint(NewStyles(l).Cursor, text) }
