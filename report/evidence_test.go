package report

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollbook/incident"
	"rollbook/model"
	"rollbook/text"
)

// world is a cluster and a Prometheus, as far as evidence is read from them. A
// call that the test did not prepare fails it.
type world struct {
	t      testing.TB
	mu     sync.Mutex
	log    func(ctx context.Context, of LogOf) iter.Seq2[string, error]
	asked  []LogOf
	events model.Events
	evErr  error
	yaml   map[string]string // by Kind/Name; "" = forbidden
	series []model.Series
	diff   string
	to     string // the version that was asked for last to compare with, by its key
	now    time.Time
}

func (w *world) Log(ctx context.Context, of LogOf) iter.Seq2[string, error] {
	w.mu.Lock()
	w.asked = append(w.asked, of)
	w.mu.Unlock()
	if w.log == nil {
		w.t.Errorf("unexpected: log of %s", of.Pod)
		return func(yield func(string, error) bool) { yield("", errors.New("unexpected")) }
	}
	return w.log(ctx, of)
}

func (w *world) Events(ctx context.Context, c *model.Component, limit int) (model.Events, error) {
	return w.events, w.evErr
}

func (w *world) Objects(ctx context.Context, c *model.Component) (out []Object) {
	for name, y := range w.yaml {
		kind, n, _ := strings.Cut(name, "/")
		o := Object{Kind: kind, Name: n, YAML: y}
		if y == "" {
			o.Err = errors.New(`forbidden: User "eve" cannot get ` + n)
		}
		out = append(out, o)
	}
	return out
}

func (w *world) Window(ctx context.Context, targets []model.Target, from, to time.Time) ([]model.Series, error) {
	if w.series == nil {
		return nil, errors.New("connection refused")
	}
	return w.series, nil
}

func (w *world) Diff(ctx context.Context, c *model.Component, to string) (string, error) {
	w.mu.Lock()
	w.to = to
	w.mu.Unlock()
	if w.diff == "" {
		return "", errors.New("unable to find specified revision in history")
	}
	return w.diff, nil
}

func (w *world) sources() Sources {
	return Sources{Logs: w, Events: w, Objects: w, Figures: w, Diff: w}
}

func (w *world) collector(b Bounds) *Collector {
	return NewCollector(w.sources(), b, func() time.Time { return w.now })
}

// said is a log with these lines.
func said(lines ...string) func(context.Context, LogOf) iter.Seq2[string, error] {
	return func(context.Context, LogOf) iter.Seq2[string, error] {
		return func(yield func(string, error) bool) {
			for _, l := range lines {
				if !yield(l, nil) {
					return
				}
			}
		}
	}
}

func newWorld(t testing.TB) *world {
	return &world{t: t, now: t0, log: said("one", "two"),
		events: model.Events{List: []model.Event{
			{At: t0.Add(-5 * time.Minute), Component: "backend-python", Object: "deployment/backend-python", Type: "Normal", Reason: "ScalingReplicaSet", Message: "scaled up", Count: 1},
			{At: t0.Add(-time.Minute), Component: "backend-python", Object: "pod/b-1", Type: "Warning", Reason: "BackOff", Message: "back-off restarting", Count: 7}}},
		yaml:   map[string]string{"Deployment/backend-python": "kind: Deployment\n", "Secret/api-key": ""},
		series: []model.Series{errorsOf("backend-python"), {Component: "backend-python", Figure: "p95", Why: "no series"}},
		diff:   "~ image api: api:41 → api:42",
	}
}

