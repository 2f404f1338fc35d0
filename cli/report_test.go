package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollbook/config"
	"rollbook/engine/journal"
	"rollbook/incident"
	"rollbook/model"
	reporting "rollbook/report"
)

// books copies journals of package report's testdata into a folder, each with its
// evidence, under the names of their incidents.
func books(t *testing.T, names map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for as, from := range names {
		if err := os.CopyFS(filepath.Join(dir, as), os.DirFS(filepath.Join("..", "report", "testdata", from))); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// runs is the command line without a process of its own.
func runs(t *testing.T, args ...string) (out, errs string, err error) {
	t.Helper()
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_STATE_HOME", "")
	t.Setenv("XDG_RUNTIME_DIR", "")
	t.Setenv("XDG_CONFIG_HOME", "")
	root := newRoot()
	var o, e bytes.Buffer
	root.SetOut(&o)
	root.SetErr(&e)
	root.SetArgs(args)
	err = root.ExecuteContext(t.Context())
	return o.String(), e.String(), err
}

const rolledBack, open2 = "INC-20261123-0307-backend-python", "INC-20261123-0307-backend-python-2"

func TestReport(t *testing.T) {
	dir := books(t, map[string]string{rolledBack: "rolled-back", "INC-20261201-1000-frontend": "healed"})
	want, err := os.ReadFile("../report/testdata/rolled-back/report.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	for _, name := range []string{rolledBack, "INC-20261123"} {
		out, errs, err := runs(t, "report", name, "--journal-dir", dir)
		if err != nil || out != string(want) || errs != "" {
			t.Errorf("%s: %v %q\n%s", name, err, errs, out)
		}
	}
	out, _, err := runs(t, "report", rolledBack, "--journal-dir", dir, "--format", "json")
	var d struct {
		ID   string
		Took struct {
			Recover struct{ Seconds float64 }
		}
	}
	if err != nil || json.Unmarshal([]byte(out), &d) != nil || d.ID != rolledBack || d.Took.Recover.Seconds != 118 {
		t.Errorf("%v %+v", err, d)
	}
	file := filepath.Join(t.TempDir(), "r.md")
	if out, _, err := runs(t, "report", rolledBack, "--journal-dir", dir, "-o", file); err != nil || out != "" {
		t.Errorf("%v %q", err, out)
	}
	if b, _ := os.ReadFile(file); string(b) != string(want) {
		t.Errorf("%s", b)
	}
	if info, _ := os.Stat(file); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %s", info.Mode())
	}
	for _, tt := range []struct {
		args  []string
		words string
	}{
		{[]string{"report"}, "one incident is needed"},
		{[]string{"report", "INC"}, `"INC" begins several incidents: INC-`},
		{[]string{"report", "nope"}, `no incident "nope"; rollbook incidents lists them`},
		{[]string{"report", rolledBack, "--format", "pdf"}, "it is md, json or html"},
		{[]string{"report", rolledBack, "--format", "json", "--template", "x"}, "--template is for --format md"},
		{[]string{"report", rolledBack, "--template", "/nowhere"}, "no such file"},
		{[]string{"report", rolledBack, "-o", "/nowhere/r.md"}, "nothing was written"},
	} {
		if out, _, err := runs(t, append(tt.args, "--journal-dir", dir)...); err == nil || !strings.Contains(err.Error(), tt.words) || out != "" {
			t.Errorf("%v: %v, want %q; said %q", tt.args, err, tt.words, out)
		}
	}
	if _, _, err := runs(t, "report", "latest", "--journal-dir", t.TempDir()); err == nil || !strings.Contains(err.Error(), "no incident is kept here") {
		t.Errorf("%v", err)
	}
}

func TestReportByTheTeamsTemplate(t *testing.T) {
	dir := books(t, map[string]string{rolledBack: "rolled-back"})
	team := t.TempDir()
	t.Chdir(team)
	const teamTemplate = "docs/incidents/template.md"
	os.MkdirAll(filepath.Dir(teamTemplate), 0o755)
	os.WriteFile(teamTemplate, []byte("ours: {{.ID}}\n"), 0o644)
	out, errs, err := runs(t, "report", "latest", "--journal-dir", dir)
	if err != nil || out != "ours: "+rolledBack+"\n" || !strings.Contains(errs, teamTemplate) {
		t.Errorf("%v %q %q", err, out, errs)
	}
	if out, _, err := runs(t, "report", "latest", "--journal-dir", dir, "--template", "built-in"); err != nil || !strings.HasPrefix(out, "# Incident INC-") {
		t.Errorf("%v %.60q", err, out)
	}
	os.WriteFile(teamTemplate, []byte("ours: {{.ID}}\n{{.Nope}}\n"), 0o644)
	out, _, err = runs(t, "report", "latest", "--journal-dir", dir)
	if err == nil || !strings.Contains(err.Error(), teamTemplate+": template:2:2") || !strings.HasPrefix(out, "# Incident INC-") {
		t.Errorf("%v %.60q", err, out)
	}
}

// Evidence that others could have written, or would get to see, is neither read nor
// written; the report is made without it, and says so.
func TestForeignEvidence(t *testing.T) {
	for name, change := range map[string]func(evidence string) error{
		"others may write":    func(evidence string) error { return os.Chmod(evidence, 0o777) },
		"the group may write": func(evidence string) error { return os.Chmod(evidence, 0o770) },
		"it is a link": func(evidence string) error {
			if err := os.Rename(evidence, evidence+"-real"); err != nil {
				return err
			}
			return os.Symlink(evidence+"-real", evidence)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := books(t, map[string]string{rolledBack: "rolled-back"})
			whole, _, err := runs(t, "report", rolledBack, "--journal-dir", dir)
			if err != nil || !strings.Contains(whole, "error-ratio-2.svg") {
				t.Fatalf("%v\n%s", err, whole)
			}
			folder := filepath.Join(dir, rolledBack)
			if err := change(filepath.Join(folder, reporting.Folder)); err != nil {
				t.Fatal(err)
			}
			for _, format := range []string{"md", "html", "json"} {
				out, errs, err := runs(t, "report", rolledBack, "--journal-dir", dir, "--format", format)
				if err != nil || strings.Contains(out, "error-ratio-2.svg") || format != "html" && !strings.Contains(out, "no evidence was gathered") ||
					!strings.Contains(errs, "/"+reporting.Folder) || !strings.Contains(errs, journal.ErrForeign.Error()) {
					t.Errorf("%s: %v, said %q\n%s", format, err, errs, out)
				}
			}
			before := listing(t, dir)
			c := collector{reporting.NewCollector(reporting.Sources{}, reporting.Bounds{}, time.Now)}
			if e, err := c.Gather(t.Context(), folder, &incident.Snapshot{Now: time.Now()}, model.InFull); !errors.Is(err, journal.ErrForeign) || e.Files != 0 {
				t.Errorf("gathered %+v, %v", e, err)
			}
			if after := listing(t, dir); after != before {
				t.Errorf("written:\n%s\nbefore:\n%s", after, before)
			}
		})
	}
}

