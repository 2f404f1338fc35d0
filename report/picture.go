package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-analyze/charts"

	"rollbook/model"
)

// The layout of a picture, in pixels. Labels of marks stand in rows of their own above
// the plot, and that of the limit to the right of it, so that none covers a line.
const (
	picWidth, picHeight                     = 1040, 440
	plotLeft, plotRight, plotTop, plotFloor = 72, picWidth - 96, 138, picHeight - 40
	markRows                                = 6
)

var (
	ink     = charts.ColorRGB(0x33, 0x33, 0x33)
	faint   = charts.ColorRGB(0xdd, 0xdd, 0xdd)
	limits  = charts.ColorRGB(0xcc, 0x22, 0x22)
	palette = []charts.Color{charts.ColorRGB(0x1f, 0x5f, 0xa8), charts.ColorRGB(0xd9, 0x7b, 0x0f), charts.ColorRGB(0x2a, 0x8a, 0x4a),
		charts.ColorRGB(0x7b, 0x4f, 0xa3), charts.ColorRGB(0x8a, 0x5a, 0x44), charts.ColorRGB(0x0f, 0x8f, 0x9a)}
	markColors = map[string]charts.Color{"onset": limits, "release": charts.ColorRGB(0xd9, 0x7b, 0x0f), "rollback": charts.ColorRGB(0x1f, 0x5f, 0xa8),
		"rolled out": charts.ColorRGB(0x55, 0x77, 0x99), "recovery": charts.ColorRGB(0x2a, 0x8a, 0x4a)}
)

// canvas is one picture: it places times and values.
type canvas struct {
	p        *charts.Painter
	from, to time.Time
	top      float64 // value at the plot's upper edge; its floor is 0
	unit     string
}

// picture draws one figure of all components over the window, as svg or png: a
// gap where nothing is known, the limit, and the marks.
func picture(w io.Writer, format string, series []model.Series, marks []Mark, from, to time.Time) error {
	if len(series) == 0 {
		return fmt.Errorf("there is nothing to draw")
	}
	p := charts.NewPainter(charts.PainterOptions{OutputFormat: format, Width: picWidth, Height: picHeight})
	p.FilledRect(0, 0, picWidth, picHeight, charts.ColorWhite, charts.ColorWhite, 0)
	c := canvas{p: p, from: from, to: to, unit: series[0].Unit}
	c.top = c.scale(series)
	c.text(fmt.Sprintf("%s, %s to %s UTC", titleOf(&series[0]), from.UTC().Format("2006-01-02 15:04"), to.UTC().Format("15:04")), plotLeft, 20, 13, ink)
	c.axes()
	if l := series[0].Limit; l > 0 && l <= c.top {
		y := c.y(l)
		p.DashedLineStroke([]charts.Point{{X: plotLeft, Y: y}, {X: plotRight, Y: y}}, limits, 1, []float64{6, 4})
		c.text("limit "+c.value(l), plotRight+6, y+4, 10, limits)
	}
	x := plotLeft
	for n, s := range series {
		color := palette[n%len(palette)]
		c.line(s, color)
		if x < 0 {
			continue // all names that there is room for stand there
		}
		if more := fmt.Sprintf("and %d more", len(series)-n); x+14+c.wide(s.Component, 11) > picWidth-110 && n < len(series)-1 {
			c.text(more, x, 40, 11, ink)
			x = -1
			continue
		}
		p.FilledRect(x, 30, x+10, 40, color, color, 0)
		c.text(s.Component, x+14, 40, 11, ink)
		x += 28 + c.wide(s.Component, 11)
	}
	c.marks(marks)
	b, err := p.Bytes()
	if err != nil {
		return fmt.Errorf("the picture cannot be drawn: %w", err)
	}
	_, err = w.Write(b)
	return err
}

// scale is a round number above all values and, if it is near, the limit.
func (c *canvas) scale(series []model.Series) float64 {
	most := 0.0
	for _, s := range series {
		for _, v := range s.Samples {
			most = max(most, v.V)
		}
		if s.Limit < 4*most || most == 0 {
			most = max(most, s.Limit)
		}
	}
	if most <= 0 || math.IsInf(most, 0) || math.IsNaN(most) {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(most)))
	for _, f := range []float64{1, 1.5, 2, 3, 4, 5, 8, 10} {
		if most*1.05 <= f*unit {
			return f * unit
		}
	}
	return 20 * unit
}

func (c *canvas) x(t time.Time) int {
	share := float64(t.Sub(c.from)) / float64(max(1, c.to.Sub(c.from)))
	return plotLeft + int(math.Round(min(1, max(0, share))*(plotRight-plotLeft)))
}

func (c *canvas) y(v float64) int {
	return plotFloor - int(math.Round(min(1, max(0, v/c.top))*(plotFloor-plotTop)))
}

func (c *canvas) text(s string, x, y int, size float64, color charts.Color) {
	c.p.Text(printable(s), x, y, 0, charts.FontStyle{FontSize: size, FontColor: color})
}

// wide returns the room that a text needs: in an SVG the reader's own font draws it, and
// that may be a quarter wider.
func (c *canvas) wide(s string, size float64) int {
	return c.p.MeasureText(printable(s), 0, charts.FontStyle{FontSize: size, FontColor: ink}).Width() * 5 / 4
}

