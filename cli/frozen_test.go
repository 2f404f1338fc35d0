package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rollbook/engine/journal"
	"rollbook/incident"
	"rollbook/replay"
)

// Journals of format 2 are listed, reported and shown again by the program of today.
func TestFrozenJournalsAreToldOf(t *testing.T) {
	from := filepath.Join("..", "engine", "journal", "testdata", "format2", "*.jsonl")
	frozen, err := filepath.Glob(from)
	if err != nil || len(frozen) < 7 {
		t.Fatalf("found %v, %v", frozen, err)
	}
	state := t.TempDir()
	for _, path := range frozen {
		name := strings.TrimSuffix(filepath.Base(path), ".jsonl")
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		own := filepath.Join(state, name, journal.FileName)
		if err := os.MkdirAll(filepath.Dir(own), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(own, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := journal.Read(own)
		if err != nil {
			t.Fatal(err)
		}
		i := incident.Fold(c.Facts)
		out, errs, err := runs(t, "report", name, "--journal-dir", state)
		if err != nil || errs != "" || !strings.Contains(out, i.ID) || !strings.Contains(out, string(i.End.Outcome)) {
			t.Errorf("report %s: %v, %q\n%s", name, err, errs, out)
		}
		r, err := replay.Open(journal.NewTail(c), own)
		if err != nil {
			t.Fatal(err)
		}
		r.First()
		for n := 1; n <= len(c.Facts); n++ {
			if at, of := r.At(); at != n || of != len(c.Facts) {
				t.Fatalf("%s: at %d of %d, want %d", name, at, of, n)
			}
			if want := incident.Fold(c.Facts[:n]); !slices.Equal(r.Snapshot().Incident.Timeline, want.Timeline) || r.Line() == "" {
				t.Errorf("%s: fact %d is shown as %q with another timeline", name, n, r.Line())
			}
			r.Next()
		}
	}
	out, errs, err := runs(t, "incidents", "--journal-dir", state)
	if err != nil || errs != "" {
		t.Errorf("incidents: %v, %q", err, errs)
	}
	for _, path := range frozen {
		if name := strings.TrimSuffix(filepath.Base(path), ".jsonl"); !strings.Contains(out, name) {
			t.Errorf("%s is not listed:\n%s", name, out)
		}
	}
}
