package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"rollbook/engine/journal"
)

// elsewhere is a zone with an hour that is not UTC's.
const elsewhere = "Europe/Berlin"

// clockTime is a time of day; a countdown and how long something took have no zone.
var clockTime = regexp.MustCompile(`(?:^|[^+\d:])(\d\d):[0-5]\d`)

// Wherever the operator is, every time on the screen is UTC, and the screen says so; so
// are all of the report and of the table of incidents.
func TestTimesAreInUTC(t *testing.T) {
	if os.Getenv("TZ") != elsewhere {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), "TZ="+elsewhere)
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
			t.Errorf("with TZ=%s: %v\n%s", elsewhere, err, out)
		}
		return
	}
	if _, off := night.In(time.Local).Zone(); off != 3600 {
		t.Fatalf("the zone is %s, %d s from UTC", time.Local, off)
	}
	times := 0
	utc := func(what, text string) {
		t.Helper()
		found := clockTime.FindAllStringSubmatch(text, -1)
		for l := range strings.Lines(text) {
			if x := clockTime.FindStringSubmatch(l); x != nil && (x[1] == "04" || x[1] == "05") {
				t.Errorf("%s tells local time: %s", what, l)
			}
		}
		if len(found) > 0 && !strings.Contains(text, "UTC") {
			t.Errorf("%s tells times, and not in which zone:\n%s", what, text)
		}
		times += len(found)
	}
	perform(t, "errors", 80, 24, opens("errors"), func(m *played) { // alone: it runs commands in its environment
		looks := func(page string, keys ...string) {
			t.Helper()
			utc(page, m.Screen())
			for _, key := range keys {
				m.Keys(key)
				m.Settle() // what it reads is there
				utc(page+", "+key, m.Screen())
				m.Keys(esc)
			}
		}
		m.Waits(20*time.Second, "ROLL BACK NOW", "on backend-python")
		looks("Assess", "l", "e", "d", "t", "c", "?")
		m.decides("● YES")
		looks("Decide", "t", "d", "M")
		m.chooses("★ good")
		looks("Choose", "t")
		m.Keys(enter)
		m.Waits(20*time.Second, "▸4 Confirm", "type y to roll back")
		looks("Confirm")
		m.confirmed()
		looks("Roll back", "t", "r", "l")
		m.verifies()
		looks("Verify", "t", "d", "M")
		m.Keys(enter)
		m.Waits(5*time.Second, "▸7 Close")
		looks("Close", "t", "d", "M")
		if times < 40 {
			t.Errorf("only %d times were seen", times)
		}
		found, err := filepath.Glob(filepath.Join(m.tmp, "*", "incidents", "*", journal.FileName))
		if err != nil || len(found) != 1 {
			t.Fatal(found, err)
		}
		dir := filepath.Dir(filepath.Dir(found[0]))
		for _, args := range [][]string{{"report", "latest"}, {"report", "latest", "--format", "json"}, {"report", "latest", "--html"}, {"incidents"}} {
			out, _, err := runs(t, append(args, "--journal-dir", dir)...)
			if err != nil {
				t.Fatal(args, err)
			}
			utc(strings.Join(args, " "), out)
		}
		m.abandons()
	})
}
