package ui

import (
	"fmt"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"rollbook/incident"
	"rollbook/model"
)

func (c *confirm) View(w, h int) []string {
	if w < wideWidth {
		return c.checked(w, h)
	}
	cols := widths(w)
	if c.inc().ConfirmsSurprise() {
		return c.checked(w, h)
	}
	right := append(c.changes(cols[1], h), "")
	right = append(right, c.charts(c.subject(), cols[1], h-len(right), chartMost)...)
	blocks := [][]string{c.checked(cols[0], h), right}
	if len(cols) > 2 {
		blocks = append(blocks, c.aside(cols[2], h))
	}
	return c.pen.side(blocks, cols, h)
}

// checked is the preflight, the effect in words and as kubectl's command, and
// the field.
func (c *confirm) checked(w, h int) []string {
	out, tail := c.fitted(w, h)
	out = append(out, c.checks(w, max(1, h-len(out)-len(tail)-1))...)
	if len(out)+len(tail) < h {
		out = append(out, "")
	}
	// What is typed must be seen, whatever else is cut.
	if over := len(out) + len(tail) - h; over > 0 {
		out = out[:max(1, len(out)-over)]
	}
	return append(out, tail...)
}

// Scroll keeps the marked line in view.
func (c *confirm) Scroll(w, h int) {
	w = widths(w)[0]
	head, tail := c.fitted(w, h)
	lines, at, until := c.checkLines(w)
	c.top = checksTop(c.top, at, until, len(lines), max(1, h-len(head)-len(tail)-1))
}

// checksTop returns the first of n lines to show in so much room, so that those from at to
// until are seen; if not all of them can be, the first. The last row is not theirs while
// there are more below it.
func checksTop(top, at, until, n, room int) int {
	if n <= room {
		return 0
	}
	h := max(1, room-1)
	return window(window(top, until-1, n-1, h), at, n-1, h)
}

// fitted is around with as many of several commands as leave the preflight room to be
// read: it comes first.
func (c *confirm) fitted(w, h int) (out, tail []string) {
	lines, _, _ := c.checkLines(w)
	for n := max(1, len(c.plans())); ; n-- {
		out, tail = c.around(w, n)
		if n == 1 || h-len(out)-len(tail)-1 >= min(checksLeast, len(lines)) {
			return out, tail
		}
	}
}

// checksLeast is how many lines of the preflight are seen beside several commands.
const checksLeast = 4

// around is what stands above and below the preflight's lines, with the first so many of
// the commands.
func (c *confirm) around(w, commands int) (out, tail []string) {
	p := c.pen
	for _, ch := range c.inc().Open() {
		titles := []string{ch.Component + ": " + ch.To.String()} // until there is a plan
		if !ch.From.IsZero() {
			titles[0] = fmt.Sprintf("%s: %s → %s", ch.Component, ch.From, ch.To)
		}
		if ch.Role == model.RoleFault {
			titles[0] = ch.Why
		}
		if f := c.preflight(ch); f != nil && len(f.Plans) > 0 {
			titles = nil
			for _, plan := range f.Plans {
				titles = append(titles, plan.Title)
			}
		}
		for _, title := range titles {
			for _, l := range p.wrap(title, w-2, 0) {
				out = append(out, " "+paint(p.Strong, l))
			}
		}
	}
	for _, l := range p.wrap(c.whereTo(), w-2, 0) {
		out = append(out, " "+l)
	}
	plans := c.plans()
	for n, plan := range plans {
		if n >= commands {
			tail = append(tail, paint(p.Dim, p.say(fmt.Sprintf("          … and %s: a taller screen shows it", model.Plural(len(plans)-n, "more command")))))
			break
		}
		if plan.Command != "" { // it is read whole or it is not worth reading
			tail = append(tail, p.command(plan.Command, w)...)
		}
	}
	if c.typingOpen() {
		tail = append(tail, "")
		tail = append(tail, c.prompt(w)...)
	}
	return out, tail
}

// whereTo names what will be written to, whole: whether it is production, the
// namespace, the context, the server, and as whom.
func (c *confirm) whereTo() string {
	set := &c.inc().Settings
	text := "namespace " + set.Namespace
	switch {
	case set.Production:
		text = "PRODUCTION: " + text
	case c.session.alone:
		return text + " · sandbox"
	default:
		text += " · not production"
	}
	if set.Context != "" {
		text += " · context " + set.Context
	}
	if set.Server != "" {
		text += " · " + set.Server
	}
	return text + " · as " + nonEmpty(c.snap.Seen.Identity.User, set.Operator)
}

