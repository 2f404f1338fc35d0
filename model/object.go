package model

import (
	"encoding/json"
	"strings"
	"time"
)

// Object names an object of the cluster, of any kind.
type Object struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace,omitempty"` // "" = it is in none
	Name       string `json:"name"`
}

// String returns the name as kubectl takes it: "configmap/api-env".
func (o Object) String() string { return strings.ToLower(o.Kind) + "/" + o.Name }

// Object returns the workload as an object of the cluster.
func (w Workload) Object() Object {
	return Object{APIVersion: "apps/v1", Kind: string(w.Kind), Namespace: w.Namespace, Name: w.Name}
}

// Manifest is an object as a server-side apply makes it.
type Manifest struct {
	Object
	Raw     json.RawMessage // JSON
	Manager string          // field manager that it is applied as
	Force   bool            // takes over the fields that belong to other managers
	Version string          // resourceVersion that the object must still have; "" = whatever it has
	UID     string          // that the object must have; "" = whatever it has
}

// Owned is a field of an object and the manager that it belongs to.
type Owned struct {
	Manager string `json:"manager"`
	Field   string `json:"field"` // ".spec.template.spec.containers[name="api"].image"
	// Applies says that the manager applies manifests, and sets no more than what stands
	// in them. It is told of what stays, and not kept.
	Applies bool `json:"-"`
}

// Rehearsed holds an object as it is and as a server-side apply would make it, by the API
// server.
type Rehearsed struct {
	Manifest                  // what is to be sent: Raw without what is left to others, Version that of Live
	Live      json.RawMessage // as it is now; nil = it is not there
	After     json.RawMessage // as it would be; nil when it is refused
	Template  string          // hash of the pod template in After; "" = it has none
	Before    time.Time       // when the condition of its rollout was last updated; zero = it has none
	Writer    string          // who wrote it last, and when; "" = unknown
	Changes   []Change
	Conflicts []Owned         // that it takes over: After is what comes of it then
	Adopts    json.RawMessage // hands over what kubectl has applied without the server; nil = there is none
	Left      []Owned         // that stay though the manifest does not have them
	Scaler    string          // the autoscaler that its number of replicas is left to; "" = none
	ScalerErr string          // why it is not known whether there is one, and replicas are left as they are
	Stopped   bool            // a mark says that it is scaled down for a time: replicas are left as they are
	Refused   string          // why the API server would refuse it, in its own words; "" = it would not
	Immutable bool            // it would, because a field cannot be changed
	Anew      *Anew           // how it could be deleted and made anew, where it is Immutable; After is what comes of it then
}

// Anew says what it comes to when an object is deleted and made anew.
type Anew struct {
	Never  string // why that is not done; "" = it may be
	Orphan bool   // what belongs to it stays, and the new one takes it over
	Costs  string // what ends with it and what is lost, in words
}

// Remade reports whether the object can be deleted and made anew.
func (r *Rehearsed) Remade() bool { return r.Anew != nil && r.Anew.Never == "" }

// Removal says what a deletion holds on to, and what becomes of what belongs to the object.
type Removal struct {
	UID     string // that the object must have
	Version string // resourceVersion that it must still have; "" = whatever it has
	Orphan  bool   // what belongs to it stays
}

// Autoscaler sets the number of a workload's replicas by itself.
type Autoscaler struct {
	Object
	Raw json.RawMessage // as it was listed, which may be without its kind
}

// AppliedObject is the API server's answer to a server-side apply.
type AppliedObject struct {
	Version    string // resourceVersion
	UID        string
	Generation int64
	Template   string // hash of its pod template; "" = it has none
}
