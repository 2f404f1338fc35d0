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

// HistoryRead is the versions that a choice could go to, as they were read: what the
// operator chose from, for the replay.
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

func (b HistoryRead) entry(*Incident) (EntryKind, string) { return EntryNone, "" }

// HistoryRead returns the versions of a slot that were kept last; nil = none were.
func (i *Incident) HistoryRead(s model.Slot) *HistoryRead {
	for n := range i.Histories {
		if i.Histories[n].Slot() == s {
			return &i.Histories[n]
		}
	}
	return nil
}

// keepHistories keeps the versions of each choice, once for each time that they are read
// with their figures.
func (d *decider) keepHistories() {
	for _, c := range d.inc().Choices {
		h := d.s.History(&c)
		if h == nil || h.At.IsZero() && h.Err == "" {
			continue
		}
		was := d.inc().HistoryRead(c.Slot)
		if was == nil || was.Method != h.Method || was.Err != h.Err || !was.At.Equal(h.At) {
			d.finds(keptHistory(c.Role, *h))
		}
	}
}

// keptHistory returns of a history what Choose shows, without the queries and with times
// as a journal gives them back.
func keptHistory(role model.Role, h model.History) HistoryRead {
	b := HistoryRead{Role: role, History: h}
	b.At = h.At.UTC().Round(0)
	b.Candidates, b.Heads = nil, nil
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
