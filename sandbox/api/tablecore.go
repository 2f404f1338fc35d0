package api

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// printers are by kind.
var printers = map[string]printer{
	"Pod": pods, "Deployment": deployments, "ReplicaSet": replicaSets, "StatefulSet": statefulSets, "DaemonSet": daemonSets, "ControllerRevision": controllerRevisions,

	"Service": rows(columns(text("Name"), text("Type"), text("Cluster-IP"), text("External-IP"), text("Port(s)"), text("Age"), wide("Selector")),
		func(a *ages, o *corev1.Service) []any {
			return []any{o.Name, string(o.Spec.Type), or(o.Spec.ClusterIP, "<none>"), or(strings.Join(o.Spec.ExternalIPs, ","), "<none>"),
				or(ports(o.Spec.Ports), "<none>"), a.of(o.CreationTimestamp), labels.FormatLabels(o.Spec.Selector)}
		}),
	"Endpoints": rows(columns(text("Name"), text("Endpoints"), text("Age")),
		func(a *ages, o *corev1.Endpoints) []any { //nolint:staticcheck // kubectl 1.32 shows them
			return []any{o.Name, endpoints(o), a.of(o.CreationTimestamp)}
		}),
	"EndpointSlice": rows(columns(text("Name"), text("AddressType"), text("Ports"), text("Endpoints"), text("Age")),
		func(a *ages, o *discoveryv1.EndpointSlice) []any {
			var all, list []string
			for _, e := range o.Endpoints {
				all = append(all, e.Addresses...)
			}
			for _, p := range o.Ports {
				if p.Port != nil {
					list = append(list, strconv.Itoa(int(*p.Port)))
				}
			}
			return []any{o.Name, string(o.AddressType), or(strings.Join(list, ","), "<unset>"), or(few(all), "<unset>"), a.of(o.CreationTimestamp)}
		}),
	"Event": rows(columns(text("Last Seen"), text("Type"), text("Reason"), text("Object"), wide("Subobject"), wide("Source"), text("Message"), wide("First Seen"), wide("Count"), wide("Name")), event),
	"Node": rows(columns(text("Name"), text("Status"), text("Roles"), text("Age"), text("Version"),
		wide("Internal-IP"), wide("External-IP"), wide("OS-Image"), wide("Kernel-Version"), wide("Container-Runtime")), node),
	"Namespace": rows(columns(text("Name"), text("Status"), text("Age")),
		func(a *ages, o *corev1.Namespace) []any {
			return []any{o.Name, string(o.Status.Phase), a.of(o.CreationTimestamp)}
		}),
	"ConfigMap": rows(columns(text("Name"), text("Data"), text("Age")),
		func(a *ages, o *corev1.ConfigMap) []any {
			return []any{o.Name, int64(len(o.Data) + len(o.BinaryData)), a.of(o.CreationTimestamp)}
		}),
	"Secret": rows(columns(text("Name"), text("Type"), text("Data"), text("Age")),
		func(a *ages, o *corev1.Secret) []any {
			return []any{o.Name, string(o.Type), int64(len(o.Data)), a.of(o.CreationTimestamp)}
		}),
	"ResourceQuota": rows(columns(text("Name"), text("Request"), text("Limit"), text("Age")), quota),
	"Lease": rows(columns(text("Name"), text("Holder"), text("Age")),
		func(a *ages, o *coordinationv1.Lease) []any {
			holder := ""
			if o.Spec.HolderIdentity != nil {
				holder = *o.Spec.HolderIdentity
			}
			return []any{o.Name, holder, a.of(o.CreationTimestamp)}
		}),
	"PodDisruptionBudget": rows(columns(text("Name"), text("Min Available"), text("Max Unavailable"), number("Allowed Disruptions"), text("Age")),
		func(a *ages, o *policyv1.PodDisruptionBudget) []any {
			return []any{o.Name, some(o.Spec.MinAvailable), some(o.Spec.MaxUnavailable), int64(o.Status.DisruptionsAllowed), a.of(o.CreationTimestamp)}
		}),
	"HorizontalPodAutoscaler": autoscalers, "ReplicationController": replicationControllers, "PersistentVolumeClaim": claims,
	"LimitRange": limits, "Job": jobs, "CronJob": cronJobs,
}

