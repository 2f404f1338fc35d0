package config

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"k8s.io/apimachinery/pkg/labels"
)

// A Workload is what runs a component's pods.
type Workload struct {
	Kind string // Deployment, StatefulSet or DaemonSet
	Name string
}

func (w Workload) String() string {
	if w == (Workload{}) {
		return ""
	}
	return w.Kind + "/" + w.Name
}

var workloadKinds = map[string]string{
	"deployment": "Deployment", "deployments": "Deployment", "deploy": "Deployment",
	"statefulset": "StatefulSet", "statefulsets": "StatefulSet", "sts": "StatefulSet",
	"daemonset": "DaemonSet", "daemonsets": "DaemonSet", "ds": "DaemonSet",
}

// ParseWorkload reads KIND/NAME in the words of kubectl: Deployment/shop,
// deploy/shop, sts/db, daemonset.apps/agent.
func ParseWorkload(s string) (Workload, error) {
	kind, name, ok := strings.Cut(s, "/")
	if !ok {
		return Workload{}, fmt.Errorf("%s is not KIND/NAME: write Deployment/%s, or sts/ or ds/", quote(s), printable(s))
	}
	word, group, _ := strings.Cut(strings.ToLower(kind), ".")
	full, known := workloadKinds[word]
	if !known || group != "" && group != "apps" && !strings.HasSuffix(group, ".apps") {
		return Workload{}, fmt.Errorf("%s cannot be rolled back; only Deployment, StatefulSet and DaemonSet have revisions", quote(kind))
	}
	if !dnsName.MatchString(name) || len(name) > 253 {
		return Workload{}, fmt.Errorf("%s is not a name of Kubernetes: lower-case letters, digits, - and .", quote(name))
	}
	return Workload{full, name}, nil
}

