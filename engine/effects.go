package engine

import (
	"context"
	"time"

	"rollbook/incident"
)

// Deadlines of the effects. A read that takes longer is shown as unknown; a
// write's outcome is then settled by looking.
const (
	readDeadline  = 10 * time.Second
	slowDeadline  = 30 * time.Second             // without what it reads there is no rollback
	planDeadline  = slowDeadline + 5*time.Second // the preflight's lines come after the plan, and end after three
	writeDeadline = incident.WriteDeadline
	eventDeadline = 5 * time.Second
	lookEvery     = 2 * time.Second
)

// runner starts effects. Reading effects of the same kind for the same component
// overtake each other: only the newest one's answer counts.
type runner struct{ *Engine }

var _ incident.Runner = runner{}

func (e runner) OpenJournal(incident.OpenJournal)         { e.openJournal() }
func (e runner) ReadHistory(x incident.ReadHistory)       { e.readHistory(x) }
func (e runner) ReadBaseline(x incident.ReadBaseline)     { e.readBaseline(x) }
func (e runner) CheckPlan(x incident.CheckPlan)           { e.checkPlan(x) }
func (e runner) WritePlan(x incident.WritePlan)           { e.holdWrite(x) }
func (e runner) LookPlan(x incident.LookPlan)             { e.look(x) }
func (e runner) PostEvent(x incident.PostEvent)           { e.postEvent(x) }
func (e runner) GatherEvidence(x incident.GatherEvidence) { e.gather(x.Moment) }
func (e runner) MeasureImpact(incident.MeasureImpact)     { e.measure() }
func (e runner) MakeReport(incident.MakeReport)           { e.report() }
func (e runner) SendOut(x incident.SendOut)               { e.send(x) }
func (e runner) LendTerminal(x incident.LendTerminal)     { e.lendTerminal(x) }
func (e runner) TakeLease(x incident.TakeLease)           { e.takeLease(x) }
func (e runner) TakeUpJournal(x incident.TakeUpJournal)   { e.takeUpJournal(x) }
func (e runner) AbandonJournal(x incident.AbandonJournal) { e.abandonJournal(x) }

// postEvent leaves word on the workload. Who may not create events was told so by
// the preflight.
func (e *Engine) postEvent(x incident.PostEvent) {
	e.background(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, eventDeadline)
		defer cancel()
		_ = e.cfg.Cluster.PostEvent(ctx, x.Workload, x.UID, x.Text)
	})
}

// lendTerminal tells the screen that it may give the terminal away.
func (e *Engine) lendTerminal(x incident.LendTerminal) {
	e.hold(func() { e.seen.Lent, e.fresh = x.N, true }, func(err error) {
		e.handle(incident.Input{At: time.Now(), Do: incident.LeaveShell{N: x.N, Err: "it was not opened: the journal cannot be written: " + err.Error()}})
	})
}

func (e *Engine) background(f func(ctx context.Context)) {
	ctx := e.ctx
	e.spawn(func() { f(ctx) })
}

func (e *Engine) readBaseline(x incident.ReadBaseline) {
	if _, off := e.cfg.Metrics.To(); off != "" {
		return
	}
	targets := e.targets()
	e.anew("baseline", readDeadline, func(ctx context.Context, tell func(func())) {
		base, err := e.cfg.Metrics.Baseline(ctx, targets, x.Onset)
		if err == nil {
			tell(func() { e.seen.Baseline = base })
		}
	})
}
