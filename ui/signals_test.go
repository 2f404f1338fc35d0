package ui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"rollbook/incident"
	"rollbook/model"
)

// ringing is a screen with all signals, whose snapshot can be changed.
type ringing struct {
	*App
	snap *incident.Snapshot
}

func rings(s *incident.Snapshot, env ...string) *ringing {
	l := dark
	a := New(Options{Engine: &recorder{snap: s}, Start: s.Now.Add(-time.Minute), Look: &l, Env: env, Signals: Signals{true, true, true}, Width: 80, Height: 24})
	r := &ringing{App: a, snap: s}
	r.changed()
	return r
}

// shows takes a changed snapshot, and returns what is sent to the terminal for it.
func (r *ringing) shows(change func(s *incident.Snapshot)) string {
	s := *r.snap
	change(&s)
	r.snap = &s
	r.engine = &recorder{snap: r.snap}
	r.fetch()
	cmd := r.signal()
	if cmd == nil {
		return ""
	}
	raw, _ := cmd().(tea.RawMsg)
	return fmt.Sprint(raw.Msg)
}

func TestSignalsAreGivenOnceForWhatStands(t *testing.T) {
	r := rings(verifying())
	if before := r.View().WindowTitle; before != "rollbook · production" {
		t.Errorf("title %q", before)
	}
	same := func(*incident.Snapshot) {}
	for _, tc := range []struct {
		what, head string
		on, off    func(s *incident.Snapshot)
	}{
		{"a question", "QUESTION",
			func(s *incident.Snapshot) {
				s.Incident.Asked, s.Incident.AskText = incident.AskNotGreen, "not green yet"
			},
			func(s *incident.Snapshot) { s.Incident.Asked = "" }},
		{"a call", "CALL",
			func(s *incident.Snapshot) {
				s.Incident.Escalations = []incident.Escalation{{ID: "downtime", Who: "CTO", Text: "down for 30m"}}
			},
			func(s *incident.Snapshot) { s.Incident.Escalations = nil }},
		{"a lost lease", "LEASE LOST",
			func(s *incident.Snapshot) {
				s.Incident.LeaseLost = map[string]model.Lease{"backend-python": {Holder: "jonas@desk (INC-2)"}}
			},
			func(s *incident.Snapshot) { s.Incident.LeaseLost = nil }},
		{"VERIFIED", "VERIFIED",
			func(s *incident.Snapshot) { s.Incident.Verified = s.Now },
			func(s *incident.Snapshot) { s.Incident.Verified = time.Time{} }},
	} {
		got := r.shows(tc.on)
		if !strings.HasPrefix(got, "\a\x1b]9;rollbook: "+tc.head+": ") || !strings.HasSuffix(got, "\x1b\\") {
			t.Errorf("%s: sent %q", tc.what, got)
		}
		if title := r.View().WindowTitle; title != tc.head+" · rollbook · production" {
			t.Errorf("%s: title %q", tc.what, title)
		}
		if again := r.shows(same); again != "" {
			t.Errorf("%s stands, and is sent again: %q", tc.what, again)
		}
		if over := r.shows(tc.off); over != "" {
			t.Errorf("%s is over: %q", tc.what, over)
		}
		if anew := r.shows(tc.on); anew == "" {
			t.Errorf("%s is there again, and nothing is sent", tc.what)
		}
		r.shows(tc.off)
	}
}

func TestSignalOfTheVerdict(t *testing.T) {
	r := rings(calmed())
	got := r.shows(func(s *incident.Snapshot) { *s = *filled() })
	if !strings.Contains(got, "ROLL BACK NOW") {
		t.Errorf("sent %q", got)
	}
	// Its words change with each second, and it stands all the same.
	if again := r.shows(func(s *incident.Snapshot) { s.Now = s.Now.Add(time.Second) }); again != "" {
		t.Errorf("sent again: %q", again)
	}
}

func TestSignalsThatAreNotGiven(t *testing.T) {
	ask := func(s *incident.Snapshot) {
		s.Incident.Asked, s.Incident.AskText = incident.AskNotGreen, "a\x1b]0;b\x07c\u009dd"
	}
	for _, tc := range []struct {
		what, want, title string
		on                Signals
		term              string
	}{
		{"all", "\a\x1b]9;rollbook: QUESTION: a]0;bcd\x1b\\", "QUESTION · rollbook · production", Signals{true, true, true}, "xterm-256color"},
		{"no bell", "\x1b]9;rollbook: QUESTION: a]0;bcd\x1b\\", "QUESTION · rollbook · production", Signals{false, true, true}, "xterm-256color"},
		{"no notification", "\a", "QUESTION · rollbook · production", Signals{true, true, false}, "xterm-256color"},
		{"no title", "\a", "", Signals{true, false, false}, "xterm-256color"},
		{"none", "", "", Signals{}, "xterm-256color"},
		{"a console", "\a", "", Signals{true, true, true}, "linux"},
		{"a terminal of old", "\a", "", Signals{true, true, true}, "vt100"},
		{"no screen", "", "", Signals{true, true, true}, "dumb"},
	} {
		r := rings(verifying(), "TERM="+tc.term)
		r.opt.Signals = tc.on
		if got := r.shows(ask); got != tc.want {
			t.Errorf("%s: sent %q, want %q", tc.what, got, tc.want)
		}
		if got := r.View().WindowTitle; got != tc.title {
			t.Errorf("%s: title %q, want %q", tc.what, got, tc.title)
		}
	}
	r := rings(verifying())
	if r.start = r.snap.Now; r.shows(ask) != "" {
		t.Error("called right after the start")
	}
	r = rings(verifying())
	if got := r.shows(func(s *incident.Snapshot) { ask(s); s.Seen.LookingOn = "INC-1" }); got != "" {
		t.Errorf("who looks on is sent %q", got)
	}
}