func ports(all []corev1.ServicePort) string {
	var out []string
	for i := range all {
		p := &all[i]
		s := strconv.Itoa(int(p.Port))
		if p.NodePort > 0 {
			s += ":" + strconv.Itoa(int(p.NodePort))
		}
		out = append(out, s+"/"+string(p.Protocol))
	}
	return strings.Join(out, ",")
}

// few are at most three, and how many more.
func few(all []string) string {
	const most = 3
	if n := len(all) - most; n > 0 {
		return fmt.Sprintf("%s + %d more...", strings.Join(all[:most], ","), n)
	}
	return strings.Join(all, ",")
}

func endpoints(o *corev1.Endpoints) string { //nolint:staticcheck // as above
	var all []string
	for _, s := range o.Subsets {
		for _, a := range s.Addresses {
			if len(s.Ports) == 0 {
				all = append(all, a.IP)
			}
		}
		for _, p := range s.Ports {
			for _, a := range s.Addresses {
				all = append(all, net.JoinHostPort(a.IP, strconv.Itoa(int(p.Port))))
			}
		}
	}
	return or(few(all), "<none>")
}

func event(a *ages, o *corev1.Event) []any {
	first := a.of(o.FirstTimestamp)
	if o.FirstTimestamp.IsZero() {
		first = a.micro(o.EventTime)
	}
	last, count := a.of(o.LastTimestamp), max(o.Count, 1)
	if o.LastTimestamp.IsZero() {
		last = first
	}
	if o.Series != nil {
		last, count = a.micro(o.Series.LastObservedTime), o.Series.Count
	}
	target := strings.ToLower(o.InvolvedObject.Kind)
	if o.InvolvedObject.Name != "" {
		target += "/" + o.InvolvedObject.Name
	}
	source := or(o.Source.Component, o.ReportingController)
	if host := or(o.Source.Host, o.ReportingInstance); host != "" {
		source += ", " + host
	}
	return []any{last, o.Type, o.Reason, target, o.InvolvedObject.FieldPath, source, strings.TrimSpace(o.Message), first, int64(count), o.Name}
}

func node(a *ages, o *corev1.Node) []any {
	status := "Unknown"
	for _, c := range o.Status.Conditions {
		switch {
		case c.Type != corev1.NodeReady:
		case c.Status == corev1.ConditionTrue:
			status = "Ready"
		default:
			status = "NotReady"
		}
	}
	if o.Spec.Unschedulable {
		status += ",SchedulingDisabled"
	}
	var roles []string
	for k := range o.Labels {
		if r, ok := strings.CutPrefix(k, "node-role.kubernetes.io/"); ok {
			roles = append(roles, r)
		}
	}
	slices.Sort(roles)
	address := func(kind corev1.NodeAddressType) string {
		for _, x := range o.Status.Addresses {
			if x.Type == kind {
				return x.Address
			}
		}
		return "<none>"
	}
	info := &o.Status.NodeInfo
	return []any{o.Name, status, or(strings.Join(roles, ","), "<none>"), a.of(o.CreationTimestamp), info.KubeletVersion, address(corev1.NodeInternalIP), address(corev1.NodeExternalIP),
		or(info.OSImage, "<unknown>"), or(info.KernelVersion, "<unknown>"), or(info.ContainerRuntimeVersion, "<unknown>")}
}

func quota(a *ages, o *corev1.ResourceQuota) []any {
	var names, requests, limits []string
	for n := range o.Status.Hard {
		names = append(names, string(n))
	}
	slices.Sort(names)
	for _, n := range names {
		used, hard := o.Status.Used[corev1.ResourceName(n)], o.Status.Hard[corev1.ResourceName(n)]
		s := fmt.Sprintf("%s: %s/%s", n, used.String(), hard.String())
		if strings.HasPrefix(n, "limits.") {
			limits = append(limits, s)
		} else {
			requests = append(requests, s)
		}
	}
	return []any{o.Name, strings.Join(requests, ", "), strings.Join(limits, ", "), a.of(o.CreationTimestamp)}
}

func some(v *intstr.IntOrString) string {
	if v == nil {
		return "N/A"
	}
	return v.String()
}
