package store

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// validate refuses what the API server refuses and the controllers could not
// live with: names, selectors that do not fit or changed, pods without
// containers. old is nil for a new object.
func validate(r *Resource, o, old runtime.Object) error {
	acc, err := meta.Accessor(o)
	if err != nil {
		return err
	}
	nameOK := validation.NameIsDNSSubdomain
	if r.Kind == "Namespace" || r.Kind == "Service" {
		nameOK = validation.NameIsDNSLabel
	}
	errs := validation.ValidateObjectMetaAccessor(acc, r.Namespaced, validation.ValidateNameFunc(nameOK), field.NewPath("metadata"))
	spec := field.NewPath("spec")
	switch o := o.(type) {
	case *appsv1.Deployment:
		was := (*metav1.LabelSelector)(nil)
		if d, ok := old.(*appsv1.Deployment); ok {
			was = d.Spec.Selector
		}
		errs = append(errs, workload(o.Spec.Selector, was, &o.Spec.Template, o.Spec.Replicas, spec)...)
	case *appsv1.ReplicaSet:
		was := (*metav1.LabelSelector)(nil)
		if d, ok := old.(*appsv1.ReplicaSet); ok {
			was = d.Spec.Selector
		}
		errs = append(errs, workload(o.Spec.Selector, was, &o.Spec.Template, o.Spec.Replicas, spec)...)
	case *appsv1.StatefulSet:
		errs = append(errs, workload(o.Spec.Selector, nil, &o.Spec.Template, o.Spec.Replicas, spec)...)
		if was, ok := old.(*appsv1.StatefulSet); ok && !equality.Semantic.DeepEqual(fixed(&was.Spec), fixed(&o.Spec)) {
			errs = append(errs, field.Forbidden(spec, "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"))
		}
	case *appsv1.DaemonSet:
		was := (*metav1.LabelSelector)(nil)
		if d, ok := old.(*appsv1.DaemonSet); ok {
			was = d.Spec.Selector
		}
		errs = append(errs, workload(o.Spec.Selector, was, &o.Spec.Template, nil, spec)...)
	case *corev1.Pod:
		errs = append(errs, containers(&o.Spec, spec)...)
	case *corev1.Event:
		if o.InvolvedObject.Namespace != "" && o.InvolvedObject.Namespace != o.Namespace {
			errs = append(errs, field.Invalid(field.NewPath("involvedObject", "namespace"), o.InvolvedObject.Namespace, "does not match event.namespace"))
		}
	}
	if len(errs) > 0 {
		return apierrors.NewInvalid(r.GVK().GroupKind(), acc.GetName(), errs)
	}
	return nil
}

// fixed returns what never changes of a StatefulSet.
func fixed(s *appsv1.StatefulSetSpec) appsv1.StatefulSetSpec {
	return appsv1.StatefulSetSpec{Selector: s.Selector, ServiceName: s.ServiceName, PodManagementPolicy: s.PodManagementPolicy, VolumeClaimTemplates: s.VolumeClaimTemplates}
}

func workload(sel, was *metav1.LabelSelector, t *corev1.PodTemplateSpec, replicas *int32, spec *field.Path) (errs field.ErrorList) {
	switch {
	case sel == nil:
		errs = append(errs, field.Required(spec.Child("selector"), ""))
	case len(sel.MatchLabels)+len(sel.MatchExpressions) == 0:
		errs = append(errs, field.Invalid(spec.Child("selector"), sel, "empty selector is invalid for deployment"))
	default:
		s, err := metav1.LabelSelectorAsSelector(sel)
		if err != nil {
			errs = append(errs, field.Invalid(spec.Child("selector"), sel, "invalid label selector"))
		} else if !s.Matches(labels.Set(t.Labels)) {
			errs = append(errs, field.Invalid(spec.Child("template", "metadata", "labels"), t.Labels, "`selector` does not match template `labels`"))
		}
		if was != nil && !equality.Semantic.DeepEqual(sel, was) {
			errs = append(errs, field.Invalid(spec.Child("selector"), sel, "field is immutable"))
		}
	}
	if replicas != nil && *replicas < 0 {
		errs = append(errs, field.Invalid(spec.Child("replicas"), *replicas, "must be greater than or equal to 0"))
	}
	return append(errs, containers(&t.Spec, spec.Child("template", "spec"))...)
}

func containers(s *corev1.PodSpec, path *field.Path) (errs field.ErrorList) {
	path = path.Child("containers")
	if len(s.Containers) == 0 {
		errs = append(errs, field.Required(path, ""))
	}
	seen := map[string]bool{}
	for i := range s.Containers {
		c := &s.Containers[i]
		at := path.Index(i)
		switch {
		case c.Name == "":
			errs = append(errs, field.Required(at.Child("name"), ""))
		case seen[c.Name]:
			errs = append(errs, field.Duplicate(at.Child("name"), c.Name))
		}
		seen[c.Name] = true
		if c.Image == "" {
			errs = append(errs, field.Required(at.Child("image"), ""))
		}
	}
	return errs
}
