package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	"rollbook/model"
	"rollbook/text"
)

// Manifest is a component's workload as YAML, for a person to read: without
// managedFields and the last applied configuration, literal values of env
// masked, the rest redacted.
func (c *Client) Manifest(ctx context.Context, comp *model.Component) (string, error) {
	w := comp.Workload
	body, err := c.do(ctx, call{method: http.MethodGet, path: workloadPath(w)})
	if err != nil {
		return "", model.Told(nil, err, "%s cannot be shown: %s", w, because(err))
	}
	return manifest(body)
}

func manifest(body []byte) (string, error) {
	v, err := tree(body)
	if err != nil {
		return "", fmt.Errorf("the manifest cannot be read: %w", err)
	}
	return asYAML(object2(v))
}

// asYAML prints an object of any kind that has a pod spec somewhere, or none.
func asYAML(o map[string]any) (string, error) {
	meta := object2(o["metadata"])
	delete(meta, "managedFields")
	delete(object2(meta["annotations"]), annLastApplied)
	maskKeys(meta)
	for _, in := range []string{"spec", "data"} { // a ControllerRevision has its template in data.spec
		spec := object2(o[in])
		mask(spec)
		for _, template := range []map[string]any{object2(spec["template"]), object2(object2(spec["spec"])["template"])} {
			maskKeys(object2(template["metadata"]))
			mask(object2(template["spec"]))
		}
	}
	plain, err := json.Marshal(o)
	if err != nil {
		return "", err
	}
	out, err := yaml.JSONToYAML(plain)
	if err != nil {
		return "", fmt.Errorf("the manifest cannot be shown: %w", err)
	}
	return text.Lines(string(out)), nil
}

// maskKeys takes the values out of annotations and labels whose keys tell of a secret.
func maskKeys(meta map[string]any) {
	for _, kind := range []string{"annotations", "labels"} {
		m := object2(meta[kind])
		for k := range m {
			if text.SecretName(k) {
				m[k] = text.Mask
			}
		}
	}
}

// mask takes the literal values out of a pod spec's variables.
func mask(spec map[string]any) {
	for _, kind := range []string{"containers", "initContainers", "ephemeralContainers"} {
		for _, ct := range list(spec[kind]) {
			for _, e := range list(object2(ct)["env"]) {
				if m := object2(e); m["value"] != nil {
					m["value"] = text.Mask
				}
			}
		}
	}
}

// Diff is the full difference between the running template and a revision's,
// one change a line, for the page that shows all of it. to is the revision's key.
func (c *Client) Diff(ctx context.Context, comp *model.Component, to string) ([]string, error) {
	h, err := NewUndo(c).Versions(ctx, comp, time.Time{})
	if err != nil {
		return nil, err
	}
	r := h.Candidate(to)
	if r == nil {
		return nil, fmt.Errorf("%s is not in the history of %s any more", to, comp.Workload)
	}
	return DiffLines(r.Changes), nil
}

// DiffLines prints changes one a line: "- " what goes, "+ " what comes, "~ "
// what changes.
func DiffLines(changes []model.Change) []string {
	out := make([]string, 0, len(changes))
	for _, ch := range changes {
		what := strings.TrimSpace(ch.Kind + " " + ch.What)
		switch {
		case ch.From == "":
			out = append(out, "+ "+what+": "+ch.To)
		case ch.To == "":
			out = append(out, "- "+what+": "+ch.From)
		default:
			out = append(out, "~ "+what+": "+ch.From+" → "+ch.To)
		}
	}
	return out
}
