package kube

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"rollbook/model"
	"rollbook/text"
)

// diff says what changes when going from one raw pod template to another, the
// most telling first. Literal values of env are never shown: they are where
// secrets are.
func diff(from, to json.RawMessage) ([]model.Change, error) {
	a, err := tree(from)
	if err != nil {
		return nil, fmt.Errorf("the pod template cannot be read: %w", err)
	}
	b, err := tree(to)
	if err != nil {
		return nil, fmt.Errorf("the pod template cannot be read: %w", err)
	}
	d := &differ{}
	ma, mb := object2(a), object2(b)
	meta, metb := object2(ma["metadata"]), object2(mb["metadata"])
	d.strings("label", object2(meta["labels"]), object2(metb["labels"]), labelHash)
	d.strings("annotation", object2(meta["annotations"]), object2(metb["annotations"]), "")
	sa, sb := object2(ma["spec"]), object2(mb["spec"])
	many := len(list(sa["containers"])) > 1 || len(list(sb["containers"])) > 1
	for _, kind := range []string{"containers", "initContainers", "ephemeralContainers"} {
		d.containers(kind, sa[kind], sb[kind], many)
	}
	d.named("volume", sa["volumes"], sb["volumes"], "name", volumeText)
	d.rest("", ma, mb, "metadata", "spec")
	d.rest("", meta, metb, "labels", "annotations", "creationTimestamp")
	d.rest("", sa, sb, "containers", "initContainers", "ephemeralContainers", "volumes")
	if len(d.out) == 0 {
		delete(object2(meta["labels"]), labelHash)
		delete(object2(metb["labels"]), labelHash)
		if !reflect.DeepEqual(prune(a), prune(b)) {
			d.add("other", "order of entries", "as now", "another")
		}
	}
	slices.SortStableFunc(d.out, func(x, y model.Change) int {
		return slices.Index(kindOrder, x.Kind) - slices.Index(kindOrder, y.Kind)
	})
	return d.out, nil
}

var kindOrder = []string{"image", "container", "command", "env", "resources", "probe", "volume", "security", "label", "annotation", "other"}

type differ struct{ out []model.Change }

func (d *differ) add(kind, what, from, to string) {
	d.out = append(d.out, model.Change{Kind: kind, What: text.Line(what), From: clip(text.Line(from), 120), To: clip(text.Line(to), 120)})
}

func object2(v any) map[string]any { m, _ := v.(map[string]any); return m }
func list(v any) []any             { l, _ := v.([]any); return l }
func str(v any) string             { s, _ := v.(string); return s }

// containers compares the containers of two templates by name.
func (d *differ) containers(kind string, a, b any, many bool) {
	eachNamed(a, b, "name", func(name string, x, y map[string]any) {
		who, prefix := "", ""
		if kind != "containers" {
			prefix = strings.TrimSuffix(kind, "Containers") + " "
		}
		if many || prefix != "" {
			who = prefix + name + ": "
		}
		switch {
		case x == nil:
			d.add("container", prefix+name, "", str(y["image"]))
		case y == nil:
			d.add("container", prefix+name, str(x["image"]), "")
		default:
			d.container(who, x, y)
		}
	})
}

func (d *differ) container(who string, x, y map[string]any) {
	if x["image"] != y["image"] {
		d.add("image", strings.TrimSuffix(who, ": "), str(x["image"]), str(y["image"]))
	}
	d.command(who, x["command"], y["command"])
	d.arguments(who+"args", x["args"], y["args"])
	d.env(who, x["env"], y["env"])
	d.envFrom(who, x["envFrom"], y["envFrom"])
	d.leaves("resources", who, object2(x["resources"]), object2(y["resources"]))
	for _, p := range []string{"readinessProbe", "livenessProbe", "startupProbe"} {
		d.probe(who+strings.TrimSuffix(p, "Probe"), x[p], y[p])
	}
	d.named("volume", x["volumeMounts"], y["volumeMounts"], "mountPath", mountText, who+"mount ")
	d.leaves("security", who, object2(x["securityContext"]), object2(y["securityContext"]))
	d.rest(who, x, y, "name", "image", "command", "args", "env", "envFrom", "resources", "readinessProbe", "livenessProbe", "startupProbe", "volumeMounts", "securityContext")
}

// env compares variables by name; of literal values it says only that they are
// there, or that they changed.
func (d *differ) env(who string, a, b any) {
	eachNamed(a, b, "name", func(name string, x, y map[string]any) {
		if reflect.DeepEqual(x, y) {
			return
		}
		from, to := envText(x), envText(y)
		if from == to && from != "" {
			to = model.LiteralChanged
		}
		d.add("env", who+name, from, to)
	})
}

func envText(e map[string]any) string {
	if e == nil {
		return ""
	}
	from := object2(e["valueFrom"])
	for kind, v := range from {
		m := object2(v)
		switch kind {
		case "configMapKeyRef":
			return "from configmap " + str(m["name"]) + " key " + str(m["key"])
		case "secretKeyRef":
			return "from secret " + str(m["name"]) + " key " + str(m["key"])
		case "fieldRef":
			return "from field " + str(m["fieldPath"])
		case "resourceFieldRef":
			return "from resource " + str(m["resource"])
		}
		return "from " + kind
	}
	return model.Literal
}

