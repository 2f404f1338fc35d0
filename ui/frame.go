package ui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"rollbook/incident"
	"rollbook/model"
)

func (a *App) small() bool { return a.w < minWidth || a.h < minHeight }

// View draws the whole screen.
func (a *App) View() tea.View {
	v := tea.NewView(a.Frame())
	v.AltScreen, v.WindowTitle = true, a.title()
	return v
}

// Frame is the screen's text: exactly h lines of at most w cells.
func (a *App) Frame() string {
	switch {
	case a.w <= 0 || a.h <= 0:
		return ""
	case a.small():
		return strings.Join(a.tooSmall(), "\n")
	}
	p, w := a.pen, a.w
	bottom := a.bottom(w)
	bodyH := a.bodyH(len(bottom))
	lines := make([]string, 0, a.h)
	lines = append(lines, a.where(w), a.rail(w), a.countdown(w))
	lines = append(lines, p.block(a.page().View(w, bodyH), w, bodyH)...)
	lines = append(lines, bottom...)
	frame := strings.Join(lines, "\n")
	for _, o := range a.over {
		frame = a.layer(frame, o, bodyH)
	}
	return frame
}

// countdown is the rule below the rail. In it stands in which zone the times of the
// screen are, and before that how long there is left, on the pages that do not say it in
// their sentence. No overlay lies over it.
func (a *App) countdown(w int) string {
	p := a.pen
	if f := a.session.rule; f != nil {
		return f(&a.scope, w)
	}
	const zone = " times in UTC "
	end := paint(p.Dim, zone) + p.rule(2)
	if left, runs := a.snap.Countdown(a.d.verdict); runs && a.inc().Step > incident.Decision {
		end = paint(p.Bad, " roll back within "+clockOf(left)+" ") + p.rule(1) + end
	}
	return p.rule(w-ansi.StringWidth(end)) + end
}

// bottom is what stands below the body: what is to be dealt with, the sentence,
// the keys.
func (a *App) bottom(w int) []string {
	lines := append(a.noticeLines(w), a.pen.rule(w))
	lines = append(lines, a.sentenceLines(w)...)
	return append(lines, a.keysLines(w)...)
}

// bodyH is the height of the body above so many lines.
func (a *App) bodyH(bottom int) int { return a.h - 3 - bottom }

// boxSize is the size of an overlay with its frame.
func (a *App) boxSize(o overlay, bodyH int) (w, h int) {
	w, h = o.Size(a.w, bodyH)
	return max(8, min(w, a.w)), max(3, min(h, bodyH))
}

// scroll tells the page and the overlays how much room they have, so that what
// is marked stays in view. It is called at the end of each Update: drawing
// changes nothing.
func (a *App) scroll() {
	if a.w <= 0 || a.h <= 0 || a.small() {
		return
	}
	bodyH := a.bodyH(len(a.bottom(a.w)))
	a.page().Scroll(a.w, bodyH)
	for _, o := range a.over {
		w, h := a.boxSize(o, bodyH)
		o.Scroll(w-2, h-2)
	}
}

// layer lays an overlay over the body. Where I am and the sentence stay.
func (a *App) layer(frame string, o overlay, bodyH int) string {
	p := a.pen
	w, h := a.boxSize(o, bodyH)
	var lines []string
	hidden := ""
	if m, ok := o.(interface {
		Part(w, h int) ([]string, string)
	}); ok {
		lines, hidden = m.Part(w-2, h-2)
	} else {
		lines = o.View(w-2, h-2)
	}
	inner := p.block(lines, w-2, h-2)
	side := paint(p.Note, p.say("│"))
	title := p.fit(o.Title(), w-6)
	line := strings.Repeat(p.say("─"), max(0, w-4-ansi.StringWidth(title)))
	box := make([]string, 0, h)
	box = append(box, paint(p.Note, p.say("┌")+" ")+paint(p.Strong, title)+paint(p.Note, " "+line+p.say("┐")))
	for _, l := range inner {
		box = append(box, side+p.pad(l, w-2)+side)
	}
	foot := strings.Repeat("─", w-2)
	if hidden != "" {
		foot = " " + hidden + " "
		foot = strings.Repeat("─", max(0, w-4-ansi.StringWidth(foot))) + foot + "──"
	}
	box = append(box, paint(p.Note, p.fit("└"+foot, w-1)+p.say("┘")))
	x, y := (a.w-w)/2, 3+(bodyH-h)/2
	if w == a.w { // at the bottom, so that the beginning of the page stays: it tells how it goes on
		y = 3 + bodyH - h
	}
	canvas := lipgloss.NewCanvas(a.w, a.h)
	canvas.Compose(lipgloss.NewCompositor(
		lipgloss.NewLayer(frame),
		lipgloss.NewLayer(strings.Join(box, "\n")).X(x).Y(y).Z(1),
	))
	return canvas.Render()
}

