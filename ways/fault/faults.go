package fault

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"k8s.io/apimachinery/pkg/util/yaml"

	"rollbook/model"
	"rollbook/text"
)

// container is what a fault needs to know of the container that it breaks.
type container struct{ Name, Image string }

// patchOf returns a fault as a strategic merge patch of a workload.
func (f Fault) patchOf(fault string, c *container) (json.RawMessage, error) {
	change := map[string]any{"name": c.Name}
	switch fault {
	case model.FaultImage:
		change["image"] = noImage(c.Image)
	case model.FaultCommand:
		change["command"], change["args"] = []string{"sh", "-c", "echo 'rollbook drill: this version ends on purpose' >&2; exit 3"}, nil
	case model.FaultReadiness: // on a port that nobody listens on
		change["readinessProbe"] = map[string]any{"$patch": "replace", "tcpSocket": map[string]any{"port": 1}, "periodSeconds": 5}
	case model.FaultCPU:
		change["resources"] = map[string]any{"limits": map[string]any{"cpu": "10m"}, "requests": map[string]any{"cpu": "10m"}}
	case model.FaultEnv:
		name, value, is := strings.Cut(f.Env, "=")
		if !is || name == "" {
			return nil, fmt.Errorf("which variable makes it fail is not configured: set drill: {env: NAME=VALUE} in your own rollbook.yaml")
		}
		change["env"] = []any{map[string]any{"name": name, "value": value, "valueFrom": nil}}
	case model.FaultPatch:
		return f.ownPatch()
	default:
		return nil, fmt.Errorf("%q is no fault: there are %s", text.Line(fault), strings.Join(model.Faults(), ", "))
	}
	return json.Marshal(map[string]any{"spec": map[string]any{"template": map[string]any{"spec": map[string]any{"containers": []any{change}}}}})
}

// noTag is the tag that nobody gives an image.
const noTag = "rollbook-drill-no-such-tag"

// noImage returns a reference to an image of the same repository that does not exist.
func noImage(image string) string {
	image, _, _ = strings.Cut(image, "@")
	if at := strings.LastIndexByte(image, ':'); at > strings.LastIndexByte(image, '/') {
		image = image[:at]
	}
	return image + ":" + noTag
}

// maxPatch is the most of a patch that is read.
const maxPatch = 64 << 10

// ownPatch reads the team's own patch: YAML or JSON, as for kubectl patch.
func (f Fault) ownPatch() (json.RawMessage, error) {
	if f.Patch == "" {
		return nil, fmt.Errorf("no patch is configured: set drill: {patch: FILE} in your own rollbook.yaml")
	}
	raw, err := contents(f.Patch)
	if err != nil {
		return nil, fmt.Errorf("the drill's patch cannot be read: %s", text.Line(err.Error()))
	}
	var o struct {
		Spec struct {
			Template json.RawMessage `json:"template"`
		} `json:"spec"`
	}
	if err := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(raw), 4096).Decode(&o); err != nil {
		return nil, fmt.Errorf("the drill's patch %s is no YAML: %s", text.Line(f.Patch), text.Line(err.Error()))
	}
	if len(o.Spec.Template) == 0 {
		return nil, fmt.Errorf("the drill's patch %s has no spec.template: nothing else is ever broken", text.Line(f.Patch))
	}
	return json.Marshal(map[string]any{"spec": map[string]any{"template": o.Spec.Template}})
}

func contents(name string) ([]byte, error) {
	r, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	raw, err := io.ReadAll(io.LimitReader(r, maxPatch+1))
	if err == nil && len(raw) > maxPatch {
		err = fmt.Errorf("%s is larger than %d bytes", name, maxPatch)
	}
	return raw, err
}
