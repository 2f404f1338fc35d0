package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"rollbook/config"
	"rollbook/engine"
	"rollbook/integrations/probe"
	"rollbook/kube"
	"rollbook/model"
	reporting "rollbook/report"
)

// The engine's ports to what goes beside the walk and after it.

var (
	_ engine.Messenger = messenger{}
	_ engine.Checks    = checks{}
	_ engine.Leases    = (*kube.Client)(nil)
	_ engine.PodLogs   = (*kube.Client)(nil)
	_ engine.Evidence  = collector{}
	_ engine.Impact    = cost{}
	_ engine.Reporter  = reporter{}
)

// closing adds the ports of what goes beside the walk and after it.
func closing(to engine.Config, cfg *config.Config, c *kube.Client, prom *prometheus) engine.Config {
	all := senders(cfg, to.Settings.ReadOnly)
	to.Settings.Channels = channels(all)
	to.Messages, to.Leases, to.PodLogs = messenger(all), c, c
	to.Checks = newChecks(c, prom)
	to.Evidence = collector{reporting.NewCollector(evidence{c, prom}.sources(), reporting.Bounds{}, time.Now)}
	to.Impact, to.Reporter = cost{prom}, reporter{cfg}
	if sources := onCallSources(cfg); len(sources) > 0 {
		to.Contacts = contacts{sources, newOnCallCache(cfg.Hash)}
	}
	return to
}

// newChecks returns what looks at the components' own checks.
func newChecks(c *kube.Client, prom *prometheus) checks {
	return checks{c, prom, probe.New(probe.Options{Now: time.Now})}
}

// messenger is the senders by the name of their channels.
type messenger map[string]Sender

func (m messenger) Send(ctx context.Context, channel string, msg model.Message) (model.Delivery, error) {
	s := m[channel]
	if s == nil {
		return model.Delivery{}, &model.SendError{To: channel, Certain: true,
			Why: "it is not configured any more: name it under notifications in rollbook.yaml"}
	}
	return s.Send(ctx, msg)
}

// channels are where messages can go, in the order of their names.
func channels(all map[string]Sender) []model.Channel {
	var out []model.Channel
	for _, id := range slices.Sorted(maps.Keys(all)) {
		kind, name, _ := strings.Cut(id, "/")
		_, host, _ := strings.Cut(all[id].String(), " at ")
		out = append(out, model.Channel{ID: id, Kind: model.ChannelKind(kind), Name: name, Host: host})
	}
	return out
}

// checks are Verify's own looks, through the cluster, the network and Prometheus.
type checks struct {
	c      *kube.Client
	prom   *prometheus
	prober *probe.Prober
}

func (k checks) Probe(ctx context.Context, h model.Health) model.ProbeSeen {
	r := k.prober.Probe(ctx, h)
	return model.ProbeSeen{URL: h.URL, State: r.State, Text: r.Text, At: time.Now()}
}

func (k checks) Selected(ctx context.Context, namespace, selector string) model.SelectedSeen {
	return k.c.Selected(ctx, namespace, selector)
}

// Tail reads the log of the newest pod: those of the running revision stand
// first on the board.
func (k checks) Tail(ctx context.Context, c *model.Component, lines int, bad string) model.TailSeen {
	out := model.TailSeen{At: time.Now()}
	n := slices.IndexFunc(c.Pods, func(p model.Pod) bool { return !p.Deleting && p.Owner == c.OwnerName })
	switch {
	case c.PodsNo != "":
		out.Err = c.PodsNo
		return out
	case n < 0:
		out.Err = fmt.Sprintf("there is no pod of revision %d", c.Revision)
		return out
	}
	p := c.Pods[n]
	out.Pod = p.Name
	for line, err := range k.c.Logs(ctx, c.Workload.Namespace, p.Name, kube.LogOptions{Container: p.Bad, Tail: int64(lines)}) {
		if err != nil {
			out.Lines, out.Err = nil, err.Error()
			return out
		}
		out.Lines = append(out.Lines, line)
	}
	if bad == "" {
		return out
	}
	re, err := regexp.Compile(bad)
	if err != nil {
		out.Err = "checks.logs.bad is no regular expression: " + err.Error()
		return out
	}
	for _, l := range out.Lines {
		if re.MatchString(l) {
			out.Bad = append(out.Bad, l)
		}
	}
	return out
}

func (k checks) Own(ctx context.Context, t model.Target) []model.OwnSeen {
	if c := k.prom.found.Load(); c != nil {
		return c.Own(ctx, t)
	}
	out := make([]model.OwnSeen, len(t.Promql))
	for n, q := range t.Promql {
		out[n] = model.OwnSeen{Name: q.Name, Reading: model.Unknown(q.Query, "%s", errNotThere)}
	}
	return out
}

// contacts asks who is on call, and remembers the answers for when a source
// does not answer.
type contacts struct {
	sources []onCallSource
	kept    *onCallCache
}

func (c contacts) OnCall(ctx context.Context) ([]model.OnCall, time.Time, error) {
	type answer struct {
		people []model.OnCall
		err    error
	}
	answers := make([]answer, len(c.sources))
	done := make(chan int, len(c.sources))
	for n, s := range c.sources {
		go func() {
			err := guarded(func() error {
				var err error
				answers[n].people, err = s.OnCall(ctx)
				return err
			})
			answers[n].err = err
			done <- n
		}()
	}
	for range c.sources {
		<-done
	}
	var people []model.OnCall
	var errs []error
	now := time.Now()
	oldest := now
	for n, a := range answers {
		name := c.sources[n].Role + " " + c.sources[n].String()
		if a.err == nil {
			people = append(people, a.people...)
			if err := c.kept.put(name, now, a.people); err != nil {
				errs = append(errs, err)
			}
			continue
		}
		errs = append(errs, a.err)
		if old, at := c.kept.get(name); old != nil {
			people = append(people, old...)
			if at.Before(oldest) {
				oldest = at
			}
		}
	}
	return people, oldest, errors.Join(errs...)
}
