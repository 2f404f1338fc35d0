package model

import (
	"time"
)

// Moment is when evidence is gathered.
type Moment string

// The moments. What each of them takes is report.Collector's to say.
const (
	AtOpening Moment = "opened"  // at once: what the cluster will throw away first
	AtConfirm Moment = "confirm" // again before a write, which waits for it for at most a second
	InFull    Moment = "full"    // all of it, as time allows
)

// Evidence is what was kept of an incident for those who look into its cause.
type Evidence struct {
	At      time.Time `json:"at"`
	Moment  Moment    `json:"moment"`
	Dir     string    `json:"dir"`               // the folder, with its MANIFEST.json
	Files   int       `json:"files"`             // in the folder, of all gatherings
	Bytes   int64     `json:"bytes"`             // of those
	Missing []string  `json:"missing,omitempty"` // what this gathering could not have, each with the reason
}
