package cli

import (
	"context"
	"errors"
	"os"
	"sync"
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

	mu   sync.Mutex
	made metrics.Options // what found was made of; the zero value while there is none
	opt  metrics.Options // what does not depend on the address
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

func (p *prometheus) Poll(ctx context.Context, q model.Poll) (map[string]*model.Figures, error) {
	c := p.found.Load()
	if c == nil {
		return nil, errNotThere
	}
	return c.Poll(ctx, q)
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
	p := &prometheus{opt: metrics.Options{ScrapeInterval: cfg.Prometheus.ScrapeInterval, Poll: cfg.Limits.PollIdle, Limits: l, Now: time.Now,
		Match: config.JoinMatchers(cfg.Prometheus.Match), Labels: metrics.Labels{Namespace: cfg.Prometheus.Namespace, Pod: cfg.Prometheus.Pod}}}
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
	if address.Service != nil {
		return p, p.through(c, address.String())
	}
	opt := metrics.Options{URL: address.URL, Dial: f.stage.dial}
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

func (p *prometheus) because(why string) { p.why.Store(&why) }

// use makes the client for an address.
func (p *prometheus) use(to metrics.Options) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.make(to)
}

// make is called with the lock held.
func (p *prometheus) make(to metrics.Options) error {
	opt := p.opt
	opt.URL, opt.HTTP, opt.RoundTripper, opt.Dial, opt.To = to.URL, to.HTTP, to.RoundTripper, to.Dial, to.To
	c, err := metrics.New(opt)
	if err != nil {
		return err
	}
	p.made = to
	p.found.Store(c)
	return nil
}

// limit takes the limits of a configuration that came after the start. Where
// Prometheus is cannot be among them.
func (p *prometheus) limit(cfg *config.Config, l model.Limits) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.opt.Limits == l && p.opt.Poll == cfg.Limits.PollIdle {
		return nil
	}
	p.opt.Limits, p.opt.Poll = l, cfg.Limits.PollIdle
	if p.made.URL == "" {
		return nil
	}
	return p.make(p.made)
}

func (p *prometheus) through(c *kube.Client, service string) error {
	url, err := c.ServiceProxyURL(service)
	if err != nil {
		return err
	}
	return p.use(metrics.Options{URL: url, RoundTripper: c.ProxyRoundTripper(), To: service})
}

// search looks for Prometheus in the cluster until it is found or ctx ends.
func (p *prometheus) search(ctx context.Context, c *kube.Client) {
	for p.found.Load() == nil {
		_ = p.find(ctx, c) // To says why there is none
		select {
		case <-ctx.Done():
			return
		case <-time.After(lookAgain):
		}
	}
}

// find looks for Prometheus in the cluster once.
func (p *prometheus) find(ctx context.Context, c *kube.Client) error {
	service, err := c.FindPrometheus(ctx)
	if err == nil {
		err = p.through(c, service)
	}
	if err != nil {
		p.because(err.Error())
	}
	return err
}
