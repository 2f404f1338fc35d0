package ui

import (
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"rollbook/incident"
	"rollbook/model"
)

// assess is the first page: the board, and what is wrong with the component
// under the cursor.
type assess struct {
	base
	filter    field
	filtering bool // the filter is being typed
	top       int  // first row shown
	shown     int  // rows shown last, for paging
}

func newAssess(s *scope) *assess { return &assess{base: base{s}, filter: newField(fieldMax)} }

func (a *assess) Title() string { return "1 Assess" }

func (a *assess) rows() []*row { return a.d.filtered(a.filter.String()) }

func (a *assess) typing() bool { return a.filtering }

// filterKeys are all that is not text while the filter is typed.
func (a *assess) filterKeys() []Key {
	by := func(n int) func() tea.Cmd { return func() tea.Cmd { a.filtering = false; return a.move(n) } }
	return []Key{
		{Keys: []string{"enter", "tab"}, Name: "keep", Help: "show only the components that match", Main: true, do: func() tea.Cmd { a.filtering = false; return nil }},
		{Keys: []string{"esc"}, Name: "show all", Help: "clear the filter", do: func() tea.Cmd { a.filtering = false; a.filter.clear(); return nil }},
		{Keys: []string{"up"}, Show: "↑", Name: "up", Help: "keep it, and to the component above", Hide: true, do: by(-1)},
		{Keys: []string{"down"}, Show: "↓", Name: "down", Help: "keep it, and to the component below", Hide: true, do: by(1)},
	}
}

func (a *assess) Keys() []Key {
	if a.filtering {
		return a.filterKeys()
	}
	by := func(n int) func() tea.Cmd { return func() tea.Cmd { return a.move(n) } }
	keys := []Key{
		a.nextKey("decide", "go to the decision; the incident's journal begins there"),
		{Keys: []string{"d"}, Name: "details", Help: "all that is known of the component, with the queries", Disabled: func(*incident.Snapshot) string {
			if a.row() == nil {
				return "no component is seen yet"
			}
			return ""
		}, do: func() tea.Cmd { return a.open(newDetails(a.scope, a.focus)) }},
	}
	look := a.componentKeys()
	keys = append(append(keys, look[0], a.briefKey()), look[1:]...)
	return append(keys,
		Key{Keys: []string{"/"}, Name: "filter", Help: "show only components whose name holds the words; esc shows all", Hide: len(a.d.rows) < 8, Types: true,
			do: func() tea.Cmd { a.filtering = true; return nil }},
		Key{Keys: []string{"up", "k"}, Show: "↑", Name: "up", Help: "the component above", Hide: true, do: by(-1)},
		Key{Keys: []string{"down", "j"}, Show: "↓", Name: "down", Help: "the component below", Hide: true, do: by(1)},
		Key{Keys: []string{"pgup"}, Name: "page up", Help: "a page up", Hide: true, do: func() tea.Cmd { return a.move(-max(1, a.shown)) }},
		Key{Keys: []string{"pgdown"}, Show: "pgdn", Name: "page down", Help: "a page down", Hide: true, do: func() tea.Cmd { return a.move(max(1, a.shown)) }},
		Key{Keys: []string{"home", "g"}, Show: "home", Name: "worst", Help: "to the worst component", Hide: true, do: by(-1 << 20)},
		Key{Keys: []string{"end", "G"}, Show: "end", Name: "last", Help: "to the last component", Hide: true, do: by(1 << 20)},
		Key{Keys: []string{"esc"}, Name: "show all", Help: "clear the filter", Hide: a.filter.String() == "", do: func() tea.Cmd { a.filter.clear(); return nil }},
		a.endKey(),
	)
}

func (a *assess) move(by int) tea.Cmd {
	rows := a.rows()
	if len(rows) == 0 {
		return nil
	}
	at := max(0, indexOf(rows, a.focus))
	a.focus = rows[max(0, min(len(rows)-1, at+by))].c.ID
	return nil
}

func (a *assess) Update(msg tea.KeyPressMsg) (tea.Cmd, bool) {
	if !a.filtering || !a.filter.key(msg) {
		return nil, false
	}
	a.toMatch()
	return nil, true
}

func (a *assess) paste(text string) {
	if a.filtering {
		a.filter.insert(text)
		a.toMatch()
	}
}

// toMatch moves the focus to a component that the filter shows.
func (a *assess) toMatch() {
	if rows := a.rows(); len(rows) > 0 && indexOf(rows, a.focus) < 0 {
		a.focus = rows[0].c.ID
	}
}

