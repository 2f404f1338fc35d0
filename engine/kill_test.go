package engine

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"rollbook/engine/journal"
	"rollbook/incident"
	"rollbook/model"
)

// The kill loop: a scripted incident is worked on by the engine in a process of
// its own, which is killed at random points and started again, while the cluster
// and the services live on in the test's process.

// outside is what outlives the kills: a cluster with one Deployment, a chat, and
// the Leases.
type outside struct {
	t      *testing.T
	leases leaseBoard

	mu       sync.Mutex
	r        *rand.Rand
	hash     string
	revision int64
	gen      int64
	written  int            // patches that changed the template
	sent     map[string]int // messages that arrived, by channel and kind
	trap     string         // where the next kill is to happen: "undo", "undone", "message", "messaged", "" = anywhere
	kill     func()
}

// stateOf is the Deployment as the process asks for it.
type stateOf struct {
	Hash          string
	Revision, Gen int64
}

func (o *outside) reset() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.hash, o.revision, o.gen, o.written, o.sent = "hash-42", 42, 7, 0, map[string]int{}
}

// at is a point where a kill may be due; it says whether the process is gone.
func (o *outside) at(point string) {
	o.mu.Lock()
	due, kill := o.trap == point, o.kill
	if due {
		o.trap = ""
	}
	pause := time.Duration(o.r.IntN(20)) * time.Millisecond
	o.mu.Unlock()
	if due {
		kill()
		return
	}
	time.Sleep(pause) // a network: a kill finds requests on their way
}

func (o *outside) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the process was killed while it sent
	}
	var answer any
	switch r.URL.Path {
	case "/state":
		o.mu.Lock()
		answer = stateOf{Hash: o.hash, Revision: o.revision, Gen: o.gen}
		o.mu.Unlock()
	case "/undo":
		var p model.Plan
		if err := json.Unmarshal(body, &p); err != nil {
			o.t.Error(err)
		}
		d := parsed[undoDetail](p.Detail)
		o.at("undo")
		o.mu.Lock()
		if o.hash != d.FromHash {
			answer = map[string]string{"changed": "the template is " + o.hash}
		} else {
			o.hash, o.revision, o.gen, o.written = d.ToHash, o.revision+1, o.gen+1, o.written+1
			answer = map[string]int64{"gen": o.gen}
		}
		o.mu.Unlock()
		o.at("undone")
	case "/send":
		var m model.Message
		if err := json.Unmarshal(body, &m); err != nil {
			o.t.Error(err)
		}
		o.at("message")
		o.mu.Lock()
		o.sent[m.Channel+" "+string(m.Kind)]++
		o.mu.Unlock()
		o.at("messaged")
		answer = model.Delivery{Ref: "1"}
	case "/lease":
		var a model.LeaseAsk
		if err := json.Unmarshal(body, &a); err != nil {
			o.t.Error(err)
		}
		l, _ := o.leases.Lease(r.Context(), a)
		answer = map[string]any{"lease": l, "mine": l.Mine, "expired": l.Expired}
	default:
		o.t.Errorf("asked for %s", r.URL.Path)
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// ahead is a point that the incident has yet to reach.
func (o *outside) ahead(n int) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.written == 0:
		return []string{"undo", "undone"}[n]
	case len(o.sent) < 2:
		return []string{"message", "messaged"}[n]
	}
	return ""
}

// killed runs the process until it ends or is killed, and says whether it ended
// by itself, and how many facts it had seen on disk.
func (o *outside) killed(url, dir string, after time.Duration, trap string) (ended bool, acked int) {
	o.t.Helper()
	var errs bytes.Buffer
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), killChild+"="+url, killDir+"="+dir)
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		o.t.Fatal(err)
	}
	var once sync.Once
	byUs := false
	kill := func() {
		once.Do(func() {
			byUs = true
			_ = cmd.Process.Kill()
		})
	}
	o.mu.Lock()
	o.trap, o.kill = trap, kill
	o.mu.Unlock()
	limit := after
	if trap != "" || after == 0 {
		limit = 30 * time.Second // a trap that is not reached, or a run to the end
	}
	timer := time.AfterFunc(limit, kill)
	in := bufio.NewScanner(out)
	for in.Scan() {
		if n, err := strconv.Atoi(in.Text()); err == nil {
			acked = n
		}
	}
	err = cmd.Wait()
	timer.Stop()
	once.Do(func() {}) // from here on byUs is not written
	if err != nil && !byUs {
		o.t.Fatalf("the process failed: %v\n%s", err, errs.String())
	}
	return err == nil, acked
}

