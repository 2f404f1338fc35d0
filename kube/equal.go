package kube

import (
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"rollbook/model"
)

// kubectlFlags are kubectl's flags for the same cluster and user, wherever they are
// pasted: a shell of its own has a current context of its own.
func kubectlFlags(f *genericclioptions.ConfigFlags, context string, file bool) string {
	out := ""
	add := func(name string, value *string) {
		if isSet(value) {
			out += " --" + name + " " + model.ShellWord(*value)
		}
	}
	if file {
		add("kubeconfig", f.KubeConfig)
	}
	add("context", &context)
	add("cluster", f.ClusterName)
	add("server", f.APIServer)
	add("user", f.AuthInfoName)
	add("as", f.Impersonate)
	if f.ImpersonateGroup != nil {
		for n := range *f.ImpersonateGroup {
			add("as-group", &(*f.ImpersonateGroup)[n])
		}
	}
	return out
}

// Kubectl returns the kubectl command that does something in the client's namespace, on
// its cluster and as its user.
func (c *Client) Kubectl(what string) string { return c.kubectl(c.namespace) + what }

// kubectl begins the kubectl command that does the same in a namespace.
func (c *Client) kubectl(namespace string) string {
	return "kubectl" + c.flags + " -n " + namespace + " "
}
