package kube

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
)

// filler fills objects with whatever their types allow.
type filler struct{ *rand.Rand }

func (r filler) one(of ...string) string { return of[r.IntN(len(of))] }

// fill fills v, three levels of slices deep. Words that the code looks for are
// more frequent than others.
func (r filler) fill(v reflect.Value, name string, depth int) {
	switch x := v.Addr().Interface().(type) {
	case *metav1.Time:
		*x = metav1.Unix(1_700_000_000+int64(r.IntN(100_000)), 0)
		return
	case *runtime.RawExtension:
		x.Raw = []byte(`{"spec":{}}`)
		return
	case *metav1.FieldsV1:
		*x = *metav1.NewFieldsV1(r.one(`{"f:spec":{"f:template":{"f:spec":{}}}}`, `{"f:spec":{}}`, `{"f:status":{}}`))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(r.word(name))
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(int64(r.IntN(300)))
	case reflect.Pointer:
		if r.IntN(3) > 0 && depth <= 3 {
			v.Set(reflect.New(v.Type().Elem()))
			r.fill(v.Elem(), name, depth)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 || depth > 3 {
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), r.IntN(3), 3))
		for i := range v.Len() {
			r.fill(v.Index(i), name, depth+1)
		}
	case reflect.Map:
		if v.Type() != reflect.TypeFor[map[string]string]() {
			return
		}
		v.Set(reflect.MakeMap(v.Type()))
		for range r.IntN(5) {
			key := r.one(labelHash, labelRevision, annRevision, annHistory, annCause, annLastApplied, "argocd.argoproj.io/tracking-id", "app", strings.Repeat("long/", 40))
			v.SetMapIndex(reflect.ValueOf(key), reflect.ValueOf(r.one("1", "7c9f", strings.Repeat("x", 200))))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() {
				r.fill(f, v.Type().Field(i).Name, depth)
			}
		}
	}
}

func (r filler) word(field string) string {
	switch field {
	case "Phase":
		return r.one("Running", "Pending", "Failed", "Succeeded")
	case "Type":
		return r.one("Ready", "PodScheduled", "Initialized", "ContainersReady", "ReplicaFailure", "Available", "Progressing")
	case "Status":
		return r.one("True", "False", "Unknown")
	case "Reason":
		return r.one("", "CrashLoopBackOff", "Error", "OOMKilled", "Unschedulable", "SchedulingGated", "ProgressDeadlineExceeded", "NodeLost", "Completed")
	case "Kind":
		return r.one("ReplicaSet", "Deployment", "StatefulSet", "DaemonSet", "Job")
	case "RestartPolicy":
		return r.one("Always", "")
	case "Name":
		return r.one("api", "api-7c9f", "sidecar", "init")
	}
	return r.one("", "a", fmt.Sprintf("%s %d", field, r.IntN(1000)), strings.Repeat("long ", 60))
}

// What is kept of an object is the same whether it was decoded whole or not.
func TestLeanKeepsWhatIsRead(t *testing.T) {
	now := time.Unix(1_700_050_000, 0)
	for name, o := range map[string]struct {
		object decoded
		from   func(any) item
	}{
		"Pod":                {&corev1.Pod{}, keeps(fromPod, func() time.Time { return now })},
		"Deployment":         {&appsv1.Deployment{}, keeps(untimed(fromDeployment), time.Now)},
		"StatefulSet":        {&appsv1.StatefulSet{}, keeps(untimed(fromStatefulSet), time.Now)},
		"DaemonSet":          {&appsv1.DaemonSet{}, keeps(untimed(fromDaemonSet), time.Now)},
		"ReplicaSet":         {&appsv1.ReplicaSet{}, keeps(untimed(fromReplicaSet), time.Now)},
		"ControllerRevision": {&appsv1.ControllerRevision{}, keeps(untimed(fromControllerRevision), time.Now)},
		"Event":              {&corev1.Event{}, keeps(untimed(fromEvent), time.Now)},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(60) {
				r := filler{rand.New(rand.NewPCG(seed, 1))}
				o.object.Reset()
				r.fill(reflect.ValueOf(o.object).Elem(), "", 0)
				m := o.object.(metav1.Object)
				m.SetName("api-7c9f-2kq4x")
				m.SetNamespace("production")
				m.SetCreationTimestamp(metav1.Unix(1_700_000_000, 0))
				raw := protobuf(t, o.object)
				whole, _, err := scheme.Codecs.UniversalDeserializer().Decode(raw, nil, nil)
				if err != nil {
					t.Fatal(err)
				}
				got, _, err := (objects{nil, func() time.Time { return now }}).Decode(raw, nil, nil)
				if err != nil {
					t.Fatal(err)
				}
				a, ok := got.(*arrival)
				if !ok {
					t.Fatalf("seed %d: %T", seed, got)
				}
				if want := o.from(whole); !reflect.DeepEqual(a.item, want) || a.version != m.GetResourceVersion() || a.GetName() != m.GetName() || a.ends {
					t.Fatalf("seed %d: got\n%+v %+v\nof the whole\n%+v", seed, a, a.item, want)
				}
			}
		})
	}
}

