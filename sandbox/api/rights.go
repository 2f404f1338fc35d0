package api

import (
	"fmt"
	"net/http"
	"slices"

	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// verb returns what a request is to do, as rights name it.
func (c *call) verb() string {
	watch := c.r.URL.Query().Get("watch")
	switch c.r.Method {
	case http.MethodPost:
		return "create"
	case http.MethodPut:
		return "update"
	case http.MethodPatch:
		return "patch"
	case http.MethodDelete:
		if c.name == "" {
			return "deletecollection"
		}
		return "delete"
	}
	switch {
	case watch == "true" || watch == "1":
		return "watch"
	case c.name == "":
		return "list"
	}
	return "get"
}

// resource returns a resource with its part, as rights name it.
func resource(plural, sub string) string {
	if sub == "" {
		return plural
	}
	return plural + "/" + sub
}

// allowed refuses what the user has no right to, in RBAC's words. A command in a pod needs
// create, also where it is asked for by GET.
func (c *call) allowed() error {
	verb, what := c.verb(), resource(c.kind.Plural, c.sub)
	if c.sub == "exec" {
		verb = "create"
	}
	if c.May(verb, what) {
		return nil
	}
	where := "at the cluster scope"
	if c.ns != "" {
		where = fmt.Sprintf("in the namespace %q", c.ns)
	}
	return apierrors.NewForbidden(schema.GroupResource{Group: c.kind.Group, Resource: what}, c.name,
		fmt.Errorf("User %q cannot %s resource %q in API group %q %s", c.User, verb, what, c.kind.Group, where))
}

// rules lists what the user may do.
func (c *call) rules() (out []authorizationv1.ResourceRule) {
	whole := true
	for _, k := range kinds {
		for _, sub := range append([]string{""}, k.Subs...) {
			may := slices.DeleteFunc(slices.Clone(verbs), func(v string) bool { return !c.May(v, resource(k.Plural, sub)) })
			whole = whole && len(may) == len(verbs)
			out = append(out, authorizationv1.ResourceRule{Verbs: may, APIGroups: []string{k.Group}, Resources: []string{resource(k.Plural, sub)}})
		}
	}
	if whole {
		all := []string{"*"}
		return []authorizationv1.ResourceRule{{Verbs: all, APIGroups: all, Resources: all}}
	}
	return out
}

var verbs = []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"}