// listing returns what is in a folder, with sizes.
func listing(t *testing.T, dir string) string {
	t.Helper()
	var out strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		st, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprintf(&out, "%s %s %d\n", path, st.Mode(), st.Size())
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestIncidents(t *testing.T) {
	dir := books(t, map[string]string{rolledBack: "rolled-back", open2: "open", "INC-20261123-0307-backend-python-3": "two-attempts"})
	out, errs, err := runs(t, "incidents", "--journal-dir", dir)
	if err != nil || errs != "" || strings.Count(out, "INC-") != 3 || !strings.Contains(out, "2026-Q4  3          2         3m12s") {
		t.Errorf("%v %q\n%s", err, errs, out)
	}
	// Torn, newer and unreadable journals are told, and hide nothing.
	path := filepath.Join(dir, open2, "journal.jsonl")
	b, _ := os.ReadFile(path)
	os.WriteFile(path, b[:len(b)-9], 0o600)
	for name, text := range map[string]string{"INC-newer": `{"journal":9,"id":"x"}` + "\n", "INC-broken": "\x00\x1b[31m\n"} {
		os.MkdirAll(filepath.Join(dir, name), 0o700)
		os.WriteFile(filepath.Join(dir, name, "journal.jsonl"), []byte(text), 0o600)
	}
	out, errs, err = runs(t, "incidents", "--journal-dir", dir, "--format", "json")
	var all struct {
		Incidents []struct{ ID, State string }
		Quarters  []struct{ Quarter string }
	}
	if err != nil || json.Unmarshal([]byte(out), &all) != nil || len(all.Incidents) != 3 || len(all.Quarters) != 1 {
		t.Errorf("%v %s", err, out)
	}
	for _, want := range []string{"cut off by a crash", "INC-newer", "newer rollbook", "INC-broken", "not a journal"} {
		if !strings.Contains(errs, want) {
			t.Errorf("does not tell %q:\n%s", want, errs)
		}
	}
	if _, _, err := runs(t, "report", "INC-newer", "--journal-dir", dir); err == nil || !strings.Contains(err.Error(), "newer rollbook") {
		t.Errorf("%v", err)
	}
	if _, errs, err := runs(t, "report", open2, "--journal-dir", dir); err != nil || !strings.Contains(errs, "cut off by a crash") {
		t.Errorf("%v %q", err, errs)
	}
	for _, name := range []string{rolledBack, open2, "INC-20261123-0307-backend-python-3"} {
		os.RemoveAll(filepath.Join(dir, name))
	}
	if _, _, err := runs(t, "incidents", "--journal-dir", dir); err == nil || !strings.Contains(err.Error(), "none of 2 journals could be read") {
		t.Errorf("%v", err)
	}
	if out, _, err := runs(t, "incidents", "--journal-dir", t.TempDir()); err != nil || out != "no incident yet\n" {
		t.Errorf("%v %q", err, out)
	}
}

// unread puts the same number of other bytes in a journal's place, and its old time:
// whoever reads it fails.
func unread(t *testing.T, path string) {
	t.Helper()
	st, err := os.Stat(path)
	if err == nil {
		err = os.WriteFile(path, bytes.Repeat([]byte("x"), int(st.Size())), 0o600)
	}
	if err == nil {
		err = os.Chtimes(path, st.ModTime(), st.ModTime())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// The second time no journal is read; one that changed is, and so are all when the
// summaries are lost.
func TestIncidentsReadEachJournalOnce(t *testing.T) {
	names := map[string]string{rolledBack: "rolled-back", open2: "open", "INC-20261123-0307-backend-python-3": "two-attempts"}
	dir := books(t, names)
	list := func(format string) string {
		t.Helper()
		out, errs, err := runs(t, "incidents", "--journal-dir", dir, "--format", format)
		if err != nil || errs != "" {
			t.Fatalf("%v %q", err, errs)
		}
		return out
	}
	table, doc := list("table"), list("json")
	whole := map[string][]byte{}
	for name := range names {
		path := filepath.Join(dir, name, "journal.jsonl")
		whole[path], _ = os.ReadFile(path)
		unread(t, path)
	}
	if got := list("table"); got != table {
		t.Errorf("by the summaries it is\n%s\nby the journals\n%s", got, table)
	}
	if got := list("json"); got != doc {
		t.Errorf("by the summaries it is\n%s\nby the journals\n%s", got, doc)
	}
	for path, text := range whole {
		os.WriteFile(path, text, 0o600)
	}
	path := filepath.Join(dir, open2, "journal.jsonl")
	more, _ := os.ReadFile(filepath.Join(dir, rolledBack, "journal.jsonl"))
	os.WriteFile(path, more, 0o600)
	if got := list("table"); strings.Count(got, " verified  ") != 3 {
		t.Errorf("it went on, and is listed as\n%s", got)
	}
	for path := range whole {
		if err := os.Remove(filepath.Join(filepath.Dir(path), "summary.json")); err != nil {
			t.Error(err)
		}
	}
	if got := list("table"); strings.Count(got, " verified  ") != 3 {
		t.Errorf("without summaries it is\n%s", got)
	}
	// A folder that takes no summary is listed all the same.
	for path := range whole {
		os.Remove(filepath.Join(filepath.Dir(path), "summary.json"))
		os.Mkdir(filepath.Join(filepath.Dir(path), "summary.json"), 0o700)
	}
	if got := list("table"); strings.Count(got, " verified  ") != 3 {
		t.Errorf("where none can be kept it is\n%s", got)
	}
}

// Who asks for one incident waits for no other journal.
func TestReportReadsOneJournal(t *testing.T) {
	dir := books(t, map[string]string{rolledBack: "rolled-back", open2: "open", "INC-20261201-1000-frontend": "healed"})
	latest, _, err := runs(t, "report", "latest", "--journal-dir", dir)
	if err != nil || !strings.HasPrefix(latest, "# Incident INC-") {
		t.Fatalf("%v %.80q", err, latest)
	}
	unread(t, filepath.Join(dir, open2, "journal.jsonl"))
	unread(t, filepath.Join(dir, "INC-20261201-1000-frontend", "journal.jsonl"))
	for _, name := range []string{rolledBack, "latest"} {
		if out, errs, err := runs(t, "report", name, "--journal-dir", dir); err != nil || errs != "" || !strings.Contains(out, "rolled back") {
			t.Errorf("%s: %v %q\n%.80s", name, err, errs, out)
		}
	}
	if _, _, err := runs(t, "report", "INC-20261201", "--journal-dir", dir); err == nil || !strings.Contains(err.Error(), "cannot be read: journal "+dir) {
		t.Errorf("%v", err)
	}
	// The latest is damaged behind its opening: it is reported up to there, and that is told.
	path := filepath.Join(dir, rolledBack, "journal.jsonl")
	raw, _ := os.ReadFile(path)
	lines := strings.SplitAfter(string(raw), "\n")
	os.MkdirAll(filepath.Join(dir, "INC-20261202-1000-frontend"), 0o700)
	later := strings.ReplaceAll(strings.Join(lines[:7], ""), "2026-11-23", "2026-12-02") + "{\n" + lines[8]
	os.WriteFile(filepath.Join(dir, "INC-20261202-1000-frontend", "journal.jsonl"), []byte(later), 0o600)
	if out, errs, err := runs(t, "report", "latest", "--journal-dir", dir); err != nil || !strings.Contains(errs, "line 8 cannot be read") || !strings.Contains(out, "2026-12-02") {
		t.Errorf("%v %q %.80s", err, errs, out)
	}
	unread(t, path)
	os.WriteFile(filepath.Join(dir, "INC-20261202-1000-frontend", "journal.jsonl"), nil, 0o600)
	if _, _, err := runs(t, "report", "latest", "--journal-dir", dir); err == nil || !strings.Contains(err.Error(), "none of 4 journals can be read") {
		t.Errorf("%v", err)
	}
}

// A mistake in the configuration does not hide the journals whose folder is given.
func TestABrokenConfigurationHidesNothing(t *testing.T) {
	dir := books(t, map[string]string{rolledBack: "rolled-back"})
	file := filepath.Join(t.TempDir(), "rollbook.yaml")
	os.WriteFile(file, []byte("nonsense: 1\n"), 0o600)
	if out, _, err := runs(t, "incidents", "--config", file, "--journal-dir", dir); err != nil || !strings.Contains(out, rolledBack) {
		t.Errorf("%v %s", err, out)
	}
	if _, _, err := runs(t, "incidents", "--config", file); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("%v", err)
	}
}

// A journal that moved to another folder because its disk failed is one incident.
func TestTheLongestJournalCounts(t *testing.T) {
	first := books(t, map[string]string{rolledBack: "rolled-back"})
	path := filepath.Join(first, rolledBack, "journal.jsonl")
	b, _ := os.ReadFile(path)
	os.WriteFile(path, []byte(strings.Join(strings.SplitAfter(string(b), "\n")[:6], "")), 0o600)
	second := t.TempDir()
	if err := os.CopyFS(filepath.Join(second, "rollbook", "incidents", rolledBack), os.DirFS("../report/testdata/rolled-back")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("XDG_RUNTIME_DIR", second)
	for _, look := range []string{"the first time", "by the kept summaries"} {
		var errs bytes.Buffer
		got, err := rowsOf(&flags{journalDir: first}, &config.Config{}, &errs)
		if err != nil || errs.Len() > 0 || len(got) != 1 || got[0].State != "closed" {
			t.Errorf("%s: %+v, %v %s", look, got, err, &errs)
		}
	}
	all, bad, err := shelf(&flags{journalDir: first}, &config.Config{})
	if err != nil || len(bad) > 0 || len(all) != 1 {
		t.Fatalf("%+v, %v %v", all, bad, err)
	}
	if b, err := all[0].read(); err != nil || !b.Closed() {
		t.Errorf("%v %v", b, err)
	}
}

func TestIncidentsAreCompleted(t *testing.T) {
	dir := books(t, map[string]string{rolledBack: "rolled-back", open2: "open"})
	out, _, err := runs(t, "__complete", "report", "--journal-dir", dir, "")
	if err != nil || !strings.Contains(out, rolledBack+"\n") || !strings.Contains(out, open2+"\n") || !strings.Contains(out, "latest\n") {
		t.Errorf("%v %q", err, out)
	}
}
