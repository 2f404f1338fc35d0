package api

import (
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
)

// selection is which objects a list or watch is about.
type selection struct {
	ns     string
	labels labels.Selector
	fields fields.Selector
	paths  map[string]string // of the fields that may be asked for
}

// selectable are the fields that may be selected by, beside name and namespace:
// the same as the API server's. The value is where the field is when it is not
// where its name says.
var selectable = map[string]map[string]string{
	"Pod": {"spec.nodeName": "", "spec.restartPolicy": "", "spec.schedulerName": "", "spec.serviceAccountName": "",
		"status.phase": "", "status.podIP": "", "status.nominatedNodeName": ""},
	"Event": {"involvedObject.kind": "", "involvedObject.namespace": "", "involvedObject.name": "", "involvedObject.uid": "",
		"involvedObject.apiVersion": "", "involvedObject.resourceVersion": "", "involvedObject.fieldPath": "",
		"reason": "", "reportingComponent": "", "source": "source.component", "type": "",
		// under the names of events.k8s.io
		"regarding.kind": "involvedObject.kind", "regarding.namespace": "involvedObject.namespace", "regarding.name": "involvedObject.name",
		"regarding.uid": "involvedObject.uid", "regarding.apiVersion": "involvedObject.apiVersion", "regarding.fieldPath": "involvedObject.fieldPath",
		"reportingController": "reportingComponent"},
	"Namespace":             {"status.phase": ""},
	"Node":                  {"spec.unschedulable": ""},
	"Secret":                {"type": ""},
	"Service":               {"spec.clusterIP": "", "spec.type": ""},
	"ReplicaSet":            {"status.replicas": ""},
	"ReplicationController": {"status.replicas": ""},
	"Job":                   {"status.successful": "status.succeeded"},
}

func (c *call) selection(o *metav1.ListOptions) (*selection, error) {
	l, err := labels.Parse(o.LabelSelector)
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	f, err := fields.ParseSelector(o.FieldSelector)
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	s := &selection{ns: c.ns, labels: l, fields: f, paths: map[string]string{"metadata.name": "metadata.name", "metadata.namespace": "metadata.namespace"}}
	for name, path := range selectable[c.kind.Kind] {
		if path == "" {
			path = name
		}
		s.paths[name] = path
	}
	for _, r := range f.Requirements() {
		if s.paths[r.Field] == "" {
			return nil, apierrors.NewBadRequest("field label not supported: " + r.Field)
		}
	}
	if c.name != "" {
		s.fields = fields.AndSelectors(s.fields, fields.OneTermEqualSelector("metadata.name", c.name))
	}
	return s, nil
}

func (s *selection) matches(o *unstructured.Unstructured) bool {
	if s.ns != "" && o.GetNamespace() != s.ns {
		return false
	}
	return s.labels.Matches(labels.Set(o.GetLabels())) && s.fields.Matches(field{o, s.paths})
}

// field reads the fields of an object by the names of a selector.
type field struct {
	o     *unstructured.Unstructured
	paths map[string]string
}

// Has is needed by fields.Fields.
func (f field) Has(name string) bool { return f.paths[name] != "" }

// Get is the field's text; what is not set is empty.
func (f field) Get(name string) string {
	v, ok, err := unstructured.NestedFieldNoCopy(f.o.Object, strings.Split(f.paths[name], ".")...)
	switch {
	case err != nil:
		return ""
	case ok:
		return fmt.Sprint(v)
	case name == "spec.unschedulable":
		return "false"
	case name == "status.replicas", name == "status.successful":
		return "0"
	case name == "source":
		return f.Get("reportingComponent")
	}
	return ""
}
