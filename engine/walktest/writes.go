package walktest

import "time"

// Write is a version that was set in a world, as the world itself has it.
type Write struct {
	Component, Version, By string
	At                     time.Time
}

// Writes are all that were set in a world, oldest first: whose a change was is known by
// this list, whatever the program makes of it.
type Writes []Write

// Last returns the newest one of a component that did not come after a time; the zero
// value where there is none.
func (all Writes) Last(component string, at time.Time) (last Write) {
	for _, w := range all {
		if w.Component == component && !w.At.After(at) {
			last = w
		}
	}
	return last
}
