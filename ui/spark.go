package ui

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"rollbook/model"
	"rollbook/ui/draw"
)

// spark draws a figure in n cells, what is over its limit in the given style. A cell is a
// minute at least, all of them are ten.
func (p *pen) spark(f model.Figure, limit float64, n int, over ansi.Style, now time.Time) string {
	if f.Step <= 0 || len(f.Samples) == 0 || n <= 0 {
		return spaces(n)
	}
	const span, grain = 10 * time.Minute, 30 * time.Second
	step := max(time.Minute, f.Step, (span/time.Duration(n) + grain - 1).Truncate(grain))
	// The newest sample closes the line, unless it is old: then the gap shows.
	to := f.Samples[len(f.Samples)-1].At
	if now.Sub(to) > 3*f.Step {
		to = now
	}
	return draw.Spark(f.Samples, limit, to, step, n, func(k draw.Kind, text string) string {
		if k == draw.Over {
			return paint(over, p.say(text))
		}
		return p.say(text)
	})
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
