package ui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"rollbook/incident"
	"rollbook/model"
)

// choose is the third page: what to roll back, and to which revision.
type choose struct {
	base
	marked map[string]int64 // the revision under the cursor, by component
	top    int              // of the list of components
	revTop int
}

func newChoose(s *scope) *choose { return &choose{base: base{s}, marked: map[string]int64{}} }

func (c *choose) Title() string { return "3 Choose" }

// Follow looks at a chosen component first: what is proposed is what the
// operator came for.
func (c *choose) Follow() {
	if len(c.inc().Choices) > 0 && c.inc().Step == incident.Choose && c.marked[""] == 0 {
		c.marked[""] = 1 // once per visit of the program
		c.focus = c.inc().Choices[0].Component
	}
}

func (c *choose) history() *model.History { return c.snap.Seen.History[c.focus] }

// cursor is the index of the revision under the cursor: the one that the
// operator moved to, else the chosen one, else the first that is not running.
func (c *choose) cursor() int {
	h := c.history()
	if h == nil || len(h.Revisions) == 0 {
		return -1
	}
	want := c.marked[c.focus]
	if want == 0 {
		if ch := c.inc().Choice(c.focus); ch != nil {
			want = ch.To
		}
	}
	other := 0
	for i, r := range h.Revisions {
		if r.Number == want {
			return i
		}
		if r.Current && (want != 0 || len(h.Revisions) == 1) {
			// An undo makes a revision anew under the next number: what was chosen
			// is gone, and the one that stands first now may be the bad one.
			other = i
		} else if r.Current && i == 0 {
			other = 1
		}
	}
	return other
}

func (c *choose) revision() *model.Revision {
	if i := c.cursor(); i >= 0 {
		return &c.history().Revisions[i]
	}
	return nil
}

// taken says whether enter has nothing left to pick here.
func (c *choose) taken() bool {
	r, ch := c.revision(), c.inc().Choice(c.focus)
	return r == nil || ch == nil || ch.To == r.Number || c.gone()
}

// gone says whether what was chosen is no longer in the history while the
// cursor is on what runs: it was written.
func (c *choose) gone() bool {
	r, ch, h := c.revision(), c.inc().Choice(c.focus), c.history()
	return r != nil && ch != nil && ch.To != 0 && r.Current && h.Revision(ch.To) == nil
}

func (c *choose) Keys() []Key {
	next := c.nextKey("confirm", "take the marked revision, then go on to the checks and the confirmation; nothing is written yet")
	switch r := c.revision(); {
	case c.gone():
		next.Disabled = func(*incident.Snapshot) string {
			if len(c.inc().Open()) > 0 {
				return c.d.blocked
			}
			return "what was chosen runs now, as revision " + itoa(r.Number) + "; mark another one to go back further"
		}
	case !c.taken():
		next.Name = "take " + itoa(r.Number)
		next.Disabled = func(*incident.Snapshot) string {
			if r.Current {
				return "revision " + itoa(r.Number) + " is the running one"
			}
			return ""
		}
		next.do = func() tea.Cmd { return c.send(incident.Pick{Component: c.focus, To: r.Number}) }
	}
	space := "select"
	if c.inc().Choice(c.focus) != nil {
		space = "deselect"
	}
	return append([]Key{
		next,
		{Keys: []string{"space"}, Name: space, Acts: true, Help: "put the component into the rollback, or take it out", Disabled: func(*incident.Snapshot) string {
			if c.row() == nil {
				return "no component is seen yet"
			}
			return ""
		}, do: func() tea.Cmd {
			return c.send(incident.Select{Component: c.focus, On: c.inc().Choice(c.focus) == nil})
		}},
		{Keys: []string{"tab"}, Name: "next component", Help: "the next component", do: func() tea.Cmd { return c.turn(1) }},
		{Keys: []string{"shift+tab"}, Name: "component before", Help: "the component before", Hide: true, do: func() tea.Cmd { return c.turn(-1) }},
		{Keys: []string{"up", "k"}, Show: "↑", Name: "up", Help: "the newer revision", Hide: true, do: func() tea.Cmd { return c.move(-1) }},
		{Keys: []string{"down", "j"}, Show: "↓", Name: "down", Help: "the older revision", Hide: true, do: func() tea.Cmd { return c.move(1) }},
		{Keys: []string{"d"}, Name: "full diff", Help: "the whole difference between the running template and the marked revision", Disabled: func(*incident.Snapshot) string {
			switch {
			case c.viewer == nil:
				return "this session cannot read from the cluster"
			case c.revision() == nil || c.row() == nil:
				return "no revision is marked"
			}
			return ""
		}, do: func() tea.Cmd { return c.open(newDiff(c.scope, c.row().c, c.revision().Number)) }},
		c.backKey(), c.endKey(),
	}, c.componentKeys()...)
}

