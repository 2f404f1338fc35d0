package api

import (
	"mime"
	"net/http"
	"slices"
	"strings"

	discoveryv2 "k8s.io/api/apidiscovery/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"
)

// Version is what the API server says it is.
const Version = "v1.37.2"

// discovery is what is served, told in both ways that clients ask for.
type discovery struct {
	groups    []metav1.APIGroup // without the core group
	resources map[schema.GroupVersion]*metav1.APIResourceList
	core      *discoveryv2.APIGroupDiscoveryList // for /api
	rest      *discoveryv2.APIGroupDiscoveryList // for /apis
}

var (
	objectVerbs = []string{"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"}
	partVerbs   = []string{"get", "patch", "update"}
)

// posted are the reviews' kinds, which can only be created.
var posted = []struct {
	gv           schema.GroupVersion
	plural, kind string
}{
	{schema.GroupVersion{Group: "authentication.k8s.io", Version: "v1"}, "selfsubjectreviews", "SelfSubjectReview"},
	{schema.GroupVersion{Group: "authorization.k8s.io", Version: "v1"}, "selfsubjectaccessreviews", "SelfSubjectAccessReview"},
	{schema.GroupVersion{Group: "authorization.k8s.io", Version: "v1"}, "selfsubjectrulesreviews", "SelfSubjectRulesReview"},
}

func discover() *discovery {
	d := &discovery{resources: map[schema.GroupVersion]*metav1.APIResourceList{}}
	var order []schema.GroupVersion
	at := func(gv schema.GroupVersion) *metav1.APIResourceList {
		if d.resources[gv] == nil {
			d.resources[gv] = &metav1.APIResourceList{TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: gv.String()}
			order = append(order, gv)
		}
		return d.resources[gv]
	}
	for _, k := range kinds {
		l := at(k.GV())
		l.APIResources = append(l.APIResources, metav1.APIResource{Name: k.Plural, SingularName: k.Singular, Namespaced: k.Namespaced, Kind: k.Kind,
			Verbs: objectVerbs, ShortNames: k.Short, Categories: k.Categories})
		for _, sub := range k.Subs {
			l.APIResources = append(l.APIResources, subresource(k, sub))
		}
	}
	for _, p := range posted {
		l := at(p.gv)
		l.APIResources = append(l.APIResources, metav1.APIResource{Name: p.plural, SingularName: strings.TrimSuffix(p.plural, "s"), Kind: p.kind, Verbs: []string{"create"}})
	}
	d.core, d.rest = newDiscoveryList(), newDiscoveryList()
	for _, gv := range order {
		v := metav1.GroupVersionForDiscovery{GroupVersion: gv.String(), Version: gv.Version}
		list := d.rest
		if gv.Group == "" {
			list = d.core
		} else {
			d.groups = append(d.groups, metav1.APIGroup{Name: gv.Group, Versions: []metav1.GroupVersionForDiscovery{v}, PreferredVersion: v})
		}
		list.Items = append(list.Items, discoveryv2.APIGroupDiscovery{ObjectMeta: metav1.ObjectMeta{Name: gv.Group},
			Versions: []discoveryv2.APIVersionDiscovery{{Version: gv.Version, Freshness: discoveryv2.DiscoveryFreshnessCurrent, Resources: aggregated(gv, d.resources[gv])}}})
	}
	return d
}

func newDiscoveryList() *discoveryv2.APIGroupDiscoveryList {
	return &discoveryv2.APIGroupDiscoveryList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupDiscoveryList", APIVersion: "apidiscovery.k8s.io/v2"}}
}

func subresource(k *kind, sub string) metav1.APIResource {
	r := metav1.APIResource{Name: k.Plural + "/" + sub, Namespaced: k.Namespaced, Kind: k.Kind, Verbs: partVerbs}
	switch sub {
	case "scale":
		r.Group, r.Version, r.Kind = scaleKind.Group, scaleKind.Version, scaleKind.Kind
	case "log":
		r.Verbs = []string{"get"}
	case "exec":
		r.Kind, r.Verbs = "PodExecOptions", []string{"create", "get"}
	case "proxy":
		r.Kind, r.Verbs = "ServiceProxyOptions", []string{"create", "delete", "get", "patch", "update"}
	}
	return r
}

