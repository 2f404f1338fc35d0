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
	Requests string   // counter, a series for each outcome
	Outcome  Outcome  // tells how the requests of a series ended
	Latency  string   // histogram's buckets
	Unit     float64  // of the latency, in seconds; 0 = 1
	Owner    Identity // tells whose a series of Requests and Latency is
	Up       Identity // tells whose a series of `up` is, the scrape's own
	Match    string   // further label matchers, of the team's; "" = none
}

// Outcome is the labels that may say how requests ended. A series none of whose
// labels says so counts requests whose outcome is unknown; where one says that they
// failed, they failed. The regular expressions are PromQL's, anchored, and no value
// that they match has a semicolon.
type Outcome struct {
	Labels []string
	Good   string // values of requests that did not fail
	Failed string
}

// Identity tells whose a series is by two labels of it. Names of owners are those
// that pattern makes.
type Identity interface {
	// labels are the one that says in which namespace the owner is, and the one
	// that pattern reads.
	labels() (namespace, name string)
	// pod is the label that names the pod; "" = none does.
	pod() string
	// unsure says why the series of a target cannot be told from others'; "" = they
	// can.
	unsure(t model.Target) string
	// workloads returns a matcher that lets the series of the targets through
	// ("" = the targets are too many to be named) and what names their owner, the
	// least specific first: where two match, the later one wins.
	workloads(targets []model.Target) (matcher string, ps []pattern)
	// owners is workloads for ReplicaSets of one target. why says why series do not
	// tell them apart.
	owners(t model.Target, names []string) (matcher string, ps []pattern, why string)
	// workload returns how pattern names it, and a matcher for it alone, as short
	// as can be read: it stands in the query that the operator sees.
	workload(t model.Target) (name, matcher string)
	// owner is workload for one ReplicaSet of a target.
	owner(t model.Target, replicaSet string) (name, matcher string)
}

// pattern names the owner of what a regular expression matches in a label.
type pattern struct {
	owner  string // as label_replace has it: $1 is the expression's first group
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
