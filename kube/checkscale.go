package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"rollbook/model"
	"rollbook/text"
)

// listInto reads a list of objects of which only some fields matter.
func (c *Client) listInto(ctx context.Context, path string, query url.Values, into any) error {
	body, err := c.do(ctx, call{method: http.MethodGet, path: path, query: query})
	if err != nil {
		return err
	}
	return json.Unmarshal(body, into)
}

// checkHPA is a note: the autoscaler goes on deciding how many pods there are.
func (c *Client) checkHPA(ctx context.Context, p *planned) []model.Check {
	var list struct {
		Items []struct {
			Metadata struct{ Name string }
			Spec     struct {
				ScaleTargetRef struct{ Kind, Name string }
				MinReplicas    *int
				MaxReplicas    int
			}
		}
	}
	err := c.listInto(ctx, objectPath("/apis/autoscaling/v2", p.Workload.Namespace, "horizontalpodautoscalers", ""), nil, &list)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return unknown("hpa", "whether an autoscaler is in charge", err)
	}
	var out []model.Check
	for _, h := range list.Items {
		if r := h.Spec.ScaleTargetRef; r.Kind == string(p.Workload.Kind) && r.Name == p.Workload.Name {
			low := 1
			if h.Spec.MinReplicas != nil {
				low = *h.Spec.MinReplicas
			}
			out = append(out, model.Check{ID: "hpa:" + text.Line(h.Metadata.Name), State: model.CheckNote,
				Text: fmt.Sprintf("HPA %s: %d..%d stays in charge of the replica count", text.Line(h.Metadata.Name), low, h.Spec.MaxReplicas)})
		}
	}
	return out
}

// checkPDB is a note too: a disruption budget does not limit a rollout.
func (c *Client) checkPDB(ctx context.Context, p *planned) []model.Check {
	var list struct {
		Items []struct {
			Metadata struct{ Name string }
			Spec     struct{ Selector *metav1.LabelSelector }
		}
	}
	if err := c.listInto(ctx, objectPath("/apis/policy/v1", p.Workload.Namespace, "poddisruptionbudgets", ""), nil, &list); err != nil {
		return nil // nothing depends on it
	}
	t, err := typed(p.template)
	if err != nil {
		return nil
	}
	var out []model.Check
	for _, b := range list.Items {
		sel, err := metav1.LabelSelectorAsSelector(b.Spec.Selector)
		if err == nil && sel.Matches(labels.Set(t.Labels)) {
			out = append(out, model.Check{ID: "pdb:" + text.Line(b.Metadata.Name), State: model.CheckNote,
				Text: "PodDisruptionBudget " + text.Line(b.Metadata.Name) + " does not limit a rollout: maxUnavailable does"})
		}
	}
	return out
}

// checkQuota compares what a quota leaves with what the surge needs.
func (c *Client) checkQuota(ctx context.Context, comp *model.Component, p *planned) []model.Check {
	var list corev1.ResourceQuotaList
	err := c.listInto(ctx, corePath(p.Workload.Namespace, "resourcequotas", ""), nil, &list)
	if err != nil {
		return unknown("quota", "whether the quota leaves room", err)
	}
	if len(list.Items) == 0 {
		return nil
	}
	t, err := typed(p.template)
	if err != nil {
		return nil
	}
	surge := surgeOf(p.kind, p.workload, comp.Desired)
	need := map[corev1.ResourceName]resource.Quantity{"pods": *resource.NewQuantity(int64(surge), resource.DecimalSI)}
	for i := range t.Spec.Containers {
		r := t.Spec.Containers[i].Resources
		for prefix, m := range map[string]corev1.ResourceList{"requests.": r.Requests, "limits.": r.Limits} {
			for name, q := range m {
				sum := need[corev1.ResourceName(prefix)+name]
				for range surge {
					sum.Add(q)
				}
				need[corev1.ResourceName(prefix)+name] = sum
			}
		}
	}
	need["count/pods"], need["cpu"], need["memory"] = need["pods"], need["requests.cpu"], need["requests.memory"]
	var out []model.Check
	for i := range list.Items {
		q := &list.Items[i]
		for name, hard := range q.Status.Hard {
			want, ok := need[name]
			if !ok || want.IsZero() {
				continue
			}
			left := hard.DeepCopy()
			left.Sub(q.Status.Used[name])
			if left.Sign() < 0 {
				left = resource.Quantity{}
			}
			if want.Cmp(left) > 0 {
				out = append(out, model.Check{ID: "quota:" + text.Line(q.Name) + "/" + text.Line(string(name)), State: model.CheckWarning,
					Text: fmt.Sprintf("quota %s leaves %s of %s, the surge of %s needs %s: the rollout goes on only as old pods end",
						text.Line(q.Name), left.String(), text.Line(string(name)), model.Plural(surge, "pod"), want.String())})
			}
		}
	}
	if len(out) == 0 {
		out = append(out, model.Check{ID: "quota", State: model.CheckOK, Text: fmt.Sprintf("the quota leaves room for the surge of %s", model.Plural(surge, "pod"))})
	}
	return out
}

