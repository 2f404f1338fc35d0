//go:build e2e && bench

package cli

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// memory is what a process takes, in MB of 1,000,000 bytes... of the machine's
// own: anonymous is what is its alone, RSS has the pages of the binary too.
type memory struct{ rss, anonymous, peak float64 }

// memoryOf reads /proc; false when the process is gone.
func memoryOf(pid int) (m memory, ok bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return m, false
	}
	for l := range strings.Lines(string(b)) {
		f := strings.Fields(l)
		if len(f) != 3 || f[2] != "kB" {
			continue
		}
		kb, err := strconv.ParseFloat(f[1], 64)
		if err != nil {
			continue
		}
		switch f[0] {
		case "VmRSS:":
			m.rss, ok = kb*1024/1e6, true
		case "VmHWM:":
			m.peak = kb * 1024 / 1e6
		case "RssAnon:":
			m.anonymous = kb * 1024 / 1e6
		}
	}
	return m, ok
}

// peaks follows a process's memory until stop is closed or it is gone. The peak
// of the RSS is the kernel's; that of the anonymous part is looked at every two
// milliseconds, because the kernel keeps none.
func peaks(pid int, stop <-chan struct{}) <-chan memory {
	out := make(chan memory, 1)
	go func() {
		var most memory
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			m, ok := memoryOf(pid)
			if !ok {
				out <- most
				return
			}
			most.peak = max(most.peak, m.peak)
			most.anonymous = max(most.anonymous, m.anonymous)
			select {
			case <-tick.C:
			case <-stop:
				out <- most
				return
			}
		}
	}()
	return out
}

// cpuOf is the processor time that a process took so far.
func cpuOf(t testing.TB, pid int) time.Duration {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	f := strings.Fields(rest)
	var ticks int
	for _, s := range f[11:13] { // utime and stime, in hundredths of a second
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
