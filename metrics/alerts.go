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

// How alerts are asked for. They are evaluated no oftener than alertsEvery. When one
// began to fire is looked for as far back as alertsBack, once; afterwards only what is
// new in alertsNew is read, and of what fires on it is known when that began.
const (
	alertsBack  = 3 * time.Hour
	alertsNew   = 6 * time.Minute
	alertsEvery = 15 * time.Second
	// alertGap is the longest time between two evaluations of one run of an alert.
	alertGap = 150 * time.Second
)

// fires are the alerts that fired when it was asked last.
type fires struct {
	all []firing
	at  time.Time // zero = it was not asked, or there was no answer
	of  string    // the selector that was asked for
	why string    // why there was no answer
}

// askAlerts asks which alerts fire in the targets' namespaces. Those that name no
// namespace are among the answers.
func (r *round) askAlerts(ctx context.Context) {
	c := r.c
	var namespaces []string
	for _, a := range r.targets {
		namespaces = append(namespaces, literal(a.Workload.Namespace))
	}
	slices.Sort(namespaces)
	in := "namespace=~" + quote(strings.Join(slices.Compact(namespaces), "|")+"|")
	of := matchers(`alertstate="firing"`, in, c.preset().Match)
	last := c.fires
	if last.of != of {
		last = fires{}
	}
	if !last.at.IsZero() && r.now.Sub(last.at) < alertsEvery {
		return
	}
	back := alertsBack
	if !last.at.IsZero() && r.now.Sub(last.at) < alertsNew-alertGap {
		back = alertsNew
	}
	ask := func() (*answer, error) {
		return c.ask(ctx, question{promql: "ALERTS{" + of + "}[" + dur(back) + "]", raw: true})
	}
	a, err := ask()
	if err != nil && back > alertsNew && !hopeless(err) { // that much it may refuse, of many alerts
		back = alertsNew
		a, err = ask()
	}
	if err != nil {
		c.fires = fires{of: of, why: short(err)}
		return
	}
	now := fires{at: r.now, of: of}
	for _, s := range a.rest {
		if len(s.Values) == 0 {
			continue
		}
		newest := s.Values[len(s.Values)-1].Timestamp.Time()
		if r.now.Sub(newest) > alertGap {
			continue // it is over
		}
		begin := len(s.Values) - 1
		for begin > 0 && s.Values[begin].Timestamp.Sub(s.Values[begin-1].Timestamp) <= alertGap {
			begin--
		}
		f := firing{labels: s.Metric}
		f.Name, f.Severity = text.Line(string(s.Metric[pmodel.AlertNameLabel])), text.Line(string(s.Metric["severity"]))
		f.Since = s.Values[begin].Timestamp.Time().UTC()
		f.Before = f.Since.Sub(r.now.Add(-back)) <= alertGap
		if known := last.find(s.Metric); f.Before && known != nil {
			f.Since, f.Before = known.Since, known.Before
		}
		now.all = append(now.all, f)
	}
	slices.SortStableFunc(now.all, func(x, y firing) int { return x.Since.Compare(y.Since) })
	c.fires = now
}

// find returns the alert with these labels; nil when it did not fire.
func (f *fires) find(labels pmodel.Metric) *firing {
	for n := range f.all {
		if f.all[n].labels.Equal(labels) {
			return &f.all[n]
		}
	}
	return nil
}

// firing is an alert that fires, with its labels.
type firing struct {
	model.Alert
	labels pmodel.Metric
}

// alertsOf returns the alerts about a target, the first to fire first, or why they are
// not known.
func (r *round) alertsOf(a *asked) (out []model.Alert, why string) {
	if a.mixed != "" {
		return nil, a.mixed // they may be the other cluster's
	}
	for _, f := range r.c.fires.all { // the first to fire first: of several pods' the first counts
		if about(f.labels, a) && !slices.ContainsFunc(out, func(x model.Alert) bool { return x.Name == f.Name && x.Severity == f.Severity }) {
			out = append(out, f.Alert)
		}
	}
	return out, r.c.fires.why
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
