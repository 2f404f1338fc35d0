package journal

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollbook/incident"
)

// damage replaces the line of a journal (1 is the header).
func damage(t *testing.T, path string, line int, with string) (rest []byte) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(raw, []byte("\n"))
	lines[line-1] = []byte(with + "\n")
	if err := os.WriteFile(path, bytes.Join(lines, nil), 0o600); err != nil {
		t.Fatal(err)
	}
	return bytes.Join(lines[line-1:], nil)
}

// A damaged line in the middle hides no open incident: what stands before it counts,
// and what comes from it on is kept beside the journal when it is taken up.
func TestDamagedInTheMiddle(t *testing.T) {
	for _, with := range []string{`{"at":`, "\x00\x00\x00", `["at"]`, "", strings.Repeat("x", maxLine+1), `{"at":"2026-11-23T03:12:00Z","fact":"opened","data":7}`} {
		dir := t.TempDir()
		path := write(t, dir, "x", incident.Opened{ID: "x"}, incident.Moved{To: incident.Choose}, incident.Moved{To: incident.Confirm}, incident.Moved{To: incident.RollBack})
		rest := damage(t, path, 4, with)
		name := with[:min(len(with), 20)]
		u := search(dir)
		if len(u.Open) != 1 || len(u.Errs) != 0 || u.Open[0].Damage == nil || u.Open[0].Damage.Line != 4 || u.Open[0].Damage.Bytes != int64(len(rest)) {
			t.Fatalf("%q: %+v", name, u)
		}
		if Kept(File{Path: path}) != nil {
			t.Errorf("%q: a summary is kept", name)
		}
		goOn(t, path, incident.Moved{To: incident.Choose})
		c, err := Read(path)
		if err != nil || c.Damage != nil || len(c.Facts) != 3 {
			t.Fatalf("%q: %+v %v", name, c, err)
		}
		kept, err := os.ReadFile(path + ".damaged-1")
		if err != nil || !bytes.Equal(kept, rest) {
			t.Errorf("%q: kept %d bytes of %d: %v", name, len(kept), len(rest), err)
		}
	}
}

// When and by whom an incident was opened is told also where the journal is damaged
// before that; where no line tells it, it is unknown, and the settings' local user is
// nobody's name.
func TestDamagedBeforeItWasOpened(t *testing.T) {
	began := incident.Began{Settings: incident.Settings{Operator: "root"}}
	noticed := incident.Noticed{Component: "api", What: "revision"}
	opened := incident.Opened{ID: "x", Operator: "you"}
	for name, tt := range map[string]struct {
		lines  int // that are damaged, from the third on
		opened incident.Opened
		at     time.Time
		by     string
	}{
		"whole":                          {0, opened, t0.Add(2 * time.Second), "you"},
		"before it":                      {1, opened, t0.Add(2 * time.Second), "you"},
		"before it, of an older version": {1, incident.Opened{ID: "x"}, t0.Add(2 * time.Second), "maria"},
		"before it and itself":           {2, opened, time.Time{}, ""},
	} {
		dir := t.TempDir()
		path := write(t, dir, "x", began, noticed, tt.opened, incident.Moved{To: incident.Choose})
		for n := range tt.lines {
			damage(t, path, 3+n, "{")
		}
		u := search(dir)
		if len(u.Open) != 1 || !u.Open[0].Opened.Equal(tt.at) || u.Open[0].Operator != tt.by {
			t.Errorf("%s: %+v", name, u.Open[0])
		}
	}
}

func stat(t *testing.T, path string) fs.FileInfo {
	t.Helper()
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// What is not this user's alone is neither read nor written.
func TestForeignFolders(t *testing.T) {
	made := func(t *testing.T) (dir, path string) {
		dir = filepath.Join(t.TempDir(), "incidents")
		return dir, write(t, dir, "x", incident.Opened{ID: "x"})
	}
	must := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	given := func(t *testing.T, path string) { // to another user
		if os.Geteuid() == 0 {
			must(t, os.Chown(path, 1234, 1234))
			return
		}
		real, its := owner, stat(t, path)
		owner = func(st fs.FileInfo) (int, bool) {
			if os.SameFile(st, its) {
				return 1234, true
			}
			return real(st)
		}
		t.Cleanup(func() { owner = real })
	}
	for name, change := range map[string]func(t *testing.T, dir, path string){
		"others may write":         func(t *testing.T, dir, _ string) { must(t, os.Chmod(dir, 0o777)) },
		"the group may write":      func(t *testing.T, dir, _ string) { must(t, os.Chmod(dir, 0o770)) },
		"others may write above":   func(t *testing.T, dir, _ string) { must(t, os.Chmod(filepath.Dir(dir), 0o777)) },
		"the folder is another's":  func(t *testing.T, dir, _ string) { given(t, dir) },
		"the one above is":         func(t *testing.T, dir, _ string) { given(t, filepath.Dir(dir)) },
		"the journal is another's": func(t *testing.T, _, path string) { given(t, path) },
		"the folder is a link": func(t *testing.T, dir, _ string) {
			must(t, os.Rename(dir, dir+"-real"))
			must(t, os.Symlink(dir+"-real", dir))
		},
		"the incident is a link": func(t *testing.T, dir, path string) {
			must(t, os.Rename(filepath.Dir(path), dir+"-real"))
			must(t, os.Symlink(dir+"-real", filepath.Dir(path)))
		},
		"the journal is a link": func(t *testing.T, dir, path string) {
			must(t, os.Rename(path, dir+"-real"))
			must(t, os.Symlink(dir+"-real", path))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, path := made(t)
			c, err := Read(path)
			must(t, err)
			change(t, dir, path)
			if files, errs := Find([]string{dir}); len(files) != 0 || len(errs) != 1 || !errors.Is(errs[0], ErrForeign) {
				t.Errorf("found %+v, %v", files, errs)
			}
			if _, err := Read(path); strings.HasPrefix(name, "the journal is a link") && !errors.Is(err, ErrForeign) {
				t.Errorf("read: %v", err)
			}
			if strings.Contains(name, "journal") || strings.Contains(name, "incident") {
				return // the folder takes others
			}
			if w, err := Resume(c, nil, func(int, string, error) {}); err == nil {
				w.Close()
				t.Error("it was resumed")
			}
			failed := make(chan error, 10)
			w := Begin([]string{dir}, Header{ID: "y"}, func(_ int, _ string, err error) { failed <- err })
			if _, err := w.Append(incident.Fact{At: t0, Body: incident.Opened{ID: "y"}}); err != nil {
				t.Fatal(err)
			}
			if err := <-failed; !errors.Is(err, ErrForeign) {
				t.Errorf("written: %v", err)
			}
			w.Close()
		})
	}
	// A folder that is not there may be made, where nobody else can make it first.
	if err := Ours(filepath.Join(t.TempDir(), "a", "b")); err != nil {
		t.Error(err)
	}
}
