package api

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"rollbook/sandbox/store"
)

// proxy passes a request on to a service: [SCHEME:]NAME[:PORT]. Prometheus is
// the only one where somebody answers.
func (c *call) proxy() error {
	name, port := c.name, ""
	if parts := strings.Split(name, ":"); len(parts) == 3 {
		name, port = parts[1], parts[2]
	} else if len(parts) == 2 {
		name, port = parts[0], parts[1]
	}
	u, err := c.Store.Get(store.Services, c.ns, name)
	if err != nil {
		return err
	}
	t, err := typed(u)
	if err != nil {
		return err
	}
	svc, ok := t.(*corev1.Service)
	if !ok || !serves(svc, port) {
		return apierrors.NewServiceUnavailable(fmt.Sprintf("no service port %q found for service %q", port, name))
	}
	if c.Prometheus == nil || c.ns != "monitoring" || name != "prometheus" {
		return apierrors.NewServiceUnavailable(fmt.Sprintf("no endpoints available for service %q", c.name))
	}
	if c.rest == "" && !strings.HasSuffix(c.r.URL.Path, "/") {
		c.stream = true
		http.Redirect(c.w, c.r, c.r.URL.Path+"/", http.StatusMovedPermanently)
		return nil
	}
	out := c.r.Clone(c.r.Context())
	_, raw, _ := strings.Cut(c.r.URL.EscapedPath(), "/proxy/")
	raw = "/" + raw
	path, err := url.PathUnescape(raw)
	if err != nil {
		return apierrors.NewBadRequest(err.Error())
	}
	out.URL.Path, out.URL.RawPath = path, raw
	out.RequestURI = out.URL.RequestURI()
	out.Header.Del("Authorization") // the token is for this API alone
	c.stream = true
	c.Prometheus.ServeHTTP(c.w, out)
	return nil
}

func serves(svc *corev1.Service, port string) bool {
	for i := range svc.Spec.Ports {
		p := &svc.Spec.Ports[i]
		if port == "" && len(svc.Spec.Ports) == 1 || port == p.Name && port != "" || port == strconv.Itoa(int(p.Port)) {
			return true
		}
	}
	return false
}