// request is of an incident with one failing pod of the bad revision, one that
// still runs, one of the revision before, and one of a ReplicaSet that bears the same
// number as the bad one.
func request(t testing.TB, m model.Moment, dir string) Request {
	c := &model.Component{ID: "backend-python", Revision: 42, OwnerName: "rs-42", RevisionStart: t0.Add(-11 * time.Minute), RevisionBy: "ci", Images: []string{"api:42"},
		Workload: model.Workload{Kind: model.Deployment, Namespace: "production", Name: "backend-python"},
		Pods: []model.Pod{
			{Name: "b-42-bad", Owner: "rs-42", Revision: 42, Failing: true, State: "CrashLoopBackOff", Restarts: 3, Names: []string{"side", "api"}, Bad: "api"},
			{Name: "b-42-runs", Owner: "rs-42", Revision: 42, Names: []string{"api"}},
			{Name: "b-41-old", Owner: "rs-41", Revision: 41, Names: []string{"api"}},
			{Name: "b-42-twin", Owner: "rs-42-twin", Revision: 42, Names: []string{"api"}}}}
	i := incident.Incident{ID: "INC-20261123-0302-backend-python", Onset: t0.Add(-10 * time.Minute),
		Impact: incident.ImpactRecord{At: t0, Impact: model.Impact{From: t0.Add(-10 * time.Minute), To: t0, Period: 30 * 24 * time.Hour,
			All: model.ComponentImpact{Failed: model.Reading{Known: true, Value: 900, Query: "sum(…)"}}}},
		Triggers: []incident.Trigger{{Component: "backend-python", Kind: incident.TErrors}},
		Suspects: []incident.Suspect{{Component: "backend-python", Version: model.Revision("rs-42", 42), At: t0.Add(-11 * time.Minute), Before: time.Minute, By: "ci", Images: []string{"api:42"}}},
		Settings: incident.Settings{Limits: model.DefaultLimits(), Verify: incident.DefaultVerify(), ConfigHash: "abc123", ConfigFrom: []string{"rollbook.yaml"}}}
	return RequestOf(m, dir, &incident.Snapshot{Incident: i, Now: t0, Seen: incident.Seen{Board: []*model.Component{c}}})
}

func gather(t testing.TB, c *Collector, r Request) model.Evidence {
	t.Helper()
	e, err := c.Gather(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// files are the names under the evidence, but for those about the others; each is
// checked against the manifest, and for its mode.
func files(t testing.TB, dir string) (names []string) {
	t.Helper()
	m, err := ReadManifest(dir)
	if err != nil || m == nil {
		t.Fatalf("manifest: %v", err)
	}
	listed := map[string]File{}
	for _, f := range m.Files {
		listed[f.Name] = f
	}
	sums, _ := os.ReadFile(filepath.Join(dir, Folder, SumsName))
	filepath.WalkDir(filepath.Join(dir, Folder), func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, _ := d.Info()
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %s", p, info.Mode())
		}
		rel, _ := filepath.Rel(filepath.Join(dir, Folder), p)
		if rel == ManifestName || rel == SumsName {
			return nil
		}
		b, _ := os.ReadFile(p)
		h := sha256.Sum256(b)
		f, ok := listed[rel]
		if !ok || f.SHA256 != hex.EncodeToString(h[:]) || f.Bytes != int64(len(b)) || f.Source == "" {
			t.Errorf("%s is not what the manifest says: %+v", rel, f)
		}
		if !strings.Contains(string(sums), f.SHA256+"  "+rel+"\n") {
			t.Errorf("%s is not in %s", rel, SumsName)
		}
		delete(listed, rel)
		names = append(names, rel)
		return nil
	})
	for n := range listed {
		t.Errorf("%s is listed and not there", n)
	}
	return names
}

func read(t testing.TB, dir, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, Folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestWhatThePodsTakeWithThemIsKeptAtOnce(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t)
	e := gather(t, w.collector(Bounds{}), request(t, model.AtOpening, dir))
	want := []string{"events/backend-python-opened.jsonl", "events/backend-python-opened.txt",
		"logs/backend-python/b-42-bad/api-current-opened.log", "logs/backend-python/b-42-bad/api-previous-3-opened.log",
		"logs/backend-python/b-42-bad/side-current-opened.log", "logs/backend-python/b-42-bad/side-previous-3-opened.log",
		"objects/backend-python/deployment-backend-python.yaml"}
	if got := files(t, dir); !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	if e.Files != len(want) || e.Bytes == 0 || len(e.Missing) != 1 || !strings.Contains(e.Missing[0], "Secret api-key: forbidden") {
		t.Errorf("%+v", e)
	}
	if w.asked[0].Pod != "b-42-bad" || w.asked[0].Tail != 1000 {
		t.Errorf("asked first: %+v", w.asked[0])
	}
	lines := strings.Split(read(t, dir, want[1]), "\n")
	if !strings.HasPrefix(lines[0], "2026-11-23T03:07:00Z") || !strings.Contains(lines[1], "BackOff") || !strings.Contains(lines[1], "(7 times)") {
		t.Errorf("events: %q", lines)
	}
}

