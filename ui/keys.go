package ui

import (
	"fmt"
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"rollbook/incident"
)

// Key is one thing that the operator can do, as data: footer, help and
// docs/keys.md are printed from it, and the same Disabled that keeps it from
// acting says why.
type Key struct {
	Keys []string // as Bubble Tea names them
	Show string   // how they are printed; empty = the first of Keys
	Name string   // what it does, in a word or three: the footer
	Help string   // what it does, in a line: the help
	// Disabled says why it can do nothing now, in words for the operator; "" or
	// a nil function when it can.
	Disabled func(*incident.Snapshot) string
	// Quiet: it is taken only when no key came for 300 ms, so that a held key or
	// a slipped hand confirms nothing.
	Quiet bool
	// Hide keeps it out of the footer (arrows and the like).
	Hide bool
	// Main is the one next key of the page: it is shown even when disabled.
	Main bool
	// Acts: it changes the incident or the world, or leads to a question that
	// does. It is not offered to those who only look.
	Acts bool
	// Turns: all that it changes is which page is shown.
	Turns bool
	// Types: it opens a field.
	Types bool
	do    func() tea.Cmd
}

// Shown is how the key is printed.
func (k Key) Shown() string {
	if k.Show != "" {
		return k.Show
	}
	return k.Keys[0]
}

func (k Key) matches(msg tea.KeyPressMsg) bool {
	return key.Matches(msg, key.NewBinding(key.WithKeys(k.Keys...)))
}

func (k Key) off(s *incident.Snapshot) string {
	if k.Disabled == nil || s == nil {
		return ""
	}
	return k.Disabled(s)
}

// footer prints the keys that work now, the most important first, as many as
// fit; help and quit are always among them.
func (p *pen) footer(s *incident.Snapshot, page, global []Key, w int) string {
	const sep = " · "
	item := func(k Key) (string, int) {
		show, name := p.say(k.Shown()), p.say(k.Name)
		if k.off(s) != "" {
			// Brackets, because where there are no colours dim is not seen.
			text := "(" + show + " " + name + ")"
			return paint(p.Dim, text), ansi.StringWidth(text)
		}
		return paint(p.Key, show) + " " + name, ansi.StringWidth(show) + 1 + ansi.StringWidth(name)
	}
	var tail, items []string
	room := w - 1
	for _, k := range global {
		if k.Main {
			text, n := item(k)
			if n+3 > room {
				break
			}
			tail, room = append(tail, text), room-n-len([]rune(sep))
		}
	}
	for _, list := range [][]Key{page, global} {
		for _, k := range list {
			if k.Hide || (k.off(s) != "" && !k.Main) {
				continue
			}
			if k.Main && len(list) == len(global) && &list[0] == &global[0] {
				continue
			}
			text, n := item(k)
			if n+3 > room {
				continue
			}
			items, room = append(items, text), room-n-3
		}
	}
	return p.fit(" "+strings.Join(append(items, tail...), p.say(sep)), w)
}

// helpLines is the help on what can be done here, printed from the keys' data.
func (p *pen) helpLines(s *incident.Snapshot, sets []keySet, w int) []string {
	var out []string
	for n, set := range sets {
		if n > 0 {
			out = append(out, "")
		}
		out = append(out, " "+paint(p.Strong, p.say(set.Title)))
		for _, k := range set.Keys {
			style, text := p.Key, k.Help
			if why := k.off(s); why != "" {
				style = p.Dim
				text += " (not now: " + why + ")"
			}
			for i, line := range p.wrap(text, w-15, 0) {
				name := ""
				if i == 0 {
					name = k.Shown()
				}
				out = append(out, "  "+p.cell(name, 12, style)+" "+line)
			}
		}
	}
	return out
}

// keySet is the keys of one page or overlay.
type keySet struct {
	Title string
	Keys  []Key
}

// KeyTable prints all keys as Markdown, for docs/keys.md.
func KeyTable() string {
	a := New(Options{Engine: nopEngine{}, Session: Sandbox(Practice{})})
	var b strings.Builder
	b.WriteString("# Keys\n\n<!-- Printed from the keys' data by ui.KeyTable: do not edit. -->\n\n")
	b.WriteString("Keys that are written **bold** are confirmations: they count only when no key was pressed for 0.3 s.\n")
	for _, set := range a.allKeys() {
		fmt.Fprintf(&b, "\n## %s\n\n| Key | Name | What it does |\n|---|---|---|\n", set.Title)
		for _, k := range set.Keys {
			show := "`" + k.Shown() + "`"
			if k.Quiet {
				show = "**" + show + "**"
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", show, k.Name, k.Help)
		}
	}
	return b.String()
}

// nopEngine stands in where only the keys' data is wanted.
type nopEngine struct{}

func (nopEngine) Snapshot() *incident.Snapshot { return &incident.Snapshot{} }
func (nopEngine) Changed() <-chan struct{}     { return nil }
func (nopEngine) Send(incident.Act)            {}
func (nopEngine) Writing() bool                { return false }
