package kube

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// only lists the fields of an object that are kept, by their names in JSON. With
// keys, of a map the entries that have one of them, and of conditions those of
// such a type; nil = all.
type only map[string][]string

// identity is kept of every object.
var identity = only{
	"metadata.name": nil, "metadata.namespace": nil, "metadata.uid": nil, "metadata.resourceVersion": nil,
	"metadata.creationTimestamp": nil, "metadata.deletionTimestamp": nil,
	"metadata.ownerReferences.kind": nil, "metadata.ownerReferences.name": nil, "metadata.ownerReferences.controller": nil,
}

// ends is the annotation that ends the first answer of a watch.
const ends = metav1.InitialEventsAnnotationKey

// What the functions named from… read.
var (
	loadFields = only{
		"metadata.generation": nil, "metadata.labels": nil, "metadata.annotations": nil, "metadata.managedFields": nil,
		"metadata.ownerReferences": nil,
		"spec":                     nil, "status": nil,
	}
	podFields = only{
		"metadata.labels":      {labelHash, labelRevision},
		"metadata.annotations": {ends},
		"spec.containers.name": nil, "spec.initContainers.name": nil, "spec.initContainers.restartPolicy": nil,
		"status.phase": nil, "status.reason": nil, "status.message": nil,
		"status.conditions":             {string(corev1.PodReady), string(corev1.PodScheduled), string(corev1.PodInitialized), string(corev1.DisruptionTarget)},
		"status.containerStatuses.name": nil, "status.containerStatuses.state": nil, "status.containerStatuses.lastState": nil,
		"status.containerStatuses.ready": nil, "status.containerStatuses.restartCount": nil,
		"status.initContainerStatuses.name": nil, "status.initContainerStatuses.state": nil, "status.initContainerStatuses.lastState": nil,
		"status.initContainerStatuses.ready": nil, "status.initContainerStatuses.restartCount": nil, "status.initContainerStatuses.started": nil,
	}
	setFields = only{
		"metadata.labels":                    {labelHash},
		"metadata.annotations":               {annRevision, annHistory, annCause, ends},
		"spec.template.spec.containers.name": nil, "spec.template.spec.containers.image": nil,
		"spec.template.spec.initContainers.name": nil, "spec.template.spec.initContainers.image": nil, "spec.template.spec.initContainers.restartPolicy": nil,
		"status.conditions": {string(appsv1.ReplicaSetReplicaFailure)},
	}
	revisionFields = only{
		"metadata.labels":      {labelRevision},
		"metadata.annotations": {ends},
		"revision":             nil,
		"data":                 nil,
	}
	eventFields = only{
		"metadata.annotations": {ends},
		"involvedObject.kind":  nil, "involvedObject.name": nil,
		"type": nil, "reason": nil, "message": nil, "count": nil,
		"lastTimestamp": nil, "eventTime": nil, "series": nil,
	}
)

// keeping is a kind, or its list, of which not all is kept.
type keeping struct {
	gv     schema.GroupVersion
	keep   *keep
	arrive func(raw []byte, now time.Time) (*arrival, error) // nil for a list
	list   reflect.Type
}

// kept returns the kinds that a namespace has many of, by name, each with its list.
var kept = sync.OnceValue(func() map[string]*keeping {
	out := map[string]*keeping{}
	keepKind(out, appsv1.SchemeGroupVersion, &appsv1.DeploymentList{}, loadFields, nil, untimed(fromDeployment))
	keepKind(out, appsv1.SchemeGroupVersion, &appsv1.StatefulSetList{}, loadFields, nil, untimed(fromStatefulSet))
	keepKind(out, appsv1.SchemeGroupVersion, &appsv1.DaemonSetList{}, loadFields, nil, untimed(fromDaemonSet))
	keepKind(out, appsv1.SchemeGroupVersion, &appsv1.ReplicaSetList{}, setFields, nil, untimed(fromReplicaSet))
	keepKind(out, appsv1.SchemeGroupVersion, &appsv1.ControllerRevisionList{}, revisionFields, nil, untimed(fromControllerRevision))
	keepKind(out, corev1.SchemeGroupVersion, &corev1.PodList{}, podFields, emptyPod, fromPod)
	keepKind(out, corev1.SchemeGroupVersion, &corev1.EventList{}, eventFields, nil, untimed(fromEvent))
	return out
})

// untimed takes the clock from what does not need it.
func untimed[O any, I item](from func(O) I) func(O, time.Time) I {
	return func(o O, _ time.Time) I { return from(o) }
}

// decoded is an object of client-go's that protobuf can be decoded into.
type decoded interface {
	runtime.Object
	Reset()
	Unmarshal(b []byte) error
}

