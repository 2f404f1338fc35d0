package store

import (
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func or[T any](p **T, v T) {
	if *p == nil {
		*p = &v
	}
}

func orStr[T ~string](p *T, v T) {
	if *p == "" {
		*p = v
	}
}

// setDefaults fills in what the API server fills in, for the kinds that the
// walk shows and writes: a template that kubectl applied and one that a
// scenario brought must not differ by what nobody wrote.
func setDefaults(o runtime.Object) {
	switch o := o.(type) {
	case *corev1.Namespace:
		if o.Name != "" {
			if o.Labels == nil {
				o.Labels = map[string]string{}
			}
			o.Labels[corev1.LabelMetadataName] = o.Name
		}
		orStr(&o.Status.Phase, corev1.NamespaceActive)
		if len(o.Spec.Finalizers) == 0 {
			o.Spec.Finalizers = []corev1.FinalizerName{corev1.FinalizerKubernetes}
		}
	case *corev1.Secret:
		orStr(&o.Type, corev1.SecretTypeOpaque)
	case *corev1.Service:
		service(o)
	case *corev1.Endpoints: //nolint:staticcheck // kubectl describe of 1.32 reads them
		for i := range o.Subsets {
			for j := range o.Subsets[i].Ports {
				orStr(&o.Subsets[i].Ports[j].Protocol, corev1.ProtocolTCP)
			}
		}
	case *corev1.Pod:
		podSpec(&o.Spec)
		or(&o.Spec.EnableServiceLinks, true)
		orStr(&o.Spec.ServiceAccountName, "default")
		o.Spec.DeprecatedServiceAccount = o.Spec.ServiceAccountName
	case *appsv1.Deployment:
		deployment(&o.Spec)
	case *appsv1.ReplicaSet:
		or(&o.Spec.Replicas, 1)
		podSpec(&o.Spec.Template.Spec)
	case *appsv1.StatefulSet:
		statefulSet(&o.Spec)
	case *appsv1.DaemonSet:
		daemonSet(&o.Spec)
	case *autoscalingv2.HorizontalPodAutoscaler:
		or(&o.Spec.MinReplicas, 1)
	}
}

func deployment(s *appsv1.DeploymentSpec) {
	or(&s.Replicas, 1)
	or(&s.RevisionHistoryLimit, 10)
	or(&s.ProgressDeadlineSeconds, 600)
	orStr(&s.Strategy.Type, appsv1.RollingUpdateDeploymentStrategyType)
	if s.Strategy.Type == appsv1.RollingUpdateDeploymentStrategyType {
		or(&s.Strategy.RollingUpdate, appsv1.RollingUpdateDeployment{})
		or(&s.Strategy.RollingUpdate.MaxUnavailable, intstr.FromString("25%"))
		or(&s.Strategy.RollingUpdate.MaxSurge, intstr.FromString("25%"))
	}
	podSpec(&s.Template.Spec)
}

func statefulSet(s *appsv1.StatefulSetSpec) {
	or(&s.Replicas, 1)
	or(&s.RevisionHistoryLimit, 10)
	orStr(&s.PodManagementPolicy, appsv1.OrderedReadyPodManagement)
	if s.UpdateStrategy.Type == "" {
		s.UpdateStrategy.Type = appsv1.RollingUpdateStatefulSetStrategyType
		or(&s.UpdateStrategy.RollingUpdate, appsv1.RollingUpdateStatefulSetStrategy{})
	}
	if s.UpdateStrategy.RollingUpdate != nil {
		or(&s.UpdateStrategy.RollingUpdate.Partition, 0)
	}
	or(&s.PersistentVolumeClaimRetentionPolicy, appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy{})
	orStr(&s.PersistentVolumeClaimRetentionPolicy.WhenDeleted, appsv1.RetainPersistentVolumeClaimRetentionPolicyType)
	orStr(&s.PersistentVolumeClaimRetentionPolicy.WhenScaled, appsv1.RetainPersistentVolumeClaimRetentionPolicyType)
	podSpec(&s.Template.Spec)
}

func daemonSet(s *appsv1.DaemonSetSpec) {
	or(&s.RevisionHistoryLimit, 10)
	orStr(&s.UpdateStrategy.Type, appsv1.RollingUpdateDaemonSetStrategyType)
	if s.UpdateStrategy.Type == appsv1.RollingUpdateDaemonSetStrategyType {
		or(&s.UpdateStrategy.RollingUpdate, appsv1.RollingUpdateDaemonSet{})
		or(&s.UpdateStrategy.RollingUpdate.MaxUnavailable, intstr.FromInt32(1))
		or(&s.UpdateStrategy.RollingUpdate.MaxSurge, intstr.FromInt32(0))
	}
	podSpec(&s.Template.Spec)
}

func podSpec(s *corev1.PodSpec) {
	orStr(&s.ServiceAccountName, s.DeprecatedServiceAccount)
	s.DeprecatedServiceAccount = s.ServiceAccountName
	orStr(&s.DNSPolicy, corev1.DNSClusterFirst)
	orStr(&s.RestartPolicy, corev1.RestartPolicyAlways)
	or(&s.SecurityContext, corev1.PodSecurityContext{})
	or(&s.TerminationGracePeriodSeconds, int64(corev1.DefaultTerminationGracePeriodSeconds))
	orStr(&s.SchedulerName, corev1.DefaultSchedulerName)
	for _, list := range [][]corev1.Container{s.InitContainers, s.Containers} {
		for i := range list {
			container(&list[i])
		}
	}
	for i := range s.Volumes {
		v := &s.Volumes[i]
		switch {
		case v.Secret != nil:
			or(&v.Secret.DefaultMode, corev1.SecretVolumeSourceDefaultMode)
		case v.ConfigMap != nil:
			or(&v.ConfigMap.DefaultMode, corev1.ConfigMapVolumeSourceDefaultMode)
		case v.Projected != nil:
			or(&v.Projected.DefaultMode, corev1.ProjectedVolumeSourceDefaultMode)
		case v.VolumeSource == corev1.VolumeSource{}:
			v.EmptyDir = &corev1.EmptyDirVolumeSource{}
		}
	}
}

func container(c *corev1.Container) {
	if c.ImagePullPolicy == "" {
		c.ImagePullPolicy = corev1.PullIfNotPresent
		name := c.Image[strings.LastIndexByte(c.Image, '/')+1:]
		if _, tag, ok := strings.Cut(name, ":"); !strings.Contains(name, "@") && (!ok || tag == "latest") {
			c.ImagePullPolicy = corev1.PullAlways
		}
	}
	orStr(&c.TerminationMessagePath, corev1.TerminationMessagePathDefault)
	orStr(&c.TerminationMessagePolicy, corev1.TerminationMessageReadFile)
	for i := range c.Ports {
		orStr(&c.Ports[i].Protocol, corev1.ProtocolTCP)
	}
	for i := range c.Env {
		if f := c.Env[i].ValueFrom; f != nil && f.FieldRef != nil {
			orStr(&f.FieldRef.APIVersion, "v1")
		}
	}
	for _, p := range []*corev1.Probe{c.LivenessProbe, c.ReadinessProbe, c.StartupProbe} {
		if p == nil {
			continue
		}
		for _, d := range []struct {
			field *int32
			value int32
		}{{&p.TimeoutSeconds, 1}, {&p.PeriodSeconds, 10}, {&p.SuccessThreshold, 1}, {&p.FailureThreshold, 3}} {
			if *d.field == 0 {
				*d.field = d.value
			}
		}
		if p.HTTPGet != nil {
			orStr(&p.HTTPGet.Path, "/")
			orStr(&p.HTTPGet.Scheme, corev1.URISchemeHTTP)
		}
	}
}

func service(o *corev1.Service) {
	orStr(&o.Spec.SessionAffinity, corev1.ServiceAffinityNone)
	orStr(&o.Spec.Type, corev1.ServiceTypeClusterIP)
	for i := range o.Spec.Ports {
		p := &o.Spec.Ports[i]
		orStr(&p.Protocol, corev1.ProtocolTCP)
		if p.TargetPort == intstr.FromInt32(0) || p.TargetPort == intstr.FromString("") {
			p.TargetPort = intstr.FromInt32(p.Port)
		}
	}
	if o.Spec.Type != corev1.ServiceTypeExternalName {
		or(&o.Spec.InternalTrafficPolicy, corev1.ServiceInternalTrafficPolicyCluster)
	}
}
