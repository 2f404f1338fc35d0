package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollbook/incident"
)

// A tail returns each fact once, whole, in whatever pieces the file grows.
func TestTail(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	at := time.Date(2026, 11, 23, 3, 12, 0, 0, time.UTC)
	var all []byte
	all = append(all, fmt.Sprintf(`{"journal":%d,"id":"INC-1","cluster":"4f1c","namespace":"production"}`+"\n", Version)...)
	head := len(all)
	for n := range 40 {
		line, err := encode(incident.Fact{At: at.Add(time.Duration(n) * time.Second), Body: incident.Noticed{Component: "api", Text: fmt.Sprint(n)}})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, line...)
	}
	put := func(b []byte) {
		t.Helper()
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(all[:head+10])
	c, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	tail, got := NewTail(c), 0
	for n := head + 10; ; n = min(len(all), n+37) {
		put(all[:n])
		facts, err := tail.More()
		if err != nil {
			t.Fatalf("at %d bytes: %v", n, err)
		}
		for _, f := range facts {
			if text := f.Body.(incident.Noticed).Text; text != fmt.Sprint(got) {
				t.Fatalf("at %d bytes fact %d is %q", n, got, text)
			}
			got++
		}
		if whole := strings.Count(string(all[head:n]), "\n"); got != whole {
			t.Fatalf("at %d bytes %d facts of %d", n, got, whole)
		}
		if n == len(all) {
			break
		}
	}
	put(append(all, "{}\n{}\n"...))
	if facts, err := tail.More(); err == nil || len(facts) > 0 || !strings.Contains(err.Error(), path) {
		t.Errorf("lines that are no facts: %v, %v", facts, err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := tail.More(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a journal that is gone: %v", err)
	}
}

// The facts that were read before it was made are the first that it returns.
func TestTailBeginsWithWhatWasRead(t *testing.T) {
	facts := []incident.Fact{{Body: incident.Began{}}, {Body: incident.WasClosed{}}}
	path := filepath.Join(t.TempDir(), FileName)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tail := NewTail(&Content{Path: path, Facts: facts})
	if got, err := tail.More(); err != nil || len(got) != 2 {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := tail.More(); err != nil || len(got) != 0 {
		t.Errorf("once more: %v, %v", got, err)
	}
}
