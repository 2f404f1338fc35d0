package journal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"rollbook/incident"
	"rollbook/model"
)

// found is the journal's file as it is now.
func found(t testing.TB, path string) File {
	t.Helper()
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return File{path, st.Size(), st.ModTime()}
}

// kept reads a journal and keeps its summary.
func kept(t testing.TB, path string) *Summary {
	t.Helper()
	c, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	s := c.Summary()
	if err := s.Keep(); err != nil {
		t.Fatal(err)
	}
	return s
}

// sameSummary compares what stands in the files.
func sameSummary(a, b *Summary) bool {
	x, err := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err == nil && err2 == nil && bytes.Equal(x, y) && a.Path == b.Path
}

func TestSummary(t *testing.T) {
	dir := t.TempDir()
	path := write(t, dir, "INC-1", incident.Began{Settings: incident.Settings{Namespace: "n", Operator: "maria"}},
		incident.Rose{Trigger: incident.Trigger{Component: "backend-python"}},
		incident.Opened{ID: "INC-1", Cluster: "c"}, incident.Moved{To: incident.Decision})
	s := kept(t, path)
	if s.Name() != "INC-1" || s.State != Open || s.Facts != 4 || s.Component != "backend-python" || s.Operator != "maria" || s.Step != incident.Decision ||
		!s.Opened.Equal(t0.Add(2*time.Second)) || !s.Touched.Equal(t0.Add(3*time.Second)) || s.Header.Cluster != "c" {
		t.Errorf("%+v", s)
	}
	if k := Kept(found(t, path)); k == nil || !sameSummary(k, s) {
		t.Errorf("kept is\n%+v\nof\n%+v", k, s)
	}
	st, err := os.Stat(filepath.Join(dir, "INC-1", SummaryName))
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v: others may read it: %s", err, st.Mode())
	}
}

// Whatever happened to the summary's file, it counts as it is or not at all.
// What an incident switched off is told before its journal is read.
func TestSummaryTellsWhatIsOwed(t *testing.T) {
	p := model.Plan{ID: "off", Component: "worker", Owes: "worker is scaled to 0"}
	path := write(t, t.TempDir(), "INC-1", incident.Opened{ID: "INC-1"}, incident.Confirmed{N: 1, Plans: []model.Plan{p}}, incident.Intended{WriteID: incident.WriteID{N: 1, Plan: "off"}},
		incident.WriteDone{WriteID: incident.WriteID{N: 1, Plan: "off"}})
	if s := Kept(found(t, kept(t, path).Path)); s == nil || len(s.Owes) != 1 || s.Owes[0] != p.Owes {
		t.Errorf("%+v", s)
	}
}

func TestDamagedSummaryDoesNotCount(t *testing.T) {
	path := write(t, t.TempDir(), "INC-1", incident.Opened{ID: "INC-1"}, incident.WasClosed{})
	s := kept(t, path)
	file := filepath.Join(filepath.Dir(path), SummaryName)
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, text []byte) {
		t.Helper()
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if k := Kept(found(t, path)); k != nil && !sameSummary(k, s) {
			t.Errorf("%s counts: %+v", what, k)
		}
		if u := search(filepath.Dir(filepath.Dir(path))); len(u.Open)+len(u.Unreported)+len(u.Errs) != 0 {
			t.Errorf("%s: found %+v", what, u)
		}
	}
	for cut := range len(raw) {
		check("what is cut off", raw[:cut])
		check("what ends in zeros", append(bytes.Clone(raw[:cut]), make([]byte, len(raw)-cut)...))
	}
	for old, by := range map[string]string{fmt.Sprintf(`"summary":%d`, summaryFormat): `"summary":99`, `"state":"closed"`: `"state":"opened"`, fmt.Sprintf(`"journal":%d`, Version): `"journal":99`, `"size":`: `"size":1`} {
		if !bytes.Contains(raw, []byte(old)) {
			t.Fatalf("no %s in %s", old, raw)
		}
		check(by, bytes.Replace(raw, []byte(old), []byte(by), 1))
		if Kept(found(t, path)) != nil {
			t.Errorf("%s counts", by)
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if Kept(found(t, path)) != nil {
		t.Error("one that is lost counts")
	}
	if err := os.Mkdir(file, 0o700); err != nil {
		t.Fatal(err)
	}
	if Kept(found(t, path)) != nil || s.Keep() == nil {
		t.Error("a folder in its place is not told")
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".summary-*")); len(left) > 0 {
		t.Errorf("half files are left: %v", left)
	}
}

