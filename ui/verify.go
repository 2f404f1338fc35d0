package ui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"rollbook/incident"
	"rollbook/model"
)

// verify is the sixth page: each check with its limit, what was seen, and the
// hold.
type verify struct {
	base
	at    int
	moved bool // the operator chose what is marked
	top   int
}

func newVerify(s *scope) *verify { return &verify{base: base{s}} }

func (v *verify) Title() string { return "6 Verify" }

// Follow keeps the mark on a check; before the operator moved it, on the first
// that is bad, else on the first that nobody knows.
func (v *verify) Follow() {
	v.at = max(0, min(len(v.d.checks)-1, v.at))
	if v.inc().Step != incident.Verify {
		v.moved = false
		return
	}
	if v.moved || len(v.d.checks) == 0 {
		return
	}
	v.at = slices.IndexFunc(v.d.checks, func(c incident.VerifyCheck) bool { return c.State == model.TriNo && !c.Shown })
	if v.at < 0 {
		v.at = slices.IndexFunc(v.d.checks, func(c incident.VerifyCheck) bool { return c.Acceptable() })
	}
	if v.at < 0 {
		v.at = max(0, slices.IndexFunc(v.d.checks, func(c incident.VerifyCheck) bool { return c.State != model.TriYes && !c.Shown }))
	}
	v.focus = v.d.checks[v.at].Component
}

func (v *verify) marked() *incident.VerifyCheck {
	if v.at >= len(v.d.checks) {
		return nil
	}
	return &v.d.checks[v.at]
}

func (v *verify) Keys() []Key {
	keys := []Key{
		v.nextKey("close", "go on to the checklist, when it is verified"),
		{Keys: []string{"a"}, Name: "accept unknown", Acts: true, Help: "accept the marked unknown check by name, with a reason; it is kept as “verified with 1 unknown”",
			Disabled: func(*incident.Snapshot) string {
				m := v.marked()
				switch {
				case m == nil:
					return "there is no check"
				case m.Shown:
					return "it is only shown, and holds nothing up"
				case m.Accepted:
					return "it is accepted already"
				case m.Wait != incident.WaitNothing:
					return "it needs only time: it will tell by itself"
				case m.State != model.TriUnknown:
					return "only an unknown check can be accepted"
				}
				return ""
			}, do: v.accept},
		{Keys: []string{"d"}, Name: "details", Help: "all that is known of the marked check: its limit, since when, the log's end", Disabled: func(*incident.Snapshot) string {
			if v.marked() == nil {
				return "there is no check"
			}
			return ""
		}, do: func() tea.Cmd { return v.open(newCheckDetails(v.scope, v.marked().Key)) }},
	}
	keys = append(keys, v.askKeys()...)
	keys = append(keys, v.componentKeys()...)
	return append(keys,
		Key{Keys: []string{"up", "k"}, Show: "↑", Name: "up", Help: "the check above", Hide: true, do: func() tea.Cmd { return v.move(-1) }},
		Key{Keys: []string{"down", "j"}, Show: "↓", Name: "down", Help: "the check below", Hide: true, do: func() tea.Cmd { return v.move(1) }},
		v.backKey(), v.endKey())
}

func (v *verify) move(by int) tea.Cmd {
	v.at, v.moved = v.at+by, true
	v.Follow()
	if m := v.marked(); m != nil {
		v.focus = m.Component
	}
	return nil
}

func (v *verify) accept() tea.Cmd {
	m := *v.marked()
	return v.reason("Accept though unknown: "+m.Component+" "+m.Name,
		[]string{v.seenOf(&m), "It will be told as unknown in the journal and in the report."}, "accept",
		func(reason string) tea.Cmd {
			if reason == "" {
				v.hint = "not accepted: it needs a reason"
				return nil
			}
			return v.send(incident.AcceptUnknown{Key: m.Key, Reason: reason})
		})
}

// held is how much of the hold was watched and good.
func (v *verify) held() (done, of string, share float64) {
	hold, passed := v.inc().Settings.Verify.Hold, v.snap.Held()
	if hold <= 0 {
		return clockOf(0), clockOf(0), 1
	}
	return clockOf(passed), clockOf(hold), float64(passed) / float64(hold)
}

