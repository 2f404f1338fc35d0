package metrics

import (
	"context"
	"slices"
	"strings"
	"time"

	pmodel "github.com/prometheus/common/model"

	"rollbook/model"
	"rollbook/text"
)

// alertsBack is how far back it is looked for when an alert began to fire, and
// alertsEvery how often: alerts are evaluated no oftener.
const (
	alertsBack  = 30 * time.Minute
	alertsEvery = 15 * time.Second
	// alertGap is the longest time between two evaluations of one run of an alert.
	alertGap = 150 * time.Second
)

// askAlerts asks which alerts fire in the targets' namespaces. Those that name no
// namespace are among the answers.
func (r *round) askAlerts(ctx context.Context) {
	c := r.c
	if !c.alerted.IsZero() && r.now.Sub(c.alerted) < alertsEvery {
		return
	}
	var namespaces []string
	for _, a := range r.targets {
		namespaces = append(namespaces, literal(a.Workload.Namespace))
	}
	slices.Sort(namespaces)
	in := "namespace=~" + quote(strings.Join(slices.Compact(namespaces), "|")+"|")
	a, err := c.ask(ctx, question{promql: `ALERTS{` + matchers(`alertstate="firing"`, in, c.preset().Match) + `}[` + dur(alertsBack) + `]`, raw: true})
	if err != nil {
		return // what was known stays: nothing rests on it but a time
	}
	c.alerted, c.alerts = r.now, nil
	for _, s := range a.rest {
		if len(s.Values) == 0 {
			continue
		}
		last := s.Values[len(s.Values)-1].Timestamp.Time()
		if r.now.Sub(last) > alertGap {
			continue // it is over
		}
		begin := len(s.Values) - 1
		for begin > 0 && s.Values[begin].Timestamp.Sub(s.Values[begin-1].Timestamp) <= alertGap {
			begin--
		}
		f := firing{labels: s.Metric}
		f.Name, f.Since = text.Line(string(s.Metric[pmodel.AlertNameLabel])), s.Values[begin].Timestamp.Time().UTC()
		f.Before = f.Since.Sub(r.now.Add(-alertsBack)) <= alertGap
		c.alerts = append(c.alerts, f)
	}
}

// firing is an alert that fires, with its labels.
type firing struct {
	model.Alert
	labels pmodel.Metric
}

// alertsOf returns the alerts about a target, the first to fire first.
func (r *round) alertsOf(a *asked) (out []model.Alert) {
	if a.mixed != "" {
		return nil // they may be the other cluster's
	}
	for _, f := range r.c.alerts {
		if about(f.labels, a) && !slices.ContainsFunc(out, func(x model.Alert) bool { return x.Name == f.Name }) {
			out = append(out, f.Alert)
		}
	}
	slices.SortFunc(out, func(x, y model.Alert) int { return x.Since.Compare(y.Since) })
	return out
}

// aboutLabels are the labels by which alerts name what they are about.
var aboutLabels = []pmodel.LabelName{"deployment", "statefulset", "daemonset", "workload", "app", "service", "component", "app_kubernetes_io_name", "k8s_app",
	"destination_workload", "job", "container", "ingress"}

// about says whether an alert is about a target: it names its workload, one of its
// pods, or the component.
func about(l pmodel.Metric, a *asked) bool {
	if ns := l["namespace"]; ns != "" && string(ns) != a.Workload.Namespace {
		return false
	}
	if pod := l["pod"]; pod != "" {
		_, ours := a.Seen[string(pod)]
		return ours
	}
	for _, name := range aboutLabels {
		v := string(l[name])
		if _, after, cut := strings.Cut(v, "/"); cut { // job="prod/shop"
			v = after
		}
		if v != "" && (v == a.Workload.Name || v == a.ID) {
			return true
		}
	}
	return false
}
