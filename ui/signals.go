package ui

import (
	"strings"
	"time"
	"unicode"

	tea "charm.land/bubbletea/v2"

	"rollbook/incident"
)

// Signals are the ways in which the terminal calls somebody who looks elsewhere. The
// zero value uses none.
type Signals struct {
	Bell   bool // rings
	Title  bool // the window's title says what there is
	Notify bool // a notification of the desktop (OSC 9)
}

// on returns those of the signals that a terminal takes: one that prints sequences which
// it does not know gets the bell alone, and one that is no screen gets none.
func (g Signals) on(term string) Signals {
	switch {
	case term == "dumb":
		return Signals{}
	case term == "linux" || strings.HasPrefix(term, "vt"):
		return Signals{Bell: g.Bell}
	}
	return g
}

// call is something that somebody has to look at now. Its id is the same for as long
// as it stands.
type call struct {
	id   string
	head string // "CALL", for the title
	text string
}

// calls returns what somebody has to look at now, the most urgent first.
func (s *scope) calls() []call {
	var out []call
	i := s.inc()
	for _, id := range s.leaseIDs() {
		if to, lost := i.LeaseLost[id]; lost {
			out = append(out, call{"lease/" + id, "LEASE LOST", who(to.Holder) + " took " + id + " over"})
		}
	}
	for _, e := range i.Calls() {
		out = append(out, call{"call/" + e.ID, "CALL", e.Who + ": " + e.Text})
	}
	if i.Asked != incident.AskNothing {
		out = append(out, call{"asked/" + string(i.Asked), "QUESTION", i.AskText})
	}
	switch h := s.d.headline; {
	case h.Kind == incident.HeadNow || h.Kind == incident.HeadWithin:
		// The head of the second one counts down.
		out = append(out, call{"verdict/" + s.d.verdict.Name(), s.d.verdict.Name(), h.Text})
	case h.Kind == incident.HeadNothing:
		out = append(out, call{"verdict/" + h.Head, h.Head, h.Text})
	case !i.Verified.IsZero() && i.Closed.IsZero():
		out = append(out, call{"verified", "VERIFIED", strings.Join(i.Covered(), ", ")})
	}
	return out
}

// signal calls the operator for what stands since this snapshot, once for as long as
// it stands. What stood when the program was started is no news to who started it.
func (a *App) signal() tea.Cmd {
	if a.looks() || a.session.still {
		return nil
	}
	standing := map[string]bool{}
	var news []call
	for _, c := range a.calls() {
		standing[c.id] = true
		if !a.called[c.id] {
			news = append(news, c)
		}
	}
	first := a.called == nil
	a.called = standing
	if len(news) == 0 || first || a.snap.Now.Sub(a.start) < settleIn {
		return nil
	}
	on := a.opt.Signals.on(a.env("TERM"))
	var out string
	if on.Bell {
		out = "\a"
	}
	if on.Notify {
		out += "\x1b]9;" + unescaped("rollbook: "+news[0].head+": "+news[0].text) + "\x1b\\"
	}
	if out == "" {
		return nil
	}
	return tea.Raw(out)
}

// settleIn is how long after the program's start nobody is called: its operator looks
// at how it fills.
const settleIn = 10 * time.Second

// unescaped returns text without what would end a terminal's sequence that holds it.
func unescaped(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, s)
	return string([]rune(s)[:min(200, len([]rune(s)))])
}

// title returns the window's title: the most urgent call, and where it is from; "" leaves
// the terminal's own.
func (a *App) title() string {
	if !a.opt.Signals.on(a.env("TERM")).Title {
		return ""
	}
	where := "rollbook · " + a.inc().Settings.Namespace
	if all := a.calls(); len(all) > 0 && !a.looks() && !a.session.still {
		where = all[0].head + " · " + where
	}
	return a.pen.say(unescaped(where))
}
