package incident

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// filled sets every field that a fact keeps, so that its form in a journal shows.
func filled(v reflect.Value, depth int) {
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Date(2026, 11, 23, 3, 12, 0, 0, time.UTC)))
		return
	case json.RawMessage:
		v.SetBytes([]byte(`{"own":1}`))
		return
	case Step:
		v.Set(reflect.ValueOf(Verify))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for n := range v.NumField() {
			if v.Type().Field(n).IsExported() {
				filled(v.Field(n), depth)
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		filled(v.Elem(), depth+1)
	case reflect.Slice:
		if depth > 5 {
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		filled(v.Index(0), depth+1)
	case reflect.Map:
		key, val := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		filled(key, depth+1)
		filled(val, depth+1)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, val)
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float64:
		v.SetFloat(0.5)
	case reflect.Int, reflect.Int64, reflect.Int32:
		v.SetInt(1)
	case reflect.Uint8:
		v.SetUint(1)
	default:
		panic(fmt.Sprintf("a fact keeps a %s", v.Type()))
	}
}

// Each kind of fact, with all that it holds, as it stood in a journal when format 2
// was new, is read and written as the same. Lines are added for new kinds, and never
// changed; a field that is added later is left out while it is empty.
func TestGoldenKindsOfFormat2(t *testing.T) {
	const path = "testdata/format2-kinds.jsonl"
	raw, err := os.ReadFile(path)
	if err != nil && os.Getenv("UPDATE_GOLDEN") == "" {
		t.Fatal(err)
	}
	frozen := map[string]bool{}
	for n, line := range strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n") {
		if len(raw) == 0 {
			break
		}
		var f Fact
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Errorf("%s:%d: %v", path, n+1, err)
			continue
		}
		if again, err := f.MarshalJSON(); err != nil || string(again) != line {
			t.Errorf("%s:%d: was written as\n%s\nand is read as\n%s\n%v", path, n+1, line, again, err)
		}
		if u, is := f.Body.(Unknown); is {
			t.Errorf("%s:%d: %s is not known", path, n+1, u.Fact)
			continue
		}
		frozen[names[reflect.TypeOf(f.Body)]] = true
		Fold([]Fact{f}) // alone, and nothing before it
	}
	for _, name := range slices.Sorted(maps.Keys(bodies)) {
		b := bodies[name]
		if frozen[name] {
			continue
		}
		v := reflect.New(reflect.TypeOf(b)).Elem()
		filled(v, 0)
		line, err := Fact{At: time.Date(2026, 11, 23, 3, 12, 0, 0, time.UTC), By: "maria", Body: v.Interface().(Body)}.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if os.Getenv("UPDATE_GOLDEN") == "" {
			t.Errorf("%q has no line in %s: it would be\n%s", name, path, line)
			continue
		}
		raw = append(append(raw, line...), '\n')
	}
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
