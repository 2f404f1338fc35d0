package kube

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"

	"rollbook/model"
)

// preflightLimit is what all checks have together; what has not answered by
// then is unknown and holds nothing up. Before them the plan has its own time, since
// nothing can be done without it.
const (
	preflightLimit = 3 * time.Second
	planLimit      = 30 * time.Second
)

// check is one check of the preflight: what its line says until it has
// answered, and the lines that it becomes.
type check struct {
	id   string
	asks string // "whether admission accepts it"
	run  func(context.Context) []model.Check
}

// Plan makes the plan for going to a revision (zero = kubectl's default) and checks
// it. out is called with each new state, the last time with Done set, at the latest
// three seconds after the plan is there.
func (u Undo) Plan(ctx context.Context, comp *model.Component, to model.Version, out func(model.Preflight)) {
	c := u.c
	pf := model.Preflight{Slot: model.Release(comp.ID), To: to.Key, Started: c.now()}
	reading := func(more string) {
		pf.Checks = []model.Check{{ID: "plan", Text: fmt.Sprintf("reading %s and its revisions%s", comp.Workload, more)}}
		out(pf)
	}
	if comp.Missing != "" {
		pf.Done, pf.Err = true, fmt.Sprintf("%s is not to be seen (%s): nothing is written to what nobody can watch", comp.Workload, comp.Missing)
		out(pf)
		return
	}
	reading(" …")
	read, cancel := context.WithTimeout(ctx, planLimit)
	defer cancel()
	var p *planned
	var sets []*object
	err := c.patiently(read, func(now model.Progress) { reading(": " + now.Text) }, func() (err error) {
		p, sets, err = c.plan(read, comp, to.Key)
		return err
	})
	if err != nil {
		pf.Done, pf.Err, pf.Checks = true, err.Error(), nil
		out(pf)
		return
	}
	c.plans.keep(p.ID, p.workload)
	c.ask(ctx, c.checks(comp, p, sets), func(done bool, lines []model.Check) {
		plan := p.Plan
		plan.Stays = stays(p, comp, lines)
		pf.Plans, pf.Done, pf.Checks = []model.Plan{plan}, done, lines
		out(pf)
	})
}

// ask runs checks at the same time and tells their lines, in their order, with each
// answer; what has not answered within their time is unknown.
func (c *Client) ask(ctx context.Context, checks []check, out func(done bool, lines []model.Check)) {
	ctx, cancel := context.WithTimeout(ctx, preflightLimit)
	defer cancel()
	lines := make([][]model.Check, len(checks))
	for i, ch := range checks {
		lines[i] = []model.Check{{ID: ch.id, Text: ch.asks + ": asking …"}}
	}
	tell := func(done bool) { out(done, slices.Concat(lines...)) }
	tell(false)

	type answer struct {
		i     int
		lines []model.Check
	}
	answers := make(chan answer, len(checks)) // nobody waits on it after the time is up
	pending := map[int]check{}
	for i, ch := range checks {
		pending[i] = ch
		go func() {
			defer utilruntime.HandleCrashWithContext(ctx)
			answers <- answer{i, ch.run(ctx)}
		}()
	}
	for len(pending) > 0 {
		select {
		case a := <-answers:
			delete(pending, a.i)
			lines[a.i] = a.lines
			if len(pending) > 0 {
				tell(false)
			}
		case <-ctx.Done():
			for i, ch := range pending {
				lines[i] = []model.Check{{ID: ch.id, Text: ch.asks + ": no answer within " + model.Short(preflightLimit)}}
			}
			clear(pending)
		}
	}
	tell(true)
}

// plan reads a workload and its revisions and makes the plan for going to the one of
// that name.
func (c *Client) plan(ctx context.Context, comp *model.Component, to string) (*planned, []*object, error) {
	w := comp.Workload
	k, known := kinds[w.Kind]
	if !known {
		return nil, nil, fmt.Errorf("a %s has no rollout history: it cannot be undone", w.Kind)
	}
	o, sets, err := c.read(ctx, w)
	if err != nil {
		return nil, nil, planError(w, err)
	}
	target, err := targetOf(k, o, sets, to)
	if err != nil {
		return nil, nil, err
	}
	p, err := makePlan(comp.ID, w, o, target, sets)
	if err != nil {
		return nil, nil, planError(w, err)
	}
	if p.undo != "" {
		p.Command = c.kubectl(w.Namespace) + p.undo
	}
	return p, sets, nil
}

func planError(w model.Workload, err error) error {
	if gone(err, w.Name) {
		return fmt.Errorf("%s is not in namespace %s: %w", w, w.Namespace, err)
	}
	return model.Told(nil, err, "no plan for %s: %s", w, because(err))
}

// checks are all that is asked about a plan, in the order in which it is shown.
func (c *Client) checks(comp *model.Component, p *planned, sets []*object) []check {
	out := []check{
		{"access.patch", "whether you may", func(ctx context.Context) []model.Check { return c.checkAccess(ctx, p) }},
		{"revision", "the revision", func(context.Context) []model.Check { return checkRevision(p) }},
		{"ending", "whether it stays", func(ctx context.Context) []model.Check { return c.checkEnding(ctx, p) }},
		{"dryrun", "whether admission accepts it (server dry run)", func(ctx context.Context) []model.Check { return c.checkDryRun(ctx, p) }},
		{"paused", "whether it is paused", func(context.Context) []model.Check { return checkPaused(p) }},
		{"rollout", "whether a rollout is under way", func(context.Context) []model.Check { return checkRollout(comp, c.now()) }},
		{"strategy", "how its pods are replaced", func(context.Context) []model.Check { return c.checkTraps(comp, p) }},
		{"owner", "who else writes it", func(ctx context.Context) []model.Check { return c.checkOwners(ctx, p) }},
		{"refs", "whether what it needs is still there", func(ctx context.Context) []model.Check { return c.checkRefs(ctx, p, sets) }},
		{"image", "whether its image can be pulled", func(ctx context.Context) []model.Check { return c.checkImage(ctx, comp, p) }},
		{"hpa", "whether an autoscaler is in charge", func(ctx context.Context) []model.Check { return c.checkHPA(ctx, p) }},
		{"quota", "whether the quota leaves room", func(ctx context.Context) []model.Check { return c.checkQuota(ctx, comp, p) }},
		{"surge", "whether new pods fit beside the old ones", func(ctx context.Context) []model.Check { return c.checkSurge(ctx, comp, p) }},
		{"pdb", "disruption budgets", func(ctx context.Context) []model.Check { return c.checkPDB(ctx, p) }},
	}
	return out
}

// unknown is the line of a check that could not be made.
func unknown(id, asks string, err error) []model.Check {
	ch := model.Check{ID: id, Text: asks + ": " + because(err)}
	var u *unreached
	switch {
	case errors.Is(err, model.ErrReadOnly):
		ch.Text = asks + ": not asked, rollbook runs read-only"
	case errors.Is(err, context.DeadlineExceeded):
		ch.Text = asks + ": no answer within " + model.Short(preflightLimit)
	case errors.As(err, &u):
		ch.Text = asks + ": " + u.text
	case apierrors.IsForbidden(err):
		ch.Do = "ask for the right to read it, or look yourself"
	}
	return []model.Check{ch}
}

// several runs functions at the same time and waits for all.
func several(fs ...func()) {
	var wg sync.WaitGroup
	for _, f := range fs {
		wg.Go(f)
	}
	wg.Wait()
}
