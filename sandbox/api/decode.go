package api

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilfield "k8s.io/apimachinery/pkg/util/validation/field"

	"rollbook/sandbox/store"
)

// maxBody is the API server's.
const maxBody = 3 << 20

func (c *call) body() ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(c.r.Body, maxBody+1))
	if err != nil {
		return nil, apierrors.NewBadRequest("the body of the request could not be read: " + err.Error())
	}
	if len(data) > maxBody {
		return nil, apierrors.NewRequestEntityTooLargeError(fmt.Sprintf("limit is %d", maxBody))
	}
	return data, nil
}

// contentType is that of the body, without its parameters.
func (c *call) contentType() string {
	kind, _, _ := strings.Cut(c.r.Header.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(kind))
}

func unsupported(accepted ...string) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{Status: metav1.StatusFailure, Code: http.StatusUnsupportedMediaType, Reason: metav1.StatusReasonUnsupportedMediaType,
		Message: "the body of the request was in an unknown format - accepted media types include: " + strings.Join(accepted, ", ")}}
}

// notPatch is the answer to a patch of no known kind.
func notPatch() error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{Status: metav1.StatusFailure, Code: http.StatusUnsupportedMediaType, Reason: metav1.StatusReasonUnsupportedMediaType,
		Message: "415: Unsupported Media Type"}}
}

func notAcceptableStream() error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{Status: metav1.StatusFailure, Code: http.StatusNotAcceptable, Reason: metav1.StatusReasonNotAcceptable,
		Message: "only the following media types are accepted: application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch"}}
}

// codecOf is what reads a body.
func codecOf(contentType string) (runtime.SerializerInfo, error) {
	if contentType == "" {
		return jsonMedia(), nil
	}
	kind, _, err := mime.ParseMediaType(contentType)
	for _, m := range []runtime.SerializerInfo{jsonMedia(), yamlMedia(), protobufMedia()} {
		if err == nil && kind == m.MediaType {
			return m, nil
		}
	}
	return runtime.SerializerInfo{}, unsupported("application/json", "application/yaml", "application/vnd.kubernetes.protobuf")
}

// decode reads the object of a body as the kind that the path names, and notes
// the fields that the kind has not as the client wants: Strict refuses them.
func (c *call) decode(want schema.GroupVersionKind, validate string) (*unstructured.Unstructured, error) {
	codec, err := codecOf(c.r.Header.Get("Content-Type"))
	if err != nil {
		return nil, err
	}
	data, err := c.body()
	if err != nil {
		return nil, err
	}
	return c.decodeFrom(codec, data, want, validate)
}

func (c *call) decodeFrom(codec runtime.SerializerInfo, data []byte, want schema.GroupVersionKind, validate string) (*unstructured.Unstructured, error) {
	u, gvk, err := c.read(codec, data, want, validate)
	switch {
	case err == nil:
		return u, nil
	case gvk != nil && gvk.Kind != "":
		return nil, apierrors.NewBadRequest(fmt.Sprintf("%s in version %q cannot be handled as a %s: %v", gvk.Kind, gvk.Version, want.Kind, err))
	}
	return nil, apierrors.NewBadRequest(fmt.Sprintf("the object provided is unrecognized (must be of type %s): %v (%s)", want.Kind, err, summary(data)))
}

// read decodes an object; gvk is what it says that it is.
func (c *call) read(codec runtime.SerializerInfo, data []byte, want schema.GroupVersionKind, validate string) (u *unstructured.Unstructured, gvk *schema.GroupVersionKind, err error) {
	reader := codec.StrictSerializer
	if validate == metav1.FieldValidationIgnore || reader == nil {
		reader = codec.Serializer
	}
	o, gvk, err := reader.Decode(data, &want, nil)
	if strict, ok := runtime.AsStrictDecodingError(err); ok && o != nil && validate != metav1.FieldValidationStrict {
		for _, e := range strict.Errors() {
			c.warn(e.Error())
		}
		err = nil
	}
	if err != nil {
		return nil, gvk, err
	}
	if *gvk != want {
		group := want.Group
		if group == "" {
			group = "core"
		}
		return nil, gvk, fmt.Errorf("converting (%s.%s) to (%s.%s): unknown conversion", gvk.Version, gvk.Kind, group, want.Kind)
	}
	if u, err = loose(o, want); err != nil {
		return nil, gvk, err
	}
	if u.Object["metadata"] == nil {
		u.Object["metadata"] = map[string]any{}
	}
	return u, gvk, nil
}

func (c *call) warn(text string) {
	if !slices.Contains(c.warning, text) {
		c.warning = append(c.warning, text)
	}
}

func summary(data []byte) string {
	const most = 30
	if len(data) > most {
		return fmt.Sprintf("%q ...", data[:most])
	}
	return fmt.Sprintf("%q", data)
}

// writing are the options of a write.
type writing struct {
	manager  string
	dryRun   bool
	force    *bool
	validate string // Ignore, Warn or Strict
}

// writeOptions reads the query of a create, update or patch. kind names the
// options in errors.
func (c *call) writeOptions(kind string) (w writing, err error) {
	var o metav1.PatchOptions // the others have less
	if err := badParams(store.Params().DecodeParameters(c.r.URL.Query(), schema.GroupVersion{Version: "v1"}, &o)); err != nil {
		return w, err
	}
	errs := validation.ValidateFieldManager(o.FieldManager, utilfield.NewPath("fieldManager"))
	errs = append(errs, validation.ValidateDryRun(utilfield.NewPath("dryRun"), o.DryRun)...)
	errs = append(errs, validation.ValidateFieldValidation(utilfield.NewPath("fieldValidation"), o.FieldValidation)...)
	if c.contentType() == applyPatch && o.FieldManager == "" {
		errs = append(errs, utilfield.Required(utilfield.NewPath("fieldManager"), "is required for apply patch"))
	}
	if c.contentType() != applyPatch && o.Force != nil {
		errs = append(errs, utilfield.Forbidden(utilfield.NewPath("force"), "may not be specified for non-apply patch"))
	}
	if len(errs) > 0 {
		return w, apierrors.NewInvalid(schema.GroupKind{Group: metav1.GroupName, Kind: kind}, "", errs)
	}
	w = writing{manager: o.FieldManager, dryRun: len(o.DryRun) > 0, force: o.Force, validate: o.FieldValidation}
	if w.validate == "" {
		w.validate = metav1.FieldValidationWarn
	}
	if w.manager == "" {
		w.manager = agent(c.r.UserAgent())
	}
	return w, nil
}

// agent is the field manager of a client that names none: its program.
func agent(userAgent string) string {
	name, _, _ := strings.Cut(userAgent, "/")
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0xfffd {
			return -1
		}
		return r
	}, name)
	if runes := []rune(name); len(runes) > 128 {
		name = string(runes[:128])
	}
	return name
}

var errNoBody = errors.New("the body of the request is empty")
