// Package engine owns an incident while it is worked on.
//
// One goroutine holds it: inputs go in, incident.Decide says what follows, the
// facts are folded and journaled, the effects are run through the ports, each
// with a deadline, and their outcomes come back as inputs. Readers get immutable
// snapshots, of which the latest wins. The ports are declared here, because they
// are used here.
package engine

import (
	"context"
	"fmt"
	"maps"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"rollbook/engine/journal"
	"rollbook/incident"
	"rollbook/model"
)

// Config is what an engine is made of.
type Config struct {
	Cluster Cluster
	Metrics Metrics
	// Methods are the ways of changing the world. Choose offers those that are
	// Offered, in this order.
	Methods  []Method
	Settings incident.Settings
	Version  string
	Host     string
	// Journals are the folders for the journal, in the order in which they are
	// tried. What earlier runs left there unfinished is looked for once Run has
	// begun.
	Journals []string
	// The ports of closing an incident. One that is nil is told as not configured.
	Evidence Evidence
	Impact   Impact
	Reporter Reporter
	Messages Messenger
	Checks   Checks
	Contacts Contacts
	Leases   Leases
	// PodLogs tells what failing pods say; nil = it is not read.
	PodLogs PodLogs
	// LookOn follows an incident that another rollbook on this machine works on;
	// nil = it is told as one that cannot be taken up.
	LookOn LookOn
	// Glance keeps nothing: no journal is begun, locked or written to. An incident that
	// an earlier run left open is gone on with in memory alone, as taking it up would
	// show it.
	Glance bool
	// Beside is a component whose newest pods are told apart from those that they replace
	// though nothing is written: that of a release that is watched; "" = none.
	Beside string
	// IdlePoll is how often the figures are asked for while nothing is wrong;
	// Settings.Poll counts during an incident.
	IdlePoll time.Duration
}

// Engine is the owner of one incident. Make it with New, then Run it.
type Engine struct {
	cfg  Config
	snap atomic.Pointer[incident.Snapshot]
	tell chan struct{}

	mu    sync.Mutex
	inbox []func()
	ready chan struct{}

	writes atomic.Int32
	owed   atomic.Int32 // messages and reports under way, whose outcomes are waited for
	tasks  sync.WaitGroup
	crash  chan error
	ctx    context.Context // of what runs in the background; ends with Run

	// Of the owner alone.
	inc     incident.Incident
	seen    incident.Seen
	pods    podMemory
	dirty   bool // seen is newer than what Decide saw
	fresh   bool // there is something that the snapshot does not show yet
	judged  time.Time
	pending []incident.Fact
	book    *journal.Writer
	acked   int
	held    []heldEffect
	errands map[string]*errand // what goes beside the walk, by name
	// search is journal.Search; tests hold it up. earlier are the open journals that
	// it found.
	search  func(ctx context.Context, dirs []string, turnsTo func(path string)) journal.Unfinished
	earlier []*journal.Summary
	taking  bool // taking up an earlier journal was tried
	looking *onlooker
	offers  map[string]*journal.Summary

	following   map[incident.WriteID]bool           // by a Follower, in this run
	told        map[incident.WriteID]model.Progress // of writes, by their method, last
	lookouts    map[incident.WriteID]*lookout
	gathering   gathering
	leasing     map[string]*leasing
	reportAgain bool              // asked for while one was being written
	logsRead    map[string]string // of which pods the logs were read last, by component ID
}

