package prom

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/util/annotations"
)

type apiAlert struct {
	Labels      labels.Labels `json:"labels"`
	Annotations labels.Labels `json:"annotations"`
	State       string        `json:"state"`
	ActiveAt    time.Time     `json:"activeAt"`
	Value       string        `json:"value"`
}

type apiGroup struct {
	Name           string    `json:"name"`
	File           string    `json:"file"`
	Rules          []any     `json:"rules"`
	Interval       float64   `json:"interval"`
	Limit          int       `json:"limit"` // 0 = none
	EvaluationTime float64   `json:"evaluationTime"`
	LastEvaluation time.Time `json:"lastEvaluation"`
}

// apiRule is what recording and alerting rules have in common.
type apiRule struct {
	Name           string        `json:"name"`
	Query          string        `json:"query"`
	Labels         labels.Labels `json:"labels"`
	Health         string        `json:"health"`
	LastError      string        `json:"lastError,omitempty"`
	EvaluationTime float64       `json:"evaluationTime"`
	LastEvaluation time.Time     `json:"lastEvaluation"`
	Type           string        `json:"type"`
}

type apiAlertingRule struct {
	apiRule
	State         string        `json:"state"`
	Duration      float64       `json:"duration"`
	KeepFiringFor float64       `json:"keepFiringFor"` // 0 = not at all
	Annotations   labels.Labels `json:"annotations"`
	Alerts        []apiAlert    `json:"alerts"`
}

// alerts are those of all rules, in the rules' order.
func (s *Server) alerts(*http.Request) (any, annotations.Annotations, error) {
	s.ruling.RLock()
	defer s.ruling.RUnlock()
	out := []apiAlert{}
	for _, g := range s.groups {
		for _, r := range g.rules {
			if r.alerting != nil {
				out = append(out, active(r)...)
			}
		}
	}
	return map[string]any{"alerts": out}, nil, nil
}

func active(r *rule) []apiAlert {
	out := make([]apiAlert, len(r.alerting.active))
	for i, a := range r.alerting.active {
		out[i] = apiAlert{Labels: a.labels, Annotations: a.annotations, State: a.state, ActiveAt: a.since, Value: strconv.FormatFloat(a.value, 'e', -1, 64)}
	}
	return out
}

func (s *Server) rules(r *http.Request) (any, annotations.Annotations, error) {
	sets, err := s.matchers(r)
	if err != nil {
		return nil, nil, err
	}
	kind := r.Form.Get("type")
	if kind != "" && kind != "alert" && kind != "record" {
		return nil, nil, badParam("type", fmt.Errorf("not supported value %q", kind))
	}
	exclude := false
	if text := r.Form.Get("exclude_alerts"); text != "" {
		if exclude, err = strconv.ParseBool(text); err != nil {
			return nil, nil, badParam("exclude_alerts", errors.New("it is neither true nor false"))
		}
	}
	wanted := func(param, name string) bool {
		return len(r.Form[param]) == 0 || slices.Contains(r.Form[param], name)
	}
	s.ruling.RLock()
	defer s.ruling.RUnlock()
	groups := []apiGroup{}
	for _, g := range s.groups {
		if !wanted("rule_group[]", g.name) || !wanted("file[]", rulesFile) {
			continue
		}
		out := apiGroup{Name: g.name, File: rulesFile, Interval: s.interval.Seconds(), EvaluationTime: g.took.Seconds(), LastEvaluation: g.at}
		for _, r := range g.rules {
			switch {
			case !wanted("rule_name[]", r.name), len(sets) > 0 && !slices.ContainsFunc(sets, func(set []*labels.Matcher) bool { return matches(r.labels, set) }):
			case r.alerting != nil && kind != "record":
				out.Rules = append(out.Rules, alertingRule(r, exclude))
			case r.alerting == nil && kind != "alert":
				out.Rules = append(out.Rules, common(r, "recording"))
			}
		}
		if len(out.Rules) > 0 {
			groups = append(groups, out)
		}
	}
	return map[string]any{"groups": groups}, nil, nil
}

func common(r *rule, kind string) apiRule {
	out := apiRule{
		Name: r.name, Query: r.query, Labels: r.labels, Health: r.health, Type: kind,
		EvaluationTime: r.took.Seconds(), LastEvaluation: r.at,
	}
	if r.err != nil {
		out.LastError = r.err.Error()
	}
	return out
}

func alertingRule(r *rule, excludeAlerts bool) apiAlertingRule {
	out := apiAlertingRule{apiRule: common(r, "alerting"), State: r.state(), Duration: r.alerting.hold.Seconds(), Annotations: r.alerting.annotations}
	if !excludeAlerts {
		out.Alerts = active(r)
	}
	return out
}