// openChecks are the checks that keep it from being green, in words: what is bad, what
// needs only time until its window is clear, what nobody knows.
func (v *verify) openChecks() (bad, settling, unknown []string) {
	for _, c := range v.d.checks {
		name := c.Component + " " + c.Name
		switch {
		case c.Shown || c.Accepted || c.State == model.TriYes || c.Wait == incident.WaitHold || v.d.unkept[c.Key]:
		case c.State == model.TriNo:
			text := name + ": " + c.Seen
			if strings.HasPrefix(c.Limit, "≤") || strings.HasPrefix(c.Limit, "≥") {
				text += ", needs " + c.Limit
			}
			bad = append(bad, text)
		case c.Wait == incident.WaitWindow:
			settling = append(settling, name+" "+v.seenOf(&c))
		default:
			unknown = append(unknown, name)
		}
	}
	return bad, settling, unknown
}

func (v *verify) Says() sentence {
	i := v.inc()
	bad, settling, unknown := v.openChecks()
	done, of, _ := v.held()
	switch {
	case i.Asked != incident.AskNothing:
		return sentence{urgency(i.Asked), v.upper(stop(i.AskText)) + v.keyed(" w waits, u undo the undo, n another version, r recovery, c contacts")}
	case !i.Verified.IsZero():
		says := v.verified()
		says.text += v.keyed(" Next: close-out checklist (enter)")
		return says
	case i.Attempt() == nil && i.End == nil:
		return sentence{warn, "Nothing was rolled back."}
	case v.d.after.State == incident.AfterStopped:
		return v.afterwards()
	case v.helpless():
		return v.otherwise(v.afterwards())
	case len(bad) > 0:
		return sentence{warn, "Not good yet: " + strings.Join(bad, "; ")}
	case len(settling) > 0:
		return sentence{warn, "Settling: " + strings.Join(settling, "; ")}
	case len(unknown) > 0:
		return sentence{warn, "Unknown, so nothing is held: " + strings.Join(unknown, ", ") + "." + v.keyed(" a accepts the marked one by name.")}
	case i.Hold.Since.IsZero():
		return sentence{calm, "The hold begins when all checks are green."}
	}
	return sentence{calm, "All checks green so far: holding for " + done + " of " + of + "."}
}

// helpless reports whether what was rolled back is no better for it, or worse, by figures
// that are about it alone.
func (s *scope) helpless() bool {
	return s.d.after.State == incident.AfterNoBetter || s.d.after.State == incident.AfterWorse
}

// afterwards says how it stands since the rollback.
func (s *scope) afterwards() sentence {
	a := s.d.after
	return s.verdict(incident.Headline{Kind: incident.HeadAfter, Head: a.Head, Text: a.Text, After: a.State})
}

// otherwise adds to a sentence what there is to do beside waiting.
func (s *scope) otherwise(says sentence) sentence {
	says.text += s.keyed(" · esc leads to another version, r to the recovery")
	return says
}

// verified says with what the incident was verified.
func (s *scope) verified() sentence {
	green := model.Short(s.inc().Settings.Verify.Hold)
	if n := s.inc().Hold.With; n > 0 {
		return sentence{warn, fmt.Sprintf("VERIFIED WITH %d UNKNOWN after %s.", n, green)}
	}
	return sentence{fine, "VERIFIED: green for " + green + "."}
}

// urgency is how urgent a question is: somebody else's template is worse than a
// figure that takes its time.
func urgency(a incident.Asked) level {
	if a == incident.AskNotGreen || a == incident.AskUnverified {
		return warn
	}
	return bad
}

// unanswered reminds of the questions that only a person can answer and that
// nobody did: the figures may be good while data is gone.
func (v *verify) unanswered() string {
	var open []string
	for _, n := range v.d.nodes {
		if !n.Asks || n.Answer != model.TriUnknown || n.Question == incident.QSLO {
			continue
		}
		title, _, _ := strings.Cut(strings.TrimSuffix(n.Title, "?"), ", ")
		open = append(open, title+"?")
	}
	if len(open) == 0 {
		return ""
	}
	return "still open: " + strings.Join(open, " ") + v.keyed(" (key 2)")
}

// seenOf is what a check saw, and when its window is clear.
func (s *scope) seenOf(c *incident.VerifyCheck) string {
	text := c.Seen
	if left := c.Clears.Sub(s.snap.Now); !c.Clears.IsZero() && left > 0 {
		text += " (window clears in " + model.Short(left.Truncate(5*time.Second)+5*time.Second) + ")"
	}
	return text
}
