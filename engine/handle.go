package engine

import "rollbook/model"

// Handle is what a reader of the engine has: the newest snapshot, a signal that
// there is a newer one, and a way to send an input. It is safe for concurrent
// use, and none of its methods waits.
type Handle interface {
	// Snapshot is the newest; never nil.
	Snapshot() *model.Snapshot
	// Changed has one element when there is a snapshot that was not fetched yet.
	Changed() <-chan struct{}
	// Send hands over one of the inputs of package model.
	Send(do any)
	// Writing says whether a write is on its way to the API server right now.
	Writing() bool
}
