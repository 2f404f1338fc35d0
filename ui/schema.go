package ui

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"rollbook/incident"
	"rollbook/model"
)

// onSchema says whether the table is that of the component's migrations.
func (c *choose) onSchema() bool { return c.schema && c.snap.SchemaWay(c.focus) != nil }

// mark names what the cursor is kept by: a component, or its schema. No component's name
// holds a slash.
func (c *choose) mark() string {
	if c.onSchema() {
		return "schema/" + c.focus
	}
	return c.focus
}

// schemaKey turns to the migrations of the component, and back.
func (c *choose) schemaKey() Key {
	k := Key{Keys: []string{"s"}, Name: "migrations", Help: "which migrations of the database are applied, and to which they are taken back before the release goes back",
		Disabled: func(*incident.Snapshot) string {
			if c.snap.SchemaWay(c.focus) == nil {
				return "no migrations are configured for " + c.focus
			}
			return ""
		}, do: func() tea.Cmd { c.schema, c.revTop = !c.schema, 0; return nil }}
	k.Hide = c.snap.SchemaWay(c.focus) == nil
	if c.onSchema() {
		k.Name = "releases"
	}
	return k
}

func (c *choose) schemaKeys() []Key {
	next := c.nextKey("confirm", "take the marked migration, then go on to the checks and the confirmation; nothing is written yet")
	r, ch := c.version(), c.choice()
	take := func() tea.Cmd { return c.send(incident.PickSchema{Component: c.focus, To: r.Key}) }
	if r != nil && !r.Current && (ch == nil || ch.To.Key != r.Key) {
		next.Name, next.Turns = "back to "+r.Short, false
		next.Disabled = func(*incident.Snapshot) string { return r.Refused }
		next.do = take
	}
	space := Key{Keys: []string{"space"}, Name: "select", Acts: true, Help: "take the schema back too, or leave it as it is",
		Disabled: func(*incident.Snapshot) string {
			switch {
			case ch != nil:
				return ""
			case r == nil:
				return "no migration is marked"
			case r.Current:
				return "the schema is at " + r.Short + " already: mark an older one"
			}
			return r.Refused
		}, do: take}
	if ch != nil {
		space.Name = "leave schema"
		space.do = func() tea.Cmd { return c.send(incident.LeaveSchema{Component: c.focus}) }
	}
	return append([]Key{next, space, c.schemaKey(), c.shellKey(), c.copyKey(),
		{Keys: []string{"tab"}, Name: "next component", Help: "the next component", do: func() tea.Cmd { return c.turn(1) }},
		{Keys: []string{"up", "k"}, Show: "↑", Name: "up", Help: "the newer migration", Hide: true, do: func() tea.Cmd { return c.move(-1) }},
		{Keys: []string{"down", "j"}, Show: "↓", Name: "down", Help: "the older migration", Hide: true, do: func() tea.Cmd { return c.move(1) }},
		c.backKey(), c.endKey()}, c.componentKeys()...)
}

func (c *choose) schemaSays() sentence {
	h, r, ch := c.history(), c.version(), c.choice()
	m := c.snap.MigrationsSince(c.focus)
	switch {
	case h != nil && h.Err != "":
		return sentence{bad, stop(c.upper(h.Err))}
	case h == nil || h.At.IsZero():
		return sentence{calm, "Asking the database of " + c.focus + " which migrations are applied…"}
	case r != nil && ch != nil && r.Key == ch.To.Key:
		return sentence{warn, fmt.Sprintf("The schema of %s is taken back to %s before its release goes back. Data may be lost.", c.focus, r.Key)}
	case r != nil && r.Refused != "":
		return sentence{bad, stop(c.upper(r.Refused))}
	case r != nil && !r.Current:
		return sentence{warn, fmt.Sprintf("%s is marked; enter takes the schema back to it.", c.upper(r.Label))}
	case m != nil:
		return sentence{warn, stop(c.upper(m.Words()))}
	}
	return sentence{calm, "Mark the migration to which the schema is to be taken back."}
}

// sinceLines tell, beside a release, which migrations came since it.
func (c *choose) sinceLines(w int) (out []string) {
	m := c.snap.MigrationsSince(c.focus)
	if m == nil {
		return nil
	}
	text, style := m.Words(), c.pen.Warn
	switch s := c.inc().Choice(incident.Schema(c.focus)); {
	case m.Why == "" && len(m.List) == 0:
		style = c.pen.Plain
	case s != nil:
		text += "; the schema is taken back to " + s.To.Key + " first"
	case m.Why == "":
		text += "; left applied, unless taken back first" + c.keyed(" (s)")
	}
	for n, l := range c.pen.wrap(text, w-5, 2) {
		sign := "   "
		if n == 0 {
			sign = c.pen.say(" ⚠ ")
			if m.Why == "" && len(m.List) == 0 {
				sign = c.pen.say(" ✓ ")
			}
		}
		out = append(out, paint(style, sign)+paint(style, l))
	}
	return out
}

