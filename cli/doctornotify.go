package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"rollbook/config"
	"rollbook/integrations/probe"
	"rollbook/kube"
	"rollbook/model"
	"rollbook/ways/gitlabjob"
)

// checker is a sender that can be tried by a GET. The webhooks cannot: the only
// request that they know is a message.
type checker interface {
	Check(context.Context) (string, error)
}

// aroundLines asks everything around the cluster that the configuration names, at
// the same time: health URLs, where messages go, who is on call, GitLab jobs. Nothing
// is sent but GET.
func aroundLines(ctx context.Context, cfg *config.Config) []finding {
	var ask []func() []finding
	add := func(f func() finding) { ask = append(ask, func() []finding { return []finding{f()} }) }
	prober := probe.New(probe.Options{Now: time.Now})
	for _, k := range cfg.Components {
		for _, h := range k.Checks.Health {
			add(func() finding { return healthLine(ctx, prober, k.Name, h) })
		}
	}
	for _, l := range cfg.Links {
		add(func() finding { return linkLine(ctx, prober, l) })
	}
	all := senders(cfg, true)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		add(func() finding { return senderLine(ctx, name, all[name]) })
	}
	for _, o := range onCallSources(cfg) {
		add(func() finding { return onCallLine(ctx, o) })
	}
	job := gitlabJob(cfg, true, nil)
	for _, k := range cfg.Components {
		if job.Serves(k.Name) {
			ask = append(ask, func() []finding { return jobLines(ctx, job, k.Name) })
		}
	}
	out := make([][]finding, len(ask))
	var wg sync.WaitGroup
	for i, f := range ask {
		wg.Go(func() {
			if err := guarded(func() error { out[i] = f(); return nil }); err != nil {
				out[i] = []finding{{name: "internal", state: model.CheckBlocked, text: err.Error()}}
			}
		})
	}
	wg.Wait()
	return slices.Concat(out...)
}

// jobLines tell whether a component could be gone back by its GitLab job.
func jobLines(ctx context.Context, job gitlabjob.Job, component string) []finding {
	var out []finding
	for _, k := range job.Check(ctx, component) {
		out = append(out, finding{name: "gitlab " + component, state: k.State, text: k.Text, do: k.Do})
	}
	return out
}

// redeployLines tell whether components could be gone back by applying an earlier
// version. For the dry run they are asked about by a client that is not read-only, but
// where the operator wants that; nothing is applied.
func redeployLines(ctx context.Context, f *flags, cfg *config.Config, c *kube.Client, q *quiet, all []model.Target) []finding {
	var out []finding
	if slices.ContainsFunc(cfg.Components, func(k config.Component) bool { return k.Redeploy != nil }) && !f.readOnly {
		dry, err := f.reach(q, false)
		if err != nil {
			return []finding{{name: "redeploy", state: model.CheckBlocked, text: err.Error()}}
		}
		c = dry
	}
	way := redeployed(c, cfg, true)
	for _, t := range all {
		if !way.Serves(t.ID) {
			continue
		}
		for _, k := range way.Check(ctx, t.ID, t.Workload) {
			out = append(out, finding{name: "redeploy " + t.ID, state: k.State, text: k.Text, do: k.Do})
		}
	}
	return out
}

// healthLine is a warning when an answer is not as it should be: a component may be
// down today, and the URL right all the same. Without any answer it has failed.
func healthLine(ctx context.Context, p *probe.Prober, component string, h config.Health) finding {
	r := p.Probe(ctx, model.Health{URL: h.URL, Status: h.Expect, Timeout: h.Timeout})
	f := finding{name: "health " + component, state: model.CheckOK, text: h.URL + ": " + r.Text}
	switch {
	case r.State == model.TriYes:
	case r.Status == 0 && r.State == model.TriNo:
		f.state, f.do = model.CheckBlocked, "mend the URL in checks.health of "+component+", or the way there from here"
	default:
		f.state, f.do = model.CheckWarning, "look at the URL in checks.health of "+component+", and whether it is well"
	}
	return f
}