func (a *assess) Says() sentence {
	c := a.snap.Seen.Cluster
	switch {
	case c.Heard.IsZero() && c.Err != "":
		return sentence{bad, "No answer from " + nonEmpty(c.To, "the cluster") + ": " + c.Err}
	case c.Heard.IsZero():
		return sentence{warn, "Connecting to " + nonEmpty(c.To, "the cluster") + ", " + model.Short(a.trying(c)) + " so far."}
	case len(a.snap.Seen.Board) == 0 && a.snap.Seen.Identity.ListPods != "":
		return sentence{bad, a.snap.Seen.Identity.ListPods}
	case len(a.snap.Seen.Board) == 0:
		return sentence{warn, "The cluster answers; no workload is seen in " + a.inc().Settings.Namespace + " yet."}
	}
	return a.verdict(a.d.headline)
}

// How urgent a headline is, by its kind; after a rollback by what came of that.
var (
	headLevels = [...]level{incident.HeadUnknown: warn, incident.HeadCalm: calm, incident.HeadWatch: calm, incident.HeadWithin: bad,
		incident.HeadNow: alarm, incident.HeadNothing: alarm, incident.HeadAfter: calm, incident.HeadEnded: calm, incident.HeadEndedOver: bad}
	afterLevels = [...]level{incident.AfterNothing: calm, incident.AfterVerified: fine, incident.AfterBetter: fine, incident.AfterUnknown: warn,
		incident.AfterSettling: calm, incident.AfterStopped: warn, incident.AfterNoBetter: bad, incident.AfterWorse: alarm}
)

// verdict is a headline as the sentence that Assess and Decide end in.
func (s *scope) verdict(h incident.Headline) sentence {
	level, rest := headLevels[h.Kind], ""
	switch h.Kind {
	case incident.HeadEnded, incident.HeadEndedOver:
		if s.inc().Closed.IsZero() {
			h.How += s.keyed(" (x reopens it)")
		}
	case incident.HeadAfter:
		level = afterLevels[h.After]
	case incident.HeadCalm:
		if h.Alert != nil {
			level, rest = warn, " for "+age(s.snap.Now, h.Alert.Since)
		}
		rest += s.keyed(" · if users report something: 2, D3")
	}
	return sentence{level, h.String() + rest}
}

func (s *scope) trying(c model.Connection) time.Duration {
	since := c.Trying
	if since.IsZero() {
		since = s.start
	}
	if since.IsZero() {
		return 0
	}
	return max(0, s.snap.Now.Sub(since))
}