// envFrom compares whole ConfigMaps and Secrets that become variables.
func (d *differ) envFrom(who string, a, b any) {
	refs := func(v any) (out []string) {
		for _, e := range list(v) {
			m := object2(e)
			s := "all of configmap " + str(object2(m["configMapRef"])["name"])
			if r := object2(m["secretRef"]); r != nil {
				s = "all of secret " + str(r["name"])
			}
			if p := str(m["prefix"]); p != "" {
				s += " as " + p + "…"
			}
			out = append(out, s)
		}
		return out
	}
	x, y := refs(a), refs(b)
	for _, s := range x {
		if !slices.Contains(y, s) {
			d.add("env", who+s, "used", "")
		}
	}
	for _, s := range y {
		if !slices.Contains(x, s) {
			d.add("env", who+s, "", "used")
		}
	}
}

func (d *differ) probe(what string, a, b any) {
	x, y := object2(a), object2(b)
	switch {
	case x == nil && y == nil:
	case x == nil || y == nil:
		d.add("probe", what, probeText(x), probeText(y))
	default:
		for _, c := range flatten(x, y) {
			f, seconds := strings.CutSuffix(c.path, "Seconds")
			if seconds {
				c.from, c.to = unit(c.from, "s"), unit(c.to, "s")
			}
			d.add("probe", what+" "+f, c.from, c.to)
		}
	}
}

func unit(s, u string) string {
	if s == "" {
		return ""
	}
	return s + u
}

func probeText(p map[string]any) string {
	if p == nil {
		return ""
	}
	if h := object2(p["httpGet"]); h != nil {
		return "GET " + scalar(h["path"]) + " port " + scalar(h["port"])
	}
	for k, v := range map[string]string{"exec": "exec", "tcpSocket": "tcp", "grpc": "grpc"} {
		if p[k] != nil {
			return v
		}
	}
	return "set"
}

func volumeText(v map[string]any) string {
	if v == nil {
		return ""
	}
	for kind, s := range v {
		m := object2(s)
		switch kind {
		case "name":
			continue
		case "configMap":
			return "configmap " + str(m["name"])
		case "secret":
			return "secret " + str(m["secretName"])
		case "persistentVolumeClaim":
			return "claim " + str(m["claimName"])
		case "projected":
			var names []string
			for _, src := range list(m["sources"]) {
				for k, r := range object2(src) {
					names = append(names, strings.TrimSpace(k+" "+str(object2(r)["name"])))
				}
			}
			return "projected " + strings.Join(names, ", ")
		case "hostPath":
			return "host path " + str(m["path"])
		}
		return kind
	}
	return "empty"
}

func mountText(m map[string]any) string {
	if m == nil {
		return ""
	}
	s := str(m["name"])
	if p := str(m["subPath"]); p != "" {
		s += "/" + p
	}
	if m["readOnly"] == true {
		s += " read-only"
	}
	return s
}

// named compares lists whose members have a name, each as a whole.
func (d *differ) named(kind string, a, b any, key string, say func(map[string]any) string, prefix ...string) {
	eachNamed(a, b, key, func(name string, x, y map[string]any) {
		if reflect.DeepEqual(x, y) {
			return
		}
		from, to := say(x), say(y)
		if from == to {
			to += ", changed"
		}
		d.add(kind, strings.Join(prefix, "")+name, from, to)
	})
}

// strings compares labels or annotations. Of one whose key tells of a secret it says
// what it says of env.
func (d *differ) strings(kind string, a, b map[string]any, skip string) {
	for _, k := range union(a, b) {
		if k == skip || a[k] == b[k] {
			continue
		}
		from, to := given(a, k), given(b, k)
		if text.SecretName(k) {
			switch {
			case from == "":
				to = model.Literal
			case to == "":
				from = model.Literal
			default:
				from, to = model.Literal, model.LiteralChanged
			}
		}
		d.add(kind, k, from, to)
	}
}

func given(m map[string]any, k string) string {
	v, ok := m[k]
	switch s := scalar(v); {
	case !ok:
		return ""
	case s == "":
		return `""`
	default:
		return s
	}
}

func (d *differ) leaves(kind, who string, a, b map[string]any) {
	for _, c := range flatten(a, b) {
		d.add(kind, who+c.path, c.from, c.to)
	}
}

// rest compares everything that has no rule of its own, by its path.
func (d *differ) rest(who string, a, b map[string]any, known ...string) {
	for _, k := range union(a, b) {
		if slices.Contains(known, k) || reflect.DeepEqual(a[k], b[k]) {
			continue
		}
		kind := "other"
		if k == "securityContext" {
			kind = "security"
		}
		for _, c := range flatten(map[string]any{k: a[k]}, map[string]any{k: b[k]}) {
			d.add(kind, who+c.path, c.from, c.to)
		}
	}
}
