// Package draw draws figures over time in cells of text: a chart in braille, and a
// line of one row. It knows no clock, no colours and no terminal: the caller says
// what time it is and paints the pieces.
//
// Columns are whole steps of time counted from the same moment, however late it is
// now. So a drawing moves about once a minute, and until then only its newest columns
// change: a slow line is not sent what it has.
package draw

import (
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"rollbook/model"
)

// Kind is what a piece of a drawing shows. The caller gives each a colour; none rests
// on that alone.
type Kind int

// The kinds.
const (
	Scale  Kind = iota // numbers and times of the axes
	Limit              // the limit's line and number
	Title              // what is drawn
	Event              // marks and their words
	Under              // the first line, up to the limit
	Over               // any line, over the limit
	Second             // the second line, up to the limit
)

// Paint colours a piece.
type Paint func(k Kind, text string) string

// Chart is a figure over time, with its limit and what happened meanwhile.
type Chart struct {
	Title string
	Lines []Line // at most two
	Limit float64
	Most  float64              // the largest value that there can be; 0 = there is no such
	Show  func(float64) string // a value in words
	Marks []Mark               // the most important first: it loses its words last
	To    time.Time            // the moment at the right edge
	Span  time.Duration        // how much before it is shown at least
	ASCII bool
}

// Line is one series of a chart.
type Line struct {
	Samples []model.Sample // oldest first
	Gap     time.Duration  // samples that are further apart are not connected: nothing is known between them
	End     string         // stands at its end
}

// Mark is something that happened. Short replaces Text where that has no room.
type Mark struct {
	At          time.Time
	Text, Short string
}

// grid is how a chart's cells are divided: braille has 2×4 dots in a cell, ASCII
// knows three heights.
type grid struct {
	cols, rows int // dots of a cell
	glyph      func(bits uint8) rune
	dotted     func(bits uint8) rune // of the limit
}

var (
	braille = grid{2, 4, func(b uint8) rune { return 0x2800 + rune(b) }, func(b uint8) rune { return 0x2800 + rune(b) }}
	ascii   = grid{1, 3, asciiGlyph, func(uint8) rune { return '.' }}
)

// brailleBits are a braille cell's dots by column and by row from the top.
var brailleBits = [2][4]uint8{{0x01, 0x02, 0x04, 0x40}, {0x08, 0x10, 0x20, 0x80}}

func (g grid) bit(col, row int) uint8 {
	if g.rows == 4 {
		return brailleBits[col][row]
	}
	return 1 << row
}

func asciiGlyph(bits uint8) rune {
	switch bits {
	case 1:
		return '"'
	case 2:
		return '-'
	case 4:
		return '_'
	}
	return '|'
}

// The least that a chart can be read in.
const (
	minPlot = 16
	minRows = 2
)

// plot is a chart's plane while it is drawn.
type plot struct {
	*Chart
	grid
	w, h  int // cells
	start time.Time
	cell  time.Duration
	top   float64 // value at the upper edge; the lower is 0
	bits  [][]uint8
	kind  [][]Kind
}

// Rows draws the chart in h rows of w cells: a row of words, the plot, the time. Nil
// where that is too small to be read.
func (c *Chart) Rows(w, h int, paint Paint) []string {
	p := plot{Chart: c, grid: braille, h: h - 2}
	if c.ASCII {
		p.grid = ascii
	}
	if p.h < minRows {
		return nil
	}
	right := 0
	for _, l := range c.Lines {
		if l.End != "" {
			right = max(right, width(l.End)+1)
		}
	}
	// The scale depends on what is in sight, and that on the width of its numbers:
	// these are nearly always as wide as all samples make them.
	p.top = c.scale(time.Time{})
	left := p.labelWidth()
	p.w = w - left - 1 - right
	if p.w < minPlot {
		return nil
	}
	p.cell = (c.Span/time.Duration(p.w) + 2*time.Second - 1).Truncate(2 * time.Second)
	p.cell = max(p.cell, 2*time.Second)
	// It moves about once a minute, by some columns: what moves is sent anew.
	hop := (time.Minute + p.cell - 1).Truncate(p.cell)
	p.start = c.To.Truncate(hop).Add(hop - time.Duration(p.w)*p.cell)
	p.top = c.scale(p.start)
	p.bits, p.kind = make([][]uint8, p.h), make([][]Kind, p.h)
	for r := range p.bits {
		p.bits[r], p.kind[r] = make([]uint8, p.w), make([]Kind, p.w)
	}
	for n := range c.Lines {
		p.line(n)
	}
	out := make([]string, 0, h)
	out = append(out, p.head(left+1, w, paint))
	labels, ends := p.labels(), p.ends()
	for r := range p.h {
		out = append(out, p.row(r, left, labels[r], ends[r], paint))
	}
	return append(out, p.axis(left, right, paint))
}

// scale returns the value at the upper edge: a round number over the limit and over all
// values from a time on.
func (c *Chart) scale(from time.Time) float64 {
	most := c.Limit
	for _, l := range c.Lines {
		for _, s := range l.Samples {
			if !s.At.Before(from) {
				most = max(most, s.V)
			}
		}
	}
	if most <= 0 || math.IsInf(most, 0) || math.IsNaN(most) {
		most = 1
	}
	most *= 1.05
	unit := math.Pow(10, math.Floor(math.Log10(most)))
	top := 10 * unit
	for _, f := range []float64{1, 1.5, 2, 3, 4, 5, 6, 8} {
		if most <= f*unit {
			top = f * unit
			break
		}
	}
	if c.Most > 0 {
		top = min(top, c.Most)
	}
	return top
}

