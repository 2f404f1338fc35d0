package api

import (
	"net/http"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilfield "k8s.io/apimachinery/pkg/util/validation/field"
)

// reviews are the questions that are posted and answered, and kept nowhere.
var reviews map[string]func(*call) error

func init() { // reviews refer to call, which refers to reviews
	reviews = map[string]func(*call) error{
		"authorization.k8s.io/v1/selfsubjectaccessreviews": (*call).mayI,
		"authorization.k8s.io/v1/selfsubjectrulesreviews":  (*call).whatMayI,
		"authentication.k8s.io/v1/selfsubjectreviews":      (*call).whoAmI,
	}
}

// asked reads a review into its type.
func (c *call) asked(o runtime.Object, gvk schema.GroupVersionKind) error {
	if err := c.accept(false); err != nil {
		return err
	}
	c.out.as = ""
	w, err := c.writeOptions("CreateOptions")
	if err != nil {
		return err
	}
	u, err := c.decode(gvk, w.validate)
	if err != nil {
		return err
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, o); err != nil {
		return apierrors.NewBadRequest(err.Error())
	}
	o.GetObjectKind().SetGroupVersionKind(gvk)
	return nil
}

// mayI answers whether the user may do one thing.
func (c *call) mayI() error {
	r := &authorizationv1.SelfSubjectAccessReview{}
	gvk := authorizationv1.SchemeGroupVersion.WithKind("SelfSubjectAccessReview")
	if err := c.asked(r, gvk); err != nil {
		return err
	}
	if (r.Spec.ResourceAttributes == nil) == (r.Spec.NonResourceAttributes == nil) {
		return apierrors.NewInvalid(gvk.GroupKind(), "", utilfield.ErrorList{utilfield.Invalid(utilfield.NewPath("spec.resourceAttributes"), r.Spec.NonResourceAttributes,
			"exactly one of nonResourceAttributes or resourceAttributes must be specified")})
	}
	r.Status = authorizationv1.SubjectAccessReviewStatus{Allowed: true, Reason: "everything is allowed in the sandbox"}
	if a := r.Spec.ResourceAttributes; a != nil && !c.May(a.Verb, resource(a.Resource, a.Subresource)) {
		r.Status = authorizationv1.SubjectAccessReviewStatus{}
	}
	return c.send(http.StatusCreated, r)
}

func (c *call) whatMayI() error {
	r := &authorizationv1.SelfSubjectRulesReview{}
	if err := c.asked(r, authorizationv1.SchemeGroupVersion.WithKind("SelfSubjectRulesReview")); err != nil {
		return err
	}
	if r.Spec.Namespace == "" {
		return apierrors.NewBadRequest("no namespace on request")
	}
	all := []string{"*"}
	r.Status = authorizationv1.SubjectRulesReviewStatus{
		ResourceRules:    c.rules(),
		NonResourceRules: []authorizationv1.NonResourceRule{{Verbs: all, NonResourceURLs: all}},
	}
	return c.send(http.StatusCreated, r)
}

func (c *call) whoAmI() error {
	r := &authenticationv1.SelfSubjectReview{}
	if err := c.asked(r, authenticationv1.SchemeGroupVersion.WithKind("SelfSubjectReview")); err != nil {
		return err
	}
	r.CreationTimestamp = metav1.NewTime(c.Now())
	r.Status.UserInfo = authenticationv1.UserInfo{Username: c.User, Groups: []string{"system:masters", "system:authenticated"}}
	return c.send(http.StatusCreated, r)
}
