package prom

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/template"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/prometheus/common/helpers/templates"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// rulesFile is how the API names it.
const rulesFile = "rules.yaml"

// ruleText is a rule as a file has it.
type ruleText struct {
	Record      string            `yaml:"record"`
	Alert       string            `yaml:"alert"`
	Expr        exprText          `yaml:"expr"`
	For         model.Duration    `yaml:"for"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

// exprText is a query, and where it stands.
type exprText struct {
	text         string
	line, column int
}

// UnmarshalYAML takes the text, and its place from the token.
func (e *exprText) UnmarshalYAML(n ast.Node) error {
	if at := n.GetToken(); at != nil && at.Position != nil {
		e.line, e.column = at.Position.Line, at.Position.Column
	}
	return yaml.NodeToValue(n, &e.text)
}

// readRules reads a rules file of Prometheus. A key that is not kept here, such
// as limit or keep_firing_for, is a mistake: it would be without effect.
func readRules(text []byte, p parser.Parser) ([]*group, error) {
	var file struct {
		Groups []struct {
			Name  string     `yaml:"name"`
			Rules []ruleText `yaml:"rules"`
		} `yaml:"groups"`
	}
	d := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict())
	if err := d.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	var all []*group
	for _, g := range file.Groups {
		if g.Name == "" || slices.ContainsFunc(all, func(other *group) bool { return other.name == g.Name }) {
			return nil, fmt.Errorf("group %q: its name is empty, or another's", g.Name)
		}
		made := &group{name: g.Name}
		for i, t := range g.Rules {
			r, err := t.rule(p)
			if err != nil {
				where := fmt.Sprintf("group %q, rule %d, %q", g.Name, i+1, cmp.Or(t.Alert, t.Record))
				if t.Expr.line > 0 {
					where = fmt.Sprintf("%d:%d: %s", t.Expr.line, t.Expr.column, where)
				}
				return nil, fmt.Errorf("%s: %w", where, err)
			}
			made.rules = append(made.rules, r)
		}
		all = append(all, made)
	}
	return all, nil
}

func (t ruleText) rule(p parser.Parser) (*rule, error) {
	switch {
	case (t.Record == "") == (t.Alert == ""):
		return nil, errors.New("exactly one of record and alert must be set")
	case t.Expr.text == "":
		return nil, errors.New("expr must be set")
	case t.Record != "" && (t.For != 0 || len(t.Annotations) > 0):
		return nil, errors.New("a rule that records has neither for nor annotations")
	case t.Record != "" && !model.LegacyValidation.IsValidMetricName(t.Record):
		return nil, errors.New("what it records is no name of a metric")
	}
	for name := range t.Labels {
		if !model.UTF8Validation.IsValidLabelName(name) || name == model.MetricNameLabel {
			return nil, fmt.Errorf("invalid label name: %q", name)
		}
	}
	expr, err := p.ParseExpr(t.Expr.text)
	if err != nil {
		return nil, fmt.Errorf("could not parse expression: %w", err)
	}
	r := &rule{name: cmp.Or(t.Record, t.Alert), query: expr.String(), labels: labels.FromMap(t.Labels), health: healthUnknown}
	if t.Alert == "" {
		return r, nil
	}
	r.alerting = &alerting{hold: time.Duration(t.For), annotations: labels.FromMap(t.Annotations), texts: map[string]*template.Template{}}
	for _, all := range []map[string]string{t.Labels, t.Annotations} {
		for name, text := range all {
			if r.alerting.texts[text], err = parseText(r.name, text); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return r, nil
}

// textData is what the text of an alert may tell, and variables names it as
// Prometheus does; the sandbox has nothing external.
type textData struct {
	Labels         map[string]string
	ExternalLabels map[string]string
	ExternalURL    string
	Value          float64
}

const variables = "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}"

// parseText reads the text of a label or an annotation. Of Prometheus' functions
// it has those that the rules use: its package template, with all of them, is
// 1 MB of memory at every start. Another function is a mistake of the rules.
func parseText(alert, text string) (*template.Template, error) {
	return template.New("__alert_" + alert).Option("missingkey=zero").Funcs(template.FuncMap{
		"humanizeDuration": templates.HumanizeDuration,
		"humanizePercentage": func(v float64) string {
			return fmt.Sprintf("%.4g%%", v*100)
		},
	}).Parse(variables + text)
}
