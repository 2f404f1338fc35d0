package sim

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"rollbook/sandbox/store"
)

// environment returns what a container is started with: its own variables and those of
// ConfigMaps. It keeps them until it is started again, whatever the ConfigMap says then.
func (m *Sim) environment(p *corev1.Pod, c *corev1.Container) map[string]string {
	out := map[string]string{}
	data := func(name string) map[string]string {
		o, err := m.store.Get(store.ConfigMaps, p.Namespace, name)
		if err != nil {
			return nil
		}
		all, _, _ := unstructured.NestedStringMap(o.Object, "data")
		return all
	}
	for _, f := range c.EnvFrom {
		if f.ConfigMapRef != nil {
			for k, v := range data(f.ConfigMapRef.Name) {
				out[f.Prefix+k] = v
			}
		}
	}
	for _, e := range c.Env {
		switch {
		case e.ValueFrom == nil:
			out[e.Name] = e.Value
		case e.ValueFrom.ConfigMapKeyRef != nil:
			if v, is := data(e.ValueFrom.ConfigMapKeyRef.Name)[e.ValueFrom.ConfigMapKeyRef.Key]; is {
				out[e.Name] = v
			}
		}
	}
	return out
}
