package kube

import (
	"context"
	"maps"
	"slices"

	"rollbook/model"
	"rollbook/text"
)

// Contexts returns the names of the kubeconfig's contexts; none where it cannot be
// read.
func (f *Flags) Contexts() []string {
	raw, err := f.loader().RawConfig()
	if err != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(raw.Contexts))
}

// Namespaces lists the names of the cluster's namespaces.
func (c *Client) Namespaces(ctx context.Context) ([]string, error) {
	list, err := c.metadata(ctx, corePath("", "namespaces", ""))
	if err != nil {
		return nil, model.Told(nil, err, "the namespaces cannot be listed: %s", because(err))
	}
	var out []string
	for _, o := range list {
		out = append(out, text.Line(o.Name))
	}
	return out, nil
}

// Workloads lists the workloads of the client's namespace that can be rolled back.
func (c *Client) Workloads(ctx context.Context) ([]model.Workload, error) {
	var out []model.Workload
	for _, k := range kindsInOrder {
		list, err := c.metadata(ctx, appsPath(c.namespace, k.Resource(), ""))
		if err != nil {
			return nil, model.Told(nil, err, "the workloads of namespace %s cannot be listed: %s", c.namespace, because(err))
		}
		for _, o := range list {
			out = append(out, model.Workload{Kind: k, Namespace: c.namespace, Name: text.Line(o.Name)})
		}
	}
	return out, nil
}