var (
	dnsName       = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`)
	dnsLabel      = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)
	componentName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)
)

// checkComponentName accepts what can be typed on any keyboard to confirm a
// rollback, and be part of a folder's name.
func checkComponentName(s string) error {
	if !componentName.MatchString(s) {
		return fmt.Errorf("%s cannot be typed to confirm: use at most 63 letters, digits, - . and _", quote(s))
	}
	return nil
}

func checkNamespace(s string) error {
	if !dnsLabel.MatchString(s) {
		return fmt.Errorf("%s is not a namespace: lower-case letters, digits and -", quote(s))
	}
	return nil
}

func (d *decoder) components(v value) {
	for _, item := range v.items() {
		name, at, ok := componentNameOf(item)
		if !ok {
			continue
		}
		if err := checkComponentName(name); err != nil {
			at.fail("%s", err)
			continue
		}
		if d.names[name] {
			at.fail("there is a component %s already", quote(name))
			continue
		}
		d.names[name] = true
		i := slices.IndexFunc(d.cfg.Components, func(c Component) bool { return c.Name == name })
		if i < 0 {
			i = len(d.cfg.Components)
			d.cfg.Components = append(d.cfg.Components, Component{Name: name, Checks: defaultChecks})
		}
		item.path = componentPath(name)
		d.component(item, &d.cfg.Components[i])
		at.path = item.path
		at.remember()
	}
}

func componentPath(name string) string { return "components[" + name + "]" }

// componentNameOf looks for the name in an element of the list, past merged
// mappings too, without judging the other keys.
func componentNameOf(item value) (name string, at value, ok bool) {
	if item.sketch != nil {
		return "name", value{d: item.d, sketch: &Schema{}}, true
	}
	switch item.node.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
	default:
		item.fail("a component is keys and values, at least name and workload")
		return "", value{}, false
	}
	before := len(*item.d.errs)
	count := item.d.count
	entries := item.entries()
	*item.d.errs, item.d.count = (*item.d.errs)[:before], count // told by fields
	for _, e := range entries {
		if e.name == "name" {
			s, ok := e.value.line()
			return s, e.value, ok
		}
	}
	item.fail("the component has no name")
	return "", value{}, false
}

func (d *decoder) component(v value, c *Component) {
	name := c.Name
	v.needs("name")
	v.fields(
		lineField("name", &name, nil).as(lineOf(componentName)),
		field{name: "workload", set: func(v value) {
			s, ok := v.line()
			if !ok {
				return
			}
			w, err := ParseWorkload(s)
			if err != nil {
				v.fail("%s", err)
				return
			}
			c.Workload = w
			v.remember()
		}},
		lineField("namespace", &c.Namespace, checkNamespace).as(lineOf(dnsLabel)),
		lineField("public", &c.Public, nil),
		field{name: "metrics", set: func(v value) { d.metrics(v, &c.Metrics) }},
		field{name: "checks", set: func(v value) { d.checks(v, &c.Checks) }},
		field{name: "methods", set: func(v value) { v.methodNames(&c.Methods) }},
		field{name: "gitlab", private: true, set: func(v value) { d.deploys(v, &c.GitLab) }},
		field{name: "redeploy", private: true, set: func(v value) { d.redeployed(v, &c.Redeploy) }},
		field{name: "migrations", private: true, set: func(v value) { d.migrations(v, &c.Migrations) }},
	)
}

func checkSelector(s string) error {
	if _, err := labels.Parse(s); err != nil {
		return fmt.Errorf("%s is not a label selector such as app=shop,tier!=test", quote(s))
	}
	return nil
}

// presets are the ways to ask for figures that come with rollbook.
var presets = []string{"http", "none"}

func (d *decoder) metrics(v value, to *Metrics) {
	var m Metrics
	before := d.count
	maps.DeleteFunc(d.cfg.origins, func(path string, _ origin) bool { return strings.HasPrefix(path, v.path+".") })
	v.fields(
		lineField("preset", &m.Preset, func(s string) error {
			if !slices.Contains(presets, s) {
				return fmt.Errorf("%s is no preset; there are %s, or own queries: errors, p95, requests", quote(s), list(presets))
			}
			return nil
		}).as(Schema{Enum: presets}),
		matchField("match", &m.Match),
		queryField("errors", &m.Errors),
		queryField("p95", &m.P95),
		queryField("requests", &m.Requests),
	)
	if v.node == nil {
		v.fail("has no value")
	}
	if d.count > before {
		return
	}
	own := m.Errors != "" || m.P95 != "" || m.Requests != ""
	switch {
	case m.Preset == "" && !own:
		m.Preset = defaultPreset
	case m.Preset == "none" && (own || m.Match != nil):
		v.failKey("preset none means not measured; remove it or the rest")
		return
	case m.Preset == "" && m.Match != nil:
		v.failKey("match belongs to a preset; write preset: http too, or put the labels into the queries")
		return
	case m.Preset == "" && m.Requests == "":
		v.failKey("the query requests is missing: without a count, one failed request of two would be 50%%")
		return
	case m.Preset == "" && m.Errors == "" && m.P95 == "":
		v.failKey("there is neither errors nor p95 to ask for")
		return
	}
	*to = m
	v.remember()
}

// queryField takes a PromQL query, which may have several lines. Whether
// Prometheus understands it, rollbook doctor tells.
func queryField(name string, to *string) field {
	return field{name: name, set: func(v value) {
		s, ok := v.text()
		if !ok {
			return
		}
		if s = strings.TrimSpace(s); s == "" {
			v.fail("has no value")
			return
		}
		if strings.Contains(strings.ReplaceAll(s, "[$window", ""), "[$") {
			v.fail("the only word that is replaced in a query is $window")
			return
		}
		*to = s
		v.remember()
	}}
}

// matchField takes label matchers.
func matchField(name string, to *[]Matcher) field {
	return field{name: name, set: func(v value) {
		s, ok := v.line()
		if !ok {
			return
		}
		matchers, err := ParseMatchers(s)
		if err != nil {
			v.fail("%s", err)
			return
		}
		*to = matchers
		v.remember()
	}}
}

// plainLabel is a name that needs no quotes.
var plainLabel = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

// String is the matcher as it stands in PromQL.
func (m Matcher) String() string {
	label := m.Label
	if !plainLabel.MatchString(label) {
		label = strconv.Quote(label)
	}
	return label + m.Op + strconv.Quote(m.Value)
}

// JoinMatchers writes matchers as they stand between braces; "" for none.
func JoinMatchers(all []Matcher) string {
	out := make([]string, len(all))
	for i, m := range all {
		out[i] = m.String()
	}
	return strings.Join(out, ", ")
}

// matcher reads one label matcher at the start of a text. Since Prometheus 3 a name
// may be any text, in quotes.
var matcher = regexp.MustCompile(`^\s*([a-zA-Z_][a-zA-Z0-9_]*|"(?:[^"\\]|\\.)+")\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\s*(,|$)`)

var errMatchers = errors.New(`is not a list of label matchers such as service="shop", route!~"/health.*"`)

// ParseMatchers reads label matchers as they stand between the braces of a
// PromQL selector.
func ParseMatchers(s string) ([]Matcher, error) {
	var all []Matcher
	for rest := s; strings.TrimSpace(rest) != ""; {
		m := matcher.FindStringSubmatch(rest)
		if m == nil {
			return nil, fmt.Errorf("%s %w", quote(s), errMatchers)
		}
		rest = rest[len(m[0]):]
		val, err := unquote(m[3])
		if err != nil {
			return nil, fmt.Errorf("%s %w", quote(s), errMatchers)
		}
		if strings.HasSuffix(m[2], "~") {
			if _, err := regexp.Compile("^(?s:" + val + ")$"); err != nil {
				return nil, fmt.Errorf("%s is not a regular expression", quote(val))
			}
		}
		name := m[1]
		if strings.HasPrefix(name, `"`) {
			if name, err = unquote(name); err != nil || name == "" {
				return nil, fmt.Errorf("%s %w", quote(s), errMatchers)
			}
		}
		all = append(all, Matcher{Label: name, Op: m[2], Value: val})
	}
	if all == nil {
		return nil, fmt.Errorf("%s %w", quote(s), errMatchers)
	}
	return all, nil
}