// Events that were left out or not read are told as missing.
func TestEventsLeftOut(t *testing.T) {
	dir, w := t.TempDir(), newWorld(t)
	w.events.Older, w.events.Unread = 9000, "no answer within 10s"
	e := gather(t, w.collector(Bounds{}), request(t, model.AtOpening, dir))
	for _, want := range []string{"9000 older events of backend-python: over the bound of 1000", "the rest of the events of backend-python: no answer within 10s"} {
		if !slices.Contains(e.Missing, want) {
			t.Errorf("%q is not in %q", want, e.Missing)
		}
	}
}

func TestInFull(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t)
	r := request(t, model.InFull, dir)
	r.Subjects[0].Against = model.Revision("rs-41", 41)
	e := gather(t, w.collector(Bounds{}), r)
	got := strings.Join(files(t, dir), "\n")
	for _, want := range []string{"configuration.json", "diff/backend-python-42-to-41.txt", "impact.json", "metrics/error-ratio.csv", "metrics/error-ratio.png",
		"metrics/error-ratio.svg", "logs/backend-python/b-42-bad/api-current.log", "logs/backend-python/b-42-runs/api-current.log"} {
		if !strings.Contains(got, want) {
			t.Errorf("lacks %s:\n%s", want, got)
		}
	}
	if strings.Contains(got, "b-41-old") || strings.Contains(got, "b-42-twin") {
		t.Errorf("keeps logs of a revision that did not fail:\n%s", got)
	}
	for _, a := range w.asked {
		if a.Tail == 0 && !a.Since.Equal(r.Onset.Add(-30*time.Minute)) {
			t.Errorf("a log is asked for since %s", a.Since)
		}
	}
	if csv := read(t, dir, "metrics/error-ratio.csv"); !strings.HasPrefix(csv, "time,component,value,at_least\n2026-11-23T02:12:00Z,backend-python,0.00") {
		t.Errorf("%.120q", csv)
	}
	if d := read(t, dir, "diff/backend-python-42-to-41.txt"); !strings.Contains(d, "from 42 (revision 42), which runs, to revision 41") || !strings.Contains(d, "api:41") || w.to != "rs-41" {
		t.Errorf("%q, of %q", d, w.to)
	}
	if s := strings.Join(e.Missing, "\n"); !strings.Contains(s, "p95 of backend-python: no series") {
		t.Errorf("missing: %s", s)
	}
	m, _ := ReadManifest(dir)
	if len(m.Suspects) != 1 || m.Suspects[0].Version.Label != "revision 42" || m.Suspects[0].By != "ci" || m.Config.Hash != "abc123" || len(m.Marks) != 2 {
		t.Errorf("%+v", m)
	}
	var i struct {
		model.Impact
		Period string `json:"period"` // for people, and not of nanoseconds
	}
	if err := json.Unmarshal([]byte(read(t, dir, "impact.json")), &i); err != nil || i.Period != "30d" {
		t.Errorf("the evidence's impact is over %q (%v)", i.Period, err)
	}
	if i.Impact.Period = r.Impact.Impact.Period; !reflect.DeepEqual(i.Impact, r.Impact.Impact) {
		t.Errorf("the evidence's impact is %+v, the journal's %+v", i.Impact, r.Impact.Impact)
	}
}

