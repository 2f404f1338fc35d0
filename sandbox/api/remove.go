package api

import (
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"rollbook/sandbox/store"
)

// removal reads how to delete, from the body or the query.
func (c *call) removal() (*metav1.DeleteOptions, error) {
	o := &metav1.DeleteOptions{}
	data, err := c.body()
	if err != nil {
		return nil, err
	}
	if len(data) == 0 {
		if err := c.params(o); err != nil {
			return nil, err
		}
	} else {
		codec, err := codecOf(c.r.Header.Get("Content-Type"))
		if err != nil {
			return nil, err
		}
		want := schema.GroupVersionKind{Group: c.kind.Group, Version: c.kind.Version, Kind: "DeleteOptions"}
		got, _, err := codec.Serializer.Decode(data, &want, o)
		if err != nil {
			return nil, apierrors.NewBadRequest(err.Error())
		}
		if got != o {
			return nil, apierrors.NewBadRequest("decoded object cannot be converted to DeleteOptions")
		}
	}
	if errs := validation.ValidateDeleteOptions(o); len(errs) > 0 {
		return nil, apierrors.NewInvalid(schema.GroupKind{Group: metav1.GroupName, Kind: "DeleteOptions"}, "", errs)
	}
	return o, nil
}

// how is what the options mean for one object: a pod that runs somewhere gets
// time to end.
func (c *call) how(o *metav1.DeleteOptions, old *unstructured.Unstructured) store.Removal {
	r := store.Removal{DryRun: len(o.DryRun) > 0}
	if p := o.Preconditions; p != nil {
		if p.UID != nil {
			r.UID = *p.UID
		}
		if p.ResourceVersion != nil {
			r.Version = *p.ResourceVersion
		}
	}
	r.Orphan = o.PropagationPolicy != nil && *o.PropagationPolicy == metav1.DeletePropagationOrphan ||
		o.OrphanDependents != nil && *o.OrphanDependents //nolint:staticcheck // old clients send it
	if c.kind.gr == store.Pods {
		node, _, _ := unstructured.NestedString(old.Object, "spec", "nodeName")
		phase, _, _ := unstructured.NestedString(old.Object, "status", "phase")
		grace, _, _ := unstructured.NestedInt64(old.Object, "spec", "terminationGracePeriodSeconds")
		if o.GracePeriodSeconds != nil {
			grace = *o.GracePeriodSeconds
		}
		if node != "" && phase != "Succeeded" && phase != "Failed" {
			r.Grace = grace
		}
	}
	return r
}

func (c *call) remove() error {
	if err := c.accept(false); err != nil {
		return err
	}
	o, err := c.removal()
	if err != nil {
		return err
	}
	old, err := c.Store.Get(c.kind.gr, c.ns, c.name)
	if err != nil {
		return c.named(err)
	}
	gone, now, err := c.Store.Delete(c.kind.gr, c.ns, c.name, c.how(o, old))
	if err != nil {
		return c.named(err)
	}
	switch c.kind.Kind { // the others are answered with a Status
	case "Pod", "Service", "ServiceAccount", "Namespace", "PersistentVolumeClaim", "ResourceQuota":
		return c.answer(http.StatusOK, gone)
	}
	if !now {
		return c.answer(http.StatusOK, gone)
	}
	c.out.as = ""
	return c.send(http.StatusOK, &metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusSuccess,
		Details: &metav1.StatusDetails{Name: c.name, Group: c.kind.Group, Kind: c.kind.Plural, UID: gone.GetUID()}})
}

func (c *call) removeAll() error {
	var lo metav1.ListOptions
	if err := c.params(&lo); err != nil {
		return err
	}
	match, err := c.selection(&lo)
	if err != nil {
		return err
	}
	if err := c.accept(true); err != nil {
		return err
	}
	o, err := c.removal()
	if err != nil {
		return err
	}
	all, _ := c.Store.List(c.kind.gr, c.ns)
	var gone []*unstructured.Unstructured
	for _, u := range all {
		if !match.matches(u) {
			continue
		}
		last, _, err := c.Store.Delete(c.kind.gr, u.GetNamespace(), u.GetName(), c.how(o, u))
		if apierrors.IsNotFound(err) {
			continue // went with another one
		}
		if err != nil {
			return err
		}
		gone = append(gone, last)
	}
	return c.answerList(gone, metav1.ListMeta{ResourceVersion: itoa(c.Store.Version())})
}
