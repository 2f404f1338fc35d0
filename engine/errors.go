package engine

import "errors"

// The ends of a write that did not succeed. They are sentinels: match them with
// errors.Is; the wrapping error carries the details for the operator.
var (
	// ErrChanged: the workload is no longer what was confirmed. Nothing was written.
	ErrChanged = errors.New("changed since it was confirmed")
	// ErrRefused: the API server said no. Nothing was written.
	ErrRefused = errors.New("refused by the API server")
	// ErrLost: no answer came. It may or may not have been written.
	ErrLost = errors.New("no answer to the write")
	// ErrReadOnly: the transport does not let writes leave.
	ErrReadOnly = errors.New("read-only: no request that changes anything may leave")
)