func (c *Chart) over(s model.Sample) bool { return over(s, c.Limit) }

// over reports whether a sample is over a limit, if there is one. A sample that is only a
// lower bound has but to reach it, as the triggers have it.
func over(s model.Sample, limit float64) bool {
	return limit > 0 && (s.V > limit || s.AtLeast && s.V >= limit)
}

// at returns a value's height in dots.
func (p *plot) at(v float64) int {
	return int(math.Round(min(1, max(0, v/p.top)) * float64(p.h*p.rows-1)))
}

// limit returns the limit's height, which leaves a row of dots above it and one below.
func (p *plot) limit() int { return min(p.h*p.rows-2, max(1, p.at(p.Limit))) }

// y returns a sample's height. What is over the limit is drawn above it, however little,
// and nothing else is.
func (p *plot) y(s model.Sample) int {
	switch y := p.at(s.V); {
	case p.Limit <= 0:
		return y
	case p.over(s):
		return max(y, p.limit()+1)
	default:
		return min(y, p.limit())
	}
}

// x returns a time's column in dots; -1 = it is before the plot.
func (p *plot) x(t time.Time) int {
	d := t.Sub(p.start)
	if d < 0 {
		return -1
	}
	return int(d / (p.cell / time.Duration(p.cols)))
}

func (p *plot) dot(x, y int, k Kind) {
	if x < 0 || x >= p.w*p.cols || y < 0 || y >= p.h*p.rows {
		return
	}
	r, c := p.h-1-y/p.rows, x/p.cols
	if p.bits[r][c] == 0 || p.kind[r][c] != Over {
		p.kind[r][c] = k
	}
	p.bits[r][c] |= p.bit(x%p.cols, p.rows-1-y%p.rows)
}

// line draws one series: where samples are missing, it is broken.
func (p *plot) line(n int) {
	l, under := p.Lines[n], Under
	if n > 0 {
		under = Second
	}
	limit := p.h * p.rows
	if p.Limit > 0 {
		limit = p.limit()
	}
	put := func(x, y int) {
		if y > limit {
			p.dot(x, y, Over)
		} else {
			p.dot(x, y, under)
		}
	}
	for k, s := range l.Samples {
		x, y := p.x(s.At), p.y(s)
		if x < 0 {
			continue
		}
		put(x, y)
		if k == 0 || s.At.Sub(l.Samples[k-1].At) > l.Gap {
			continue
		}
		x0, y0 := p.x(l.Samples[k-1].At), p.y(l.Samples[k-1])
		if x0 < 0 {
			continue
		}
		for i, steps := 1, max(x-x0, abs(y-y0)); i < steps; i++ {
			share := float64(i) / float64(steps)
			put(x0+int(math.Round(share*float64(x-x0))), y0+int(math.Round(share*float64(y-y0))))
		}
	}
}

// row draws a row of the plot, with its label and its end.
func (p *plot) row(r, left int, label label, end end, paint Paint) string {
	var b strings.Builder
	edge := "│"
	if label.text != "" {
		edge = "┤"
	}
	if p.ASCII {
		edge = "|"
	}
	b.WriteString(spaces(left - width(label.text)))
	b.WriteString(paint(label.kind, label.text))
	b.WriteString(paint(Scale, edge))
	limit, limitBit := -1, uint8(0)
	if p.Limit > 0 {
		y := p.limit()
		limit, limitBit = p.h-1-y/p.rows, p.bit(0, p.rows-1-y%p.rows)
	}
	marked := make([]bool, p.w)
	for _, m := range p.Marks {
		if x := p.x(m.At) / p.cols; !m.At.Before(p.start) && x < p.w {
			marked[x] = true
		}
	}
	upright := '┊'
	if p.ASCII {
		upright = ':'
	}
	var run []rune
	was := Scale
	flush := func(k Kind) {
		if k != was && len(run) > 0 {
			b.WriteString(paint(was, string(run)))
			run = run[:0]
		}
		was = k
	}
	for c, bits := range p.bits[r] {
		switch {
		case bits != 0 && r == limit && !p.ASCII:
			flush(p.kind[r][c])
			run = append(run, p.glyph(bits|limitBit))
		case bits != 0:
			flush(p.kind[r][c])
			run = append(run, p.glyph(bits))
		case marked[c]:
			flush(Event)
			run = append(run, upright)
		case r == limit:
			flush(Limit)
			run = append(run, p.dotted(limitBit))
		default:
			run = append(run, ' ') // of whatever kind
		}
	}
	if end.text == "" {
		run = []rune(strings.TrimRight(string(run), " "))
	}
	flush(-1)
	if end.text != "" {
		b.WriteString(" " + paint(end.kind, end.text))
	}
	return b.String()
}

func abs(n int) int { return max(n, -n) }

func width(s string) int { return utf8.RuneCountInString(s) }

func spaces(n int) string { return strings.Repeat(" ", max(0, n)) }
