package oncall

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"rollbook/text"
)

// deadline bounds a request when the caller's context does not.
const deadline = 10 * time.Second

const maxAnswer = 4 << 20

func (c *Client) ask(ctx context.Context, path string, query url.Values, authorization string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path+"?"+query.Encode(), nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %s", c.to, c.redact.Line(err.Error()))
	}
	req.Header.Set("Authorization", authorization)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "rollbook")
	if c.conf.Grafana != "" {
		req.Header.Set("X-Grafana-URL", c.conf.Grafana)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.failed(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case resp.StatusCode != http.StatusOK:
		return nil, errAnswer{resp.StatusCode, c.to + ": " + c.explain(resp.StatusCode, data, resp.Header.Get("Retry-After"))}
	case err != nil:
		return nil, c.failed(err)
	case len(data) > maxAnswer:
		return nil, fmt.Errorf("%s: the answer is larger than %d MiB", c.to, maxAnswer>>20)
	}
	return data, nil
}

func (c *Client) failed(err error) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		err = u.Err // the host is told already
	}
	switch {
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("%s: %w", c.to, context.Canceled)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: no answer in time: %w", c.to, context.DeadlineExceeded)
	}
	return fmt.Errorf("%s: cannot connect: %s", c.to, c.redact.Line(err.Error()))
}

// explain puts a refusal into words, with what to do about it.
func (c *Client) explain(status int, body []byte, after string) string {
	why := fmt.Sprintf("%d %s", status, http.StatusText(status))
	var said struct{ Detail string }
	if json.Unmarshal(body, &said) == nil && said.Detail != "" {
		why += ": " + text.Truncate(c.redact.Line(said.Detail), 200)
	}
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return why + "; look at the token, and in Grafana Cloud at grafana_url"
	case status == http.StatusNotFound:
		return why + "; is the URL that of the OnCall API?"
	case status == http.StatusTooManyRequests && after != "":
		return why + "; it asks to wait " + text.Truncate(text.Line(after), 40) + " seconds"
	case status/100 == 3:
		return why + "; a redirect, which is not followed with a token: is the URL that of the OnCall API?"
	}
	return why
}
