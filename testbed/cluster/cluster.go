// Package cluster runs a real Kubernetes control plane on loopback: etcd, the API
// server, the controller manager and the scheduler, with nodes and pods played by
// KWOK, and several users with different rights.
package cluster

import (
	"context"
	"fmt"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"rollbook/testbed/build"
	"rollbook/testbed/proc"
)

// Options are what the cluster needs from outside.
type Options struct {
	Tools       build.Tools
	Dir         string // data folder
	KubeVersion string
	// ProxyPort is where the fault proxy of the API server listens; the contexts
	// that end in proxied lead there.
	ProxyPort int
	// KubeletPort is where the nodes' kubelet (package kubelet) listens.
	KubeletPort int
}

// Cluster is a control plane.
type Cluster struct {
	Kubeconfig string // file with all contexts
	APIAddr    string // host:port of the API server itself
	CertFile   string // server certificate and key, for whoever else serves TLS
	KeyFile    string
	Config     *rest.Config // admin, direct, without a rate limit
	Client     kubernetes.Interface

	users                                   []user
	etcd, api, controllers, scheduler, kwok *proc.Process
	etcdAddr, controllersAddr, schedAddr    string
}

// Start brings the control plane up and makes nodes and users. On an error what
// was started stays; the caller stops it with Stop or by ending.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	c, err := plan(o)
	if err != nil {
		return nil, err
	}
	for _, p := range []*proc.Process{c.etcd, c.api} {
		if err := p.Start(); err != nil {
			return nil, err
		}
	}
	if err := c.waitAPI(ctx); err != nil {
		return nil, err
	}
	for _, p := range []*proc.Process{c.controllers, c.scheduler, c.kwok} {
		if err := p.Start(); err != nil {
			return nil, err
		}
	}
	if err := bindUsers(ctx, c.Client, c.users); err != nil {
		return nil, err
	}
	if err := c.makeNodes(ctx); err != nil {
		return nil, err
	}
	if err := c.controllers.WaitReady(ctx, time.Minute, get("https://"+c.controllersAddr+"/healthz")); err != nil {
		return nil, err
	}
	if err := c.scheduler.WaitReady(ctx, time.Minute, get("https://"+c.schedAddr+"/healthz")); err != nil {
		return nil, err
	}
	return c, c.kwok.WaitReady(ctx, time.Minute, c.nodesReady)
}

// StopAPI ends the API server at once: a real outage. etcd keeps the data.
func (c *Cluster) StopAPI() { c.api.Kill() }

// StartAPI starts the API server again on the same port, and waits until it
// answers and the controllers work. They are started anew, because left alone
// they try again ever more slowly, up to a minute after the end of the outage.
func (c *Cluster) StartAPI(ctx context.Context) error {
	if err := c.api.Start(); err != nil {
		return err
	}
	if err := c.waitAPI(ctx); err != nil {
		return err
	}
	for _, p := range []*proc.Process{c.controllers, c.scheduler, c.kwok} {
		p.Kill()
		if err := p.Start(); err != nil {
			return err
		}
	}
	return c.api.WaitReady(ctx, 2*time.Minute, (&probe{client: c.Client}).ready)
}

// Stop ends all components.
func (c *Cluster) Stop() {
	for _, p := range []*proc.Process{c.kwok, c.scheduler, c.controllers, c.api, c.etcd} {
		p.Kill()
	}
}

func (c *Cluster) waitAPI(ctx context.Context) error {
	if err := c.etcd.WaitReady(ctx, time.Minute, get("http://"+c.etcdAddr+"/health")); err != nil {
		return err
	}
	return c.api.WaitReady(ctx, time.Minute, func(ctx context.Context) error {
		return c.Client.CoreV1().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	})
}

// nodeCount is what a DaemonSet of the tests has of pods.
const nodeCount = 3

func (c *Cluster) makeNodes(ctx context.Context) error {
	for i := range nodeCount {
		name := fmt.Sprintf("node-%d", i+1)
		n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{
			Name:        name,
			Annotations: map[string]string{"kwok.x-k8s.io/node": "fake"},
			Labels:      map[string]string{"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"},
		}}
		if _, err := c.Client.CoreV1().Nodes().Create(ctx, n, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("make %s: %w", name, err)
		}
	}
	return nil
}

func (c *Cluster) nodesReady(ctx context.Context) error {
	nodes, err := c.Client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	ready := 0
	for _, n := range nodes.Items {
		for _, cond := range n.Status.Conditions {
			if cond.Type == corev1.NodeReady && cond.Status == corev1.ConditionTrue && len(n.Spec.Taints) == 0 {
				ready++
			}
		}
	}
	if ready < nodeCount {
		return fmt.Errorf("%d of %d nodes are ready", ready, nodeCount)
	}
	return nil
}

// get asks a health address; components serve it with certificates of their own
// making, which nobody needs to believe on loopback.
func get(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := insecure.Do(req)
		if err != nil {
			return err
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", url, resp.Status)
		}
		return nil
	}
}
