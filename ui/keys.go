package ui

import (
	"fmt"
	"slices"
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
	// Now: what is going on asks for it, so that the footer shows it before others.
	Now bool
	// Last: it leads out of here, and has its room in the footer's last part.
	Last bool
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
// fit; those that lead on and out are always among them.
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
	// What is printed in which order, and what of it is dropped last.
	type part struct {
		keys []Key
		is   func(Key) bool
		rank int // the lowest gets its room first
	}
	parts := []part{
		{page, func(k Key) bool { return k.Main }, 1},
		{slices.Concat(page, global), func(k Key) bool { return k.Now }, 3},
		{page, func(k Key) bool { return !k.Main && !k.Now && !k.Last }, 4},
		{global, func(k Key) bool { return !k.Main && !k.Now && !k.Last }, 5},
		{page, func(k Key) bool { return k.Last }, 2},
		{global, func(k Key) bool { return k.Main }, 0},
	}
	items := make([][]string, len(parts))
	room := w - 1
	for rank := range parts {
		n := slices.IndexFunc(parts, func(x part) bool { return x.rank == rank })
		for _, k := range parts[n].keys {
			if !parts[n].is(k) || k.Hide || k.off(s) != "" && !k.Main {
				continue
			}
			if text, wide := item(k); wide+len([]rune(sep)) <= room {
				items[n], room = append(items[n], text), room-wide-len([]rune(sep))
			}
		}
	}
	return p.fit(" "+strings.Join(slices.Concat(items...), p.say(sep)), w)
}

// helpLines is the help on what can be done here, printed from the keys' data in
// two columns. What cannot be done now is in brackets; the key itself says why.
func (p *pen) helpLines(s *incident.Snapshot, sets []keySet, w int) []string {
	const gap = 2
	half := (w - 1 - gap) / 2
	var out []string
	for n, set := range sets {
		if n > 0 {
			out = append(out, "")
		}
		out = append(out, " "+paint(p.Strong, p.say(set.Title)))
		var entries [][]string
		total := 0
		for _, k := range set.Keys {
			entries = append(entries, p.helpEntry(k, k.off(s) == "", half))
			total += len(entries[len(entries)-1])
		}
		var left, right []string
		for _, e := range entries {
			if 2*len(left) < total {
				left = append(left, e...)
			} else {
				right = append(right, e...)
			}
		}
		for i := range max(len(left), len(right)) {
			line := ""
			if i < len(left) {
				line = left[i]
			}
			if i < len(right) {
				line = p.pad(line, half+gap) + right[i]
			}
			out = append(out, " "+line)
		}
	}
	return out
}

// helpEntry is a key of the help in w cells.
func (p *pen) helpEntry(k Key, works bool, w int) []string {
	const col = 9
	name, style := strings.Join(append([]string{k.Shown()}, k.others(3)...), " "), p.Key
	if !works {
		name, style = "("+name+")", p.Dim
	}
	lines := p.wrap(k.Help, w-col-1, 0)
	for i, l := range lines {
		lines[i] = p.cell(name, col, style) + " " + l
		name = ""
	}
	return lines
}

// others are the keys of at most so many letters that do the same as the shown one.
func (k Key) others(most int) []string {
	if len(k.Keys) > 4 { // a range
		return nil
	}
	var out []string
	for _, other := range k.Keys[1:] {
		if len(other) <= most && !strings.EqualFold(other, k.Shown()) {
			out = append(out, other)
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
			show := "`" + strings.Join(append([]string{k.Shown()}, k.others(100)...), "` `") + "`"
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
