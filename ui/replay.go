package ui

import (
	"fmt"
	"sort"
	"time"

	"rollbook/incident"
	"rollbook/model"
)

// Replay is an engine that shows a journal again, fact by fact: what the screen
// showed is folded anew from the facts, and nothing can be changed. It is used
// from one goroutine.
type Replay struct {
	facts   []incident.Fact
	path    string
	entries []incident.Entry // of the timeline, of all facts

	marks   []mark // every markEvery facts: no step folds more than that
	samples []int  // which facts are samples
	notes   []int  // which say what was noticed
	at      int    // how many facts are told, at least one
	line    string // the newest of them, in words
	snap    *incident.Snapshot
	tell    chan struct{}
}

// mark is the incident after so many facts, less its timeline, which is the
// beginning of the whole one.
type mark struct {
	inc     incident.Incident
	entries int
}

const markEvery = 64

// NewReplay shows the facts of the journal at path from its first one on. It
// fails when there is none.
func NewReplay(facts []incident.Fact, path string) (*Replay, error) {
	if len(facts) == 0 {
		return nil, fmt.Errorf("journal %s: there is no fact in it yet", path)
	}
	r := &Replay{facts: facts, path: path, tell: make(chan struct{}, 1)}
	var m mark
	for n, f := range facts {
		if n%markEvery == 0 {
			r.marks = append(r.marks, m)
		}
		var told []incident.Entry
		m, told = m.next(f)
		r.entries = append(r.entries, told...)
		switch f.Body.(type) {
		case incident.Sampled:
			r.samples = append(r.samples, n)
		case incident.Noticed:
			r.notes = append(r.notes, n)
		}
	}
	r.seek(1)
	return r, nil
}

// next folds one more fact. The timeline is kept apart: every incident would
// have a copy of it.
func (m mark) next(f incident.Fact) (mark, []incident.Entry) {
	m.inc.Timeline = nil
	m.inc = incident.Apply(m.inc, f)
	told := m.inc.Timeline
	m.inc.Timeline = nil
	m.entries += len(told)
	return m, told
}

// Snapshot is what was shown after the facts told so far.
func (r *Replay) Snapshot() *incident.Snapshot { return r.snap }

// Changed never says anything: only the operator's keys move a replay.
func (r *Replay) Changed() <-chan struct{} { return r.tell }

// At is how many facts are told, and of how many.
func (r *Replay) At() (n, of int) { return r.at, len(r.facts) }

// Line is the newest fact in words.
func (r *Replay) Line() string { return r.line }

// Missing is what stands where the journal holds nothing.
func (r *Replay) Missing() string { return gone }

func (r *Replay) Next() bool                 { return r.to(r.at + 1) }
func (r *Replay) Previous() bool             { return r.to(r.at - 1) }
func (r *Replay) First() bool                { return r.to(1) }
func (r *Replay) Last() bool                 { return r.to(len(r.facts)) }
func (r *Replay) By(d time.Duration) bool    { return r.to(max(1, min(len(r.facts), r.by(d)))) }
func (r *Replay) Reach(s incident.Step) bool { return r.to(r.firstAt(s)) }

// to tells the first n facts, if there are so many and others were told.
func (r *Replay) to(n int) bool {
	if n < 1 || n > len(r.facts) || n == r.at {
		return false
	}
	r.seek(n)
	return true
}

// seek tells the first n facts.
func (r *Replay) seek(n int) {
	r.at = max(1, min(len(r.facts), n))
	m := r.marks[(r.at-1)/markEvery]
	var told []incident.Entry
	for _, f := range r.facts[(r.at-1)/markEvery*markEvery : r.at] {
		m, told = m.next(f)
	}
	r.line = r.tellFact(told)
	inc := m.inc
	inc.Timeline = r.entries[:m.entries:m.entries]
	r.snap = &incident.Snapshot{Incident: inc, Now: r.now()}
	r.snap.Seen = r.seen(&inc)
}

// tellFact is the newest fact in a line.
func (r *Replay) tellFact(told []incident.Entry) string {
	f := r.facts[r.at-1]
	text := quietly(f.Body)
	if len(told) > 0 {
		text = told[len(told)-1].Text
	}
	if f.By != "" {
		return f.By + ": " + text
	}
	return text
}

func (r *Replay) now() time.Time { return r.facts[r.at-1].At }

// by is the position so much time from here; it always moves, if it can.
func (r *Replay) by(d time.Duration) int {
	to := r.now().Add(d)
	n := sort.Search(len(r.facts), func(i int) bool { return r.facts[i].At.After(to) })
	if d > 0 {
		return max(n, r.at+1)
	}
	return min(n, r.at-1)
}

// firstAt is the position at which a step was first reached.
func (r *Replay) firstAt(s incident.Step) int {
	if s == incident.Assess {
		return 1
	}
	for n, f := range r.facts {
		if m, ok := f.Body.(incident.Moved); ok && m.To == s {
			return n + 1
		}
	}
	return 0
}

// sampleText is a sample in a line: the first component, and how many more.
func sampleText(b incident.Sampled) string {
	if len(b.Components) == 0 {
		return "sample"
	}
	c := b.Components[0]
	text := fmt.Sprintf("sample: %s %d/%d ready", c.Component, c.Ready, c.Desired)
	if c.Errors != nil {
		text += ", errors " + model.Percent(*c.Errors)
	}
	if c.P95 != nil {
		text += ", P95 " + model.Seconds(*c.P95)
	}
	if n := len(b.Components) - 1; n > 0 {
		text += fmt.Sprintf(", and %d more", n)
	}
	return text
}

// baselineText is a baseline in a line.
func baselineText(b incident.BaselineRead) string {
	text := "the hour before the onset: " + b.Component
	if b.Errors != nil {
		text += ", errors " + model.Percent(*b.Errors)
	}
	if b.P95 != nil {
		text += ", P95 " + model.Seconds(*b.P95)
	}
	return text
}

// quietly tells the facts that have no line in the timeline.
func quietly(b incident.Body) string {
	switch b := b.(type) {
	case incident.Began:
		return "rollbook " + nonEmpty(b.Version, "of an unknown version") + " was started"
	case incident.Moved:
		return fmt.Sprintf("went to %d %s", b.To+1, b.To.Name())
	case incident.Sampled:
		return sampleText(b)
	case incident.Intended:
		return "about to write: the intent is on disk"
	case incident.ClockRan:
		switch {
		case b.Running && b.Blind:
			return "the downtime's clock runs on without data"
		case b.Running:
			return "the downtime's clock runs"
		}
		return "the downtime's clock stands"
	case incident.BaselineRead:
		return baselineText(b)
	case incident.ImpactMeasured:
		return "the impact was measured"
	case incident.WasClosed:
		return "closed"
	}
	return fmt.Sprintf("%T", b)
}
