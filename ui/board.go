package ui

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"rollbook/incident"
	"rollbook/model"
)

// boardCols are the widths of the board's columns; 0 = not shown.
type boardCols struct {
	name, pods, tag, age, errors, errSpark, p95, p95Spark, over, alert int
}

// The least and the most that columns of the board take. Nobody sees anything in a
// sparkline of fewer cells.
const (
	nameLeast, tagLeast, tagMost = 12, 6, 20
	errSparkLeast, p95SparkLeast = 6, 5
	sparkMost, alertW, tagAt80   = 30, 5, 8
)

// columns fits the table into w cells. At 80 all of it is there, below that the
// columns go by importance; above it names and tags are whole, and the sparklines get
// what is left. The column for alerts is there when any fires.
func columns(w int, d *derived) boardCols {
	c := boardCols{pods: 7, tag: min(tagMost, max(tagLeast, d.tagW)), age: 4, errors: 6, errSpark: errSparkLeast, p95: 6, p95Spark: p95SparkLeast, over: 7}
	if w < 100 {
		c.tag = min(c.tag, tagAt80)
	}
	if d.alerts {
		c.alert = alertW
	}
	room := func() int {
		used := 3
		for _, n := range []int{c.pods, c.tag, c.age, c.errors, c.p95, c.over, c.alert} {
			if n > 0 {
				used += n + 2
			}
		}
		for _, n := range []int{c.errSpark, c.p95Spark} {
			if n > 0 {
				used += n + 1
			}
		}
		return w - used
	}
	drops := []*int{&c.p95Spark, &c.errSpark, &c.age, &c.alert, &c.tag}
	if d.alerts {
		drops = []*int{&c.age, &c.p95Spark, &c.errSpark, &c.alert, &c.tag}
	}
	for _, drop := range drops {
		if room() < nameLeast {
			*drop = 0
		}
	}
	c.name = max(6, room())
	// What names do not need is the sparklines'.
	left := c.name - max(nameLeast, d.nameW)
	for _, s := range []struct {
		spark *int
		share int
	}{{&c.errSpark, (left + 1) / 2}, {&c.p95Spark, left / 2}} {
		if *s.spark > 0 && left > 0 {
			more := min(s.share, sparkMost-*s.spark)
			*s.spark += more
			c.name -= more
		}
	}
	c.name = min(c.name, max(nameLeast, d.nameW)) // a row with a hole in it is not read as one
	return c
}

// both returns the width from behind the errors' figure to the end of the P95's column:
// there stand words that are about both.
func (c boardCols) both() int {
	w := c.p95
	for _, spark := range []int{c.errSpark, c.p95Spark} {
		if spark > 0 {
			w += spark + 1
		}
	}
	return w
}

func (c boardCols) line(p *pen, mark string, name, pods, tag, age, errors, p95, over, alert string) string {
	var b strings.Builder
	b.WriteString(mark)
	b.WriteString(name)
	for _, col := range []struct {
		w    int
		text string
	}{{c.pods, pods}, {c.tag, tag}, {c.age, age}, {c.errors, errors}, {c.p95, p95}, {c.over, over}, {c.alert, alert}} {
		if col.w > 0 {
			b.WriteString("  ")
			b.WriteString(col.text)
		}
	}
	return b.String()
}

// nameHead returns the head of the column of names: of many components it says how many.
func nameHead(n int) string {
	if n > 7 {
		return itoa(int64(n)) + " COMPONENTS"
	}
	return "COMPONENT"
}

func (p *pen) boardHead(c boardCols, trouble string, n int) string {
	head := func(s string, w int) string { return p.right(s, w, p.Dim) }
	spark := func(s string, w, sw int) string {
		if sw > 0 {
			return p.right(s, w, p.Dim) + spaces(sw+1)
		}
		return p.right(s, w, p.Dim)
	}
	name := p.firstFit(c.name, nameHead(n), itoa(int64(n))+" NAMES")
	if trouble != "" {
		// One cell for all that has to do with figures: why there are none.
		line := "   " + p.cell(name, c.name, p.Dim) + "  " + p.cell("PODS", c.pods, p.Dim)
		if c.tag > 0 {
			line += "  " + p.cell("TAG", c.tag, p.Dim)
		}
		if c.age > 0 {
			line += "  " + head("AGE", c.age)
		}
		w := c.errors + c.p95 + c.over + 4
		if c.errSpark > 0 {
			w += c.errSpark + 1
		}
		if c.p95Spark > 0 {
			w += c.p95Spark + 1
		}
		if c.alert > 0 {
			w += c.alert + 2
		}
		return line + "  " + p.cell("⚠ "+trouble, w, p.Warn)
	}
	return c.line(p, "   ", p.cell(name, c.name, p.Dim), p.cell("PODS", c.pods, p.Dim), p.cell("TAG", c.tag, p.Dim), head("AGE", c.age),
		spark("ERRORS", c.errors, c.errSpark), spark("P95", c.p95, c.p95Spark), head("OVER", c.over), head("ALERT", c.alert))
}

