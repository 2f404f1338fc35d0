package ui

import (
	"time"

	"rollbook/incident"
)

// handling counts what somebody who practises does on a page: the keys, those that could do
// nothing, and the longest time without one while it was their turn. Of what is typed into
// a field, or means nothing where it is typed, only the number is kept: it may be a word
// that is nobody's business.
type handling struct {
	incident.Handled
	idle time.Duration // since the last key, as far as it was the operator's turn
}

// passes takes over that time passed.
func (h *handling) passes(d time.Duration, theirs bool) {
	if h.idle += d; !theirs {
		h.idle = 0
	}
}

// pressed counts a key. before is what it is called; "" = text.
func (h *handling) pressed(before string) {
	h.Keys++
	if h.idle > h.Pause.Took {
		h.Pause = incident.Pause{Took: h.idle.Truncate(time.Second), Before: before}
	}
	h.idle = 0
}

// counts counts a key; the zero Key is text, or means nothing here.
func (a *App) counts(k Key) {
	step := a.inc().Step
	if !a.session.measured {
		return
	}
	if a.handling.On != step {
		a.tellHandling()
		a.handling.On = step
	}
	name := ""
	if len(k.Keys) > 0 {
		name = k.Shown()
	}
	a.handling.pressed(name)
}

// refuses counts that the key which was counted last could do nothing.
func (a *App) refuses(k Key, why string) {
	if !a.session.measured || why == "" {
		return
	}
	x := incident.RefusedKey{Name: k.Name, Why: why, Times: 1}
	if a.typing() {
		x.Why = "what was typed is not what is asked for" // the reason quotes it
	}
	if len(k.Keys) > 0 {
		x.Key = k.Shown()
	}
	a.handling.Refuse(x)
}

// tellHandling hands what was counted to the incident, once there is one to keep it, and
// as long as it is open.
func (s *scope) tellHandling() {
	if i := s.inc(); i.ID == "" || !i.Closed.IsZero() || s.handling.Keys == 0 {
		return
	}
	s.engine.Send(incident.TellHandled{Handled: s.handling.Handled})
	s.handling = handling{Handled: incident.Handled{On: s.handling.On}, idle: s.handling.idle}
}

// hesitated sums up how the walk was handled up to now, with what is not told yet.
func (s *scope) hesitated() *incident.Hesitation {
	i := *s.inc()
	if s.handling.Keys > 0 {
		i = incident.Apply(i, incident.Fact{At: s.snap.Now, Body: s.handling.Handled})
	}
	return i.Hesitated()
}
