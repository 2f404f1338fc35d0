package kube

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"rollbook/text"
)

// Plugin is the program that the kubeconfig's credentials come from; "" when
// they come from no program.
func (c *Client) Plugin() string {
	if c.cfg.ExecProvider == nil {
		return ""
	}
	return text.Line(c.cfg.ExecProvider.Command)
}

// Login asks the API server once, so that the credentials' program runs again
// when it has to. The caller has given the terminal away: the program may ask
// there, and takes the time that its operator takes. What was not read for want
// of credentials is read at once then.
func (c *Client) Login(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.host+"/readyz", nil)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("log in with %s: %s", c.Plugin(), transportWords(err, hostOf(c.host), c.limit))
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16))
	// An answer of 401 had the program run once more; whether it brought
	// something better the next request shows.
	raise(c.retarget)
	return nil
}

// loggedOut says whether the last sign of life shows that the credentials'
// program is to be run by its operator.
func (c *Client) loggedOut(err error, status int) bool {
	if c.cfg.ExecProvider == nil {
		return false
	}
	return status == http.StatusUnauthorized || err != nil && strings.Contains(err.Error(), "getting credentials")
}