func (p *pen) boardRow(c boardCols, r *row, selected bool, s *incident.Snapshot) string {
	mark, name := "   ", p.Plain
	if selected {
		mark, name = paint(p.Note, p.say(" ▸ ")), p.Note
	}
	comp := r.c
	if comp.Missing != "" {
		rest := c.pods + 2 + 3*c.over
		return mark + p.name(comp.ID, c.name, name) + "  " + p.cell("? "+comp.Missing, max(rest, 30), p.Warn)
	}
	since := model.Age(s.Now, comp.RevisionStart)
	if comp.StartGuessed && since != "?" {
		since = "~" + since
	}
	limits := &s.Incident.Settings.Limits
	var errors, p95 string
	stop := (*incident.Stop)(nil)
	if comp.Asleep() {
		stop = s.StopOf(comp.ID)
	}
	switch f := r.f; {
	case stop != nil:
		text := " on purpose"
		if at := stop.Since; !at.IsZero() {
			text += at.UTC().Format(" 15:04")
		}
		errors = p.right("–", c.errors, p.Dim) + p.cell(text, c.both(), p.Warn)
	case f == nil:
		errors, p95 = p.unknownCell(c.errors, c.errSpark, ""), p.unknownCell(c.p95, c.p95Spark, "")
	case f.NotMeasured:
		errors = p.right("–", c.errors, p.Dim) + p.cell(" unmeasured", c.both(), p.Dim)
	case !comp.NoneReady.IsZero() && f.Errors.Now.Value == 0: // what there is, older pods served
		errors = p.right("?", c.errors, p.Bad) + p.cell(" no pod ready", c.both(), p.Bad)
	case unseen(f.Errors) && unseen(f.P95): // the detail has each one's reason
		errors = p.right("?", c.errors, p.Warn) + p.cell(" "+f.Errors.Now.Why, c.both(), p.Warn)
	default:
		errors = p.figureCell(f.Errors, r.Errors, limits.Errors, model.Percent, c.errors, c.errSpark, s)
		p95 = p.figureCell(f.P95, r.P95, limits.P95.Seconds(), model.Seconds, c.p95, c.p95Spark, s)
	}
	pods, over := p.podsCell(r, c.pods), p.overCell(r, c.over, s)
	if stop != nil {
		pods, over = p.cell("stopped", c.pods, p.Warn), p.right("–", c.over, p.Dim)
	}
	return c.line(p, mark, p.name(comp.ID, c.name, name), pods, p.name(nonEmpty(r.tag, "?"), c.tag, p.Plain), p.right(since, c.age, p.Plain),
		errors, p95, over, p.alertCell(r, c.alert, s.Now))
}

// podsCell is ready of desired, then how many there are beyond these while there is
// room for it, with a sign: ✗ a person should look, · on its way, … its pods are
// still being read, ✓ all there.
func (p *pen) podsCell(r *row, w int) string {
	c := r.c
	text, sign, style := itoa(int64(c.Ready))+"/"+itoa(int64(c.Desired)), "✓", p.Plain
	switch {
	case r.fails():
		sign, style = "✗", p.Bad
	case c.Ready < c.Desired || c.Updated < c.Desired || c.Replicas > c.Updated || c.Available < c.Desired:
		sign, style = "·", p.Warn
	case c.Desired == 0:
		sign, style = "–", p.Dim
	case r.reading:
		sign = "…"
	}
	if n := c.Surplus(); n > 0 {
		if more := text + " +" + itoa(int64(n)) + sign; ansi.StringWidth(more) <= w {
			return p.cell(more, w, style)
		}
	}
	return p.cell(text+" "+sign, w, style)
}

// figureCell is a figure with its sparkline. One that is not known says why in
// the sparkline's place, if its samples are not worth more there.
func (p *pen) figureCell(f model.Figure, run incident.Run, limit float64, show func(float64) string, w, sw int, s *incident.Snapshot) string {
	if !f.Now.Known {
		if !unseen(f) {
			return p.right("?", w, p.Warn) + p.sparkCell(f, limit, sw, p.Dim, s)
		}
		return p.unknownCell(w, sw, f.Now.Why)
	}
	style := p.Plain
	switch {
	case run.State == model.TriYes && run.Held:
		style = p.Bad
	case run.State == model.TriYes, run.State == model.TriUnknown:
		style = p.Warn
	}
	return p.right(shown(f.Now, show), w, style) + p.sparkCell(f, limit, sw, style, s)
}

// unseen reports whether the reason why a figure is not known says more than its samples
// do: there are none, or there is no traffic to measure.
func unseen(f model.Figure) bool {
	return !f.Now.Known && f.Now.Why != "" && (len(f.Samples) == 0 || strings.Contains(f.Now.Why, "no traffic"))
}

func (p *pen) sparkCell(f model.Figure, limit float64, sw int, style ansi.Style, s *incident.Snapshot) string {
	if sw == 0 {
		return ""
	}
	return " " + p.spark(f, limit, sw, style, s.Now)
}

func (p *pen) unknownCell(w, sw int, why string) string {
	if sw > 0 {
		return p.right("?", w, p.Warn) + " " + p.cell(why, sw, p.Warn)
	}
	return p.right("?", w, p.Warn)
}

// overCell is how long a figure has been over its limit, or no pod was ready: ✗ as long
// as the trigger asks, ⚠ not yet.
func (p *pen) overCell(r *row, w int, s *incident.Snapshot) string {
	state, d, held := r.over()
	if none := r.c.NoneReady; !none.IsZero() {
		down := s.Now.Sub(none)
		state, d, held = model.TriYes, max(d, down), held || down >= s.Incident.Settings.Limits.NoPod
	} else if r.f != nil && r.f.NotMeasured {
		return p.right("–", w, p.Dim)
	}
	switch {
	case state == model.TriYes && held:
		return p.right("✗ "+model.Short(d), w, p.Bad)
	case state == model.TriYes:
		return p.right("⚠ "+model.Short(d), w, p.Warn)
	case state == model.TriUnknown:
		return p.right("?", w, p.Warn)
	}
	return p.right("–", w, p.Dim)
}
