package incident

import (
	"slices"

	"rollbook/model"
)

// historyMost bounds how many versions of a history a journal keeps, and changesMost how
// many changes of each.
const (
	historyMost = 20
	changesMost = 12
)

// HistoryRead is the versions that a component could go to, as they were read: what its
// release changed, and what the operator chose from.
type HistoryRead struct {
	Role model.Role `json:"role"`
	model.History
}

// Slot returns what the versions are of.
func (b HistoryRead) Slot() model.Slot { return model.Slot{Component: b.Component, Role: b.Role} }

func (b HistoryRead) apply(i *Incident, _ Fact) {
	i.Histories = slices.DeleteFunc(slices.Clone(i.Histories), func(h HistoryRead) bool { return h.Slot() == b.Slot() })
	i.Histories = append(i.Histories, b)
}

func (b HistoryRead) entry(before *Incident) (EntryKind, string) {
	if moved := before.shellMoved(b); moved != "" {
		return EntrySeen, moved
	}
	return EntryNone, ""
}

// HistoryRead returns the versions of a slot that were kept last; nil = none were.
func (i *Incident) HistoryRead(s model.Slot) *HistoryRead {
	for n := range i.Histories {
		if i.Histories[n].Slot() == s {
			return &i.Histories[n]
		}
	}
	return nil
}

// keepHistories keeps the versions of each choice, with those of its schema, and of each
// component with a trigger, once for each time that they are read with their figures.
func (d *decider) keepHistories() {
	keep := func(s model.Slot, h *model.History) {
		if h.Pending() {
			return
		}
		was := d.inc().HistoryRead(s)
		if was == nil || was.Method != h.Method || was.Err != h.Err || !was.At.Equal(h.At) {
			d.finds(keptHistory(s.Role, *h))
		}
	}
	for _, c := range d.inc().Choices {
		keep(c.Slot, d.s.History(&c))
		if s := Schema(c.Component); c.Role == model.RoleRelease && d.inc().Choice(s) == nil {
			keep(s, d.s.Seen.History[s])
		}
	}
	for _, t := range d.inc().Triggers {
		if s := model.Release(t.Component); d.inc().Choice(s) == nil {
			keep(s, d.s.Seen.History[s])
		}
	}
}

// releasesMost bounds of how many components the histories are read before anybody
// chooses from them.
const releasesMost = 5

// HistoriesWanted returns the histories to read beside the walk: those of Choose that
// could not be read when it asked for them, and what tells what the releases of the
// components with a trigger changed, by the way that Choose begins with, where that asks
// the cluster alone, and once for each release. It is the engine's not to read the same
// at the same time, nor too often.
func HistoriesWanted(s *Snapshot) (out []ReadHistory) {
	i := &s.Incident
	if i.End != nil || !i.Closed.IsZero() || s.clusterLost() != "" {
		return nil
	}
	if i.Step == Choose {
		for slot, h := range s.Seen.History {
			if h != nil && h.Err != "" && s.Seen.Component(slot.Component) != nil {
				out = append(out, ReadHistory{Slot: slot, Method: h.Method, Until: i.Onset})
			}
		}
	}
	seen := map[string]bool{}
	for _, t := range i.Triggers {
		c, slot := s.Seen.Component(t.Component), model.Release(t.Component)
		if c == nil || len(c.Past) == 0 || seen[c.ID] || i.Choice(slot) != nil || len(seen) == releasesMost {
			continue
		}
		seen[c.ID] = true
		ways := s.Ways(c.ID)
		if len(ways) == 0 || !ways[0].Near {
			continue
		}
		was := i.HistoryRead(slot)
		if was == nil || was.Current() == nil || !was.Current().Is(c.Running()) {
			out = append(out, ReadHistory{Slot: slot, Method: ways[0].Method, Until: i.Onset})
		}
	}
	return out
}

// Released tells what a release changed, as a history has it.
type Released struct {
	From, To model.Version // From ran before
	Changes  []model.Change
	Left     int // so many more changes are not among Changes
}

// Released returns what the release of a component changed that ran when its history was
// read last; nil when that is not known.
func (i *Incident) Released(component string) *Released {
	h := i.HistoryRead(model.Release(component))
	if h == nil {
		return nil
	}
	at := slices.IndexFunc(h.Candidates, func(c model.Candidate) bool { return c.Current })
	if at < 0 || at+1 == len(h.Candidates) {
		return nil
	}
	// The newest is first, and each tells what changes on the way back to it.
	before := &h.Candidates[at+1]
	if len(before.Changes)+before.ChangesLeft == 0 {
		return nil
	}
	return &Released{From: before.Version, To: h.Candidates[at].Version, Changes: before.Changes, Left: before.ChangesLeft}
}

// keptHistory returns of a history what Choose shows, without the queries and with times
// as a journal gives them back.
func keptHistory(role model.Role, h model.History) HistoryRead {
	b := HistoryRead{Role: role, History: h}
	b.At = h.At.UTC().Round(0)
	b.Candidates = nil
	for n, r := range h.Candidates {
		if n == historyMost {
			b.Left += len(h.Candidates) - n
			break
		}
		r.Owner, r.Replicas, r.Start = "", 0, r.Start.UTC().Round(0)
		r.Behaviour, r.Now = bare(r.Behaviour), bare(r.Now)
		if left := len(r.Changes) - changesMost; left > 0 {
			r.Changes, r.ChangesLeft = r.Changes[:changesMost], r.ChangesLeft+left
		}
		b.Candidates = append(b.Candidates, r)
	}
	return b
}

// bare returns a behaviour's figures without where they came from.
func bare(b model.Behaviour) model.Behaviour {
	cut := func(r model.Reading) model.Reading {
		return model.Reading{Known: r.Known, Value: r.Value, AtLeast: r.AtLeast}
	}
	return model.Behaviour{Errors: cut(b.Errors), P95: cut(b.P95), Requests: cut(b.Requests)}
}
