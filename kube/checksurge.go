package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/intstr"

	"rollbook/model"
	"rollbook/text"
)

// checkSurge warns of what a new pod cannot have while the old one has it: where a
// rollout may take no old pod away first, it waits for ever, the way back too.
func (c *Client) checkSurge(ctx context.Context, comp *model.Component, p *planned) (out []model.Check) {
	want := comp.Desired
	if surgeOf(p.kind, p.workload, want) == 0 || unavailableOf(p.workload, want) > 0 {
		return nil
	}
	t, err := typed(p.template)
	if err != nil {
		return nil
	}
	do := c.kubectl(p.Workload.Namespace) + "patch " + p.Workload.String() + ` -p '{"spec":{"strategy":{"rollingUpdate":{"maxUnavailable":1}}}}'`
	if ports := hostPorts(t); len(ports) > 0 {
		out = append(out, model.Check{ID: "surge.hostport", State: model.CheckWarning, Do: do,
			Text: "host port " + strings.Join(ports, ", ") + ", and no old pod may go first (maxUnavailable 0): a new pod needs a node without an old one, else the rollback waits for ever"})
	}
	for _, v := range t.Spec.Volumes {
		if v.PersistentVolumeClaim == nil {
			continue
		}
		name := v.PersistentVolumeClaim.ClaimName
		body, err := c.do(ctx, call{method: http.MethodGet, path: corePath(p.Workload.Namespace, "persistentvolumeclaims", name)})
		var claim corev1.PersistentVolumeClaim
		if err == nil {
			err = json.Unmarshal(body, &claim)
		}
		switch {
		case apierrors.IsNotFound(err): // told where what the template needs is looked for
		case err != nil:
			out = append(out, unknown("surge.volume:"+text.Line(name), "whether two pods can mount volume claim "+text.Line(name), err)...)
		case !slices.ContainsFunc(claim.Spec.AccessModes, func(m corev1.PersistentVolumeAccessMode) bool {
			return m == corev1.ReadWriteMany || m == corev1.ReadOnlyMany
		}):
			out = append(out, model.Check{ID: "surge.volume:" + text.Line(name), State: model.CheckWarning, Do: do,
				Text: "volume claim " + text.Line(name) + " mounts on one node at a time, and no old pod may go first (maxUnavailable 0): a new pod on another node waits for ever"})
		}
	}
	return out
}

// hostPorts returns the ports of the node that a pod takes.
func hostPorts(t *corev1.PodTemplateSpec) (out []string) {
	for _, list := range [][]corev1.Container{t.Spec.Containers, t.Spec.InitContainers} {
		for i := range list {
			for _, port := range list[i].Ports {
				n := port.HostPort
				if n == 0 && t.Spec.HostNetwork {
					n = port.ContainerPort
				}
				if n != 0 {
					out = append(out, fmt.Sprint(n))
				}
			}
		}
	}
	return out
}

// unavailableOf returns how many of a Deployment's pods a rollout may take away before
// a new one is ready.
func unavailableOf(w *object, want int) int {
	_ = json.Unmarshal(w.Spec["replicas"], &want) // the API server writes its default there
	var strategy struct {
		RollingUpdate struct{ MaxUnavailable *intstr.IntOrString }
	}
	_ = json.Unmarshal(w.Spec["strategy"], &strategy)
	most := strategy.RollingUpdate.MaxUnavailable
	if most == nil {
		v := intstr.FromString("25%")
		most = &v
	}
	n, err := intstr.GetScaledValueFromIntOrPercent(most, want, false)
	if err != nil {
		return 0
	}
	return n
}