func (c *choose) move(by int) tea.Cmd {
	h := c.history()
	if h == nil || len(h.Revisions) == 0 {
		return nil
	}
	at := max(0, min(len(h.Revisions)-1, c.cursor()+by))
	c.marked[c.focus] = h.Revisions[at].Number
	return nil
}

// list is the components, what is chosen first.
func (c *choose) list() []*row {
	var out []*row
	for _, ch := range c.inc().Choices {
		if r := c.d.byID[ch.Component]; r != nil {
			out = append(out, r)
		}
	}
	for _, r := range c.d.rows {
		if c.inc().Choice(r.c.ID) == nil {
			out = append(out, r)
		}
	}
	return out
}

func (c *choose) turn(by int) tea.Cmd {
	// The order is the board's here, so that selecting does not move the cursor.
	rows := c.list()
	if len(rows) == 0 {
		return nil
	}
	at := (max(0, indexOf(rows, c.focus)) + by + len(rows)) % len(rows)
	c.focus = rows[at].c.ID
	c.revTop = 0
	return nil
}

func (c *choose) Says() sentence {
	h, r := c.history(), c.revision()
	ch := c.inc().Choice(c.focus)
	switch {
	case c.d.blocked != "" && ch == nil:
		return sentence{warn, c.upper(c.d.blocked) + "."}
	case ch != nil && h != nil && h.Err != "":
		return sentence{bad, "No history of " + c.focus + ": " + h.Err}
	case ch != nil && h == nil:
		return sentence{calm, "Reading the history of " + c.focus + "…"}
	case c.gone():
		return sentence{calm, fmt.Sprintf("Revision %d of %s was written; it runs as revision %d now.", ch.To, c.focus, r.Number)}
	case r != nil && ch != nil && r.Number != ch.To:
		text := fmt.Sprintf("Revision %d is marked; enter takes it.", r.Number)
		if ch.To == 0 && ch.Why != "" {
			text = stop(c.upper(ch.Why)) + " " + text
		}
		return sentence{warn, text}
	}
	if ch != nil && ch.To != 0 {
		if why := incident.Alike(h, ch.To, c.inc().Settings.Limits); why != "" {
			return sentence{bad, c.upper(why) + "."}
		}
		if why := c.d.blocked; why != "" {
			return sentence{warn, c.upper(why) + "."}
		}
		text := fmt.Sprintf("%s goes back from %d to %d", c.focus, ch.From, ch.To)
		if n := len(c.inc().Choices); n > 1 {
			text += fmt.Sprintf(", with %d more", n-1)
		}
		if ch.Why != "" && !ch.Own {
			text += ": " + ch.Why
		}
		return sentence{fine, text}
	}
	if ch != nil && ch.Why != "" {
		return sentence{warn, c.upper(ch.Why) + "."}
	}
	if c.d.blocked != "" {
		return sentence{warn, c.upper(c.d.blocked) + "."}
	}
	return sentence{calm, c.focus + " is not selected; space selects it."}
}

