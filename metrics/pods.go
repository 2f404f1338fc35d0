package metrics

import (
	"cmp"
	"slices"
	"strings"

	"rollbook/model"
)

// byPod tells whose a series is by the name of the pod that was scraped, since
// kube-state-metrics may not be there:
//
//	Deployment   NAME-HASH-xxxxx   StatefulSet  NAME-N   DaemonSet  NAME-xxxxx
//
// HASH is at most ten and xxxxx five characters of Kubernetes' safe alphabet
// (k8s.io/apimachinery/pkg/util/rand, SafeEncodeString and String). All before
// xxxxx is cut at 58 characters (k8s.io/apiserver/pkg/storage/names), so that of
// a long name the hash, or its own end, is missing.
//
// Its fields name the labels: exported_namespace or kubernetes_pod_name with some
// configurations.
type byPod struct{ namespace, pod string }

func (b byPod) labels() (namespace, name string) { return b.namespace, b.pod }

func (b byPod) workloads(targets []model.Target) (matcher string, ps []pattern) {
	ps, all := patterns(targets)
	if !all {
		return "", ps
	}
	var names []string
	end := "-.+"
	for _, t := range targets {
		name := cut(t.Workload.Name)
		names = append(names, name)
		if len(name) == longest {
			end = ".+"
		}
	}
	return b.pod + "=~" + quote(anyOf(names)+end), ps
}

func (b byPod) owners(w model.Workload, names []string) (matcher string, p pattern, why string) {
	if w.Kind != model.Deployment {
		return "", p, "the names of a " + string(w.Kind) + "'s pods do not say their revision"
	}
	some := make([]string, len(names))
	for i, n := range names {
		some[i] = cut(n)
	}
	return b.pod + "=~" + quote(anyOf(some)+".+"), pattern{regexp: anyOf(some) + "-?" + suffix}, ""
}

func (b byPod) workload(w model.Workload) (name, matcher string) {
	name = w.Name
	if w.Kind != model.StatefulSet {
		name = cut(name)
	}
	return string(w.Kind) + "/" + name, b.pod + "=~" + quote(podPattern(w))
}

func (b byPod) owner(replicaSet string) (name, matcher string) {
	name = cut(replicaSet)
	return name, b.pod + "=~" + quote(literal(name)+"-?.{5}")
}

// cut is as much of a name as a generated one keeps of it.
func cut(name string) string { return name[:min(len(name), longest)] }

const (
	safe     = "[b-df-hj-np-tv-xz24-9]" // bcdfghjklmnpqrstvwxz2456789
	hash     = safe + "{1,10}"
	suffix   = safe + "{5}"
	longest  = 58
	longHash = 10
)

// explicitMost is how many names stand in a query, and explicitBytes how long
// they are together. Beyond it the pattern of the kind stands for the names: a
// query goes by GET, each name stands in it twice, and many a proxy takes no
// more than 8 kB.
const (
	explicitMost  = 60
	explicitBytes = 1500
)

// patterns are what maps the pods of the targets to their workloads, the least
// specific first: where two match, the later one wins. all says that they match
// nothing but the targets' pods.
func patterns(targets []model.Target) (ps []pattern, all bool) {
	type names struct{ plain, cut, gone []string }
	byKind := map[model.Kind]*names{}
	for _, t := range targets {
		n := byKind[t.Workload.Kind]
		if n == nil {
			n = &names{}
			byKind[t.Workload.Kind] = n
		}
		name, hashed := t.Workload.Name, 0
		if t.Workload.Kind == model.Deployment {
			hashed = 1 + longHash
		}
		switch {
		case t.Workload.Kind == model.StatefulSet || len(name)+hashed+1 <= longest:
			n.plain = append(n.plain, name)
		case len(name) < longest:
			n.cut = append(n.cut, name)
		default:
			n.gone = append(n.gone, name[:longest])
		}
	}
	all = true
	var generic, explicit []pattern
	for _, kind := range []model.Kind{model.DaemonSet, model.StatefulSet, model.Deployment} {
		n := byKind[kind]
		if n == nil {
			continue
		}
		end := map[model.Kind]string{model.DaemonSet: "-" + suffix, model.StatefulSet: "-[0-9]+", model.Deployment: "-" + hash + "-" + suffix}[kind]
		if len(n.plain) > explicitMost || len(strings.Join(n.plain, "|")) > explicitBytes {
			all = false
			generic = append(generic, pattern{kind, "(.+)" + end})
		} else if len(n.plain) > 0 {
			explicit = append(explicit, pattern{kind, anyOf(n.plain) + end})
		}
		if len(n.cut) > 0 {
			explicit = append(explicit, pattern{kind, anyOf(n.cut) + "-" + safe + "{0,10}-?" + suffix})
		}
		if len(n.gone) > 0 {
			explicit = append(explicit, pattern{kind, anyOf(n.gone) + suffix})
		}
	}
	slices.SortStableFunc(explicit, func(a, b pattern) int { return cmp.Compare(rank(a.kind), rank(b.kind)) })
	return append(generic, explicit...), all
}

// rank orders the kinds: a Deployment named "node" would also claim the pods of
// a DaemonSet named "node-bcx", which comes later and wins.
func rank(k model.Kind) int {
	return map[model.Kind]int{model.Deployment: 0, model.StatefulSet: 1, model.DaemonSet: 2}[k]
}

// anyOf is a group that matches one of the names literally.
func anyOf(names []string) string {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	for i, n := range names {
		names[i] = literal(n)
	}
	return "(" + strings.Join(names, "|") + ")"
}

// literal is a name as a regular expression. The only special character in a
// name of Kubernetes is the dot; whatever else comes is any one character, so
// that no name can change what a query means.
func literal(name string) string {
	var b strings.Builder
	for _, r := range name {
		switch {
		case r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_':
			b.WriteRune(r)
		case r == '.':
			b.WriteString("[.]")
		default:
			b.WriteByte('.')
		}
	}
	return b.String()
}

// podPattern matches the pods of one workload, as short as can be read: it
// stands in the query that the operator sees.
func podPattern(w model.Workload) string {
	switch {
	case w.Kind == model.StatefulSet:
		return literal(w.Name) + "-[0-9]+"
	case len(w.Name) >= longest || w.Kind == model.Deployment && len(w.Name)+2+longHash > longest:
		return literal(w.Name[:min(len(w.Name), longest)]) + ".*"
	case w.Kind == model.DaemonSet:
		return literal(w.Name) + "-[^-]+"
	}
	return literal(w.Name) + "-[^-]+-[^-]+"
}
