package draw

import (
	"strings"
	"time"

	"rollbook/model"
)

// What is over the limit is drawn solid, what is not in dots: which is which is seen
// without colours.
var (
	solid  = []rune("▁▂▃▄▅▆▇█")
	dotted = []rune("⣀⣤⣶⣿")
)

// Spark draws samples in one row of n cells, each of which is a time step long and
// shows the worst of it. The newest is in the cell at the right; a cell in which
// nothing is known is blank. The scale ends at the limit, or at the worst of what is
// in sight when that is over it: so much is full height.
func Spark(samples []model.Sample, limit float64, to time.Time, step time.Duration, n int, paint Paint) string {
	cells := make([]*model.Sample, n)
	start := to.Truncate(step).Add(step - time.Duration(n)*step)
	top := limit
	for k := range samples {
		s := &samples[k]
		d := s.At.Sub(start)
		if d < 0 || int(d/step) >= n {
			continue
		}
		if c := &cells[d/step]; *c == nil || s.V > (*c).V || s.V == (*c).V && s.AtLeast {
			*c = s
		}
		top = max(top, s.V)
	}
	var b, run strings.Builder
	was := Under
	for _, s := range cells {
		if s == nil {
			run.WriteByte(' ')
			continue
		}
		k, from := Under, dotted
		if over(*s, limit) {
			k, from = Over, solid
		}
		if k != was {
			b.WriteString(paint(was, run.String()))
			run.Reset()
			was = k
		}
		level := 0
		if top > 0 {
			level = int(s.V/top*float64(len(from)-1) + .5)
		}
		run.WriteRune(from[max(0, min(len(from)-1, level))])
	}
	b.WriteString(paint(was, run.String()))
	return b.String()
}
