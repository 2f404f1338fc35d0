package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"rollbook/text"
)

// ServiceProxyURL is where a service is reached through the API server, which
// needs no network path but the one that kubectl has. It takes
// "service:NAMESPACE/NAME:PORT", the port as a number or by name, and
// "service:NAMESPACE/https:NAME:PORT" for one that speaks TLS. Requests to it
// go through HTTPClient.
func (c *Client) ServiceProxyURL(service string) (string, error) {
	bad := func() (string, error) {
		return "", fmt.Errorf("%q is not a service: it is written service:NAMESPACE/NAME:PORT, as in service:monitoring/prometheus:9090", text.Line(service))
	}
	rest, ok := strings.CutPrefix(service, "service:")
	ns, name, ok2 := strings.Cut(rest, "/")
	if !ok || !ok2 || ns == "" || name == "" || strings.ContainsAny(name, "/?#%") || strings.ContainsAny(ns, ":?#%.") {
		return bad()
	}
	parts := strings.Split(name, ":")
	if len(parts) > 3 || slices.Contains(parts, "") || (len(parts) == 3 && parts[0] != "http" && parts[0] != "https") {
		return bad()
	}
	return c.host + corePath(ns, "services", "") + "/" + name + "/proxy", nil
}

// wellKnown are the Prometheus services of the usual installations, in the
// order in which they are preferred: the one that balances over all replicas
// comes before a headless one.
var wellKnown = []string{
	"kube-prometheus-stack-prometheus", "prometheus-kube-prometheus-prometheus", "prometheus-k8s",
	"prometheus-server", "prometheus", "prometheus-operated",
}

// FindPrometheus looks for a Prometheus in the cluster, as a service that
// ServiceProxyURL takes: by label and by the names of the usual installations,
// in the namespace monitoring, then in all. The error says what was tried.
func (c *Client) FindPrometheus(ctx context.Context) (string, error) {
	var tried []string
	for _, ns := range []string{"monitoring", c.namespace, ""} {
		where := "namespace " + ns
		if ns == "" {
			where = "all namespaces"
		}
		found, err := c.services(ctx, ns)
		if err != nil {
			tried = append(tried, where+": "+because(err))
			continue
		}
		if s := best(found); s != "" {
			return s, nil
		}
		tried = append(tried, where+": none")
	}
	return "", fmt.Errorf("no Prometheus found: looked for the label app.kubernetes.io/name=prometheus and for services called %s (%s): give --prometheus",
		strings.Join(wellKnown, ", "), strings.Join(tried, "; "))
}

type service struct {
	Metadata struct {
		Name, Namespace string
		Labels          map[string]string
	}
	Spec struct {
		Ports []struct {
			Name string
			Port int
		}
	}
}

func (c *Client) services(ctx context.Context, ns string) ([]service, error) {
	body, err := c.do(ctx, call{method: http.MethodGet, path: corePath(ns, "services", ""), query: url.Values{"limit": {"2000"}}})
	if err != nil {
		return nil, err
	}
	var list struct{ Items []service }
	err = json.Unmarshal(body, &list)
	return list.Items, err
}

// best is the service to take, "" for none: by its well-known name first, then
// by its label.
func best(found []service) string {
	for _, name := range wellKnown {
		for i := range found {
			if found[i].Metadata.Name == name {
				return found[i].address()
			}
		}
	}
	for i := range found {
		s := &found[i]
		if s.Metadata.Labels["app.kubernetes.io/name"] == "prometheus" || s.Metadata.Labels["operated-prometheus"] == "true" {
			return s.address()
		}
	}
	return ""
}

func (s *service) address() string {
	port, scheme := 0, ""
	for _, p := range s.Spec.Ports {
		if p.Port == 9090 || port == 0 || strings.Contains(p.Name, "web") {
			port = p.Port
			if p.Name == "https" || p.Name == "https-web" {
				scheme = "https:"
			} else {
				scheme = ""
			}
			if p.Port == 9090 || strings.Contains(p.Name, "web") {
				break
			}
		}
	}
	if port == 0 {
		port = 9090
	}
	return fmt.Sprintf("service:%s/%s%s:%d", s.Metadata.Namespace, scheme, s.Metadata.Name, port)
}
