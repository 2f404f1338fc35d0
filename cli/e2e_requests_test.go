//go:build e2e

package cli

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
)

// request is a call as the API server's authorization sees it.
type request struct {
	namespace, verb, group string
	resource               string // with its subresource: pods/log
}

func (a request) String() string {
	return fmt.Sprintf("%s %s in %s", a.verb, strings.TrimPrefix(a.group+"/"+a.resource, "/"), a.namespace)
}

// answered keeps what a request that passed was, and whether it was forbidden.
func (r *recorder) answered(resp *http.Response) error {
	all := askedBy(resp.Request)
	if resp.Request.Method == http.MethodPatch && resp.StatusCode == http.StatusCreated { // what was applied was not there
		made := all[0]
		made.verb = "create"
		all = append(all, made)
	}
	for _, a := range all {
		r.mu.Lock()
		before, again := r.asked[a]
		r.asked[a] = resp.StatusCode == http.StatusForbidden && (before || !again)
		r.mu.Unlock()
	}
	return nil
}

// requests returns what was asked for, and what of it was forbidden, each time.
func (r *recorder) requests() (all, forbidden []request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for a, no := range r.asked {
		all = append(all, a)
		if no {
			forbidden = append(forbidden, a)
		}
	}
	return all, forbidden
}

// askedBy returns what a request needs the right to; nothing where everybody who is known
// to the API server has it: its version and its groups, and to ask about themselves.
func askedBy(r *http.Request) []request {
	p := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	a := request{}
	switch {
	case p[0] == "api" && len(p) > 2:
		p = p[2:]
	case p[0] == "apis" && len(p) > 3:
		a.group, p = p[1], p[3:]
	default:
		return nil
	}
	if strings.HasPrefix(p[0], "selfsubject") {
		return nil
	}
	if p[0] == "namespaces" && len(p) > 1 {
		a.namespace = p[1]
		if len(p) > 2 {
			p = p[2:]
		}
	}
	a.resource = p[0]
	if len(p) > 2 {
		a.resource += "/" + p[2]
	}
	named := len(p) > 1
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		switch {
		case named:
			a.verb = "get"
		case r.URL.Query().Get("watch") != "":
			a.verb = "watch"
		default:
			a.verb = "list"
		}
	default:
		a.verb = map[string]string{http.MethodPost: "create", http.MethodPut: "update", http.MethodPatch: "patch", http.MethodDelete: "delete"}[r.Method]
	}
	out := []request{a}
	switch {
	case a.resource == "pods/exec": // by a WebSocket, which is a GET: the server asks for both
		a.verb = "create"
		return append(out, a)
	case a.verb == "watch": // a server that cannot send the beginning with it is listed first
		a.verb = "list"
		return append(out, a)
	}
	return out
}

// verbs are those that a request can have, in the order in which a Role lists them.
var verbs = []string{"get", "list", "watch", "create", "update", "patch", "delete"}

// rulesFor sums requests up into the rules of a Role.
func rulesFor(all []request) (out []rbacv1.PolicyRule) {
	of := map[request][]string{} // by group and resource
	for _, a := range all {
		key := request{group: a.group, resource: a.resource}
		if !slices.Contains(of[key], a.verb) {
			of[key] = append(of[key], a.verb)
		}
	}
	keys := slices.SortedFunc(maps.Keys(of), func(a, b request) int {
		return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(a.resource, b.resource))
	})
	for _, k := range keys {
		slices.SortFunc(of[k], func(a, b string) int { return slices.Index(verbs, a) - slices.Index(verbs, b) })
		if n := len(out) - 1; n >= 0 && out[n].APIGroups[0] == k.group && slices.Equal(out[n].Verbs, of[k]) {
			out[n].Resources = append(out[n].Resources, k.resource)
			continue
		}
		out = append(out, rbacv1.PolicyRule{APIGroups: []string{k.group}, Resources: []string{k.resource}, Verbs: of[k]})
	}
	return out
}

// roleYAML writes a Role as a person would.
func roleYAML(name, what string, rules []rbacv1.PolicyRule) string {
	var s strings.Builder
	fmt.Fprintf(&s, "# %s\n# Written from the requests that rollbook makes, by make rbac: do not edit.\n"+
		"apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: %s}\nrules:\n", strings.ReplaceAll(what, "\n", "\n# "), name)
	for _, r := range rules {
		fmt.Fprintf(&s, "- {apiGroups: [%s], resources: [%s], verbs: [%s]}\n", cmp.Or(r.APIGroups[0], `""`), strings.Join(r.Resources, ", "), strings.Join(r.Verbs, ", "))
	}
	return s.String()
}
