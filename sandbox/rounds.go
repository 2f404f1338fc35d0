package sandbox

import (
	"context"
	"fmt"
	"sync"
	"time"

	"rollbook/sandbox/prom/traffic"
	"rollbook/sandbox/sim"
)

// A round is what the pods do at a scrape.
type round struct {
	at   time.Time
	pods []sim.PodState
}

// rounds bring Prometheus what the pods did in the past while the simulation
// goes ahead: it asks nothing back, so the two need not wait for each other, and
// each has its own clock.
type rounds struct {
	queue   chan round
	running sync.WaitGroup
	err     error
}

// ahead is how many rounds the simulation may be ahead: all of an hour.
const ahead = int(recent/interval) + 1

// listen takes rounds in, up to the opening, until end is called. What is told
// after ctx ended is dropped.
func (w *world) listen(ctx context.Context, opening time.Time) *rounds {
	r := &rounds{queue: make(chan round, ahead)}
	r.running.Go(func() {
		r.err = guarded(func() error {
			n := 0
			for x := range r.queue {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				w.told.set(x.at)
				w.scrape(x)
				if n%everyScrape(opening.Sub(x.at)) == 0 {
					w.prom.Eval(x.at)
				}
				n++
			}
			w.told.past.Store(nil)
			return nil
		})
	})
	return r
}

// tell hands a round over; it does not wait.
func (r *rounds) tell(x round) { r.queue <- x }

// end waits until all rounds are taken in. The error is ctx's, or a panic.
func (r *rounds) end() error {
	close(r.queue)
	r.running.Wait()
	return r.err
}

// guarded turns a panic into an error.
func guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("internal error in the sandbox: %v", p)
		}
	}()
	return f()
}

// everyScrape says how many scrapes lie between two evaluations of the rules, so
// long before the opening: alerts have to be as they would be, what is recorded
// has to be there every five minutes.
func everyScrape(before time.Duration) int {
	switch {
	case before > 15*time.Minute:
		return 12
	case before > 2*time.Minute:
		return 3
	}
	return 1
}

// scrape brings Prometheus what the pods did since the last time.
func (w *world) scrape(r round) {
	var all []traffic.Pod
	for _, p := range r.pods {
		b := p.Behaviour
		all = append(all, traffic.Pod{Namespace: p.Namespace, Name: p.Name, UID: p.UID, App: p.App, Container: p.Container, IP: p.IP, Node: p.Node,
			OwnerKind: p.OwnerKind, Owner: p.Owner, Workload: p.Workload, Replicas: p.Replicas,
			HTTP: b.HTTP, Quiet: b.Quiet, Running: p.Running, Ready: p.Serving, Started: p.Started,
			Profile: traffic.Profile{RPS: b.RPS, Errors: b.Errors, P95: b.P95}})
	}
	w.prom.Scrape(r.at, w.traffic.Scrape(r.at, all))
}
