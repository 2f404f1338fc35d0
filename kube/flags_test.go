package kube

import (
	"testing"
	"time"

	"github.com/spf13/pflag"
)

// What leads kubectl to a cluster leads there, and the kubectl command that is shown
// leads to the same one as the same user.
func TestFlagsAreKubectls(t *testing.T) {
	flags, set := flagsFor(t, sample), pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.Add(set)
	for _, name := range []string{"as", "as-group", "as-uid", "as-user-extra", "certificate-authority", "client-certificate", "client-key",
		"cluster", "context", "disable-compression", "insecure-skip-tls-verify", "kubeconfig", "namespace", "proxy-url", "request-timeout",
		"server", "tls-server-name", "token", "user"} {
		if set.Lookup(name) == nil {
			t.Errorf("no --%s", name)
		}
	}
	err := set.Parse([]string{"-s", "https://10.0.0.9:6443", "-n", "ns/shop", "--as", "maria", "--as-uid", "7", "--as-group", "dev", "--as-group", "on call",
		"--as-user-extra", "reason=INC-1", "--token", "t0ken", "--request-timeout", "7s", "--insecure-skip-tls-verify"})
	if err != nil {
		t.Fatal(err)
	}
	c, err := Connect(flags, Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	as := c.cfg.Impersonate
	if c.Server() != "https://10.0.0.9:6443" || c.Namespace() != "shop" || c.limit != 7*time.Second || !c.cfg.Insecure || c.cfg.BearerToken != "t0ken" ||
		as.UserName != "maria" || as.UID != "7" || len(as.Groups) != 2 || as.Extra["reason"][0] != "INC-1" {
		t.Errorf("%s %s %s %+v", c.Server(), c.Namespace(), c.limit, as)
	}
	const want = "kubectl --context prod --server https://10.0.0.9:6443 --as maria --as-uid 7 --as-group dev --as-group 'on call' --as-user-extra reason=INC-1 -n shop get pods"
	if got := c.Kubectl("get pods"); got != want {
		t.Error(got)
	}
}
