package report

import (
	"encoding/csv"
	"fmt"
	"html/template"
	"io"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"rollbook/incident"
	"rollbook/model"
	"rollbook/text"
)

// chart is one figure of an incident as an HTML report draws it.
type chart struct {
	Title string
	SVG   template.HTML
}

// csvMost bounds what is read of a figure that the evidence holds.
const csvMost = 8 << 20

// figureNames are the figures that a report draws, the error ratio first.
var figureNames = []string{"error-ratio", "p95", "requests"}

// readFigures returns the figures that the evidence in an incident's folder holds, each
// as it was kept last; what cannot be read is left out.
func readFigures(dir string, m *Manifest) map[string][]model.Series {
	root, err := os.OpenRoot(filepath.Join(dir, Folder))
	if err != nil {
		return nil
	}
	defer root.Close()
	newest := map[string]string{}
	for _, f := range m.Files {
		if strings.HasPrefix(f.Name, "metrics/") && path.Ext(f.Name) == ".csv" {
			newest[strings.TrimSuffix(f.Source, ", from Prometheus")] = f.Name
		}
	}
	out := map[string][]model.Series{}
	for _, name := range figureNames {
		if series := readCSV(root, newest[name], model.Series{Figure: name}); len(series) > 0 {
			out[name] = series
		}
	}
	return out
}

// chartsOf draws the figures of the evidence, with the limits of the incident.
func chartsOf(facts []incident.Fact, m *Manifest) (out []chart) {
	if m == nil {
		return nil
	}
	i := incident.Fold(facts)
	for _, name := range figureNames {
		series := slices.Clone(m.figures[name])
		for n := range series {
			switch name {
			case "error-ratio":
				series[n].Unit, series[n].Limit = "ratio", i.Settings.Limits.Errors
			case "p95":
				series[n].Unit, series[n].Limit = "seconds", i.Settings.Limits.P95.Seconds()
			}
		}
		if len(series) > 0 {
			out = append(out, drawChart(series, marks(&i), m.From, m.To))
		}
	}
	return out
}

// readCSV reads a figure as writeCSV wrote it, a series for each component.
func readCSV(root *os.Root, name string, like model.Series) (out []model.Series) {
	if name == "" {
		return nil
	}
	f, err := root.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	rows := csv.NewReader(io.LimitReader(f, csvMost))
	rows.FieldsPerRecord = -1
	for {
		row, err := rows.Read()
		if err != nil {
			return out
		}
		if len(row) < 3 {
			continue
		}
		at, bad := time.Parse(time.RFC3339, row[0])
		v, worse := strconv.ParseFloat(row[2], 64)
		if bad != nil || worse != nil || math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
			continue
		}
		n := slices.IndexFunc(out, func(s model.Series) bool { return s.Component == row[1] })
		if n < 0 {
			n = len(out)
			s := like
			s.Component, s.Samples = row[1], nil
			out = append(out, s)
		}
		out[n].Samples = append(out[n].Samples, model.Sample{At: at, V: v})
	}
}

// The layout of a chart, in the units of its view box. A label takes 7 a character of 12,
// which is more than fonts without serifs need.
const (
	chartWide, chartHigh                   = 900, 330
	chartLeft, chartRight, chartUp, chartY = 60, 800, 96, 300
	charWide                               = 7
)

// drawChart draws one figure in colours that the page's styles name, so that they fit a
// light and a dark page, and paper.
func drawChart(series []model.Series, all []Mark, from, to time.Time) chart {
	var b strings.Builder
	c := canvas{from: from, to: to, unit: series[0].Unit}
	c.top = c.scale(series)
	x := func(t time.Time) float64 {
		return chartLeft + min(1, max(0, float64(t.Sub(from))/float64(max(1, to.Sub(from)))))*(chartRight-chartLeft)
	}
	y := func(v float64) float64 { return chartY - min(1, max(0, v/c.top))*(chartY-chartUp) }
	say := func(class string, x, y float64, anchor, words string) {
		fmt.Fprintf(&b, `<text class="%s" x="%.1f" y="%.1f" text-anchor="%s">%s</text>`, class, x, y, anchor, template.HTMLEscapeString(text.Clean(words)))
	}
	line := func(class string, x1, y1, x2, y2 float64) {
		fmt.Fprintf(&b, `<line class="%s" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`, class, x1, y1, x2, y2)
	}
	title := titleOf(&series[0])
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" role="img" aria-label="%s">`, chartWide, chartHigh, template.HTMLEscapeString(title))
	for n := range 5 {
		v := c.top * float64(n) / 4
		line("grid", chartLeft, y(v), chartRight, y(v))
		say("axis", chartLeft-6, y(v)+4, "end", c.value(v))
	}
	step := tick(from, to)
	for t := from.UTC().Truncate(step).Add(step); !t.After(to); t = t.Add(step) {
		line("axis", x(t), chartY, x(t), chartY+4)
		say("axis", x(t), chartY+18, "middle", t.UTC().Format("15:04"))
	}
	if l := series[0].Limit; l > 0 && l <= c.top {
		line("limit", chartLeft, y(l), chartRight, y(l))
		say("limit", chartRight+6, y(l)+4, "start", "limit "+c.value(l))
	}
	var rows labelRows
	var labels []func() // after all lines, which pass behind them
	for _, m := range within(all, from, to) {
		words := shortened(m.words("15:04"), 60)
		wide := float64(len([]rune(words))) * charWide
		left := min(x(m.At)+3, chartWide-4-wide)
		row := rows.place(left, wide)
		line("mark "+markClass[m.Kind], x(m.At), float64(6+15*row), x(m.At), chartY)
		labels = append(labels, func() { say("mark "+markClass[m.Kind], left, float64(16+15*row), "start", words) })
	}
	for _, l := range labels {
		l()
	}
	for n, s := range series {
		fmt.Fprintf(&b, `<path class="series s%d" d="%s"/>`, n%6, pathOf(s, x, y))
	}
	b.WriteString(`</svg><p class="legend">`)
	for n, s := range series {
		fmt.Fprintf(&b, `<span class="s%d">%s</span> `, n%6, template.HTMLEscapeString(text.Clean(s.Component)))
	}
	b.WriteString(`</p>`)
	return chart{Title: title, SVG: template.HTML(b.String())} //nolint:gosec // each text in it is escaped above
}

// markClass is how the styles call a kind of mark.
var markClass = map[string]string{"onset": "bad", "release": "release", "rollback": "back", "rolled out": "back", "recovery": "good"}

// shortened is words within so many characters.
func shortened(words string, most int) string {
	if r := []rune(words); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return words
}

// pathOf is a series as a path: a gap where more than two steps are missing.
func pathOf(s model.Series, x func(time.Time) float64, y func(float64) float64) string {
	var b strings.Builder
	gap := 2 * stepOf(s.Samples)
	for n, v := range s.Samples {
		move := "L"
		if n == 0 || v.At.Sub(s.Samples[n-1].At) > gap {
			move = "M"
		}
		fmt.Fprintf(&b, "%s%.1f %.1f", move, x(v.At), y(v.V))
	}
	return b.String()
}
