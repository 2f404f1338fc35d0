package incident

import (
	"fmt"
	"slices"
	"strings"

	"rollbook/model"
)

// WayBack names the version that a component which fails should go back to, before anybody
// chose one, and those that it passes over.
type WayBack struct {
	Component string
	To        model.Version // zero = no version is known to be good
	Why       string        // how To served, behind its name
	Doubts    []Doubt       // why going to To may not help; empty = nothing is known that speaks against it
	Passed    []Passed      // versions between the running one and To, the newest first
	Undoes    *model.Owner  // would put its own version back after a rollback; nil = none is known to
}

// Passed is a version that a way back leaves out, with what speaks against it.
type Passed struct {
	Version model.Version
	Why     string
}

// WayBack returns what a component should go back to, by its history as it was read last.
// It returns nil where the component has no trigger, did not change, or was written to in
// this incident, and while what ran before it is not known.
func (s *Snapshot) WayBack(component string) *WayBack {
	i, c := &s.Incident, s.Seen.Component(component)
	if i.End != nil || !i.Closed.IsZero() || c == nil || !s.fails(component) || !s.changed(c) || i.wroteRelease(component) {
		return nil
	}
	h := s.releaseHistory(c)
	if h == nil {
		return nil
	}
	w := &WayBack{Component: component}
	w.To, _ = s.Proposal(h)
	if r := h.Candidate(w.To.Key); r != nil {
		w.Doubts = s.doubts(h, Choice{Slot: model.Release(component), Method: h.Method, To: w.To})
		w.Why = fmt.Sprintf("served %s requests before the onset: %s", model.Count(r.Behaviour.Requests.Value), behaved(r.Behaviour))
	}
	for n := range h.Candidates {
		r := &h.Candidates[n]
		if r.Is(w.To) || w.To.IsZero() {
			break
		}
		if why := s.badVersion(h, r); why != "" && !r.Current {
			w.Passed = append(w.Passed, Passed{r.Version, why})
		}
	}
	if n := slices.IndexFunc(c.Owners, func(o model.Owner) bool { return o.Reverts }); n >= 0 {
		w.Undoes = &c.Owners[n]
	}
	return w
}

// releaseHistory returns what is known of the versions of a component's release that were
// there while its running one ran: as it was read last, else as the journal has it.
func (s *Snapshot) releaseHistory(c *model.Component) *model.History {
	slot := model.Release(c.ID)
	h := s.Seen.History[slot]
	if h.Pending() {
		kept := s.Incident.HistoryRead(slot)
		if kept == nil {
			return nil
		}
		h = &kept.History
	}
	if now := h.Current(); now == nil || !now.Is(c.Running()) {
		return nil
	}
	return h
}

// waysBack returns those of all components that have a trigger.
func (s *Snapshot) waysBack() []*WayBack {
	var out []*WayBack
	seen := map[string]bool{}
	for _, t := range s.Incident.Triggers {
		if seen[t.Component] {
			continue
		}
		seen[t.Component] = true
		if w := s.WayBack(t.Component); w != nil {
			out = append(out, w)
		}
	}
	return out
}

// goBack says to which versions a rollback would go, and what has to be seen to first; ""
// while that is not known.
func (s *Snapshot) goBack() string {
	var to, not, undo, doubts []string
	all := s.waysBack()
	for _, w := range all {
		of := ""
		if len(all) > 1 {
			of = w.Component + " "
		}
		if w.To.IsZero() {
			continue
		}
		to = append(to, of+w.To.Name())
		for _, p := range w.Passed {
			not = append(not, of+p.Version.Name())
		}
		if len(w.Doubts) > 0 {
			doubts = append(doubts, w.Doubts[0].Text)
		}
		if w.Undoes != nil && !slices.Contains(undo, w.Undoes.Manager) {
			undo = append(undo, w.Undoes.Manager)
		}
	}
	var out []string
	if len(to) > 0 {
		text := "go back to " + joined(to)
		if len(not) > 0 {
			text += ", not to " + joined(not)
		}
		out = append(out, text)
	}
	if len(doubts) > 0 {
		out = append(out, "that may not help: "+joined(doubts))
	}
	if len(undo) > 0 {
		out = append(out, fmt.Sprintf("%s would undo that: stop it first", joined(undo)))
	}
	return strings.Join(out, "; ")
}

// joined lists names as a sentence does.
func joined(names []string) string {
	if n := len(names) - 1; n > 0 {
		return strings.Join(names[:n], ", ") + " and " + names[n]
	}
	return strings.Join(names, "")
}
