package cli

import (
	"rollbook/engine"
	"rollbook/kube"
)

// methods are the ways back. The first is the one that Choose offers.
func methods(c *kube.Client) []engine.Method {
	return []engine.Method{
		kube.NewUndo(c),
		kube.NewDeletePod(c),
	}
}
