//go:build e2e

package cli

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"rollbook/engine/porttest"
)

// Where the kill loop runs: on the testbed, and on a sandbox in a process of its
// own.

func TestKilledOnTheTestbed(t *testing.T) {
	conf, err := clientcmd.LoadFromFile(env(t, "ROLLBOOK_CLUSTER"))
	if err != nil {
		t.Fatal(err)
	}
	conf.CurrentContext = "testbed"
	bed := newKillBed(t, conf, emptyNamespace(t), 100, 3*time.Second)
	killing(t, bed, undone(bed))
}

// killScenario is the shop, beside images that start at once.
const killScenario = `name: kill
title: for the kill loop
learn: That nothing is lost.
end: {none: "it has Deployments of its own"}
images:
  api: {start: 100ms}
`

func TestKilledOnTheSandbox(t *testing.T) {
	t.Parallel()
	scenario := filepath.Join(t.TempDir(), "kill.yaml")
	if err := os.WriteFile(scenario, []byte(killScenario), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd, _ := asCommand(t, "sandbox", "--serve", "--scenario", scenario)
	vars, rest := sandboxServed(t, cmd)
	defer func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		_, _ = io.Copy(io.Discard, rest)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the sandbox ended with %v", err)
		}
	}()
	conf, err := clientcmd.LoadFromFile(vars["KUBECONFIG"])
	if err != nil {
		t.Fatal(err)
	}
	bed := newKillBed(t, conf, "production", 200, 1500*time.Millisecond)
	killing(t, bed, undone(bed))
}

// killBed is the cluster that outlives the kills.
type killBed struct {
	conf      *clientcmdapi.Config
	namespace string
	client    *kubernetes.Clientset
	kills     int
	within    time.Duration // a kill comes at most so long after the start
}

// newKillBed takes the kubeconfig's current context.
func newKillBed(t *testing.T, conf *clientcmdapi.Config, namespace string, kills int, within time.Duration) *killBed {
	t.Helper()
	b := &killBed{conf: conf, namespace: namespace, kills: kills, within: within}
	var err error
	if b.client, err = kubernetes.NewForConfig(b.rest(t)); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *killBed) rest(t *testing.T) *rest.Config {
	t.Helper()
	conf, err := clientcmd.NewDefaultClientConfig(*b.conf, nil).ClientConfig()
	if err != nil {
		t.Fatal(err)
	}
	return conf
}

// breaks releases a Deployment, and then a bad image of it.
func (b *killBed) breaks(t *testing.T, name string) {
	t.Helper()
	b.releases(t, name)
	bad := `{"spec":{"template":{"spec":{"containers":[{"name":"api","image":"api:2"}]}}}}`
	if _, err := b.client.AppsV1().Deployments(b.namespace).Patch(t.Context(), name, types.StrategicMergePatchType, []byte(bad), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	b.settles(t, name, "2")
}

// releases releases a Deployment that does well.
func (b *killBed) releases(t *testing.T, name string) {
	t.Helper()
	labels, one := map[string]string{"app": name}, int32(1)
	all := b.client.AppsV1().Deployments(b.namespace)
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: appsv1.DeploymentSpec{Replicas: &one,
		Selector: &metav1.LabelSelector{MatchLabels: labels},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels},
			Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "api", Image: "api:1"}}}}}}
	if _, err := all.Create(t.Context(), d, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	b.settles(t, name, "1")
}

// settles waits until the controller took a revision up.
func (b *killBed) settles(t *testing.T, name, revision string) {
	t.Helper()
	for end := time.Now().Add(porttest.Patience(20 * time.Second)); ; time.Sleep(20 * time.Millisecond) {
		d := b.get(t, name)
		if d.Annotations["deployment.kubernetes.io/revision"] == revision && d.Status.ObservedGeneration == d.Generation {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("revision %s of %s is not taken up: %+v", revision, name, d)
		}
	}
}

func (b *killBed) get(t *testing.T, name string) *appsv1.Deployment {
	t.Helper()
	d, err := b.client.AppsV1().Deployments(b.namespace).Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// through is its kubeconfig with another address for the API server.
func (b *killBed) through(t *testing.T, server string) string {
	t.Helper()
	conf := b.conf.DeepCopy()
	at := conf.Contexts[conf.CurrentContext]
	cl := conf.Clusters[at.Cluster]
	cl.Server, cl.CertificateAuthorityData, at.Namespace = server, nil, b.namespace
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*conf, path); err != nil {
		t.Fatal(err)
	}
	return path
}
