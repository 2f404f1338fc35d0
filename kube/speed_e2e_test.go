//go:build e2e

package kube

import (
	"context"
	"os"
	"runtime/metrics"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestBoardSpeed measures a namespace that is there already: ROLLBOOK_BIG names
// it (1,000 Deployments with 5 pods each on the testbed).
func TestBoardSpeed(t *testing.T) {
	ns := os.Getenv("ROLLBOOK_BIG")
	if ns == "" {
		t.Skip("ROLLBOOK_BIG is not set")
	}
	c := client(t, ns, Options{})
	ctx, cancel := context.WithCancel(context.Background())
	before := anonymous(t)
	begun := time.Now()
	var lines, filled time.Duration
	full := make(chan struct{})
	var told int
	go c.Watch(ctx, func(o Observation) {
		told++
		pods := 0
		for _, l := range o.Board {
			pods += len(l.Pods)
		}
		if lines == 0 && len(o.Board) > 0 {
			lines = time.Since(begun)
		}
		if os.Getenv("ROLLBOOK_TRACE") != "" {
			t.Logf("%v: %d lines, %d pods, cpu %v", time.Since(begun).Round(time.Millisecond), len(o.Board), pods, cpu().Round(time.Millisecond))
		}
		if filled == 0 && pods >= 5*len(o.Board) && pods > 0 && o.Board[0].Revision > 0 {
			filled = time.Since(begun)
			t.Logf("%d lines after %v, %d pods after %v, %d events", len(o.Board), lines.Round(time.Millisecond), pods, filled.Round(time.Millisecond), len(o.Events))
			close(full)
		}
	})
	defer cancel()
	select {
	case <-full:
	case <-time.After(30 * time.Second):
		t.Fatal("the board was not filled")
	}
	peak := anonymous(t)
	t.Logf("RssAnon: %d kB before, %d kB just filled", before, peak)
	time.Sleep(3 * time.Second)
	used, n := cpu(), told
	time.Sleep(20 * time.Second)
	t.Logf("idle: %.2f%% of a core, %d observations in 20 s, RssAnon %d kB, heap %d kB", float64(cpu()-used)/float64(20*time.Second)*100, told-n, anonymous(t), heap())
}

func anonymous(t *testing.T) int64 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip(err)
	}
	for l := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(l, "RssAnon:"); ok {
			var n int64
			for _, r := range v {
				if r >= '0' && r <= '9' {
					n = n*10 + int64(r-'0')
				}
			}
			return n
		}
	}
	return 0
}

func heap() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64() >> 10
}

func cpu() time.Duration {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
