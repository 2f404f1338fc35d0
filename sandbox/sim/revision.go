package sim

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/rand"
)

// The Deployment controller's annotations.
const (
	annRevision    = "deployment.kubernetes.io/revision"
	annHistory     = "deployment.kubernetes.io/revision-history"
	annDesired     = "deployment.kubernetes.io/desired-replicas"
	annMaxReplicas = "deployment.kubernetes.io/max-replicas"
	annCause       = "kubernetes.io/change-cause"
)

// ofDeployment are the annotations that stay with the Deployment; all others
// are copied to its newest ReplicaSet.
var ofDeployment = map[string]bool{
	corev1.LastAppliedConfigAnnotation: true,
	annRevision:                        true,
	annHistory:                         true,
	annDesired:                         true,
	annMaxReplicas:                     true,
	appsv1.DeprecatedRollbackTo:        true,
}

// historyChars is how long the list of former revisions may get.
const historyChars = 2000

// revisionOf is a ReplicaSet's number, 0 without one.
func revisionOf(rs *appsv1.ReplicaSet) int64 {
	n, err := strconv.ParseInt(rs.Annotations[annRevision], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func maxRevision(sets []*appsv1.ReplicaSet) int64 {
	var n int64
	for _, rs := range sets {
		n = max(n, revisionOf(rs))
	}
	return n
}

// annotateNew gives the newest ReplicaSet the Deployment's annotations and its
// number. A number that it had before goes to the list of its former ones: so a
// revision that was rolled back to vanishes from the history under its old
// number. It says whether anything changed.
func annotateNew(d *appsv1.Deployment, rs *appsv1.ReplicaSet, revision int64, exists bool) bool {
	if rs.Annotations == nil {
		rs.Annotations = map[string]string{}
	}
	changed := false
	for k, v := range d.Annotations {
		if old, ok := rs.Annotations[k]; !ofDeployment[k] && (!ok || old != v) {
			rs.Annotations[k], changed = v, true
		}
	}
	old, had := rs.Annotations[annRevision]
	if revisionOf(rs) < revision {
		rs.Annotations[annRevision], changed = strconv.FormatInt(revision, 10), true
		if had {
			rs.Annotations[annHistory] = former(rs.Annotations[annHistory], old)
		}
	}
	if !exists && annotateReplicas(d, rs) {
		changed = true
	}
	return changed
}

// former adds a number to the list of former ones and drops the oldest when it
// gets too long.
func former(list, number string) string {
	if list == "" {
		return number
	}
	list += "," + number
	for len(list) > historyChars {
		_, list, _ = strings.Cut(list, ",")
	}
	return list
}

// annotateReplicas notes what the Deployment wanted when it last scaled this
// ReplicaSet; that is how the controller notices that it was scaled itself.
func annotateReplicas(d *appsv1.Deployment, rs *appsv1.ReplicaSet) bool {
	n := desired(d.Spec.Replicas)
	surge, _ := fenceposts(d)
	changed := false
	for k, v := range map[string]int32{annDesired: n, annMaxReplicas: n + surge} {
		if s := strconv.Itoa(int(v)); rs.Annotations[k] != s {
			if rs.Annotations == nil {
				rs.Annotations = map[string]string{}
			}
			rs.Annotations[k], changed = s, true
		}
	}
	return changed
}

// sameTemplate compares two templates less the label that only the
// ReplicaSet's has.
func sameTemplate(a, b *corev1.PodTemplateSpec) bool {
	x, y := *a, *b
	x.Labels, y.Labels = maps.Clone(a.Labels), maps.Clone(b.Labels)
	delete(x.Labels, appsv1.DefaultDeploymentUniqueLabelKey)
	delete(y.Labels, appsv1.DefaultDeploymentUniqueLabelKey)
	return equality.Semantic.DeepEqual(&x, &y)
}

// split finds the ReplicaSet that has the Deployment's template, nil = none
// yet, and the others, oldest first.
func split(d *appsv1.Deployment, sets []*appsv1.ReplicaSet) (newest *appsv1.ReplicaSet, old []*appsv1.ReplicaSet) {
	sets = slices.Clone(sets)
	slices.SortFunc(sets, byAge)
	for _, rs := range sets {
		if newest == nil && sameTemplate(&rs.Spec.Template, &d.Spec.Template) {
			newest = rs
			continue
		}
		old = append(old, rs)
	}
	return newest, old
}

func byAge(a, b *appsv1.ReplicaSet) int {
	return cmp.Or(a.CreationTimestamp.Time.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
}

// templateHash is the suffix of a ReplicaSet's or ControllerRevision's name.
// It looks like the controller's, which hashes Go's own print of the template;
// nothing depends on the value.
func templateHash(t *corev1.PodTemplateSpec, collisions *int32) string {
	h := fnv.New32a()
	_ = json.NewEncoder(h).Encode(t) // a template can be encoded: it came as JSON
	if collisions != nil {
		_ = binary.Write(h, binary.LittleEndian, *collisions)
	}
	return rand.SafeEncodeString(fmt.Sprint(h.Sum32()))
}
