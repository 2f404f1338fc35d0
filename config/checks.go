package config

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// Checks are looked at to verify a component, beside its figures and its pods.
type Checks struct {
	Health []Health
	Pods   string // label selector; "": the workload's own
	Logs   int    // lines of the log's end to show
	BadLog string // regular expression of a line that is bad; "": none is
	Up     bool   // ask Prometheus for up in the namespace
	PromQL []PromQL
}

// A Health is a URL that answers when the component is well.
type Health struct {
	URL     string
	Expect  int // HTTP status; 0: any below 400, as curl -f has it
	Timeout time.Duration
}

// A PromQL is a query of the team's own with a limit for each of its samples:
// just one of Max and Min is set. "$window" in the query becomes the window.
type PromQL struct {
	Name     string
	Query    string
	Max, Min *float64
}

// Limit is the limit as it is shown: "≤ 0.5".
func (q PromQL) Limit() string {
	if q.Max != nil {
		return "≤ " + strconv.FormatFloat(*q.Max, 'g', -1, 64)
	}
	return "≥ " + strconv.FormatFloat(*q.Min, 'g', -1, 64)
}

// defaultChecks are those of a component that names none.
var defaultChecks = Checks{Logs: 20, Up: true}

const defaultHealthTimeout = 5 * time.Second

func (d *decoder) checks(v value, c *Checks) {
	v.fields(
		field{name: "health", set: func(v value) { d.health(v, &c.Health) }},
		lineField("pods", &c.Pods, checkSelector),
		field{name: "logs", set: func(v value) { d.logs(v, c) }},
		boolField("up", &c.Up),
		field{name: "promql", set: func(v value) { d.promQL(v, &c.PromQL) }},
	)
}

// logs reads how many lines, or keys and values.
func (d *decoder) logs(v value, c *Checks) {
	lines := countField("lines", &c.Logs, 1, 1000)
	whole := func(v value) {
		v.fields(lines, lineField("bad", &c.BadLog, func(s string) error {
			if _, err := regexp.Compile(s); err != nil {
				return fmt.Errorf("%s is not a regular expression such as panic|FATAL", quote(s))
			}
			return nil
		}))
	}
	if v.drawEither(lines.set, whole) {
		return
	}
	switch v.node.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		whole(v)
		v.remember()
	default:
		lines.set(v)
	}
}

func (d *decoder) health(v value, to *[]Health) {
	var all []Health
	before := d.count
	for _, item := range v.items() {
		h := Health{Timeout: defaultHealthTimeout}
		whole := func(v value) {
			v.needs("url")
			v.fields(
				urlField("url", &h.URL),
				countField("expect", &h.Expect, 100, 599),
				durationField("timeout", &h.Timeout, 100*time.Millisecond, minute),
			)
		}
		if item.drawEither(func(v value) { v.draws(lineOf(urlPattern)) }, whole) {
			return
		}
		if _, short := item.node.(*ast.StringNode); short {
			if s, ok := item.line(); ok {
				if err := checkURL(s); err != nil {
					item.fail("%s", err)
				}
				h.URL = s
			}
		} else {
			count := d.count
			whole(item)
			if h.URL == "" && d.count == count {
				item.fail("the url is missing")
			}
		}
		all = append(all, h)
	}
	if d.count == before {
		*to = all
		v.remember()
	}
}

func (d *decoder) promQL(v value, to *[]PromQL) {
	var all []PromQL
	before := d.count
	names := map[string]bool{}
	for _, item := range v.items() {
		var q PromQL
		count := d.count
		item.needs("name", "query")
		item.fields(
			lineField("name", &q.Name, func(s string) error {
				if len([]rune(s)) > 60 {
					return fmt.Errorf("%s is longer than 60 characters", quote(s))
				}
				return nil
			}),
			queryField("query", &q.Query),
			numberField("max", &q.Max),
			numberField("min", &q.Min),
		)
		switch {
		case d.count > count:
		case q.Name == "":
			item.fail("the name is missing")
		case names[q.Name]:
			item.fail("there is a check %s already", quote(q.Name))
		case q.Query == "":
			item.fail("the query is missing")
		case (q.Max == nil) == (q.Min == nil):
			item.fail("give one limit, max or min, for what the query returns")
		}
		names[q.Name] = true
		all = append(all, q)
	}
	if d.count == before {
		*to = all
		v.remember()
	}
}

// numberField takes a number without a unit.
func numberField(name string, to **float64) field {
	return field{name: name, set: func(v value) {
		if v.draws(Schema{Type: "number"}) {
			return
		}
		switch v.node.(type) {
		case *ast.IntegerNode, *ast.FloatNode:
		case nil:
			v.fail("has no value")
			return
		default:
			v.fail("a number without a unit is meant here, as the query returns it")
			return
		}
		s, _ := scalarText(v.node)
		f, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
		if err != nil {
			v.fail("a number without a unit is meant here, as the query returns it")
			return
		}
		*to = &f
		v.remember()
	}}
}

// defaultTemplate is where a team keeps its template of the report (runbook A3).
const defaultTemplate = "docs/incidents/template.md"

// ReportTemplate returns the path of the template for the report: the configured
// one, else docs/incidents/template.md in workdir if it is there; "" for none. A
// link that leads out of workdir is not followed: whoever made it would choose
// which of the operator's files goes into a report.
func (c *Config) ReportTemplate(workdir string) string {
	if c.Report.Template != "" || workdir == "" {
		return c.Report.Template
	}
	root, err := os.OpenRoot(workdir)
	if err != nil {
		return ""
	}
	defer root.Close()
	if info, err := root.Stat(defaultTemplate); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	return workdir + "/" + defaultTemplate
}
