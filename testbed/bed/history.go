package bed

import (
	"context"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"rollbook/testbed/pods"
	"rollbook/testbed/prom"
	"rollbook/testbed/shop"
	"rollbook/testbed/traffic"
)

// backfill gives Prometheus a past in which all revisions of the shop served
// well: the pods that exist had the later half of it, made-up pods of the older
// ReplicaSets shared the half before. (Kubernetes' own times cannot be moved.)
func (b *Bed) backfill(ctx context.Context) error {
	spans, err := b.past(ctx, time.Now())
	if err != nil {
		return fmt.Errorf("make the history: %w", err)
	}
	path := filepath.Join(b.folder.Path, "history.txt")
	defer os.Remove(path)
	owners := func(p pods.Pod) []string { return traffic.Owners(p, prom.WorkloadRule) }
	if err := b.Source.WriteHistory(path, spans, owners); err != nil {
		return err
	}
	return b.Prometheus.Backfill(ctx, path)
}

func (b *Bed) past(ctx context.Context, now time.Time) ([]traffic.Span, error) {
	begin := now.Add(-b.options.History)
	half := now.Add(-b.options.History / 2)
	var spans []traffic.Span
	for _, ns := range shop.Namespaces(shop.Namespace) {
		live, err := b.Cluster.Client.CoreV1().Pods(ns).List(ctx, metav1.ListOptions{LabelSelector: pods.Label})
		if err != nil {
			return nil, err
		}
		retired, err := b.retired(ctx, ns)
		if err != nil {
			return nil, err
		}
		for i := range live.Items {
			p := pods.From(&live.Items[i])
			from := half
			if len(retired[p.Deployment]) == 0 {
				from = begin // the first revision served all the time
			}
			spans = append(spans, traffic.Span{Pod: p, From: from, To: now})
		}
		for _, old := range retired {
			each := b.options.History / 2 / time.Duration(len(old))
			for i, ps := range old {
				from := begin.Add(time.Duration(i) * each)
				for _, p := range ps {
					spans = append(spans, traffic.Span{Pod: p, From: from, To: from.Add(each)})
				}
			}
		}
	}
	return spans, nil
}

// retired makes up the pods that the older ReplicaSets of each Deployment would
// have had, oldest revision first.
func (b *Bed) retired(ctx context.Context, ns string) (map[string][][]pods.Pod, error) {
	sets, err := b.Cluster.Client.AppsV1().ReplicaSets(ns).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(sets.Items, func(x, y appsv1.ReplicaSet) int { return revision(x) - revision(y) })
	out := map[string][][]pods.Pod{}
	for _, rs := range sets.Items {
		owner := metav1.GetControllerOf(&rs)
		if owner == nil || *rs.Spec.Replicas > 0 {
			continue
		}
		var ps []pods.Pod
		for i := range 2 {
			pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
				Namespace: ns, Name: rs.Name + "-" + suffix(rs.Name, i), Labels: rs.Spec.Template.Labels,
				OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(&rs, rs.GroupVersionKind())},
			}}
			pod.OwnerReferences[0].Kind = "ReplicaSet"
			pod.Spec = rs.Spec.Template.Spec
			pod.Status.PodIP = fmt.Sprintf("10.244.255.%d", len(out)*16+len(out[owner.Name])*2+i+1)
			ps = append(ps, pods.From(pod))
		}
		out[owner.Name] = append(out[owner.Name], ps)
	}
	return out, nil
}

// revision is the number that the Deployment controller wrote on a ReplicaSet.
func revision(rs appsv1.ReplicaSet) int {
	n, err := strconv.Atoi(rs.Annotations["deployment.kubernetes.io/revision"])
	if err != nil {
		return 0
	}
	return n
}

// suffix is five letters as a ReplicaSet's pods have, the same for the same pod.
func suffix(name string, i int) string {
	const letters = "bcdfghjklmnpqrstvwxz2456789" // Kubernetes' own choice
	h := fnv.New64a()
	fmt.Fprintf(h, "%s/%d", name, i)
	n, out := h.Sum64(), make([]byte, 5)
	for k := range out {
		out[k] = letters[n%uint64(len(letters))]
		n /= uint64(len(letters))
	}
	return string(out)
}
