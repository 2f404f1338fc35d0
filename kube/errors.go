package kube

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"rollbook/model"
	"rollbook/text"
)

// The reasons why Connect does not get as far as a client. The wrapping error
// says what to do about it.
var (
	// ErrNoConfig: there is no kubeconfig, and this is not a pod.
	ErrNoConfig = errors.New("no kubeconfig found")
	// ErrNoContext: the context that was asked for is not in the kubeconfig.
	ErrNoContext = errors.New("no such context")
	// ErrBadConfig: the kubeconfig cannot be read or contradicts itself.
	ErrBadConfig = errors.New("the kubeconfig cannot be used")
)

// words are an error's own words, for one line of the screen: the API server's
// message where there is one, without the noise of nested Go errors.
func words(err error) string {
	var st apierrors.APIStatus
	if errors.As(err, &st) && st.Status().Message != "" {
		return text.Line(st.Status().Message)
	}
	if errors.Is(err, model.ErrReadOnly) {
		return model.ErrReadOnly.Error()
	}
	return text.Line(err.Error())
}

// transportWords says in plain words why the API server could not be asked, and
// who is to blame: it, the proxy on the way to it, or the program that the
// credentials come from.
func (c *Client) transportWords(err error, limit time.Duration) string {
	var dns *net.DNSError
	var op *net.OpError
	var none *noCredentials
	host, s := hostOf(c.host), err.Error()
	proxy := c.proxyOn(err)
	switch {
	case errors.As(err, &none) && none.slow:
		return fmt.Sprintf("the credentials' program %s has not ended within %s", c.Plugin(), model.Short(limit))
	case none != nil:
		return c.credentialWords(none.Error())
	case proxy != "" && errors.As(err, &dns):
		return fmt.Sprintf("%s cannot be found: the name %s cannot be resolved: %s", proxy, text.Line(dns.Name), text.Line(dns.Err))
	case proxy != "" && strings.Contains(s, "connection refused"):
		return proxy + " refuses the connection: is the tunnel up?"
	case proxy != "":
		return proxy + " did not let the connection through: " + lastWords(err)
	case errors.Is(err, context.DeadlineExceeded), strings.Contains(s, "Client.Timeout"):
		through, within := "", "within "+model.Short(limit)
		if c.via != nil {
			through = " through " + c.via.String()
		}
		if limit < time.Second { // the last of several calls that have one limit
			within = "in the time that was left"
		}
		return fmt.Sprintf("no answer from %s%s %s", host, through, within)
	case errors.As(err, &dns):
		return fmt.Sprintf("the name %s cannot be resolved: %s", text.Line(dns.Name), text.Line(dns.Err))
	case strings.Contains(s, "connection refused"):
		return fmt.Sprintf("connection to %s refused: nothing listens there", host)
	case strings.Contains(s, "x509:"):
		return "certificate not trusted: " + text.Line(s[strings.Index(s, "x509:"):])
	case errors.As(err, &op):
		return fmt.Sprintf("%s: %s", host, text.Line(op.Err.Error()))
	}
	var request *url.Error
	if errors.As(err, &request) { // method and address tell nothing
		s = request.Err.Error()
	}
	return text.Line(s)
}

// because says why a kind of object cannot be shown: "forbidden: …" or the
// server's words.
func because(err error) string {
	switch {
	case err == nil:
		return ""
	case apierrors.IsForbidden(err):
		return "forbidden: " + words(err)
	case apierrors.IsUnauthorized(err):
		return "not logged in: " + words(err)
	case apierrors.IsTooManyRequests(err):
		return overloaded
	}
	return words(err)
}
