package porttest

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"rollbook/engine"
	"rollbook/model"
)

// Schema is a database's schema for which the pods of a bed have the tool.
type Schema struct {
	At  func() string    // the newest migration that is applied
	Set func(key string) // somebody brings it to another one
	To  string           // an earlier migration, to which it can be taken back
	Far string           // another one before that
	// Annotations and Env are what a pod needs to have the tool, where it really runs.
	Annotations, Env map[string]string
	// ReadOnly makes the method for a program that may change nothing. A client that is
	// read-only lets no command be run at all, not even one that looks.
	ReadOnly func(t *testing.T, ns string, via Via) engine.Method
}

// RunSchema tries the contract of any method on what takes migrations back. in opens a
// bed and a schema of its own, whose newest migration came with the image contract/api:2.
func RunSchema(t *testing.T, in func(t *testing.T, f func(t *testing.T, b *Bed, s *Schema))) {
	RunMethod(t, func(t *testing.T, f func(t *testing.T, x *Trial)) {
		in(t, func(t *testing.T, b *Bed, s *Schema) { f(t, schemaTrial(t, b, s)) })
	})
}

// release rolls out the image whose code knows the newest migration.
func (s *Schema) release(t *testing.T, b *Bed, w model.Workload) {
	t.Helper()
	type env struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	container := map[string]any{"name": "api", "image": "contract/api:2"}
	var all []env
	for name, value := range s.Env {
		all = append(all, env{name, value})
	}
	container["env"] = all
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"template": map[string]any{
		"metadata": map[string]any{"annotations": s.Annotations}, "spec": map[string]any{"containers": []any{container}}}}})
	if err != nil {
		t.Fatal(err)
	}
	b.ask(t, http.MethodPatch, path(w.Namespace, w.Kind.Resource(), w.Name)+"?fieldManager="+someone, strategic, string(patch), nil)
}

func schemaTrial(t *testing.T, b *Bed, s *Schema) *Trial {
	t.Helper()
	w, seen := b.made(t, model.Deployment)
	s.release(t, b, w)
	seen.until(time.Minute, "api", "is released", func(c *model.Component) bool { return c.Revision == 2 && atRest(c) })
	x := b.trial(t, w.Namespace, "migrate", "")
	x.ReadOnly = func(t *testing.T) engine.Method { return s.ReadOnly(t, w.Namespace, x.via) }
	x.Component = func() *model.Component { return seen.get("api") }
	x.To = model.Version{Key: s.To}
	x.State = func(*testing.T) string { return s.At() }
	x.Change = func(*testing.T) { s.Set(s.Far) }
	x.Changed = model.SettledForeign
	x.lacks(map[string]string{"viewer": "", "nobody": ""})
	return x
}
