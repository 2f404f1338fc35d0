package ui

import (
	"cmp"
	"fmt"
	"slices"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"rollbook/incident"
	"rollbook/model"
)

// choose is the third page: what to roll back, and to which revision.
type choose struct {
	base
	marked map[string]string // key of the version under the cursor, by component
	chosen map[string]string // key of the version that was chosen when it was looked at last, by component
	top    int               // of the list of components
	revTop int
	schema bool // the table below is that of the component's migrations
}

func newChoose(s *scope) *choose {
	return &choose{base: base{s}, marked: map[string]string{}, chosen: map[string]string{}}
}

func (c *choose) Title() string { return "3 Choose" }

// Follow looks at a chosen component first: what is proposed is what the
// operator came for.
func (c *choose) Follow() {
	for _, ch := range c.inc().Choices { // what is chosen by another key is looked at
		if ch.Role == model.RoleRelease && c.chosen[ch.Component] != ch.To.Key {
			c.chosen[ch.Component] = ch.To.Key
			delete(c.marked, ch.Component)
		}
	}
	if t := c.inc().Triggers; len(c.inc().Choices) == 0 && len(t) > 0 && c.inc().Step == incident.Choose && c.marked[""] == "" {
		c.marked[""], c.focus = "seen", t[0].Component // what fails, where nothing is chosen
	}
	if len(c.inc().Choices) > 0 && c.inc().Step == incident.Choose && c.marked[""] == "" {
		c.marked[""] = "seen" // once per visit of the program
		c.focus = c.inc().Choices[0].Component
	}
}

// history returns what can be chosen from: by the chosen method, where one is.
func (c *choose) history() *model.History {
	if ch := c.choice(); ch != nil {
		return c.snap.History(ch)
	}
	return c.snap.Seen.History[c.slot()]
}

// method returns by which method the component goes back, or would, and what that is
// called: where the way is not known any more, by the name that the journal has.
func (c *choose) method() (name model.Method, title string) {
	if w := c.snap.SchemaWay(c.focus); w != nil && c.onSchema() {
		return w.Method, w.Title
	}
	ways := c.snap.Ways(c.focus)
	if ch := c.choice(); ch != nil {
		name = ch.Method
	} else if len(ways) > 0 {
		name = ways[0].Method
	}
	for _, w := range ways {
		if w.Method == name {
			return name, w.Title
		}
	}
	return name, string(name)
}

// otherWay returns the way after the chosen one, round from the last to the first; nil
// when there is no other.
func (c *choose) otherWay() *incident.Way {
	if c.onSchema() {
		return nil
	}
	ways := c.snap.Ways(c.focus)
	name, _ := c.method()
	at := slices.IndexFunc(ways, func(w incident.Way) bool { return w.Method == name })
	if next := (at + 1) % max(1, len(ways)); len(ways) > 0 && next != at {
		return &ways[next]
	}
	return nil
}

// wayKey goes back by another method.
func (c *choose) wayKey() Key {
	key := Key{Keys: []string{"b"}, Name: "by another way", Acts: true, Hide: true, Help: "go back by another method that is configured for the component",
		Disabled: func(*incident.Snapshot) string {
			if c.otherWay() == nil {
				return "no other way back is configured for " + c.focus
			}
			return ""
		}, do: func() tea.Cmd {
			return c.send(incident.UseMethod{Component: c.focus, Method: c.otherWay().Method})
		}}
	if w := c.otherWay(); w != nil {
		key.Name, key.Hide = "by "+w.Title, false
	}
	return key
}

// slot is what the cursor is on.
func (c *choose) slot() model.Slot {
	if c.onSchema() {
		return incident.Schema(c.focus)
	}
	return model.Release(c.focus)
}

// choice is what is chosen for it, or nil.
func (c *choose) choice() *incident.Choice { return c.inc().Choice(c.slot()) }

// cursor is the index of the version under the cursor: the one that the operator
// moved to, else the chosen one, else the running one.
func (c *choose) cursor() int {
	h := c.history()
	if h == nil || len(h.Candidates) == 0 {
		return -1
	}
	want := c.marked[c.mark()]
	if ch := c.choice(); want == "" && ch != nil {
		want = ch.To.Key
	}
	if want == "" && c.onSchema() {
		if m := c.snap.MigrationsSince(c.focus); m != nil {
			want = m.Head // where the code of the chosen release ends
		}
	}
	if at := slices.IndexFunc(h.Candidates, func(r model.Candidate) bool { return r.Key == want }); at >= 0 {
		return at
	}
	// Nothing is led to that nobody knows to be good.
	return max(0, slices.IndexFunc(h.Candidates, func(r model.Candidate) bool { return r.Current }))
}

