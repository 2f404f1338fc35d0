package engine

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"rollbook/engine/journal"
	"rollbook/incident"
	"rollbook/model"
)

// unsent reports whether a write of the last attempt was confirmed and not sent.
func unsent(i *incident.Incident) bool {
	for _, w := range i.Attempts[len(i.Attempts)-1].Writes {
		if w.State == incident.Pending {
			return true
		}
	}
	return false
}

// A journal of format 2 that ends anywhere, as it does after a crash, is taken up
// where it stands: nothing of it is lost, nothing is written to the cluster, and a
// write whose outcome it does not hold is looked up.
func TestFrozenJournalsAreTakenUp(t *testing.T) {
	frozen, err := filepath.Glob("journal/testdata/format2/*.jsonl")
	if err != nil || len(frozen) < 7 {
		t.Fatalf("found %v, %v", frozen, err)
	}
	for _, path := range frozen {
		whole, err := journal.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := bytes.SplitAfter(raw, []byte("\n"))
		for n := 1; n <= len(whole.Facts); n++ {
			before := incident.Fold(whole.Facts[:n])
			step := before.Step
			if step == incident.RollBack && unsent(&before) {
				step = incident.Confirm // what was not sent is asked again
			}
			if before.ID == "" || !before.Closed.IsZero() {
				continue // not opened yet, or closed
			}
			dir := t.TempDir()
			own := filepath.Join(dir, before.ID, journal.FileName)
			if err := os.MkdirAll(filepath.Dir(own), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(own, bytes.Join(lines[:n+1], nil), 0o600); err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(whole.Facts[n-1].At.Add(time.Minute)))
				c := newCluster(t)
				c.id = whole.Header.Cluster
				c.look = func() (model.Looked, error) { return model.Looked{State: model.SettledDone}, nil }
				r := start(t, c, &fakeMetrics{}, dir)
				s := r.wait(2 * time.Second)
				if !s.Seen.Resumed || s.Incident.ID != before.ID || s.Incident.Step < step || len(s.Incident.Attempts) != len(before.Attempts) {
					t.Errorf("%s up to fact %d: resumed %v, %q at %s with %d attempts; it was at %s with %d", path, n, s.Seen.Resumed, s.Incident.ID,
						s.Incident.Step.Name(), len(s.Incident.Attempts), step.Name(), len(before.Attempts))
				}
				r.end()
				if got := c.count("undo"); got > 0 {
					t.Errorf("%s up to fact %d: %d writes", path, n, got)
				}
			})
			now, err := os.ReadFile(own)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.HasPrefix(now, bytes.Join(lines[:n+1], nil)) {
				t.Errorf("%s up to fact %d: what was in the journal has changed", path, n)
			}
		}
	}
}
