package replay

import (
	"sort"
	"sync"
	"time"

	"rollbook/incident"
)

// Source yields the facts of one journal, in order.
type Source interface {
	// More returns the facts that were not returned yet; none when there is
	// nothing new. A fact that is half written comes when it is whole.
	More() ([]incident.Fact, error)
	// Held reports whether a program still has the journal open to write it.
	Held() bool
}

// NotKept stands wherever a journal holds nothing.
const NotKept = "not in the journal"

// Reader tells a journal fact by fact: at each position it has the fold of the
// facts so far. What was cannot be changed by it. Its methods may be called from
// several goroutines.
type Reader struct {
	source Source
	path   string
	tell   chan struct{}

	mu      sync.Mutex
	facts   []incident.Fact
	entries []incident.Entry // of the timeline, of all facts
	marks   []mark           // every markEvery facts: no step folds more than that
	end     mark             // after all facts
	samples []int            // which facts are samples
	notes   []int            // which say what was noticed
	// histories are those that say what could be chosen from.
	histories []int

	// reached is the position at which each step was first reached; 0 = it never was.
	reached [incident.Close + 1]int

	at   int    // how many facts are told, at least one if there is any
	line string // the newest of them, in words
	snap *incident.Snapshot

	left bool  // nobody writes it any more
	err  error // why it could not be read further
}

// mark is the incident after so many facts, less its timeline, which is the
// beginning of the whole one.
type mark struct {
	inc     incident.Incident
	entries int
}

const markEvery = 64

// Open reads what the journal at path holds so far and tells its first fact, if
// it has any.
func Open(source Source, path string) (*Reader, error) {
	r := &Reader{source: source, path: path, tell: make(chan struct{}, 1)}
	facts, err := source.More()
	if err != nil {
		return nil, err
	}
	r.add(facts)
	r.seek(1)
	return r, nil
}

// add takes over more facts; what is told stays the same.
func (r *Reader) add(facts []incident.Fact) {
	for _, f := range facts {
		n := len(r.facts)
		if n%markEvery == 0 {
			r.marks = append(r.marks, r.end)
		}
		var told []incident.Entry
		r.end, told = r.end.next(f)
		r.facts, r.entries = append(r.facts, f), append(r.entries, told...)
		switch b := f.Body.(type) {
		case incident.Sampled:
			r.samples = append(r.samples, n)
		case incident.Noticed:
			r.notes = append(r.notes, n)
		case incident.HistoryRead:
			r.histories = append(r.histories, n)
		case incident.Moved:
			if r.reached[b.To] == 0 {
				r.reached[b.To] = n + 1
			}
		}
	}
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

// seek tells the first n facts, of at least one and at most all.
func (r *Reader) seek(n int) {
	if len(r.facts) == 0 {
		r.snap = &incident.Snapshot{Seen: incident.Seen{Journal: r.path}}
		return
	}
	r.at = max(1, min(len(r.facts), n))
	m := r.marks[(r.at-1)/markEvery]
	var told []incident.Entry
	for _, f := range r.facts[(r.at-1)/markEvery*markEvery : r.at] {
		m, told = m.next(f)
	}
	r.line = r.tellFact(r.facts[r.at-1], told)
	inc := m.inc
	inc.Timeline = r.entries[:m.entries:m.entries]
	r.snap = &incident.Snapshot{Incident: inc, Now: r.now()}
	r.snap.Seen = r.seen(&inc)
}

// now returns when the newest fact told happened.
func (r *Reader) now() time.Time { return r.facts[r.at-1].At }

// Snapshot returns what was known after the facts told so far; never nil. It is
// immutable.
func (r *Reader) Snapshot() *incident.Snapshot {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.snap
}

// Changed has one element when Follow found something new that nobody took yet.
func (r *Reader) Changed() <-chan struct{} { return r.tell }

// At returns how many facts are told, and of how many.
func (r *Reader) At() (n, of int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.at, len(r.facts)
}

// Line returns the newest fact told, in words.
func (r *Reader) Line() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.line
}

// NotKept returns what stands wherever the journal holds nothing.
func (r *Reader) NotKept() string { return NotKept }

// Left reports that nobody writes the journal any more. It is false until Follow
// has found that out.
func (r *Reader) Left() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.left
}

// Err returns why the journal could not be read further when Follow tried last;
// nil when it could.
func (r *Reader) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// The methods that follow move to another position, and report whether they did.

// Next goes to the next fact.
func (r *Reader) Next() bool { return r.move(func() int { return r.at + 1 }) }

// Previous goes to the fact before.
func (r *Reader) Previous() bool { return r.move(func() int { return r.at - 1 }) }

// First goes to the first fact.
func (r *Reader) First() bool { return r.move(func() int { return 1 }) }

// Last goes to the newest fact. There the position follows a journal that grows.
func (r *Reader) Last() bool { return r.move(func() int { return len(r.facts) }) }

// Goto goes to the last fact that happened by t, or to the first.
func (r *Reader) Goto(t time.Time) bool { return r.move(func() int { return max(1, r.by(t)) }) }

// By goes so much time on or back, but at least one fact.
func (r *Reader) By(d time.Duration) bool {
	return r.move(func() int {
		if len(r.facts) == 0 {
			return 0
		}
		n := r.by(r.now().Add(d))
		if d > 0 {
			return min(len(r.facts), max(n, r.at+1))
		}
		return max(1, min(n, r.at-1))
	})
}

// Span returns when the first fact and the newest happened, and when each step was
// first reached; zero = it never was.
func (r *Reader) Span() (from, to time.Time, reached [incident.Close + 1]time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.facts) == 0 {
		return from, to, reached
	}
	for s := range reached {
		if n := r.first(incident.Step(s)); n > 0 {
			reached[s] = r.facts[n-1].At
		}
	}
	return r.facts[0].At, r.facts[len(r.facts)-1].At, reached
}

// arrival is how long after a step was reached what it shows comes in.
const arrival = time.Second

// Reach goes to where a step was first reached, and what it shows had come in.
func (r *Reader) Reach(s incident.Step) bool {
	return r.move(func() int {
		n := r.first(s)
		if n < 1 || n > len(r.facts) {
			return 0
		}
		until := r.facts[n-1].At.Add(arrival)
		for ; n < len(r.facts) && !r.facts[n].At.After(until); n++ {
			if _, on := r.facts[n].Body.(incident.Moved); on {
				break
			}
		}
		return n
	})
}

// move tells as many facts as to says, if there are so many and others were told.
func (r *Reader) move(to func() int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := to()
	if n < 1 || n > len(r.facts) || n == r.at {
		return false
	}
	r.seek(n)
	return true
}

// by returns how many facts had happened by t.
func (r *Reader) by(t time.Time) int {
	return sort.Search(len(r.facts), func(i int) bool { return r.facts[i].At.After(t) })
}

// first returns the position at which a step was first reached; 0 when it never was.
func (r *Reader) first(s incident.Step) int {
	switch {
	case s == incident.Assess:
		return 1
	case s < 0 || int(s) >= len(r.reached):
		return 0
	}
	return r.reached[s]
}