// linkLine looks whether a document of the team is still there. One that wants a
// login is.
func linkLine(ctx context.Context, p *probe.Prober, l config.Link) finding {
	f := finding{name: "link " + l.Name, state: model.CheckOK, text: l.URL + ": "}
	r := p.Probe(ctx, model.Health{URL: l.URL, Timeout: linkTimeout})
	f.text += r.Text
	switch {
	case r.State == model.TriYes, r.Status == http.StatusUnauthorized, r.Status == http.StatusForbidden:
	case r.State == model.TriUnknown:
		f.state, f.do = model.CheckWarning, "look at links."+l.Name
	default:
		f.state, f.do = model.CheckBlocked, "mend links."+l.Name+", or the way there from here"
	}
	return f
}

// linkTimeout is how long a document may take to answer.
const linkTimeout = 5 * time.Second

func senderLine(ctx context.Context, name string, s Sender) finding {
	if u, cannot := s.(unusable); cannot {
		return finding{name, model.CheckBlocked, u.why, "mend notifications." + strings.Replace(name, "/", ".", 1) + " in your own rollbook.yaml, or what it names"}
	}
	c, can := s.(checker)
	if !can {
		return finding{name, model.CheckNote, "configured, not tried: a webhook can only be tried by sending (" + s.String() + ")", ""}
	}
	what, err := c.Check(ctx)
	if err != nil {
		return finding{name, model.CheckBlocked, why(err), ""}
	}
	return finding{name, model.CheckOK, fmt.Sprintf("%s: %s", s, what), ""}
}

// why drops "not sent" from the error of a check, which sends nothing.
func why(err error) string {
	var e *model.SendError
	if errors.As(err, &e) {
		return e.To + ": " + e.Why
	}
	return err.Error()
}

func onCallLine(ctx context.Context, o onCallSource) finding {
	f := finding{name: "on call: " + o.Role, state: model.CheckOK}
	people, err := o.OnCall(ctx)
	if err != nil {
		f.state, f.text = model.CheckBlocked, why(err)
		return f
	}
	if len(people) == 0 {
		f.state, f.text, f.do = model.CheckWarning, o.String()+": nobody is on call now", "look at the schedule"
		return f
	}
	var names []string
	for _, p := range people {
		name := p.Name
		if !p.Until.IsZero() {
			name += " until " + p.Until.UTC().Format("Mon 15:04 UTC")
		}
		names = append(names, name)
	}
	f.text = o.String() + ": " + strings.Join(names, ", ")
	return f
}

// maintenanceLines tell whether the maintenance page could be shown, for the first of the
// components. For the dry run they are asked about as redeployLines are; nothing is applied.
func maintenanceLines(ctx context.Context, f *flags, cfg *config.Config, c *kube.Client, q *quiet, all []model.Target) []finding {
	const name = "maintenance page"
	if cfg.Recovery.Maintenance == "" {
		return []finding{{name: name, state: model.CheckNote, text: "none is configured: while a component is stopped, its users see errors",
			do: "set recovery.maintenance in your own rollbook.yaml"}}
	}
	if len(all) == 0 {
		found, err := c.Targets(ctx, nil)
		if err != nil || len(found) == 0 {
			return []finding{{name: name, text: "not tried: no workload was found"}}
		}
		all = found
	}
	if !f.readOnly {
		dry, err := f.reach(q, false)
		if err != nil {
			return []finding{{name: name, state: model.CheckBlocked, text: err.Error()}}
		}
		c = dry
	}
	var out []finding
	for _, k := range maintained(c, cfg, true).Check(ctx, all[0].ID, all[0].Workload) {
		out = append(out, finding{name: name, state: k.State, text: k.Text, do: k.Do})
	}
	return out
}
