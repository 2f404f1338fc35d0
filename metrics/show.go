package metrics

import (
	"fmt"
	"strings"
	"time"

	"rollbook/model"
)

// The same figures for one component alone, as short as they can be, to be read
// by the operator and pasted into Prometheus or Grafana. They stand in
// Reading.Query; a test compares what they return with the figures.

// shown is the series that a shown query is about, and when.
type shown struct {
	preset   Preset
	selector string
	at       time.Time // zero = the present
}

// alone is about the series of one target, at the present. key is what a scope
// calls it.
func (p Preset) alone(owner Identity, t model.Target) (key string, s shown) {
	name, matcher := owner.workload(t)
	return t.Workload.Namespace + "/" + name, p.shown(owner, t, matcher)
}

// shown is about those of the target's namespace and Match that a matcher of owner
// lets through, at the present.
func (p Preset) shown(owner Identity, t model.Target, matcher string) shown {
	namespace, _ := owner.labels()
	return shown{preset: p, selector: matchers(namespace+"="+quote(t.Workload.Namespace), matcher, t.Match, p.Match)}
}

// until is s up to a time.
func (s shown) until(t time.Time) shown {
	s.at = t
	return s
}

// window is d as a range, with the time it ends at.
func (s shown) window(d time.Duration) string {
	r := "[" + dur(d) + "]"
	if !s.at.IsZero() {
		r += fmt.Sprintf(" @ %d", s.at.Unix())
	}
	return r
}

// failures sums f, rate or increase, of the requests with an error. labels are those
// that say so; none = the usual one is shown.
func (s shown) failures(f string, labels []string, window time.Duration) string {
	o := s.preset.Outcome
	if len(labels) == 0 {
		labels = o.Labels[:1]
	}
	sums := make([]string, len(labels))
	for i, l := range labels {
		sums[i] = fmt.Sprintf(`%s(%s{%s,%s=~%s}%s)`, f, s.preset.Requests, s.selector, l, quote(o.Failed), s.window(window))
	}
	return "(sum(" + strings.Join(sums, " or ") + ") or vector(0))"
}

// errors is the error ratio.
func (s shown) errors(labels []string, window time.Duration) string {
	return s.failures("rate", labels, window) + " / " + s.rate(window)
}

// failed is how many requests failed.
func (s shown) failed(labels []string, window time.Duration) string {
	return s.failures("increase", labels, window)
}

// p95 is in seconds.
func (s shown) p95(window time.Duration) string {
	return s.preset.quantile(0.95, "by (le)", fmt.Sprintf("rate(%s{%s}%s)", s.preset.Latency, s.selector, s.window(window)))
}

// requests is how many there were, rate how many a second.
func (s shown) requests(window time.Duration) string {
	return fmt.Sprintf("sum(increase(%s{%s}%s))", s.preset.Requests, s.selector, s.window(window))
}

func (s shown) rate(window time.Duration) string {
	return fmt.Sprintf("sum(rate(%s{%s}%s))", s.preset.Requests, s.selector, s.window(window))
}

// up is f, sum or count, of the targets of the scrapes.
func (s shown) up(f string) string { return fmt.Sprintf("%s(up{%s})", f, s.selector) }
