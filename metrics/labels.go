package metrics

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	prom "github.com/prometheus/client_golang/api/prometheus/v1"
	pmodel "github.com/prometheus/common/model"

	"rollbook/text"
)

// What the labels are called that name a pod and its namespace depends on how the
// pods are scraped: the example configuration that many copied calls them
// kubernetes_…, a scrape that keeps its own labels makes exported_… of the
// application's, collectors have names of their own.
var (
	namespaceLabels = []string{"namespace", "kubernetes_namespace", "exported_namespace", "k8s_namespace_name", "kube_namespace", "pod_namespace", "namespace_name"}
	podLabels       = []string{"pod", "kubernetes_pod_name", "exported_pod", "k8s_pod_name", "pod_name", "kubernetes_pod", "kube_pod", "kube_pod_name"}
)

// labelled returns the preset with the labels that name a pod and its namespace.
// `up` is the scrape's own: it has no label of the application's.
func (p Preset) labelled(namespace, pod string) Preset {
	p.Owner = byPod{namespace, pod}
	p.Up = byPod{strings.TrimPrefix(namespace, "exported_"), strings.TrimPrefix(pod, "exported_")}
	return p
}

// preset is what the series are called, as it is known now.
func (c *Client) preset() Preset { return *c.called.Load() }

// lookAgain is how long after a search for the labels without success the next one
// begins.
const lookAgain = time.Minute

// Labels are those that name a pod and its namespace.
type Labels struct{ Namespace, Pod string }

// findLabels looks for the labels that name the targets' pods, where the usual ones
// name none; false = there are none. What is missing stands in c.lacking.
func (c *Client) findLabels(ctx context.Context, q *inquiry) bool {
	p := c.preset()
	if _, pods := p.Owner.(byPod); !pods || c.opt.Labels != (Labels{}) || len(q.groups) == 0 {
		return false
	}
	match := matchers(q.groups[0].targets[0].Match, p.Match)
	names := c.candidates(ctx, match)
	has := func(name string) bool { return slices.Contains(names, name) }
	pairs := 0
	for _, pod := range podLabels {
		for _, namespace := range namespaceLabels {
			other := p.labelled(namespace, pod)
			if !has(pod) || !has(namespace) {
				continue
			}
			pairs++
			if other.Owner == p.Owner {
				continue
			}
			targets := plain(q.groups[0].targets)
			of := other.over(other.Owner, targets[:min(len(targets), explicitMost)])
			if a, err := c.ask(ctx, question{promql: fmt.Sprintf("count(%s{%s})", p.Requests, of.selector)}); err == nil && a.series > 0 {
				c.called.Store(&other)
				c.lacking.Store(nil)
				return true
			}
		}
	}
	c.lacking.Store(nil)
	if names, err := c.labelNames(ctx, match); pairs == 0 && err == nil && len(names) > 0 {
		why := fmt.Sprintf("no labels of %s that name the pod and its namespace (it has %s): name them in prometheus.labels", p.Requests, strings.Join(names, ", "))
		c.lacking.Store(&why)
	}
	return false
}

// candidates returns which of the labels that may name a pod or its namespace the
// counter of requests has.
func (c *Client) candidates(ctx context.Context, match string) (names []string) {
	var counts []string
	for _, l := range slices.Concat(namespaceLabels, podLabels) {
		counts = append(counts, fmt.Sprintf("label_replace(count(%s{%s}), %q, %q, \"\", \"\")", c.preset().Requests, matchers(match, l+`!=""`), byLabel, l))
	}
	a, err := c.ask(ctx, question{promql: strings.Join(counts, " or ")})
	if err != nil {
		return nil
	}
	for _, s := range a.rest {
		names = append(names, string(s.Metric[byLabel]))
	}
	return names
}

// findsNothing asks whether the targets have no series at all.
func (c *Client) findsNothing(ctx context.Context, q *inquiry) bool {
	for _, g := range q.groups {
		a, err := c.ask(ctx, g.scope.newest())
		if err != nil {
			return false
		}
		g.takeNewest(a, positive(c.scrape(), usual))
	}
	return q.nothing()
}

// noSeries is why a target has no series.
func (c *Client) noSeries() string {
	if why := c.lacking.Load(); why != nil {
		return *why
	}
	return "no series " + c.preset().Requests
}

// labelNames returns the labels of the preset's counter of requests.
func (c *Client) labelNames(ctx context.Context, selector string) (names []string, err error) {
	err = c.call(ctx, "", func(ctx context.Context) (warnings prom.Warnings, err error) {
		all, warnings, _, err := c.api.LabelNames(ctx, []string{c.preset().Requests + "{" + selector + "}"}, time.Time{}, time.Time{})
		for _, n := range all {
			if n != pmodel.MetricNameLabel {
				names = append(names, text.Line(string(n)))
			}
		}
		return warnings, err
	})
	return names, err
}
