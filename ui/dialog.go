package ui

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"rollbook/incident"
)

// dialog asks something small: one of several options, a reason, or both.
type dialog struct {
	base
	title   string
	text    []string // what it is about
	options []string
	typed   bool                  // a line may be typed
	prompt  string                // what is typed
	must    bool                  // the line may not stay empty
	needs   func(option int) bool // whether it is asked for by an option, which it may not stay empty for; nil = by all alike
	yes     string                // what enter does
	key     string                // which key does it; "" = enter
	quiet   bool
	says    sentence // what matters now; none = the page's stays
	act     func(option int, typed string) tea.Cmd
	// check says below the field what is meant, and why that cannot be; nil = nothing.
	check func(option int, typed string) (says sentence, why string)

	at    int
	field field
}

// ask opens a dialog.
func (s *scope) ask(d dialog) tea.Cmd { return s.open(s.newDialog(d)) }

func (s *scope) newDialog(d dialog) *dialog {
	d.base, d.field = base{s}, newField(fieldMax)
	return &d
}

func (d *dialog) Title() string { return d.title }
func (d *dialog) Follow()       {}
func (d *dialog) typing() bool  { return d.typed }

// required reports whether the line may not stay empty, by the marked option.
func (d *dialog) required() bool { return d.must || d.needs != nil && d.needs(d.at) }

func (d *dialog) Keys() []Key {
	key := d.key
	if key == "" {
		key = "enter"
	}
	empty := func(*incident.Snapshot) string {
		if d.required() && strings.TrimSpace(d.field.String()) == "" {
			return "type first " + d.prompt
		}
		if d.check != nil {
			_, why := d.check(d.at, d.field.String())
			return why
		}
		return ""
	}
	cancel := d.closeKey("cancel", "close without doing anything")
	if d.typed {
		cancel.Keys = cancel.Keys[:1]
	}
	keys := []Key{{Keys: []string{key}, Name: d.yes, Help: "do it", Main: true, Acts: true, Quiet: d.quiet, Disabled: empty, do: func() tea.Cmd {
		d.shut()
		return d.act(d.at, d.field.String())
	}}, cancel}
	if len(d.options) > 1 {
		keys = append(keys,
			Key{Keys: []string{"up", "shift+tab"}, Show: "↑", Name: "up", Help: "the option above", Hide: true, do: func() tea.Cmd { return d.move(-1) }},
			Key{Keys: []string{"down", "tab"}, Show: "↓", Name: "down", Help: "the option below", Hide: true, do: func() tea.Cmd { return d.move(1) }})
	}
	return keys
}

func (d *dialog) move(by int) tea.Cmd {
	d.at = max(0, min(len(d.options)-1, d.at+by))
	return nil
}

// Update takes text; what is not text goes to Keys.
func (d *dialog) Update(msg tea.KeyPressMsg) (tea.Cmd, bool) {
	return nil, d.typed && d.field.key(msg)
}

func (d *dialog) paste(text string) { d.field.insert(text) }

func (d *dialog) Size(w, h int) (int, int) {
	n := len(d.options) + 2
	for _, t := range d.text {
		n += len(d.pen.wrap(t, min(w, 76)-4, 0))
	}
	if d.typed {
		n += 2
	}
	if d.check != nil {
		n += 2
	}
	return min(w, 76), min(h, n+2)
}

func (d *dialog) View(w, _ int) []string {
	p := d.pen
	var out []string
	for _, t := range d.text {
		for _, l := range p.wrap(t, w-2, 0) {
			out = append(out, " "+l)
		}
	}
	out = append(out, "")
	for n, o := range d.options {
		if n == d.at && len(d.options) > 1 {
			out = append(out, paint(p.Strong, p.say(" ▸ "+o)))
		} else {
			out = append(out, "   "+o)
		}
	}
	if d.typed {
		if len(d.options) > 0 {
			out = append(out, "")
		}
		label := d.prompt + " (may stay empty): "
		switch {
		case d.required():
			label = d.prompt + ": "
		case d.needs != nil:
			label = d.prompt + " (only to leave it): "
		}
		label = p.say(label)
		out = append(out, " "+paint(p.Dim, label)+d.field.view(p, w-2-len(label)))
	}
	if d.check != nil {
		says, _ := d.check(d.at, d.field.String())
		for _, l := range p.wrap(says.text, w-2, 2) {
			out = append(out, " "+paint(p.of(says.level), l))
		}
	}
	return out
}

func (d *dialog) Says() sentence { return d.says }

var _ overlay = (*dialog)(nil)

// reason asks for the reason of something that will be recorded; it may not stay
// empty.
func (s *scope) reason(title string, text []string, yes string, do func(reason string) tea.Cmd) tea.Cmd {
	return s.ask(dialog{title: title, text: text, typed: true, must: true, prompt: "why", yes: yes,
		act: func(_ int, typed string) tea.Cmd { return do(typed) }})
}

// remark is reason for what needs none: it may stay empty.
func (s *scope) remark(title string, text []string, yes string, do func(reason string) tea.Cmd) tea.Cmd {
	return s.ask(dialog{title: title, text: text, typed: true, prompt: "why", yes: yes,
		act: func(_ int, typed string) tea.Cmd { return do(typed) }})
}

// verdictOptions are what a verdict may be overruled to.
var verdictOptions = []incident.Verdict{incident.Now, incident.Within10, incident.WatchClosely}