// A journal that changed is read again, whatever its summary says.
func TestStaleSummaryDoesNotCount(t *testing.T) {
	dir := t.TempDir()
	path := write(t, dir, "INC-1", incident.Opened{ID: "INC-1"}, incident.ReportWritten{Path: "x"})
	state := func() State {
		t.Helper()
		u := search(dir)
		switch {
		case len(u.Errs) > 0:
			t.Fatal(u.Errs)
		case len(u.Open) == 1:
			return Open
		case len(u.Unreported) == 1:
			return Unreported
		}
		return Closed
	}
	for _, c := range []struct {
		then incident.Body
		want State
	}{{incident.Noticed{Text: "x"}, Open}, {incident.WasClosed{}, Unreported}, {incident.ReportWritten{Path: "x"}, Closed}, {incident.Resumed{}, Closed}, {incident.WasClosed{}, Unreported}} {
		before := kept(t, path)
		goOn(t, path, c.then)
		if Kept(found(t, path)) != nil {
			t.Errorf("the summary of %d facts counts after one more", before.Facts)
		}
		if got := state(); got != c.want {
			t.Errorf("after %T it is %s, want %s", c.then, got, c.want)
		}
		kept(t, path)
		if got := state(); got != c.want {
			t.Errorf("after %T, with a summary, it is %s, want %s", c.then, got, c.want)
		}
	}
	s := kept(t, path)
	if err := os.Chtimes(path, t0, s.Modified.Add(time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if Kept(found(t, path)) != nil {
		t.Error("a journal of another time has a summary that counts")
	}
}

// A torn line is mended by cutting it off; what follows may bring the file back to
// the same size.
func TestTornJournalIsNotKept(t *testing.T) {
	path := write(t, t.TempDir(), "INC-1", incident.Opened{ID: "INC-1"}, incident.WasClosed{})
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, raw[:len(raw)-5], 0o600); err != nil {
		t.Fatal(err)
	}
	if s := kept(t, path); s.State != Open || s.Torn == 0 {
		t.Errorf("%+v", s)
	}
	if Kept(found(t, path)) != nil {
		t.Error("it is kept")
	}
}

// A journal that grows while it is read has a summary of what was read, or none.
func TestSummaryOfAGrowingJournal(t *testing.T) {
	dir := t.TempDir()
	var path string
	started := make(chan struct{})
	var once sync.Once
	w := Begin([]string{dir}, Header{ID: "INC-1"}, func(_ int, p string, err error) {
		if err != nil {
			t.Error(err)
		}
		once.Do(func() { path = p; close(started) })
	})
	const facts = 300
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for n := range facts {
			if _, err := w.Append(incident.Fact{At: t0, Body: incident.Noticed{Text: strings.Repeat("x", n)}}); err != nil {
				t.Error(err)
			}
			if n%10 == 0 {
				<-started
				w.poke()
			}
		}
		w.Close()
	}()
	<-started
	counted := 0
	look := func() {
		f := found(t, path)
		if c, err := Read(path); err == nil {
			if err := c.Summary().Keep(); err != nil {
				t.Error(err)
			}
		}
		s := Kept(f)
		if s == nil {
			return
		}
		counted++
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		c, err := decode(bytes.NewReader(raw[:f.Size]))
		if err != nil || s.Facts != len(c.Facts) || s.Last != digest(c.Facts[len(c.Facts)-1]) {
			t.Fatalf("of %d facts the summary says %d: %v", len(c.Facts), s.Facts, err)
		}
	}
	for over := false; !over; {
		select {
		case <-ended:
			over = true
		default:
		}
		look()
	}
	if s := Kept(found(t, path)); s == nil || s.Facts != facts || counted == 0 {
		t.Errorf("at the end it is %+v; %d counted", s, counted)
	}
}
