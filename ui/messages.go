package ui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"rollbook/incident"
	"rollbook/model"
)

// messages is the overlay of what is said to whom: each channel with its
// messages, how the marked one will look, and what became of it. Nothing is sent
// but by the operator's key, and that is asked for once more, by another key: a
// held one sends nothing.
type messages struct {
	base
	at   int // channel
	kind model.MessageKind
	top  int // first channel shown
	from int // first line of the preview shown
	w, h int // of the last Scroll
	said string
}

const messagesTitle = "Messages"

// draftKey names a message before it is sent.
type draftKey struct {
	channel string
	kind    model.MessageKind
}

// draft is a message as it stands before it is sent.
type draft struct {
	title, text, status string
	edited              bool
}

var kinds = []model.MessageKind{model.MessageStarted, model.MessageUpdated, model.MessageResolved}

func newMessages(s *scope) overlay {
	m := &messages{base: base{s}, kind: model.MessageStarted}
	switch i := s.inc(); {
	case (i.End != nil || i.Step == incident.Close) && incident.Unresolved(s.snap) == "":
		m.kind = model.MessageResolved
	case len(i.Attempts) > 0 || i.End != nil:
		m.kind = model.MessageUpdated
	}
	m.Follow()
	return m
}

// messagesTo begins at the first channel of one of the kinds.
func messagesTo(s *scope, of ...model.ChannelKind) overlay {
	m := newMessages(s).(*messages)
	m.kind = model.MessageResolved
	for n, c := range m.channels() {
		for _, k := range of {
			if c.Kind == k {
				m.at = n
				return m
			}
		}
	}
	return m
}

func (m *messages) Title() string { return messagesTitle }

// channels are those that are configured, then for what has none a text to copy:
// people are told also where rollbook cannot send.
func (m *messages) channels() []model.Channel {
	all := m.inc().Settings.Channels
	for _, hand := range byHand {
		if !slices.ContainsFunc(all, func(c model.Channel) bool { return slices.Contains(hand.instead, c.Kind) }) {
			all = append(all[:len(all):len(all)], model.Channel{ID: hand.name, Kind: hand.instead[0]})
		}
	}
	return all
}

// byHand are the texts for whom no channel is configured.
var byHand = []struct {
	name    string
	instead []model.ChannelKind
}{
	{"status page, by hand", []model.ChannelKind{model.ChannelStatuspage, model.ChannelWebhook}},
	{"chat, by hand", []model.ChannelKind{model.ChannelSlack, model.ChannelTeams}},
	{"follow-up, by hand", []model.ChannelKind{model.ChannelGitLab}},
}

// configured says whether rollbook can send to a channel.
func (m *messages) configured(c *model.Channel) bool { return m.inc().Settings.Channel(c.ID) != nil }

const unconfigured = "no channel is configured for it: y copies the text. To send from here: notifications: in your own rollbook.yaml; rollbook config init shows how"

func (m *messages) channel() *model.Channel { return &m.channels()[m.at] }

// kindsOf are the messages that a channel takes: a project of follow-up issues
// has one.
func kindsOf(c *model.Channel) []model.MessageKind {
	if c.Kind == model.ChannelGitLab {
		return kinds[2:]
	}
	return kinds
}

func kindName(c *model.Channel, k model.MessageKind) string {
	if c.Kind == model.ChannelGitLab {
		return "follow-up"
	}
	return string(k)
}

func (m *messages) Follow() {
	m.at = max(0, min(len(m.channels())-1, m.at))
	if m.channel().Kind == model.ChannelGitLab {
		m.kind = model.MessageResolved
	}
}

// record is the newest message of a kind to a channel, or nil.
func (s *scope) record(channel string, kind model.MessageKind) *incident.MessageRecord {
	all := s.inc().Messages
	for n := len(all) - 1; n >= 0; n-- {
		if all[n].Message.Channel == channel && all[n].Message.Kind == kind {
			return &all[n]
		}
	}
	return nil
}

// shown is the marked message as enter would send it: as the operator left it,
// else as it was sent or tried last, else drafted from the facts.
func (m *messages) shown() draft {
	c := m.channel()
	if d, ok := m.drafts[draftKey{c.ID, m.kind}]; ok {
		return d
	}
	if r := m.record(c.ID, m.kind); r != nil {
		return draft{title: r.Message.Title, text: r.Message.Text, status: r.Message.Status}
	}
	return m.drafted()
}

func (m *messages) drafted() draft {
	msg := incident.Draft(m.snap, *m.channel(), m.kind)
	return draft{title: msg.Title, text: msg.Text, status: msg.Status}
}

// undrafted says why there is no draft.
func (m *messages) undrafted() string {
	return "not drafted: " + incident.Unresolved(m.snap) + "; e writes it by hand"
}

