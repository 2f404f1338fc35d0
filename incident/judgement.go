package incident

import (
	"reflect"
	"sync"
	"time"

	"rollbook/model"
)

// Judgement is what figures and cluster say of each component of a board. It is
// shared by all that look at the same board: do not modify it.
type Judgement struct {
	Lines []*Line // in the board's order

	kinds       map[TriggerKind]*summary
	board       []*model.Component
	figures     map[string]*model.Figures
	basis       basis
	from, until time.Time // it is the same at any time between; zero = no bound
}

// Line is one component with its figures.
type Line struct {
	Component *model.Component
	Figures   *model.Figures // as Snapshot.FiguresOf returns them; nil = none were read
	Errors    Run            // against the limits of the triggers
	P95       Run
	burns     bool // the error budget of the SLO, too fast

	read        *model.Figures // as they were read
	from, until time.Time
}

// basis is what else a judgement rests on.
type basis struct {
	limits model.Limits
	fresh  time.Duration
	heard  time.Time // of Prometheus
	err    string    // of Prometheus
	lost   bool      // the cluster
}

// Memory keeps the last judgement, so that of a board of thousands only what
// changed is judged again. Its zero value remembers nothing. The engine and the
// screen share one.
type Memory struct {
	mu   sync.Mutex
	last *Judgement
}

// Judgement returns what is to be said of the board as of now.
func (s *Snapshot) Judgement() *Judgement {
	m := s.Seen.Memory
	if m == nil {
		return judge(s, nil)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last = judge(s, m.last)
	return m.last
}

// judge judges the board, and takes from an older judgement what is still so.
func judge(s *Snapshot, old *Judgement) *Judgement {
	b := basis{s.Incident.Settings.Limits, s.Incident.Settings.Fresh(), s.Seen.Metrics.Heard, s.Seen.Metrics.Err, s.clusterLost() != ""}
	if old != nil && old.basis != b {
		old = nil
	}
	if old != nil && sameBoard(old.board, s.Seen.Board) && sameFigures(old.figures, s.Seen.Figures) && within(s.Now, old.from, old.until) {
		return old
	}
	j := &Judgement{Lines: make([]*Line, len(s.Seen.Board)), board: s.Seen.Board, figures: s.Seen.Figures, basis: b}
	for n, c := range s.Seen.Board {
		var before *Line
		if old != nil && n < len(old.Lines) && old.Lines[n].Component.ID == c.ID {
			before = old.Lines[n]
		}
		l := s.judged(c, before)
		j.Lines[n] = l
		if l.from.After(j.from) {
			j.from = l.from
		}
		for _, turn := range []time.Time{l.until, c.StuckFrom()} {
			if !turn.IsZero() && !turn.Before(s.Now) && (j.until.IsZero() || turn.Before(j.until)) {
				j.until = turn
			}
		}
	}
	j.summarise(s)
	return j
}

// judged judges one component. before is its older judgement on the same basis;
// nil = there is none.
func (s *Snapshot) judged(c *model.Component, before *Line) *Line {
	read := s.Seen.Figures[c.ID]
	if before != nil && before.read == read && within(s.Now, before.from, before.until) {
		if before.Component == c {
			return before
		}
		l := *before
		l.Component = c
		return &l
	}
	l := &Line{Component: c, read: read}
	if read == nil {
		return l
	}
	l.Figures, l.from, l.until = s.counted(read)
	if limits := s.Incident.Settings.Limits; !read.NotMeasured {
		l.Errors = Over(l.Figures.Errors, limits.Errors, limits.For)
		l.P95 = Over(l.Figures.P95, limits.P95.Seconds(), limits.P95For)
		for kind, run := range map[TriggerKind]*Run{TErrors: &l.Errors, TP95: &l.P95} {
			if run.AtLeast {
				run.Why = lowerBound(kind, l.figure(kind).Value)
			}
		}
	}
	l.burns = l.burnFinding(s).State == model.TriYes
	return l
}

func within(now, from, until time.Time) bool {
	return !now.Before(from) && (until.IsZero() || !now.After(until))
}

func sameBoard(a, b []*model.Component) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

func sameFigures(a, b map[string]*model.Figures) bool {
	return reflect.ValueOf(a).UnsafePointer() == reflect.ValueOf(b).UnsafePointer()
}

// summary is what a whole board says about one kind of trigger.
type summary struct {
	query    string
	asked    int     // how many components there is something to measure of
	over     []*Line // broken, if only since a moment ago
	unknown  []*Line // the first of those of which nobody knows
	unknowns int     // how many these are
	last     *Line   // the last of them
	asleep   []*Line // the first of those of which no pod is wanted
	asleeps  int     // how many these are
	top      float64 // the highest figure; -1 = none is known
	topName  string
}

// named is how many components a sentence names at most, before it counts them.
const named = 3

func (j *Judgement) summarise(s *Snapshot) {
	j.kinds = make(map[TriggerKind]*summary, len(kinds))
	lost := s.clusterLost()
	for _, kind := range kinds {
		k := &summary{top: -1}
		j.kinds[kind] = k
		for _, l := range j.Lines {
			if r := l.figure(kind); r != nil && r.Known && r.Value > k.top {
				k.top, k.topName = r.Value, l.Component.ID
			}
			f := l.finding(s, kind, lost)
			if l.Component.Asleep() && !f.Asked {
				if k.asleeps++; len(k.asleep) < named {
					k.asleep = append(k.asleep, l)
				}
			}
			if !f.Asked {
				continue
			}
			k.asked++
			if k.query == "" {
				k.query = f.Query
			}
			switch {
			case f.State == model.TriUnknown:
				if k.unknowns++; len(k.unknown) < named {
					k.unknown = append(k.unknown, l)
				}
				k.last = l
			case f.Over:
				k.over = append(k.over, l)
			}
		}
	}
}

// figure returns the figure that a kind of trigger is about, nil when it is about
// none or none was read.
func (l *Line) figure(kind TriggerKind) *model.Reading {
	switch {
	case l.Figures == nil:
	case kind == TErrors:
		return &l.Figures.Errors.Now
	case kind == TP95:
		return &l.Figures.P95.Now
	}
	return nil
}