func (c *choose) version() *model.Candidate {
	if i := c.cursor(); i >= 0 {
		return &c.history().Candidates[i]
	}
	return nil
}

// taken says whether enter has nothing left to pick here.
func (c *choose) taken() bool {
	r, ch := c.version(), c.choice()
	return r == nil || ch == nil || ch.To.Key == r.Key
}

// written says whether what was chosen was written and runs now, while the cursor is
// on it.
func (c *choose) written() bool {
	r, ch := c.version(), c.choice()
	return r != nil && ch != nil && r.Current && ch.To.Key == r.Key && slices.ContainsFunc(c.inc().Standing(), func(s incident.Standing) bool {
		return s.Write.Plan.Slot() == ch.Slot && s.Write.Plan.To.Key == ch.To.Key && !s.Write.Receipt.At.IsZero()
	})
}

func (c *choose) Keys() []Key {
	if c.onSchema() {
		return c.schemaKeys()
	}
	next := c.nextKey("confirm", "take the marked version, then go on to the checks and the confirmation; nothing is written yet")
	switch r := c.version(); {
	case c.written():
		next.Disabled = func(*incident.Snapshot) string {
			if len(c.inc().Open()) > 0 {
				return c.d.blocked
			}
			return "what was chosen runs now, as " + r.Label + "; mark another one to go back further"
		}
	case !c.taken():
		next.Name, next.Turns = "take "+cmp.Or(r.Tag, r.Short), false
		next.Disabled = func(*incident.Snapshot) string {
			if r.Current {
				return r.Label + " is the running one"
			}
			return r.Refused
		}
		next.do = func() tea.Cmd { return c.send(incident.Pick{Component: c.focus, To: r.Key}) }
	}
	space := "select"
	if c.choice() != nil {
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
			return c.send(incident.Select{Component: c.focus, On: c.choice() == nil})
		}},
		{Keys: []string{"tab"}, Name: "next component", Help: "the next component", do: func() tea.Cmd { return c.turn(1) }},
		{Keys: []string{"shift+tab"}, Name: "component before", Help: "the component before", Hide: true, do: func() tea.Cmd { return c.turn(-1) }},
		{Keys: []string{"up", "k"}, Show: "↑", Name: "up", Help: "the newer version", Hide: true, do: func() tea.Cmd { return c.move(-1) }},
		{Keys: []string{"down", "j"}, Show: "↓", Name: "down", Help: "the older version", Hide: true, do: func() tea.Cmd { return c.move(1) }},
		{Keys: []string{"d"}, Name: "full diff", Help: "the whole difference between what runs and the marked version", Disabled: func(*incident.Snapshot) string {
			switch {
			case c.unreadable() != "":
				return c.unreadable()
			case c.version() == nil || c.row() == nil:
				return "no version is marked"
			}
			return ""
		}, do: func() tea.Cmd { return c.open(newDiff(c.scope, c.row().c, c.version().Version)) }},
		c.wayKey(), c.schemaKey(), c.backKey(), c.endKey(),
	}, c.componentKeys()...)
}

func (c *choose) move(by int) tea.Cmd {
	h := c.history()
	if h == nil || len(h.Candidates) == 0 {
		return nil
	}
	at := max(0, min(len(h.Candidates)-1, c.cursor()+by))
	c.marked[c.mark()] = h.Candidates[at].Key
	return nil
}

// list is the components, what is chosen first.
func (c *choose) list() []*row {
	var out []*row
	for _, ch := range c.releases() {
		if r := c.d.byID[ch.Component]; r != nil {
			out = append(out, r)
		}
	}
	for _, r := range c.d.rows {
		if c.inc().Choice(model.Release(r.c.ID)) == nil {
			out = append(out, r)
		}
	}
	return out
}