// upper begins a sentence, unless it begins with a name.
func (s *scope) upper(text string) string {
	first, _, _ := strings.Cut(text, " ")
	if text == "" || s.d.byID[strings.TrimSuffix(first, ":")] != nil || strings.ContainsAny(first, "-/.") {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// stop ends a sentence.
func stop(text string) string {
	if strings.HasSuffix(text, ".") || strings.HasSuffix(text, "?") || text == "" {
		return text
	}
	return text + "."
}

func (c *choose) View(w, h int) []string {
	p := c.pen
	if w >= wideWidth {
		lw := max(78, w*11/20)
		left := append(c.components(lw, min(10, max(3, h/3))), c.revisions(lw, 1<<10)...)
		return p.beside(left, c.change(w-lw-3, h), lw, w, h)
	}
	rows := len(c.list())
	comps := min(rows, max(2, min(4, h/5)))
	out := c.components(w, comps+1)
	h1 := c.history()
	revs := 1
	if h1 != nil {
		revs = min(len(h1.Revisions), max(3, h/3))
	}
	out = append(out, c.revisions(w, revs+1)...)
	return append(out, c.change(w, h-len(out))...)
}

// components lists what can be rolled back, and what of it is selected.
func (c *choose) components(w, h int) []string {
	p, rows := c.pen, c.list()
	chosen := len(c.inc().Choices)
	head := fmt.Sprintf(" %d of %d components selected", chosen, len(rows))
	method := "method: Kubernetes undo "
	out := []string{p.pad(paint(p.Dim, head), w-ansi.StringWidth(method)) + paint(p.Dim, method)}
	n := max(1, h-1)
	at := max(0, indexOf(rows, c.focus))
	c.top = window(c.top, at, len(rows), n)
	nw, pw := 12, 0
	for _, r := range rows {
		nw = max(nw, ansi.StringWidth(r.c.ID))
	}
	nw = min(nw, max(12, w/3))
	for _, ch := range c.inc().Choices {
		pw = max(pw, ansi.StringWidth(planned(ch)))
	}
	for i := c.top; i < min(len(rows), c.top+n); i++ {
		r := rows[i]
		mark, style := "   ", p.Plain
		if i == at {
			mark, style = paint(p.Note, p.say(" ▸ ")), p.Note
		}
		box, plan := "[ ]", ""
		if ch := c.inc().Choice(r.c.ID); ch != nil {
			box, plan = "[x]", planned(*ch)
		}
		why := ""
		for _, s := range c.d.suspects {
			if s.Component == r.c.ID {
				_, why, _ = strings.Cut(s.Text, ", ") // its number stands in the history
			}
		}
		if why == "" && r.rank < rankUnknown && c.replay == nil {
			why = "failing, but not changed in the hour before"
		}
		out = append(out, mark+box+" "+p.name(r.c.ID, nw, style)+"  "+p.cell(plan, pw, p.Strong)+"  "+p.fit(why, w-nw-pw-11))
	}
	return out
}

func planned(ch incident.Choice) string {
	if ch.To == 0 {
		return "no revision yet"
	}
	return fmt.Sprintf("%d → %d", ch.From, ch.To)
}

func (c *choose) revisions(w, h int) []string {
	p, hist := c.pen, c.history()
	out := []string{p.heading("history of "+p.middle(c.focus, w/2), w)}
	switch {
	case c.row() == nil:
		return append(out, "   no component")
	case hist == nil && c.inc().Choice(c.focus) == nil:
		return append(out, paint(p.Dim, "   space selects it and reads its history"))
	case hist == nil || hist.At.IsZero() && hist.Err == "":
		return append(out, "   reading the history…")
	case hist.Err != "":
		for _, l := range p.wrap(hist.Err, w-5, 3) {
			out = append(out, "   "+paint(p.Bad, l))
		}
		return out
	}
	t := newRevTable(w, hist)
	out[0] = t.head(p, w)
	n := max(1, h-1)
	at := c.cursor()
	c.revTop = window(c.revTop, at, len(hist.Revisions), n)
	chosen := int64(0)
	if ch := c.inc().Choice(c.focus); ch != nil {
		chosen = ch.To
	}
	for i := c.revTop; i < min(len(hist.Revisions), c.revTop+n); i++ {
		out = append(out, t.row(p, &hist.Revisions[i], i == at, chosen, c.inc(), c.snap))
	}
	return out
}

// change is what the marked revision changes, and what it does not bring back.
func (c *choose) change(w, h int) []string {
	p, r, hist := c.pen, c.revision(), c.history()
	if r == nil || h < 2 {
		return nil
	}
	cur := "?"
	for _, x := range hist.Revisions {
		if x.Current {
			cur = itoa(x.Number)
		}
	}
	out := []string{p.heading("running "+cur+" → "+itoa(r.Number), w)}
	if r.Current {
		return append(out, "   this is what runs now")
	}
	var tail []string
	ch := c.inc().Choice(c.focus)
	if hist.FiguresErr != "" {
		tail = append(tail, paint(p.Warn, p.say(" ⚠ "))+p.fit("how the revisions behaved is unknown: "+hist.FiguresErr, w-4))
	}
	if why := incident.Alike(hist, r.Number, c.inc().Settings.Limits); why != "" {
		tail = append(tail, paint(p.Bad, p.say(" ✗ "))+p.fit(why, w-4))
	}
	if r.RestartOf != 0 {
		tail = append(tail, paint(p.Warn, p.say(" ⚠ "))+p.fit(fmt.Sprintf("only a restart of revision %d", r.RestartOf), w-4))
	}
	stays := "replicas, contents of ConfigMaps and Secrets, schema"
	if pre := c.snap.Seen.Preflight[c.focus]; pre != nil && pre.Plan != nil && pre.To == r.Number && len(pre.Plan.Stays) > 0 {
		stays = strings.Join(pre.Plan.Stays, ", ")
	}
	for _, l := range p.wrap("not brought back: "+stays, w-2, 2) {
		tail = append(tail, " "+l)
	}
	if ch != nil && ch.Why != "" && ch.To == r.Number {
		for _, l := range p.wrap("proposed: "+ch.Why, w-2, 2) {
			tail = append(tail, " "+paint(p.Dim, l))
		}
	}
	room := max(1, h-1-len(tail))
	out = append(out, p.changeLines(r.Changes, w, room)...)
	return append(out, tail...)
}
