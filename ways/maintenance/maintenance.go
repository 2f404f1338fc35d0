// Package maintenance shows a maintenance page while a component is down: the objects of
// a manifest are applied, and taken away again by what was applied. What the manifest
// makes is deleted then; what was there before, such as an Ingress that it points
// elsewhere, gets the values back that it had, which stand in an annotation of it.
package maintenance

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"rollbook/model"
	"rollbook/ways"
)

// Cluster reads and changes objects.
type Cluster interface {
	ways.Objects
	// Kubectl returns the kubectl command that does something in a namespace.
	Kubectl(namespace, what string) string
	// Namespaced reports whether objects of a kind are in a namespace.
	Namespaced(ctx context.Context, o model.Object) (bool, error)
	// May reports whether the user may do something with an object.
	May(ctx context.Context, verb string, o model.Object) (bool, error)
	// Rehearse tries an apply by a dry run.
	Rehearse(ctx context.Context, m model.Manifest) (model.Rehearsed, error)
	// Apply writes what was rehearsed, once. The error is as ways.Objects.Patch has it.
	Apply(ctx context.Context, r model.Rehearsed, tell func(model.Progress)) (model.AppliedObject, error)
	// Delete deletes an object, once, if it is still the one with that UID.
	Delete(ctx context.Context, o model.Object, how model.Removal, tell func(model.Progress)) error
}

// Options set what a Maintenance may do, and what it writes down.
type Options struct {
	ReadOnly bool   // nothing is changed
	Manifest string // file, or folder of files; "" = none is configured: a page can be taken away only
	Now      func() time.Time
	By       string // who works with it, for the mark in the cluster
}

// Maintenance shows the page, and takes it away. It is safe for concurrent use.
type Maintenance struct {
	cluster Cluster
	Options
}

// New returns the method for a manifest.
func New(c Cluster, o Options) Maintenance { return Maintenance{c, o} }

// Name returns model.MethodMaintenance.
func (Maintenance) Name() model.Method { return model.MethodMaintenance }

// Versions lists both states of the page.
func (Maintenance) Versions(_ context.Context, c *model.Component, _ time.Time) (*model.History, error) {
	shown := false
	for n := range c.Marks {
		shown = shown || c.Marks[n].Method == model.MethodMaintenance
	}
	return &model.History{Component: c.ID, Method: model.MethodMaintenance, Candidates: []model.Candidate{
		{Version: model.MaintenancePage(true), Current: shown}, {Version: model.MaintenancePage(false), Current: !shown}}}, nil
}

// labelPage is on each object that the page is made of.
const labelPage = "rollbook/maintenance"

// was is a value that the page changed in an object that was there before.
type was struct {
	Path string `json:"path"` // JSON pointer
	Was  any    `json:"was"`  // nil = there was none
	Set  any    `json:"set"`
}

// detail keeps in a plan what it rests on.
type detail struct {
	Manifest string         `json:"manifest,omitempty"` // digest; "" = the page is taken away
	Objects  []ways.Changed `json:"objects"`            // in the order in which they are written
}

// markOf returns the page's mark on a workload as it was read; nil when there is none.
func markOf(raw json.RawMessage) *model.Mark {
	var o struct {
		Metadata struct{ Labels, Annotations map[string]string }
	}
	_ = json.Unmarshal(raw, &o)
	return model.MarkOf(model.MethodMaintenance, o.Metadata.Labels, o.Metadata.Annotations)
}

// shownBy names the objects of a page.
func shownBy(all []model.Object) string {
	const most = 3
	out := ""
	for n, o := range all {
		switch {
		case n == most:
			return out + fmt.Sprintf(" and %d more", len(all)-most)
		case n > 0:
			out += ", "
		}
		out += o.String()
	}
	return out
}
