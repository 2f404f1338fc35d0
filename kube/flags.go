package kube

import (
	"strings"

	"github.com/spf13/pflag"
	"k8s.io/client-go/tools/clientcmd"

	"rollbook/model"
)

// Flags are kubectl's flags that lead to a cluster, a user and a namespace. Its own
// package for them, genericclioptions, brings kustomize, discovery and every group
// of the API along, a fifth of this program.
type Flags struct {
	Kubeconfig string // "" = $KUBECONFIG, else ~/.kube/config
	clientcmd.ConfigOverrides

	extra []string // of --as-user-extra: KEY=VALUE
}

// Add adds them to a command's flags, by kubectl's names.
func (f *Flags) Add(to *pflag.FlagSet) {
	to.StringVar(&f.Kubeconfig, clientcmd.RecommendedConfigPathFlag, "", "Path to the kubeconfig file to use for CLI requests.")
	names := clientcmd.RecommendedConfigOverrideFlags("")
	names.ClusterOverrideFlags.APIServer.ShortName = "s"
	// kubectl has none of these without a further wish.
	names.AuthOverrideFlags.Username, names.AuthOverrideFlags.Password = clientcmd.FlagInfo{}, clientcmd.FlagInfo{}
	clientcmd.BindOverrideFlags(&f.ConfigOverrides, to, names)
	to.StringArrayVar(&f.extra, "as-user-extra", nil, "User extras to impersonate for the operation, KEY=VALUE; this flag can be repeated.")
}

// loader reads the kubeconfig as kubectl does.
func (f *Flags) loader() clientcmd.ClientConfig {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = f.Kubeconfig
	over := f.ConfigOverrides
	for _, x := range f.extra {
		if key, value, ok := strings.Cut(x, "="); ok {
			if over.AuthInfo.ImpersonateUserExtra == nil {
				over.AuthInfo.ImpersonateUserExtra = map[string][]string{}
			}
			over.AuthInfo.ImpersonateUserExtra[key] = append(over.AuthInfo.ImpersonateUserExtra[key], value)
		}
	}
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &over)
}

// asWords are the flags for the same cluster and user, wherever they are pasted: a
// shell of its own has a current context of its own. file says whether the
// kubeconfig is named too.
func (f *Flags) asWords(context string, file bool) string {
	out := ""
	add := func(name string, values ...string) {
		for _, v := range values {
			if v != "" {
				out += " --" + name + " " + model.ShellWord(v)
			}
		}
	}
	if file {
		add(clientcmd.RecommendedConfigPathFlag, f.Kubeconfig)
	}
	add(clientcmd.FlagContext, context)
	add(clientcmd.FlagClusterName, f.Context.Cluster)
	add(clientcmd.FlagAPIServer, f.ClusterInfo.Server)
	add(clientcmd.FlagAuthInfoName, f.Context.AuthInfo)
	add(clientcmd.FlagImpersonate, f.AuthInfo.Impersonate)
	add(clientcmd.FlagImpersonateUID, f.AuthInfo.ImpersonateUID)
	add(clientcmd.FlagImpersonateGroup, f.AuthInfo.ImpersonateGroups...)
	add("as-user-extra", f.extra...)
	return out
}
