package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"rollbook/engine/journal"
)

// rowsOfPlays are the rows of the journals under testdata, by their names.
func rowsOfPlays(t *testing.T) map[string]Row {
	t.Helper()
	rows := map[string]Row{}
	for name := range plays {
		c, err := journal.Read(filepath.Join("testdata", name, journal.FileName))
		if err != nil {
			t.Fatal(err)
		}
		rows[name] = RowOf(c.Facts)
	}
	return rows
}

func TestKeptRowIsTheRow(t *testing.T) {
	for name, r := range rowsOfPlays(t) {
		raw, err := r.Keep()
		if err != nil {
			t.Fatal(err)
		}
		if k, ok := KeptRow(raw); !ok || !reflect.DeepEqual(k, r) {
			t.Errorf("%s: kept is\n%+v\nof\n%+v", name, k, r)
		}
		// A row says of an incident what its report does.
		if d := dataOf(t, name); r.State != d.State || r.Outcome != string(d.Outcome) || r.Took != d.Took || len(r.Components) != len(d.Components) {
			t.Errorf("%s: the row says\n%+v\nand the report\n%+v", name, r, d)
		}
		for _, other := range [][]byte{nil, []byte("null"), []byte(`"x"`), raw[:len(raw)-1], bytes.Replace(raw, fmt.Appendf(nil, `"format":%d`, rowFormat), []byte(`"format":0`), 1)} {
			if k, ok := KeptRow(other); ok {
				t.Errorf("%s: %q counts as %+v", name, other, k)
			}
		}
	}
}

// Rows that are kept beside journals are shown by later versions as they are. So
// what RowOf returns of a journal changes together with rowFormat, or not at all.
func TestRowsChangeWithTheirFormat(t *testing.T) {
	kept := map[string]json.RawMessage{}
	for name, r := range rowsOfPlays(t) {
		raw, err := r.Keep()
		if err != nil {
			t.Fatal(err)
		}
		kept[name] = raw
	}
	got, err := json.MarshalIndent(kept, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	const path = "testdata/rows.json"
	want, err := os.ReadFile(path)
	var old map[string]struct{ Format int }
	if err == nil {
		err = json.Unmarshal(want, &old)
	}
	if err == nil && !bytes.Equal(got, want) && old["open"].Format == rowFormat {
		t.Errorf("the rows of journals have changed: raise rowFormat, then make golden writes %s. Got:\n%s", path, got)
		return
	}
	if err != nil && os.Getenv("UPDATE_GOLDEN") == "" {
		t.Fatal(err)
	}
	golden(t, path, got)
}
