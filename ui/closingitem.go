package ui

import (
	"fmt"

	"github.com/charmbracelet/x/ansi"

	"rollbook/incident"
	"rollbook/model"
)

// itemLines are all that is known of one item.
func (c *closing) itemLines(it *incident.Item, w int) []string {
	p := c.pen
	var out []string
	add := func(name, text string, style ansi.Style) {
		for k, l := range p.wrap(text, w-11, 0) {
			out = append(out, p.label([]string{name, ""}[min(k, 1)], paint(style, l)))
		}
	}
	if b := c.busy(it); b != "" {
		add("now", b, p.Warn)
	}
	switch it.ID {
	case incident.ItemDetection:
		c.detection(add, it.State == incident.ItemOpen)
	case "evidence":
		c.evidence(add)
	case "report":
		r := &c.inc().Report
		switch {
		case r.Err != "":
			add("report", "not written: "+r.Err+c.keyed("; enter tries again"), p.Bad)
		case r.At.IsZero():
			add("report", "not written yet"+c.keyed("; enter writes report.md beside the journal"), p.Plain)
		}
		if !r.At.IsZero() {
			add("report", r.Path+", written "+r.At.UTC().Format("15:04:05 UTC"), p.Plain)
		}
		if c.inc().ReportStale() {
			add("", "something happened since"+c.keyed(": enter writes it again"), p.Warn)
		}
		if e := c.inc().Impact.Err; e != "" {
			add("impact", "not measured: "+e, p.Warn)
		}
	case "status page":
		c.sent(add, model.ChannelStatuspage, model.ChannelWebhook)
	case "chat":
		c.sent(add, model.ChannelSlack, model.ChannelTeams)
	case "follow-up":
		c.sent(add, model.ChannelGitLab)
	}
	if it.State != incident.ItemOpen {
		text := string(it.State) + " at " + it.At.UTC().Format("15:04:05 UTC")
		if it.By != "" {
			text += " by " + it.By
		}
		if it.State == incident.ItemToDo {
			text += ": " + it.Task.Words()
		}
		if it.Reason != "" {
			text += ": “" + it.Reason + "”"
		}
		add("settled", text, p.Plain)
	}
	if len(out) == 0 && !c.looks() {
		text := "n ticks it with a note for the report; space without; w waives it"
		switch {
		case it.ID == incident.ItemSeverity:
			text = "enter answers; space if you do not know; w waives it"
		case it.Action:
			text = "enter leaves it to somebody: who, until when, a link; space if it is done already; w waives it"
		}
		add("open", text, p.Plain)
	}
	return out
}

// detection adds the lines of the item "when were you paged?": the alerts that fired,
// those that could not be read, and when it counts as detected, by what.
func (c *closing) detection(add func(name, text string, style ansi.Style), open bool) {
	p, i := c.pen, c.inc()
	for _, a := range i.Alerts {
		add("alert", a.Words()+" fired from "+a.Since.UTC().Format("15:04:05 UTC"), p.Plain)
	}
	for _, id := range i.Concerned() {
		if f := c.snap.FiguresOf(id); f != nil && f.AlertsNo != "" {
			add("alert", "not known of "+id+": "+f.AlertsNo, p.Warn)
		}
	}
	if !i.Detected.IsZero() {
		add("detected", i.Detected.UTC().Format("15:04:05 UTC")+" by "+nonEmpty(i.DetectedBy.String(), "the limit, as it was shown here"), p.Plain)
	}
	if open && !c.looks() {
		add("open", "enter answers; space if you do not know; w waives it", p.Plain)
	}
}

// evidence lists what was kept, where, and what could not be had, each with the
// reason.
func (c *closing) evidence(add func(name, text string, style ansi.Style)) {
	p := c.pen
	kept := c.inc().Evidence
	for _, m := range []model.Moment{model.InFull, model.AtConfirm, model.AtOpening} {
		r, ok := kept[m]
		if !ok {
			continue
		}
		if r.Err != "" {
			add("failed", r.Err+c.keyed("; enter tries again"), p.Bad)
		}
		if r.Dir == "" {
			continue
		}
		text, style := model.Plural(r.Files, "file")+", "+model.Bytes(r.Bytes), p.Plain
		if n := len(r.Missing); n > 0 {
			text, style = text+fmt.Sprintf("; %s missing%s:", model.Plural(n, "item"), c.keyed(" (space: accept as is)")), p.Warn
		}
		add("kept", text, style)
		for _, why := range r.Missing {
			add("", "✗ "+why, p.Warn)
		}
		add("folder", r.Dir, p.Plain)
		return // the fullest says it all
	}
	if len(kept) == 0 {
		add("kept", "nothing yet"+c.keyed("; enter gathers it"), p.Warn)
	}
}

// sent are the messages that went to channels of these kinds, or did not.
func (c *closing) sent(add func(name, text string, style ansi.Style), of ...model.ChannelKind) {
	p := c.pen
	channels, said := 0, 0
	for _, ch := range c.inc().Settings.Channels {
		mine := false
		for _, k := range of {
			mine = mine || ch.Kind == k
		}
		if !mine {
			continue
		}
		channels++
		for _, m := range c.inc().Messages {
			if m.Message.Channel != ch.ID {
				continue
			}
			said++
			text := kindName(&ch, m.Message.Kind) + " to " + whereTo(&ch)
			switch m.State {
			case incident.MessageOut:
				text = "✓ " + text + ", " + m.Done.UTC().Format("15:04:05 UTC")
				if m.Delivery.URL != "" {
					text += ", " + m.Delivery.URL
				}
				add("sent", text, p.Plain)
			case incident.MessageSending:
				add("sending", text, p.Warn)
			case incident.MessageNotOut:
				add("failed", "✗ "+text+": "+reasonOf(&ch, m.Err), p.Bad)
			case incident.MessageUnsure:
				add("unsure", "? "+text+" may have been sent: "+reasonOf(&ch, m.Err), p.Bad)
			}
		}
	}
	switch {
	case channels == 0:
		add("channel", "none of this kind is configured (notifications: in your own rollbook.yaml)"+c.keyed(": enter shows the text, to copy. Sent by hand: space; not needed: w."), p.Warn)
	case said == 0:
		add("sent", "nothing yet"+c.keyed("; enter opens the draft"), p.Plain)
	}
}
