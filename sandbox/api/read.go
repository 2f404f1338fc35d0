package api

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilfield "k8s.io/apimachinery/pkg/util/validation/field"

	"rollbook/sandbox/store"
)

func marshal(v any) ([]byte, error) { return json.Marshal(v) }

func (c *call) get() error {
	if q := c.r.URL.Query(); q.Get("watch") == "true" || q.Get("watch") == "1" {
		return c.list() // as the API server does: a watch of this one
	}
	if err := c.accept(false); err != nil {
		return err
	}
	o, err := c.Store.Get(c.kind.gr, c.ns, c.name)
	if err != nil {
		return c.named(err)
	}
	return c.answer(http.StatusOK, o)
}

// named puts the served resource's name in place of the stored one's.
func (c *call) named(err error) error {
	if c.kind.gr == c.kind.GR() || !apierrors.IsNotFound(err) {
		return err
	}
	return apierrors.NewNotFound(c.kind.GR(), c.name)
}

// params decodes the query into options of meta/v1.
func (c *call) params(into runtime.Object) error {
	return badParams(store.Params().DecodeParameters(c.r.URL.Query(), schema.GroupVersion{Version: "v1"}, into))
}

func (c *call) list() error {
	var o metav1.ListOptions
	if err := c.params(&o); err != nil {
		return err
	}
	if errs := checkListOptions(&o); len(errs) > 0 {
		return apierrors.NewInvalid(schema.GroupKind{Group: metav1.GroupName, Kind: "ListOptions"}, "", errs)
	}
	match, err := c.selection(&o)
	if err != nil {
		return err
	}
	if err := c.accept(true); err != nil {
		return err
	}
	if o.Watch {
		return c.watch(&o, match)
	}
	version, start, err := c.where(&o)
	if err != nil {
		return err
	}
	var all []*unstructured.Unstructured
	if version == 0 {
		all, version = c.Store.List(c.kind.gr, c.ns)
	} else if all, err = c.Store.At(c.kind.gr, c.ns, version); err != nil {
		if o.Continue != "" {
			err = apierrors.NewResourceExpired("The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.")
		}
		return err
	}
	m := metav1.ListMeta{ResourceVersion: strconv.FormatInt(version, 10)}
	var items []*unstructured.Unstructured
	left := int64(0)
	for _, u := range all {
		if k := u.GetNamespace() + "/" + u.GetName(); k <= start || !match.matches(u) {
			continue
		}
		if o.Limit > 0 && int64(len(items)) == o.Limit {
			left++
			continue
		}
		items = append(items, u)
	}
	if left > 0 {
		last := items[len(items)-1]
		m.Continue = page{Version: version, After: last.GetNamespace() + "/" + last.GetName()}.String()
		if o.LabelSelector == "" && o.FieldSelector == "" {
			m.RemainingItemCount = &left
		}
	}
	return c.answerList(items, m)
}

// page is a continue token: where the next page begins, and of what version.
type page struct {
	Version int64  `json:"rv"`
	After   string `json:"start"`
}

func (p page) String() string {
	b, _ := json.Marshal(p) // a number and a string
	return base64.RawURLEncoding.EncodeToString(b)
}

// where is the version that a list is to be of, 0 for the newest, and the key
// behind which it begins.
func (c *call) where(o *metav1.ListOptions) (version int64, after string, err error) {
	if o.Continue != "" {
		var p page
		raw, err := base64.RawURLEncoding.DecodeString(o.Continue)
		if err == nil {
			err = json.Unmarshal(raw, &p)
		}
		if err != nil || p.Version <= 0 {
			return 0, "", apierrors.NewBadRequest("continue key is not valid: " + strconv.Quote(o.Continue))
		}
		return p.Version, p.After, nil
	}
	if o.ResourceVersion == "" || o.ResourceVersion == "0" {
		return 0, "", nil
	}
	v, err := parseVersion(o.ResourceVersion)
	if err != nil {
		return 0, "", err
	}
	if now := c.Store.Version(); v > now {
		return 0, "", tooNew(v, now)
	}
	if o.ResourceVersionMatch == metav1.ResourceVersionMatchExact || o.ResourceVersionMatch == "" && o.Limit > 0 {
		return v, "", nil
	}
	return 0, "", nil
}

func parseVersion(s string) (int64, error) {
	v, err := strconv.ParseUint(s, 10, 63)
	if err != nil {
		return 0, apierrors.NewBadRequest("invalid resource version: " + utilfield.Invalid(utilfield.NewPath("resourceVersion"), s, err.Error()).Error())
	}
	return int64(v), nil
}

func tooNew(v, now int64) error {
	err := apierrors.NewTimeoutError(fmt.Sprintf("Too large resource version: %d, current: %d", v, now), 1)
	err.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: metav1.CauseTypeResourceVersionTooLarge, Message: "Too large resource version"}}
	return err
}

func badParams(err error) error {
	if err == nil {
		return nil
	}
	return apierrors.NewBadRequest(strings.TrimSpace(err.Error()))
}

// checkListOptions says what the API server says of combinations that make no
// sense.
func checkListOptions(o *metav1.ListOptions) (errs utilfield.ErrorList) {
	path := utilfield.NewPath("resourceVersionMatch")
	match := o.ResourceVersionMatch
	forbid := func(p *utilfield.Path, why string) { errs = append(errs, utilfield.Forbidden(p, why)) }
	if o.Watch {
		if o.SendInitialEvents != nil && match != metav1.ResourceVersionMatchNotOlderThan {
			forbid(path, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")
		}
		if match != "" && o.SendInitialEvents == nil {
			forbid(path, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided")
		}
		if match != "" && match != metav1.ResourceVersionMatchNotOlderThan {
			errs = append(errs, utilfield.NotSupported(path, match, []metav1.ResourceVersionMatch{metav1.ResourceVersionMatchNotOlderThan}))
		}
		return errs
	}
	if match != "" {
		if o.ResourceVersion == "" {
			forbid(path, "resourceVersionMatch is forbidden unless resourceVersion is provided")
		}
		if o.Continue != "" {
			forbid(path, "resourceVersionMatch is forbidden when continue is provided")
		}
		if match != metav1.ResourceVersionMatchExact && match != metav1.ResourceVersionMatchNotOlderThan {
			errs = append(errs, utilfield.NotSupported(path, match, []metav1.ResourceVersionMatch{metav1.ResourceVersionMatchExact, metav1.ResourceVersionMatchNotOlderThan, ""}))
		}
		if match == metav1.ResourceVersionMatchExact && o.ResourceVersion == "0" {
			forbid(path, `resourceVersionMatch "exact" is forbidden for resourceVersion "0"`)
		}
	}
	if o.SendInitialEvents != nil {
		forbid(utilfield.NewPath("sendInitialEvents"), "sendInitialEvents is forbidden for list")
	}
	return errs
}
