package ui

import (
	"context"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"rollbook/incident"
	"rollbook/model"
)

// pager is an overlay of lines to scroll.
type pager struct {
	base
	title string
	lines func(w int) []string
	say   sentence
	end   bool // stay at the end while new lines come
	top   int
	w, h  int // of the last Scroll
}

func (g *pager) Title() string  { return g.title }
func (g *pager) Says() sentence { return g.say }

func (g *pager) Keys() []Key {
	return append([]Key{g.closeKey("close", "close")}, g.scrollKeys()...)
}

// closeKey closes the overlay: with q, too, as in every pager.
func (s *scope) closeKey(name, help string) Key {
	return Key{Keys: []string{"esc", "q"}, Name: name, Help: help, Last: true, do: s.shut}
}

func (g *pager) scrollKeys() []Key {
	by := func(n int) func() tea.Cmd { return func() tea.Cmd { g.scroll(n); return nil } }
	page := func(sign int) func() tea.Cmd {
		return func() tea.Cmd { g.scroll(sign * max(1, g.h-1)); return nil }
	}
	return []Key{
		{Keys: []string{"up", "k"}, Show: "↑", Name: "up", Help: "scroll up a line", Hide: true, do: by(-1)},
		{Keys: []string{"down", "j"}, Show: "↓", Name: "down", Help: "scroll down a line", Hide: true, do: by(1)},
		{Keys: []string{"pgup", "ctrl+b"}, Show: "pgup", Name: "page up", Help: "scroll up a page", Hide: true, do: page(-1)},
		{Keys: []string{"pgdown", "ctrl+f", "space"}, Show: "pgdn", Name: "page down", Help: "scroll down a page", Hide: true, do: page(1)},
		{Keys: []string{"home", "g"}, Show: "home", Name: "start", Help: "to the start", Hide: true, do: by(-1 << 30)},
		{Keys: []string{"end", "G"}, Show: "end", Name: "end", Help: "to the end", Hide: true, do: by(1 << 30)},
	}
}

func (g *pager) scroll(by int) {
	last := max(0, len(g.lines(g.w))-g.h)
	if g.end {
		g.top = last
	}
	g.top = max(0, min(last, g.top+by))
	g.end = g.end && g.top == last
}

func (g *pager) Size(w, h int) (int, int) { return w, h }

func (g *pager) Scroll(w, h int) { g.w, g.h = w, h }

func (g *pager) View(w, h int) []string {
	lines, _ := g.Part(w, h)
	return lines
}

// Part is what is seen, and how much is not: a cut text must not pass for the
// whole.
func (g *pager) Part(w, h int) (lines []string, hidden string) {
	lines = g.lines(w)
	if len(lines) <= h {
		return lines, ""
	}
	above := max(0, min(g.top, len(lines)-h))
	if g.end {
		above = len(lines) - h
	}
	if above > 0 {
		hidden = "↑ " + itoa(int64(above)) + " more"
	}
	if below := len(lines) - above - h; below > 0 {
		hidden = strings.TrimLeft(hidden+" · ↓ "+itoa(int64(below))+" more", " ·")
	}
	return lines[above : above+h], hidden
}

const helpTitle = "Help"

func newHelp(s *scope, sets []keySet) overlay {
	return &pager{base: base{s}, title: helpTitle, lines: func(w int) []string {
		lines := s.pen.helpLines(s.snap, sets, w)
		if f := s.session.about; f != nil {
			lines = append(append(lines, ""), f(s, w)...)
		}
		return lines
	}}
}

func newTimeline(s *scope) overlay {
	return &pager{base: base{s}, title: "Timeline, in UTC", end: true, lines: func(w int) []string {
		if len(s.inc().Timeline) == 0 {
			return []string{"", " Nothing yet. The journal begins when you go to Decide."}
		}
		return s.timelineLines(w, len(s.inc().Timeline), true)
	}}
}

// timelineLines are the newest n entries, oldest first.
func (s *scope) timelineLines(w, n int, wrapped bool) []string {
	entries := s.inc().Timeline
	entries = entries[max(0, len(entries)-n):]
	if !wrapped && n > 1 {
		entries = s.lastEntries(n)
	}
	var out []string
	for _, e := range entries {
		out = append(out, s.entryLines(e, w, wrapped)...)
	}
	return out
}

