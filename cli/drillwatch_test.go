package cli

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollbook/engine/journal"
	"rollbook/incident"
	"rollbook/replay"
	"rollbook/ui"
	"rollbook/ui/uitest"
)

// The newest drill that is open is looked on at, whatever incidents there are beside it.
func TestWhichDrillIsLookedOnAt(t *testing.T) {
	dir := t.TempDir()
	began := incident.Began{Settings: incident.Settings{Namespace: "staging"}, Version: "1.0"}
	for id, more := range map[string][]incident.Body{
		"DRILL-20260101-0900-api": nil, "DRILL-20260801-0900-api": nil, "DRILL-20260901-0900-api": {incident.WasClosed{}}, "INC-20261101-0900-api": nil,
	} {
		keepJournal(t, dir, id, append([]incident.Body{began, incident.Opened{ID: id, Cluster: "4f1c"}}, more...)...)
	}
	files, _ := journal.Find([]string{dir})
	var all []shelved
	for _, f := range files {
		all = append(all, shelved{name: f.Name(), files: []journal.File{f}})
	}
	for name, want := range map[string]string{newestDrill: "DRILL-20260801-0900-api", "DRILL-202601": "DRILL-20260101-0900-api", "INC-2026": "no incident"} {
		b, err := drillNamed(all, name, io.Discard)
		if b.name != want && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %q, %v; want %s", name, b.name, err, want)
		}
	}
	if _, err := drillNamed(nil, newestDrill, io.Discard); err == nil || !strings.Contains(err.Error(), "no drill is open here") {
		t.Error(err)
	}
}

// Who looks on is at the end of the journal from the beginning, sees each page that the
// operator goes to, can change nothing, and is told when nobody writes any more.
func TestLooksOnAtADrill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, more := growing(t)
		r, err := replay.Open(journal.NewTail(c), c.Path)
		if err != nil {
			t.Fatal(err)
		}
		r.Last()
		term, ended := uitest.New(t, 80, 24), make(chan error, 1)
		go func() {
			ended <- showAgain(t.Context(), r, ui.Options{Start: time.Now(), Session: ui.Watching(r), Input: term, Output: term, Width: 80, Height: 24, Env: uitest.Env, Program: uitest.Program})
			term.Hangup()
		}()
		term.Settle()
		term.Sees("LOOKING ON", "▸2 Decide", " live")
		more(incident.Moved{To: incident.Choose})
		term.Waits(3*time.Second, "LOOKING ON", "▸3 Choose")
		term.Keys("x")
		term.Waits(time.Second, "nothing can be changed")
		term.Keys("<")
		term.Waits(time.Second, "REPLAY 1/4")
		more(incident.Moved{To: incident.Confirm})
		term.Keys(">")
		term.Waits(3*time.Second, "LOOKING ON", "▸4 Confirm")
		term.Waits(time.Minute, "The other rollbook has left")
		term.Keys("q")
		if err := <-ended; err != nil {
			t.Error(err)
		}
		term.Close()
		time.Sleep(2 * time.Second) // its timers
	})
}
