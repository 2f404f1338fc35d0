package incident

import (
	"time"
)

// Input is something that happened: a key, an observation, an outcome. The
// engine stamps it with the time and hands it to Decide.
type Input struct {
	At time.Time
	By string // the operator for keys; "" for what happened by itself
	Do Act
}

// Act says what happened. Only types of this package are acts, so that whatever
// can be sent is handled: each has its own decision, beside it.
type Act interface {
	// decide adds the facts and the effects that follow.
	decide(d *decider)
}

// Decide returns what follows from an input: the facts to journal and the effects
// to start after them. It changes nothing.
func Decide(i Incident, seen Seen, in Input) ([]Fact, []Effect) {
	if seen.Resuming != "" && in.By != "" {
		return nil, nil // what was typed was about what is about to be replaced
	}
	i.lend()
	d := &decider{s: Snapshot{Incident: i, Seen: seen, Now: in.At}, by: in.By}
	in.Do.decide(d)
	return d.facts, d.effects
}

// decider gathers what follows from one input. Each fact is applied to its own
// copy of the incident at once, so that what comes after it sees it.
type decider struct {
	s       Snapshot
	by      string
	facts   []Fact
	effects []Effect
}

func (d *decider) inc() *Incident { return &d.s.Incident }

// fact adds a fact by whoever the input is from.
func (d *decider) fact(b Body) { d.factBy(d.by, b) }

// finds adds a fact by nobody, whoever pressed a key: it follows from what is seen.
func (d *decider) finds(b Body) { d.factBy("", b) }

func (d *decider) factBy(by string, b Body) {
	f := Fact{At: d.s.Now, By: by, Body: b}
	d.facts = append(d.facts, f)
	d.s.Incident.take(f)
}

func (d *decider) effect(e Effect) { d.effects = append(d.effects, e) }
