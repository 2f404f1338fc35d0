package draw

import (
	"slices"
	"strings"
	"time"
)

// label is what stands at the left of a row of the plot, end what stands at its right,
// where a line ends.
type (
	label struct {
		text string
		kind Kind
	}
	end = label
)

func (p *plot) labelWidth() int {
	w := width(p.Show(p.top))
	for _, l := range p.labels() {
		w = max(w, width(l.text))
	}
	return w + 1
}

// labels returns what stands at the left of each row: the limit, then the value at the
// upper edge and, where there is room, that in the middle. The value at the lower edge
// stands beside the axis.
func (p *plot) labels() []label {
	out := make([]label, p.h)
	put := func(y int, l label) {
		if r := p.h - 1 - y/p.rows; out[r].text == "" {
			out[r] = l
		}
	}
	if p.Limit > 0 {
		put(p.limit(), label{"limit " + p.Show(p.Limit), Limit})
	}
	put(p.at(p.top), label{p.Show(p.top), Scale})
	if p.h >= 6 {
		put(p.at(p.top/2), label{p.Show(p.top / 2), Scale})
	}
	return out
}

// ends returns what stands at the right of each row: a line's words beside its newest
// sample, or in the next row that is free.
func (p *plot) ends() []end {
	out := make([]end, p.h)
	for n, l := range p.Lines {
		if l.End == "" || len(l.Samples) == 0 {
			continue
		}
		last := l.Samples[len(l.Samples)-1]
		k := Under
		switch {
		case p.over(last):
			k = Over
		case n > 0:
			k = Second
		}
		r := p.h - 1 - p.y(last)/p.rows
		if out[r].text != "" { // the higher one stays above
			if higher := p.Lines[0].Samples; last.V > higher[len(higher)-1].V && r > 0 || r == p.h-1 {
				r--
			} else {
				r++
			}
		}
		out[r] = end{l.End, k}
	}
	return out
}

// head draws the row above the plot: the title, and the marks with their words. It is w
// cells wide, of which left are before the plot.
func (p *plot) head(left, w int, paint Paint) string {
	title := []rune(p.Title)
	title = title[:min(len(title), left+p.w-1)]
	cells, taken := make([]rune, w), make([]bool, w)
	for n := range cells {
		cells[n] = ' '
		taken[n] = n <= len(title)
	}
	arrow := '▼'
	if p.ASCII {
		arrow = '|' // a letter would be read as one of the word beside it
	}
	at := make([]int, len(p.Marks)) // -1 = not in sight
	for n, m := range p.Marks {
		at[n] = -1
		if x := left + p.x(m.At)/p.cols; !m.At.Before(p.start) && x < left+p.w && x > len(title) {
			at[n], cells[x], taken[x] = x, arrow, true
		}
	}
	for n, m := range p.Marks {
		if at[n] < 0 {
			continue
		}
		for _, text := range [][]rune{[]rune(m.Text), []rune(m.Short)} {
			if from := place(at, n, len(text), taken); from >= 0 && len(text) > 0 {
				copy(cells[from:], text)
				for x := from; x < from+len(text); x++ {
					taken[x] = true
				}
				break
			}
		}
	}
	rest := strings.TrimRight(string(cells[len(title):]), " ")
	return paint(Title, string(title)) + paint(Event, rest)
}

// place returns where a mark's words of that length begin: at its left or its right,
// first on the side where the next mark is farther away; -1 = they have no room.
func place(at []int, n, length int, taken []bool) int {
	x := at[n]
	nearLeft, nearRight := x, len(taken)-x
	for k, o := range at {
		switch {
		case k == n || o < 0:
		case o < x || o == x && k > n:
			nearLeft = min(nearLeft, x-o)
		default:
			nearRight = min(nearRight, o-x)
		}
	}
	free := func(from, to int) bool {
		return from >= 0 && to <= len(taken) && !slices.Contains(taken[from:to], true)
	}
	// Words keep a cell's distance from others.
	before, after := free(x-length-1, x) || x == length && free(0, x), free(x+1, x+length+2) || x+1+length == len(taken) && free(x+1, x+1+length)
	switch {
	case before && (nearLeft > nearRight || !after):
		return x - length
	case after:
		return x + 1
	}
	return -1
}

// axis draws the row below the plot: its lower edge, with the time in UTC.
func (p *plot) axis(left, right int, paint Paint) string {
	dash, corner, tick := "─", "└", "┴"
	if p.ASCII {
		dash, corner, tick = "-", "+", "+"
	}
	const words = len("15:04")
	every := 24 * time.Hour
	for _, d := range []time.Duration{time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 6 * time.Hour} {
		if int(d/p.cell) >= 2*words {
			every = d
			break
		}
	}
	// The zone stands behind the axis, or where there is no room at its end.
	const zone = " UTC"
	room := p.w
	if right < len(zone) {
		room -= len(zone)
	}
	var b strings.Builder
	for c := 0; c < room; {
		from := p.start.Add(time.Duration(c) * p.cell)
		t := from.UTC().Truncate(every)
		if t.Before(from) {
			t = t.Add(every)
		}
		if t.Before(from.Add(p.cell)) && c+1+words <= room {
			b.WriteString(tick + t.Format("15:04"))
			c += 1 + words
			continue
		}
		b.WriteString(dash)
		c++
	}
	return paint(Scale, spaces(left-1)+"0"+corner+b.String()+zone)
}
