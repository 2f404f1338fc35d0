package sim

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/rand"
)

// history is what a StatefulSet or DaemonSet keeps of its templates.
type history struct {
	m         *Sim
	owner     metav1.Object
	kind      string
	labels    map[string]string // of the template
	revisions []*appsv1.ControllerRevision
}

func (m *Sim) history(owner metav1.Object, kind string, labels map[string]string) *history {
	h := &history{m: m, owner: owner, kind: kind, labels: labels}
	for _, r := range list[appsv1.ControllerRevision](m, controllerRevisions, owner.GetNamespace()) {
		if metav1.IsControlledBy(r, owner) {
			h.revisions = append(h.revisions, r)
		}
	}
	slices.SortFunc(h.revisions, func(a, b *appsv1.ControllerRevision) int {
		return cmp.Or(cmp.Compare(a.Revision, b.Revision), cmp.Compare(a.Name, b.Name))
	})
	return h
}

// patchOf is a template as a ControllerRevision keeps it: a strategic merge
// patch that replaces the template.
func patchOf(t *corev1.PodTemplateSpec) ([]byte, error) {
	raw, err := runtime.DefaultUnstructuredConverter.ToUnstructured(t)
	if err != nil {
		return nil, err
	}
	raw["$patch"] = "replace"
	return json.Marshal(map[string]any{"spec": map[string]any{"template": raw}})
}

// newest returns the revision of a template: the one that has it, with the
// highest number from now on, or a new one.
func (h *history) newest(t *corev1.PodTemplateSpec) (*appsv1.ControllerRevision, error) {
	data, err := patchOf(t)
	if err != nil {
		return nil, err
	}
	next := int64(1)
	if n := len(h.revisions); n > 0 {
		next = h.revisions[n-1].Revision + 1
	}
	for i := len(h.revisions) - 1; i >= 0; i-- {
		r := h.revisions[i]
		if !bytes.Equal(r.Data.Raw, data) {
			continue
		}
		if i == len(h.revisions)-1 {
			return r, nil
		}
		r = r.DeepCopy()
		r.Revision = next
		h.revisions = append(slices.Delete(slices.Clone(h.revisions), i, i+1), r)
		return r, h.m.update(controllerRevisions, r)
	}
	f := fnv.New32a()
	_, _ = f.Write(data)
	hash := rand.SafeEncodeString(fmt.Sprint(f.Sum32()))
	labels := map[string]string{appsv1.ControllerRevisionHashLabelKey: hash}
	for k, v := range h.labels {
		labels[k] = v
	}
	annotations := map[string]string{}
	for k, v := range h.owner.GetAnnotations() {
		if k != corev1.LastAppliedConfigAnnotation {
			annotations[k] = v
		}
	}
	r := &appsv1.ControllerRevision{
		TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "ControllerRevision"},
		ObjectMeta: metav1.ObjectMeta{Name: h.owner.GetName() + "-" + hash, Namespace: h.owner.GetNamespace(), Labels: labels, Annotations: annotations,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(h.owner, appsv1.SchemeGroupVersion.WithKind(h.kind))}},
		Data: runtime.RawExtension{Raw: data}, Revision: next,
	}
	if err := h.m.create(controllerRevisions, r); err != nil {
		return nil, err
	}
	h.revisions = append(h.revisions, r)
	return r, nil
}

// find returns the revision with a name, nil = none.
func (h *history) find(name string) *appsv1.ControllerRevision {
	for _, r := range h.revisions {
		if r.Name == name {
			return r
		}
	}
	return nil
}

// template is what a revision holds.
func template(r *appsv1.ControllerRevision) (*corev1.PodTemplateSpec, error) {
	var patch struct {
		Spec struct {
			Template corev1.PodTemplateSpec `json:"template"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(r.Data.Raw, &patch); err != nil {
		return nil, fmt.Errorf("controllerrevision %s: %w", r.Name, err)
	}
	return &patch.Spec.Template, nil
}

// cleanUp deletes the oldest revisions beyond the limit, but those in use.
func (h *history) cleanUp(limit *int32, used ...string) error {
	most, has := historyLimit(limit)
	var idle []*appsv1.ControllerRevision
	for _, r := range h.revisions {
		if !slices.Contains(used, r.Name) {
			idle = append(idle, r)
		}
	}
	if !has || len(idle) <= most {
		return nil
	}
	for _, r := range idle[:len(idle)-most] {
		if err := h.m.remove(controllerRevisions, r); err != nil {
			return err
		}
	}
	return nil
}
