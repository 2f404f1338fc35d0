package cluster

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// A user is somebody with a token, in groups or bound to a ClusterRole.
type user struct {
	name   string
	groups string
	rules  []rbacv1.PolicyRule
	token  string
}

func rule(groups, resources, verbs string) rbacv1.PolicyRule {
	split := func(s string) []string { return strings.Split(s, ",") }
	return rbacv1.PolicyRule{APIGroups: split(groups), Resources: split(resources), Verbs: split(verbs)}
}

var (
	readPods  = rule("", "pods", "get,list,watch")
	readLogs  = rule("", "pods/log", "get")
	readRest  = rule("", "events,configmaps,services,endpoints,resourcequotas,nodes,namespaces", "get,list,watch")
	readApps  = rule("apps", "deployments,replicasets,statefulsets,daemonsets,controllerrevisions", "get,list,watch")
	readExtra = rule("autoscaling,policy,batch,events.k8s.io,discovery.k8s.io",
		"horizontalpodautoscalers,poddisruptionbudgets,jobs,events,endpointslices", "get,list,watch")
	prometheus = rule("", "services/proxy", "get")

	rollBack = []rbacv1.PolicyRule{
		rule("apps", "deployments,statefulsets,daemonsets", "patch"),
		rule("apps", "deployments/scale,statefulsets/scale", "get,patch,update"),
		rule("autoscaling", "horizontalpodautoscalers", "patch"),
		rule("", "pods", "delete"),
		rule("", "pods/exec", "get,create"),
		rule("", "secrets", "get"),
		rule("", "events", "create,patch"),
		rule("coordination.k8s.io", "leases", "get,create,update"),
	}
)

// users are admin (may do all), oncall (what a rollback needs), viewer (may look,
// change nothing), nopods (as oncall, but may not see pods or their logs) and
// nobody (known, but may do nothing).
func users() []user {
	look := []rbacv1.PolicyRule{readRest, readApps, readExtra, prometheus}
	join := func(parts ...[]rbacv1.PolicyRule) (all []rbacv1.PolicyRule) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	pods := []rbacv1.PolicyRule{readPods, readLogs}
	noPods := append([]rbacv1.PolicyRule(nil), rollBack[:3]...)
	noPods = append(noPods, rollBack[5:]...)
	us := []user{
		{name: "admin", groups: "system:masters"},
		{name: "oncall", rules: join(look, pods, rollBack)},
		{name: "viewer", rules: join(look, pods)},
		{name: "nopods", rules: join(look, noPods)},
		{name: "nobody"},
	}
	for i := range us {
		us[i].token = token()
	}
	return us
}

func token() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return hex.EncodeToString(b)
}

func writeTokens(path string, us []user) error {
	var s strings.Builder
	for _, u := range us {
		fmt.Fprintf(&s, "%s,%s,uid-%s", u.token, u.name, u.name)
		if u.groups != "" {
			fmt.Fprintf(&s, ",%q", u.groups)
		}
		s.WriteByte('\n')
	}
	if err := os.WriteFile(path, []byte(s.String()), 0o600); err != nil {
		return fmt.Errorf("write the users' tokens: %w", err)
	}
	return nil
}

// writeKubeconfig writes the contexts: testbed (admin) and one for each other
// user, and each again with -proxied behind its name, through the fault proxy.
// wrong-token belongs to a user whom the server does not know.
func writeKubeconfig(path, caFile, server, proxied string, us []user) error {
	ca, err := os.ReadFile(caFile)
	if err != nil {
		return fmt.Errorf("write the kubeconfig: %w", err)
	}
	c := clientcmdapi.NewConfig()
	c.Clusters["testbed"] = &clientcmdapi.Cluster{Server: server, CertificateAuthorityData: ca}
	c.Clusters["testbed-proxied"] = &clientcmdapi.Cluster{Server: proxied, CertificateAuthorityData: ca}
	all := append([]user{{name: "wrong-token", token: "0000000000000000"}}, us...)
	for _, u := range all {
		c.AuthInfos[u.name] = &clientcmdapi.AuthInfo{Token: u.token}
		name := u.name
		if name == "admin" {
			name = "testbed"
		}
		c.Contexts[name] = &clientcmdapi.Context{Cluster: "testbed", AuthInfo: u.name, Namespace: "production"}
		c.Contexts[name+"-proxied"] = &clientcmdapi.Context{Cluster: "testbed-proxied", AuthInfo: u.name, Namespace: "production"}
	}
	c.Contexts["proxied"] = c.Contexts["testbed-proxied"]
	delete(c.Contexts, "testbed-proxied")
	c.CurrentContext = "testbed"
	if err := clientcmd.WriteToFile(*c, path); err != nil {
		return fmt.Errorf("write the kubeconfig: %w", err)
	}
	return nil
}

// bindUsers makes the roles and bindings of the users that have rules.
func bindUsers(ctx context.Context, c kubernetes.Interface, us []user) error {
	for _, u := range us {
		if len(u.rules) == 0 {
			continue
		}
		name := "testbed-" + u.name
		role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: u.rules}
		if _, err := c.RbacV1().ClusterRoles().Create(ctx, role, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("make the role of user %s: %w", u.name, err)
		}
		bind := &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Subjects:   []rbacv1.Subject{{Kind: "User", APIGroup: rbacv1.GroupName, Name: u.name}},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
		}
		if _, err := c.RbacV1().ClusterRoleBindings().Create(ctx, bind, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("bind the role of user %s: %w", u.name, err)
		}
	}
	return nil
}
