package metrics

import (
	"fmt"
	"time"

	"rollbook/model"
)

// The same figures for one component alone, as short as they can be, to be read
// by the operator and pasted into Prometheus or Grafana. They stand in
// Reading.Query; a test compares what they return with the figures.

// shown is the pods that a shown query is about, and when.
type shown struct {
	preset   Preset
	selector string
	at       time.Time // zero = the present
}

// show is about the pods of a target.
func (p Preset) show(t model.Target) shown { return p.showPods(t, podPattern(t.Workload)) }

func (p Preset) showPods(t model.Target, pods string) shown {
	s := p.Namespace + "=" + quote(t.Workload.Namespace) + "," + p.Pod + "=~" + quote(pods)
	if t.Match != "" {
		s += "," + t.Match
	}
	return shown{preset: p, selector: s}
}

// window is d as a range, with the time it ends at.
func (s shown) window(d time.Duration) string {
	r := "[" + dur(d) + "]"
	if !s.at.IsZero() {
		r += fmt.Sprintf(" @ %d", s.at.Unix())
	}
	return r
}

// errors is the error ratio; label is the one that says 5xx, "" = none did.
func (s shown) errors(label string, window time.Duration) string {
	w := s.window(window)
	errs := func(label string) string {
		return fmt.Sprintf(`rate(%s{%s,%s=~"5.."}%s)`, s.preset.Requests, s.selector, label, w)
	}
	var sum string
	switch label {
	case "":
		sum = errs("status")
	case bothLabels:
		sum = errs("status") + " or " + errs("code")
	default:
		sum = errs(label)
	}
	return fmt.Sprintf("(sum(%s) or vector(0)) / sum(rate(%s{%s}%s))", sum, s.preset.Requests, s.selector, w)
}

// bothLabels is for pods of which some say status and some code.
const bothLabels = "both"

// p95 is in seconds.
func (s shown) p95(window time.Duration) string {
	return fmt.Sprintf("histogram_quantile(0.95, sum by (le) (rate(%s{%s}%s)))", s.preset.Latency, s.selector, s.window(window))
}

// requests is how many there were.
func (s shown) requests(window time.Duration) string {
	return fmt.Sprintf("sum(increase(%s{%s}%s))", s.preset.Requests, s.selector, s.window(window))
}

// up is f, sum or count, of the targets.
func (s shown) up(f string) string { return fmt.Sprintf("%s(up{%s})", f, s.selector) }