func (m *messages) Keys() []Key {
	sendNo := func(s *incident.Snapshot) string {
		if !m.configured(m.channel()) {
			return unconfigured
		}
		if d := m.shown(); d.title+d.text == "" {
			return m.undrafted()
		}
		return incident.SendBlocked(s, m.channel().ID)
	}
	name := "send…"
	if r := m.record(m.channel().ID, m.kind); r != nil && r.State == incident.MessageNotOut {
		name = "try again…"
	}
	return []Key{
		{Keys: []string{"enter"}, Name: name, Help: "send the marked message: it is asked once more, and s sends", Main: true, Acts: true, Disabled: sendNo, do: m.askSend},
		{Keys: []string{"e"}, Name: "edit", Help: "edit it, in $VISUAL or $EDITOR, else here; what you wrote stays until it is sent", Acts: true, do: m.edit},
		{Keys: []string{"u"}, Name: "draft anew", Help: "draft it from the facts as they are now; your own text is dropped", Acts: true, do: m.redraft},
		{Keys: []string{"y"}, Name: "copy", Help: "copy it to the terminal's clipboard (OSC 52) and to a file beside the journal", Acts: true, do: m.copy},
		m.closeKey("close", "close; drafts stay"),
		{Keys: []string{"up", "k"}, Show: "↑", Name: "up", Help: "the channel above", Hide: true, do: func() tea.Cmd { return m.move(-1, 0) }},
		{Keys: []string{"down", "j"}, Show: "↓", Name: "down", Help: "the channel below", Hide: true, do: func() tea.Cmd { return m.move(1, 0) }},
		{Keys: []string{"right", "tab"}, Show: "→", Name: "next kind", Help: "the next message: started, updated, resolved", Hide: true, do: func() tea.Cmd { return m.move(0, 1) }},
		{Keys: []string{"left", "shift+tab"}, Show: "←", Name: "kind before", Help: "the message before", Hide: true, do: func() tea.Cmd { return m.move(0, -1) }},
		{Keys: []string{"pgdown", "space"}, Show: "pgdn", Name: "more of it", Help: "further down in the text", Hide: true, do: func() tea.Cmd { return m.scroll(1) }},
		{Keys: []string{"pgup"}, Name: "back in it", Help: "further up in the text", Hide: true, do: func() tea.Cmd { return m.scroll(-1) }},
	}
}

func (m *messages) move(channel, kind int) tea.Cmd {
	m.at, m.from, m.said = m.at+channel, 0, ""
	m.Follow()
	of := kindsOf(m.channel())
	at := 0
	for n, k := range of {
		if k == m.kind {
			at = n
		}
	}
	m.kind = of[max(0, min(len(of)-1, at+kind))]
	return nil
}

func (m *messages) scroll(pages int) tea.Cmd {
	lines, room := m.previewPart(m.w, m.h)
	m.from = max(0, min(len(lines)-room, m.from+pages*max(1, room-1)))
	return nil
}

// askSend asks before anything leaves, naming where it goes. Another key than the
// one that led here sends it.
func (m *messages) askSend() tea.Cmd {
	c, kind, d := *m.channel(), m.kind, m.shown()
	asks := incident.SendAsks(m.snap, c.ID, kind)
	yes, text := "send", []string{"“" + kindName(&c, kind) + "”, just as the preview shows it:", d.title}
	if asks != "" {
		yes, text = "send again", append(text, "⚠ "+asks+". Sent again, people read it twice.")
	}
	if r := m.record(c.ID, kind); r != nil && r.State == incident.MessageNotOut && r.Retry.After(m.snap.Now) {
		text = append(text, "⚠ The service asked to wait until "+r.Retry.UTC().Format("15:04:05 UTC")+".")
	}
	m.said = ""
	return m.ask(dialog{title: "Send to " + whereTo(&c) + "?", text: text, yes: yes, key: "s", quiet: true,
		says: sentence{warn, "s sends it to " + whereTo(&c) + ", now. esc cancels."},
		act: func(int, string) tea.Cmd {
			delete(m.drafts, draftKey{c.ID, kind})
			return m.send(incident.SendMessage{Channel: c.ID, Kind: kind, Title: d.title, Text: d.text, Status: d.status, Again: asks != ""})
		}})
}

// whereTo names a channel and the host that it lies on.
func whereTo(c *model.Channel) string {
	if c.Host == "" {
		return c.ID
	}
	return c.ID + " at " + c.Host
}

func (m *messages) redraft() tea.Cmd {
	m.drafts[draftKey{m.channel().ID, m.kind}] = m.drafted()
	m.from, m.said = 0, "Drafted from the facts as of "+m.snap.Now.UTC().Format("15:04:05 UTC")+"."
	return nil
}

func (m *messages) Says() sentence {
	c := m.channel()
	switch {
	case m.said != "":
		return sentence{calm, m.said}
	case m.looks():
		return sentence{calm, "What was sent, and what was not."}
	case !m.configured(c):
		return sentence{warn, m.upper(unconfigured) + "."}
	}
	if r := m.record(c.ID, m.kind); r != nil {
		switch r.State {
		case incident.MessageSending:
			return sentence{warn, "On its way to " + whereTo(c) + "."}
		case incident.MessageNotOut:
			return sentence{bad, "Not sent to " + c.ID + ": the reason stands above. Enter tries again, or copy it with y and send it yourself."}
		case incident.MessageUnsure:
			return sentence{bad, "It may have been sent to " + c.ID + ". Look there first: enter asks before it goes out again."}
		case incident.MessageOut:
			return sentence{fine, "Sent to " + whereTo(c) + "."}
		}
	}
	return sentence{calm, "Nothing is sent by itself. Enter asks once more, then s sends to " + whereTo(c) + "."}
}

// whole is a message as it is edited and copied: the title, a blank line, the
// text.
func (d draft) whole() string { return d.title + "\n\n" + strings.TrimRight(d.text, "\n") + "\n" }

// asWritten reads it back: the first line is the title.
func asWritten(was draft, text string) draft {
	title, rest, _ := strings.Cut(strings.TrimLeft(text, " \t\r\n"), "\n")
	d := draft{title: strings.TrimSpace(title), text: strings.Trim(rest, "\r\n"), status: was.status, edited: true}
	if d.title == was.title && d.text == strings.Trim(was.text, "\n") {
		return was
	}
	return d
}
