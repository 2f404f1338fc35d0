package cluster

import (
	"strings"
	"testing"
)

func TestExpandIndents(t *testing.T) {
	got := expand("a:\n  - X\n    b: X2\nX\n", "X", "one: 1\ntwo: 2")
	want := "a:\n  - one: 1\n    two: 2\n    b: X2\none: 1\ntwo: 2\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestConfigHasNoMacroLeft(t *testing.T) {
	text := kwokConfig("v1.2.3")
	for _, m := range macros {
		for _, l := range strings.Split(text, "\n") {
			if strings.Trim(l, " -") == m.name {
				t.Errorf("%s was not expanded", m.name)
			}
		}
	}
	if strings.Contains(text, "KUBE_VERSION") {
		t.Error("a placeholder was left")
	}
}
