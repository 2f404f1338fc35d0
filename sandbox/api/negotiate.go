package api

import (
	"mime"
	"net/http"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"rollbook/sandbox/store"
)

// media is the form in which a client wants its answer.
type media struct {
	codec runtime.SerializerInfo
	as    string // Table, PartialObjectMetadata, PartialObjectMetadataList, APIGroupDiscoveryList; "" = the object
}

var (
	jsonMedia     = mediaOf(runtime.ContentTypeJSON)
	yamlMedia     = mediaOf(runtime.ContentTypeYAML)
	protobufMedia = mediaOf(runtime.ContentTypeProtobuf)
)

func mediaOf(contentType string) func() runtime.SerializerInfo {
	return sync.OnceValue(func() runtime.SerializerInfo {
		info, ok := runtime.SerializerInfoForMediaType(store.Codecs().SupportedMediaTypes(), contentType)
		if !ok {
			panic("client-go does not know " + contentType)
		}
		return info
	})
}

func (m media) is(other runtime.SerializerInfo) bool { return m.codec.MediaType == other.MediaType }

// negotiate picks the first form of an Accept header that is known, in the
// order written: clients write the best first. as says which transformations
// can be had.
func negotiate(accept string, as func(string) bool) (media, error) {
	if strings.TrimSpace(accept) == "" {
		return media{codec: jsonMedia()}, nil
	}
	for _, clause := range strings.Split(accept, ",") {
		kind, params, err := mime.ParseMediaType(strings.TrimSpace(clause))
		if err != nil {
			continue
		}
		m := media{as: params["as"]}
		switch kind {
		case "application/json", "*/*", "application/*":
			m.codec = jsonMedia()
		case "application/yaml":
			m.codec = yamlMedia()
		case runtime.ContentTypeProtobuf:
			m.codec = protobufMedia()
		default:
			continue
		}
		if m.as != "" && (!as(m.as+"."+params["v"]+"."+params["g"]) || m.is(protobufMedia())) {
			continue
		}
		return m, nil
	}
	return media{}, &apierrors.StatusError{ErrStatus: metav1.Status{Status: metav1.StatusFailure, Code: http.StatusNotAcceptable, Reason: metav1.StatusReasonNotAcceptable,
		Message: "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, application/vnd.kubernetes.protobuf"}}
}

// accept notes the form that the answer to a read or write will have.
func (c *call) accept(list bool) (err error) {
	c.out, err = negotiate(c.r.Header.Get("Accept"), func(as string) bool {
		switch as {
		case "Table.v1.meta.k8s.io":
			return true
		case "PartialObjectMetadata.v1.meta.k8s.io":
			return !list || c.r.URL.Query().Get("watch") != ""
		case "PartialObjectMetadataList.v1.meta.k8s.io":
			return list
		}
		return false
	})
	return err
}

// write sends an object of a type that the scheme or meta/v1 knows.
func (c *call) write(code int, m media, o runtime.Object) {
	c.w.Header().Set("Content-Type", m.codec.MediaType)
	c.w.WriteHeader(code)
	c.stream = true
	if err := m.codec.Serializer.Encode(o, c.w); err != nil {
		panic(http.ErrAbortHandler) // the client is gone, most likely
	}
}
