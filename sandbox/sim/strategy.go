package sim

import (
	"math"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// What a Deployment may have at once while it rolls out, as in Kubernetes'
// pkg/controller/deployment/util (1.37).

// Defaults of the API server for what a Deployment leaves out.
const (
	defaultDeadline = 600 // seconds
	defaultHistory  = 10  // old ReplicaSets
)

// desired is the number of replicas wanted.
func desired(n *int32) int32 {
	if n == nil {
		return 1
	}
	return *n
}

func rolling(d *appsv1.Deployment) bool {
	return d.Spec.Strategy.Type == appsv1.RollingUpdateDeploymentStrategyType || d.Spec.Strategy.Type == ""
}

// fenceposts are how many pods more than desired there may be, and how many
// less may be available. Of a percentage, surge is rounded up and unavailable
// down; both zero would never move, so one may then be unavailable.
func fenceposts(d *appsv1.Deployment) (surge, unavailable int32) {
	n := desired(d.Spec.Replicas)
	if !rolling(d) {
		return 0, 0
	}
	quarter := intstr.FromString("25%")
	maxSurge, maxUnavailable := &quarter, &quarter
	if r := d.Spec.Strategy.RollingUpdate; r != nil {
		if r.MaxSurge != nil {
			maxSurge = r.MaxSurge
		}
		if r.MaxUnavailable != nil {
			maxUnavailable = r.MaxUnavailable
		}
	}
	surge, unavailable = scaled(maxSurge, n, true), scaled(maxUnavailable, n, false)
	if surge == 0 && unavailable == 0 {
		unavailable = 1
	}
	return surge, min(unavailable, n)
}

// scaled is a number, or a share of n; what cannot be read is 0, as the
// controller does with its error.
func scaled(v *intstr.IntOrString, n int32, up bool) int32 {
	x, err := intstr.GetScaledValueFromIntOrPercent(v, int(n), up)
	if err != nil {
		return 0
	}
	return int32(x)
}

// newReplicas is how many replicas the new ReplicaSet may have now, when all
// ReplicaSets together have total.
func newReplicas(d *appsv1.Deployment, total, now int32) int32 {
	n := desired(d.Spec.Replicas)
	if !rolling(d) {
		return n
	}
	surge, _ := fenceposts(d)
	if total >= n+surge {
		return now
	}
	return now + min(n+surge-total, n-now)
}

// proportion is a ReplicaSet's share of the pods to add (or, below zero, to take
// away) when a Deployment is scaled in the middle of a rollout.
func proportion(rs *appsv1.ReplicaSet, d *appsv1.Deployment, add, added int32) int32 {
	size := desired(rs.Spec.Replicas)
	if size == 0 || add == 0 || add == added {
		return 0
	}
	share := -size
	if n := desired(d.Spec.Replicas); n != 0 {
		surge, _ := fenceposts(d)
		before, err := strconv.ParseInt(rs.Annotations[annMaxReplicas], 10, 32)
		if err != nil || before == 0 {
			if before = int64(d.Status.Replicas); before == 0 {
				return 0
			}
		}
		share = int32(math.Round(float64(size)*float64(n+surge)/float64(before))) - size
	}
	if add > 0 {
		return min(share, add-added)
	}
	return max(share, add-added)
}

func deadline(d *appsv1.Deployment) (seconds int32, has bool) {
	if d.Spec.ProgressDeadlineSeconds == nil {
		return defaultDeadline, true
	}
	return *d.Spec.ProgressDeadlineSeconds, *d.Spec.ProgressDeadlineSeconds != math.MaxInt32
}

func historyLimit(n *int32) (limit int, has bool) {
	if n == nil {
		return defaultHistory, true
	}
	return int(*n), *n != math.MaxInt32
}
