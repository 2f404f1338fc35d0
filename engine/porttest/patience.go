package porttest

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Patience returns how long a test against a real cluster may wait for what takes d
// on a machine that has nothing else to do: as many times longer as there are
// programs for each core, at most 20 times. What is waited for stays the same.
func Patience(d time.Duration) time.Duration {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return d // not Linux, where the testbed does not run
	}
	load, _ := strconv.ParseFloat(strings.Fields(string(b) + " 0")[0], 64)
	return time.Duration(float64(d) * max(1, min(20, load/float64(runtime.NumCPU()))))
}
