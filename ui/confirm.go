package ui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"rollbook/incident"
	"rollbook/model"
)

// confirm is the fourth page: the preflight, the exact effect, and the word that
// begins it. While the word may be typed, only text, tab, enter, esc and F1 are
// keys.
type confirm struct {
	base
	field field
	shown []string // IDs of the plans on the screen
	said  []string // sentences that were typed for them
	moved bool     // they became others while something was typed
	wrote bool     // the field closed while something was being typed
	at    int      // the marked line of the preflight
	chose bool     // the operator marked it
	top   int
}

func newConfirm(s *scope) *confirm { return &confirm{base: base{s}, field: newField(80)} }

func (c *confirm) Title() string { return "4 Confirm" }

// line is one line of the preflight with whose it is.
type checkLine struct {
	slot model.Slot
	model.Check
}

// Follow notices that a plan is another one than the operator was typing for.
func (c *confirm) Follow() {
	if c.inc().Step != incident.Confirm {
		c.field.clear()
		c.moved, c.wrote, c.shown, c.said, c.chose = false, false, nil, nil, false
		return
	}
	if !c.typingOpen() && c.field.String() != "" {
		c.wrote = true
		c.field.clear()
	}
	var ids []string
	for _, p := range c.plans() {
		ids = append(ids, p.ID)
	}
	if !slices.Equal(ids, c.shown) {
		c.moved = c.field.String() != "" || len(c.said) > 0
		c.field.clear()
		c.shown, c.said = ids, nil
	}
	lines := c.lines()
	if !c.chose { // on what blocks
		c.at = slices.IndexFunc(lines, func(l checkLine) bool {
			return l.State == model.CheckBlocked && !c.inc().Overridden(l.slot, l.Check)
		})
	}
	c.at = max(0, min(len(lines)-1, c.at))
}

// preflights are those of what is chosen, in its order.
func (c *confirm) preflights() []*model.Preflight {
	var out []*model.Preflight
	for _, ch := range c.inc().Open() {
		if p := c.preflight(ch); p != nil {
			out = append(out, p)
		}
	}
	return out
}

// preflight is that of a choice; nil while there is none for the version that is
// chosen now.
func (c *confirm) preflight(ch incident.Choice) *model.Preflight {
	if p := c.snap.Seen.Preflight[ch.Slot]; p != nil && p.To == ch.To.Key {
		return p
	}
	return nil
}

// plans are what will be written, in that order.
func (c *confirm) plans() []model.Plan {
	var out []model.Plan
	for _, p := range c.preflights() {
		out = append(out, p.Plans...)
	}
	return out
}

// word returns what has to be typed now: the sentences of the plans, one after the other,
// and then the word.
func (c *confirm) word() (word string, sentence bool) {
	for _, x := range c.snap.Sentences() {
		if !slices.Contains(c.said, x) {
			return x, true
		}
	}
	return incident.ConfirmWord(c.inc()), false
}

// next returns what has to be typed now.
func (c *confirm) next() string {
	word, _ := c.word()
	return word
}

// purpose is what the confirmation is for.
func (c *confirm) purpose() string {
	if slices.ContainsFunc(c.inc().Open(), func(ch incident.Choice) bool { return ch.Role != model.RoleRelease }) {
		return "to do this"
	}
	return "to roll back"
}

// short returns a version for a column.
func short(v model.Version) string {
	if v.Short == "" {
		return "?"
	}
	return v.Short
}

// named returns what a plan changes, for a heading.
func named(p *model.Plan) string {
	switch p.Role {
	case model.RoleSchema:
		return p.Component + " schema"
	case model.RoleSwitch:
		return p.Component + " replicas"
	case model.RoleMaintenance:
		return "maintenance page"
	}
	return p.Component
}

// fromTo is a plan's way in a column.
func fromTo(p model.Plan) string { return way(p.From, p.To) }

