package metrics

import (
	"cmp"
	"fmt"

	"rollbook/model"
)

// Preset is a convention of metric and label names: what it has to say of itself,
// in a file of its own (http.go). The questions and the shown queries are made
// from it, the figures from what those return; neither knows which preset it is.
type Preset struct {
	Requests string      // counter, a series for each outcome
	Errors   []ErrorMark // a request is an error when its series bears any of them
	Latency  string      // histogram's buckets
	Unit     float64     // of the latency, in seconds; 0 = 1
	Owner    Identity    // tells whose a series of Requests and Latency is
	Up       Identity    // tells whose a series of `up` is, the scrape's own
}

// ErrorMark is a label whose value, where it matches, says that requests failed.
type ErrorMark struct {
	Label  string
	Regexp string // PromQL's, anchored
}

// Identity tells whose a series is by two labels of it. Names of owners are those
// that pattern makes.
type Identity interface {
	// labels are the one that says in which namespace the owner is, and the one
	// that pattern reads.
	labels() (namespace, name string)
	// workloads returns a matcher that lets the series of the targets through
	// ("" = the targets are too many to be named) and what names their owner, the
	// least specific first: where two match, the later one wins.
	workloads(targets []model.Target) (matcher string, ps []pattern)
	// owners is workloads for the ReplicaSets of one workload. why says why series
	// do not tell them apart.
	owners(w model.Workload, names []string) (matcher string, p pattern, why string)
	// workload returns how pattern names it, and a matcher for it alone, as short
	// as can be read: it stands in the query that the operator sees.
	workload(w model.Workload) (name, matcher string)
	// owner is workload for one ReplicaSet.
	owner(replicaSet string) (name, matcher string)
}

// pattern is a regular expression for the values of a label, whose first group
// is the owner's name.
type pattern struct {
	kind   model.Kind // stands before the name, with a slash; "" = nothing does
	regexp string
}

// unit is the unit of the latency in seconds.
func (p Preset) unit() float64 { return cmp.Or(p.Unit, 1) }

// quantile is the q-quantile of rates of buckets, in seconds.
func (p Preset) quantile(q float64, by, rates string) string {
	promql := fmt.Sprintf("histogram_quantile(%g, sum %s (%s))", q, by, rates)
	if u := p.unit(); u != 1 {
		promql += " * " + number(u)
	}
	return promql
}
