package cli

import (
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"rollbook/config"
	"rollbook/kube"
	"rollbook/model"
)

// Nothing is broken where the operator's own file does not name context, server and
// namespace, whatever a kubeconfig calls its contexts.
func TestWhereADrillIsRefused(t *testing.T) {
	file := t.TempDir() + "/kubeconfig"
	conf := clientcmdapi.NewConfig()
	conf.Clusters["prod"] = &clientcmdapi.Cluster{Server: "https://prod.example:6443"}
	conf.Clusters["local"] = &clientcmdapi.Cluster{Server: "https://127.0.0.1:6443"}
	conf.Contexts["staging"] = &clientcmdapi.Context{Cluster: "prod", Namespace: "shop"} // its name lies
	conf.Contexts["kind-local"] = &clientcmdapi.Context{Cluster: "local", Namespace: "shop"}
	if err := clientcmd.WriteToFile(*conf, file); err != nil {
		t.Fatal(err)
	}
	const staging = "https://staging.example:6443"
	for _, c := range []struct {
		context, server, namespace string // server "" = that of the context
		places                     []config.Place
		allowed                    bool
	}{
		{context: "staging", places: nil},
		{context: "kind-local", places: nil}, // a local cluster is not listed by that
		{context: "staging", server: staging, places: []config.Place{{Context: "staging", Server: staging, Namespace: "shop"}}, allowed: true},
		{context: "staging", server: staging, places: []config.Place{{Context: "stag*", Server: "https://*.example:6443", Namespace: "*"}}, allowed: true},
		{context: "staging", places: []config.Place{{Context: "staging", Server: staging, Namespace: "shop"}}},
		{context: "kind-local", server: staging, places: []config.Place{{Context: "staging", Server: staging, Namespace: "shop"}}},
		{context: "staging", server: staging, namespace: "default", places: []config.Place{{Context: "staging", Server: staging, Namespace: "shop"}}},
		{context: "staging", server: staging, places: []config.Place{{Context: "staging"}, {Server: staging}, {Namespace: "shop"}}},
		{context: "staging", server: staging, places: []config.Place{{Context: "staging", Server: staging}}},
		{context: "staging", server: staging, places: []config.Place{{Context: "*", Server: "*", Namespace: "*"}}},
	} {
		f := &kube.Flags{Kubeconfig: file}
		f.CurrentContext, f.ClusterInfo.Server, f.Context.Namespace = c.context, c.server, c.namespace
		client, err := kube.Connect(f, kube.Options{Version: "test", Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		why := drillRefused(&config.Config{NotProduction: c.places}, client)
		if (why == "") != c.allowed {
			t.Errorf("%+v: %q", c, why)
		}
		if why != "" && !strings.Contains(why, "server: \""+client.Server()) {
			t.Errorf("it does not say what to add: %q", why)
		}
	}
}

// Each fault that a drill knows has its name in rollbook.yaml, and the first is the default.
func TestEachFaultHasAName(t *testing.T) {
	if got := config.Defaults().Drill.Fault; got != model.Faults()[0] {
		t.Errorf("the default is %q", got)
	}
	for _, fault := range model.Faults() {
		cfg, err := config.Load(config.Source{Kind: config.User, Name: "test", Data: []byte("drill: {fault: " + fault + "}\n")})
		if err != nil || cfg.Drill.Fault != fault {
			t.Errorf("%s: %v", fault, err)
		}
	}
}
