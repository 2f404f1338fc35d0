package kube

import "testing"

func TestOwnsTemplate(t *testing.T) {
	for fields, want := range map[string]bool{
		``:                             false,
		`{}`:                           false,
		`{"f:spec":{"f:replicas":{}}}`: false,
		`{"f:spec":{"f:template":{"f:spec":{}}}}`:                                         true,
		`{"f:metadata":{"f:labels":{".":{}}},"f:spec":{"f:replicas":{},"f:template":{}}}`: true,
		`{"f:metadata":{"f:annotations":{"f:template":{}}},"f:spec":{"f:replicas":{}}}`:   false,
		`{"f:spec":{"f:selector":{"f:template":{}}}}`:                                     false,
		`{"f:metadata":{"k:{\"f:spec\":\"}\"}":{}},"f:spec": {"f:template": {}}}`:         true,
		`{"f:status":{"f:template":{}}}`:                                                  false,
		`{"f:spec":{"f:template`:                                                          false,
		`{"f:spec":{"f:template"`:                                                         true,
		`{"f:spec":{"f:a\`:                                                                false,
	} {
		if got := ownsTemplate([]byte(fields)); got != want {
			t.Errorf("%s: %v", fields, got)
		}
	}
}
