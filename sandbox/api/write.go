package api

import (
	"fmt"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"rollbook/sandbox/store"
)

func (c *call) by(w writing) store.By {
	return store.By{Manager: w.manager, Sub: c.sub, DryRun: w.dryRun}
}

func (c *call) create() error {
	if err := c.accept(false); err != nil {
		return err
	}
	w, err := c.writeOptions("CreateOptions")
	if err != nil {
		return err
	}
	o, err := c.decode(c.kind.GVK(), w.validate)
	if err != nil {
		return err
	}
	if err := c.home(o); err != nil {
		return err
	}
	if o, err = c.kind.stored(o); err != nil {
		return apierrors.NewBadRequest(err.Error())
	}
	o.SetUID("")
	made, err := c.Store.Create(c.kind.gr, o, c.by(w))
	if err != nil {
		return err
	}
	return c.answer(http.StatusCreated, made)
}

// home sees to it that an object lies where the path says.
func (c *call) home(o *unstructured.Unstructured) error {
	if !c.kind.Namespaced {
		o.SetNamespace("")
		return nil
	}
	if ns := o.GetNamespace(); ns != "" && ns != c.ns {
		return apierrors.NewBadRequest(fmt.Sprintf("the namespace of the provided object does not match the namespace sent on the request (%s and %s)", ns, c.ns))
	}
	o.SetNamespace(c.ns)
	return nil
}

func (c *call) here(o *unstructured.Unstructured) error {
	if err := c.home(o); err != nil {
		return err
	}
	switch name := o.GetName(); name {
	case c.name:
		return nil
	case "":
		return apierrors.NewBadRequest(fmt.Sprintf("the name of the object (%s based on URL) was undeterminable: name must be provided", c.name))
	default:
		return apierrors.NewBadRequest(fmt.Sprintf("the name of the object (%s) does not match the name on the URL (%s)", name, c.name))
	}
}

func (c *call) update() error {
	if err := c.accept(false); err != nil {
		return err
	}
	w, err := c.writeOptions("UpdateOptions")
	if err != nil {
		return err
	}
	o, err := c.decode(c.kind.GVK(), w.validate)
	if err != nil {
		return err
	}
	if err := c.here(o); err != nil {
		return err
	}
	if o, err = c.kind.stored(o); err != nil {
		return apierrors.NewBadRequest(err.Error())
	}
	updated, err := c.Store.Update(c.kind.gr, o, c.by(w))
	if apierrors.IsNotFound(err) && c.sub == "" && c.kind.Kind == "Lease" && o.GetResourceVersion() == "" {
		made, err := c.Store.Create(c.kind.gr, o, c.by(w)) // leases may be made by an update
		if err != nil {
			return err
		}
		return c.answer(http.StatusCreated, made)
	}
	if err != nil {
		return c.named(err)
	}
	return c.answer(http.StatusOK, updated)
}