// onDisk is the incident's journal; nil while there is none.
func (o *outside) onDisk(dir string) *journal.Content {
	o.t.Helper()
	found, errs := journalsIn(dir)
	for _, err := range errs {
		// Killed before the header was written: there is nothing in it yet.
		if !strings.Contains(err.Error(), journal.ErrBroken.Error()) {
			o.t.Fatal(err)
		}
	}
	if len(found) > 1 {
		o.t.Fatalf("%d incidents of one", len(found))
	}
	if len(found) == 0 {
		return nil
	}
	return found[0]
}

// complete checks an incident that was worked on to its end.
func (o *outside) complete(dir string) {
	t := o.t
	t.Helper()
	c := o.onDisk(dir)
	if c == nil || !c.Closed() {
		t.Fatal("the process ended, and the incident is open")
	}
	i := incident.Fold(c.Facts)
	if o.written != 1 || o.hash != "hash-40" {
		t.Errorf("written %d times, runs %s", o.written, o.hash)
	}
	for what, n := range o.sent {
		if n > 1 {
			t.Errorf("%s arrived %d times", what, n)
		}
	}
	for _, m := range i.Messages {
		arrived := o.sent[m.Message.Channel+" "+string(m.Message.Kind)]
		switch m.State {
		case incident.MessageOut:
			if arrived != 1 {
				t.Errorf("%s is sent in the journal, and arrived %d times", m.Message.Channel, arrived)
			}
		case incident.MessageNotOut, incident.MessageSending:
			t.Errorf("a message ends as %+v", m)
		}
	}
	if i.ReportStale() {
		t.Error("the report does not tell the end")
	}
	raw, err := os.ReadFile(i.Report.Path)
	var told []incident.Entry
	if err == nil {
		err = json.Unmarshal(raw, &told)
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(told) != len(i.Timeline)-1 {
		t.Errorf("the report tells %d of %d lines", len(told), len(i.Timeline)-1)
	}
	for n, e := range told {
		if e.Text != i.Timeline[n].Text {
			t.Errorf("the report says %q, the journal %q", e.Text, i.Timeline[n].Text)
		}
	}
	if i.Verified.IsZero() || i.End == nil {
		t.Errorf("verified %s, ended %+v", i.Verified, i.End)
	}
}

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
	o := &outside{t: t, r: rand.New(rand.NewPCG(seed, 1))}
	srv := httptest.NewServer(o)
	defer srv.Close()
	pick := rand.New(rand.NewPCG(seed, 2))
	points := map[string]int{}
	incidents := 0
	for kills := 0; kills < killTimes; incidents++ {
		dir := t.TempDir()
		o.reset()
		sure := 0 // facts that the process knew to be on disk
		for {
			// Half of the kills come at any time, half where it hurts.
			after, trap := time.Duration(1+pick.IntN(400))*time.Millisecond, ""
			if pick.IntN(2) == 0 {
				trap = o.ahead(pick.IntN(2))
			}
			if kills >= killTimes {
				after, trap = 0, ""
			}
			ended, acked := o.killed(srv.URL, dir, after, trap)
			sure = max(sure, acked)
			c := o.onDisk(dir)
			if c == nil && sure > 0 || c != nil && len(c.Facts) < sure {
				t.Fatalf("seed %d: %d facts were on disk, and %+v is left", seed, sure, c)
			}
			if ended {
				o.complete(dir)
				break
			}
			kills++
			step := "before it began"
			if c != nil {
				i := incident.Fold(c.Facts)
				step = i.Step.Name()
			}
			points[step]++
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	t.Logf("%d kills in %d incidents, at %v", killTimes, incidents, points)
}

const (
	killChild = "ROLLBOOK_TEST_KILL_CHILD"
	killDir   = "ROLLBOOK_TEST_KILL_DIR"
)

func TestMain(m *testing.M) {
	if url := os.Getenv(killChild); url != "" {
		if err := workOnIncident(url, os.Getenv(killDir)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// reportFile is where the process writes the report.
func reportFile(dir string) string { return filepath.Join(dir, "report.json") }
