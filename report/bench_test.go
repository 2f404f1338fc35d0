package report

import (
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rollbook/incident"
	"rollbook/model"
	"rollbook/text"
)

// crowd is an incident of 20 pods, each of which has logged 10 MB.
func crowd(dir string) Request {
	c := &model.Component{ID: "backend-python", Revision: 42, OwnerName: "rs-42", Workload: model.Workload{Kind: model.Deployment, Namespace: "production", Name: "backend-python"}}
	for n := range 20 {
		c.Pods = append(c.Pods, model.Pod{Name: fmt.Sprintf("backend-python-7c9f5d8-%05d", n), Owner: "rs-42", Revision: 42, Failing: n < 10, Names: []string{"api"}})
	}
	i := incident.Incident{ID: "INC-bench", Onset: t0, Triggers: []incident.Trigger{{Component: c.ID}}, Settings: incident.Settings{Limits: model.DefaultLimits()}}
	return RequestOf(model.InFull, dir, &incident.Snapshot{Incident: i, Now: t0, Seen: incident.Seen{Board: []*model.Component{c}}})
}

// flood is 10 MB of lines as the border of kube/ hands them over: cleaned once.
func flood(read *atomic.Int64) func(context.Context, LogOf) iter.Seq2[string, error] {
	var lines []string
	for n := range 512 {
		lines = append(lines, text.Line(fmt.Sprintf(`2026-11-23T03:12:00.%06dZ ERROR request=%08x path=/api/orders/%d status=503 upstream="db-0:5432" msg="connection refused, giving up after 3 tries"`, n, n*7919, n)))
	}
	return func(ctx context.Context, of LogOf) iter.Seq2[string, error] {
		return func(yield func(string, error) bool) {
			sent, most := 0, 10<<20
			for n := 0; sent < most; n++ {
				l := lines[n%len(lines)]
				if of.Tail > 0 && int64(n) == of.Tail || ctx.Err() != nil {
					return
				}
				if n%128 == 0 {
					read.Add(int64(128 * (len(l) + 1)))
				}
				if !yield(l, nil) {
					return
				}
				sent += len(l) + 1
			}
		}
	}
}

// heap watches how much of the heap is in use while f runs, above what was there.
func heap(f func()) (peak uint64) {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	before := m.HeapInuse
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		var m runtime.MemStats
		for {
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
				runtime.ReadMemStats(&m)
				peak = max(peak, m.HeapInuse-min(m.HeapInuse, before))
			}
		}
	}()
	f()
	close(done)
	<-ended
	return peak
}

// held is how long a goroutine that wakes up beside f, as a key or the answer to a
// write does, waits for its turn: the median and the 99th percentile. What the
// machine's other programs take is in it.
func held(f func()) (median, p99 time.Duration) {
	done, ended := make(chan struct{}), make(chan struct{})
	var waits []time.Duration
	go func() {
		defer close(ended)
		const nap = 3 * time.Millisecond
		for {
			start := time.Now()
			select {
			case <-done:
				return
			case <-time.After(nap):
			}
			waits = append(waits, time.Since(start)-nap)
		}
	}()
	f()
	close(done)
	<-ended
	slices.Sort(waits)
	return waits[len(waits)/2], waits[len(waits)*99/100]
}

// BenchmarkEvidence keeps the evidence of 20 pods with 200 MB of logs: what is
// kept stays within the bounds, and so does the memory.
func BenchmarkEvidence(b *testing.B) {
	for b.Loop() {
		dir := b.TempDir()
		var sent atomic.Int64
		w := newWorld(b)
		w.log = flood(&sent)
		var e model.Evidence
		start := time.Now()
		var median, p99 time.Duration
		peak := heap(func() {
			median, p99 = held(func() {
				var err error
				if e, err = w.collector(Bounds{}).Gather(b.Context(), crowd(dir)); err != nil {
					b.Error(err)
				}
			})
		})
		took := time.Since(start)
		var onDisk int64
		filepath.Walk(dir, func(p string, i os.FileInfo, err error) error {
			if err == nil && !i.IsDir() {
				onDisk += i.Size()
			}
			return nil
		})
		if onDisk > 51<<20 || e.Bytes > 50<<20 {
			b.Fatalf("%d bytes on disk, %d listed", onDisk, e.Bytes)
		}
		if sent.Load() < 195<<20 {
			b.Fatalf("only %d bytes of logs were read: %q", sent.Load(), e.Missing)
		}
		if peak > 40<<20 {
			b.Fatalf("%d bytes of memory", peak)
		}
		b.ReportMetric(float64(onDisk)/(1<<20), "MB-kept")
		b.ReportMetric(float64(peak)/(1<<20), "MB-heap-peak")
		b.ReportMetric(float64(median.Microseconds())/1000, "ms-held-median")
		b.ReportMetric(float64(p99.Microseconds())/1000, "ms-held-p99")
		b.ReportMetric(float64(sent.Load())/(1<<20)/took.Seconds(), "MB-logs/s")
	}
}

// BenchmarkCancel is how long Gather goes on after it is told to stop, in the
// middle of those logs: whoever waits for it must not wait for them.
func BenchmarkCancel(b *testing.B) {
	var worst time.Duration
	for b.Loop() {
		dir := b.TempDir()
		var sent atomic.Int64
		w := newWorld(b)
		w.log = flood(&sent)
		ctx, cancel := context.WithCancel(b.Context())
		ended := make(chan time.Time, 1)
		go func() {
			_, _ = w.collector(Bounds{}).Gather(ctx, crowd(dir))
			ended <- time.Now()
		}()
		for sent.Load() < 60<<20 {
			time.Sleep(time.Millisecond)
		}
		stop := time.Now()
		cancel()
		worst = max(worst, (<-ended).Sub(stop))
		if parts, _ := filepath.Glob(filepath.Join(dir, Folder, "logs", "*", "*", partPrefix+"*")); len(parts) > 0 {
			b.Fatalf("half files: %s", strings.Join(parts, " "))
		}
	}
	b.ReportMetric(float64(worst.Microseconds())/1000, "ms-worst")
	if worst > 50*time.Millisecond {
		b.Errorf("it went on for %s", worst)
	}
}
