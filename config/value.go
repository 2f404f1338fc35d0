package config

import (
	"fmt"
	"slices"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// A decoder reads one source into the configuration.
type decoder struct {
	src     *Source
	cfg     *Config
	errs    *Errors
	count   int // mistakes in this source
	anchors map[string]ast.Node
	left    int // nodes that may still be visited
	stopped bool
	names   map[string]bool    // of components in this source
	defs    map[string]*Schema // what a schema that is drawn has in several places
}

// origin is where a value was set.
type origin struct {
	file      string
	line, col int
}

func (d *decoder) fail(line, col int, path, msg string) {
	if d.stopped {
		return
	}
	d.count++
	switch {
	case d.count == maxErrors+1:
		msg, path = "and more mistakes, from here on", ""
	case d.count > maxErrors:
		return
	}
	*d.errs = append(*d.errs, &Error{File: d.src.Label(), Line: line, Col: col, Path: path, Msg: msg})
}

// A value is a node of the file and the path of keys that leads to it.
type value struct {
	d     *decoder
	path  string
	depth int
	key   place    // of its key; in a list, of itself
	node  ast.Node // no alias or anchor; nil when empty
	// sketch is what a schema is drawn into; then there is nothing to read. nil = the
	// value is read.
	sketch *Schema
}

type place struct{ line, col int }

func placeOf(t *token.Token) place {
	line, col := tokenPosition(t)
	return place{line, col}
}

// maxDepth is more than any section needs: deeper goes only an alias that
// holds itself.
const maxDepth = 20

// inside returns the value that n is, within v.
func (v value) inside(path string, key place, n ast.Node) value {
	if v.depth == maxDepth {
		v.d.fail(key.line, key.col, v.path, "is nested too deeply")
		v.d.stopped = true // or every other way into the knot would be told too
		n = nil
	}
	return value{d: v.d, path: path, depth: v.depth + 1, key: key, node: v.d.resolve(n, path)}
}

// at returns where the value stands; an empty one, where its key does.
func (v value) at() (line, col int) {
	if v.node == nil {
		return v.key.line, v.key.col
	}
	return position(v.node)
}

func (v value) fail(format string, args ...any) {
	line, col := v.at()
	v.d.fail(line, col, v.path, fmt.Sprintf(format, args...))
}

// failKey is fail for a mistake in the value as a whole: it points at its key.
func (v value) failKey(format string, args ...any) {
	v.d.fail(v.key.line, v.key.col, v.path, fmt.Sprintf(format, args...))
}

// remember notes that this value set its path.
func (v value) remember() {
	line, col := v.at()
	v.d.cfg.origins[v.path] = origin{v.d.src.Label(), line, col}
}

func (v value) child(key string, at place, n ast.Node) value {
	path := printable(shorten(key))
	if v.path != "" {
		path = v.path + "." + path
	}
	return v.inside(path, at, n)
}

// An entry is one key of a mapping and its value.
type entry struct {
	name  string
	value value
}

// entries returns the keys of a mapping in order, merged ones ("<<") after the
// mapping's own; none, and a mistake, when v is something else.
func (v value) entries() []entry {
	if v.sketch != nil {
		return []entry{{"name", v.drawOthers(nil)}}
	}
	var pairs []*ast.MappingValueNode
	switch n := v.node.(type) {
	case *ast.MappingNode:
		pairs = n.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{n}
	case nil:
		return nil
	default:
		v.fail("keys and values are meant here, not %s", describe(n))
		return nil
	}
	var all []entry
	first := map[string]place{}
	var merges []ast.Node
	for _, p := range pairs {
		switch p.Key.(type) {
		case *ast.MergeKeyNode:
			merges = append(merges, p.Value)
			continue
		case *ast.StringNode:
		default:
			line, col := tokenPosition(p.Key.GetToken())
			v.d.fail(line, col, v.path, "a key is one word; put this one in quotes if it is meant")
			continue
		}
		name, at := p.Key.GetToken().Value, placeOf(p.Key.GetToken())
		if before, twice := first[name]; twice {
			v.d.fail(at.line, at.col, v.path, fmt.Sprintf("%s is set twice; the first time in line %d", quote(name), before.line))
			continue
		}
		first[name] = at
		all = append(all, entry{name, v.child(name, at, p.Value)})
	}
	for _, m := range merges {
		for _, n := range v.d.mergeList(m, v.path) {
			for _, e := range v.inside(v.path, v.key, n).entries() {
				if _, own := first[e.name]; !own {
					first[e.name] = e.value.key
					all = append(all, e)
				}
			}
		}
	}
	return all
}

// mergeList returns the mappings that "<<" names: one, or a list of them.
func (d *decoder) mergeList(n ast.Node, path string) []ast.Node {
	if seq, ok := d.resolve(n, path).(*ast.SequenceNode); ok {
		return seq.Values
	}
	return []ast.Node{n}
}

// A field is a key that a mapping may have.
type field struct {
	name    string
	private bool // not from a shared source
	set     func(value)
}

// fields reads a mapping that has these keys and no other.
func (v value) fields(known ...field) {
	if v.sketch != nil {
		v.drawFields(known)
		return
	}
	names := make([]string, len(known))
	for i, f := range known {
		names[i] = f.name
	}
	for _, e := range v.entries() {
		i := slices.Index(names, e.name)
		if i < 0 {
			e.value.failKey("%s", unknownKey(e.name, v.path, names))
			continue
		}
		if known[i].private && v.d.src.Kind.Shared() {
			e.value.failKey("may not be set in %s, which others can edit; put it in your own file, ~/.config/rollbook/%s, or name a file with --config", sharedPlace(v.d.src.Kind), FileName)
			continue
		}
		known[i].set(e.value)
	}
}

func sharedPlace(k Kind) string {
	if k == Cluster {
		return "the ConfigMap"
	}
	return "the working folder's file"
}

// elsewhere says where keys belong that are easily put at the wrong place.
var elsewhere = map[string]string{
	"errors": "limits and verify", "p95": "limits and verify", "hold": "verify", "min_requests": "limits", "poll": "limits", "rollout": "limits",
	"over": "limits.errors and limits.p95", "for": "limits.errors and limits.p95",
	"url": "prometheus, links and checks.health", "token_env": "prometheus, methods and notifications", "token_file": "prometheus, methods and notifications", "http_config": "prometheus, methods and notifications",
	"project": "gitlab of a component and notifications.gitlab", "environment": "gitlab of a component", "job": "gitlab of a component",
	"url_env": "notifications", "url_file": "notifications", "slack": "notifications", "teams": "notifications", "statuspage": "notifications", "webhook": "notifications", "gitlab": "methods, a component and notifications",
	"migrations": "a component", "tool": "migrations of a component", "app": "migrations of a component", "apps": "migrations of a component", "releases": "migrations of a component", "psql": "migrations of a component", "pod": "psql of migrations", "here": "psql of migrations",
	"grafana": "contacts.on_call", "pagerduty": "contacts.on_call", "schedule": "contacts.on_call.grafana", "template": "report", "promql": "checks of a component", "scrape_interval": "prometheus",
	"objective": "slo", "window": "slo", "health": "checks of a component", "checks": "a component", "metrics": "a component", "workload": "a component",
	"redeploy": "a component", "repository": "redeploy of a component", "manifests": "redeploy of a component", "command": "redeploy of a component", "tags": "redeploy of a component", "manager": "redeploy of a component", "remote": "redeploy of a component",
	"maintenance": "recovery", "steps": "recovery", "text": "steps of recovery", "bell": "signals", "fault": "drill", "alert": "drill", "patch": "drill", "target": "drill", "healthy": "drill", "every": "drill", "title": "signals", "notify": "signals", "restore": "recovery", "overlay": "recovery and redeploy of a component", "replicas": "recovery", "context": "not_production", "server": "not_production",
}

func unknownKey(name, path string, known []string) string {
	if n := nearest(name, known); n != "" {
		return fmt.Sprintf("unknown key; did you mean %s?", n)
	}
	if place, ok := elsewhere[name]; ok && !slices.Contains(known, name) {
		return fmt.Sprintf("unknown key here; it belongs in %s", place)
	}
	if path == "" {
		return "unknown key; the sections are " + list(known)
	}
	return "unknown key; here are possible " + list(known)
}

// items returns the elements of a list.
func (v value) items() []value {
	if v.sketch != nil {
		return []value{v.drawItems()}
	}
	switch n := v.node.(type) {
	case *ast.SequenceNode:
		all := make([]value, 0, len(n.Values))
		for i, x := range n.Values {
			line, col := position(x)
			all = append(all, v.inside(fmt.Sprintf("%s[%d]", v.path, i), place{line, col}, x))
		}
		return all
	case nil:
		return nil
	default:
		v.fail("a list is meant here (lines that begin with \"- \"), not %s", describe(n))
		return nil
	}
}