// way is the way from a version to another, by what people call them; the numbers
// that a rollout gives them stand behind it.
func way(from, to model.Version) string {
	numbers := "→ " + short(to)
	if !from.IsZero() {
		numbers = short(from) + " → " + short(to)
	}
	if from.Tag == "" || to.Tag == "" || from.Tag == to.Tag {
		return numbers
	}
	if short(to) == to.Tag { // it has no number beside its name
		return from.Tag + " → " + to.Tag
	}
	return from.Tag + " → " + to.Tag + " (" + numbers + ")"
}

// lines are all lines of the preflight: whether it will help, then what stands
// against going on.
func (c *confirm) lines() []checkLine {
	var out []checkLine
	for _, ch := range c.inc().Open() {
		if c.preflight(ch) == nil {
			continue
		}
		for _, k := range incident.CheckLines(c.snap, ch) {
			out = append(out, checkLine{ch.Slot, k})
		}
	}
	weight := func(l checkLine) int {
		if l.ID == incident.HelpID {
			return -1
		}
		switch l.State {
		case model.CheckBlocked:
			return 0
		case model.CheckWarning:
			return 1
		case model.CheckUnknown:
			return 2
		case model.CheckNote:
			return 3
		}
		return 4
	}
	slices.SortStableFunc(out, func(a, b checkLine) int { return weight(a) - weight(b) })
	return out
}

// typingOpen says whether the field takes text.
func (c *confirm) typingOpen() bool { return c.d.blocked == "" && !c.looks() }

func (c *confirm) Update(msg tea.KeyPressMsg) (tea.Cmd, bool) {
	if len(c.over) > 0 {
		return nil, false
	}
	if c.wrote = c.wrote && !c.rested && !c.typingOpen(); c.wrote {
		return nil, msg.Text != "" // the rest of the word is no command
	}
	if !c.typingOpen() {
		return nil, false
	}
	if c.field.key(msg) {
		c.moved = false
		return nil, true
	}
	switch msg.String() {
	case "enter", "esc", "tab", "shift+tab", "f1", "ctrl+c", "ctrl+y", "ctrl+z":
		return nil, false
	}
	return nil, true
}

// paste takes nothing: the word is typed, so that a slip of the mouse confirms
// nothing.
func (c *confirm) paste(string) {}

func (c *confirm) typing() bool { return c.typingOpen() }

func (c *confirm) Keys() []Key {
	word, sentence := c.word()
	name := strings.TrimPrefix(c.purpose(), "to ")
	if sentence {
		name = "accept"
	}
	keys := []Key{{Keys: []string{"enter"}, Name: name, Main: true, Quiet: true, Acts: true,
		Help: "write the plan, after the word was typed: the component's name in production, y elsewhere",
		Disabled: func(*incident.Snapshot) string {
			switch {
			case c.d.blocked != "":
				return c.d.blocked
			case c.field.String() == "":
				return "type " + word + " first"
			case c.field.String() != word:
				return "“" + c.field.String() + "” is not " + word + ": ctrl+u empties the field"
			}
			return ""
		},
		do: func() tea.Cmd {
			if sentence {
				c.said = append(c.said, word)
				c.field.clear()
				return nil
			}
			do := incident.ConfirmWrite{Word: c.field.String(), Plans: slices.Clone(c.shown), Sentences: slices.Clone(c.said)}
			c.field.clear()
			return c.send(do)
		}},
		{Keys: []string{"tab"}, Name: "next line", Help: "the next line of the preflight", Hide: !c.typingOpen(), do: func() tea.Cmd { return c.move(1) }},
		{Keys: []string{"shift+tab"}, Name: "line before", Help: "the line before", Hide: true, do: func() tea.Cmd { return c.move(-1) }},
	}
	if c.typingOpen() {
		return append(keys, c.backKey())
	}
	keys = append(keys,
		Key{Keys: []string{"o"}, Name: "override", Acts: true, Help: "lift the marked blocked line, with a reason that is kept", Disabled: func(*incident.Snapshot) string {
			l := c.marked()
			switch {
			case l == nil || l.State != model.CheckBlocked:
				return "the marked line does not block"
			case l.ID == "lease":
				return "who else is on it is not overridden but taken over: T"
			case l.Hard:
				return "the write cannot succeed: no override lifts that"
			case c.inc().Overridden(l.slot, l.Check):
				return "it is overridden already"
			}
			return ""
		}, do: c.override},
		Key{Keys: []string{"J"}, Name: "without journal", Acts: true, Help: "go on although the journal cannot be written; the words are typed", Hide: c.snap.Seen.JournalE == "",
			Disabled: func(s *incident.Snapshot) string {
				if s.Seen.JournalE == "" || s.Incident.WithoutJournal {
					return "the journal is being written"
				}
				return ""
			}, do: c.withoutJournal},
		Key{Keys: []string{"R"}, Name: "check again", Acts: true, Help: "run the preflight again", do: func() tea.Cmd { return c.send(incident.Recheck{}) }},
		c.backKey(),
		Key{Keys: []string{"up", "k"}, Show: "↑", Name: "up", Help: "the line above", Hide: true, do: func() tea.Cmd { return c.move(-1) }},
		Key{Keys: []string{"down", "j"}, Show: "↓", Name: "down", Help: "the line below", Hide: true, do: func() tea.Cmd { return c.move(1) }},
		c.endKey(),
	)
	return append(keys, c.componentKeys()...)
}

