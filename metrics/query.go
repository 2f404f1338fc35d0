package metrics

import (
	"fmt"
	"slices"
	"strings"
	"time"

	pmodel "github.com/prometheus/common/model"

	"rollbook/model"
)

// The labels that the queries make. They are prefixed, since a series may have
// a label "workload" of its own, which would be counted as another's.
const (
	byLabel   = "rb_workload"
	outLabel  = "rb_outcome" // what the labels say of the outcome; absent = nothing
	joinLabel = "rb_labels"  // those that may say it
	upLabel   = "rb_up"
)

// scope is which series a question is about and what tells them apart: it makes
// the questions from what the preset knows.
type scope struct {
	preset    Preset
	owner     Identity
	selector  string // matchers, without braces
	patterns  []pattern
	workloads int // how many owners there can be
}

// over returns the scope of the targets, which share their Match, in the series
// that owner, one of the preset's, tells apart.
func (p Preset) over(owner Identity, targets []model.Target) scope {
	var namespaces []string
	for _, t := range targets {
		namespaces = append(namespaces, t.Workload.Namespace)
	}
	label, _ := owner.labels()
	in := label + "=" + quote(namespaces[0])
	if more := slices.Compact(slices.Sorted(slices.Values(namespaces))); len(more) > 1 {
		in = label + "=~" + quote(strings.Trim(anyOf(more), "()"))
	}
	matcher, patterns := owner.workloads(targets)
	return scope{preset: p, owner: owner, patterns: patterns, workloads: len(targets), selector: matchers(in, matcher, targets[0].Match, p.Match)}
}

// overOwners is the scope of owners (ReplicaSets) of one target, or why there is
// none.
func (p Preset) overOwners(t model.Target, owners []string) (s scope, why string) {
	matcher, owned, why := p.Owner.owners(t, owners)
	return scope{preset: p, owner: p.Owner, patterns: owned, workloads: len(owners),
		selector: p.shown(p.Owner, t, matcher).selector}, why
}

// matchers joins those that are not "".
func matchers(all ...string) string {
	return strings.Join(slices.DeleteFunc(all, func(m string) bool { return m == "" }), ",")
}

// keyOf is the key of the owner of a series that a scope's question returned;
// false = it is of something else.
func (s *scope) keyOf(m pmodel.Metric) (string, bool) {
	namespace, _ := s.owner.labels()
	owner := string(m[byLabel])
	return string(m[pmodel.LabelName(namespace)]) + "/" + owner, owner != ""
}

// mapped is inner with the label byLabel.
func (s *scope) mapped(inner string) string {
	_, label := s.owner.labels()
	for _, p := range s.patterns {
		inner = fmt.Sprintf("label_replace(%s, %q, %q, %q, %s)", inner, byLabel, p.owner, label, quote(p.regexp))
	}
	return inner
}

func (s *scope) by(more ...string) string {
	namespace, _ := s.owner.labels()
	return "by (" + strings.Join(append([]string{namespace, byLabel}, more...), ", ") + ")"
}

// counts is the number of requests in the window by their outcome: one pass over
// the series, from which the ratio is errors ÷ all. (One division in PromQL would
// read them twice and still not give the counts.) The labels that may tell the
// outcome are joined first, so that one expression finds which of them does. A
// series with several that say error counts once.
func (s *scope) counts(window time.Duration, at grid) question {
	o := s.preset.Outcome
	inner := s.mapped(fmt.Sprintf("increase(%s{%s}[%s])", s.preset.Requests, s.selector, dur(window)))
	inner = fmt.Sprintf("label_join(%s, %q, \";\", %s)", inner, joinLabel, strings.Join(quoted(o.Labels), ", "))
	// What stands before the label that tells is kept: its semicolons say which one
	// that is.
	told := func(mark byte, values string) {
		inner = fmt.Sprintf("label_replace(%s, %q, %q, %q, %s)", inner, outLabel, string(mark)+"$1", joinLabel, quote("((?:[^;]*;)*?)(?:"+values+")(?:;.*)?"))
	}
	told(goodMark, o.Good)
	told(failedMark, o.Failed)
	return question{promql: "sum " + s.by(outLabel) + " (" + inner + ")", at: at, of: s, mark: outLabel}
}

// The first letter of a mark of counts.
const (
	failedMark = '!'
	goodMark   = '='
)

// label returns which label tells the outcome that a mark of counts is; "" = none
// does.
func (o Outcome) label(mark string) string {
	if n := strings.Count(mark, ";"); isOutcome(mark) && n < len(o.Labels) {
		return o.Labels[n]
	}
	return ""
}

func quoted(all []string) []string {
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = quote(s)
	}
	return out
}

// quantile is the q-quantile of the latency in the window, seconds.
func (s *scope) quantile(q float64, window time.Duration, at grid) question {
	return question{promql: s.preset.quantile(q, s.by("le"), s.mapped(fmt.Sprintf("rate(%s{%s}[%s])", s.preset.Latency, s.selector, dur(window)))), at: at, of: s}
}

// newest is the timestamp of the newest sample that is really there, pod by pod, and,
// in a series without labels, the server's own time. An instant query alone returns
// a sample of up to five minutes ago without saying so.
func (s *scope) newest() question {
	return question{promql: "max " + s.by(s.whose()...) + " (" + s.mapped(fmt.Sprintf("timestamp(%s{%s})", s.preset.Requests, s.selector)) + ") or " + serverTime, of: s, each: true}
}

// whose are the labels that tell other clusters' series from ours.
func (s *scope) whose() []string {
	if pod := s.owner.pod(); pod != "" {
		return append([]string{pod}, clusterLabels...)
	}
	return clusterLabels
}

// up is how many targets there are with each value of `up`.
func (s *scope) up(at grid) question {
	return question{promql: fmt.Sprintf("count_values %s (%q, %s)", s.by(), upLabel, s.mapped("up{"+s.selector+"}")), at: at, of: s, mark: upLabel}
}

// What the marks of counts and up mean.
func isError(mark string) bool   { return mark != "" && mark[0] == failedMark }
func isOutcome(mark string) bool { return isError(mark) || mark != "" && mark[0] == goodMark }
func isUp(mark string) bool      { return mark == "1" }

// scrapes are the raw samples of `up`.
func (s *scope) scrapes() question { return question{promql: "up{" + s.selector + "}[5m]", raw: true} }

// quote is s as a PromQL string. Names and regular expressions here hold no
// character that Go and PromQL quote in different ways.
func quote(s string) string { return fmt.Sprintf("%q", s) }

// dur is d as PromQL writes it.
func dur(d time.Duration) string {
	for _, u := range []struct {
		of   time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if d >= u.of && d%u.of == 0 {
			return fmt.Sprintf("%d%s", d/u.of, u.name)
		}
	}
	return fmt.Sprintf("%dms", d.Milliseconds())
}
