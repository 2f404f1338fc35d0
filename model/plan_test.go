package model

import (
	"encoding/json"
	"testing"
)

// Journals keep plans by their IDs, so that these hashes stay for ever.
func TestDigestStays(t *testing.T) {
	for _, tc := range []struct {
		parts []any
		want  string
	}{
		{nil, "e3b0c44298fc1c149afbf4c8996fb924"},
		{[]any{"undo", Workload{Kind: "Deployment", Namespace: "shop", Name: "api"}, 3, true}, "0ca9dbdc917483e1830318b92d43402c"},
		{[]any{map[string]any{"b": json.Number("1.50"), "a": nil}}, "efd6b05720c1f2829c42880d72fd95a1"},
		{[]any{func() {}}, "64e0afe6fdae13bd0bcdf42dd07f863e"}, // no JSON: why not
		{[]any{"ab", "c"}, "c4bb098bb9061ed97211449d690a3af9"},
		{[]any{"a", "bc"}, "44383eb7391da8f70e3ae4439b3e9f91"},
	} {
		if got := Digest(tc.parts...); got != tc.want {
			t.Errorf("%v: %s, want %s", tc.parts, got, tc.want)
		}
	}
}
