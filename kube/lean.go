package kube

import (
	"bytes"
	"fmt"
	"reflect"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// lean is client-go's serializer, which leaves out of a protobuf answer what the
// board does not use before it is decoded, and keeps nothing of an object but what
// the board is made of: a pod has some hundred fields and four kilobytes, of which
// a dozen fields are looked at. Decoding the rest was most of the time in which a
// large namespace is read, and most of the garbage. Answers in JSON are decoded
// whole.
type lean struct {
	runtime.NegotiatedSerializer
	now func() time.Time
}

func newLean(now func() time.Time) lean { return lean{codecs.WithoutConversion(), now} }

// arrival is an object as a watch brings it: what is kept of it, and what client-go
// wants to know beside that.
type arrival struct {
	named
	version string // resourceVersion
	ends    bool   // the first answer ends with it
	item    item   // nil for a bookmark
}

// GetObjectKind says nothing: the types that are watched are known.
func (*arrival) GetObjectKind() schema.ObjectKind { return schema.EmptyObjectKind }

// DeepCopyObject returns the arrival itself, which nobody changes.
func (a *arrival) DeepCopyObject() runtime.Object { return a }

// GetResourceVersion returns the object's version, from which a watch goes on.
func (a *arrival) GetResourceVersion() string { return a.version }

// GetAnnotations returns the one that client-go looks at.
func (a *arrival) GetAnnotations() map[string]string {
	if a.ends {
		return map[string]string{metav1.InitialEventsAnnotationKey: "true"}
	}
	return nil
}

// SupportedMediaTypes returns client-go's, with lean decoders for protobuf.
func (l lean) SupportedMediaTypes() []runtime.SerializerInfo {
	infos := l.NegotiatedSerializer.SupportedMediaTypes()
	out := make([]runtime.SerializerInfo, len(infos))
	for i, info := range infos {
		if info.MediaType == runtime.ContentTypeProtobuf && info.StreamSerializer != nil {
			stream := *info.StreamSerializer
			stream.Serializer = watchEvents{stream.Serializer}
			info.Serializer, info.StreamSerializer = objects{info.Serializer, l.now}, &stream
		}
		out[i] = info
	}
	return out
}

// watchEvents decodes the frames of a watch. The object in a frame is not copied:
// it is decoded before the next frame is read into the same buffer.
type watchEvents struct{ runtime.Serializer }

// Decode decodes a frame into a *metav1.WatchEvent, anything else as client-go does.
func (w watchEvents) Decode(data []byte, defaults *schema.GroupVersionKind, into runtime.Object) (runtime.Object, *schema.GroupVersionKind, error) {
	e, ok := into.(*metav1.WatchEvent)
	if !ok {
		return w.Serializer.Decode(data, defaults, into)
	}
	*e = metav1.WatchEvent{}
	for len(data) > 0 {
		f, err := next(data)
		if err != nil {
			return nil, nil, err
		}
		data = data[len(f.all):]
		switch f.number {
		case 1:
			e.Type = eventType(f.value)
		case 2: // RawExtension
			if e.Object.Raw, err = field(f.value, 1); err != nil {
				return nil, nil, err
			}
		}
	}
	return e, nil, nil
}

// eventType returns the type of a watch event, without a copy of its own for each.
func eventType(b []byte) string {
	for _, t := range []string{"ADDED", "MODIFIED", "DELETED", "BOOKMARK"} {
		if string(b) == t {
			return t
		}
	}
	return string(b)
}

// objects decodes what is in the frames of a watch, and lists.
type objects struct {
	runtime.Serializer
	now func() time.Time
}

// prefix begins each object in protobuf, before the runtime.Unknown that wraps it.
var prefix = []byte{'k', '8', 's', 0}

// Decode decodes an object of a kind in kept to an *arrival, its list without the
// fields that are not kept, and anything else as client-go does.
func (s objects) Decode(data []byte, defaults *schema.GroupVersionKind, into runtime.Object) (runtime.Object, *schema.GroupVersionKind, error) {
	version, kind, raw, err := unwrap(data)
	if err != nil {
		return nil, nil, err
	}
	k := kept()[string(kind)]
	if k == nil || k.gv.String() != string(version) {
		return s.Serializer.Decode(data, defaults, into)
	}
	gvk := k.gv.WithKind(string(kind))
	var out runtime.Object
	switch list, ok := into.(decoded); {
	case into == nil && k.arrive != nil:
		out, err = k.arrive(raw, s.now())
	case ok && k.arrive == nil && reflect.TypeOf(into) == k.list:
		out, err = into, k.decode(list, raw)
	default:
		return s.Serializer.Decode(data, defaults, into)
	}
	if err != nil {
		return nil, &gvk, fmt.Errorf("%s in protobuf cannot be read: %w", kind, err)
	}
	return out, &gvk, nil
}

// unwrap returns what is in the runtime.Unknown of an object; nothing where data
// is no such thing.
func unwrap(data []byte) (version, kind, raw []byte, err error) {
	body, ok := bytes.CutPrefix(data, prefix)
	if !ok {
		return nil, nil, nil, nil
	}
	meta, err := field(body, 1) // TypeMeta
	if err == nil {
		version, err = field(meta, 1)
	}
	if err == nil {
		kind, err = field(meta, 2)
	}
	if err == nil {
		raw, err = field(body, 2)
	}
	return version, kind, raw, err
}

// part is a field of a message in protobuf.
type part struct {
	number protowire.Number
	all    []byte // with its number
	value  []byte // of a string, bytes or a message; nil for what has no length
}

// next returns the first field of a message that is not empty.
func next(message []byte) (part, error) {
	n, wire, tag := protowire.ConsumeTag(message)
	if tag < 0 {
		return part{}, protowire.ParseError(tag)
	}
	if wire != protowire.BytesType {
		size := protowire.ConsumeFieldValue(n, wire, message[tag:])
		if size < 0 {
			return part{}, protowire.ParseError(size)
		}
		return part{number: n, all: message[:tag+size]}, nil
	}
	value, size := protowire.ConsumeBytes(message[tag:])
	if size < 0 {
		return part{}, protowire.ParseError(size)
	}
	return part{n, message[:tag+size], value}, nil
}

// field returns the value of the first field with a number; nil when there is none.
func field(message []byte, number protowire.Number) ([]byte, error) {
	for len(message) > 0 {
		f, err := next(message)
		if err != nil {
			return nil, err
		}
		if f.number == number {
			return f.value, nil
		}
		message = message[len(f.all):]
	}
	return nil, nil
}
