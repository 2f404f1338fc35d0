package api

import (
	"net/http"
	"net/url"
	"strings"
)

// serveGroup serves what lies under a group and version.
func (c *call) serveGroup() error {
	parts, err := segments(c.r.URL)
	if err != nil {
		return notServed()
	}
	group := ""
	if parts[0] == "api" {
		parts = parts[1:]
	} else {
		group, parts = parts[1], parts[2:]
	}
	if len(parts) == 0 {
		return c.serveDiscovery(group, "")
	}
	version, parts := parts[0], parts[1:]
	if len(parts) == 0 {
		return c.serveDiscovery(group, version)
	}
	// namespaces/N, namespaces/N/status and namespaces/N/finalize are about the
	// namespace itself.
	if len(parts) > 2 && parts[0] == "namespaces" && (len(parts) > 3 || findKind(group, version, parts[2]) != nil || group != "" || parts[2] != "status" && parts[2] != "finalize") {
		c.ns, parts = parts[1], parts[2:]
	}
	if review := reviews[group+"/"+version+"/"+parts[0]]; review != nil && len(parts) == 1 {
		if c.r.Method != http.MethodPost {
			return notAllowed()
		}
		return review(c)
	}
	if c.kind = findKind(group, version, parts[0]); c.kind == nil {
		return notServed()
	}
	if len(parts) > 1 {
		c.name = parts[1]
	}
	if len(parts) > 2 {
		c.sub, c.rest = parts[2], strings.Join(parts[3:], "/")
	}
	if c.ns != "" && !c.kind.Namespaced || c.kind.Namespaced && c.ns == "" && c.name != "" {
		return notServed()
	}
	if err := c.allowed(); err != nil {
		return err
	}
	switch {
	case c.sub == "proxy" && c.kind.Has("proxy"):
		return c.proxy()
	case c.sub != "" && (!c.kind.Has(c.sub) || c.rest != ""):
		return notServed()
	case c.sub == "log":
		return c.only(http.MethodGet, c.podLog)
	case c.sub == "exec":
		return c.exec()
	case c.sub == "scale":
		return c.scale()
	}
	return c.serveKind()
}

func (c *call) serveKind() error {
	var verbs map[string]func() error
	switch {
	case c.sub != "":
		verbs = map[string]func() error{http.MethodGet: c.get, http.MethodPut: c.update, http.MethodPatch: c.patch}
	case c.name != "":
		verbs = map[string]func() error{http.MethodGet: c.get, http.MethodPut: c.update, http.MethodPatch: c.patch, http.MethodDelete: c.remove}
	case c.kind.Namespaced && c.ns == "":
		verbs = map[string]func() error{http.MethodGet: c.list}
	default:
		verbs = map[string]func() error{http.MethodGet: c.list, http.MethodPost: c.create, http.MethodDelete: c.removeAll}
	}
	f := verbs[c.r.Method]
	if f == nil {
		return notAllowed()
	}
	return f()
}

func (c *call) only(method string, f func() error) error {
	if c.r.Method != method {
		return notAllowed()
	}
	return f()
}

// segments are the parts of a path, each decoded for itself; empty ones lead
// nowhere.
func segments(u *url.URL) ([]string, error) {
	var out []string
	for _, s := range strings.Split(strings.Trim(u.EscapedPath(), "/"), "/") {
		p, err := url.PathUnescape(s)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}
