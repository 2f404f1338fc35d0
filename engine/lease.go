package engine

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"rollbook/incident"
	"rollbook/model"
)

const leaseDeadline = 5 * time.Second

// leasing is the state of one workload's Lease.
type leasing struct {
	workload model.Workload
	asking   bool
	asked    time.Time
	step     incident.Step
	owes     []string
	wanted   bool
}

// leases keeps the Leases of what is being worked on, renews them, also at each
// step, and gives back what is not worked on any more.
func (e *Engine) leases() {
	if e.cfg.Leases == nil || e.inc.ID == "" {
		return
	}
	wanted := incident.LeasesWanted(&e.inc)
	for _, id := range wanted {
		c := e.seen.Component(id)
		if c == nil || c.Missing != "" {
			continue
		}
		l := e.leasing[id]
		if l == nil {
			l = &leasing{}
			e.leasing[id] = l
		}
		l.workload = c.Workload
		if l.asking || l.wanted && l.step == e.inc.Step && slices.Equal(l.owes, incident.LeaseOwes(&e.inc, id)) && time.Since(l.asked) < model.LeaseRenew {
			continue
		}
		l.wanted = true
		e.ask(id, l, model.LeaseAsk{Look: e.inc.Settings.ReadOnly}, "")
	}
	for id, l := range e.leasing {
		if l.wanted && !l.asking && !slices.Contains(wanted, id) {
			l.wanted = false
			if e.seen.Leases[id].Mine {
				e.ask(id, l, model.LeaseAsk{Release: true}, "")
			}
		}
	}
}

// takeLease takes one by force.
func (e *Engine) takeLease(x incident.TakeLease) {
	if l := e.leasing[x.Component]; l != nil && e.cfg.Leases != nil {
		e.ask(x.Component, l, model.LeaseAsk{Force: true}, x.Reason)
	}
}

// ask asks for a Lease; the newest answer counts.
func (e *Engine) ask(id string, l *leasing, a model.LeaseAsk, reason string) {
	a.Workload, a.Holder, a.Incident, a.Step = l.workload, e.holder(), e.inc.ID, e.inc.Step.Name()
	a.Owes = incident.LeaseOwes(&e.inc, id)
	l.asking, l.asked, l.step, l.owes = true, time.Now(), e.inc.Step, a.Owes
	if now := e.seen.Leases[id]; now.At.IsZero() && now.Asking.IsZero() && !a.Release {
		now.Asking = l.asked
		e.seen.Leases = set(e.seen.Leases, id, now)
	}
	e.anew("lease/"+id, leaseDeadline, func(ctx context.Context, tell func(func())) {
		now, err := e.cfg.Leases.Lease(ctx, a)
		tell(func() {
			l.asking = false
			e.leased(id, a, now, err, reason)
		})
	})
}

func (e *Engine) leased(id string, a model.LeaseAsk, now model.Lease, err error, reason string) {
	was := e.seen.Leases[id]
	if err != nil {
		// What was known last still counts; the error says why it was not renewed.
		now = was
		now.Err = err.Error()
		if time.Since(now.At) > model.LeaseLife {
			now = model.Lease{Err: now.Err}
		}
	} else {
		now.At, now.Err = time.Now(), ""
	}
	now.Asking = time.Time{}
	e.seen.Leases = set(e.seen.Leases, id, now)
	by := ""
	if a.Force {
		by = e.operator()
	}
	e.handle(incident.Input{At: time.Now(), By: by,
		Do: incident.LeaseHeard{Component: id, Was: was, Now: now, Forced: a.Force, Reason: reason}})
}

// operator returns the operator's one name.
func (e *Engine) operator() string {
	s := incident.Snapshot{Incident: e.inc, Seen: e.seen}
	return s.Operator()
}

// holder is under which name others see us. Two people on one account, on one
// machine, with an incident of one name are two: the random number tells them apart.
// It is in the journal, and so the same after a crash.
func (e *Engine) holder() string {
	id, run := e.inc.ID, e.inc.Run
	if dir := e.dir(); dir != "" {
		id = filepath.Base(dir)
	}
	if run == "" {
		run = e.seen.Run
	}
	host := e.cfg.Host
	if host == "" {
		host = "unknown host"
	}
	return fmt.Sprintf("%s on %s (%s, run %s)", e.operator(), host, id, run)
}

// randomly returns a number that no other run has.
func randomly() string {
	b := make([]byte, 4)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return hex.EncodeToString(b)
}

// releaseAll gives back what is held, on leaving.
func (e *Engine) releaseAll() {
	for _, id := range slices.Sorted(maps.Keys(e.leasing)) {
		if !e.seen.Leases[id].Mine {
			continue
		}
		ask := model.LeaseAsk{Workload: e.leasing[id].workload, Holder: e.holder(), Incident: e.inc.ID, Release: true,
			Owes: incident.LeaseOwes(&e.inc, id)}
		e.spawn(func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(e.ctx), leaseDeadline)
			defer cancel()
			// Nobody is there any more to be told; it ends by itself in a minute.
			_, _ = e.cfg.Leases.Lease(ctx, ask)
		})
	}
}
