package kube

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"rollbook/model"
	"rollbook/text"
)

// RunningPods lists the pods of a workload that have a container in which a command can
// be run: those that are ready first, then the newest first. Names are the containers
// that run, in the pod's order.
func (c *Client) RunningPods(ctx context.Context, w model.Workload) ([]model.Pod, error) {
	var list struct {
		Items []struct {
			Metadata metav1.ObjectMeta
			Spec     struct {
				Containers []struct{ Name string }
			}
			Status struct {
				Phase             string
				ContainerStatuses []struct {
					Name  string
					Ready bool
					State struct{ Running *struct{} }
				}
			}
		}
	}
	owned := map[string]bool{} // ReplicaSets of the workload
	var errs [2]error
	several(
		func() {
			if w.Kind != model.Deployment {
				return
			}
			var sets []metav1.ObjectMeta
			if sets, errs[0] = c.metadata(ctx, appsPath(w.Namespace, "replicasets", "")); errs[0] != nil {
				return
			}
			for n := range sets {
				if o := metav1.GetControllerOf(&sets[n]); o != nil && o.Kind == string(model.Deployment) && o.Name == w.Name {
					owned[sets[n].Name] = true
				}
			}
		},
		func() {
			var body []byte
			if body, errs[1] = c.do(ctx, call{method: http.MethodGet, path: corePath(w.Namespace, "pods", ""), want: "PodList"}); errs[1] == nil {
				errs[1] = json.Unmarshal(body, &list)
			}
		})
	for _, err := range errs {
		if err != nil {
			return nil, model.Told(nil, err, "the pods of %s cannot be listed: %s", w, because(err))
		}
	}
	var out []model.Pod
	for n := range list.Items {
		p := &list.Items[n]
		o := metav1.GetControllerOf(&p.Metadata)
		if o == nil || p.Metadata.DeletionTimestamp != nil || p.Status.Phase != "Running" {
			continue
		}
		pod := model.Pod{Name: text.Line(p.Metadata.Name), Owner: text.Line(o.Name), State: "Running", Ready: true, Started: p.Metadata.CreationTimestamp.Time}
		switch {
		case w.Kind == model.Deployment && !owned[o.Name], w.Kind != model.Deployment && (o.Kind != string(w.Kind) || o.Name != w.Name):
			continue
		case w.Kind != model.Deployment:
			pod.Owner = text.Line(p.Metadata.Labels["controller-revision-hash"])
		}
		for _, k := range p.Spec.Containers {
			for _, st := range p.Status.ContainerStatuses {
				if st.Name == k.Name {
					pod.Ready = pod.Ready && st.Ready
					if st.State.Running != nil {
						pod.Names = append(pod.Names, text.Line(k.Name))
					}
				}
			}
		}
		if len(pod.Names) > 0 {
			out = append(out, pod)
		}
	}
	slices.SortStableFunc(out, func(a, b model.Pod) int {
		switch {
		case a.Ready != b.Ready && a.Ready:
			return -1
		case a.Ready != b.Ready:
			return 1
		}
		return b.Started.Compare(a.Started)
	})
	return out, nil
}
