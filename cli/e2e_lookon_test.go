//go:build e2e

package cli

import (
	"testing"
	"time"
)

// A second rollbook on the same journals looks on: it shows what the first one
// does, changes nothing, and says when the first one is gone.
func TestSecondRollbookLooksOn(t *testing.T) {
	t.Parallel()
	ns := shop(t)
	dir := t.TempDir()
	args := append(prom(t), "-n", ns)
	first := open(t, 80, 24, quick, dir, args...)
	first.sees(`backend-python +3/3`, 30*time.Second)
	first.keys("Enter")
	first.sees(`▸2 Decide`, 5*time.Second)

	second := open(t, 80, 24, quick, dir, args...)
	second.sees(`LOOKING ON`, 30*time.Second)
	second.sees(`▸2 Decide`, 5*time.Second)
	second.keys("o", "Enter")
	second.sees(`Looking on|looking on`, 5*time.Second)
	before := first.journal()
	second.keys("Escape", "y")
	first.keys("Enter")
	first.sees(`▸3 Choose`, 5*time.Second)
	second.sees(`▸3 Choose`, 5*time.Second)
	first.keys("Space")
	first.sees(`\[x\]`, 10*time.Second)
	second.sees(`\[x\]`, 10*time.Second)
	second.keys("1")
	second.sees(`▸1 Assess`, 5*time.Second)
	first.sees(`▸3 Choose`, time.Second)
	if len(first.journal()) <= len(before) {
		t.Error("the first one's journal did not go on")
	}
	first.kill()
	second.sees(`other rollbook has left`, time.Minute)
	second.keys("q")
	second.sees(`exit 0`, 5*time.Second)

	third := open(t, 80, 24, quick, dir, args...)
	third.sees(`▸3 Choose`, 30*time.Second)
	third.never(`LOOKING ON`, 2*time.Second)
}
