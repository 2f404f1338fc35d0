package metrics

import (
	"maps"
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
// a long name the hash, or its own end, is missing: two workloads may have pods of
// the same beginning. Then only the pods that the cluster showed to be a workload's
// are taken for its own.
//
// Its fields name the labels: exported_namespace or kubernetes_pod_name with some
// configurations.
type byPod struct{ namespace, name string }

func (b byPod) labels() (namespace, name string) { return b.namespace, b.name }

func (b byPod) pod() string { return b.name }

func (b byPod) unsure(t model.Target) string {
	if isCut(t.Workload) && len(t.Seen) == 0 {
		return "its pods' names are cut at 58 characters, which others' may begin with, and none of its pods is known"
	}
	return ""
}

func (b byPod) workloads(targets []model.Target) (matcher string, ps []pattern) {
	ps, all := patterns(targets)
	if !all {
		return "", ps
	}
	var names []string
	end := "-.+"
	for _, t := range targets {
		name := t.Workload.Name
		if isCut(t.Workload) {
			name, end = name[:min(len(name), longest)], ".+"
		}
		names = append(names, name)
	}
	return b.name + "=~" + quote(anyOf(names)+end), ps
}

func (b byPod) owners(t model.Target, names []string) (matcher string, ps []pattern, why string) {
	switch {
	case isCut(t.Workload):
		var all []string
		for _, n := range names {
			pods := podsOf(t, n)
			if all = append(all, pods...); len(pods) > 0 {
				ps = append(ps, pattern{n, thesePods(pods)})
			}
		}
		if len(ps) == 0 {
			return "", nil, "its pods' names are cut at 58 characters, and none of its pods is known"
		}
		return b.name + "=~" + quote(thesePods(all)), ps, ""
	case t.Workload.Kind != model.Deployment:
		return "", nil, "the names of a " + string(t.Workload.Kind) + "'s pods do not say their revision"
	}
	return b.name + "=~" + quote(anyOf(names)+".+"), []pattern{{"$1", anyOf(names) + "-" + suffix}}, ""
}

func (b byPod) workload(t model.Target) (name, matcher string) {
	return string(t.Workload.Kind) + "/" + t.Workload.Name, b.name + "=~" + quote(podPattern(t))
}

func (b byPod) owner(t model.Target, replicaSet string) (name, matcher string) {
	if isCut(t.Workload) {
		return replicaSet, b.name + "=~" + quote(thesePods(podsOf(t, replicaSet)))
	}
	return replicaSet, b.name + "=~" + quote(literal(replicaSet)+"-.{5}")
}

// isCut says whether the names of a workload's pods have not room for all that they
// are made of. A StatefulSet's are never cut.
func isCut(w model.Workload) bool {
	switch w.Kind {
	case model.Deployment:
		return len(w.Name)+1+longHash+1 > longest
	case model.DaemonSet:
		return len(w.Name)+1 > longest
	}
	return false
}

// podsOf returns the pods of a target that were seen to be an owner's.
func podsOf(t model.Target, owner string) (pods []string) {
	for name, of := range t.Seen {
		if of == owner {
			pods = append(pods, name)
		}
	}
	return pods
}

// thesePods matches pods by their whole names, their common beginnings once.
func thesePods(pods []string) string {
	ends := map[string][]string{}
	for _, p := range pods {
		n := max(0, len(p)-5)
		ends[p[:n]] = append(ends[p[:n]], p[n:])
	}
	var all []string
	for _, begin := range slices.Sorted(maps.Keys(ends)) {
		all = append(all, literal(begin)+anyOf(ends[begin]))
	}
	return strings.Join(all, "|")
}

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
	explicitCut   = 10 // workloads of which each pod stands in a query
)

// patterns are what maps the pods of the targets to their workloads, the least
// specific first: where two match, the later one wins. all says that they match
// nothing but the targets' pods.
func patterns(targets []model.Target) (ps []pattern, all bool) {
	byKind := map[model.Kind][]string{}
	var exact []pattern
	for _, t := range targets {
		k := t.Workload.Kind
		if !isCut(t.Workload) {
			byKind[k] = append(byKind[k], t.Workload.Name)
		} else if len(t.Seen) > 0 {
			exact = append(exact, pattern{string(k) + "/" + t.Workload.Name, thesePods(slices.Collect(maps.Keys(t.Seen)))})
		}
	}
	all = true
	var generic, explicit []pattern
	// In this order: a Deployment named "node" would also claim the pods of a
	// DaemonSet named "node-bcx", which comes later and wins.
	for _, kind := range []model.Kind{model.Deployment, model.StatefulSet, model.DaemonSet} {
		names := byKind[kind]
		end := map[model.Kind]string{model.DaemonSet: "-" + suffix, model.StatefulSet: "-[0-9]+", model.Deployment: "-" + hash + "-" + suffix}[kind]
		if len(names) > explicitMost || len(strings.Join(names, "|")) > explicitBytes {
			all = false
			generic = append([]pattern{{string(kind) + "/$1", "(.+)" + end}}, generic...)
		} else if len(names) > 0 {
			explicit = append(explicit, pattern{string(kind) + "/$1", anyOf(names) + end})
		}
	}
	return slices.Concat(generic, explicit, exact), all
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
func podPattern(t model.Target) string {
	switch w := t.Workload; {
	case isCut(w):
		return thesePods(slices.Collect(maps.Keys(t.Seen)))
	case w.Kind == model.StatefulSet:
		return literal(w.Name) + "-[0-9]+"
	case w.Kind == model.DaemonSet:
		return literal(w.Name) + "-[^-]+"
	}
	return literal(t.Workload.Name) + "-[^-]+-[^-]+"
}