func aggregated(gv schema.GroupVersion, l *metav1.APIResourceList) []discoveryv2.APIResourceDiscovery {
	var out []discoveryv2.APIResourceDiscovery
	for i := range l.APIResources {
		r := &l.APIResources[i]
		kind := &metav1.GroupVersionKind{Group: gv.Group, Version: gv.Version, Kind: r.Kind}
		if r.Version != "" {
			kind.Group, kind.Version = r.Group, r.Version
		}
		if _, sub, ok := strings.Cut(r.Name, "/"); ok {
			last := &out[len(out)-1]
			last.Subresources = append(last.Subresources, discoveryv2.APISubresourceDiscovery{Subresource: sub, ResponseKind: kind, Verbs: r.Verbs})
			continue
		}
		scope := discoveryv2.ScopeCluster
		if r.Namespaced {
			scope = discoveryv2.ScopeNamespace
		}
		out = append(out, discoveryv2.APIResourceDiscovery{Resource: r.Name, ResponseKind: kind, Scope: scope,
			SingularResource: r.SingularName, Verbs: r.Verbs, ShortNames: r.ShortNames, Categories: r.Categories})
	}
	return out
}

const aggregatedType = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

// wantsAggregated says whether the client takes all groups in one answer.
func wantsAggregated(accept string) bool {
	return slices.ContainsFunc(strings.Split(accept, ","), func(clause string) bool {
		kind, p, err := mime.ParseMediaType(strings.TrimSpace(clause))
		return err == nil && kind == "application/json" && p["as"] == "APIGroupDiscoveryList" && p["g"] == "apidiscovery.k8s.io" && p["v"] == "v2"
	})
}

// serveDiscovery serves a group, or one of its versions.
func (c *call) serveDiscovery(group, ver string) error {
	if c.r.Method != http.MethodGet {
		return notAllowed()
	}
	if ver != "" {
		l := c.discovery.resources[schema.GroupVersion{Group: group, Version: ver}]
		if l == nil {
			return notServed()
		}
		return c.json(http.StatusOK, l)
	}
	for i := range c.discovery.groups {
		if g := c.discovery.groups[i]; g.Name == group {
			g.TypeMeta = metav1.TypeMeta{Kind: "APIGroup", APIVersion: "v1"}
			return c.json(http.StatusOK, &g)
		}
	}
	return notServed()
}

// serveOther serves what is no group: the roots of discovery, health, version.
func (c *call) serveOther(path string) error {
	if path == "/openapi/v2" {
		return c.only(http.MethodGet, c.openapiV2)
	}
	if strings.HasPrefix(path, "/openapi/v3") {
		return c.only(http.MethodGet, func() error { return c.openapi(path) })
	}
	answers := map[string]func() error{
		"": func() error {
			return c.json(http.StatusOK, metav1.RootPaths{Paths: []string{"/api", "/api/v1", "/apis", "/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version"}})
		},
		"/api": func() error {
			if wantsAggregated(c.r.Header.Get("Accept")) {
				return c.jsonAs(http.StatusOK, aggregatedType, c.discovery.core)
			}
			return c.json(http.StatusOK, &metav1.APIVersions{TypeMeta: metav1.TypeMeta{Kind: "APIVersions"}, Versions: []string{"v1"},
				ServerAddressByClientCIDRs: []metav1.ServerAddressByClientCIDR{{ClientCIDR: "0.0.0.0/0", ServerAddress: c.r.Host}}})
		},
		"/apis": func() error {
			if wantsAggregated(c.r.Header.Get("Accept")) {
				return c.jsonAs(http.StatusOK, aggregatedType, c.discovery.rest)
			}
			return c.json(http.StatusOK, &metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}, Groups: c.discovery.groups})
		},
		"/version": func() error {
			return c.json(http.StatusOK, version.Info{Major: "1", Minor: "37", GitVersion: Version, GitTreeState: "clean", Compiler: "gc", Platform: "linux/amd64", GoVersion: "go1.26"})
		},
		"/readyz": c.ok, "/livez": c.ok, "/healthz": c.ok,
	}
	f := answers[path]
	if f == nil {
		return notServed()
	}
	return c.only(http.MethodGet, f)
}

func (c *call) ok() error {
	c.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	c.stream = true
	_, _ = c.w.Write([]byte("ok")) // nobody to tell
	return nil
}

func (c *call) json(code int, v any) error { return c.jsonAs(code, "application/json", v) }

func (c *call) jsonAs(code int, kind string, v any) error {
	body, err := marshal(v)
	if err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", kind)
	c.w.WriteHeader(code)
	c.stream = true
	_, _ = c.w.Write(append(body, '\n')) // a client that is gone reads no error either
	return nil
}