// New makes an engine. It does nothing until Run; its snapshot is there at once,
// so that the first frame waits for nothing.
func New(cfg Config) *Engine {
	e := &Engine{cfg: cfg, tell: make(chan struct{}, 1), ready: make(chan struct{}, 1),
		crash: make(chan error, 1), errands: map[string]*errand{}, leasing: map[string]*leasing{}, pods: podMemory{}, following: map[incident.WriteID]bool{},
		lookouts: map[incident.WriteID]*lookout{}, logsRead: map[string]string{}, ctx: context.Background()}
	e.search, e.seen.Searching = journal.Search, len(cfg.Journals) > 0
	e.seen.Memory, e.seen.Run = &incident.Memory{}, randomly()
	e.seen.Metrics.To, e.seen.Metrics.Off = cfg.Metrics.To()
	for _, m := range cfg.Methods {
		e.seen.Methods = append(e.seen.Methods, m.Name())
		if o, ok := m.(Offered); ok {
			w := incident.Way{Method: m.Name(), Title: o.Title(), Serves: o.Serves}
			if r, ok := m.(Before); ok {
				w.Role = r.Role()
			}
			_, w.Near = m.(Near)
			e.seen.Ways = append(e.seen.Ways, w)
		}
	}
	e.begin()
	e.publish()
	return e
}

func (e *Engine) begin() {
	e.fold(incident.Fact{At: time.Now(), Body: incident.Began{Settings: e.cfg.Settings, Version: e.cfg.Version}})
}

// Snapshot is the newest; never nil.
func (e *Engine) Snapshot() *incident.Snapshot { return e.snap.Load() }

// Changed has one element when there is a snapshot that was not fetched yet.
func (e *Engine) Changed() <-chan struct{} { return e.tell }

// Send hands over an input of the operator's.
func (e *Engine) Send(do incident.Act) {
	e.post(func() { e.handle(incident.Input{At: time.Now(), By: e.operator(), Do: do}) })
}

// Writing says whether a write is on its way to the API server right now.
func (e *Engine) Writing() bool { return e.writes.Load() > 0 }

// post queues work for the owner. It never waits.
func (e *Engine) post(f func()) {
	e.mu.Lock()
	e.inbox = append(e.inbox, f)
	e.mu.Unlock()
	select {
	case e.ready <- struct{}{}:
	default:
	}
}

// Run works until ctx ends. Then it waits for the writes that are under way, at
// most until their deadlines, journals their outcomes, and closes the journal.
// The error is a panic of one of its goroutines.
func (e *Engine) Run(ctx context.Context) error {
	background, stop := context.WithCancel(ctx)
	defer stop()
	e.ctx = background
	e.spawn(func() {
		e.cfg.Cluster.Watch(background, func(o model.Observation) { e.post(func() { e.observed(o) }) })
	})
	e.searchEarlier()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			stop()
			e.drain()
			return nil
		case err := <-e.crash:
			stop()
			e.drain()
			return err
		case <-e.ready:
			e.work()
		case now := <-tick.C:
			e.pollIfDue()
			e.checkIfDue()
			e.contactsIfDue()
			e.dirty = e.dirty || e.pressing() || now.Sub(e.judged) >= calmLook
			e.work()
		}
	}
}

// work does what is queued, tells Decide once what was seen, and publishes.
func (e *Engine) work() {
	e.mu.Lock()
	batch := e.inbox
	e.inbox = nil
	e.mu.Unlock()
	for _, f := range batch {
		f()
	}
	if e.dirty {
		e.dirty = false
		look := e.looks(time.Now())
		e.watchWrites()
		e.handle(incident.Input{At: e.judged, Do: look})
		e.readPodLogs()
		e.readHistories()
	}
	e.lookOut()
	e.leases()
	if len(batch) > 0 || e.fresh || e.pressing() {
		e.publish()
	}
}

// looks returns the input that it was looked, with the time since the look before: by
// the monotonic clock, and by how much the wall clock, which may be set, differs.
func (e *Engine) looks(now time.Time) incident.Observed {
	var out incident.Observed
	if last := e.judged; !last.IsZero() {
		out.Passed = now.Sub(last)
		out.Jump = now.Round(0).Sub(last.Round(0)) - out.Passed
	}
	e.judged = now
	return out
}

// calmLook is how often time alone is looked at while nothing is wrong: to find
// that a figure has grown old, or that no pod has been available for a minute. A
// thousand components judged every second would be most of what an idle screen
// costs.
const calmLook = 5 * time.Second

