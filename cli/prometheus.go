package cli

import (
	"context"
	"errors"
	"os"
	"sync/atomic"
	"time"

	"rollbook/config"
	"rollbook/engine"
	"rollbook/kube"
	"rollbook/metrics"
	"rollbook/model"
)

// prometheus is the engine's port to a Prometheus that may have to be found
// first: until then it says that it is being looked for.
type prometheus struct {
	found atomic.Pointer[metrics.Client]
	why   atomic.Pointer[string] // why there is none yet
}

var _ engine.Metrics = (*prometheus)(nil)

// errNotThere is what is asked of a Prometheus that was not found.
var errNotThere = errors.New("no Prometheus to ask")

// lookAgain is how long after a search without success the next one begins.
const lookAgain = 30 * time.Second

func (p *prometheus) To() (to, off string) {
	if c := p.found.Load(); c != nil {
		return c.To()
	}
	return "", *p.why.Load()
}

func (p *prometheus) Poll(ctx context.Context, q engine.Poll) (map[string]*model.Figures, error) {
	c := p.found.Load()
	if c == nil {
		return nil, errNotThere
	}
	return c.Poll(ctx, metrics.Poll(q))
}

func (p *prometheus) Behaviour(ctx context.Context, t model.Target, owners []string, until time.Time) (map[string]model.Behaviour, error) {
	c := p.found.Load()
	if c == nil {
		return nil, errNotThere
	}
	return c.Behaviour(ctx, t, owners, until)
}

func (p *prometheus) Baseline(ctx context.Context, targets []model.Target, onset time.Time) (map[string]model.Baseline, error) {
	c := p.found.Load()
	if c == nil {
		return nil, errNotThere
	}
	return c.Baseline(ctx, targets, onset)
}

// newPrometheus makes the port. It sends nothing. The address is the flag's,
// else the configuration's; without either, search has to be run.
func newPrometheus(f *flags, cfg *config.Config, c *kube.Client, l model.Limits) (*prometheus, error) {
	p := &prometheus{}
	p.because("looking for Prometheus in the cluster")
	address := cfg.Prometheus.Address
	if f.prometheus != "" {
		a, err := config.ParseAddress(f.prometheus)
		if err != nil {
			return nil, usagef("--prometheus %w", err)
		}
		address = a
	}
	if address == (config.Address{}) {
		return p, nil
	}
	opt := p.options(cfg, l)
	if address.Service != nil {
		return p, p.through(c, address.String(), opt)
	}
	opt.URL = address.URL
	if address.URL == cfg.Prometheus.Address.URL {
		// Credentials go only to the address that they were configured for.
		access, err := cfg.Prometheus.HTTPConfig(os.Getenv)
		if err != nil {
			return nil, err
		}
		opt.HTTP = &access
	}
	return p, p.use(opt)
}

// options are those that do not depend on the address.
func (p *prometheus) options(cfg *config.Config, l model.Limits) metrics.Options {
	return metrics.Options{ScrapeInterval: cfg.Prometheus.ScrapeInterval, Poll: cfg.Limits.PollIdle, Limits: l, Now: time.Now}
}

func (p *prometheus) because(why string) { p.why.Store(&why) }

func (p *prometheus) use(opt metrics.Options) error {
	c, err := metrics.New(opt)
	if err != nil {
		return err
	}
	p.found.Store(c)
	return nil
}

func (p *prometheus) through(c *kube.Client, service string, opt metrics.Options) error {
	url, err := c.ServiceProxyURL(service)
	if err != nil {
		return err
	}
	opt.URL, opt.RoundTripper, opt.To = url, c.ProxyRoundTripper(), service
	return p.use(opt)
}

// search looks for Prometheus in the cluster until it is found or ctx ends.
func (p *prometheus) search(ctx context.Context, cfg *config.Config, c *kube.Client, l model.Limits) {
	for p.found.Load() == nil {
		service, err := c.FindPrometheus(ctx)
		if err == nil {
			err = p.through(c, service, p.options(cfg, l))
		}
		if err != nil {
			p.because(err.Error())
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(lookAgain):
		}
	}
}
