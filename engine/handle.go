package engine

import "rollbook/incident"

// Handle is what a reader of the engine has: the newest snapshot, a signal that
// there is a newer one, and a way to send an input. It is safe for concurrent
// use, and none of its methods waits.
type Handle interface {
	// Snapshot is the newest; never nil.
	Snapshot() *incident.Snapshot
	// Changed has one element when there is a snapshot that was not fetched yet.
	Changed() <-chan struct{}
	// Send hands over an act of the operator.
	Send(do incident.Act)
	// Writing says whether a write is on its way to the API server right now.
	Writing() bool
}