func nonEmpty(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func (a *assess) View(w, h int) []string {
	top := a.notice(w, h)
	return append(top, a.body(w, h-len(top))...)
}

// notice says that the team's configuration is not used: the limits that stand
// on this page may be others than the team agreed on.
func (a *assess) notice(w, h int) []string {
	why := a.snap.Seen.ConfigE
	if why == "" {
		return nil
	}
	lines := a.pen.wrap("Configuration in the cluster not used: "+why, w-4, max(1, min(3, h/6)))
	for i, l := range lines {
		sign := "  "
		if i == 0 {
			sign = "⚠ "
		}
		lines[i] = " " + paint(a.pen.Warn, a.pen.say(sign)+l)
	}
	return lines
}

func (a *assess) body(w, h int) []string {
	if text := a.session.nothing; len(a.d.rows) == 0 && text != "" {
		return a.pen.block([]string{"", "   " + text}, w, h)
	}
	if len(a.d.rows) == 0 {
		return a.pen.block(a.waiting(w), w, h)
	}
	rows := a.boardH(h)
	out := a.pen.block(a.board(w, rows), w, rows)
	if w < wideWidth {
		return append(out, a.below(w, h-rows)...)
	}
	return append(append(out, ""), a.wide(w, h-rows-1)...)
}

// below is what stands below the board on a narrow screen: the figure that this is
// about as it went, and what is wrong with the component. Of the room that words leave
// the chart takes all; one that shows no figure that is or was over its limit is there only
// where they leave room for it, and so is the blank line above.
func (a *assess) below(w, h int) []string {
	const words = 3 // at least
	r := a.row()
	if r == nil || h-chartLeast < words {
		return append([]string{""}, a.detail(r, w, h-1, false)...)
	}
	// The component's name stands above the chart.
	text := a.detail(r, w, h-chartLeast+1, true)
	lead := a.measures(r)[0]
	flat := lead.run.State != model.TriYes && a.inc().Trigger(r.c.ID, lead.kind) == nil
	if whole := a.detailOf(r, w, detailed{alerts: alertsShown, since: true}); flat && len(whole) > len(text) {
		return append([]string{""}, a.detail(r, w, h-1, false)...)
	}
	var out []string
	if len(text)+chartLeast <= h {
		out = []string{""}
	}
	chart := a.leading(r, w, min(h-words, h-len(text)+1)-len(out))
	if chart == nil {
		return append([]string{""}, a.detail(r, w, h-1, false)...)
	}
	return append(append(out, chart...), text[1:]...)
}

// wide is what stands below the board on a wide screen: both figures as they went at
// the left, the component at the right, and on the widest what happened beside it.
func (a *assess) wide(w, h int) []string {
	cols, r := widths(w), a.row()
	if len(cols) > 2 {
		return a.pen.side([][]string{a.charts(r, cols[0], h, chartHigh), a.fullDetail(cols[1], h), a.aside(cols[2], h)}, cols, h)
	}
	left := a.charts(r, cols[0], h, chartMost)
	if room := h - len(left) - 1; room > 2 {
		left = append(append(left, ""), a.lately(cols[0], room)...)
	}
	return a.pen.side([][]string{left, a.fullDetail(cols[1], h)}, cols, h)
}

// boardH is how many lines of a body of h the board gets: what it needs, up to a
// third.
func (a *assess) boardH(h int) int {
	return min(len(a.rows()), max(4, h/3)) + a.headH()
}

// headH is how many lines stand above the board's first row.
func (a *assess) headH() int {
	if a.filtering || a.filter.String() != "" {
		return 2
	}
	return 1
}

// visible says which rows a board of h lines shows: from which on, and how many.
func (a *assess) visible(h int) (top, n int) {
	rows := a.rows()
	n = max(1, h-a.headH())
	at := max(0, indexOf(rows, a.focus))
	top = window(a.top, at, len(rows), n)
	if at == top+n-1 && at < len(rows)-1 {
		top++ // the last line says how many more there are
	}
	return top, n
}

// Scroll keeps the component in focus on the board.
func (a *assess) Scroll(w, h int) {
	a.top, a.shown = a.visible(a.boardH(h - len(a.notice(w, h))))
}

// waiting is the page while there is nothing to show: what is being tried, and
// for how long.
func (a *assess) waiting(w int) []string {
	p := a.pen
	out := []string{""}
	line := func(name string, c model.Connection) {
		var text string
		style := p.Warn
		switch {
		case c.Off != "":
			style, text = p.Dim, "– "+c.Off
		case c.Heard.IsZero():
			text = "○ trying " + c.To + " for " + model.Short(a.trying(c))
		case c.Lost(a.snap.Now, incident.ClusterFresh):
			style, text = p.Bad, "✗ nothing heard from "+c.To+" for "+age(a.snap.Now, c.Heard)
		default:
			style, text = p.Good, "✓ "+c.To+" answers"
		}
		out = append(out, p.hang("   "+p.cell(name, 12, p.Strong), text, w, 0, style)...)
		for _, l := range p.wrap(c.Err, w-16, 0) {
			if l != "" {
				out = append(out, spaces(15)+l)
			}
		}
	}
	line("Kubernetes", a.snap.Seen.Cluster)
	line("Prometheus", a.snap.Seen.Metrics)
	if why := a.snap.Seen.Identity.ListPods; why != "" {
		out = append(append(out, ""), p.hang("   "+paint(p.Bad, p.say("✗ ")), why, w, 0, p.Plain)...)
	}
	if !a.snap.Seen.Cluster.Heard.IsZero() {
		out = append(out, "", "   No workload in namespace "+paint(p.Strong, a.inc().Settings.Namespace)+" yet.")
	}
	return out
}

// board is the table of components.
func (a *assess) board(w, h int) []string {
	p := a.pen
	var out []string
	if a.filtering {
		out = append(out, " "+paint(p.Strong, "/")+a.filter.view(p, min(40, w-4))+paint(p.Dim, "  enter keeps it, esc shows all"))
	} else if f := a.filter.String(); f != "" {
		out = append(out, " "+paint(p.Strong, p.fit("/"+f, w/2))+paint(p.Dim, "  esc shows all"))
	}
	rows := a.rows()
	cols := columns(w, a.d)
	out = append(out, p.boardHead(cols, a.metricsTrouble(), len(rows)))
	if len(rows) == 0 {
		return append(out, "", "   no component matches "+strings.TrimSpace(a.filter.String()))
	}
	top, n := a.visible(h)
	end := min(len(rows), top+n)
	for i := top; i < end; i++ {
		out = append(out, p.boardRow(cols, rows[i], rows[i].c.ID == a.focus, a.snap))
	}
	if more := len(rows) - end; more > 0 {
		// The last line says how many are below, so that a cut table does not
		// pass for the whole.
		out[len(out)-1] = paint(p.Dim, p.say("   ↓ ")+itoa(int64(more+1))+" more; / filters")
	}
	return out
}

// metricsTrouble says why the figures are missing or old, for the table's head.
func (a *assess) metricsTrouble() string {
	m := a.snap.Seen.Metrics
	switch {
	case strings.HasPrefix(m.Off, "no "):
		return m.Off
	case m.Off != "":
		return "no figures: " + m.Off
	case m.Heard.IsZero() && m.Err != "":
		return "no figures: " + m.Err
	case m.Heard.IsZero() && m.To != "":
		return "asking Prometheus, " + model.Short(a.trying(m))
	case m.Err != "" && m.Lost(a.snap.Now, a.inc().Settings.Fresh()):
		return "Prometheus silent for " + age(a.snap.Now, m.Heard)
	}
	return ""
}
