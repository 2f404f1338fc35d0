package ui

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// Choice is an incident to practise on.
type Choice struct {
	Name  string
	Title string // a few words
	Learn string // one line
}

// ErrLeft is returned by Pick when nothing was chosen.
var ErrLeft = errors.New("nothing was chosen")

// Pick shows the choices and calls begin with the one that was taken; when that
// fails, its error is shown and another one can be taken. It returns nil after
// begin has succeeded, and never before a begin that was called has returned.
// Of the options it looks at those about the terminal.
func Pick(ctx context.Context, o Options, choices []Choice, begin func(ctx context.Context, name string) error) error {
	if o.Env == nil {
		o.Env = os.Environ()
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p := newPicker(ctx, o, choices, begin)
	err := runProgram(ctx, p, o)
	cancel()
	p.beginning.Wait()
	if err != nil {
		return err
	}
	if !p.begun {
		return ErrLeft
	}
	return nil
}

// picker is the sandbox's opening screen.
type picker struct {
	ctx     context.Context
	pen     *pen
	look    Look
	w, h    int
	choices []Choice
	begin   func(context.Context, string) error

	at, top   int
	busy      bool // begin is running
	begun     bool
	trouble   string
	beginning sync.WaitGroup
}

func newPicker(ctx context.Context, o Options, choices []Choice, begin func(context.Context, string) error) *picker {
	p := &picker{ctx: ctx, look: DetectLook(o.Env), choices: choices, begin: begin, w: o.Width, h: o.Height}
	if o.Look != nil {
		p.look = *o.Look
	}
	p.pen = newPen(p.look)
	return p
}

// begunMsg is how begin ended.
type begunMsg struct{ err error }

func (p *picker) keys() []Key {
	by := func(n int) func() tea.Cmd { return func() tea.Cmd { p.move(n); return nil } }
	return []Key{
		{Keys: []string{"enter"}, Name: "begin", Main: true, Help: "open the walk on the marked incident", do: p.take},
		{Keys: []string{"up", "k"}, Show: "↑", Name: "up", Help: "the incident above", do: by(-1)},
		{Keys: []string{"down", "j"}, Show: "↓", Name: "down", Help: "the incident below", do: by(1)},
		{Keys: []string{"home", "g"}, Show: "home", Name: "first", Help: "the first incident", Hide: true, do: by(-len(p.choices))},
		{Keys: []string{"end", "G"}, Show: "end", Name: "last", Help: "the last incident", Hide: true, do: by(len(p.choices))},
		{Keys: []string{"q", "esc", "ctrl+c"}, Show: "q", Name: "quit", Help: "leave", do: func() tea.Cmd { return tea.Quit }},
	}
}

func (p *picker) move(by int) {
	p.at = max(0, min(len(p.choices)-1, p.at+by))
	p.trouble = ""
}

func (p *picker) take() tea.Cmd {
	p.busy, p.trouble = true, ""
	name, ended := p.choices[p.at].Name, make(chan error, 1)
	// Not in the command itself, which nobody could wait for.
	p.beginning.Go(func() { ended <- p.begin(p.ctx, name) })
	return func() tea.Msg { return begunMsg{<-ended} }
}

func (p *picker) Init() tea.Cmd { return tea.RequestBackgroundColor }

func (p *picker) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	cmd := p.update(msg)
	if !p.small() {
		p.top = window(p.top, p.at, len(p.choices), p.room())
	}
	return p, cmd
}

func (p *picker) update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		p.w, p.h = msg.Width, msg.Height
	case tea.ColorProfileMsg:
		p.look.takes(msg.Profile)
		*p.pen = *newPen(p.look)
	case tea.BackgroundColorMsg:
		p.look.Light = !msg.IsDark()
		*p.pen = *newPen(p.look)
	case begunMsg:
		if p.busy = false; msg.err == nil {
			p.begun = true
			return tea.Quit
		}
		p.trouble = msg.err.Error()
	case tea.KeyPressMsg:
		if p.busy && msg.String() != "ctrl+c" {
			return nil
		}
		for _, k := range p.keys() {
			if k.matches(msg) && (!p.small() || k.Name == "quit") {
				return k.do()
			}
		}
	}
	return nil
}

// The smallest screen on which a choice can be read.
const pickerWidth, pickerHeight = 40, 12

func (p *picker) small() bool { return p.w < pickerWidth || p.h < pickerHeight }

func (p *picker) View() tea.View {
	v := tea.NewView(p.Frame())
	v.AltScreen = true
	return v
}

// Frame is the screen's text: exactly h lines of at most w cells.
func (p *picker) Frame() string {
	if p.w <= 0 || p.h <= 0 {
		return ""
	}
	if p.small() {
		return strings.Join(p.pen.block([]string{p.pen.fit(fmt.Sprintf("Too small: %d×%d, needs %d×%d. q quits.", p.w, p.h, pickerWidth, pickerHeight), p.w)}, p.w, p.h), "\n")
	}
	room := p.room()
	out := append(p.head(), p.pen.block(p.list(room), p.w, room)...)
	return strings.Join(append(out, p.foot()...), "\n")
}

// room is how many lines there are for the choices.
func (p *picker) room() int { return p.h - len(p.head()) - len(p.foot()) }

func (p *picker) head() []string {
	n := p.pen
	head := []string{paint(n.Alarm, sandboxMark) + " " + paint(n.Note, "choose an incident to practise on"), n.rule(p.w)}
	head = append(head, n.indent("Nothing here is real: the cluster and its Prometheus are in this program, for this screen alone.", p.w, " ")...)
	return append(head, "")
}

func (p *picker) foot() []string {
	foot := append([]string{p.pen.rule(p.w)}, p.says()...)
	return append(foot, p.pen.footer(nil, p.keys(), nil, p.w))
}

// list draws the choices, as many as fit.
func (p *picker) list(room int) []string {
	n, wide := p.pen, 0
	for _, c := range p.choices {
		wide = max(wide, ansi.StringWidth(c.Name))
	}
	wide = min(wide, p.w/3)
	top := window(p.top, p.at, len(p.choices), room)
	var out []string
	for i, c := range p.choices[top:] {
		sign, style := "   ", n.Plain
		if top+i == p.at {
			sign, style = " ▸ ", n.Strong
		}
		out = append(out, paint(style, n.say(sign))+n.name(c.Name, wide, style)+"  "+n.fit(c.Title, p.w-wide-5))
	}
	return out
}

// says are always three lines, so that the list does not jump.
func (p *picker) says() []string {
	n := p.pen
	const lines = 3
	switch {
	case p.trouble != "":
		return n.block(n.hang(" ", "✗ "+p.trouble, p.w, 2, n.Bad), p.w, lines)
	case p.busy:
		return n.block([]string{" An hour of " + p.choices[p.at].Name + " is being made…"}, p.w, lines)
	case len(p.choices) == 0:
		return n.block(nil, p.w, lines)
	}
	return n.block(n.indent(p.choices[p.at].Learn, p.w, " "), p.w, lines)
}