// A pod that is gone by now keeps what was taken of it; what is missing says so.
func TestLaterGatheringsAdd(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t)
	gather(t, w.collector(Bounds{}), request(t, model.AtOpening, dir))
	before := files(t, dir)
	w.log = func(context.Context, LogOf) iter.Seq2[string, error] {
		return func(yield func(string, error) bool) { yield("", errors.New(`gone: pods "b-42-bad" not found`)) }
	}
	w.now = t0.Add(time.Minute)
	e := gather(t, w.collector(Bounds{}), request(t, model.InFull, dir)) // another run of the program
	after := files(t, dir)
	for _, f := range before {
		if !slices.Contains(after, f) {
			t.Errorf("%s is gone", f)
		}
	}
	if got := read(t, dir, "logs/backend-python/b-42-bad/api-current-opened.log"); got != "one\ntwo\n" {
		t.Errorf("%q", got)
	}
	if s := strings.Join(e.Missing, "\n"); !strings.Contains(s, `log of pod b-42-bad, container api: gone: pods "b-42-bad" not found`) {
		t.Errorf("missing: %s", s)
	}
	// The pod is back: what was missing is not any more, and the log goes on from where it was.
	w.log, w.now = said("three"), t0.Add(2*time.Minute)
	c := w.collector(Bounds{})
	if e = gather(t, c, request(t, model.InFull, dir)); strings.Contains(strings.Join(e.Missing, "\n"), "gone") {
		t.Errorf("still missing: %q", e.Missing)
	}
	w.asked, w.now = nil, t0.Add(3*time.Minute)
	gather(t, c, request(t, model.InFull, dir))
	for _, a := range w.asked {
		if a.Tail == 0 && !a.Since.Equal(t0.Add(2*time.Minute)) {
			t.Errorf("asked again since %s", a.Since)
		}
		if a.Previous {
			t.Errorf("asked again for a container that had ended: %+v", a)
		}
	}
	if got := read(t, dir, "logs/backend-python/b-42-runs/api-current-2.log"); got != "three\n" {
		t.Errorf("%q", got)
	}
}

func TestBeforeAWriteItTakesASecondAtMost(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.log = func(ctx context.Context, of LogOf) iter.Seq2[string, error] {
			return func(yield func(string, error) bool) {
				if yield("it was here", nil) {
					<-ctx.Done() // the node does not answer any more
					yield("", ctx.Err())
				}
			}
		}
		start := time.Now()
		e := gather(t, w.collector(Bounds{}), request(t, model.AtConfirm, dir))
		if took := time.Since(start); took != time.Second {
			t.Errorf("it took %s", took)
		}
		if got := read(t, dir, "logs/backend-python/b-42-bad/api-current-confirm.log"); got != "it was here\n" {
			t.Errorf("%q", got)
		}
		if s := strings.Join(e.Missing, "\n"); !strings.Contains(s, "the rest of the log of pod b-42-bad, container api, last 1000 lines: the time was up after 1s") {
			t.Errorf("missing: %s", s)
		}
	})
	files(t, dir)
}

func TestCancelEndsItAtOnce(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.log = func(ctx context.Context, of LogOf) iter.Seq2[string, error] {
			return func(yield func(string, error) bool) {
				for ctx.Err() == nil && yield("line", nil) {
					time.Sleep(time.Millisecond)
				}
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(100*time.Millisecond, cancel)
		start := time.Now()
		e, err := w.collector(Bounds{}).Gather(ctx, request(t, model.InFull, dir))
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took > 150*time.Millisecond {
			t.Errorf("it went on for %s", took-100*time.Millisecond)
		}
		if !strings.Contains(strings.Join(e.Missing, "\n"), "stopped before it was read") {
			t.Errorf("missing: %q", e.Missing)
		}
	})
	files(t, dir)
}

func TestTheOldestLinesAreCut(t *testing.T) {
	for _, lines := range []int{1, 150, 199, 200, 201, 1000, 10_000} {
		dir := t.TempDir()
		w := newWorld(t)
		w.log = func(context.Context, LogOf) iter.Seq2[string, error] {
			return func(yield func(string, error) bool) {
				for n := range lines {
					if !yield(fmt.Sprintf("line %06d %s", n, strings.Repeat("x", 80)), nil) {
						return
					}
				}
			}
		}
		gather(t, w.collector(Bounds{File: 20_000}), request(t, model.AtOpening, dir))
		got := strings.Split(strings.TrimSuffix(read(t, dir, "logs/backend-python/b-42-bad/api-current-opened.log"), "\n"), "\n")
		if last := got[len(got)-1]; !strings.HasPrefix(last, fmt.Sprintf("line %06d ", lines-1)) {
			t.Errorf("of %d: the last is %.20q", lines, last)
		}
		cut := strings.HasPrefix(got[0], "(the oldest ")
		if cut != (lines > 215) {
			t.Errorf("of %d: %d are kept, and the first is %.60q", lines, len(got), got[0])
		}
		if cut {
			got = got[1:]
			if len(got) < 190 {
				t.Errorf("of %d: only %d are kept", lines, len(got))
			}
		}
		for n, l := range got {
			if want := fmt.Sprintf("line %06d ", lines-len(got)+n); !strings.HasPrefix(l, want) || len(l) != 92 {
				t.Fatalf("of %d: at %d %.30q, want %q", lines, n, l, want)
			}
		}
		files(t, dir)
	}
}