// entryLines are one entry of the timeline: one line, or as many as it takes.
func (s *scope) entryLines(e incident.Entry, w int, wrapped bool) []string {
	p := s.pen
	sign, style := " ", p.Plain
	switch e.Kind {
	case incident.EntryBad:
		sign, style = "✗", p.Bad
	case incident.EntryWrite, incident.EntryOutcome:
		sign, style = "✓", p.Strong
	case incident.EntrySeen:
		style = p.Dim
	case "answer", "choice", "check":
		sign = "·"
	}
	// Who did it stands where the sign of what happened by itself stands:
	// most lines have no name, and a column of blanks costs a quarter of 80.
	head := " " + p.say(e.At.UTC().Format("15:04:05")) + " " + paint(style, p.say(sign)) + " "
	if e.By != "" {
		head += paint(p.Strong, p.middle(e.By, 16)) + " "
	}
	n := ansi.StringWidth(head)
	if !wrapped {
		return []string{head + paint(style, p.fit(e.Text, w-n-1))}
	}
	var out []string
	for k, l := range p.wrap(e.Text, w-n-1, 0) {
		if k > 0 {
			head = spaces(n)
		}
		out = append(out, head+paint(style, l))
	}
	return out
}

// lastEntries are the last entries of the timeline. What was confirmed last is among
// them, however much came since.
func (s *scope) lastEntries(n int) []incident.Entry {
	all := s.inc().Timeline
	from := max(0, len(all)-n)
	for k := from - 1; k >= 0; k-- {
		if all[k].Kind == incident.EntryWrite {
			return append([]incident.Entry{all[k]}, all[from+1:]...)
		}
	}
	return all[from:]
}

// loaded is text that is read for an overlay: not there yet, there, or failed.
type loaded struct {
	gen   int
	ready bool
	err   string
	content
}

// content is what can be read: lines, or events.
type content struct {
	lines  []string
	log    []model.LogLine
	events model.Events
}

// loadTime bounds every reading that is not followed.
const loadTime = 10 * time.Second

// loadedMsg is the answer to a reading. It goes to whom it was read for, and is
// dropped when another reading was begun since.
type loadedMsg struct {
	to  *loaded
	gen int
	got content
	err error
}

func (m loadedMsg) deliver(*App) tea.Cmd {
	if m.gen != m.to.gen {
		return nil
	}
	m.to.ready, m.to.content, m.to.err = true, m.got, ""
	if m.err != nil {
		m.to.err = m.err.Error()
	}
	return nil
}

// load begins a reading.
func (s *scope) load(to *loaded, read func(ctx context.Context) (content, error)) tea.Cmd {
	to.gen++
	to.ready = false
	gen, parent := to.gen, s.ctx
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(parent, loadTime)
		defer cancel()
		got, err := read(ctx)
		return loadedMsg{to, gen, got, err}
	}
}

// view draws what was read, or why there is nothing.
func (l *loaded) view(p *pen, w int, what string) []string {
	switch {
	case !l.ready:
		return []string{"", " Reading " + what + "…"}
	case l.err != "":
		out := []string{"", " " + paint(p.Bad, p.say("✗ ")+"could not read "+what)}
		for _, line := range p.wrap(l.err, w-4, 0) {
			out = append(out, "   "+line)
		}
		return out
	case len(l.lines) == 0:
		return []string{"", " Nothing: there is no " + what + "."}
	}
	return l.lines
}

// reader is a pager over something that is read once.
type reader struct {
	pager
	got  loaded
	read func(ctx context.Context) (content, error)
}

func (r *reader) begin() tea.Cmd { return r.load(&r.got, r.read) }

func newReader(s *scope, title, what string, style func(p *pen, line string) ansi.Style, read func(ctx context.Context) (content, error)) overlay {
	r := &reader{pager: pager{base: base{s}, title: title}, read: read}
	r.lines = func(w int) []string {
		lines := r.got.view(s.pen, w, what)
		if style == nil || !r.got.ready || r.got.err != "" {
			return lines
		}
		var out []string
		for _, l := range lines {
			look := style(s.pen, l)
			// Broken at the edge, blanks and all: this is text to compare, and what
			// differs may stand at its end.
			for _, piece := range strings.Split(ansi.Hardwrap(strings.ReplaceAll(l, "\t", "  "), max(1, w-2), true), "\n") {
				out = append(out, " "+paint(look, s.pen.say(piece)))
			}
		}
		return out
	}
	return r
}

