package incident

import (
	"iter"
	"slices"
	"time"

	"rollbook/model"
)

// Attempt is what was confirmed at once.
type Attempt struct {
	N         int
	Confirmed time.Time
	By        string
	Course    Course
	Step      string    // of the course's procedure
	Writes    []Write   // in the order in which they are written
	Verified  time.Time // when what it led to was; zero = it was not, or no more
}

// AttemptState is where one write of an attempt stands.
type AttemptState string

// The states of one write of an attempt. The zero value is: not begun.
const (
	Pending   AttemptState = ""
	Writing   AttemptState = "writing"    // the intent is journaled, the answer is not there
	Unsettled AttemptState = "unsettled"  // the answer never came: a look will tell
	Rolling   AttemptState = "rolling"    // written, and on its way
	Done      AttemptState = "rolled out" // written, and finished
	Refused   AttemptState = "refused"    // not written: it was no longer what was confirmed
	Failed    AttemptState = "failed"     // not written: the server said no
	Reverted  AttemptState = "reverted"   // written, and changed again by somebody else
	// Stopped: it ended before it was where it was to go, and something of it may be done.
	Stopped AttemptState = "did not finish"
)

// Active reports whether any of its writes is under way or rolling out.
func (a *Attempt) Active() bool { return slices.ContainsFunc(a.Writes, Write.underWay) }

// releases reports whether the attempt brings another version into service. One that
// only helps another on does not.
func (a *Attempt) releases() bool {
	return slices.ContainsFunc(a.Writes, func(w Write) bool { return w.Plan.Role == model.RoleRelease })
}

func writing(a *Attempt) bool {
	return slices.ContainsFunc(a.Writes, func(w Write) bool { return w.State == Writing })
}

// wasWritten says whether an attempt changed anything.
func wasWritten(a *Attempt) bool { return slices.ContainsFunc(a.Writes, Write.happened) }

// WriteID names one write of an attempt.
type WriteID struct {
	N    int    `json:"n"`    // of the attempt, from 1
	Plan string `json:"plan"` // the plan's ID
}

// Write is one change to the world.
type Write struct {
	Plan      model.Plan
	State     AttemptState
	Intent    time.Time
	Receipt   model.Receipt
	RolledOut time.Time
	Asleep    bool   // when it was rolled out, 0 replicas ran it
	Err       string // the server's words, or what changed and by whom
	Waited    bool   // the operator chose to wait beyond the deadline
	Lost      bool   // its answer was lost: what is known of it is what a look says
	// Until is up to when a write that was not done so far may still arrive; zero = it
	// may not, or it was done.
	Until time.Time
	Was   *WasBefore // its component's figures right before it; nil = not known
	Worse string     // it was worse afterwards: "errors 8% → 85%"; "" = it was not seen to be
	Rise  *Rise      // the same in figures; nil = it was not, or an older journal tells
}

// WriteDeadline is how long the answer to a write is waited for.
const WriteDeadline = 30 * time.Second

// Arrives returns up to when a write without an answer may still be done: its
// deadline and a minute for what is on the way.
func (w Write) Arrives() time.Time { return w.Intent.Add(WriteDeadline + time.Minute) }

// happened reports whether the write changed something, as far as is known.
func (w Write) happened() bool {
	return w.State == Rolling || w.State == Done || w.State == Reverted || w.State == Stopped
}

// InPlace reports whether another version was written, and nobody put something else in
// its place.
func (w Write) InPlace() bool {
	return w.Plan.Role == model.RoleRelease && (w.State == Rolling || w.State == Done)
}

// underWay reports whether the write's end is still to come.
func (w Write) underWay() bool {
	switch w.State {
	case Pending, Writing, Unsettled, Rolling:
		return true
	}
	return false
}

// refused reports whether it is known that nothing was written.
func (w Write) refused() bool { return w.State == Refused || w.State == Failed }

// Attempt returns the newest attempt, or nil.
func (i *Incident) Attempt() *Attempt {
	if len(i.Attempts) == 0 {
		return nil
	}
	return &i.Attempts[len(i.Attempts)-1]
}

// OfDrill reports whether the attempt only breaks something for a drill, or puts it back:
// it releases nothing, and proves nothing.
func (a *Attempt) OfDrill() bool {
	return len(a.Writes) > 0 && !slices.ContainsFunc(a.Writes, func(w Write) bool { return w.Plan.Role != model.RoleFault })
}

