// Package walktest takes random walks: of inputs through the incident's fold, of keys
// through the whole program. How many is said in one way for both.
package walktest

import (
	"os"
	"runtime/debug"
	"strconv"
	"testing"
)

// Variable says how many walks each test takes, where it is set: 10000.
const Variable = "ROLLBOOK_WALKS"

// faults are as many walks that fail as anybody reads.
const faults = 5

// Each takes so many walks, or as many as Variable says, and returns how many it took.
// Each is a subtest named by its seed: whatever is random in it comes from there, so
// that go test -run 'TestName/^417$' takes that one again.
func Each(t *testing.T, usual int, walk func(t *testing.T, seed uint64)) (taken int) {
	t.Helper()
	walks := usual
	if testing.Short() {
		walks = (usual + 3) / 4
	}
	if said := os.Getenv(Variable); said != "" {
		var err error
		if walks, err = strconv.Atoi(said); err != nil || walks < 1 {
			t.Fatalf("%s=%s is not a number of walks", Variable, said)
		}
	}
	// Little lives long in a walk: to collect it at every four megabytes takes longer
	// than to walk.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	failed := 0
	for seed := range uint64(walks) {
		if failed == faults {
			t.Fatalf("%d of %d walks failed: no more are taken", failed, taken)
		}
		if !t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			taken++
			walk(t, seed)
		}) {
			failed++
		}
	}
	return taken
}
