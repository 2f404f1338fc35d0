package prom

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
)

// alerting is what a rule has that alerts.
type alerting struct {
	hold        time.Duration // for: how long an alert is pending
	annotations labels.Labels
	texts       map[string]*template.Template // of the labels' and annotations' values

	active []*alert // pending and firing, in the order of their labels
}

// alert is one that is pending or firing. Nobody is told of it, so one that is
// over is forgotten.
type alert struct {
	labels      labels.Labels
	annotations labels.Labels
	value       float64
	since       time.Time
	state       string
}

// The states of an alert, and of its rule, whose is that of its worst.
const (
	stateUnknown  = "unknown" // the rule was never evaluated
	stateInactive = "inactive"
	statePending  = "pending"
	stateFiring   = "firing"
)

// alert makes the alerts of what was found, and the series ALERTS and
// ALERTS_FOR_STATE.
func (r *rule) alert(found promql.Vector, at time.Time) (promql.Vector, error) {
	a, before := r.alerting, map[uint64]*alert{}
	for _, old := range a.active {
		before[old.labels.Hash()] = old
	}
	var out promql.Vector
	active, seen := make([]*alert, 0, len(found)), map[uint64]bool{}
	for _, x := range found {
		now := a.make(r, x)
		h := now.labels.Hash()
		if seen[h] {
			return nil, errors.New("vector contains metrics with the same labelset after applying alert labels")
		}
		seen[h] = true
		now.since, now.state = at, statePending
		if old := before[h]; old != nil {
			now.since = old.since
		}
		if at.Sub(now.since) >= a.hold {
			now.state = stateFiring
		}
		active = append(active, now)
		out = append(out, r.sample(now, "ALERTS", now.state, 1), r.sample(now, "ALERTS_FOR_STATE", "", float64(now.since.Unix())))
	}
	slices.SortFunc(active, func(a, b *alert) int { return labels.Compare(a.labels, b.labels) })
	a.active = active
	return out, nil
}

// make makes the alert that a sample is.
func (a *alerting) make(r *rule, x promql.Sample) *alert {
	data := textData{Labels: x.Metric.Map(), Value: x.F}
	b := labels.NewBuilder(x.Metric).Del(model.MetricNameLabel)
	r.labels.Range(func(l labels.Label) { b.Set(l.Name, a.expand(l.Value, data)) })
	told := labels.NewScratchBuilder(a.annotations.Len()) // keeps empty ones too
	a.annotations.Range(func(l labels.Label) { told.Add(l.Name, a.expand(l.Value, data)) })
	return &alert{labels: b.Set(model.AlertNameLabel, r.name).Labels(), annotations: told.Labels(), value: x.F}
}

func (a *alerting) expand(text string, data textData) string {
	var out strings.Builder
	if err := a.texts[text].Execute(&out, data); err != nil {
		return fmt.Sprintf("<error expanding template: error executing template %s: %s>", a.texts[text].Name(), err)
	}
	return out.String()
}

// sample is an alert as one of the two series.
func (r *rule) sample(a *alert, name, state string, v float64) promql.Sample {
	b := labels.NewBuilder(a.labels).Set(model.MetricNameLabel, name)
	if state != "" {
		b.Set("alertstate", state)
	}
	return promql.Sample{Metric: b.Labels(), F: v}
}

// state is that of the rule.
func (r *rule) state() string {
	state := stateInactive
	if r.at.IsZero() {
		state = stateUnknown
	}
	for _, a := range r.alerting.active {
		if a.state == stateFiring {
			return stateFiring
		}
		state = statePending
	}
	return state
}