func TestLeanBookmark(t *testing.T) {
	raw := protobuf(t, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{ResourceVersion: "12", Annotations: map[string]string{metav1.InitialEventsAnnotationKey: "true"}}})
	got, _, err := (objects{nil, time.Now}).Decode(raw, nil, nil)
	if a, ok := got.(*arrival); err != nil || !ok || !a.ends || a.version != "12" || a.item != nil || a.GetAnnotations()[metav1.InitialEventsAnnotationKey] != "true" {
		t.Errorf("%+v %v", got, err)
	}
}

// What is not kept goes the usual way, also an error of the API server's.
func TestLeanLeavesTheRest(t *testing.T) {
	info, _ := runtime.SerializerInfoForMediaType(newLean(time.Now).SupportedMediaTypes(), runtime.ContentTypeProtobuf)
	for _, o := range []runtime.Object{
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Data: map[string]string{"k": "v"}},
		&metav1.Status{Status: metav1.StatusFailure, Message: "too old resource version", Reason: metav1.StatusReasonExpired, Code: 410},
	} {
		got, _, err := info.Serializer.Decode(protobuf(t, o), nil, nil)
		if got != nil {
			got.GetObjectKind().SetGroupVersionKind(o.GetObjectKind().GroupVersionKind())
		}
		if err != nil || !reflect.DeepEqual(got, o) {
			t.Errorf("%+v %v", got, err)
		}
	}
}

func TestLeanFrame(t *testing.T) {
	info, _ := runtime.SerializerInfoForMediaType(newLean(time.Now).SupportedMediaTypes(), runtime.ContentTypeProtobuf)
	for _, kind := range []string{"ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"} {
		want := metav1.WatchEvent{Type: kind, Object: runtime.RawExtension{Raw: []byte("k8s\x00something")}}
		b, err := want.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		var got metav1.WatchEvent
		if _, _, err := info.StreamSerializer.Serializer.Decode(b, nil, &got); err != nil || got.Type != kind || !bytes.Equal(got.Object.Raw, want.Object.Raw) {
			t.Errorf("%s: %+v %v", kind, got, err)
		}
	}
}

// Whatever arrives is an error or an object, and never a panic.
func FuzzLean(f *testing.F) {
	r := newCrowdPod()
	f.Add(protobuf(f, r))
	f.Add(protobuf(f, crowdDeployment(1, metav1.Unix(1_700_000_000, 0))))
	f.Add([]byte("k8s\x00\x12\xff\xff\xff\xff\xff\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		info, _ := runtime.SerializerInfoForMediaType(newLean(time.Now).SupportedMediaTypes(), runtime.ContentTypeProtobuf)
		got, _, err := info.Serializer.Decode(b, nil, nil)
		if err == nil && got == nil {
			t.Error("neither an object nor an error")
		}
		var e metav1.WatchEvent
		_, _, _ = info.StreamSerializer.Serializer.Decode(b, nil, &e)
	})
}

func newCrowdPod() *corev1.Pod {
	at := metav1.Unix(1_700_000_000, 0)
	return crowdPod(crowdSet(1, at), 0, at)
}

// protobuf encodes an object as the API server does.
func protobuf(t testing.TB, o runtime.Object) []byte {
	t.Helper()
	info, _ := runtime.SerializerInfoForMediaType(scheme.Codecs.SupportedMediaTypes(), runtime.ContentTypeProtobuf)
	kinds, _, err := scheme.Scheme.ObjectKinds(o)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := runtime.Encode(scheme.Codecs.EncoderForVersion(info.Serializer, kinds[0].GroupVersion()), o)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
