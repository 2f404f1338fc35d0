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

var t0 = time.Date(2026, 11, 23, 3, 12, 0, 0, time.UTC)

func fact(text string) incident.Fact {
	return incident.Fact{At: t0, By: "maria", Body: incident.Noticed{Component: "a", What: "pods", Text: text}}
}

// waiter collects acknowledgements.
type waiter chan struct {
	seq  int
	path string
	err  error
}

func (w waiter) ack(seq int, path string, err error) {
	w <- struct {
		seq  int
		path string
		err  error
	}{seq, path, err}
}

// until waits for the acknowledgement of a number, or for an error.
func (w waiter) until(t *testing.T, seq int) (string, error) {
	t.Helper()
	deadline := time.After(time.Minute)
	for {
		select {
		case a := <-w:
			if a.err != nil || a.seq >= seq {
				return a.path, a.err
			}
		case <-deadline:
			t.Fatalf("no acknowledgement of %d", seq)
		}
	}
}

func begin(t *testing.T, dirs ...string) (*Writer, waiter) {
	w := make(waiter, 100)
	return Begin(dirs, Header{ID: "INC-1", Cluster: "uid-1", Namespace: "production"}, w.ack), w
}

func TestWrittenIsRead(t *testing.T) {
	dir := t.TempDir()
	j, acks := begin(t, dir)
	for _, s := range []string{"one", "two <b>&", "three"} {
		if _, err := j.Append(fact(s)); err != nil {
			t.Fatal(err)
		}
	}
	path, err := acks.until(t, 3)
	if err != nil {
		t.Fatal(err)
	}
	j.Close()
	c, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Facts) != 3 || c.Header.ID != "INC-1" || c.Torn != 0 || c.Closed() {
		t.Errorf("read back %+v", c)
	}
	if raw, _ := os.ReadFile(path); !strings.Contains(string(raw), "two <b>&") {
		t.Errorf("not readable by eye: %s", raw)
	}
	if st, _ := os.Stat(path); st.Mode().Perm() != 0o600 {
		t.Errorf("others may read it: %s", st.Mode())
	}
}

func TestTornLastLineIsMended(t *testing.T) {
	dir := t.TempDir()
	j, acks := begin(t, dir)
	_, _ = j.Append(fact("one"))
	path, _ := acks.until(t, 1)
	j.Close()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(whole) {
		// Every prefix is either read, with the rest counted as torn, or refused
		// because even its header is not there.
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Read(path)
		if err != nil {
			if !errors.Is(err, ErrBroken) {
				t.Fatalf("cut at %d: %v", cut, err)
			}
			continue
		}
		if c.Good+c.Torn != int64(cut) {
			t.Fatalf("cut at %d: %d good and %d torn", cut, c.Good, c.Torn)
		}
		acks := make(waiter, 100)
		again, err := Resume(c, []string{dir}, acks.ack)
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		_, _ = again.Append(fact("after"))
		if _, err := acks.until(t, len(c.Facts)+1); err != nil {
			t.Fatal(err)
		}
		again.Close()
		if c, err = Read(path); err != nil || c.Torn != 0 || len(c.Facts) == 0 {
			t.Fatalf("cut at %d: after mending %v %+v", cut, err, c)
		}
	}
}

