package kube

import (
	"os"
	"slices"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"
)

// The Role that doctor names for a right that is missing gives it.
func TestRightsAreInTheirRoles(t *testing.T) {
	for _, r := range rights {
		if r.role == "" {
			continue
		}
		data, err := os.ReadFile("../docs/rbac/" + r.role + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		var role rbacv1.Role
		if err := yaml.UnmarshalStrict(data, &role); err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(role.Rules, func(x rbacv1.PolicyRule) bool {
			return slices.Contains(x.APIGroups, r.group) && slices.Contains(x.Resources, r.resource) && slices.Contains(x.Verbs, r.verb)
		}) {
			t.Errorf("%s does not give %s on %s", r.role, r.verb, r.resource)
		}
	}
}
