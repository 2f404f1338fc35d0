package metrics

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rollbook/model"
)

// Preset is a convention of metric and label names.
type Preset struct {
	Requests string // counter, one series per status
	Latency  string // histogram's buckets, seconds
	// Namespace and Pod are the labels that say which pod was scraped;
	// exported_namespace or kubernetes_pod_name with some configurations.
	Namespace, Pod string
}

// HTTPPreset is the preset `http`: the names that Prometheus' own libraries and
// instrumentation guides use. A request is an error when its label status, or
// code, is 5xx.
func HTTPPreset() Preset {
	return Preset{Requests: "http_requests_total", Latency: "http_request_duration_seconds_bucket",
		Namespace: "namespace", Pod: "pod"}
}

func (p Preset) orDefault() Preset {
	d := HTTPPreset()
	for _, f := range []struct{ have, otherwise *string }{{&p.Requests, &d.Requests}, {&p.Latency, &d.Latency},
		{&p.Namespace, &d.Namespace}, {&p.Pod, &d.Pod}} {
		if *f.have == "" {
			*f.have = *f.otherwise
		}
	}
	return p
}

// The labels that the queries make. They are prefixed, since a series may have
// a label "workload" of its own, which would be counted as another's.
const (
	byLabel  = "rb_workload"
	errLabel = "rb_err" // "status" or "code", whichever says 5xx; absent = no error
	upLabel  = "rb_up"
)

// scope is which series a query is about and what it tells them apart by.
type scope struct {
	preset   Preset
	selector string    // matchers, without braces
	patterns []pattern // pod → workload

	workloads int // how many there can be
}

// over is the scope of the targets, which share their Match.
func (p Preset) over(targets []model.Target) scope {
	ps, all := patterns(targets)
	var namespaces, names []string
	for _, t := range targets {
		namespaces = append(namespaces, t.Workload.Namespace)
		name := t.Workload.Name
		names = append(names, name[:min(len(name), longest)])
	}
	s := scope{preset: p, patterns: ps, workloads: len(targets), selector: p.Namespace + "=" + quote(namespaces[0])}
	if more := slices.Compact(slices.Sorted(slices.Values(namespaces))); len(more) > 1 {
		s.selector = p.Namespace + "=~" + quote(strings.Trim(anyOf(more), "()"))
	}
	if all {
		end := "-.+"
		if slices.ContainsFunc(names, func(n string) bool { return len(n) == longest }) {
			end = ".+"
		}
		s.selector += "," + p.Pod + "=~" + quote(anyOf(names)+end)
	}
	if m := targets[0].Match; m != "" {
		s.selector += "," + m
	}
	return s
}

// overOwners is the scope of owners (ReplicaSets) of one target.
func (p Preset) overOwners(t model.Target, owners []string) scope {
	cut := make([]string, len(owners))
	for i, o := range owners {
		cut[i] = ownerKey(o)
	}
	s := scope{preset: p, workloads: len(owners), patterns: []pattern{{regexp: anyOf(cut) + "-?" + suffix}},
		selector: p.Namespace + "=" + quote(t.Workload.Namespace) + "," + p.Pod + "=~" + quote(anyOf(cut)+".+")}
	if t.Match != "" {
		s.selector += "," + t.Match
	}
	return s
}

// ownerKey is what overOwners calls an owner.
func ownerKey(owner string) string { return owner[:min(len(owner), longest)] }

// mapped is inner with the label byLabel.
func (s scope) mapped(inner string) string {
	for _, p := range s.patterns {
		as := "$1"
		if p.kind != "" {
			as = string(p.kind) + "/$1"
		}
		inner = fmt.Sprintf("label_replace(%s, %q, %q, %q, %s)", inner, byLabel, as, s.preset.Pod, quote(p.regexp))
	}
	return inner
}

func (s scope) by(more ...string) string {
	return "by (" + strings.Join(append([]string{s.preset.Namespace, byLabel}, more...), ", ") + ")"
}

// counts is the number of requests in the window, those with an error apart:
// one pass over the series, from which the ratio is errors ÷ all. (One division
// in PromQL would read them twice and still not give the counts.) A series with
// both labels counts once.
func (s scope) counts(window time.Duration) string {
	inner := s.mapped(fmt.Sprintf("increase(%s{%s}[%s])", s.preset.Requests, s.selector, dur(window)))
	for _, l := range []string{"status", "code"} {
		inner = fmt.Sprintf(`label_replace(%s, %q, %q, %q, "5..")`, inner, errLabel, l, l)
	}
	return "sum " + s.by(errLabel) + " (" + inner + ")"
}

// quantile is the q-quantile of the latency in the window, seconds.
func (s scope) quantile(q float64, window time.Duration) string {
	return fmt.Sprintf("histogram_quantile(%g, sum %s (%s))", q, s.by("le"),
		s.mapped(fmt.Sprintf("rate(%s{%s}[%s])", s.preset.Latency, s.selector, dur(window))))
}

// newest is the timestamp of the newest sample that is really there, and, in a
// series without labels, the server's own time. An instant query alone returns
// a sample of up to five minutes ago without saying so.
func (s scope) newest() string {
	return "max " + s.by() + " (" + s.mapped(fmt.Sprintf("timestamp(%s{%s})", s.preset.Requests, s.selector)) + ") or " + serverTime
}

// serverTime is a vector with one series without labels: the server's time.
const serverTime = "vector(time())"

// up is how many targets there are with each value of `up`.
func (s scope) up() string {
	return fmt.Sprintf("count_values %s (%q, %s)", s.by(), upLabel, s.mapped("up{"+s.selector+"}"))
}

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
