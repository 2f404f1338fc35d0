package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"rollbook/engine/journal"
	"rollbook/incident"
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

// A line says in 80 columns how an incident went, a single quarter is compared with
// nothing, and what was not verified is not counted as restored.
func TestIncidentsFitTheScreen(t *testing.T) {
	took := Took{Detect: Span{Known: true, Seconds: 5400}, Decide: Span{Known: true, Seconds: 5400}, RollBack: Span{Known: true, Seconds: 750}, Recover: Span{Known: true, Seconds: 5400}}
	at := Moment{time.Date(2026, 11, 23, 3, 12, 0, 0, time.UTC)}
	const id, long = "INC-20261123-0307-backend-python", "INC-20261123-0307-the-payments-of-a-very-large-shop"
	rows := []Row{
		{ID: id, Opened: at, State: "open", Verified: true, Attempts: 1, Took: took, DetectedBy: "answer"},
		{ID: id, Opened: at, State: "closed", Outcome: string(incident.RolledBack), Attempts: 1, Took: took}, // of the wrong component
		{ID: id, Opened: at, State: "closed", Outcome: string(incident.RecoveredAlone)},
		{ID: id, Opened: at, State: "ended", Outcome: string(incident.FixedOtherwise)},
		{ID: long, Opened: at, State: "open"},
	}
	var b bytes.Buffer
	if err := WriteIncidents(&b, rows); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(b.String(), "\n")
	for n, want := range []string{" OUTCOME ", " verified*     1h30m answer ", " not verified  ", " recovered  ", " fixed*  ", long, " open  "} {
		if !strings.Contains(lines[n], want) {
			t.Errorf("line %d is %q, want %q", n, lines[n], want)
		}
	}
	for _, l := range lines {
		if utf8.RuneCountInString(l) > 80 {
			t.Errorf("%d columns: %q", utf8.RuneCountInString(l), l)
		}
	}
	if strings.Contains(b.String(), "█") || !strings.Contains(b.String(), "2026-Q4  5          1         1h30m") {
		t.Errorf("one quarter:\n%s", b.String())
	}
}
