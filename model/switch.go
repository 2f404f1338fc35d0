package model

import (
	"fmt"
	"strconv"
	"time"
)

// The methods that switch something off, or break it, for a time, and put it back:
// recovery and the drill go by them.
const (
	MethodScale       Method = "scale"       // of one workload: how many replicas it asks for
	MethodMaintenance Method = "maintenance" // what users see meanwhile
	MethodFault       Method = "fault"       // a version that is broken on purpose, for a drill
)

// RoleMaintenance is the role of the maintenance page's writes. It is a switch too, and
// has a slot of its own beside the component's replicas. Its component is the first of
// those that recover.
const RoleMaintenance Role = "maintenance"

// RoleFault is the role of a drill's fault. What is released against it is the walk's own
// business: it has another slot.
const RoleFault Role = "fault"

// Replicas returns so many replicas, as a version of MethodScale. The version that a
// plan to fewer comes from may have another key: it is where the replicas, and what
// scales them, stood before.
func Replicas(n int) Version {
	v := Version{Key: strconv.Itoa(n), Label: fmt.Sprintf("%d replicas", n), Short: strconv.Itoa(n)}
	if n == 1 {
		v.Label = "1 replica"
	}
	return v
}

// MaintenancePage returns the versions of MethodMaintenance: the page is shown, or it is
// not.
func MaintenancePage(shown bool) Version {
	if shown {
		return Version{Key: "on", Label: "maintenance page on", Short: "on"}
	}
	return Version{Key: "off", Label: "maintenance page off", Short: "off"}
}

// The faults of MethodFault, by their versions' keys.
const (
	FaultImage     = "image"
	FaultCommand   = "command"
	FaultEnv       = "env"
	FaultCPU       = "cpu"
	FaultReadiness = "readiness"
	FaultPatch     = "patch"
)

var faultWords = map[string]string{
	FaultImage: "an image that does not exist", FaultCommand: "a command that fails", FaultEnv: "a variable that makes it fail",
	FaultCPU: "too little CPU", FaultReadiness: "a readiness probe that fails", FaultPatch: "a patch of your own",
}

// Faults returns the keys of all faults, the one first that harms the least: the old pods go
// on serving.
func Faults() []string {
	return []string{FaultImage, FaultReadiness, FaultCommand, FaultEnv, FaultCPU, FaultPatch}
}

// Fault returns a fault as a version of MethodFault; the zero Version for a key that is none.
func Fault(key string) Version {
	if faultWords[key] == "" {
		return Version{}
	}
	return Version{Key: key, Label: faultWords[key], Short: key}
}

// Mark tells of something that a write of rollbook switched off, as it stands in the
// cluster: what is known of it without the journal of the incident that did.
type Mark struct {
	Slot
	Method   Method
	Plan     string    // ID of the plan that switched it off
	To       Version   // what it is put back to
	What     string    // in words, as the plan said it: "api is scaled to 0"
	Since    time.Time // zero = unknown
	By       string    // "" = unknown
	Incident string    // "" = unknown
	Objects  []Object  // that were made or changed for it, beside the workload
}
