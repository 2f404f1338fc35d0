package api

import (
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"rollbook/sandbox/store"
)

// newEvents are the events of the group events.k8s.io, which are the core
// group's under other names.
var newEvents = &kind{
	Resource: &store.Resource{Group: "events.k8s.io", Version: "v1", Plural: "events", Singular: "event", Kind: "Event", Namespaced: true, Short: []string{"ev"}},
	gr:       store.Events,
	show:     showEvent,
	keep:     keepEvent,
}

func showEvent(o *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	e := &corev1.Event{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, e); err != nil {
		return nil, err
	}
	n := &eventsv1.Event{ObjectMeta: e.ObjectMeta, EventTime: e.EventTime, ReportingController: e.ReportingController,
		ReportingInstance: e.ReportingInstance, Action: e.Action, Reason: e.Reason, Regarding: e.InvolvedObject, Related: e.Related,
		Note: e.Message, Type: e.Type, DeprecatedSource: e.Source, DeprecatedFirstTimestamp: e.FirstTimestamp,
		DeprecatedLastTimestamp: e.LastTimestamp, DeprecatedCount: e.Count}
	if e.Series != nil {
		n.Series = &eventsv1.EventSeries{Count: e.Series.Count, LastObservedTime: e.Series.LastObservedTime}
	}
	return loose(n, eventsv1.SchemeGroupVersion.WithKind("Event"))
}

func keepEvent(o *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	n := &eventsv1.Event{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, n); err != nil {
		return nil, err
	}
	e := &corev1.Event{ObjectMeta: n.ObjectMeta, EventTime: n.EventTime, ReportingController: n.ReportingController,
		ReportingInstance: n.ReportingInstance, Action: n.Action, Reason: n.Reason, InvolvedObject: n.Regarding, Related: n.Related,
		Message: n.Note, Type: n.Type, Source: n.DeprecatedSource, FirstTimestamp: n.DeprecatedFirstTimestamp,
		LastTimestamp: n.DeprecatedLastTimestamp, Count: n.DeprecatedCount}
	if n.Series != nil {
		e.Series = &corev1.EventSeries{Count: n.Series.Count, LastObservedTime: n.Series.LastObservedTime}
	}
	return loose(e, corev1.SchemeGroupVersion.WithKind("Event"))
}