// pressing says whether the passing of a second alone may call for something:
// an incident is open or a trigger stands.
func (e *Engine) pressing() bool { return e.inc.ID != "" || len(e.inc.Triggers) > 0 }

// drain lets the writes, messages and reports end and the journal take their
// outcomes.
func (e *Engine) drain() {
	e.work() // what is queued may begin some
	for e.Writing() || e.owed.Load() > 0 {
		select {
		case <-e.ready:
		case <-time.After(100 * time.Millisecond):
		}
		e.work()
	}
	e.releaseAll()
	if e.book != nil {
		e.book.Close()
		e.work()
	}
	e.tasks.Wait()
}

func (e *Engine) publish() {
	e.fresh = false
	e.snap.Store(&incident.Snapshot{Incident: e.inc, Seen: e.seen, Now: time.Now()})
	select {
	case e.tell <- struct{}{}:
	default:
	}
}

// spawn runs f in a goroutine that belongs to the engine. A panic in it ends
// Run with an error, so that the screen can be closed properly.
func (e *Engine) spawn(f func()) {
	e.tasks.Add(1)
	e.leave(func() {
		defer e.tasks.Done()
		f()
	})
}

// leave is spawn for what no context can stop, such as a disk that does not
// answer: Run does not wait for its end.
func (e *Engine) leave(f func()) {
	go func() {
		defer func() {
			if r := recover(); r != nil {
				select {
				case e.crash <- fmt.Errorf("internal error: %v\n%s", r, debug.Stack()):
				default:
				}
			}
		}()
		f()
	}()
}

// handle is the whole of the engine's thinking: decide, fold, journal, act.
func (e *Engine) handle(in incident.Input) {
	if e.looking != nil {
		e.turn(in.Do)
		return
	}
	facts, effects := incident.Decide(e.inc, e.seen, in)
	e.fold(facts...)
	for _, x := range effects {
		incident.Start(x, runner{e})
	}
}

// fold applies facts and keeps them: in memory while nobody has turned to the
// incident, in the journal from then on.
func (e *Engine) fold(facts ...incident.Fact) {
	if len(facts) == 0 {
		return
	}
	e.fresh = true
	e.inc = incident.ApplyAll(e.inc, facts)
	if e.book == nil {
		e.pending = append(e.pending, facts...)
		if len(e.pending) > 4096 && e.inc.ID == "" {
			e.pending = recent(e.pending, &e.inc, facts[len(facts)-1].At)
			e.inc = incident.Fold(e.pending)
		}
		return
	}
	for _, f := range facts {
		e.append(f)
	}
}

func (e *Engine) append(f incident.Fact) {
	if _, err := e.book.Append(f); err != nil {
		e.seen.JournalE = err.Error()
	}
}

// observed takes a new state of the cluster.
func (e *Engine) observed(o model.Observation) {
	// A heartbeat alone brings nothing to judge.
	e.dirty = e.dirty || !same(e.seen.Board, o.Board) || e.seen.Identity != o.Identity ||
		e.seen.Cluster.Lost(e.judged, incident.ClusterFresh) ||
		o.Connection.Err != e.seen.Cluster.Err || o.Connection.LoggedOut != e.seen.Cluster.LoggedOut
	e.seen.Board, e.seen.Reading, e.seen.Events = o.Board, o.Reading, o.Events
	e.seen.Cluster, e.seen.Identity = o.Connection, o.Identity
	e.pods.see(o.Board, time.Now())
	e.takeUp()
	e.pollIfDue()
}

// same says whether two boards are one: what did not change keeps its place.
func same(a, b []*model.Component) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// set replaces one entry of a map of Seen; snapshots keep the old map.
func set[K comparable, V any](m map[K]V, key K, v V) map[K]V {
	m = maps.Clone(m)
	if m == nil {
		m = map[K]V{}
	}
	m[key] = v
	return m
}