func TestTheFolderIsBounded(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t)
	w.log = said(slices.Repeat([]string{strings.Repeat("so it goes ", 9)}, 1000)...)
	c := w.collector(Bounds{File: 50_000, Total: 120_000})
	for range 3 {
		w.now = w.now.Add(time.Minute)
		if e := gather(t, c, request(t, model.InFull, dir)); e.Bytes > 120_000 || !strings.Contains(strings.Join(e.Missing, "\n"), "over the bound of 117.2 kB in all") {
			t.Errorf("%d bytes, missing %q", e.Bytes, e.Missing)
		}
	}
	files(t, dir)
}

func TestNoSecretIsKept(t *testing.T) {
	const canary = "c4n4ry-s3cr3t-value"
	dir := t.TempDir()
	w := newWorld(t)
	leak := "\x1b]0;x\x07Authorization: Bearer " + canary + " password=" + canary + " https://u:" + canary + "@db/ " + canary
	w.log = said("fine", leak)
	w.events.List[1].Message = leak
	w.yaml = map[string]string{"ConfigMap/env": "data:\n  A: " + canary + "\n", "Secret/x": ""}
	w.diff = "+ env X: " + canary
	src := w.sources()
	text.Know(canary)
	r := request(t, model.InFull, dir)
	r.Subjects[0].Against = model.Revision("rs-41", 41)
	gather(t, NewCollector(src, Bounds{}, func() time.Time { return w.now }), r)
	if n := len(files(t, dir)); n < 10 {
		t.Fatalf("only %d files", n)
	}
	filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if b, err := os.ReadFile(p); err == nil && (strings.Contains(string(b), canary) || strings.Contains(string(b), "\x1b]")) {
			t.Errorf("%s holds a secret or an escape sequence", p)
		}
		return nil
	})
}

// What a kill left: a half file goes, a whole one that was not listed stays.
func TestAfterAKill(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t)
	gather(t, w.collector(Bounds{}), request(t, model.AtOpening, dir))
	half := filepath.Join(dir, Folder, "logs", partPrefix+"123")
	os.WriteFile(half, []byte("half"), 0o600)
	os.WriteFile(filepath.Join(dir, Folder, "logs", "orphan.log"), []byte("whole\n"), 0o600)
	gather(t, w.collector(Bounds{}), request(t, model.AtConfirm, dir))
	if _, err := os.Stat(half); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the half file is still there: %v", err)
	}
	if got := files(t, dir); !slices.Contains(got, "logs/orphan.log") {
		t.Errorf("%q", got)
	}
}

func TestNoNameLeadsOutOfTheFolder(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t)
	r := request(t, model.AtOpening, dir)
	c := *r.Subjects[0].Component
	c.ID = "../../../x"
	c.Pods = []model.Pod{{Name: "../../p", Failing: true, Names: []string{"..", "/etc/passwd"}}}
	r.Subjects[0].Component = &c
	w.yaml = map[string]string{"Deployment/../../../../y": "kind: x\n"}
	gather(t, w.collector(Bounds{}), r)
	if got := files(t, dir); len(got) != 5 {
		t.Errorf("%q", got)
	}
	top, _ := os.ReadDir(dir)
	if len(top) != 1 {
		t.Errorf("%v", top)
	}
}

