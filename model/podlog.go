package model

import "time"

// PodLog names the end of one container's log.
type PodLog struct {
	Pod, UID, Container string
	Previous            bool      // of the run before the last restart
	Restarts            int       // of the pod, when it was named
	Started             time.Time // when the pod was made
}

// PodLogs says which logs tell what the pods of a failing component say: those of the
// version that runs, and those of the one before, which they are compared with.
type PodLogs struct {
	Component, Namespace string
	Version, Before      Version
	New, Old             []PodLog // a few each; no Old = there is nothing to compare with
	// Why tells this reading from another of the same pods: what the component fails by.
	Why string
}

// LogLine is a log's line taken apart, to be shown.
type LogLine struct {
	At    time.Time // when the node wrote it down; zero = unknown
	Level string    // "error", "warn", "info", "debug"; "" = none is told
	Text  string    // what it says, less its own time and level: of JSON the message and the error
	Rest  string    // what else its fields hold
}

// Said is what the pods of a failing component said last: what the logs of a version
// say alike, and what of it those of the version before do not. It stands in journals.
type Said struct {
	Component string  `json:"component"`
	Version   Version `json:"version"`
	Pods      int     `json:"pods,omitempty"` // whose logs were read
	Read      int     `json:"read,omitempty"` // lines of them
	// The version before, whose pods still served and were read, too; nothing is new
	// where no line of them was.
	Before  Version `json:"before,omitzero"`
	OldPods int     `json:"oldPods,omitempty"`
	OldRead int     `json:"oldRead,omitempty"`
	// Lines are what was said, new ones first and errors before others; none = no error, no
	// warning and nothing new stands in what was read.
	Lines []SaidLine `json:"lines,omitempty"`
	Err   string     `json:"err,omitempty"` // why no log, or not each, was read
}

// SaidLine is what several lines of logs say alike.
type SaidLine struct {
	Text  string `json:"text"`            // of the newest of them
	Where string `json:"where,omitempty"` // the place in the code that failed: "settings.py:27"
	Level string `json:"level,omitempty"` // as of LogLine
	Count int    `json:"count"`           // how often it was said in what was read
	New   bool   `json:"new,omitempty"`   // the version before does not say it
}
