package cli

import (
	"rollbook/engine"
	"rollbook/kube"
)

// methods are the ways back. Choose offers those that are engine.Offered, in this order.
func methods(c *kube.Client) []engine.Method {
	return []engine.Method{
		kube.NewUndo(c),
		kube.NewDeletePod(c),
	}
}
