package api

import (
	"errors"
	"fmt"
	"net/http"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/mergepatch"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	utilfield "k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"

	"rollbook/sandbox/store"
)

const (
	jsonPatch      = "application/json-patch+json"
	mergePatch     = "application/merge-patch+json"
	strategicPatch = "application/strategic-merge-patch+json"
	applyPatch     = "application/apply-patch+yaml"

	maxOperations = 10000 // of one JSON patch
)

func (c *call) patch() error {
	kind := c.contentType()
	switch kind {
	case jsonPatch, mergePatch, strategicPatch, applyPatch:
	default:
		return notPatch()
	}
	if err := c.accept(false); err != nil {
		return err
	}
	w, err := c.writeOptions("PatchOptions")
	if err != nil {
		return err
	}
	data, err := c.body()
	if err != nil {
		return err
	}
	if len(data) == 0 {
		return apierrors.NewBadRequest(errNoBody.Error())
	}
	if kind == applyPatch {
		return c.apply(data, w)
	}
	o, err := c.Store.Modify(c.kind.gr, c.ns, c.name, c.by(w), func(old *unstructured.Unstructured) (*unstructured.Unstructured, error) {
		served, err := c.kind.served(old)
		if err != nil {
			return nil, err
		}
		before, err := marshal(served.Object)
		if err != nil {
			return nil, err
		}
		after, err := patched(kind, before, data, c.kind.GVK())
		if err != nil {
			return nil, err
		}
		o, _, err := c.read(jsonMedia(), after, c.kind.GVK(), w.validate)
		if err != nil {
			return nil, apierrors.NewInvalid(schema.GroupKind{}, "", utilfield.ErrorList{utilfield.Invalid(utilfield.NewPath("patch"), string(after), err.Error())})
		}
		if err := c.here(o); err != nil {
			return nil, err
		}
		if uid := o.GetUID(); uid != old.GetUID() {
			return nil, apierrors.NewInvalid(c.kind.GVK().GroupKind(), c.name, utilfield.ErrorList{
				utilfield.Invalid(utilfield.NewPath("metadata", "uid"), uid, "field is immutable")})
		}
		return c.kind.stored(o)
	})
	if err != nil {
		return c.named(err)
	}
	return c.answer(http.StatusOK, o)
}

// patched applies one of the three patches that are made of JSON.
func patched(kind string, before, patch []byte, gvk schema.GroupVersionKind) ([]byte, error) {
	switch kind {
	case jsonPatch:
		p, err := jsonpatch.DecodePatch(patch)
		if err != nil {
			return nil, apierrors.NewBadRequest(err.Error())
		}
		if len(p) > maxOperations {
			return nil, apierrors.NewRequestEntityTooLargeError(fmt.Sprintf("The allowed maximum operations in a JSON patch is %d, got %d", maxOperations, len(p)))
		}
		after, err := applyOperations(p, before)
		if err != nil {
			return nil, apierrors.NewGenericServerResponse(http.StatusUnprocessableEntity, "", schema.GroupResource{}, "", err.Error(), 0, false)
		}
		return after, nil
	case mergePatch:
		var v map[string]any
		if err := yaml.Unmarshal(patch, &v); err != nil {
			return nil, apierrors.NewBadRequest("error decoding patch: " + err.Error())
		}
		after, err := jsonpatch.MergePatch(before, patch)
		if err != nil {
			return nil, apierrors.NewBadRequest(err.Error())
		}
		return after, nil
	}
	o, err := store.Scheme().New(gvk)
	if err != nil {
		return nil, err
	}
	after, err := strategicpatch.StrategicMergePatch(before, patch, o)
	switch {
	case errors.Is(err, mergepatch.ErrBadJSONDoc), errors.Is(err, mergepatch.ErrBadPatchFormatForPrimitiveList),
		errors.Is(err, mergepatch.ErrBadPatchFormatForRetainKeys), errors.Is(err, mergepatch.ErrBadPatchFormatForSetElementOrderList),
		errors.Is(err, mergepatch.ErrUnsupportedStrategicMergePatchFormat):
		return nil, apierrors.NewBadRequest(err.Error())
	case err != nil:
		return nil, apierrors.NewGenericServerResponse(http.StatusUnprocessableEntity, "", schema.GroupResource{}, "", err.Error(), 0, false)
	}
	return after, nil
}

// applyOperations keeps a patch that the library cannot cope with from ending
// the request without an answer.
func applyOperations(p jsonpatch.Patch, before []byte) (after []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the patch cannot be applied: %w", panicked(r))
		}
	}()
	return p.Apply(before)
}

// apply is a server-side apply.
func (c *call) apply(data []byte, w writing) error {
	patch := &unstructured.Unstructured{}
	if err := yaml.Unmarshal(data, &patch.Object); err != nil || patch.Object == nil {
		return apierrors.NewBadRequest(fmt.Sprintf("error decoding patch: %v", err))
	}
	// Numbers as the store has them.
	raw, err := marshal(patch.Object)
	if err != nil {
		return apierrors.NewBadRequest(err.Error())
	}
	if err := patch.UnmarshalJSON(raw); err != nil {
		return apierrors.NewBadRequest(fmt.Sprintf("error decoding patch: %v", err))
	}
	if gvk := patch.GroupVersionKind(); gvk != c.kind.GVK() {
		return apierrors.NewBadRequest("invalid object type: " + gvk.String())
	}
	if c.kind.keep != nil {
		return notPatch()
	}
	if _, ok := patch.Object["metadata"].(map[string]any); !ok && patch.Object["metadata"] != nil {
		return apierrors.NewBadRequest("metadata is not an object")
	}
	if patch.GetManagedFields() != nil {
		return apierrors.NewBadRequest("metadata.managedFields must be nil")
	}
	if _, err := c.Store.Get(c.kind.gr, c.ns, c.name); err == nil && patch.GetName() == "" {
		patch.SetName(c.name) // the one that is there has it
	}
	if err := c.here(patch); err != nil {
		return err
	}
	o, made, err := c.Store.Apply(c.kind.gr, patch, c.by(w), w.force != nil && *w.force)
	if err != nil {
		return err
	}
	code := http.StatusOK
	if made {
		code = http.StatusCreated
	}
	return c.answer(code, o)
}