// breaks reports whether the attempt is a drill's fault: the walk is still to begin.
func (a *Attempt) breaks() bool {
	return slices.ContainsFunc(a.Writes, func(w Write) bool { return breaks(&w.Plan) })
}

// ConfirmedAt returns when the newest attempt was confirmed that is no drill's own; zero =
// nothing was.
func (i *Incident) ConfirmedAt() time.Time {
	for n := len(i.Attempts) - 1; n >= 0; n-- {
		if a := &i.Attempts[n]; !a.OfDrill() {
			return a.Confirmed
		}
	}
	return time.Time{}
}

// writes returns all writes of all attempts, oldest first.
func (i *Incident) writes() iter.Seq[*Write] {
	return func(yield func(*Write) bool) {
		for a := range i.Attempts {
			for n := range i.Attempts[a].Writes {
				if !yield(&i.Attempts[a].Writes[n]) {
					return
				}
			}
		}
	}
}

// Standing is a write that counts for its component.
type Standing struct {
	WriteID
	Write *Write
}

// Standing returns the writes that count, slot by slot: those of the newest attempt
// in which something happened. One that was refused or failed counts only if there
// is no other and its slot is still chosen; one that did not finish, while it is chosen.
func (i *Incident) Standing() []Standing {
	var slots []model.Slot
	newest := map[model.Slot]int{}
	for a := range i.Attempts {
		for w := range i.Attempts[a].Writes {
			write := &i.Attempts[a].Writes[w]
			slot := write.Plan.Slot()
			_, had := newest[slot]
			if write.refused() && (had || i.Choice(slot) == nil) || write.State == Stopped && i.Choice(slot) == nil {
				continue
			}
			if !had {
				slots = append(slots, slot)
			}
			newest[slot] = a
		}
	}
	var out []Standing
	for _, slot := range slots {
		a := &i.Attempts[newest[slot]]
		for w := range a.Writes {
			if a.Writes[w].Plan.Slot() == slot {
				out = append(out, Standing{WriteID{a.N, a.Writes[w].Plan.ID}, &a.Writes[w]})
			}
		}
	}
	return out
}

// Unanswered returns the writes that have no answer, newest attempt first: those that
// are waited for, and those that were lost, also after a look found them not done. One
// that came before a write of its slot that happened can do nothing any more.
func (i *Incident) Unanswered() []Standing {
	var out []Standing
	passed := map[model.Slot]bool{}
	for n := len(i.Attempts) - 1; n >= 0; n-- {
		a := &i.Attempts[n]
		var happened []model.Slot
		for m := range a.Writes {
			w := &a.Writes[m]
			switch {
			case passed[w.Plan.Slot()]:
			case w.State == Writing || w.State == Unsettled || w.State == Failed && w.Lost:
				out = append(out, Standing{WriteID{a.N, w.Plan.ID}, w})
				happened = append(happened, w.Plan.Slot())
			case w.happened():
				happened = append(happened, w.Plan.Slot())
			}
		}
		for _, slot := range happened {
			passed[slot] = true
		}
	}
	return out
}

// write returns the write of that ID, or nil.
func (i *Incident) write(id WriteID) *Write {
	for k := range i.Attempts {
		a := &i.Attempts[k]
		for m := range a.Writes {
			if a.N == id.N && a.Writes[m].Plan.ID == id.Plan {
				return &a.Writes[m]
			}
		}
	}
	return nil
}

// component names the component of a write, for sentences.
func (i *Incident) component(id WriteID) string {
	if w := i.write(id); w != nil {
		return subject(&w.Plan)
	}
	return "an unknown component"
}

// rolledOut returns when the last of what stands was rolled out; zero while some of it
// is under way, or nothing was written.
func (i *Incident) rolledOut() (at time.Time) {
	for _, s := range i.Standing() {
		switch w := s.Write; {
		case w.Plan.Role == model.RoleFault: // it releases nothing
		case w.underWay():
			return time.Time{}
		case w.RolledOut.After(at):
			at = w.RolledOut
		}
	}
	return at
}

// onWrite changes one write, in a copy.
func (i *Incident) onWrite(id WriteID, change func(*Write)) {
	i.Attempts = slices.Clone(i.Attempts)
	for k := range i.Attempts {
		a := &i.Attempts[k]
		if a.N != id.N {
			continue
		}
		a.Writes = slices.Clone(a.Writes)
		for m := range a.Writes {
			if a.Writes[m].Plan.ID == id.Plan {
				change(&a.Writes[m])
			}
		}
	}
	i.RolledOut = i.rolledOut()
}