func newManifest(s *scope, c *model.Component) overlay {
	return newReader(s, "Manifest of "+c.Workload.String(), "manifest", func(p *pen, _ string) ansi.Style { return p.Plain },
		func(ctx context.Context) (content, error) {
			text, err := s.viewer.Manifest(ctx, c)
			return content{lines: split(text)}, err
		})
}

func newDiff(s *scope, c *model.Component, to model.Version) overlay {
	style := func(p *pen, l string) ansi.Style {
		switch {
		case strings.HasPrefix(l, "+"):
			return p.Good
		case strings.HasPrefix(l, "-"):
			return p.Bad
		case strings.HasPrefix(l, "@"):
			return p.Dim
		}
		return p.Plain
	}
	return newReader(s, "From what runs of "+c.ID+" to "+to.Label, "diff", style,
		func(ctx context.Context) (content, error) {
			text, err := s.viewer.Diff(ctx, c, to.Key)
			return content{lines: split(text)}, err
		})
}

func split(text string) []string {
	text = strings.TrimRight(text, "\n")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// newEvents shows the events that the board carries at once, and all of them
// when they were read.
func newEvents(s *scope, c *model.Component) overlay {
	var mine []model.Event
	for _, e := range s.snap.Seen.Events {
		if e.Component == c.ID {
			mine = append(mine, e)
		}
	}
	title := "Events of " + c.ID + ", newest last"
	if s.viewer == nil {
		g := &pager{base: base{s}, title: title, end: true}
		g.lines = func(w int) []string { return s.eventLines(mine, w) }
		return g
	}
	e := &events{reader: reader{pager: pager{base: base{s}, title: title, end: true}}, have: mine}
	e.read = func(ctx context.Context) (content, error) {
		all, err := s.viewer.Events(ctx, c)
		return content{events: all}, err
	}
	e.lines = e.draw
	return e
}

type events struct {
	reader
	have []model.Event
}

func (e *events) draw(w int) []string {
	if e.got.ready && e.got.err == "" {
		return e.allLines(e.got.events, w)
	}
	if len(e.have) > 0 {
		return e.eventLines(e.have, w)
	}
	return e.got.view(e.pen, w, "events")
}

// allLines are the events that were read, and what was not.
func (s *scope) allLines(all model.Events, w int) []string {
	p := s.pen
	var out []string
	if all.Older > 0 {
		out = append(out, paint(p.Dim, p.fit(" "+itoa(int64(all.Older))+" older ones are left out.", w)))
	}
	if len(all.List) > 0 || all.Unread == "" {
		out = append(out, s.eventLines(all.List, w)...)
	}
	if all.Unread != "" {
		for k, l := range p.wrap("Not all were read, newer ones may be missing: "+all.Unread, w-5, 0) {
			sign := "   "
			if k == 0 {
				sign = " " + p.say("⚠") + " "
			}
			out = append(out, paint(p.Warn, sign+l))
		}
	}
	return out
}

func (s *scope) eventLines(list []model.Event, w int) []string {
	p := s.pen
	if len(list) == 0 {
		return []string{"", " No events are kept: the cluster forgets them after an hour."}
	}
	var out []string
	for _, e := range list {
		style, sign := p.Plain, " "
		if e.Type == "Warning" {
			style, sign = p.Warn, "⚠"
		}
		times := ""
		if e.Count > 1 {
			times = " ×" + itoa(int64(e.Count))
		}
		out = append(out, " "+p.right(age(s.snap.Now, e.At), 6, p.Dim)+" "+paint(style, p.say(sign))+" "+
			paint(style, p.say(e.Reason+times))+"  "+paint(p.Dim, p.middle(e.Object, max(20, w/3))))
		for _, l := range p.wrap(e.Message, w-12, 3) {
			out = append(out, spaces(10)+l)
		}
	}
	return out
}
