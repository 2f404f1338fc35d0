package model

import "testing"

// One image names all versions of a workload, whatever the order of the others.
func TestNamedBy(t *testing.T) {
	for _, x := range []struct {
		name, own string
		running   []string
		others    [][]string
		want      string
	}{
		{"nothing is known", "", nil, nil, ""},
		{"the only one", "", []string{"r:5000/shop/api:1"}, nil, "api"},
		{"nothing changed", "", []string{"proxy:1", "shop/api:1"}, [][]string{{"proxy:1", "shop/api:1"}}, "proxy"},
		{"nothing changed: its own", "shop/api:1", []string{"proxy:1", "shop/api:1"}, nil, "api"},
		{"one changed", "", []string{"proxy:1", "shop/api:2"}, [][]string{{"proxy:1", "shop/api:1"}}, "api"},
		{"both changed", "", []string{"proxy:2", "shop/api:2"}, [][]string{{"proxy:1", "shop/api:1"}}, "proxy"},
		{"both changed, the other way round", "", []string{"shop/api:2", "proxy:2"}, [][]string{{"proxy:1", "shop/api:1"}}, "api"},
		{"both changed: its own", "shop/api:2", []string{"proxy:2", "shop/api:2"}, [][]string{{"proxy:1", "shop/api:1"}}, "api"},
		{"its own changed less often", "shop/api:2", []string{"proxy:3", "shop/api:2"}, [][]string{{"proxy:2", "shop/api:2"}, {"proxy:1", "shop/api:1"}}, "api"},
		{"its own never changed", "shop/api:2", []string{"shop/api:2", "proxy:2"}, [][]string{{"shop/api:2", "proxy:1"}}, "proxy"},
		{"what tells most apart", "", []string{"proxy:2", "shop/api:3"}, [][]string{{"proxy:2", "shop/api:2"}, {"proxy:1", "shop/api:1"}}, "api"},
		{"back and forth is two, not three", "", []string{"proxy:1", "shop/api:2"}, [][]string{{"proxy:2", "shop/api:1"}, {"proxy:1", "shop/api:1"}, {"proxy:2", "shop/api:0"}}, "api"},
		{"one of no known images tells nothing", "", []string{"proxy:1", "shop/api:2"}, [][]string{nil, {"proxy:1", "shop/api:1"}}, "api"},
		{"one that is new", "", []string{"shop/api:2", "proxy:1"}, [][]string{{"shop/api:2"}}, "proxy"},
		{"by digest", "", []string{"proxy@sha256:aa", "api@sha256:bb"}, [][]string{{"proxy@sha256:aa", "api@sha256:cc"}}, "api"},
	} {
		if got := NamedBy(x.own, x.running, x.others); got != x.want {
			t.Errorf("%s: %q, want %q", x.name, got, x.want)
		}
	}
}

func TestTagOf(t *testing.T) {
	for _, x := range []struct {
		images   []string
		by, want string
	}{
		{nil, "api", ""},
		{[]string{"r:5000/shop/api:1.2"}, "api", "1.2"},
		{[]string{"r:5000/shop/api"}, "api", ""},
		{[]string{"proxy:7", "shop/api:1.2"}, "api", "1.2"},
		{[]string{"proxy:7", "shop/old:1.2"}, "api", "7"},
		{[]string{"shop/api@sha256:0123456789abcdef"}, "api", "0123456789ab"},
		{[]string{"shop/api@sha256:0123456789a"}, "api", ""},
		{[]string{"shop/api:1.2@sha256:0123456789abcdef"}, "api", "1.2"},
	} {
		if got := TagOf(x.images, x.by); got != x.want {
			t.Errorf("%v by %s: %q, want %q", x.images, x.by, got, x.want)
		}
	}
}
