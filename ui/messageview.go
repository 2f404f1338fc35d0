package ui

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"rollbook/incident"
	"rollbook/model"
)

func (m *messages) Size(w, h int) (int, int) { return w, h }

func (m *messages) View(w, h int) []string {
	lines, _ := m.Part(w, h)
	return lines
}

// Part is what is seen, and how much of the preview is not.
func (m *messages) Part(w, h int) (lines []string, hidden string) {
	out := m.above(w, h)
	text, room := m.previewPart(w, h)
	from := max(0, min(m.from, len(text)-room))
	end := min(len(text), from+room)
	if below := len(text) - end; below > 0 {
		hidden = fmt.Sprintf("↓ %d more: pgdn", below)
	}
	return append(out, text[from:end]...), hidden
}

// above is what stands above the preview.
func (m *messages) above(w, h int) []string {
	c := m.channel()
	out := m.matrix(w, m.matrixH(h))
	out = append(out, m.pen.heading(kindName(c, m.kind)+" to "+whereTo(c), w))
	return append(out, m.outcome(w)...)
}

// previewPart is the whole preview, and how many lines there are for it.
func (m *messages) previewPart(w, h int) (lines []string, room int) {
	return m.preview(w), max(1, h-len(m.above(w, h)))
}

// matrixH is how many channels are shown at once.
func (m *messages) matrixH(h int) int { return max(1, min(len(m.channels()), h/3)) }

// Scroll keeps the marked channel in view, and the preview within its text.
func (m *messages) Scroll(w, h int) {
	m.w, m.h = w, h
	m.top = window(m.top, m.at, len(m.channels()), m.matrixH(h))
	m.scroll(0)
}

// matrix is the channels with what became of each kind of message.
func (m *messages) matrix(w, room int) []string {
	p := m.pen
	const cw = 15
	nw := max(12, w-3-3*cw)
	head := "CHANNEL"
	if room < len(m.channels()) {
		head = fmt.Sprintf("CHANNEL %d of %d", m.at+1, len(m.channels()))
	}
	out := []string{"   " + p.cell(head, nw, p.Dim) + p.cell("STARTED", cw, p.Dim) + p.cell("UPDATED", cw, p.Dim) + p.cell("RESOLVED", cw, p.Dim)}
	all := m.channels()
	top := window(m.top, m.at, len(all), room)
	for n := top; n < min(len(all), top+room); n++ {
		c := &all[n]
		mark, look := "   ", p.Plain
		if n == m.at {
			mark, look = paint(p.Note, p.say(" ▸ ")), p.Note
		}
		line := mark + p.name(c.ID, nw, look)
		for _, k := range kinds {
			text, style := "", p.Plain
			if c.Kind != model.ChannelGitLab || k == model.MessageResolved {
				text, style = m.cellOf(c, k)
				if text == notSent && !m.configured(c) {
					text = "to copy"
				}
			}
			if n == m.at && k == m.kind {
				text = "[" + text + "]"
			} else if text != "" {
				text = " " + text
			}
			line += p.cell(text, cw, style)
		}
		out = append(out, line)
	}
	return out
}

const notSent = "not sent"

// cellOf is one message's state in a word, with a sign.
func (m *messages) cellOf(c *model.Channel, k model.MessageKind) (string, ansi.Style) {
	p := m.pen
	if r := m.record(c.ID, k); r != nil {
		switch r.State {
		case incident.MessageSending:
			return "… sending", p.Warn
		case incident.MessageOut:
			return "✓ " + r.Done.UTC().Format("15:04"), p.Good
		case incident.MessageNotOut:
			return "✗ failed", p.Bad
		case incident.MessageUnsure:
			return "? maybe sent", p.Bad
		}
	}
	if m.drafts[draftKey{c.ID, k}].edited {
		return "✎ edited", p.Note
	}
	return notSent, p.Dim
}

// outcome is what became of the marked message: when, where, the service's words
// and what to do.
func (m *messages) outcome(w int) []string {
	p := m.pen
	c := m.channel()
	var out []string
	add := func(style ansi.Style, sign, text string, n int) {
		for k, l := range p.wrap(text, w-5, n) {
			if k > 0 {
				sign = " "
			}
			out = append(out, " "+paint(style, p.say(sign))+" "+paint(style, l))
		}
	}
	if r := m.record(c.ID, m.kind); r != nil {
		by := ""
		if r.By != "" {
			by = " by " + r.By
		}
		at := r.At.UTC().Format("15:04:05 UTC")
		switch r.State {
		case incident.MessageSending:
			add(p.Warn, "…", "sending since "+at+by, 1)
		case incident.MessageOut:
			add(p.Good, "✓", "sent "+r.Done.UTC().Format("15:04:05 UTC")+by, 1)
			if r.Delivery.URL != "" {
				add(p.Plain, " ", r.Delivery.URL, 3)
			}
		case incident.MessageNotOut:
			add(p.Bad, "✗", "not sent at "+at+": "+reasonOf(c, r.Err), 4)
			if r.Retry.After(m.snap.Now) {
				add(p.Warn, "⚠", "the service asks to wait until "+r.Retry.UTC().Format("15:04:05 UTC")+", "+model.Short(coarse(r.Retry.Sub(m.snap.Now)))+" more", 1)
			}
		case incident.MessageUnsure:
			add(p.Bad, "?", "may have been sent at "+at+": "+reasonOf(c, r.Err), 4)
		}
	}
	if why := incident.SendBlocked(m.snap, c.ID); why != "" && m.inc().Settings.ReadOnly {
		add(p.Warn, "⚠", why, 2)
	}
	if c.Kind == model.ChannelGitLab && m.configured(c) && m.record(c.ID, m.kind) == nil && m.inc().Report.At.IsZero() {
		add(p.Warn, "⚠", "the report is not written yet: the issue would be without it", 2)
	}
	if d, ok := m.drafts[draftKey{c.ID, m.kind}]; ok && d.edited {
		add(p.Note, "✎", "edited by you, not sent; u drafts it anew from the facts", 2)
	}
	return out
}

// reasonOf leaves out of an error what stands before it anyway.
func reasonOf(c *model.Channel, err string) string {
	for _, known := range []string{whereTo(c) + ": ", "not sent: ", "it is not known whether it was sent: "} {
		err = strings.TrimPrefix(err, known)
	}
	return err
}

// preview is the message as it will look: every line of it, and where a paragraph
// ends.
func (m *messages) preview(w int) []string {
	p, d := m.pen, m.shown()
	var out []string
	if m.looks() && m.record(m.channel().ID, m.kind) == nil {
		return []string{"", "   no such message was sent by then"}
	}
	if d.title+d.text == "" {
		return append(out, p.hang(paint(p.Warn, p.say(" ⚠ ")), m.undrafted(), w, 0, p.Warn)...)
	}
	edge := paint(p.Dim, p.say(" │ "))
	for _, l := range p.wrap(d.title, w-6, 0) {
		out = append(out, edge+paint(p.Strong, l))
	}
	if d.status != "" && m.channel().Kind == model.ChannelStatuspage {
		out = append(out, edge+paint(p.Dim, "status: "+d.status))
	}
	for _, line := range split(d.text) {
		if line == "" {
			out = append(out, edge)
			continue
		}
		for k, l := range p.wrap(line, w-6, 0) {
			if k > 0 && len(line) > 2 && line[:2] == "- " {
				l = "  " + l
			}
			out = append(out, edge+l)
		}
	}
	return out
}