// where is line 1: which cluster, who, how old the data is, which incident, how
// long it has lasted.
func (a *App) where(w int) string {
	p, s := a.pen, a.snap
	set := &s.Incident.Settings
	context, lead := set.Context, " "
	if a.session.alone {
		context = ""
	}
	if f := a.session.mark; f != nil {
		lead = paint(p.Alarm, p.say(f(w))) + " "
	}
	who := s.Seen.Identity.User
	if who == "" {
		who = set.Operator
	}
	var state, clock []string
	if !a.session.still {
		live, style := a.live()
		state = append(state, paint(style, p.say(live)))
	}
	if note := a.session.note; note != "" {
		style := p.Warn
		if a.session.noteBig {
			style = p.Alarm
		}
		state = append(state, paint(style, note))
	}
	if since := onset(&s.Incident); !since.IsZero() {
		lasted := until(s).Sub(since)
		clock = append(clock, paint(p.Strong, "T+"+clockOf(lasted)))
		// The downtime beside it only where it is another time.
		total, blind := incident.Downtime(s)
		if text := a.down(); text != "" && w >= wideWidth && (blind >= 10*time.Second || (lasted-total).Abs() >= 10*time.Second) {
			clock = append(clock, paint(p.Warn, p.say(text)))
		}
	}
	if id := shortID(s.Incident.ID); id != "" {
		// Which cluster this is must not be cut: the incident's component gives way to
		// it, and the user to both.
		whole := p.say(strings.Trim(context+"/"+set.Namespace, "/"))
		free := w - ansi.StringWidth(lead+whole+strings.Join(append(slices.Clone(state), clock...), "  ")) - 5
		beside := free - ansi.StringWidth(p.say(" · "+who))
		state = append(state, paint(p.Strong, p.incidentName(id, min(free, max(w/5, beside)))))
	}
	tail := strings.Join(append(state, clock...), "  ") + " "
	room := w - ansi.StringWidth(tail) - 1 - ansi.StringWidth(lead)
	name := p.place(context, set.Namespace, max(8, room))
	head := lead + paint(p.Note, name)
	if who != "" {
		if left := room - ansi.StringWidth(name) - 3; left >= 6 {
			head += p.say(" · ") + p.middle(who, left)
		}
	}
	return p.fit(p.pad(head, w-ansi.StringWidth(tail))+tail, w)
}

// onset is what the stopwatch counts from: the first bad sample, else when it
// was found.
func onset(i *incident.Incident) time.Time {
	if i.Onset.IsZero() {
		return i.Detected
	}
	return i.Onset
}

// until is what the stopwatch counts to: it stops when it was verified, else when it
// was closed.
func until(s *incident.Snapshot) time.Time {
	switch i := &s.Incident; {
	case !i.Verified.IsZero():
		return i.Verified
	case !i.Closed.IsZero():
		return i.Closed
	}
	return s.Now
}

// shortID is what one says on the phone: the hour and the component of
// INC-20261123-0312-backend-python, of a drill of DRILL-….
func shortID(id string) string {
	parts := strings.SplitN(id, "-", 4)
	if len(parts) == 4 && (parts[0] == "INC" || parts[0] == "DRILL") && len(parts[1]) == 8 {
		return parts[0] + "-" + parts[2] + " " + parts[3]
	}
	return id
}

// incidentName is a short ID in about n cells: its component is cut, and left out
// where nothing of it could be read; its time never is.
func (p *pen) incidentName(id string, n int) string {
	when, component, ok := strings.Cut(id, " ")
	room := n - ansi.StringWidth(p.say(when)) - 1
	switch {
	case !ok:
		return p.say(id)
	case room < 5:
		return p.say(when)
	}
	if width := ansi.StringWidth(p.say(component)); width > room {
		return p.say(when+" …") + ansi.TruncateLeft(p.say(component), width-room+1, "")
	}
	return p.say(when + " " + component)
}

// live says how old the cluster's state is.
func (a *App) live() (string, ansi.Style) {
	c, now := a.snap.Seen.Cluster, a.snap.Now
	switch {
	case c.Heard.IsZero() && c.Err != "":
		return "✗ no answer", a.pen.Bad
	case c.Heard.IsZero():
		return "○ connecting", a.pen.Warn
	case c.Lost(now, incident.ClusterFresh):
		return "✗ lost " + age(now, c.Heard), a.pen.Bad
	case a.snap.Seen.Identity.Polled > 0:
		return "● every " + model.Short(a.snap.Seen.Identity.Polled), a.pen.Good
	case now.Sub(c.Heard) < 5*time.Second:
		return "● live", a.pen.Good
	}
	return "● live " + age(now, c.Heard), a.pen.Good
}