func TestWithoutSourcesOrAFolder(t *testing.T) {
	dir := t.TempDir()
	now := func() time.Time { return t0 }
	e, err := NewCollector(Sources{}, Bounds{}, now).Gather(t.Context(), request(t, model.InFull, dir))
	if err != nil || len(e.Missing) < 6 {
		t.Errorf("%+v %v", e, err)
	}
	file := filepath.Join(dir, "file")
	os.WriteFile(file, nil, 0o600)
	if _, err := NewCollector(Sources{}, Bounds{}, now).Gather(t.Context(), request(t, model.InFull, file)); err == nil || !strings.Contains(err.Error(), "no evidence can be kept") {
		t.Errorf("%v", err)
	}
}

// The gathering before a write does not wait for the one of the opening, and both
// are listed.
func TestGatheringsOverlap(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t)
	hold := make(chan struct{})
	w.log = func(ctx context.Context, of LogOf) iter.Seq2[string, error] {
		return func(yield func(string, error) bool) {
			if of.Tail == 0 {
				select {
				case <-hold:
				case <-ctx.Done():
				}
			}
			yield("line", nil)
		}
	}
	c := w.collector(Bounds{})
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = c.Gather(t.Context(), request(t, model.InFull, dir)) })
	for range 3 {
		gather(t, c, request(t, model.AtConfirm, dir))
	}
	close(hold)
	wg.Wait()
	got := strings.Join(files(t, dir), " ")
	for _, want := range []string{"api-current-confirm.log", "api-current-confirm-3.log", "api-current.log"} {
		if !strings.Contains(got, want) {
			t.Errorf("lacks %s: %s", want, got)
		}
	}
}

func TestWhoseEvidence(t *testing.T) {
	s := &incident.Snapshot{Now: t0}
	for n := range 12 {
		id := fmt.Sprintf("c-%02d", n)
		s.Seen.Board = append(s.Seen.Board, &model.Component{ID: id, Revision: 5, OwnerName: "rs-5", Pods: []model.Pod{{Name: id, Failing: n == 7}}})
		s.Incident.Triggers = append(s.Incident.Triggers, incident.Trigger{Component: id})
	}
	r := RequestOf(model.AtOpening, t.TempDir(), s)
	if len(r.Subjects) != 10 || r.Subjects[0].Component.ID != "c-07" || !slices.Equal(r.Left, []string{"c-10", "c-11"}) {
		t.Errorf("%d subjects, %v left", len(r.Subjects), r.Left)
	}
	w := newWorld(t)
	if e := gather(t, w.collector(Bounds{}), r); !strings.Contains(strings.Join(e.Missing, "\n"), "evidence of c-10, c-11: over the bound of 10 components") {
		t.Errorf("%q", e.Missing)
	}
	revision := func(n int64) model.Version { return model.Revision(fmt.Sprintf("rs-%d", n), n) }
	write := func(from, to int64) []incident.Write {
		return []incident.Write{{Plan: model.Plan{Role: model.RoleRelease, Component: "c-01", From: revision(from), To: revision(to)}, Receipt: model.Receipt{At: t0}}}
	}
	aid := []incident.Write{{Plan: model.Plan{Role: model.RoleAid, Component: "c-01", To: model.Version{Key: "c-01-0", Label: "pod c-01-0 made again", Short: "c-01-0"}},
		Receipt: model.Receipt{At: t0}}} // no release: it neither names what failed nor is a rollback
	s.Incident = incident.Incident{Attempts: []incident.Attempt{{N: 1, Writes: aid}, {N: 2, Writes: write(4, 3)}, {N: 3, Writes: write(5, 2)}}}
	if r = RequestOf(model.InFull, t.TempDir(), s); len(r.Subjects) != 1 || r.Subjects[0].Failed != revision(4) || r.Subjects[0].Against != revision(3) ||
		len(r.Marks) != 2 || r.Marks[0].Text != "c-01 4 → 3" {
		t.Errorf("%+v", r)
	}
	if e := gather(t, w.collector(Bounds{}), RequestOf(model.AtOpening, t.TempDir(), &incident.Snapshot{Now: t0})); !strings.Contains(strings.Join(e.Missing, " "), "no component is concerned") {
		t.Errorf("%q", e.Missing)
	}
}
