package api

import (
	"net/http"
	"strconv"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	utilfield "k8s.io/apimachinery/pkg/util/validation/field"
)

var scaleKind = autoscalingv1.SchemeGroupVersion.WithKind("Scale")

// scale serves the scale of a workload: its replicas under the name of another
// kind.
func (c *call) scale() error {
	switch c.r.Method {
	case http.MethodGet:
		if err := c.accept(false); err != nil {
			return err
		}
		o, err := c.Store.Get(c.kind.gr, c.ns, c.name)
		if err != nil {
			return err
		}
		return c.answerScale(o)
	case http.MethodPut, http.MethodPatch:
		return c.rescale()
	}
	return notAllowed()
}

func (c *call) rescale() error {
	kind := c.contentType()
	if c.r.Method == http.MethodPatch && kind != jsonPatch && kind != mergePatch && kind != strategicPatch {
		return notPatch()
	}
	if err := c.accept(false); err != nil {
		return err
	}
	options := "UpdateOptions"
	if c.r.Method == http.MethodPatch {
		options = "PatchOptions"
	}
	w, err := c.writeOptions(options)
	if err != nil {
		return err
	}
	change := func(*autoscalingv1.Scale) (*unstructured.Unstructured, error) { return nil, errNoBody }
	if c.r.Method == http.MethodPut {
		want, err := c.decode(scaleKind, w.validate)
		if err != nil {
			return err
		}
		change = func(*autoscalingv1.Scale) (*unstructured.Unstructured, error) { return want, nil }
	} else {
		data, err := c.body()
		if err != nil {
			return err
		}
		change = func(was *autoscalingv1.Scale) (*unstructured.Unstructured, error) {
			before, err := marshal(was)
			if err != nil {
				return nil, err
			}
			after, err := patched(kind, before, data, scaleKind)
			if err != nil {
				return nil, err
			}
			return c.decodeFrom(jsonMedia(), after, scaleKind, w.validate)
		}
	}
	o, err := c.Store.Modify(c.kind.gr, c.ns, c.name, c.by(w), func(o *unstructured.Unstructured) (*unstructured.Unstructured, error) {
		want, err := change(scaleOf(o))
		if err != nil {
			return nil, err
		}
		if err := c.here(want); err != nil {
			return nil, err
		}
		n, _, err := unstructured.NestedInt64(want.Object, "spec", "replicas")
		if err != nil {
			return nil, apierrors.NewBadRequest(err.Error())
		}
		if n < 0 {
			return nil, apierrors.NewInvalid(scaleKind.GroupKind(), c.name, utilfield.ErrorList{
				utilfield.Invalid(utilfield.NewPath("spec", "replicas"), n, "must be greater than or equal to 0")})
		}
		if v := want.GetResourceVersion(); v != "" {
			o.SetResourceVersion(v)
		}
		if uid := want.GetUID(); uid != "" {
			o.SetUID(uid)
		}
		return o, unstructured.SetNestedField(o.Object, n, "spec", "replicas")
	})
	if err != nil {
		return err
	}
	return c.answerScale(o)
}

func (c *call) answerScale(o *unstructured.Unstructured) error {
	s := scaleOf(o)
	if c.out.as != "" {
		c.out.as = "" // a scale has no table
	}
	if c.out.is(protobufMedia()) {
		return c.send(http.StatusOK, s)
	}
	u, err := loose(s, scaleKind)
	if err != nil {
		return err
	}
	return c.send(http.StatusOK, u)
}

func scaleOf(o *unstructured.Unstructured) *autoscalingv1.Scale {
	s := &autoscalingv1.Scale{ObjectMeta: metav1.ObjectMeta{Name: o.GetName(), Namespace: o.GetNamespace(), UID: o.GetUID(),
		ResourceVersion: o.GetResourceVersion(), CreationTimestamp: o.GetCreationTimestamp()}}
	s.SetGroupVersionKind(scaleKind)
	n, _, _ := unstructured.NestedInt64(o.Object, "spec", "replicas")
	s.Spec.Replicas = int32(n)
	n, _, _ = unstructured.NestedInt64(o.Object, "status", "replicas")
	s.Status.Replicas = int32(n)
	var sel metav1.LabelSelector
	if m, ok, _ := unstructured.NestedMap(o.Object, "spec", "selector"); ok && runtime.DefaultUnstructuredConverter.FromUnstructured(m, &sel) == nil {
		s.Status.Selector = metav1.FormatLabelSelector(&sel)
	}
	return s
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
