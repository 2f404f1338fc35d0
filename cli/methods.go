package cli

import (
	"rollbook/engine"
	"rollbook/kube"
)

// methods are the ways back, in the order in which they are offered.
func methods(c *kube.Client) []engine.Method {
	return []engine.Method{
		kube.NewUndo(c),
		kube.NewDeletePod(c),
	}
}