// checkImage looks for signs that the target's image cannot be pulled, and for
// a tag that may mean another image than it did.
func (c *Client) checkImage(ctx context.Context, comp *model.Component, p *planned) []model.Check {
	t, err := typed(p.template)
	if err != nil {
		return nil
	}
	var out []model.Check
	for i := range t.Spec.Containers {
		img := text.Line(t.Spec.Containers[i].Image)
		if mutable(img) {
			out = append(out, model.Check{ID: "image.tag:" + img, State: model.CheckWarning,
				Text: "image " + img + " has a moving tag: it may not be what it was when " + p.To.Label + " ran"})
		}
	}
	for _, pod := range comp.Pods {
		if pod.Owner == p.To.Key && (strings.Contains(pod.State, "ImagePull") || pod.State == "InvalidImageName") {
			return append(out, model.Check{ID: "image.pull", State: model.CheckWarning,
				Text: "its image cannot be pulled right now: pod " + pod.Name + " " + pod.State, Do: "check the registry before going on"})
		}
	}
	var last *event
	err = c.eachEvent(ctx, p.Workload.Namespace, "type=Warning,reason=Failed,involvedObject.kind=Pod", func(e *corev1.Event) {
		if p.failedPull(e, t) && (last == nil || eventTime(e).After(last.At)) {
			last = fromEvent(e)
		}
	})
	switch {
	case last != nil:
		return append(out, model.Check{ID: "image.pull", State: model.CheckWarning,
			Text: "its image could not be pulled " + model.Age(c.now(), last.At) + " ago: " + clip(last.Message, 160),
			Do:   "check the registry before going on"})
	case err != nil:
		return append(out, unknown("image.pull", "whether its image can be pulled", err)...)
	}
	return append(out, model.Check{ID: "image.pull", State: model.CheckOK, Text: "no failed pull of its image in the events"})
}

// failedPull reports whether an event is of a pod of the target whose image could not
// be pulled. A StatefulSet's and a DaemonSet's pods are not named after their revision:
// there the image tells, which the kubelet names.
func (p *planned) failedPull(e *corev1.Event, t *corev1.PodTemplateSpec) bool {
	pod := e.InvolvedObject.Name
	switch {
	case !strings.Contains(e.Message, "pull"):
		return false
	case p.Workload.Kind == model.Deployment:
		return strings.HasPrefix(pod, p.To.Key+"-")
	}
	return strings.HasPrefix(pod, p.Workload.Name+"-") && slices.ContainsFunc(t.Spec.Containers, func(c corev1.Container) bool {
		return strings.Contains(e.Message, strconv.Quote(c.Image))
	})
}

// mutable says whether a tag is one that is moved: latest, none, or a branch's
// usual name.
func mutable(image string) bool {
	if strings.Contains(image, "@sha256:") {
		return false
	}
	i := strings.LastIndexByte(image, '/')
	_, tag, ok := strings.Cut(image[i+1:], ":")
	if !ok {
		return true
	}
	switch tag {
	case "latest", "main", "master", "develop", "dev", "stable", "edge", "nightly":
		return true
	}
	return false
}
