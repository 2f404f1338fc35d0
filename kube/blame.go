package kube

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"

	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/rest"

	"rollbook/text"
)

// exitCode finds how the credentials' program ended: client-go says it in words
// alone.
var exitCode = text.Pattern(`exit code \d+`)

// credentialWords says why the credentials' program brought nothing, in its own
// words where it has some: what to do stands in them.
func (c *Client) credentialWords(s string) string {
	why := text.Line(s)
	said := ""
	if c.said != nil {
		said = c.said()
	}
	if said == "" || c.Plugin() == "" {
		return why
	}
	program := filepath.Base(c.Plugin())
	if code := exitCode().FindString(s); code != "" {
		return fmt.Sprintf("%s (%s, %s)", said, program, code)
	}
	return why + ": " + said
}

// proxy is what stands between here and the API server.
type proxy struct{ host, source string }

func (p *proxy) String() string { return "the proxy " + p.host + " (" + p.source + ")" }

// proxyOf returns the proxy that requests to a server go through; nil without one.
func proxyOf(cfg *rest.Config, server *url.URL) *proxy {
	ask, source := cfg.Proxy, "proxy-url in the kubeconfig"
	if ask == nil {
		ask, source = utilnet.NewProxierWithNoProxyCIDR(http.ProxyFromEnvironment), strings.ToUpper(server.Scheme)+"_PROXY"
	}
	u, err := ask(&http.Request{URL: server})
	if err != nil || u == nil {
		return nil
	}
	if pass, ok := u.User.Password(); ok {
		text.Know(pass)
	}
	return &proxy{text.Line(u.Host), source}
}

// proxyOn names the proxy when it is what an error is about; "" when the server is.
func (c *Client) proxyOn(err error) string {
	if c.via == nil {
		return ""
	}
	for at := err; at != nil; at = errors.Unwrap(at) {
		op, ok := at.(*net.OpError) //nolint:errorlint // any of the chain, not the first
		if ok && (op.Op == "proxyconnect" || strings.HasPrefix(op.Op, "socks")) {
			return c.via.String()
		}
	}
	// What a proxy answers to CONNECT comes as the bare words of its status.
	last := lastWords(err)
	for code := 400; code < 600; code++ {
		if words := http.StatusText(code); words != "" && words == last {
			return c.via.String()
		}
	}
	return ""
}

// lastWords returns the words of the innermost error.
func lastWords(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return text.Line(err.Error())
		}
		err = inner
	}
}
