package ui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"rollbook/incident"
	"rollbook/model"
)

// closing is the seventh page: how it ended, the times, what it cost, and the
// checklist. Each item has the key that does it; by hand or waived goes as well.
type closing struct {
	base
	at    int
	moved bool // it has been to the first open item
	// wasOpen: the marked item was open when it was looked at last.
	wasOpen bool
	top     int
}

func newClosing(s *scope) *closing { return &closing{base: base{s}} }

func (c *closing) Title() string { return "7 Close" }

// Follow keeps the mark on an item; it begins at the first that is open, and
// goes on to the next when its item is settled, also when that happened by
// itself. What is looked at is first the component that the incident was about.
func (c *closing) Follow() {
	items := c.inc().Items
	if c.inc().Step != incident.Close {
		c.moved = false
	} else if !c.moved && len(items) > 0 {
		c.moved, c.at = true, 0
		c.toOpen()
		if r := c.subject(); r != nil {
			c.focus = r.c.ID
		}
	}
	c.at = max(0, min(len(items)-1, c.at))
	if c.wasOpen && c.item() != nil && c.item().State != "" {
		c.toOpen()
	}
	c.wasOpen = c.item() != nil && c.item().State == incident.ItemOpen
}

// toOpen moves the mark to the next open item, from the first again after the
// last; it stays where it is when there is none.
func (c *closing) toOpen() {
	items := c.inc().Items
	for n := range items {
		if k := (c.at + n) % len(items); items[k].State == incident.ItemOpen {
			c.at = k
			return
		}
	}
}

func (c *closing) item() *incident.Item {
	if c.at >= len(c.inc().Items) {
		return nil
	}
	return &c.inc().Items[c.at]
}

// work is how an item of the checklist is done from here.
type work struct {
	name, help string
	do         func() tea.Cmd
	off        func(*incident.Snapshot) string // nil = it always can
}

// workOf is the one key of an item: what it does, and why it cannot now.
func (c *closing) workOf(it *incident.Item) work {
	open := func(of ...model.ChannelKind) work {
		return work{"open message", "open the message that belongs to it", func() tea.Cmd { return c.open(messagesTo(c.scope, of...)) }, nil}
	}
	seen := &c.snap.Seen
	switch it.ID {
	case incident.ItemDetection:
		return work{"answer", "say when you were paged, or how else you came to know of it", c.askPaged, c.settled}
	case incident.ItemSeverity:
		return work{"answer", "say how severe it was, and who was affected", c.askSeverity, c.settled}
	case "evidence":
		return work{"gather again", "gather all evidence again; what was kept stays", func() tea.Cmd { return c.send(incident.GatherAgain{}) },
			func(*incident.Snapshot) string {
				if since := seen.Gathering[model.InFull]; !since.IsZero() {
					return "it is being gathered, " + age(c.snap.Now, since) + " so far"
				}
				return ""
			}}
	case "report":
		return work{"write report", "write report.md beside the journal, again when there is one", func() tea.Cmd { return c.send(incident.WriteReport{}) },
			func(*incident.Snapshot) string {
				if !seen.Reporting.IsZero() {
					return "it is being written"
				}
				return ""
			}}
	case "status page":
		return open(model.ChannelStatuspage, model.ChannelWebhook)
	case "chat":
		return open(model.ChannelSlack, model.ChannelTeams)
	case "follow-up":
		return open(model.ChannelGitLab)
	}
	if it.Action {
		return work{"who, when", "say who does it, until when, and where it is tracked", c.askTask, c.settled}
	}
	return work{"note", "tick it with a note, which goes into the report", c.note, c.settled}
}

// acts says whether an item's key changes something itself.
func acts(it *incident.Item) bool {
	return it == nil || it.ID != "status page" && it.ID != "chat" && it.ID != "follow-up"
}

// settled is why the marked item cannot be settled once more.
func (c *closing) settled(*incident.Snapshot) string {
	switch it := c.item(); {
	case it == nil:
		return "there is no checklist"
	case it.State != incident.ItemOpen:
		return "it is " + string(it.State) + " already"
	}
	return ""
}

