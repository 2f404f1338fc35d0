package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"rollbook/model"
	"rollbook/text"
)

// Why an object that may be absent is not read. The wrapping error has the API
// server's words.
var (
	// ErrNotFound: there is none.
	ErrNotFound = errors.New("not found")
	// ErrForbidden: the user may not read it.
	ErrForbidden = errors.New("forbidden")
)

// ConfigMap reads the data of one ConfigMap of the namespace. The error is
// ErrNotFound or ErrForbidden where asking again brings nothing else. The values
// are as they were written: whoever shows them has to clean them.
func (c *Client) ConfigMap(ctx context.Context, name string) (map[string]string, error) {
	body, err := c.do(ctx, call{method: http.MethodGet, path: corePath(c.namespace, "configmaps", name)})
	if err != nil {
		kind := err
		switch {
		case apierrors.IsNotFound(err):
			kind = ErrNotFound
		case apierrors.IsForbidden(err):
			kind = ErrForbidden
		}
		return nil, model.Told(kind, err, "%s", because(err))
	}
	var o struct{ Data map[string]string }
	if err := json.Unmarshal(body, &o); err != nil {
		return nil, fmt.Errorf("ConfigMap %s: the API server's answer cannot be read: %s", name, text.Line(err.Error()))
	}
	return o.Data, nil
}
