package cluster

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"rollbook/testbed/proc"
)

var insecure = &http.Client{Transport: &http.Transport{
	TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // loopback, health only
	DisableKeepAlives: true,
}}

// schedulerConfig lifts the default of 50 bindings a second, with which 5,000
// pods take 100 seconds to be placed.
const schedulerConfig = `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
leaderElection: {leaderElect: false}
clientConnection: {kubeconfig: %q, qps: 1000, burst: 2000}
`

// plan chooses ports, writes all files and prepares the processes.
func plan(o Options) (*Cluster, error) {
	ports := make([]int, 6)
	for i := range ports {
		p, err := proc.FreePort()
		if err != nil {
			return nil, err
		}
		ports[i] = p
	}
	etcdPort, etcdPeer, apiPort, kcmPort, schedPort, kwokPort := ports[0], ports[1], ports[2], ports[3], ports[4], ports[5]
	in := func(name string) string { return filepath.Join(o.Dir, name) }

	crt, err := makeCerts(o.Dir)
	if err != nil {
		return nil, err
	}
	us := users()
	c := &Cluster{
		Kubeconfig: in("kubeconfig"), CertFile: crt.cert, KeyFile: crt.key, users: us,
		APIAddr:  proc.Loopback(apiPort),
		etcdAddr: proc.Loopback(etcdPort), controllersAddr: proc.Loopback(kcmPort), schedAddr: proc.Loopback(schedPort),
	}
	if err := writeTokens(in("tokens.csv"), us); err != nil {
		return nil, err
	}
	server, proxied := "https://"+c.APIAddr, "https://"+proc.Loopback(o.ProxyPort)
	// The components get a file of their own: people may switch the context of the other.
	own := in("components.kubeconfig")
	for _, path := range []string{c.Kubeconfig, own} {
		if err := writeKubeconfig(path, crt.ca, server, proxied, us); err != nil {
			return nil, err
		}
	}
	for path, text := range map[string]string{
		in("kwok.yaml"):      kwokConfig(o.KubeVersion),
		in("scheduler.yaml"): fmt.Sprintf(schedulerConfig, own),
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return nil, fmt.Errorf("write a component's configuration: %w", err)
		}
	}
	if c.Config, err = clientcmd.BuildConfigFromFlags("", own); err != nil {
		return nil, fmt.Errorf("read the kubeconfig just written: %w", err)
	}
	c.Config.QPS = -1
	c.Config.UserAgent = "testbed"
	if c.Client, err = kubernetes.NewForConfig(c.Config); err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}

	process := func(name, path string, args ...string) *proc.Process {
		return &proc.Process{Name: name, Path: path, Args: args, Dir: o.Dir, Log: in(name + ".log")}
	}
	etcdURL, peerURL := "http://"+c.etcdAddr, "http://"+proc.Loopback(etcdPeer)
	c.etcd = process("etcd", o.Tools.Etcd,
		"--data-dir="+in("etcd"), "--unsafe-no-fsync",
		"--listen-client-urls="+etcdURL, "--advertise-client-urls="+etcdURL,
		"--listen-peer-urls="+peerURL, "--initial-advertise-peer-urls="+peerURL,
		"--initial-cluster=default="+peerURL, "--log-level=warn",
		"--quota-backend-bytes=2147483648")
	c.api = process("kube-apiserver", o.Tools.APIServer,
		"--etcd-servers="+etcdURL,
		"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", apiPort),
		"--tls-cert-file="+crt.cert, "--tls-private-key-file="+crt.key, "--cert-dir="+in("apiserver"),
		"--service-account-key-file="+crt.serviceKey, "--service-account-signing-key-file="+crt.serviceKey,
		"--service-account-issuer=https://kubernetes.default.svc",
		"--token-auth-file="+in("tokens.csv"), "--authorization-mode=RBAC",
		"--service-cluster-ip-range=10.96.0.0/16",
		// Nobody issues tokens for pods, which have no containers to use them.
		"--disable-admission-plugins=ServiceAccount",
		"--event-ttl=24h")
	c.controllers = process("kube-controller-manager", o.Tools.ControllerManager,
		"--kubeconfig="+own, "--authentication-kubeconfig="+own, "--authorization-kubeconfig="+own,
		"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", kcmPort), "--cert-dir="+in("controllers"),
		"--controllers=deployment-controller,replicaset-controller,statefulset-controller,daemonset-controller,"+
			"garbage-collector-controller,namespace-controller,node-lifecycle-controller,serviceaccount-controller,"+
			"resourcequota-controller,disruption-controller,job-controller,horizontal-pod-autoscaler-controller",
		"--leader-elect=false", "--kube-api-qps=500", "--kube-api-burst=1000",
		"--concurrent-deployment-syncs=20", "--concurrent-replicaset-syncs=20")
	c.scheduler = process("kube-scheduler", o.Tools.Scheduler,
		"--config="+in("scheduler.yaml"), "--authentication-kubeconfig="+own, "--authorization-kubeconfig="+own,
		"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", schedPort), "--cert-dir="+in("scheduler"))
	c.kwok = process("kwok", o.Tools.KWOK,
		"--kubeconfig="+own, "--config="+in("kwok.yaml"), "--manage-all-nodes",
		// Without leases the nodes go stale and their pods lose Ready.
		"--node-lease-duration-seconds=40",
		// Its own kubelet server is not used; package kubelet does more.
		"--node-ip=127.0.0.1", fmt.Sprintf("--node-port=%d", o.KubeletPort), "--server-address="+proc.Loopback(kwokPort),
		"--cidr=10.244.0.1/16")
	return c, nil
}