func (c *closing) Keys() []Key {
	it := c.item()
	enter := Key{Keys: []string{"enter"}, Name: "do it", Help: "do the marked item: gather the evidence, write the report, open the message", Main: true, Acts: acts(it),
		Disabled: c.settled, do: func() tea.Cmd { return nil }}
	if it != nil {
		w := c.workOf(it)
		enter.Name, enter.Help, enter.Disabled, enter.do = w.name, w.help, w.off, w.do
	}
	keys := []Key{enter,
		c.tickKey(),
		{Keys: []string{"n"}, Name: "note", Help: "tick the marked item with a note, such as a ticket; it goes into the report", Acts: true, Disabled: c.settled, do: c.note},
		{Keys: []string{"w"}, Name: "waive", Help: "waive the marked item, with a reason", Acts: true, Disabled: c.settled, do: func() tea.Cmd {
			it := *c.item()
			return c.reason("Waive: "+it.Text, []string{"The reason goes into the journal and into the report."}, "waive", func(reason string) tea.Cmd {
				return c.send(incident.SettleItem{ID: it.ID, Waive: true, Reason: reason})
			})
		}},
		{Keys: []string{"d"}, Name: "details", Help: "all about the marked item: the evidence with what is missing, the report, the messages", Disabled: func(*incident.Snapshot) string {
			if c.item() == nil {
				return "there is no checklist"
			}
			return ""
		}, do: func() tea.Cmd {
			id := c.item().ID
			return c.open(&pager{base: base{c.scope}, title: "Checklist: " + c.item().Text, lines: func(w int) []string {
				for n := range c.inc().Items {
					if c.inc().Items[n].ID == id {
						return append([]string{""}, c.itemLines(&c.inc().Items[n], w)...)
					}
				}
				return []string{"", " It is no longer on the checklist."}
			}})
		}},
		{Keys: []string{"up", "k"}, Show: "↑", Name: "up", Help: "the item above", Hide: true, do: func() tea.Cmd { return c.move(-1) }},
		{Keys: []string{"down", "j"}, Show: "↓", Name: "down", Help: "the item below", Hide: true, do: func() tea.Cmd { return c.move(1) }},
	}
	if c.inc().Closed.IsZero() {
		keys = append(keys, c.backKey(), c.endKey())
	}
	return append(keys, c.componentKeys()...)
}

// tickKey ticks the marked item, or takes its tick back.
func (c *closing) tickKey() Key {
	k := Key{Keys: []string{"space"}, Name: "done", Help: "tick the marked item: it was done by hand; once more takes it back", Acts: true,
		Disabled: func(*incident.Snapshot) string {
			switch {
			case c.item() == nil:
				return "there is no checklist"
			case !c.inc().Closed.IsZero():
				return "the incident is closed"
			}
			return ""
		}, do: func() tea.Cmd { return c.send(incident.SettleItem{ID: c.item().ID}) }}
	if it := c.item(); it != nil && it.State == incident.ItemOpen {
		switch it.ID {
		case incident.ItemDetection:
			k.Name, k.do = "not known", func() tea.Cmd { return c.send(incident.TellDetection{}) }
		case incident.ItemSeverity:
			k.Name, k.do = "not known", func() tea.Cmd { return c.send(incident.TellSeverity{}) }
		}
	}
	if it := c.item(); it != nil && it.State != incident.ItemOpen {
		k.Name, k.do = "not done", func() tea.Cmd { return c.send(incident.ReopenItem{ID: it.ID}) }
	}
	return k
}

// note ticks an item with words for the report.
func (c *closing) note() tea.Cmd {
	it := *c.item()
	return c.ask(dialog{title: "Done: " + it.Text, text: []string{"It is ticked with this, which goes into the report: a ticket, a link."},
		typed: true, prompt: "note", yes: "done",
		act: func(_ int, typed string) tea.Cmd { return c.send(incident.SettleItem{ID: it.ID, Reason: typed}) }})
}

func (c *closing) move(by int) tea.Cmd {
	c.at += by
	c.wasOpen = false
	c.Follow()
	return nil
}

func (c *closing) Says() sentence {
	i := c.inc()
	open := 0
	for _, it := range i.Items {
		if it.State == incident.ItemOpen {
			open++
		}
	}
	switch {
	case i.Asked == incident.AskReverted:
		return sentence{bad, i.AskText}
	case !i.Closed.IsZero():
		return sentence{fine, "Closed. q leaves."}
	case open == 0 && incident.CloseBlocked(i) != "":
		return sentence{warn, "Not closed: " + stop(incident.CloseBlocked(i)) + c.keyed(" r shows the recovery, P what is switched off.")}
	case c.notOver() != "":
		return sentence{warn, c.notOver()}
	case open == 1:
		return sentence{calm, "One item is open; the incident closes with it."}
	}
	return sentence{calm, fmt.Sprintf("%d items are open; the incident closes with the last of them.", open)}
}

// notOver says why nobody can be told that the incident is resolved, and what to do.
func (c *closing) notOver() string {
	why := incident.Unresolved(c.snap)
	if why == "" {
		return ""
	}
	text := "“Resolved” is not drafted: " + why + "."
	if c.inc().End != nil && incident.EndAgainst(c.snap) != "" {
		text += c.keyed(" x reopens the incident.")
	}
	return text
}
