package store

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Resource is a kind of object that is served.
type Resource struct {
	Group, Version, Plural, Singular, Kind string

	Namespaced bool
	Short      []string
	Categories []string
	Subs       []string // of "status", "scale" and those that have no objects
	bumps      generation
}

// generation says what raises metadata.generation.
type generation int

const (
	bumpsNever generation = iota
	bumpsSpec
	bumpsSpecAndAnnotations // Deployments, whose annotations go to their ReplicaSets
)

// GR is the key of the store.
func (r *Resource) GR() schema.GroupResource {
	return schema.GroupResource{Group: r.Group, Resource: r.Plural}
}

// GVK is the kind of its objects.
func (r *Resource) GVK() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: r.Group, Version: r.Version, Kind: r.Kind}
}

// GV is the group and version that it is served in.
func (r *Resource) GV() schema.GroupVersion {
	return schema.GroupVersion{Group: r.Group, Version: r.Version}
}

// Has says whether it has a subresource.
func (r *Resource) Has(sub string) bool { return slices.Contains(r.Subs, sub) }

// Of the resources that are asked for most.
var (
	Namespaces          = schema.GroupResource{Resource: "namespaces"}
	Nodes               = schema.GroupResource{Resource: "nodes"}
	Pods                = schema.GroupResource{Resource: "pods"}
	Services            = schema.GroupResource{Resource: "services"}
	Endpoints           = schema.GroupResource{Resource: "endpoints"}
	ConfigMaps          = schema.GroupResource{Resource: "configmaps"}
	Secrets             = schema.GroupResource{Resource: "secrets"}
	ServiceAccounts     = schema.GroupResource{Resource: "serviceaccounts"}
	Events              = schema.GroupResource{Resource: "events"}
	Deployments         = schema.GroupResource{Group: "apps", Resource: "deployments"}
	ReplicaSets         = schema.GroupResource{Group: "apps", Resource: "replicasets"}
	StatefulSets        = schema.GroupResource{Group: "apps", Resource: "statefulsets"}
	DaemonSets          = schema.GroupResource{Group: "apps", Resource: "daemonsets"}
	ControllerRevisions = schema.GroupResource{Group: "apps", Resource: "controllerrevisions"}
	Autoscalers         = schema.GroupResource{Group: "autoscaling", Resource: "horizontalpodautoscalers"}
	EndpointSlices      = schema.GroupResource{Group: "discovery.k8s.io", Resource: "endpointslices"}
	Leases              = schema.GroupResource{Group: "coordination.k8s.io", Resource: "leases"}
)

var (
	all    = []string{"all"}
	status = []string{"status"}
	scaled = []string{"scale", "status"}
)

// Resources are all that is served, in the order of discovery.
var Resources = []*Resource{
	{Version: "v1", Plural: "configmaps", Singular: "configmap", Kind: "ConfigMap", Namespaced: true, Short: []string{"cm"}},
	{Version: "v1", Plural: "endpoints", Singular: "endpoints", Kind: "Endpoints", Namespaced: true, Short: []string{"ep"}},
	{Version: "v1", Plural: "events", Singular: "event", Kind: "Event", Namespaced: true, Short: []string{"ev"}},
	{Version: "v1", Plural: "limitranges", Singular: "limitrange", Kind: "LimitRange", Namespaced: true, Short: []string{"limits"}},
	{Version: "v1", Plural: "namespaces", Singular: "namespace", Kind: "Namespace", Short: []string{"ns"}, Subs: status},
	{Version: "v1", Plural: "nodes", Singular: "node", Kind: "Node", Short: []string{"no"}, Subs: status},
	{Version: "v1", Plural: "persistentvolumeclaims", Singular: "persistentvolumeclaim", Kind: "PersistentVolumeClaim", Namespaced: true, Short: []string{"pvc"}, Subs: status},
	{Version: "v1", Plural: "pods", Singular: "pod", Kind: "Pod", Namespaced: true, Short: []string{"po"}, Categories: all, Subs: []string{"exec", "log", "status"}, bumps: bumpsSpec},
	{Version: "v1", Plural: "replicationcontrollers", Singular: "replicationcontroller", Kind: "ReplicationController", Namespaced: true, Short: []string{"rc"}, Categories: all, Subs: status, bumps: bumpsSpec},
	{Version: "v1", Plural: "resourcequotas", Singular: "resourcequota", Kind: "ResourceQuota", Namespaced: true, Short: []string{"quota"}, Subs: status},
	{Version: "v1", Plural: "secrets", Singular: "secret", Kind: "Secret", Namespaced: true},
	{Version: "v1", Plural: "serviceaccounts", Singular: "serviceaccount", Kind: "ServiceAccount", Namespaced: true, Short: []string{"sa"}},
	{Version: "v1", Plural: "services", Singular: "service", Kind: "Service", Namespaced: true, Short: []string{"svc"}, Categories: all, Subs: []string{"proxy", "status"}},

	{Group: "apps", Version: "v1", Plural: "controllerrevisions", Singular: "controllerrevision", Kind: "ControllerRevision", Namespaced: true},
	{Group: "apps", Version: "v1", Plural: "daemonsets", Singular: "daemonset", Kind: "DaemonSet", Namespaced: true, Short: []string{"ds"}, Categories: all, Subs: status, bumps: bumpsSpec},
	{Group: "apps", Version: "v1", Plural: "deployments", Singular: "deployment", Kind: "Deployment", Namespaced: true, Short: []string{"deploy"}, Categories: all, Subs: scaled, bumps: bumpsSpecAndAnnotations},
	{Group: "apps", Version: "v1", Plural: "replicasets", Singular: "replicaset", Kind: "ReplicaSet", Namespaced: true, Short: []string{"rs"}, Categories: all, Subs: scaled, bumps: bumpsSpec},
	{Group: "apps", Version: "v1", Plural: "statefulsets", Singular: "statefulset", Kind: "StatefulSet", Namespaced: true, Short: []string{"sts"}, Categories: all, Subs: scaled, bumps: bumpsSpec},

	{Group: "autoscaling", Version: "v2", Plural: "horizontalpodautoscalers", Singular: "horizontalpodautoscaler", Kind: "HorizontalPodAutoscaler", Namespaced: true, Short: []string{"hpa"}, Categories: all, Subs: status},
	{Group: "batch", Version: "v1", Plural: "cronjobs", Singular: "cronjob", Kind: "CronJob", Namespaced: true, Short: []string{"cj"}, Categories: all, Subs: status, bumps: bumpsSpec},
	{Group: "batch", Version: "v1", Plural: "jobs", Singular: "job", Kind: "Job", Namespaced: true, Categories: all, Subs: status, bumps: bumpsSpec},
	{Group: "coordination.k8s.io", Version: "v1", Plural: "leases", Singular: "lease", Kind: "Lease", Namespaced: true},
	{Group: "discovery.k8s.io", Version: "v1", Plural: "endpointslices", Singular: "endpointslice", Kind: "EndpointSlice", Namespaced: true},
	{Group: "policy", Version: "v1", Plural: "poddisruptionbudgets", Singular: "poddisruptionbudget", Kind: "PodDisruptionBudget", Namespaced: true, Short: []string{"pdb"}, Subs: status, bumps: bumpsSpec},
}

var byGR = func() map[schema.GroupResource]*Resource {
	m := map[schema.GroupResource]*Resource{}
	for _, r := range Resources {
		m[r.GR()] = r
	}
	return m
}()

// Find returns the resource of a key, nil for one that is not served.
func Find(gr schema.GroupResource) *Resource { return byGR[gr] }
