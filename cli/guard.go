package cli

import (
	"errors"
	"fmt"
	"net/http"

	"rollbook/text"
)

// errReadOnly is the error of a request that --read-only did not let leave.
var errReadOnly = errors.New("--read-only")

// GetOnly lets GET and HEAD through to rt, and nothing else: what the
// integrations' clients are given under --read-only. It stands where requests
// leave, so that no key and no code path can get around it.
func GetOnly(rt http.RoundTripper) http.RoundTripper { return getOnly{rt} }

type getOnly struct{ rt http.RoundTripper }

func (g getOnly) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method == http.MethodGet || req.Method == http.MethodHead || req.Method == "" {
		return g.rt.RoundTrip(req)
	}
	if req.Body != nil {
		req.Body.Close()
	}
	return nil, fmt.Errorf("%w: no %s leaves; start without it to send", errReadOnly, text.Line(req.Method))
}
