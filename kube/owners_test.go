package kube

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"rollbook/model"
)

func TestOwners(t *testing.T) {
	yes := true
	for _, tt := range []struct {
		name string
		ann  map[string]string
		lab  map[string]string
		refs []metav1.OwnerReference
		by   []string // who wrote the template
		want string   // "Manager|Name|reverts"
	}{
		{name: "nobody"},
		{name: "argo", ann: map[string]string{"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:prod/api"}, want: "Argo CD|application shop|false"},
		{name: "argo, an application in another namespace", ann: map[string]string{"argocd.argoproj.io/tracking-id": "team_shop:apps/Deployment:prod/api"}, want: "Argo CD|application team/shop|false"},
		{name: "argo's mark of another object", ann: map[string]string{"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:prod/web"}},
		{name: "flux", lab: map[string]string{"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}, want: "Flux|kustomization flux-system/apps|true"},
		{name: "flux, told to leave it alone", ann: map[string]string{"kustomize.toolkit.fluxcd.io/reconcile": "disabled"}, lab: map[string]string{"kustomize.toolkit.fluxcd.io/name": "apps"}, want: "Flux|kustomization /apps|false"},
		{name: "helm", ann: map[string]string{"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "prod"}, lab: map[string]string{"app.kubernetes.io/managed-by": "Helm"}, want: "Helm|release shop in prod|false"},
		{name: "flux by helm", ann: map[string]string{"meta.helm.sh/release-name": "shop"}, lab: map[string]string{"helm.toolkit.fluxcd.io/name": "shop", "helm.toolkit.fluxcd.io/namespace": "f"}, want: "Flux|helmrelease f/shop|false"},
		{name: "kapp", lab: map[string]string{"kapp.k14s.io/app": "123"}, want: "kapp|app 123|false"},
		{name: "olm", lab: map[string]string{"olm.owner": "op.v1", "olm.owner.kind": "ClusterServiceVersion"}, want: "OLM|ClusterServiceVersion op.v1|true"},
		{name: "keel", ann: map[string]string{"keel.sh/policy": "minor"}, want: "keel|policy minor|false"},
		{name: "keel, that asks the registry itself", ann: map[string]string{"keel.sh/policy": "minor", "keel.sh/trigger": "poll"}, want: "keel|policy minor|true"},
		{name: "keel, by its labels", lab: map[string]string{"keel.sh/policy": "all", "keel.sh/trigger": "poll", "keel.sh/approvals": "0"}, want: "keel|policy all|true"},
		{name: "keel, after somebody approves", ann: map[string]string{"keel.sh/policy": "minor", "keel.sh/trigger": "poll", "keel.sh/approvals": "2"}, want: "keel|policy minor|false"},
		{name: "keel, turned off", ann: map[string]string{"keel.sh/policy": "never", "keel.sh/trigger": "poll"}},
		{name: "operator", refs: []metav1.OwnerReference{{APIVersion: "x/v1", Kind: "Postgres", Name: "db", Controller: &yes}}, want: "operator|postgres/db|true"},
		{name: "a paused image trigger", ann: map[string]string{"image.openshift.io/triggers": `[{"from":{"kind":"ImageStreamTag","name":"api:latest"},"paused":"true"},{"from":{"name":"b"},"paused":true}]`}},
		{name: "an image trigger", ann: map[string]string{"image.openshift.io/triggers": `[{"from":{"kind":"ImageStreamTag","name":"api:latest"}}]`}, want: "OpenShift|image trigger api:latest|true"},
		{name: "image triggers that cannot be read", ann: map[string]string{"image.openshift.io/triggers": `{`}, want: "OpenShift|image triggers that cannot be read|false"},
		{name: "argo by its label", by: []string{"argocd-controller"}, lab: map[string]string{"app.kubernetes.io/instance": "shop-prod"}, want: "Argo CD|application shop-prod|false"},
		{name: "a chart's label alone", by: []string{"kubectl-client-side-apply"}, lab: map[string]string{"app.kubernetes.io/instance": "shop-prod"}},
		{name: "argo without a label", by: []string{"argocd-controller"}, want: "Argo CD|written by argocd-controller|false"},
		{name: "argo by both", by: []string{"argocd-controller"}, ann: map[string]string{"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:prod/api"}, want: "Argo CD|application shop|false"},
		{name: "flux by its manager", by: []string{"kustomize-controller"}, want: "Flux|written by kustomize-controller|false"},
		{name: "terraform", by: []string{"HashiCorp"}, want: "Terraform|written by HashiCorp|false"},
		{name: "operators that are not known", by: []string{"manager", "shop-operator", "manager"}, want: "a controller|written by manager|false,a controller|written by shop-operator|false"},
		{name: "people and pipelines", by: []string{"kubectl-set", "maria", "gitlab-ci", "rollbook", "helm", "kube-controller-manager"}},
		{name: "hostile", ann: map[string]string{"keel.sh/policy": "\x1b[2Jx"}, want: "keel|policy x|false"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			m := &metav1.ObjectMeta{Namespace: "prod", Name: "api", Annotations: tt.ann, Labels: tt.lab, OwnerReferences: tt.refs}
			for _, by := range tt.by {
				m.ManagedFields = append(m.ManagedFields, metav1.ManagedFieldsEntry{Manager: by, FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:template":{}}}`)})
			}
			m.ManagedFields = append(m.ManagedFields, metav1.ManagedFieldsEntry{Manager: "autoscaling-controller", FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:replicas":{}}}`)})
			for _, o := range owners(model.Deployment, m) {
				r := "false"
				if o.Reverts {
					r = "true"
				}
				got = append(got, o.Manager+"|"+o.Name+"|"+r)
			}
			if strings.Join(got, ",") != tt.want {
				t.Errorf("got %v, want %s", got, tt.want)
			}
		})
	}
}

func TestTemplateOwner(t *testing.T) {
	at := func(s int) *metav1.Time { v := metav1.NewTime(time.Unix(int64(s), 0)); return &v }
	f := func(s string) *metav1.FieldsV1 { return metav1.NewFieldsV1(s) }
	entries := []metav1.ManagedFieldsEntry{
		{Manager: "helm", Time: at(10), FieldsV1: f(`{"f:spec":{"f:template":{"f:spec":{}}}}`)},
		{Manager: "kubectl", Time: at(20), FieldsV1: f(`{"f:spec":{"f:template":{"f:metadata":{}}}}`)},
		{Manager: "scaler", Time: at(30), FieldsV1: f(`{"f:spec":{"f:replicas":{}}}`)},
		{Manager: "labeller", Time: at(40), FieldsV1: f(`{"f:metadata":{"f:labels":{"f:template":{}}}}`)},
		{Manager: "controller", Time: at(50), Subresource: "status", FieldsV1: f(`{"f:status":{"f:template":{}}}`)},
	}
	if who, when := templateOwner(entries); who != "kubectl" || when.Unix() != 20 {
		t.Errorf("%s %v", who, when)
	}
	entries[0].Time = at(20)
	if who, _ := templateOwner(entries); who != "helm or kubectl" {
		t.Errorf("within one second: %s", who)
	}
	if who, when := templateOwner(nil); who != "" || !when.IsZero() {
		t.Errorf("%s %v", who, when)
	}
}

func TestPodState(t *testing.T) {
	run := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	wait := func(r string) corev1.ContainerState {
		return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: r}}
	}
	end := func(r string, code int32) corev1.ContainerState {
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: r, ExitCode: code}}
	}
	st := func(s ...corev1.ContainerStatus) []corev1.ContainerStatus { return s }
	deleted := metav1.Now()
	ready := []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	for _, tt := range []struct {
		want string
		pod  corev1.Pod
	}{
		{"Running", corev1.Pod{Status: corev1.PodStatus{Phase: "Running", Conditions: ready, ContainerStatuses: st(corev1.ContainerStatus{Ready: true, State: run})}}},
		{"CrashLoopBackOff", corev1.Pod{Status: corev1.PodStatus{Phase: "Running", ContainerStatuses: st(corev1.ContainerStatus{State: wait("CrashLoopBackOff")})}}},
		{"Error", corev1.Pod{Status: corev1.PodStatus{Phase: "Running", ContainerStatuses: st(corev1.ContainerStatus{State: end("Error", 1)})}}},
		{"ExitCode:3", corev1.Pod{Status: corev1.PodStatus{Phase: "Failed", ContainerStatuses: st(corev1.ContainerStatus{State: end("", 3)})}}},
		{"Evicted", corev1.Pod{Status: corev1.PodStatus{Phase: "Failed", Reason: "Evicted"}}},
		{"Terminating", corev1.Pod{ObjectMeta: metav1.ObjectMeta{DeletionTimestamp: &deleted}, Status: corev1.PodStatus{Phase: "Running"}}},
		{"Unknown", corev1.Pod{ObjectMeta: metav1.ObjectMeta{DeletionTimestamp: &deleted}, Status: corev1.PodStatus{Phase: "Running", Reason: "NodeLost"}}},
		{"Init:0/2", corev1.Pod{Spec: corev1.PodSpec{InitContainers: make([]corev1.Container, 2)}, Status: corev1.PodStatus{Phase: "Pending", InitContainerStatuses: st(corev1.ContainerStatus{State: wait("PodInitializing")})}}},
		{"Init:Error", corev1.Pod{Spec: corev1.PodSpec{InitContainers: make([]corev1.Container, 1)}, Status: corev1.PodStatus{Phase: "Pending", InitContainerStatuses: st(corev1.ContainerStatus{State: end("Error", 1)})}}},
		{"Init:ImagePullBackOff", corev1.Pod{Spec: corev1.PodSpec{InitContainers: make([]corev1.Container, 1)}, Status: corev1.PodStatus{Phase: "Pending", InitContainerStatuses: st(corev1.ContainerStatus{State: wait("ImagePullBackOff")})}}},
		{"NotReady", corev1.Pod{Status: corev1.PodStatus{Phase: "Running", ContainerStatuses: st(corev1.ContainerStatus{State: end("Completed", 0)}, corev1.ContainerStatus{Ready: true, State: run})}}},
		{"SchedulingGated", corev1.Pod{Status: corev1.PodStatus{Phase: "Pending", Conditions: []corev1.PodCondition{{Type: corev1.PodScheduled, Reason: corev1.PodReasonSchedulingGated}}}}},
	} {
		if got, _ := podState(&tt.pod); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}

func TestFailingPod(t *testing.T) {
	now := time.Unix(10000, 0)
	ended := func(ago time.Duration) corev1.ContainerState {
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled", Message: "last\x1b[31m words\npassword=hunter22", FinishedAt: metav1.NewTime(now.Add(-ago))}}
	}
	running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	for _, tt := range []struct {
		name      string
		s         corev1.ContainerStatus
		fails     bool
		exit, bad string
	}{
		{"fine", corev1.ContainerStatus{Name: "a", Ready: true, State: running}, false, "", ""},
		{"crashed long ago", corev1.ContainerStatus{Name: "a", Ready: true, RestartCount: 9, State: running, LastTerminationState: ended(time.Hour)}, false, "", ""},
		{"crashed just now", corev1.ContainerStatus{Name: "a", Ready: true, RestartCount: 9, State: running, LastTerminationState: ended(time.Minute)}, true, "exit 137 OOMKilled", "restarting"},
		{"crashed once", corev1.ContainerStatus{Name: "a", RestartCount: 1, State: running, LastTerminationState: ended(time.Minute)}, false, "", ""},
		{"back-off", corev1.ContainerStatus{Name: "a", RestartCount: 1, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}}, LastTerminationState: ended(time.Minute)}, true, "exit 137 OOMKilled", "CrashLoopBackOff"},
		{"pull", corev1.ContainerStatus{Name: "a", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull", Message: "no such tag"}}}, true, "", "ErrImagePull"},
	} {
		k := fromPod(&corev1.Pod{Status: corev1.PodStatus{Phase: "Running", ContainerStatuses: []corev1.ContainerStatus{tt.s}}}, now)
		got := k.shown()
		if got.Failing != tt.fails || got.Exit != tt.exit || k.illness().bad != tt.bad {
			t.Errorf("%s: %+v %q", tt.name, got, k.illness().bad)
		}
		if strings.Contains(got.Message, "\x1b") || strings.Contains(got.Message, "hunter22") {
			t.Errorf("%s: %q", tt.name, got.Message)
		}
	}
}
