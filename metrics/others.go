package metrics

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	pmodel "github.com/prometheus/common/model"
)

// One Prometheus may hold several clusters, each with a namespace and workloads of
// the same names. Their series are never taken for ours: those that are being
// written now must be of pods that the cluster showed, and bear one cluster's name.

// clusterLabels are what Prometheus, Thanos, Mimir and collectors call the cluster
// that a series is of.
var clusterLabels = []string{"cluster", "cluster_name", "cluster_id", "k8s_cluster", "k8s_cluster_name", "kubernetes_cluster"}

// current is one series that is being written, as whose it is was asked.
type current struct {
	labels pmodel.Metric
	at     time.Time // of its newest sample
}

// takeNewest reads the answer to newest into the group: when each target was scraped
// last, and why the series of one are not its alone.
func (g *group) takeNewest(a *answer, interval time.Duration) {
	g.newest = map[string]time.Time{}
	all := map[string][]current{}
	for key, series := range a.each {
		for _, s := range series {
			if len(s.Values) == 0 {
				continue
			}
			v := float64(s.Values[0].Value)
			if !usable(v) || v <= 0 {
				continue
			}
			c := current{s.Metric, unix(v)}
			all[key] = append(all[key], c)
			if c.at.After(g.newest[key]) {
				g.newest[key] = c.at
			}
		}
	}
	for _, t := range g.targets {
		last := g.newest[t.key]
		// What is older has ended, and may have been ours before this run began.
		now := slices.DeleteFunc(all[t.key], func(c current) bool { return last.Sub(c.at) > 2*interval })
		t.mixed = t.strangers(now, g.scope.owner.pod())
	}
}

// mixedOf is why the series of a component were not its alone in the last round; "" =
// they were.
func (c *Client) mixedOf(id string) string {
	if m := c.mixed.Load(); m != nil {
		return (*m)[id]
	}
	return ""
}

// keepMixed keeps what the round found.
func (r *round) keepMixed() {
	m := map[string]string{}
	for _, a := range r.targets {
		if a.mixed != "" {
			m[a.ID] = a.mixed
		}
	}
	r.c.mixed.Store(&m)
}

// strangers says why the series that are being written are not the target's alone;
// "" = they are, as far as can be told.
func (a *asked) strangers(now []current, pod string) string {
	for _, label := range clusterLabels {
		values, own := map[string]bool{}, ""
		for _, c := range now {
			v := string(c.labels[pmodel.LabelName(label)])
			values[v] = true
			if _, ours := a.Seen[string(c.labels[pmodel.LabelName(pod)])]; ours && pod != "" {
				own = v
			}
		}
		if len(values) > 1 {
			names := slices.Sorted(maps.Keys(values))
			if own == "" {
				own = names[len(names)-1]
			}
			return fmt.Sprintf("series of several clusters (%s: %s): name this one in prometheus.match, such as %s=%s",
				label, strings.Join(quoted(names), ", "), label, quote(own))
		}
	}
	if a.Seen == nil || pod == "" {
		return ""
	}
	strange, pods := map[string]bool{}, map[string]bool{}
	for _, c := range now {
		name := string(c.labels[pmodel.LabelName(pod)])
		pods[name] = true
		if _, ours := a.Seen[name]; !ours {
			strange[name] = true
		}
	}
	before := strange
	if a.track != nil {
		// A pod may be scraped before the cluster has shown it: one round decides only
		// when it is the first.
		if a.strange != nil {
			before = a.strange
		}
		a.strange = strange
	}
	var names []string
	for name := range strange {
		if before[name] {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	return fmt.Sprintf("%d of the %d pods that Prometheus tells of are not %s's here (%s): another cluster's? Narrow it with prometheus.match",
		len(names), len(pods), a.Workload, some(names))
}
