package ui

import "testing"

func TestVersion(t *testing.T) {
	for image, want := range map[string]string{
		"shop/api:1.42.0": "1.42.0", "reg:5000/shop/api": "", "reg:5000/shop/api:1.0-rc1": "1.0-rc1", "api": "", "": "",
		"shop/api:1.42.0@sha256:0123456789abcdef0123": "1.42.0",
	} {
		if got := version(image); got != want {
			t.Errorf("%q: %q, want %q", image, got, want)
		}
	}
}
