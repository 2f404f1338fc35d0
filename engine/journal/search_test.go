package journal

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rollbook/incident"
)

func search(dirs ...string) Unfinished {
	return Search(context.Background(), dirs, func(string) {})
}

// write makes a journal of facts a second apart and returns its path.
func write(t testing.TB, dir, id string, bodies ...incident.Body) (path string) {
	t.Helper()
	w := Begin([]string{dir}, Header{ID: id, Cluster: "c", Namespace: "n"}, func(_ int, p string, err error) {
		if path = p; err != nil {
			t.Error(err)
		}
	})
	for n, b := range bodies {
		if _, err := w.Append(incident.Fact{At: t0.Add(time.Duration(n) * time.Second), By: "maria", Body: b}); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	return path
}

// goOn adds facts to a journal, as a later run does.
func goOn(t testing.TB, path string, bodies ...incident.Body) {
	t.Helper()
	c, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	w, err := Resume(c, nil, func(_ int, _ string, err error) {
		if err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range bodies {
		if _, err := w.Append(incident.Fact{At: t0.Add(time.Hour), Body: b}); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
}

// cutTo leaves the first lines of a file.
func cutTo(t testing.TB, path string, lines int) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, bytes.Join(bytes.SplitAfter(raw, []byte("\n"))[:lines], nil), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// ids are the incidents' names, in order of the alphabet.
func ids(all []*Summary) string {
	var out []string
	for _, s := range all {
		out = append(out, s.Name())
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// samples are facts of some size in bytes on disk.
func samples(size int) (out []incident.Body) {
	for n := 0; n < size; n += 1000 {
		out = append(out, incident.Noticed{Component: "a", What: "pods", Text: strings.Repeat("x", 900)})
	}
	return out
}

func TestSearch(t *testing.T) {
	dir := t.TempDir()
	opened := func(id string, more ...incident.Body) []incident.Body {
		return append([]incident.Body{incident.Opened{ID: id}}, more...)
	}
	report := incident.ReportWritten{Path: "x"}
	write(t, dir, "open", opened("open")...)
	write(t, dir, "open-reported", opened("open-reported", report)...)
	write(t, dir, "closed", opened("closed", incident.WasClosed{}, report)...)
	write(t, dir, "never-reported", opened("never-reported", incident.WasClosed{})...)
	write(t, dir, "cut", opened("cut", report, incident.WasClosed{})...)
	// Longer than what is read of the end.
	long := samples(2 * tail)
	write(t, dir, "long-open", opened("long-open", long...)...)
	write(t, dir, "long-closed", opened("long-closed", append(long, incident.WasClosed{}, report)...)...)
	write(t, dir, "closed-long-ago", opened("closed-long-ago", append([]incident.Body{report, incident.WasClosed{}, report}, long...)...)...)
	write(t, dir, "long-never-reported", opened("long-never-reported", append(long, incident.WasClosed{})...)...)
	write(t, dir, "long-cut", opened("long-cut", append(append([]incident.Body{report}, long...), incident.WasClosed{})...)...)
	// The words of the close, said by somebody.
	write(t, dir, "said", opened("said", incident.Noticed{Component: `"fact":"closed"`, Text: `{"fact":"closed","data":{}}`})...)
	for name, text := range map[string]string{"bad": "hello\n", "empty": "", "newer": `{"journal":99,"id":"x"}` + "\n"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name, FileName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "no incident"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "folder", FileName), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, look := range []string{"without summaries", "with those of the first search", "with all"} {
		u := search(dir, filepath.Join(dir, "nowhere"))
		if got := ids(u.Open); got != "long-open open open-reported said" {
			t.Errorf("%s: open are %s", look, got)
		}
		if got := ids(u.Unreported); got != "cut long-cut" {
			t.Errorf("%s: unreported are %s", look, got)
		}
		told := fmt.Sprint(u.Errs)
		if len(u.Errs) != 4 || !strings.Contains(told, "bad") || !strings.Contains(told, "empty") || !strings.Contains(told, "newer rollbook") || !strings.Contains(told, "no regular file") {
			t.Errorf("%s: %s", look, told)
		}
		if look == "with those of the first search" {
			files, _ := Find([]string{dir})
			for _, f := range files {
				if c, err := Read(f.Path); err == nil {
					if err := c.Summary().Keep(); err != nil {
						t.Error(err)
					}
				}
			}
		}
	}
}

// A closed journal is not decoded: what is wrong in its middle is not even seen.
func TestClosedIsKnownByItsEnd(t *testing.T) {
	dir := t.TempDir()
	path := write(t, dir, "x", append(samples(3*tail), incident.ReportWritten{Path: "x"}, incident.WasClosed{}, incident.ReportWritten{Path: "x"})...)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Replace(raw, []byte(`{"at"`), []byte(`["at"`), 2)
	if err := os.WriteFile(path, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := Read(path); err != nil || c.Damage == nil {
		t.Fatal("the journal is not damaged")
	}
	if u := search(dir); len(u.Open)+len(u.Unreported)+len(u.Errs) != 0 {
		t.Errorf("%+v", u)
	}
	// At every length it is what reading it says, or damaged: never closed too early.
	whole := write(t, t.TempDir(), "y", incident.Opened{ID: "y"}, incident.ReportWritten{Path: "x"}, incident.WasClosed{}, incident.ReportWritten{Path: "x"})
	if raw, err = os.ReadFile(whole); err != nil {
		t.Fatal(err)
	}
	for cut := range len(raw) + 1 {
		if err := os.WriteFile(path, raw[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Read(path)
		u := search(dir)
		switch {
		case err != nil && len(u.Errs) == 1:
		case err == nil && len(u.Open) == 1 && !c.Closed():
		case err == nil && len(u.Unreported) == 1 && c.Unreported():
		case err == nil && len(u.Open)+len(u.Unreported)+len(u.Errs) == 0 && c.Closed() && !c.Unreported():
		default:
			t.Errorf("cut at %d: reading says %+v, %v; the search %+v", cut, c, err, u)
		}
	}
}

func TestSearchIsNewestFirstAndEndsWithItsContext(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	for n, dir := range []string{first, second, first, second} {
		path := write(t, dir, fmt.Sprintf("INC-%d", n), incident.Opened{ID: "x"})
		if err := os.Chtimes(path, t0, t0.Add(time.Duration(n)*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	var turned []string
	ctx, stop := context.WithCancel(context.Background())
	u := Search(ctx, []string{first, second}, func(p string) { turned = append(turned, filepath.Base(filepath.Dir(p))) })
	if len(u.Open) != 4 || u.Open[0].Name() != "INC-3" || u.Open[3].Name() != "INC-0" {
		t.Errorf("found %s", ids(u.Open))
	}
	if got := strings.Join(turned[2:], " "); got != "INC-3 INC-2 INC-1 INC-0" {
		t.Errorf("turned to %s", got)
	}
	n := 0
	u = Search(ctx, []string{first, second}, func(string) {
		if n++; n == 4 {
			stop()
		}
	})
	if n != 4 || len(u.Open) != 0 {
		t.Errorf("after its end it turned to %d more, and found %d", n-4, len(u.Open))
	}
}

func TestCopyLeftBehindIsNotASecondIncident(t *testing.T) {
	one, two, other := incident.Noticed{Component: "a", Text: "one"}, incident.Noticed{Component: "a", Text: "two"}, incident.Noticed{Component: "a", Text: "another"}
	closed := []incident.Body{one, two, incident.ReportWritten{Path: "x"}, incident.WasClosed{}, incident.ReportWritten{Path: "x"}}
	for _, c := range []struct {
		name        string
		left, whole []incident.Body
		open        int
	}{
		{"earlier", []incident.Body{one}, []incident.Body{one, two}, 1},
		{"of a closed one", []incident.Body{one, two}, closed, 0},
		{"closed, before its report", closed[:4], closed, 0},
		{"equal", []incident.Body{one, two}, []incident.Body{one, two}, 1},
		{"another of the same minute", []incident.Body{other}, []incident.Body{one, two}, 2},
		{"another beside a closed one", []incident.Body{other}, closed, 1},
		{"torn in its first write", nil, []incident.Body{one}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			first, second := t.TempDir(), t.TempDir()
			left := write(t, first, "INC-1", slices.Concat(c.left, []incident.Body{other})...)
			cutTo(t, left, 1+len(c.left))
			whole := write(t, second, "INC-1", c.whole...)
			for _, dirs := range [][]string{{first, second}, {second, first}, {first, second}} {
				u := search(dirs...)
				if len(u.Open) != c.open || len(u.Unreported) != 0 || len(u.Errs) != 0 {
					t.Errorf("open %s, unreported %s, %v", ids(u.Open), ids(u.Unreported), u.Errs)
				}
				if c.name == "earlier" && u.Open[0].Path != whole {
					t.Error("the whole one is left out")
				}
			}
		})
	}
	t.Run("copied by hand", func(t *testing.T) {
		first, second := t.TempDir(), filepath.Join(t.TempDir(), "moved")
		write(t, first, "INC-1", one, two)
		search(first) // keeps a summary, which is copied too
		if err := os.CopyFS(second, os.DirFS(first)); err != nil {
			t.Fatal(err)
		}
		if u := search(first, second); len(u.Open) != 1 {
			t.Errorf("open %s", ids(u.Open))
		}
		goOn(t, filepath.Join(second, "INC-1", FileName), incident.WasClosed{})
		if u := search(first, second); len(u.Open) != 0 {
			t.Errorf("closed in the copy, and open %s", ids(u.Open))
		}
	})
}

func TestOpened(t *testing.T) {
	dir := t.TempDir()
	at := func(path string) time.Time {
		t.Helper()
		st, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		f := File{path, st.Size(), st.ModTime()}
		opened, err := f.Opened()
		if err != nil {
			t.Fatal(err)
		}
		c, err := Read(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Summary().Keep(); err != nil {
			t.Fatal(err)
		}
		if again, err := f.Opened(); err != nil || !again.Equal(opened) {
			t.Errorf("with a summary it was opened %s, without %s; %v", again, opened, err)
		}
		return opened
	}
	if got := at(write(t, dir, "a", append([]incident.Body{incident.Noticed{}, incident.Opened{ID: "a"}}, samples(9000)...)...)); !got.Equal(t0.Add(time.Second)) {
		t.Errorf("opened %s", got)
	}
	path := write(t, dir, "b", incident.Noticed{Text: `"fact":"opened"`})
	if err := os.Chtimes(path, t0, t0.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got := at(path); !got.Equal(t0.Add(time.Hour)) {
		t.Errorf("it does not say, and was opened %s", got)
	}
	for _, text := range []string{"", "hello\n", `{"journal":99}` + "\n", strings.TrimSuffix(head, "\n")} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := (File{Path: path}).Opened(); err == nil {
			t.Errorf("%q was opened %s", text, got)
		}
	}
}
