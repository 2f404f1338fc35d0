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
// then is unknown and holds nothing up.
const preflightLimit = 3 * time.Second

// check is one check of the preflight: what its line says until it has
// answered, and the lines that it becomes.
type check struct {
	id   string
	asks string // "whether admission accepts it"
	run  func(context.Context) []model.Check
}

// Preflight makes the plan for going to revision `to` (0 = kubectl's default)
// and checks it. out is called with each new state, the last time with Done
// set, at the latest after three seconds.
func (c *Client) Preflight(ctx context.Context, comp *model.Component, to int64, out func(model.Preflight)) {
	ctx, cancel := context.WithTimeout(ctx, preflightLimit)
	defer cancel()
	pf := model.Preflight{Component: comp.ID, To: to, Started: c.now()}
	if comp.Workload.Kind != model.Deployment {
		pf.Done, pf.Checks = true, []model.Check{c.notYet(comp.Workload, to)}
		pf.Err = pf.Checks[0].Text
		out(pf)
		return
	}
	p, sets, err := c.plan(ctx, comp, to)
	if err != nil {
		pf.Done, pf.Err = true, err.Error()
		out(pf)
		return
	}
	c.plans.keep(p.ID, p.deployment)
	checks := c.checks(comp, p, sets)
	lines := make([][]model.Check, len(checks))
	for i, ch := range checks {
		lines[i] = []model.Check{{ID: ch.id, Text: ch.asks + ": asking …"}}
	}
	tell := func(done bool) {
		plan := p.Plan
		plan.Stays = stays(p, comp, lines)
		pf.Plan, pf.Done, pf.Checks = &plan, done, slices.Concat(lines...)
		out(pf)
	}
	tell(false)

	type answer struct {
		i     int
		lines []model.Check
	}
	answers := make(chan answer, len(checks)) // nobody waits on it after the time is up
	for i, ch := range checks {
		go func() {
			defer utilruntime.HandleCrashWithContext(ctx)
			answers <- answer{i, ch.run(ctx)}
		}()
	}
	pending := map[int]bool{}
	for i := range checks {
		pending[i] = true
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
			for i := range pending {
				lines[i] = []model.Check{{ID: checks[i].id, Text: checks[i].asks + ": no answer within " + model.Short(preflightLimit)}}
			}
			clear(pending)
		}
	}
	tell(true)
}

// notYet stands for what this program cannot write yet.
func (c *Client) notYet(w model.Workload, to int64) model.Check {
	cmd := fmt.Sprintf("kubectl -n %s rollout undo %s", w.Namespace, w)
	if to > 0 {
		cmd += fmt.Sprintf(" --to-revision=%d", to)
	}
	return model.Check{ID: "kind", State: model.CheckBlocked, Hard: true,
		Text: fmt.Sprintf("rollbook does not roll back a %s yet", w.Kind), Do: cmd}
}

// plan reads the Deployment and its ReplicaSets and makes the plan.
func (c *Client) plan(ctx context.Context, comp *model.Component, to int64) (*planned, []*object, error) {
	w := comp.Workload
	d, err := c.get(ctx, w.Namespace, w.Kind.Resource(), w.Name)
	if err != nil {
		return nil, nil, planError(w, err)
	}
	sets, err := c.owned(ctx, "replicasets", d)
	if err != nil {
		return nil, nil, planError(w, err)
	}
	target, err := targetSet(d, sets, to)
	if err != nil {
		return nil, nil, err
	}
	p, err := makePlan(comp.ID, d, target)
	if err != nil {
		return nil, nil, planError(w, err)
	}
	return p, sets, nil
}

func planError(w model.Workload, err error) error {
	if apierrors.IsNotFound(err) {
		return fmt.Errorf("%s is not in namespace %s: %w", w, w.Namespace, err)
	}
	return fmt.Errorf("no plan for %s: %s: %w", w, because(err), err)
}

// checks are all that is asked about a plan, in the order in which it is shown.
func (c *Client) checks(comp *model.Component, p *planned, sets []*object) []check {
	out := []check{
		{"access.patch", "whether you may", func(ctx context.Context) []model.Check { return c.checkAccess(ctx, p) }},
		{"revision", "the revision", func(context.Context) []model.Check { return checkRevision(p) }},
		{"dryrun", "whether admission accepts it (server dry run)", func(ctx context.Context) []model.Check { return c.checkDryRun(ctx, p) }},
		{"paused", "whether it is paused", func(context.Context) []model.Check { return checkPaused(p) }},
		{"rollout", "whether a rollout is under way", func(context.Context) []model.Check { return checkRollout(p) }},
		{"owner", "who else writes it", func(ctx context.Context) []model.Check { return c.checkOwners(ctx, p) }},
		{"refs", "whether what it needs is still there", func(ctx context.Context) []model.Check { return c.checkRefs(ctx, p, sets) }},
		{"image", "whether its image was seen failing", func(ctx context.Context) []model.Check { return c.checkImage(ctx, comp, p) }},
		{"hpa", "whether an autoscaler is in charge", func(ctx context.Context) []model.Check { return c.checkHPA(ctx, p) }},
		{"quota", "whether the quota leaves room", func(ctx context.Context) []model.Check { return c.checkQuota(ctx, p) }},
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
