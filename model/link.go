package model

import (
	"time"
)

// Connection is how it stands with the API server or with Prometheus. The zero
// value is: not tried yet.
type Connection struct {
	To     string    // host:port, or service:monitoring/prometheus:9090 through the API server
	Trying time.Time // since when the attempt under way has been going on; zero = none
	Heard  time.Time // the last answer of any kind; zero = never
	Err    string    // the last failure in full, "" after a success
	Off    string    // why it is not even tried ("not configured"); "" when it is
	// LoggedOut says that the program which the credentials come from failed, or
	// that what it gave is not accepted: its operator has to log in.
	LoggedOut bool
}

// Lost says whether nothing was heard for longer than limit.
func (c Connection) Lost(now time.Time, limit time.Duration) bool {
	return c.Heard.IsZero() || now.Sub(c.Heard) > limit
}

// Identity is who is asking which cluster.
type Identity struct {
	Cluster  string // UID of the namespace kube-system, or "sha256:…" over server and CA where that is forbidden
	User     string // as the API server knows it; "" = not known yet
	UserWhy  string // why it is not known
	Version  string // the server's gitVersion
	ListPods string // "" = allowed, else why not
	// Polled is how often the board is read because it may not be watched; 0 = it is watched.
	Polled time.Duration
}
