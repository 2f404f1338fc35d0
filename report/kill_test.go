package report

import (
	"context"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// killDir is where the process that is killed gathers.
const killDir = "ROLLBOOK_TEST_GATHER"

// theEnd is the last line of every log of that process.
const theEnd = "the end"

// TestMain makes the test binary behave as a program that gathers until it is
// killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv(killDir); dir != "" {
		fmt.Fprintln(os.Stderr, gatherForever(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func gatherForever(dir string) error {
	w := newWorld(nil)
	w.log = func(context.Context, LogOf) iter.Seq2[string, error] {
		return func(yield func(string, error) bool) {
			for n := range 3000 {
				if !yield(fmt.Sprintf("line %d of a log that says what happened, and more", n), nil) {
					return
				}
			}
			yield(theEnd, nil)
		}
	}
	c := w.collector(Bounds{File: 100_000})
	for n := 0; ; n++ {
		r := crowd(dir)
		r.Moment = []model.Moment{model.AtOpening, model.InFull, model.AtConfirm}[n%3]
		if _, err := c.Gather(context.Background(), r); err != nil {
			return err
		}
	}
}

// A kill at any point leaves whole files, half ones under another name, and a
// manifest that can be read and is right; the next run takes it up.
func TestAKillLeavesNoHalfFile(t *testing.T) {
	for n := range 8 {
		dir := t.TempDir()
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), killDir+"="+dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		deadline := time.Now().Add(time.Minute)
		for len(logs(t, dir)) <= 4*n {
			if time.Now().After(deadline) {
				t.Fatalf("no log after a minute in %s", dir)
			}
			time.Sleep(time.Millisecond)
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		for _, l := range logs(t, dir) {
			if b, err := os.ReadFile(l); err != nil || !strings.HasSuffix(string(b), "\n"+theEnd+"\n") {
				t.Errorf("%s is half a log: %v", l, err)
			}
		}
		if _, err := ReadManifest(dir); err != nil {
			t.Error(err)
		}
		w := newWorld(t)
		gather(t, w.collector(Bounds{}), request(t, model.AtConfirm, dir))
		files(t, dir)
	}
}

// logs are those that are in their place.
func logs(t *testing.T, dir string) (out []string) {
	t.Helper()
	_ = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(p, ".log") { // a folder that is not there yet is no failure
			out = append(out, p)
		}
		return nil
	})
	return out
}
