package sim

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// A writer makes up the lines of one life of a container.
type writer struct {
	m         *Sim // its seed alone
	pod       string
	of        life
	behaviour Behaviour
}

// lines are those written from from until before end.
func (w writer) lines(from, end time.Time) []Line {
	var out []Line
	add := func(at time.Time, texts ...string) {
		for i, s := range texts {
			t := at.Add(time.Duration(i) * 137 * time.Microsecond)
			if !t.Before(from) && t.Before(end) {
				out = append(out, Line{t, s})
			}
		}
	}
	add(w.of.started.Add(20*time.Millisecond), w.styled(w.of.started, w.behaviour.at(w.of.started).Log.Start)...)
	until := end
	if !w.of.ended.IsZero() {
		until = w.of.ended
	}
	first := w.of.started.Truncate(time.Second).Add(time.Second)
	if from.After(first) {
		first = from.Truncate(time.Second)
	}
	for s := first; s.Before(until); s = s.Add(time.Second) {
		for _, e := range w.second(s) {
			if e.at.Before(until) {
				add(e.at, e.texts...)
			}
		}
	}
	if !w.of.ended.IsZero() {
		add(w.of.ended, w.styled(w.of.ended, w.of.words)...)
	}
	return out
}

// entry is what is written at one time.
type entry struct {
	at    time.Time
	texts []string
}

// shown is how many of a second's requests are in the log at most.
const shown = 3

// second is what is written within one second.
func (w writer) second(s time.Time) []entry {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d/%s/%d", w.m.seed, w.pod, s.Unix())
	rng := rand.New(rand.NewPCG(h.Sum64(), 1)) //nolint:gosec // lines of a log, not secrets
	b := w.behaviour.at(s)
	if b.Log.Style == "postgres" {
		if s.Unix()%60 != 0 {
			return nil
		}
		return []entry{{s, []string{stamp(s) + " UTC [27] LOG:  checkpoint complete: wrote 42 buffers (0.3%)"}}}
	}
	if b.RPS == 0 || s.Before(w.of.started.Add(b.Start)) || b.NeverReady {
		return nil
	}
	n := max(1, min(shown, int(b.RPS)))
	var out []entry
	for i := range n {
		t := s.Add(time.Duration(i)*time.Second/time.Duration(n) + time.Duration(rng.IntN(900/n))*time.Millisecond)
		out = append(out, entry{t, w.request(t, b, rng)})
	}
	return out
}

// request is what a request that was answered at a time leaves in the log.
func (w writer) request(t time.Time, b Behaviour, rng *rand.Rand) []string {
	path := "/"
	if n := len(b.Log.Paths); n > 0 {
		path = b.Log.Paths[rng.IntN(n)]
	}
	failed := rng.Float64() < b.Errors
	took := 60 * time.Second
	if b.P95 != Endless {
		took = time.Duration(float64(b.P95) * (0.3 + 0.7*rng.Float64()))
	}
	out := w.access(t, path, failed, took, rng)
	switch {
	case failed:
		out = append(out, w.styled(t, b.Log.Failed)...)
	case took > time.Second && rng.IntN(3) == 0:
		out = append(out, w.styled(t, b.Log.Slow)...)
	}
	return out
}

// access is the line of a request that was served.
func (w writer) access(t time.Time, path string, failed bool, took time.Duration, rng *rand.Rand) []string {
	code, word, level := 200, "OK", "INFO"
	if failed {
		code, word, level = 500, "Internal Server Error", "ERROR"
	}
	ms := took.Milliseconds()
	switch w.behaviour.Log.Style {
	case "python":
		return []string{fmt.Sprintf(`INFO:     10.244.1.%d:%d - "GET %s HTTP/1.1" %d %s %dms`, 2+rng.IntN(250), 40000+rng.IntN(20000), path, code, word, ms)}
	case "node":
		return []string{fmt.Sprintf(" GET %s %d in %dms", path, code, ms)}
	case "rust":
		return []string{fmt.Sprintf("%s %5s search::http: GET %s status=%d took=%dms", stamp(t), level, path, code, ms)}
	}
	return []string{fmt.Sprintf("%s GET %s %d %dms", stamp(t), path, code, ms)}
}

// styled puts the time before lines where that is the style.
func (w writer) styled(t time.Time, lines []string) []string {
	prefix := ""
	switch w.behaviour.Log.Style {
	case "rust":
		prefix = stamp(t) + "  "
	case "postgres":
		prefix = stamp(t) + " UTC [1] LOG:  "
	}
	out := make([]string, 0, len(lines))
	for _, l := range lines {
		out = append(out, prefix+l)
	}
	return out
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000") }
