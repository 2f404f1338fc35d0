package store

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// The bounds are those of k8s.io/apiserver/pkg/storage/names.
func TestGenerateName(t *testing.T) {
	first := func(int) int { return 0 }
	for base, want := range map[string]string{
		"":                            "bbbbb",
		"api-":                        "api-bbbbb",
		strings.Repeat("a", 57) + "-": strings.Repeat("a", 57) + "-bbbbb",
		strings.Repeat("a", 58) + "-": strings.Repeat("a", 58) + "bbbbb",
		strings.Repeat("a", 84) + "-": strings.Repeat("a", 58) + "bbbbb",
	} {
		if got := GenerateName(base, first); got != want {
			t.Errorf("%q gives %q, want %q", base, got, want)
		}
	}
}

// An object that is created with metadata.generateName gets such a name too.
func TestCreateCutsALongBase(t *testing.T) {
	s := New(time.Now)
	if _, err := s.Create(Namespaces, &unstructured.Unstructured{Object: map[string]any{"metadata": map[string]any{"name": "n"}}}, By{Manager: "m"}); err != nil {
		t.Fatal(err)
	}
	base := strings.Repeat("long-", 15)
	o, err := s.Create(ConfigMaps, &unstructured.Unstructured{Object: map[string]any{"metadata": map[string]any{"namespace": "n", "generateName": base}}}, By{Manager: "m"})
	if err != nil {
		t.Fatal(err)
	}
	if got := o.GetName(); len(got) != 63 || !strings.HasPrefix(got, base[:58]) {
		t.Errorf("named %q", got)
	}
}
