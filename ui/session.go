package ui

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"rollbook/incident"
)

// Session is the way in which an incident is looked at: it is worked on, in a
// cluster or in the sandbox, or it is looked at from aside, or again. The zero
// value works on an incident of a cluster.
type Session struct {
	of     func(*incident.Snapshot) session // nil = working
	engine Engine                           // nil = the one of Options
}

// session is all that differs between these ways, as of one snapshot. Pages ask
// for what they need of it, never which way it is.
type session struct {
	mark    func(w int) string // stands before all else on line 1 of w cells; nil = nothing
	alone   bool               // there is no other cluster: line 1 names the namespace alone
	note    string             // stands at the right of line 1
	noteBig bool               // the note must not be overlooked

	still bool // what is shown was: its clock stands
	guest bool // the incident is not this program's: nothing stays open when it ends

	// measured: somebody practises, and how they handle the pages is told.
	measured bool

	noActs   string // why nothing can be changed from here, in words; "" = it can
	turns    bool   // pages can be turned all the same
	noTurn   string // where pages only turn: why enter leads no further; "" = it does
	noTyping string // why no field can be opened; "" = it can
	unread   string // why logs, events and manifests cannot be read; "" = they can
	nothing  string // what an empty board means; "" = it is still being read

	keys     func(a *App) []Key                     // go before those of the page or the overlay; nil = none
	beside   func(s *scope) []Key                   // work everywhere; nil = none
	jump     func(a *App, to incident.Step) tea.Cmd // what 1-7 do; nil = they turn the page
	jumpHelp string                                 // of 1-7
	rule     func(s *scope, w int) string           // what the rule below the rail is; nil = a rule
	passes   func(a *App, d time.Duration) tea.Cmd  // so much time passes for who looks; nil = nothing follows
	judged   func(d *derived)                       // corrects what was derived from the snapshot; nil = nothing to correct
	notices  func(s *scope) []sentence              // stand before all others; nil = none
	says     func(a *App, s sentence) sentence      // replaces the sentence that matters; nil = it stays
	about    func(s *scope, w int) []string         // goes before the help; nil = nothing

	ends    string                // what is said before leaving an open incident; "" = that it stays open
	parting func(s *scope) string // is said after leaving; nil = how to go on with it
}

// as returns the session for a snapshot.
func (s Session) as(snap *incident.Snapshot) session {
	if s.of == nil {
		return working(snap)
	}
	return s.of(snap)
}

// working is the session of somebody who works on an incident, unless another
// rollbook on this machine does.
func working(snap *incident.Snapshot) session {
	var s session
	if snap.Incident.Settings.ReadOnly {
		s.note = "read-only"
	}
	if snap.Seen.LookingOn != "" {
		s.lookOn(snap)
	}
	s.rehearses(snap)
	return s
}

// lookOn makes it the session of somebody who looks on while another rollbook
// works.
func (s *session) lookOn(snap *incident.Snapshot) {
	s.note, s.noteBig, s.guest, s.turns = " LOOKING ON ", true, true, true
	s.noActs = "looking on: another rollbook on this machine works on " + snap.Seen.LookingOn
	if at := snap.Incident.Furthest; snap.Incident.Step >= at {
		s.noTurn = "looking on: the other rollbook has not gone beyond " + at.Name()
	}
	text := "Looking on: " + nonEmpty(snap.Incident.Operator, "somebody") + " took it in another rollbook on this machine. " +
		"Nothing can be changed from here; esc and 1-7 turn pages."
	if snap.Seen.TheyLeft {
		text = "The other rollbook has left. Leave (q) and start rollbook again to go on with " + snap.Seen.LookingOn + "."
	}
	s.says = func(_ *App, was sentence) sentence {
		if was.level == alarm {
			return was
		}
		return sentence{warn, text}
	}
}

// off says why a key cannot do in this session what it is for; "" when it can.
func (s *session) off(k *Key) string {
	switch {
	case k.Acts && s.noActs != "" && !(k.Turns && s.turns):
		return s.noActs
	case k.Types:
		return s.noTyping
	}
	return ""
}

// refuses says why an input is not handed to the engine; "" when it is.
func (s *session) refuses(do incident.Act) string {
	if s.noActs == "" {
		return ""
	}
	switch do.(type) {
	case incident.Next, incident.Back, incident.Goto:
		if s.turns {
			return ""
		}
	}
	return s.noActs
}

// usable turns off every key that cannot work in this session: it says why when
// it is pressed, and is not offered.
func (s *scope) usable(keys []Key) []Key {
	out := make([]Key, len(keys))
	for n, k := range keys {
		if why := s.session.off(&k); why != "" {
			k.Disabled, k.Main = func(*incident.Snapshot) string { return why }, false
		}
		out[n] = k
	}
	return out
}

// possible leaves out of keys what cannot work in this session.
func (s *scope) possible(keys []Key) []Key {
	var out []Key
	for _, k := range keys {
		if s.session.off(&k) == "" {
			out = append(out, k)
		}
	}
	return out
}

// looks reports that nothing can be changed from here.
func (s *scope) looks() bool { return s.session.noActs != "" }

// unreadable says why nothing can be read from the cluster; "" when it can.
func (s *scope) unreadable() string {
	switch {
	case s.session.unread != "":
		return s.session.unread
	case s.viewer == nil:
		return "this session cannot read from the cluster"
	}
	return ""
}