// releases are what is chosen on this page: what helps another write on, or puts
// something back, is chosen by its own key.
func (c *choose) releases() []incident.Choice {
	return slices.DeleteFunc(slices.Clone(c.inc().Choices), func(ch incident.Choice) bool { return ch.Role != model.RoleRelease })
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
	if c.onSchema() {
		return c.schemaSays()
	}
	h, r := c.history(), c.version()
	ch := c.choice()
	switch {
	case c.d.blocked != "" && ch == nil:
		return sentence{warn, c.upper(c.d.blocked) + c.keyed(": space selects a component") + "."}
	case ch != nil && h != nil && h.Err != "":
		return sentence{bad, "No history of " + c.focus + ": " + h.Err}
	case ch != nil && h == nil:
		return sentence{calm, "Reading the history of " + c.focus + "…"}
	case c.written():
		text := c.upper(ch.To.Name()) + " of " + c.focus + " was written and runs now."
		if ch.To.Label != r.Label {
			text = fmt.Sprintf("%s of %s was written; it runs as %s now.", c.upper(ch.To.Name()), c.focus, r.Label)
		}
		return sentence{calm, text}
	case r != nil && ch != nil && r.Key != ch.To.Key:
		text := c.upper(r.Name()) + " is marked" + c.keyed("; enter takes it") + "."
		if r.Current {
			text = nonEmpty(c.keyed("Mark another version, and take it with enter."), stop(c.upper(c.d.blocked)))
		}
		if ch.To.IsZero() && ch.Why != "" {
			text = stop(c.upper(ch.Why)) + " " + text
		}
		return sentence{warn, text}
	}
	if ch != nil && !ch.To.IsZero() {
		if why := c.against(h, ch.To.Key); why != "" {
			return sentence{bad, c.upper(why) + "."}
		}
		if why := c.d.blocked; why != "" {
			return sentence{warn, c.upper(why) + "."}
		}
		text := fmt.Sprintf("%s: %s", c.focus, way(c.from(*ch), ch.To))
		if n := len(c.releases()); n > 1 {
			text += fmt.Sprintf(", with %d more", n-1)
		}
		if k := incident.HelpCheck(c.snap, *ch); k != nil && k.State == model.CheckWarning {
			return sentence{warn, text + ": " + k.Text}
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
	return sentence{calm, c.focus + " is not selected" + c.keyed("; space selects it") + "."}
}

// Scroll keeps the component in focus and the marked revision in view.
func (c *choose) Scroll(w, h int) {
	comps, revs := c.heights(w, h)
	rows := c.list()
	c.top = window(c.top, max(0, indexOf(rows, c.focus)), len(rows), max(1, comps-1))
	if hist := c.history(); hist != nil {
		c.revTop = window(c.revTop, c.cursor(), len(hist.Candidates), max(1, revs-1))
	}
}

// components lists what can be rolled back, and what of it is selected.
func (c *choose) components(w, h int) []string {
	p, rows := c.pen, c.list()
	chosen := len(c.releases())
	head := fmt.Sprintf(" %d of %d components selected", chosen, len(rows))
	_, title := c.method()
	method := ""
	if title != "" {
		method = "by " + title + " "
	}
	if other := c.otherWay(); other != nil {
		method = "by " + title + c.keyed(" (b: "+other.Title+")") + " "
	}
	out := []string{p.pad(paint(p.Dim, head), w-ansi.StringWidth(method)) + paint(p.Dim, method)}
	n := max(1, h-1)
	at := max(0, indexOf(rows, c.focus))
	top := window(c.top, at, len(rows), n)
	nw, pw := 12, 0
	for _, r := range rows {
		nw = max(nw, ansi.StringWidth(r.c.ID))
	}
	nw = min(nw, max(12, w/3))
	for _, ch := range c.releases() {
		n := ansi.StringWidth(c.planned(ch))
		if s := c.inc().Choice(incident.Schema(ch.Component)); s != nil {
			n += ansi.StringWidth(", schema " + way(s.From, s.To))
		}
		pw = max(pw, min(n, w-nw-16))
	}
	for i := top; i < min(len(rows), top+n); i++ {
		r := rows[i]
		mark, style := "   ", p.Plain
		if i == at {
			mark, style = paint(p.Note, p.say(" ▸ ")), p.Note
		}
		box, plan := "[ ]", ""
		if ch := c.inc().Choice(model.Release(r.c.ID)); ch != nil {
			box, plan = "[x]", c.planned(*ch)
			if s := c.inc().Choice(incident.Schema(r.c.ID)); s != nil {
				plan += ", schema " + way(s.From, s.To)
			}
		}
		why := c.changedWords(r)
		out = append(out, mark+box+" "+p.name(r.c.ID, nw, style)+"  "+p.cell(plan, pw, p.Strong)+"  "+p.fit(why, w-nw-pw-11))
	}
	return out
}