// rail is line 2: the seven steps.
func (a *App) rail(w int) string {
	p, i := a.pen, a.inc()
	long, short := " ", " "
	for s := incident.Assess; s <= incident.Close; s++ {
		style, text := p.Dim, fmt.Sprintf("%d %s", s+1, s.Name())
		brief := fmt.Sprintf("%d", s+1)
		switch {
		case s == i.Step:
			text = "▸" + text // also where nothing is reversed: a log of the session, a test
			style, brief = p.Here, text
		case s <= i.Furthest:
			style = p.Plain
		}
		sep := ""
		if s > incident.Assess {
			sep = paint(p.Dim, p.say(" ─ "))
		}
		long += sep + paint(style, p.say(text))
		short += sep + paint(style, p.say(brief))
	}
	if ansi.StringWidth(long) > w {
		return p.fit(short, w)
	}
	return long
}

// says is the sentence, after what overrules every page: that nothing is heard
// any more.
func (a *App) says() sentence {
	s, c := a.page().Says(), a.snap.Seen.Cluster
	if len(a.over) > 0 {
		if o := a.over[len(a.over)-1].Says(); o.text != "" {
			s = o
		}
	}
	if f := a.session.says; f != nil {
		s = f(a, s)
	}
	switch e := a.snap.Seen.JournalE; {
	case e == "" || a.inc().WithoutJournal:
	case a.inc().Settings.ReadOnly:
		s = sentence{bad, a.upper(e)}
	default:
		s = sentence{bad, "The journal cannot be written: " + e + ". J on Confirm goes on without it."}
	}
	switch {
	case c.LoggedOut && a.opt.Login != nil:
		why := c.Err
		if why == "" {
			why = "the API server does not accept your credentials"
		}
		return sentence{bad, "Log in with L: " + why}
	case c.Heard.IsZero():
	case c.Lost(a.snap.Now, incident.ClusterFresh):
		text := "Nothing heard from " + c.To + " for " + age(a.snap.Now, c.Heard) + ": all of this is old."
		if c.Err != "" {
			text += " " + c.Err
		}
		return sentence{bad, text}
	}
	return s
}

// sentenceMost is how many lines the sentence, and what stands below it, may have.
func (a *App) sentenceMost() int { return max(2, a.h/6) }

// sentenceLines is the sentence: more than a line when it does not fit into one, because
// what matters most may stand at its end.
func (a *App) sentenceLines(w int) []string {
	s := a.says()
	p := a.pen
	style := p.of(s.level)
	lead, text := " ", s.text
	if s.level == alarm {
		if head, rest, ok := strings.Cut(s.text, ": "); ok {
			lead, text = " "+paint(p.Alarm, " "+p.say(head)+" ")+" ", rest
		}
	}
	return p.hang(lead, text, w, a.sentenceMost(), style)
}

// of is the style of a sentence so urgent.
func (p *pen) of(l level) ansi.Style {
	return [...]ansi.Style{calm: p.Plain, fine: p.Good, warn: p.Warn, bad: p.Bad, alarm: p.Bad}[l]
}

// hang is text in at most so many lines (0 = all), further ones below the first's
// beginning.
func (p *pen) hang(lead, text string, w, most int, style ansi.Style) []string {
	n := ansi.StringWidth(lead)
	lines := p.wrap(text, w-n-1, most)
	for i, l := range lines {
		lines[i] = lead + paint(style, l)
		lead = spaces(n)
	}
	return lines
}

// keysLines are the keys that work now, or why the last one did nothing.
func (a *App) keysLines(w int) []string {
	p := a.pen
	if line := a.leavingLine(); line != "" {
		return p.hang(" ", line, w, a.sentenceMost(), p.Strong)
	}
	if a.hint != "" {
		return p.hang(" ", a.hint, w, a.sentenceMost(), p.Warn)
	}
	return []string{p.footer(a.snap, a.frontKeys(), a.everywhere(), w)}
}

// typing reports whether keys go into a field.
func (a *App) typing() bool {
	t, ok := a.front().(interface{ typing() bool })
	return ok && t.typing()
}

// tooSmall keeps the one sentence where nothing else can be read.
func (a *App) tooSmall() []string {
	p, s := a.pen, a.says()
	var out []string
	out = append(out, p.fit(a.where(max(a.w, 40)), a.w))
	if line := a.leavingLine(); line != "" {
		out = append(out, p.wrap(line, a.w, 0)...)
	}
	for _, n := range a.notices() {
		out = append(out, p.wrap(n.text, a.w, 2)...)
	}
	out = append(out, p.wrap(s.text, a.w, max(1, a.h-3))...)
	out = append(out, "", p.fit(fmt.Sprintf("Too small: %d×%d, needs %d×%d. q quits.", a.w, a.h, minWidth, minHeight), a.w))
	return p.block(out, a.w, a.h)
}