// command is the equal kubectl command in full, on as many lines as it takes.
func (p *pen) command(text string, w int) []string {
	var out []string
	head := paint(p.Dim, " same as: ")
	for _, l := range p.wrap(text, w-11, 0) {
		out = append(out, head+l)
		head = spaces(10)
	}
	return out
}

// prompt is the field, on a line of its own where its label leaves no room for
// the word.
func (c *confirm) prompt(w int) []string {
	p := c.pen
	word, sentence := c.word()
	purpose := c.purpose()
	if sentence {
		purpose = "to accept that"
	}
	label := p.say(" type " + word + " " + purpose + ": ")
	if n := ansi.StringWidth(label); n+ansi.StringWidth(word)+3 <= w {
		return []string{paint(p.Strong, label) + c.field.view(p, w-n-1)}
	}
	var out []string
	for _, l := range p.wrap("type "+word+" "+purpose+":", w-2, 3) {
		out = append(out, " "+paint(p.Strong, l))
	}
	return append(out, " > "+c.field.view(p, w-4))
}

// changes is what the plans change, and what they do not bring back.
func (c *confirm) changes(w, h int) []string {
	p := c.pen
	var out []string
	plans := c.plans()
	for n, plan := range plans {
		out = append(out, p.heading(p.middle(named(&plan), w/2)+" "+fromTo(plan), w))
		room := max(3, (h-len(out))/(len(plans)-n)-3)
		if len(plan.Changes) > 0 || plan.Role == model.RoleRelease {
			out = append(out, c.changeLines(plan.Changes, 0, w, room)...)
		}
		if len(plan.Stays) > 0 {
			for _, l := range p.wrap("not rolled back: "+strings.Join(plan.Stays, ", "), w-2, 0) {
				out = append(out, " "+paint(p.Warn, l))
			}
		}
		out = append(out, "")
	}
	return out
}

// checks draws the preflight's lines in the room there is.
func (c *confirm) checks(w, room int) []string {
	p := c.pen
	all, at, until := c.checkLines(w)
	if len(all) == 0 {
		for _, f := range c.preflights() {
			if f.Err != "" {
				return p.wrap("   "+f.Component+": "+f.Err, w-2, room)
			}
		}
		return []string{"   checking…"}
	}
	top := checksTop(c.top, at, until, len(all), room)
	end := min(len(all), top+room)
	shown := slices.Clone(all[top:end])
	if end < len(all) && len(shown) > 1 {
		shown[len(shown)-1] = paint(p.Dim, fmt.Sprintf("   … %d more lines: tab", len(all)-end+1))
	}
	return shown
}

// checkLines are all of the preflight's lines, the marked one with what to do
// about it, and at which line that begins and ends.
func (c *confirm) checkLines(w int) (all []string, at, until int) {
	p := c.pen
	several := len(c.inc().Open()) > 1
	for n, l := range c.lines() {
		if n <= c.at {
			at = len(all)
		}
		mark := "   "
		if n == c.at {
			mark = paint(p.Note, p.say(" ▸ "))
		}
		text := l.Text
		if several {
			text = l.slot.Component + ": " + text
			if l.slot.Role == model.RoleSchema {
				text = l.slot.Component + " schema: " + l.Text
			}
		}
		sign, style := p.checkSign(l.State)
		if c.inc().Overridden(l.slot, l.Check) {
			text += " (overridden)"
			style = p.Warn
		}
		for k, part := range p.wrap(text, w-6, 0) {
			if k == 0 {
				all = append(all, mark+paint(style, p.say(sign))+" "+paint(style, part))
			} else {
				all = append(all, "     "+paint(style, part))
			}
		}
		if l.Do != "" && (n == c.at || l.State == model.CheckBlocked) && l.State != model.CheckOK {
			do := l.Do
			switch l.ID {
			case "lease":
				do += c.keyed(" (T)")
			case incident.HelpID:
				do += c.keyed(" (o)")
			}
			for k, part := range p.wrap(do, w-12, 0) {
				head := "     do: "
				if k > 0 {
					head = "         "
				}
				all = append(all, paint(p.Dim, head)+part)
			}
		}
		if n <= c.at {
			until = len(all)
		}
	}
	return all, at, until
}

// checkSign is a check's state as a sign, with its style.
func (p *pen) checkSign(s model.CheckState) (string, []string) {
	switch s {
	case model.CheckOK:
		return "✓", p.Good
	case model.CheckNote:
		return "·", p.Plain
	case model.CheckWarning:
		return "⚠", p.Warn
	case model.CheckBlocked:
		return "✗", p.Bad
	}
	return "?", p.Warn
}
