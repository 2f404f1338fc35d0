package kube

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
)

// leaf is one difference between two trees of JSON.
type leaf struct{ path, from, to string }

// flatten lists what differs between two trees, leaf by leaf, in the order of
// their paths. Members of lists that have a name go by it.
func flatten(a, b map[string]any) []leaf {
	var out []leaf
	walk("", a, b, &out)
	return out
}

func walk(path string, a, b any, out *[]leaf) {
	if reflect.DeepEqual(a, b) {
		return
	}
	ma, oka := a.(map[string]any)
	mb, okb := b.(map[string]any)
	if (oka || a == nil) && (okb || b == nil) && len(ma)+len(mb) > 0 {
		for _, k := range union(ma, mb) {
			p := k
			if path != "" {
				p = path + "." + k
			}
			walk(p, ma[k], mb[k], out)
		}
		return
	}
	la, oka := a.([]any)
	lb, okb := b.([]any)
	if (oka || a == nil) && (okb || b == nil) && (oka || okb) {
		if byName(la) && byName(lb) {
			eachNamed(la, lb, "name", func(name string, x, y map[string]any) {
				walk(path+"["+name+"]", nilMap(x), nilMap(y), out)
			})
			return
		}
		for i := range max(len(la), len(lb)) {
			walk(path+"["+strconv.Itoa(i)+"]", at(la, i), at(lb, i), out)
		}
		return
	}
	*out = append(*out, leaf{path, scalar(a), scalar(b)})
}

// nilMap keeps a missing map from becoming an interface that is not nil.
func nilMap(m map[string]any) any {
	if m == nil {
		return nil
	}
	return m
}

func at(l []any, i int) any {
	if i < len(l) {
		return l[i]
	}
	return nil
}

func byName(l []any) bool {
	for _, e := range l {
		if str(object2(e)["name"]) == "" {
			return false
		}
	}
	return true
}

// eachNamed pairs the members of two lists by their key, in the order of the
// second, then what is only in the first. A name that comes twice is told apart
// by its place.
func eachNamed(a, b any, key string, f func(name string, x, y map[string]any)) {
	index := func(v any) (names []string, m map[string]map[string]any) {
		m = map[string]map[string]any{}
		for i, e := range list(v) {
			n := scalar(object2(e)[key])
			if _, twice := m[n]; twice || n == "" {
				n = fmt.Sprintf("%s#%d", n, i)
			}
			names, m[n] = append(names, n), object2(e)
		}
		return names, m
	}
	na, ma := index(a)
	nb, mb := index(b)
	for _, n := range nb {
		f(n, ma[n], mb[n])
	}
	for _, n := range na {
		if _, ok := mb[n]; !ok {
			f(n, ma[n], nil)
		}
	}
}

func union(a, b map[string]any) []string {
	keys := make([]string, 0, len(a)+len(b))
	for k := range a {
		keys = append(keys, k)
	}
	for k := range b {
		if _, ok := a[k]; !ok {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

// scalar prints a value as it stands in JSON, strings without their quotes.
func scalar(v any) string {
	switch x := v.(type) {
	case nil:
		return ""
	case string:
		return x
	case json.Number:
		return x.String()
	case bool:
		return strconv.FormatBool(x)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	return string(b)
}

// prune drops what means the same whether it is there or not: nulls, empty
// lists and empty objects.
func prune(v any) any {
	switch x := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range x {
			if e = prune(e); e != nil {
				out[k] = e
			}
		}
		if len(out) == 0 {
			return nil
		}
		return out
	case []any:
		out := make([]any, 0, len(x))
		for _, e := range x {
			out = append(out, prune(e))
		}
		if len(out) == 0 {
			return nil
		}
		return out
	}
	return v
}
