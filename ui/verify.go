package ui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"rollbook/model"
)

// verify is the sixth page: each check with its limit, what was seen, and the
// hold.
type verify struct {
	base
	at  int
	top int
}

func newVerify(s *scope) *verify { return &verify{base: base{s}} }

func (v *verify) Title() string { return "6 Verify" }

func (v *verify) Follow() { v.at = max(0, min(len(v.d.checks)-1, v.at)) }

func (v *verify) marked() *model.VerifyCheck {
	if v.at >= len(v.d.checks) {
		return nil
	}
	return &v.d.checks[v.at]
}

func (v *verify) Keys() []Key {
	keys := []Key{
		v.nextKey("close", "go on to the checklist, when it is verified"),
		{Keys: []string{"a"}, Name: "accept unknown", Help: "accept the marked unknown check by name, with a reason; it is kept as “verified with 1 unknown”",
			Disabled: func(*model.Snapshot) string {
				m := v.marked()
				switch {
				case m == nil:
					return "there is no check"
				case m.Accepted:
					return "it is accepted already"
				case m.State != model.TriUnknown:
					return "only an unknown check can be accepted"
				}
				return ""
			}, do: v.accept},
	}
	keys = append(keys, v.askKeys(false)...)
	keys = append(keys, v.componentKeys()...)
	return append(keys,
		Key{Keys: []string{"up", "k"}, Show: "↑", Name: "up", Help: "the check above", Hide: true, do: func() tea.Cmd { return v.move(-1) }},
		Key{Keys: []string{"down", "j"}, Show: "↓", Name: "down", Help: "the check below", Hide: true, do: func() tea.Cmd { return v.move(1) }},
		v.backKey(), v.endKey())
}

func (v *verify) move(by int) tea.Cmd {
	v.at += by
	v.Follow()
	if m := v.marked(); m != nil {
		v.focus = m.Component
	}
	return nil
}

func (v *verify) accept() tea.Cmd {
	m := *v.marked()
	return v.reason("Accept though unknown: "+m.Component+" "+m.Name,
		[]string{m.Seen, "It will be told as unknown in the journal and in the report."}, "accept",
		func(reason string) tea.Cmd { return v.send(model.AcceptUnknown{Key: m.Key, Reason: reason}) })
}

// held is how much of the hold is over.
func (v *verify) held() (done, of string, share float64) {
	i := v.inc()
	hold := i.Settings.Verify.Hold
	since := i.Hold.Since
	if since.IsZero() {
		return clockOf(0), clockOf(hold), 0
	}
	passed := min(hold, v.snap.Now.Sub(since))
	if !i.Verified.IsZero() {
		passed = hold
	}
	if hold <= 0 {
		return clockOf(0), clockOf(0), 1
	}
	return clockOf(passed), clockOf(hold), float64(passed) / float64(hold)
}

// open are the checks that keep it from being green.
func (v *verify) openChecks() (bad, unknown []string) {
	for _, c := range v.d.checks {
		switch {
		case c.State == model.TriNo:
			bad = append(bad, c.Component+" "+c.Name)
		case c.State == model.TriUnknown && !c.Accepted:
			unknown = append(unknown, c.Component+" "+c.Name)
		}
	}
	return bad, unknown
}

func (v *verify) Says() sentence {
	i := v.inc()
	bad, unknown := v.openChecks()
	switch {
	case i.Asked != model.AskNothing:
		return sentence{warn, upper(i.AskText) + " w waits · n another revision · r recovery · c contacts"}
	case !i.Verified.IsZero() && i.Hold.With > 0:
		return sentence{warn, fmt.Sprintf("VERIFIED WITH %d UNKNOWN after %s. The checklist is left: enter.", i.Hold.With, model.Short(i.Verified.Sub(i.Recovered)))}
	case !i.Verified.IsZero():
		return sentence{fine, fmt.Sprintf("VERIFIED: good for %s. The checklist is left: enter.", model.Short(i.Verified.Sub(i.Recovered)))}
	case i.Attempt() == nil:
		return sentence{warn, "Nothing was rolled back."}
	case len(bad) > 0:
		return sentence{warn, "Not good yet: " + strings.Join(bad, ", ")}
	case i.Hold.Since.IsZero():
		return sentence{calm, "The hold begins when nothing is bad any more."}
	}
	done, of, share := v.held()
	if share >= 1 && len(unknown) > 0 {
		return sentence{warn, "Unknown, so not green: " + strings.Join(unknown, ", ") + ". a accepts the marked one by name."}
	}
	return sentence{calm, "Good so far: holding for " + done + " of " + of + "."}
}

func (v *verify) View(w, h int) []string {
	p := v.pen
	done, of, share := v.held()
	bw := max(10, min(48, w-24))
	style := p.Note
	if !v.inc().Verified.IsZero() {
		style = p.Good
	}
	out := []string{" " + p.cell("hold", 5, p.Dim) + paint(style, p.say(bar(share, bw))) + "  " + done + " of " + of, ""}
	if len(v.d.checks) == 0 {
		return append(out, "   nothing was rolled back, so there is nothing to prove")
	}
	last := min(4, max(0, h/5))
	room := max(1, h-len(out)-last-3)
	v.top = window(v.top, v.at, len(v.d.checks), room)
	nw := max(10, min(24, w/4))
	for n := v.top; n < min(len(v.d.checks), v.top+room); n++ {
		c := v.d.checks[n]
		mark := "   "
		if n == v.at {
			mark = paint(p.Note, p.say(" ▸ "))
		}
		name := ""
		if n == v.top || v.d.checks[n-1].Component != c.Component {
			name = c.Component
		}
		word, look := "? unknown", p.Warn
		switch {
		case c.State == model.TriYes:
			word, look = "✓ good", p.Good
		case c.State == model.TriNo:
			word, look = "✗ bad", p.Bad
		case c.Accepted:
			word = "? accepted"
		}
		out = append(out, mark+p.name(name, nw, p.Plain)+" "+p.cell(c.Name, 16, p.Plain)+" "+p.cell(word, 10, look)+"  "+p.fit(c.Seen, w-nw-35))
	}
	if m := v.marked(); m != nil {
		out = append(out, "", p.label("limit", p.fit(m.Limit, w-11)))
	}
	for len(out) < h-last {
		out = append(out, "")
	}
	return append(out[:min(len(out), h-last)], v.timelineLines(w, last, false)...)
}