// migrations is the table of what is applied.
func (c *choose) migrations(w, h int) []string {
	p, hist := c.pen, c.history()
	head := "migrations of " + p.middle(c.focus, w/2)
	out := []string{p.heading(head, w)}
	ends := map[string][]string{} // what releases end there
	for _, x := range hist.Heads {
		ends[x.Key] = append(ends[x.Key], c.releaseOf(x))
	}
	chosen := ""
	if ch := c.choice(); ch != nil {
		chosen = ch.To.Key
	}
	at, kw := c.cursor(), 8
	for n := range hist.Candidates {
		kw = max(kw, len(hist.Candidates[n].Key))
	}
	kw = min(kw, max(12, w/3))
	n := max(1, h-1)
	top := window(c.revTop, at, len(hist.Candidates), n)
	for i := top; i < min(len(hist.Candidates), top+n); i++ {
		r := &hist.Candidates[i]
		mark, style := "   ", p.Plain
		if r.Key == chosen {
			mark = p.say(" ✓ ")
		}
		if i == at {
			mark, style = paint(p.Note, p.say(" ▸ ")), p.Note
			if r.Key == chosen {
				mark = paint(p.Note, p.say(" ▸✓"))
			}
		}
		state, look := "", p.Plain
		switch {
		case r.Final != "":
			state, look = "irreversible", p.Bad
		case r.Current:
			state, look = "newest", p.Strong
		}
		if e := ends[r.Key]; len(e) > 0 {
			state = strings.TrimPrefix(state+", "+c.endHere(e), ", ")
		}
		out = append(out, mark+p.name(r.Key, kw, style)+"  "+p.cell(state, 30, look)+" "+p.fit(r.Cause, w-kw-37))
	}
	return out
}

// endHere says the code of which releases ends at a migration: the one that is chosen, where
// it is among them, and how many others.
func (c *choose) endHere(names []string) string {
	slices.Sort(names)
	names = slices.Compact(names)
	one := names[len(names)-1]
	if ch := c.inc().Choice(model.Release(c.focus)); ch != nil && slices.Contains(names, ch.To.Name()) {
		one = ch.To.Name()
	}
	if len(names) > 1 {
		return fmt.Sprintf("%s ends here, %d more", one, len(names)-1)
	}
	return one + " ends here"
}

// releaseOf names the release whose code ends at a migration.
func (c *choose) releaseOf(x model.Head) string {
	if k := c.snap.Seen.Component(c.focus); k != nil && x.Tag == "" {
		for n := range k.Past {
			if k.Past[n].Owner == x.Owner {
				return k.Came(&k.Past[n]).Name()
			}
		}
	}
	if x.Tag != "" {
		return x.Tag
	}
	return x.Owner
}

// migration is what taking the schema back to the marked one comes to.
func (c *choose) migration(w, h int) []string {
	p, r, hist := c.pen, c.version(), c.history()
	out := []string{p.heading("back to "+r.Key, w)}
	byHand := c.byHand(w)
	if r.Current {
		out = append(out, "   the schema is here now; what came after it can be taken back, no more")
		return append(out, byHand...)
	}
	for n := range hist.Candidates {
		x := &hist.Candidates[n]
		if x.Key == r.Key {
			break
		}
		text, style := "undone: "+x.Key+" "+x.Cause, p.Plain
		if x.Final != "" {
			text, style = x.Key+" cannot be undone: "+x.Final, p.Bad
		}
		for _, l := range p.wrap(text, w-5, 2) {
			out = append(out, "   "+paint(style, l))
		}
	}
	out = append(out, paint(p.Dim, "   its SQL is shown at 4 Confirm, before anything is run"))
	return append(out[:min(len(out), max(1, h-len(byHand)))], byHand...)
}

// byHand is the command with which somebody comes to the database by hand.
func (c *choose) byHand(w int) []string {
	h := c.history()
	if h == nil || h.Psql == "" {
		return nil
	}
	return c.pen.hang("   ", "by hand"+c.keyed(" (p opens, y copies)")+": "+h.Psql, w, 3, c.pen.Plain)
}
