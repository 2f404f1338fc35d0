package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"rollbook/incident"
)

// Processes that write journals and keep summaries in one folder, and are killed.
const (
	killRole = "ROLLBOOK_TEST_JOURNAL" // writer or lister
	killDir  = "ROLLBOOK_TEST_JOURNAL_DIR"
	killSeed = "ROLLBOOK_TEST_JOURNAL_SEED"
)

func TestMain(m *testing.M) {
	if role := os.Getenv(killRole); role != "" {
		seed, err := strconv.ParseUint(os.Getenv(killSeed), 10, 64)
		if err == nil {
			err = map[string]func(string, *rand.Rand) error{"writer": writeForever, "lister": listForever}[role](
				os.Getenv(killDir), rand.New(rand.NewPCG(seed, 1)))
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// writeForever takes up what is open, or begins an incident, and brings it on: open,
// reported, closed, reported again.
func writeForever(dir string, r *rand.Rand) error {
	ack := func(_ int, _ string, err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	for {
		var w *Writer
		if u := Search(context.Background(), []string{dir}, func(string) {}); len(u.Open) > 0 && r.IntN(2) == 0 {
			c, err := Read(u.Open[0].Path)
			if err != nil {
				return err
			}
			if w, err = Resume(c, nil, ack); err != nil {
				return err
			}
		} else {
			w = Begin([]string{dir}, Header{ID: fmt.Sprintf("INC-%d", r.IntN(1000)), Cluster: "c"}, ack)
		}
		for range 1 + r.IntN(40) { // at times of their own: no journal is a copy of another
			var body incident.Body = incident.Noticed{Component: "a", What: "pods", Text: strings.Repeat("x", r.IntN(3000))}
			switch r.IntN(20) {
			case 0:
				body = incident.WasClosed{}
			case 1, 2:
				body = incident.ReportWritten{Path: "x"}
			}
			if _, err := w.Append(incident.Fact{At: t0.Add(time.Duration(r.Int64())), Body: body}); err != nil {
				return err
			}
		}
		w.Close()
	}
}

// listForever keeps summaries as a list of the incidents does.
func listForever(dir string, _ *rand.Rand) error {
	for {
		files, errs := Find([]string{dir})
		if len(errs) > 0 {
			return errs[0]
		}
		for _, f := range files {
			if Kept(f) != nil {
				continue
			}
			c, err := Read(f.Path)
			if err != nil {
				continue // killed before its header was written
			}
			s := c.Summary()
			s.Row = json.RawMessage(`"a row"`)
			if err := s.Keep(); err != nil {
				return err
			}
		}
	}
}

// A writer and two that list are killed at any point, again and again, in one
// folder. What the kept summaries say is what the journals say.
func TestKilledAtAnyPoint(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("ROLLBOOK_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = n
	}
	t.Logf("ROLLBOOK_SEED=%d", seed)
	r := rand.New(rand.NewPCG(seed, 2))
	dir := t.TempDir()
	var open, closed, counted int
	for range 8 {
		var all []*exec.Cmd
		for _, role := range []string{"writer", "lister", "lister"} {
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), killRole+"="+role, killDir+"="+dir, killSeed+"="+strconv.FormatUint(r.Uint64(), 10))
			cmd.Stderr = os.Stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			all = append(all, cmd)
		}
		grown(t, dir, r.Int64N(100_000))
		for _, n := range r.Perm(len(all)) {
			_ = all[n].Process.Kill()
			if err := all[n].Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
				t.Fatalf("%s ended by itself: %v", all[n].Env, err)
			}
		}
		o, c, k := truth(t, dir)
		open, closed, counted = open+o, closed+c, counted+k
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	if open == 0 || closed == 0 || counted == 0 {
		t.Errorf("%d times open, %d times closed, %d summaries counted: it proves nothing", open, closed, counted)
	}
}

// grown waits until the journals have grown by so many bytes.
func grown(t *testing.T, dir string, by int64) {
	t.Helper()
	size := func() (n int64) {
		files, _ := Find([]string{dir})
		for _, f := range files {
			n += f.Size
		}
		return n
	}
	before, deadline := size(), time.Now().Add(time.Minute)
	for size() <= before+by {
		if time.Now().After(deadline) {
			t.Fatal("nothing was written within a minute")
		}
	}
}

// truth compares what the search finds, and what is kept, with the journals.
func truth(t *testing.T, dir string) (open, closed, counted int) {
	t.Helper()
	u := search(dir)
	paths := func(all []*Summary) (out []string) {
		for _, s := range all {
			out = append(out, s.Path)
		}
		return out
	}
	isOpen, isCut := paths(u.Open), paths(u.Unreported)
	files, errs := Find([]string{dir})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	unread := 0
	for _, f := range files {
		c, err := Read(f.Path)
		if err != nil {
			if unread++; !strings.Contains(err.Error(), ErrBroken.Error()) {
				t.Error(err)
			}
			continue
		}
		s := c.Summary()
		if slices.Contains(isOpen, f.Path) != (s.State == Open) || slices.Contains(isCut, f.Path) != (s.State == Unreported) {
			t.Errorf("%s is %s, and was found open in %v, unreported in %v", f.Path, s.State, isOpen, isCut)
		}
		if s.State == Open {
			open++
		} else {
			closed++
		}
		if k := Kept(f); k != nil {
			counted++
			k.Row = nil
			if !sameSummary(k, s) {
				t.Errorf("kept is\n%+v\nof\n%+v", k, s)
			}
		}
	}
	if len(u.Errs) != unread {
		t.Errorf("%d cannot be read; told is %v", unread, u.Errs)
	}
	parts, _ := filepath.Glob(filepath.Join(dir, "*", SummaryName))
	for _, p := range parts {
		raw, err := os.ReadFile(p)
		if err != nil || !json.Valid(raw) {
			t.Errorf("%s is half a summary: %v %s", p, err, raw)
		}
	}
	return open, closed, counted
}
