package ui

import (
	"fmt"
	"strings"
	"time"

	"rollbook/model"
)

var sparks = []rune("▁▂▃▄▅▆▇█")

// spark draws the last n steps before now, the limit at half the height, so
// that over is seen without a scale. A step without a sample is blank: a gap is
// not a zero.
func spark(f model.Figure, limit float64, n int, now time.Time) string {
	if f.Step <= 0 || len(f.Samples) == 0 || n <= 0 {
		return spaces(n)
	}
	// The newest sample closes the line, unless it is old: then the gap shows.
	end := f.Samples[len(f.Samples)-1].At
	if now.Sub(end) > 3*f.Step {
		end = now
	}
	// With more steps than cells, each cell shows the worst of its steps.
	per := 1
	if span := int(end.Sub(f.Samples[0].At)/f.Step) + 1; span > n {
		per = min((span+n-1)/n, 4)
	}
	cells := make([]float64, n)
	for i := range cells {
		cells[i] = -1
	}
	for i := len(f.Samples) - 1; i >= 0; i-- {
		s := f.Samples[i]
		back := int((end.Sub(s.At) + f.Step/2) / f.Step / time.Duration(per))
		if back >= n {
			break
		}
		if at := n - 1 - back; at >= 0 && at < n {
			cells[at] = max(cells[at], s.V)
		}
	}
	top := 2 * limit
	var b strings.Builder
	for _, v := range cells {
		switch {
		case v < 0:
			b.WriteByte(' ')
		case top <= 0:
			b.WriteRune(sparks[0])
		default:
			b.WriteRune(sparks[max(0, min(len(sparks)-1, int(v/top*float64(len(sparks)))))])
		}
	}
	return b.String()
}

// bar draws a share of w cells.
func bar(share float64, w int) string {
	n := max(0, min(w, int(share*float64(w)+0.5)))
	return strings.Repeat("█", n) + strings.Repeat("░", max(0, w-n))
}

// clockOf prints a duration as a stopwatch: 0:34, 12:05, 1:02:03.
func clockOf(d time.Duration) string {
	d = max(0, d)
	h, m, s := int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60
	if h > 0 {
		return fmt.Sprintf("%d:%02d:%02d", h, m, s)
	}
	return fmt.Sprintf("%d:%02d", m, s)
}

// coarse is an age in steps that do not make the screen restless: the change of
// a cell costs bytes on a slow line.
func coarse(d time.Duration) time.Duration {
	if d < time.Minute {
		return d.Truncate(5 * time.Second)
	}
	if d < 10*time.Minute {
		return d.Truncate(10 * time.Second)
	}
	return d
}

// podAge is a pod's age: by the second while it starts, then in steps, because
// all pods of a rollout grow older together.
func podAge(now, started time.Time) string {
	if d := now.Sub(started); !started.IsZero() && d >= 20*time.Second {
		started = now.Add(-coarse(d))
	}
	return model.Age(now, started)
}

// age is model.Age in those steps.
func age(now, t time.Time) string {
	if t.IsZero() {
		return "?"
	}
	if d := now.Sub(t); d < 5*time.Second {
		return "<5s"
	}
	return model.Short(coarse(now.Sub(t)))
}