// titleOf names a figure for people.
func titleOf(s *model.Series) string {
	switch s.Figure {
	case "error-ratio":
		return "Error ratio"
	case "p95":
		return "P95 of the response time"
	case "requests":
		return "Requests per second"
	case "up":
		return "Scrape targets up"
	}
	return s.Figure + ", " + s.Unit
}

// printable replaces what the picture's font does not have. What would be markup
// in an SVG the library escapes.
func printable(s string) string { return strings.ReplaceAll(s, "→", "->") }

// value is a label of the scale: with digits enough that no two lines have the
// same, which model.Percent and model.Seconds would give those of a low one.
func (c *canvas) value(v float64) string {
	digits := func(v float64) string { return strconv.FormatFloat(v, 'g', 3, 64) }
	switch {
	case c.unit == "ratio":
		return digits(v*100) + "%"
	case c.unit == "seconds" && c.top < 1:
		return digits(v*1000) + "ms"
	case c.unit == "seconds":
		return digits(v) + "s"
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

func (c *canvas) axes() {
	for n := range 6 {
		v := c.top * float64(n) / 5
		y := c.y(v)
		c.p.LineStroke([]charts.Point{{X: plotLeft, Y: y}, {X: plotRight, Y: y}}, faint, 1)
		c.text(c.value(v), 14, y+4, 10, ink)
	}
	step := tick(c.from, c.to)
	for t := c.from.Truncate(step).Add(step); !t.After(c.to); t = t.Add(step) {
		x := c.x(t)
		c.p.LineStroke([]charts.Point{{X: x, Y: plotFloor}, {X: x, Y: plotFloor + 5}}, ink, 1)
		layout := "15:04"
		if step >= 12*time.Hour {
			layout = "01-02 15:04"
		}
		c.text(t.UTC().Format(layout), x-14, plotFloor+20, 10, ink)
	}
	c.p.LineStroke([]charts.Point{{X: plotLeft, Y: plotFloor}, {X: plotRight, Y: plotFloor}}, ink, 1)
}

// line draws what is known, with a gap where more than two steps are missing.
func (c *canvas) line(s model.Series, color charts.Color) {
	gap := 2 * stepOf(s.Samples)
	var points []charts.Point
	for n, v := range s.Samples {
		if v.At.Before(c.from) || v.At.After(c.to) {
			continue
		}
		if n > 0 && v.At.Sub(s.Samples[n-1].At) > gap {
			points = append(points, charts.Point{X: c.x(v.At), Y: math.MaxInt32})
		}
		points = append(points, charts.Point{X: c.x(v.At), Y: c.y(v.V)})
	}
	if len(points) > 0 {
		c.p.LineStroke(points, color, 1.6)
	}
}

// stepOf is the shortest distance of two samples.
func stepOf(samples []model.Sample) time.Duration {
	step := time.Duration(math.MaxInt64 / 4)
	for n := 1; n < len(samples); n++ {
		if d := samples[n].At.Sub(samples[n-1].At); d > 0 {
			step = min(step, d)
		}
	}
	return step
}

// marks draws vertical lines, each with its words in the first row above the plot
// that has room.
func (c *canvas) marks(all []Mark) {
	var rows labelRows
	for _, m := range within(all, c.from, c.to) {
		color, ok := markColors[m.Kind]
		if !ok {
			color = ink
		}
		words := m.words("15:04:05")
		x := c.x(m.At)
		width := c.wide(words, 10)
		left := min(x+3, picWidth-8-width)
		y := 56 + 13*rows.place(float64(left), float64(width))
		c.p.DashedLineStroke([]charts.Point{{X: x, Y: y}, {X: x, Y: plotFloor}}, color, 1.2, []float64{4, 3})
		c.text(words, left, y, 10, color)
	}
}

// within are the marks of a window, in their order.
func within(all []Mark, from, to time.Time) []Mark {
	out := slices.DeleteFunc(slices.Clone(all), func(m Mark) bool { return m.At.Before(from) || m.At.After(to) })
	slices.SortStableFunc(out, func(a, b Mark) int { return a.At.Compare(b.At) })
	return out
}

// words are the label of a mark, with its time in a layout.
func (m *Mark) words(layout string) string {
	words := m.At.UTC().Format(layout) + " "
	if m.Kind == "release" || m.Kind == "rollback" {
		words += m.Kind + " "
	}
	return words + m.Text
}

// labelRows holds where the last label of each row above a plot ends.
type labelRows [markRows]float64

// place returns the first row that has room for a label, which it takes. Every row holds
// one at the right edge, so that six of them fit.
func (r *labelRows) place(left, wide float64) int {
	row := 0
	for row < markRows-1 && r[row] > left {
		row++
	}
	r[row] = left + wide + 8
	return row
}

// tick is the distance of two marks of the time's axis.
func tick(from, to time.Time) time.Duration {
	for _, s := range []time.Duration{time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 3 * time.Hour, 12 * time.Hour, 24 * time.Hour} {
		if to.Sub(from)/s <= 12 {
			return s
		}
	}
	return 168 * time.Hour
}
