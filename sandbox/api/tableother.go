package api

import (
	"fmt"
	"strconv"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"
)

// Kinds that a scenario may bring, though nothing in the sandbox acts on them.

var replicationControllers = rows(columns(text("Name"), number("Desired"), number("Current"), number("Ready"), text("Age"), wide("Containers"), wide("Images"), wide("Selector")),
	func(a *ages, o *corev1.ReplicationController) []any {
		names, images := "", ""
		if t := o.Spec.Template; t != nil {
			names, images = layout(t.Spec.Containers)
		}
		return []any{o.Name, int64(deref(o.Spec.Replicas)), int64(o.Status.Replicas), int64(o.Status.ReadyReplicas), a.of(o.CreationTimestamp),
			names, images, metav1.FormatLabelSelector(&metav1.LabelSelector{MatchLabels: o.Spec.Selector})}
	})

var claims = rows(columns(text("Name"), text("Status"), text("Volume"), text("Capacity"), text("Access Modes"), text("StorageClass"),
	text("VolumeAttributesClass"), text("Age"), wide("VolumeMode")),
	func(a *ages, o *corev1.PersistentVolumeClaim) []any {
		status, capacity, modes := string(o.Status.Phase), "", ""
		if o.DeletionTimestamp != nil {
			status = "Terminating"
		}
		if o.Spec.VolumeName != "" {
			q := o.Status.Capacity[corev1.ResourceStorage]
			capacity = q.String()
			modes = strings.NewReplacer("ReadWriteOncePod", "RWOP", "ReadWriteOnce", "RWO", "ReadOnlyMany", "ROX", "ReadWriteMany", "RWX").Replace(joined(o.Status.AccessModes))
		}
		mode := "<unset>"
		if o.Spec.VolumeMode != nil {
			mode = string(*o.Spec.VolumeMode)
		}
		return []any{o.Name, status, o.Spec.VolumeName, capacity, modes, str(o.Spec.StorageClassName, ""), str(o.Spec.VolumeAttributesClassName, "<unset>"), a.of(o.CreationTimestamp), mode}
	})

var limits = printer{columns(text("Name"), metav1.TableColumnDefinition{Name: "Created At", Type: "date"}), rows(nil, func(_ *ages, o *corev1.LimitRange) []any {
	return []any{o.Name, o.CreationTimestamp.UTC().Format("2006-01-02T15:04:05Z")}
}).row}

var autoscalers = rows(columns(text("Name"), text("Reference"), text("Targets"), text("MinPods"), text("MaxPods"), text("Replicas"), text("Age")),
	func(a *ages, o *autoscalingv2.HorizontalPodAutoscaler) []any {
		least := "<unset>"
		if o.Spec.MinReplicas != nil {
			least = strconv.Itoa(int(*o.Spec.MinReplicas))
		}
		return []any{o.Name, o.Spec.ScaleTargetRef.Kind + "/" + o.Spec.ScaleTargetRef.Name, targets(o), least, int64(o.Spec.MaxReplicas), int64(o.Status.CurrentReplicas), a.of(o.CreationTimestamp)}
	})

// targets are those of resources, which are what an autoscaler mostly has.
func targets(o *autoscalingv2.HorizontalPodAutoscaler) string {
	var out []string
	for i, m := range o.Spec.Metrics {
		if m.Resource == nil {
			out = append(out, "<unknown>")
			continue
		}
		now, want := "<unknown>", "<auto>"
		if u := m.Resource.Target.AverageUtilization; u != nil {
			want = fmt.Sprintf("%d%%", *u)
		}
		if i < len(o.Status.CurrentMetrics) {
			if r := o.Status.CurrentMetrics[i].Resource; r != nil && r.Current.AverageUtilization != nil {
				now = fmt.Sprintf("%d%%", *r.Current.AverageUtilization)
			}
		}
		out = append(out, fmt.Sprintf("%s: %s/%s", m.Resource.Name, now, want))
	}
	return or(strings.Join(out, ", "), "<none>")
}

var jobs = rows(columns(text("Name"), text("Status"), text("Completions"), text("Duration"), text("Age"), wide("Containers"), wide("Images"), wide("Selector")),
	func(a *ages, o *batchv1.Job) []any {
		status, took, want := "Running", "", int32(1)
		for _, c := range o.Status.Conditions {
			if c.Status == corev1.ConditionTrue && (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed || c.Type == batchv1.JobSuspended) {
				status = string(c.Type)
			}
		}
		if o.Spec.Completions != nil {
			want = *o.Spec.Completions
		}
		switch s := &o.Status; {
		case s.StartTime == nil:
		case s.CompletionTime == nil:
			took = a.of(*s.StartTime)
		default:
			took = duration.HumanDuration(s.CompletionTime.Sub(s.StartTime.Time))
		}
		names, images := layout(o.Spec.Template.Spec.Containers)
		return []any{o.Name, status, fmt.Sprintf("%d/%d", o.Status.Succeeded, want), took, a.of(o.CreationTimestamp), names, images, metav1.FormatLabelSelector(o.Spec.Selector)}
	})

var cronJobs = rows(columns(text("Name"), text("Schedule"), text("Timezone"), metav1.TableColumnDefinition{Name: "Suspend", Type: "boolean"}, number("Active"),
	text("Last Schedule"), text("Age"), wide("Containers"), wide("Images"), wide("Selector")),
	func(a *ages, o *batchv1.CronJob) []any {
		last, suspend := "<none>", "<unset>"
		if o.Status.LastScheduleTime != nil {
			last = a.of(*o.Status.LastScheduleTime)
		}
		if o.Spec.Suspend != nil {
			suspend = map[bool]string{true: "True", false: "False"}[*o.Spec.Suspend]
		}
		names, images := layout(o.Spec.JobTemplate.Spec.Template.Spec.Containers)
		return []any{o.Name, o.Spec.Schedule, str(o.Spec.TimeZone, "<none>"), suspend, int64(len(o.Status.Active)), last, a.of(o.CreationTimestamp),
			names, images, metav1.FormatLabelSelector(o.Spec.JobTemplate.Spec.Selector)}
	})

func joined[S ~string](all []S) string {
	var out []string
	for _, s := range all {
		out = append(out, string(s))
	}
	return strings.Join(out, ",")
}

func str(s *string, otherwise string) string {
	if s == nil {
		return otherwise
	}
	return *s
}
