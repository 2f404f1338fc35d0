package kube

import (
	"encoding/json"
	"strings"

	"rollbook/model"
)

// withoutRestart is the digest of a template less what only makes pods restart:
// the annotation of kubectl rollout restart, the marks of Stakater's Reloader,
// and checksums of configuration. Two revisions that agree in it run the same.
func withoutRestart(raw json.RawMessage) string {
	v, err := tree(raw)
	if err != nil {
		return ""
	}
	t, _ := v.(map[string]any)
	meta, _ := t["metadata"].(map[string]any)
	delete(meta, "creationTimestamp")
	if l, ok := meta["labels"].(map[string]any); ok {
		delete(l, labelHash)
	}
	if a, ok := meta["annotations"].(map[string]any); ok {
		for k := range a {
			if k == annRestarted || k == "reloader.stakater.com/last-reloaded-from" || strings.HasPrefix(k, "checksum/") {
				delete(a, k)
			}
		}
		if len(a) == 0 {
			delete(meta, "annotations")
		}
	}
	spec, _ := t["spec"].(map[string]any)
	for _, list := range []string{"containers", "initContainers"} {
		cs, _ := spec[list].([]any)
		for _, c := range cs {
			m, _ := c.(map[string]any)
			env, ok := m["env"].([]any)
			if !ok {
				continue
			}
			kept := make([]any, 0, len(env))
			for _, e := range env {
				if n, _ := e.(map[string]any)["name"].(string); !strings.HasPrefix(n, "STAKATER_") {
					kept = append(kept, e)
				}
			}
			if m["env"] = kept; len(kept) == 0 {
				delete(m, "env")
			}
		}
	}
	return model.Digest(t)
}