// head is the first line of a journal of this version.
var head = fmt.Sprintf(`{"journal":%d,"id":"x","cluster":"c","namespace":"n"}`+"\n", Version)

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       error
	}{
		{"newer format", fmt.Sprintf(`{"journal":%d,"id":"x"}`+"\n", Version+1), ErrNewer},
		{"format 3", `{"journal":3,"id":"x"}` + "\n", ErrNewer},
		{"format 1", `{"journal":1,"id":"x"}` + "\n" + `{"at":"2026-11-23T03:12:00Z","fact":"moved","data":{"to":2}}` + "\n", ErrOlder},
		{"no header", "hello\n", ErrBroken},
		{"empty", "", ErrBroken},
		{"binary", "\x00\x01\x02\n", ErrBroken},
	} {
		_, err := decode(strings.NewReader(c.text))
		if !errors.Is(err, c.want) || strings.HasPrefix(c.name, "format") && !strings.Contains(err.Error(), c.name) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

func TestSecondWriterIsRefused(t *testing.T) {
	dir := t.TempDir()
	j, acks := begin(t, dir)
	_, _ = j.Append(fact("one"))
	path, _ := acks.until(t, 1)
	c, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Resume(c, nil, acks.ack); !errors.Is(err, ErrLocked) {
		t.Errorf("a second writer: %v", err)
	}
	j.Close()
	second, err := Resume(c, nil, acks.ack)
	if err != nil {
		t.Fatalf("after the first has ended: %v", err)
	}
	second.Close()
}

func TestNextFolderTakesTheWholeJournal(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	good := t.TempDir()
	j, acks := begin(t, filepath.Join(file, "no folder"), good)
	_, _ = j.Append(fact("one"))
	path, err := acks.until(t, 1)
	if err != nil || !strings.HasPrefix(path, good) {
		t.Fatalf("at %q: %v", path, err)
	}
	j.Close()
}

func TestNoFolderIsAnError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	j, acks := begin(t, filepath.Join(file, "no folder"))
	_, _ = j.Append(fact("one"))
	if _, err := acks.until(t, 1); err == nil {
		t.Error("acknowledged without a folder")
	}
	j.Close()
}

func TestSameNameGetsAFolderOfItsOwn(t *testing.T) {
	dir := t.TempDir()
	paths := map[string]bool{}
	for range 3 {
		j, acks := begin(t, dir)
		_, _ = j.Append(fact("one"))
		path, err := acks.until(t, 1)
		if err != nil {
			t.Fatal(err)
		}
		paths[path] = true
		j.Close()
	}
	if len(paths) != 3 {
		t.Errorf("three incidents in %v", paths)
	}
	found, errs := Find([]string{dir})
	if len(found) != 3 || len(errs) != 0 {
		t.Errorf("listed %d, %v", len(found), errs)
	}
}

// A fact that a newer version wrote is shown and passed over: the rest counts, and it
// is written back as it was.
func TestUnknownFactIsPassedOver(t *testing.T) {
	const newer = `{"at":"2026-11-23T03:12:01Z","by":"maria","fact":"teleported","data":{"to":{"x":12345678901234567890}}}`
	c, err := decode(strings.NewReader(head +
		`{"at":"2026-11-23T03:12:00Z","fact":"began","data":{"version":"2.3.0"}}` + "\n" + newer + "\n" +
		`{"at":"2026-11-23T03:12:02Z","by":"maria","fact":"opened","data":{"id":"INC-1"}}` + "\n"))
	if err != nil || len(c.Facts) != 3 || c.Torn != 0 {
		t.Fatalf("%v %+v", err, c)
	}
	i := incident.Fold(c.Facts)
	if i.ID != "INC-1" || len(i.Timeline) == 0 || !strings.Contains(i.Timeline[0].Text, `does not know and passes over: "teleported"`) {
		t.Errorf("folded to %q: %+v", i.ID, i.Timeline)
	}
	if b, err := encode(c.Facts[1]); err != nil || string(b) != newer+"\n" {
		t.Errorf("written back as %s (%v)", b, err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(head + `{"at":"2026-11-23T03:12:00Z","by":"maria","fact":"moved","data":{"to":"decide"}}` + "\n")
	f.Add(fmt.Sprintf(`{"journal":%d}`+"\n", Version) + `{"at":"2026-11-23T03:12:00Z","fact":"rose","data":{"trigger":{"component":"a"}}}`)
	f.Add("\n\n")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := decode(strings.NewReader(s))
		if err != nil {
			return
		}
		if c.Good+c.Torn != int64(len(s)) {
			t.Errorf("%d good and %d torn of %d", c.Good, c.Torn, len(s))
		}
		incident.Fold(c.Facts)
	})
}
