//go:build e2e && bench

package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"rollbook/engine/journal"
	"rollbook/incident"
	"rollbook/model"
)

// oldJournals makes a folder with n journals of closed incidents, of some size in
// bytes each. They are one file under n names: made at once, and nothing on the
// disk.
func oldJournals(t testing.TB, n, size int) string {
	t.Helper()
	dir := t.TempDir()
	for k := range n {
		folder := filepath.Join(dir, fmt.Sprintf("INC-20260101-%04d-backend-python", k))
		path := filepath.Join(folder, journal.FileName)
		err := os.Mkdir(folder, 0o700)
		switch {
		case err != nil:
		case k == 0:
			err = os.WriteFile(path, oldJournal(t, size), 0o600)
		default:
			err = os.Link(filepath.Join(dir, "INC-20260101-0000-backend-python", journal.FileName), path)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// oldJournal is a journal of a closed incident that was sampled for as long as it
// takes to come to size.
func oldJournal(t testing.TB, size int) []byte {
	t.Helper()
	var b bytes.Buffer
	line := func(v any) {
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(raw, '\n'))
	}
	at := time.Date(2026, 1, 1, 3, 12, 0, 0, time.UTC)
	fact := func(body incident.Body) {
		at = at.Add(5 * time.Second)
		line(incident.Fact{At: at, By: "maria", Body: body})
	}
	const id = "INC-20260101-0000-backend-python"
	line(journal.Header{Journal: journal.Version, ID: id, Cluster: "uid-1", Namespace: "bench"})
	fact(incident.Began{Settings: incident.Settings{Namespace: "bench", Operator: "maria", Limits: model.DefaultLimits()}, Version: "1.0"})
	fact(incident.Opened{ID: id, Cluster: "uid-1", Onset: at})
	ratio, p95 := 0.0312, 0.412
	for b.Len() < size-1000 {
		fact(incident.Sampled{Components: []incident.SampleOf{{Component: "backend-python", Revision: 42, Ready: 3, Desired: 3, Errors: &ratio, P95: &p95,
			Replicas: 3, Updated: 3, Available: 3, Requests: &p95, Up: &ratio}}})
		fact(incident.Noticed{Component: "backend-python", What: "pods", Text: "backend-python-7c9f5d8b6f-x2x4z: CrashLoopBackOff, exit code 1"})
	}
	fact(incident.ReportWritten{Path: "report.md", Entries: 9})
	fact(incident.Ended{Outcome: "fixed otherwise"})
	fact(incident.WasClosed{})
	fact(incident.ReportWritten{Path: "report.md", Entries: 12})
	return b.Bytes()
}