func (c *confirm) move(by int) tea.Cmd {
	if n := len(c.lines()); n > 0 {
		c.at, c.chose = (c.at+by+n)%n, true
	}
	return nil
}

func (c *confirm) marked() *checkLine {
	lines := c.lines()
	if c.at >= len(lines) {
		return nil
	}
	return &lines[c.at]
}

func (c *confirm) override() tea.Cmd {
	l := *c.marked()
	return c.reason("Override for "+l.slot.Component, []string{l.Text, "It stays in the journal, with your reason."}, "override",
		func(reason string) tea.Cmd {
			return c.send(incident.OverrideCheck{Slot: l.slot, Check: l.ID, Reason: reason})
		})
}

func (c *confirm) withoutJournal() tea.Cmd {
	return c.ask(dialog{title: "Go on without a journal?", typed: true, prompt: "type: without journal", yes: "go on", quiet: true,
		text: []string{c.snap.Seen.JournalE, "Nothing of what follows will be on disk: no resuming after a crash, no report."},
		act: func(_ int, typed string) tea.Cmd {
			if strings.TrimSpace(typed) != "without journal" {
				c.hint = "not typed: nothing changed"
				return nil
			}
			return c.send(incident.NoJournal{})
		}})
}

func (c *confirm) Says() sentence {
	i := c.inc()
	switch {
	case i.Asked == incident.AskChanged || i.Asked == incident.AskFailed:
		if c.d.blocked == "" {
			return sentence{bad, stop(i.AskText) + " Look again; then type " + c.next() + "."}
		}
		return sentence{bad, stop(i.AskText)}
	case c.moved && c.d.blocked == "":
		return sentence{bad, "The plan became another one while you typed: read it again, then type anew."}
	case strings.HasPrefix(c.d.blocked, "reading "):
		return sentence{calm, c.upper(stop(c.d.blocked)) + " It has 30 s; there is no rollback without it."}
	case strings.HasPrefix(c.d.blocked, "checking "):
		return sentence{calm, "Checking; what has not answered after 3 s holds nothing up."}
	case c.d.blocked != "":
		return sentence{bad, "Blocked: " + c.d.blocked}
	}
	word, more := c.word()
	if more {
		return sentence{warn, "Nothing is written yet. Type “" + word + "”, then enter; then the word is asked for."}
	}
	return sentence{warn, "Nothing is written yet. Type " + word + ", then enter, " + c.purpose() + "."}
}
