package traffic

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"rollbook/testbed/pods"
)

// A Span is a pod's service in the past.
type Span struct {
	Pod      pods.Pod
	From, To time.Time
}

// step is the distance of the history's samples: Prometheus' usual one.
const step = 15 * time.Second

// WriteHistory writes the samples of the spans in OpenMetrics text, with the
// labels that Prometheus would have added, for promtool to put into the database.
// Where a pod still exists (it has a UID) its live counters go on from the last
// sample. extra are further series, constant 1 over the whole of their span.
func (s *Source) WriteHistory(path string, spans []Span, extra func(pods.Pod) []string) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write the history: %w", err)
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	counters := s.writeCounters(w, spans)
	writeGauge(w, "up", spans, func(Span) []string { return []string{""} }, withTarget)
	writeConstants(w, spans, extra)
	fmt.Fprintln(w, "# EOF")
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write the history %s: %w", path, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, sp := range spans {
		if sp.Pod.UID != "" {
			s.seed[sp.Pod.UID] = counters[i]
		}
	}
	return f.Close()
}

// writeCounters writes requests and durations. OpenMetrics wants each family
// in one piece, hence two passes.
func (s *Source) writeCounters(w io.Writer, spans []Span) []*Counters {
	counters := make([]*Counters, len(spans))
	for _, family := range []string{familyRequests, familyDuration} {
		kind := "counter"
		if family == familyDuration {
			kind = "histogram"
		}
		fmt.Fprintf(w, "# TYPE %s %s\n", family, kind)
		for i, sp := range spans {
			if !sp.Pod.HTTP {
				continue
			}
			c := NewCounters(key(sp.Pod.Namespace, sp.Pod.Name))
			target := labelText(targetLabels(sp.Pod))
			last := sp.From
			for t := sp.From; !t.After(sp.To); t = t.Add(step) {
				c.Advance(Default, last, t)
				last = t
				for _, x := range c.samples() {
					if x.family == family {
						fmt.Fprintf(w, "%s{%s} %s %s\n", x.name, join(target, x.labels), number(x.value), seconds(t))
					}
				}
			}
			counters[i] = c
		}
	}
	return counters
}

func withTarget(p pods.Pod, _ string) string { return labelText(targetLabels(p)) }

func writeGauge(w io.Writer, name string, spans []Span, series func(Span) []string, labels func(pods.Pod, string) string) {
	fmt.Fprintf(w, "# TYPE %s gauge\n", name)
	for _, sp := range spans {
		for _, x := range series(sp) {
			for t := sp.From; !t.After(sp.To); t = t.Add(step) {
				fmt.Fprintf(w, "%s{%s} 1 %s\n", name, labels(sp.Pod, x), seconds(t))
			}
		}
	}
}

// writeConstants writes series that are 1 while their pod is there; those of one
// name stay together, and one that several pods share is written once, over the
// time of them all.
func writeConstants(w io.Writer, spans []Span, series func(pods.Pod) []string) {
	type period struct{ from, to time.Time }
	when := map[string]period{}
	for _, sp := range spans {
		for _, x := range series(sp.Pod) {
			p, ok := when[x]
			if !ok || sp.From.Before(p.from) {
				p.from = sp.From
			}
			if sp.To.After(p.to) {
				p.to = sp.To
			}
			when[x] = p
		}
	}
	var names []string
	for x := range when {
		names = append(names, x)
	}
	slices.Sort(names)
	family := ""
	for _, x := range names {
		if name, _, _ := strings.Cut(x, "{"); name != family {
			family = name
			fmt.Fprintf(w, "# TYPE %s gauge\n", name)
		}
		for t := when[x].from; !t.After(when[x].to); t = t.Add(step) {
			fmt.Fprintf(w, "%s 1 %s\n", x, seconds(t))
		}
	}
}

// Owners are the series by which a pod is led to its workload, with the labels
// that they have in Prometheus.
func Owners(p pods.Pod, rule string) []string {
	const target = `,job="kube-state-metrics",instance="kube-state-metrics:8080"}`
	var out []string
	for _, o := range owners([]pods.Pod{p}) {
		out = append(out, strings.TrimSuffix(o, "}")+target)
	}
	workload, kind := p.Deployment, "deployment"
	if p.OwnerKind == "StatefulSet" {
		workload, kind = p.Owner, "statefulset"
	}
	return append(out, fmt.Sprintf(`%s{namespace=%q,workload=%q,pod=%q,workload_type=%q}`, rule, p.Namespace, workload, p.Name, kind))
}

func labelText(labels map[string]string) string {
	var out []string
	for k, v := range labels {
		out = append(out, fmt.Sprintf("%s=%q", k, v))
	}
	slices.Sort(out)
	return strings.Join(out, ",")
}

func join(a, b string) string {
	if b == "" {
		return a
	}
	return a + "," + b
}
