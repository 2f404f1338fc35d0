package oncall

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"rollbook/text"
)

func (c *Client) ask(ctx context.Context, path string, query url.Values, authorization string) ([]byte, error) {
	header := http.Header{"Authorization": {authorization}, "Accept": {"application/json"}}
	if c.conf.Grafana != "" {
		header.Set("X-Grafana-URL", c.conf.Grafana)
	}
	a, err := c.once.Ask(ctx, c.base+path+"?"+query.Encode(), header)
	if err != nil {
		return nil, err
	}
	if a.Status != http.StatusOK {
		return nil, errAnswer{a.Status, c.to + ": " + c.explain(a.Status, a.Body, a.Header.Get("Retry-After"))}
	}
	return a.Body, nil
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
