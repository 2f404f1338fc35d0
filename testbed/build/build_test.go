package build

import (
	"os"
	"strings"
	"testing"
)

// Each program's version comes from go.mod, and each is named there as a tool, so
// that go mod tidy keeps what it needs.
func TestToolsAreInGoMod(t *testing.T) {
	b, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	versions := moduleVersions(b)
	for _, x := range tools {
		if !strings.HasPrefix(versions[x.module], "v") || versions[x.module] == "v0.0.0" {
			t.Errorf("%s: version %q of %s", x.name, versions[x.module], x.module)
		}
		if !strings.Contains(string(b), "\t"+x.pkg+"\n") {
			t.Errorf("%s is not a tool of go.mod", x.pkg)
		}
	}
	if got := kubeFlags("v1.37.2"); !strings.Contains(got, "gitVersion=v1.37.2") || !strings.Contains(got, "gitMinor=37") {
		t.Errorf("flags %s", got)
	}
}

func TestModuleVersions(t *testing.T) {
	v := moduleVersions([]byte("require (\n\ta.b/c v1.2.3\n\td.e/f v0.1.0 // indirect\n)\nrequire g/h v2.0.0\nreplace (\n\ti/j => i/j v9.9.9\n)\n"))
	if len(v) != 3 || v["a.b/c"] != "v1.2.3" || v["g/h"] != "v2.0.0" {
		t.Errorf("got %v", v)
	}
}
