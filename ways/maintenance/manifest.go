package maintenance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"k8s.io/apimachinery/pkg/util/yaml"

	"rollbook/model"
	"rollbook/text"
	"rollbook/ways"
)

// maxManifest is the most of a manifest that is read.
const maxManifest = 1 << 20

// read returns the objects of the manifest, each with the page's label, in their order.
func (m Maintenance) read(ctx context.Context, namespace string) ([]model.Manifest, error) {
	if m.Manifest == "" {
		return nil, model.Told(nil, nil, "no manifest is configured: set recovery: {maintenance: …} in your own rollbook.yaml")
	}
	raw, err := contents(m.Manifest)
	if err != nil {
		return nil, model.Told(nil, err, "the manifest of the maintenance page cannot be read: %s", text.Line(err.Error()))
	}
	wrong := func(n int, format string, args ...any) error {
		return model.Told(nil, nil, "%s, object %d: %s", text.Line(m.Manifest), n, text.Line(fmt.Sprintf(format, args...)))
	}
	var out []model.Manifest
	d := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(raw), 4096)
	for n := 1; ; n++ {
		var o map[string]any
		if err := d.Decode(&o); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, wrong(n, "it is no YAML: %s", err)
		}
		if len(o) == 0 {
			n--
			continue
		}
		meta, _ := o["metadata"].(map[string]any)
		word := func(in map[string]any, key string) string { s, _ := in[key].(string); return s }
		at := model.Object{APIVersion: word(o, "apiVersion"), Kind: word(o, "kind"), Namespace: word(meta, "namespace"), Name: word(meta, "name")}
		switch {
		case at.APIVersion == "" || at.Kind == "" || at.Name == "":
			return nil, wrong(n, "it has no apiVersion, no kind or no metadata.name")
		case at.Namespace != "" && at.Namespace != namespace:
			return nil, wrong(n, "%s is of namespace %s, and the component is in %s: the page may change nothing elsewhere", at, at.Namespace, namespace)
		}
		at.Namespace = namespace
		in, err := m.cluster.Namespaced(ctx, at)
		if err != nil {
			return nil, wrong(n, "%s: %s", at, err)
		}
		if !in {
			return nil, wrong(n, "%s is in no namespace: the page may change nothing beside its namespace", at)
		}
		labels, _ := meta["labels"].(map[string]any)
		if labels == nil {
			labels = map[string]any{}
		}
		labels[labelPage] = "on"
		meta["labels"], meta["namespace"] = labels, namespace
		body, err := json.Marshal(o)
		if err != nil {
			return nil, wrong(n, "%s", err)
		}
		if slices.ContainsFunc(out, func(x model.Manifest) bool { return x.Object == at }) {
			return nil, wrong(n, "%s stands in it twice", at)
		}
		out = append(out, model.Manifest{Object: at, Raw: body, Manager: ways.Manager})
	}
	if len(out) == 0 {
		return nil, model.Told(nil, nil, "%s has no object", text.Line(m.Manifest))
	}
	return out, nil
}

// contents reads a file, or the files of a folder one after the other.
func contents(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	files := []string{name}
	if info.IsDir() {
		files = nil
		for _, pattern := range []string{"*.yaml", "*.yml", "*.json"} {
			found, err := filepath.Glob(filepath.Join(name, pattern))
			if err != nil {
				return nil, err
			}
			files = append(files, found...)
		}
		slices.Sort(files)
	}
	var out []byte
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		if out = append(append(out, "\n---\n"...), raw...); len(out) > maxManifest {
			return nil, fmt.Errorf("%s is larger than %d bytes", name, maxManifest)
		}
	}
	return out, nil
}
