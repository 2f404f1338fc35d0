package api

import (
	"bytes"
	"maps"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilnet "k8s.io/apimachinery/pkg/util/net"

	"rollbook/sandbox/store"
)

// answer sends one object in the form that was asked for.
func (c *call) answer(code int, stored *unstructured.Unstructured) error {
	o, err := c.kind.served(stored)
	if err != nil {
		return err
	}
	body, err := c.shape(o)
	if err != nil {
		return err
	}
	return c.send(code, body)
}

// send encodes before it begins to answer, so that what cannot be encoded is
// still told as an error.
func (c *call) send(code int, o runtime.Object) error {
	var buf bytes.Buffer
	if err := c.out.codec.Serializer.Encode(o, &buf); err != nil {
		return err
	}
	for _, w := range c.warning {
		if h, err := utilnet.NewWarningHeader(299, "-", w); err == nil {
			c.w.Header().Add("Warning", h)
		}
	}
	c.w.Header().Set("Content-Type", c.out.codec.MediaType)
	c.w.WriteHeader(code)
	c.stream = true
	_, _ = c.w.Write(buf.Bytes()) // a client that is gone reads no error either
	return nil
}

// shape makes of an object what goes out: itself, its metadata, a table, or its
// Go type where protobuf is wanted.
func (c *call) shape(o *unstructured.Unstructured) (runtime.Object, error) {
	switch c.out.as {
	case "Table":
		return c.table([]*unstructured.Unstructured{o}, metav1.ListMeta{ResourceVersion: o.GetResourceVersion()})
	case "PartialObjectMetadata", "PartialObjectMetadataList":
		return partial(o), nil
	}
	if c.out.is(protobufMedia()) {
		return typed(o)
	}
	return o, nil
}

func partial(o *unstructured.Unstructured) *unstructured.Unstructured {
	p := &unstructured.Unstructured{Object: map[string]any{"metadata": o.Object["metadata"]}}
	p.SetGroupVersionKind(metav1.SchemeGroupVersion.WithKind("PartialObjectMetadata"))
	return p
}

// answerList sends a list.
func (c *call) answerList(items []*unstructured.Unstructured, m metav1.ListMeta) error {
	for i, o := range items {
		served, err := c.kind.served(o)
		if err != nil {
			return err
		}
		items[i] = served
	}
	if c.out.as == "Table" {
		t, err := c.table(items, m)
		if err != nil {
			return err
		}
		return c.send(200, t)
	}
	if c.out.is(protobufMedia()) {
		list, err := typedList(c.kind.GVK(), items, m)
		if err != nil {
			return err
		}
		return c.send(200, list)
	}
	gvk := c.kind.GVK().GroupVersion().WithKind(c.kind.Kind + "List")
	all := make([]any, len(items))
	for i, o := range items {
		if c.out.as != "" {
			gvk = metav1.SchemeGroupVersion.WithKind("PartialObjectMetadataList")
			all[i] = partial(o).Object
			continue
		}
		item := maps.Clone(o.Object) // in lists the items do not say their kind
		delete(item, "kind")
		delete(item, "apiVersion")
		all[i] = item
	}
	if c.out.as != "" {
		gvk = metav1.SchemeGroupVersion.WithKind("PartialObjectMetadataList")
	}
	lm, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&m)
	if err != nil {
		return err
	}
	list := &unstructured.Unstructured{Object: map[string]any{"metadata": lm, "items": all}}
	list.SetGroupVersionKind(gvk)
	return c.send(200, rawList{list})
}

// rawList is encoded as it is: an Unstructured with items would be taken apart
// and want a kind in each.
type rawList struct{ *unstructured.Unstructured }

// MarshalJSON writes the fields as they are.
func (l rawList) MarshalJSON() ([]byte, error) { return marshal(l.Object) }

func typedList(gvk schema.GroupVersionKind, items []*unstructured.Unstructured, m metav1.ListMeta) (runtime.Object, error) {
	gvk.Kind += "List"
	list, err := store.Scheme().New(gvk)
	if err != nil {
		return nil, err
	}
	all := make([]runtime.Object, len(items))
	for i, o := range items {
		t, err := typed(o)
		if err != nil {
			return nil, err
		}
		t.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{})
		all[i] = t
	}
	if err := meta.SetList(list, all); err != nil {
		return nil, err
	}
	acc, err := meta.ListAccessor(list)
	if err != nil {
		return nil, err
	}
	acc.SetResourceVersion(m.ResourceVersion)
	acc.SetContinue(m.Continue)
	acc.SetRemainingItemCount(m.RemainingItemCount)
	list.GetObjectKind().SetGroupVersionKind(gvk)
	return list, nil
}
