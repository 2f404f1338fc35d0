package metrics

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/prometheus/client_golang/api"
)

// errOurTimeout is the cause of a context that ended because a query took too
// long, and not because the caller lost interest.
var errOurTimeout = errors.New("query time-out")

// getter is the api.Client under prom.API: it sends everything by GET, bounds
// the size of an answer, and turns all that is not a success into an *Error.
//
// client_golang v1.25 posts queries first and falls back to GET on 403, 405 and
// 501. Here the POST never leaves: it is sent as the GET that the fallback
// would make (the form's values in the URL's query, which all the endpoints that
// it posts to take). Since getter returns an error and no response for those
// codes, the fallback does not ask a second time either.
type getter struct {
	r    *reader
	api  api.Client // for URL only
	http *http.Client
}

func (g *getter) URL(ep string, args map[string]string) *url.URL { return g.api.URL(ep, args) }

func (g *getter) Do(ctx context.Context, req *http.Request) (*http.Response, []byte, error) {
	req, err := asGET(ctx, req)
	if err != nil {
		return nil, nil, err
	}
	resp, err := g.http.Do(req)
	if err != nil {
		return nil, nil, g.r.failed(ctx, err)
	}
	defer resp.Body.Close()
	query := req.URL.Query().Get("query")
	if resp.StatusCode/100 != 2 {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 16<<10))
		return nil, nil, g.r.answered(resp, body, query)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, g.r.largest+1))
	if err != nil {
		return nil, nil, g.r.failed(ctx, err)
	}
	if int64(len(body)) > g.r.largest {
		return nil, nil, &Error{Kind: ErrAnswer, To: g.r.to, Query: query,
			Why: fmt.Sprintf("the answer is larger than %d MiB", g.r.largest>>20)}
	}
	// A login page comes with 200 too.
	if !strings.HasPrefix(strings.TrimLeft(string(body[:min(64, len(body))]), " \t\r\n"), "{") {
		return nil, nil, &Error{Kind: ErrNotPrometheus, To: g.r.to, Why: "no Prometheus API there: the answer is not JSON but " + kindOf(resp)}
	}
	if partial(body) {
		return nil, nil, &Error{Kind: ErrAnswer, To: g.r.to, Query: query, Why: "incomplete answer: it says isPartial, a part of its storage does not answer"}
	}
	return resp, body, nil
}

// partial says whether an answer says of itself that it is not whole, as
// VictoriaMetrics does, beside the data: client_golang does not read that.
func partial(body []byte) bool {
	if !bytes.Contains(body, []byte(`"isPartial"`)) { // most answers are not read twice
		return false
	}
	var whole struct {
		IsPartial bool `json:"isPartial"`
	}
	return json.Unmarshal(body, &whole) == nil && whole.IsPartial
}

func kindOf(resp *http.Response) string {
	kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	switch kind {
	case "text/html":
		return "a page for browsers, perhaps a login"
	case "":
		return "something else"
	}
	if len(kind) > 40 {
		kind = kind[:40]
	}
	return strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, kind), "")
}

// asGET is req with its form, if it has one, in the URL.
func asGET(ctx context.Context, req *http.Request) (*http.Request, error) {
	if req.Method == http.MethodGet {
		return req.WithContext(ctx), nil
	}
	if req.Method != http.MethodPost || req.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		return nil, fmt.Errorf("metrics: refuses to send %s", req.Method)
	}
	form, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	u := *req.URL
	u.RawQuery = string(form) // client_golang began the form with the URL's own query
	return http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
}

// redirects follows a redirect only within the base: to another host it would
// take headers and tokens along (prometheus/common drops most of them, but lets
// subdomains have them), to another path of the API server it would be a
// request that nobody meant.
func redirects(base *url.URL, follow bool) func(*http.Request, []*http.Request) error {
	prefix := strings.TrimRight(base.Path, "/") + "/"
	return func(req *http.Request, via []*http.Request) error {
		switch {
		case !follow:
			return http.ErrUseLastResponse
		case req.URL.Host != base.Host || base.Scheme == "https" && req.URL.Scheme != "https" ||
			!strings.HasPrefix(req.URL.Path, prefix):
			return errElsewhere{host: req.URL.Host}
		case len(via) >= 5:
			return errors.New("too many redirects")
		}
		return nil
	}
}