// keepKind adds a kind and its list. from makes of an object what is kept; empty
// readies an object for the next one to be decoded into, nil = Reset does.
func keepKind[T any, O interface {
	*T
	decoded
	metav1.Object
}, I item](to map[string]*keeping, gv schema.GroupVersion, list runtime.Object, fields only, empty func(O), from func(O, time.Time) I) {
	if empty == nil {
		empty = O.Reset
	}
	t := reflect.TypeFor[T]()
	k := &keeping{gv: gv, keep: &keep{}}
	for _, f := range []only{identity, fields} {
		for path, keys := range f {
			k.keep.add(t, strings.Split(path, "."), keys)
		}
	}
	used := sync.Pool{New: func() any { return O(new(T)) }} // thousands come, one after the other
	k.arrive = func(raw []byte, now time.Time) (*arrival, error) {
		o := used.Get().(O)
		defer used.Put(o)
		empty(o)
		if err := k.decode(o, raw); err != nil {
			return nil, err
		}
		a := &arrival{named: name(o.GetNamespace(), o.GetName()), version: o.GetResourceVersion(),
			ends: o.GetAnnotations()[metav1.InitialEventsAnnotationKey] == "true"}
		if o.GetName() != "" {
			a.item = from(o, now)
		}
		return a, nil
	}
	to[t.Name()] = k
	to[t.Name()+"List"] = &keeping{gv: gv, list: reflect.TypeOf(list), keep: &keep{fields: []*keep{1: whole, 2: k.keep}}} // metadata, items
}

// emptyPod empties a pod, and leaves the room of what each pod has.
func emptyPod(p *corev1.Pod) {
	clear(p.Labels)
	*p = corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Labels: p.Labels, OwnerReferences: p.OwnerReferences[:0]},
		Spec:       corev1.PodSpec{Containers: p.Spec.Containers[:0], InitContainers: p.Spec.InitContainers[:0]},
		Status: corev1.PodStatus{Conditions: p.Status.Conditions[:0],
			ContainerStatuses: p.Status.ContainerStatuses[:0], InitContainerStatuses: p.Status.InitContainerStatuses[:0]},
	}
}

// decode decodes into o what is kept of a message. o has copies of all that it takes.
func (k *keeping) decode(o decoded, raw []byte) error {
	scratch, _ := scratches.Get().(*[]byte)
	if scratch == nil {
		scratch = new([]byte)
	}
	defer scratches.Put(scratch)
	var err error
	if *scratch, err = k.keep.prune((*scratch)[:0], raw); err != nil {
		return err
	}
	return o.Unmarshal(*scratch)
}

// scratches are *[]byte for messages that were pruned.
var scratches sync.Pool

// keep says which fields of a message in protobuf are kept. nil keeps none.
type keep struct {
	fields []*keep  // by the field's number
	all    bool     // every field, as it is
	keys   []string // only when field 1 is one of these, as in the entry of a map; nil = always
}

// whole keeps a field as it is.
var whole = &keep{all: true}

// add has a field of the type t kept. Its number in protobuf is in the tag of the
// struct.
func (k *keep) add(t reflect.Type, path, keys []string) {
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != path[0] {
			continue
		}
		_, tag, _ := strings.Cut(f.Tag.Get("protobuf"), ",")
		tag, _, _ = strings.Cut(tag, ",")
		n, err := strconv.Atoi(tag)
		if err != nil {
			break
		}
		for len(k.fields) <= n {
			k.fields = append(k.fields, nil)
		}
		if len(path) == 1 {
			k.fields[n] = &keep{all: true, keys: keys}
			return
		}
		if k.fields[n] == nil {
			k.fields[n] = &keep{}
		}
		k.fields[n].add(f.Type, path[1:], keys)
		return
	}
	panic(fmt.Sprintf("%s has no field %s in protobuf", t, path[0])) // a mistake in the tables above
}

// prune appends to out what is kept of a message.
func (k *keep) prune(out, message []byte) ([]byte, error) {
	for len(message) > 0 {
		f, err := next(message)
		if err != nil {
			return out, err
		}
		message = message[len(f.all):]
		if int(f.number) >= len(k.fields) || k.fields[f.number] == nil {
			continue
		}
		switch inner := k.fields[f.number]; {
		case inner.all && inner.has(f.value):
			out = append(out, f.all...)
		case !inner.all && f.value != nil:
			out = protowire.AppendTag(out, f.number, protowire.BytesType)
			begin := len(out)
			if out, err = inner.prune(append(out, 0), f.value); err != nil { // one byte for the length is mostly enough
				return out, err
			}
			length := len(out) - begin - 1
			if more := protowire.SizeVarint(uint64(length)) - 1; more > 0 {
				out = slices.Insert(out, begin, make([]byte, more)...)
			}
			protowire.AppendVarint(out[:begin], uint64(length))
		}
	}
	return out, nil
}

// has reports whether an entry is kept.
func (k *keep) has(entry []byte) bool {
	if k.keys == nil {
		return true
	}
	key, err := field(entry, 1)
	return err == nil && slices.Contains(k.keys, string(key)) // what is damaged is found when it is decoded
}
