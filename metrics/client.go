package metrics

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/api"
	prom "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/config"

	"rollbook/model"
	"rollbook/text"
)

// Options are what a Client is made of. The zero value of each field but URL
// has a default.
type Options struct {
	// URL is the API's base: http(s)://host[:port][/prefix]. With RoundTripper it
	// is the base of the service proxy:
	// https://api:6443/api/v1/namespaces/monitoring/services/prometheus:9090/proxy
	URL string
	// HTTP is how to get in, in the words of Prometheus' own configuration; nil =
	// no credentials. Not used with RoundTripper.
	HTTP *config.HTTPClientConfig
	// RoundTripper replaces HTTP: the API server's transport, with its credentials.
	RoundTripper http.RoundTripper
	// Dial connects, where RoundTripper does not; nil = over the network.
	Dial config.DialContextFunc
	// To names Prometheus to the operator ("service:monitoring/prometheus:9090");
	// "" = the URL's host.
	To string
	// Off says why none is asked ("not configured"); "" = it is.
	Off string

	ScrapeInterval time.Duration // 0 = found out from how often `up` is written
	Poll           time.Duration // the longest time between two polls, for what is stale; 0 = 15 s
	Timeout        time.Duration // of one query; 0 = 10 s
	Lookback       time.Duration // how far Behaviour looks back; 0 = 7 days
	MaxAnswer      int64         // bytes of one answer; 0 = 8 MiB
	Limits         model.Limits  // Requests: fewer in the window say nothing; zero = model.DefaultLimits
	Preset         Preset        // zero = HTTPPreset
	Match          string        // label matchers for every query of the preset: `cluster="prod-eu"`
	Labels         Labels        // zero = the preset's, or those that are found
	Redactor       *text.Redactor

	// Now is the clock that Check takes the time of queries by; nil = it does
	// not. Nothing else here reads a clock.
	Now func() time.Time
}

// Client asks one Prometheus. It is safe for concurrent use; rounds of Poll
// follow one another.
type Client struct {
	reader
	opt   Options
	round chan struct{} // of one: the round that owns what follows

	tracks map[string]*track // by component ID
	// step and short window of what tracks hold
	step, short time.Duration

	interval atomic.Int64 // the scrape interval; 0 = not known yet

	// called is the preset with the labels that name the pods; they were looked for
	// last at looked, which belongs to the round. lacking is what was not found; nil =
	// nothing.
	called  atomic.Pointer[Preset]
	looked  time.Time
	lacking atomic.Pointer[string]

	// fires belongs to the round.
	fires fires

	// mixed says of which components the last round found other clusters' series, by
	// ID: what lies behind is not told of them either.
	mixed atomic.Pointer[map[string]string]
}

// New makes a Client and sends nothing. It fails on a URL or an HTTP
// configuration that cannot be used.
func New(opt Options) (*Client, error) {
	c := &Client{opt: opt, round: make(chan struct{}, 1), tracks: map[string]*track{}}
	c.defaults()
	if opt.Off != "" {
		return c, nil
	}
	base, err := url.Parse(opt.URL)
	if err != nil { // url.Parse's own words repeat the URL, and with it a password
		return nil, errors.New("address of Prometheus: not a URL")
	}
	if base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return nil, errors.New("address of Prometheus: must be http://host:port or https://host:port")
	}
	if pass, ok := base.User.Password(); ok {
		c.redactor.Add(pass)
	}
	if c.to == "" {
		c.to = text.Line(base.Host)
	}
	rt, follow := opt.RoundTripper, true
	if rt == nil {
		cfg := config.DefaultHTTPClientConfig
		if opt.HTTP != nil {
			cfg = *opt.HTTP
		}
		if err := cfg.Validate(); err != nil {
			return nil, fmt.Errorf("HTTP access to Prometheus: %s", c.line(err.Error()))
		}
		follow = cfg.FollowRedirects
		how := []config.HTTPClientOption{config.WithUserAgent("rollbook")}
		if opt.Dial != nil {
			how = append(how, config.WithDialContextFunc(opt.Dial))
		}
		if rt, err = config.NewRoundTripperFromConfig(cfg, "prometheus", how...); err != nil {
			return nil, fmt.Errorf("HTTP access to Prometheus: %s", c.line(err.Error()))
		}
	}
	inner, err := api.NewClient(api.Config{Address: base.String(), RoundTripper: rt})
	if err != nil {
		return nil, errors.New("address of Prometheus: not a URL")
	}
	c.api = prom.NewAPI(&getter{r: &c.reader, api: inner, http: &http.Client{
		Transport: rt, CheckRedirect: redirects(base, follow)}})
	return c, nil
}

func (c *Client) defaults() {
	o := &c.opt
	o.Poll = positive(o.Poll, 15*time.Second)
	o.Timeout = positive(o.Timeout, 10*time.Second)
	o.Lookback = positive(o.Lookback, 7*24*time.Hour)
	if o.MaxAnswer <= 0 {
		o.MaxAnswer = 8 << 20
	}
	if o.Limits.Requests <= 0 {
		o.Limits.Requests = model.DefaultLimits().Requests
	}
	if o.Redactor == nil {
		o.Redactor = new(text.Redactor)
	}
	if o.Preset.Owner == nil {
		o.Preset = HTTPPreset()
	}
	p := o.Preset
	p.Match = matchers(p.Match, o.Match)
	if l := o.Labels; l != (Labels{}) {
		p = p.labelled(cmp.Or(l.Namespace, namespaceLabels[0]), cmp.Or(l.Pod, podLabels[0]))
	}
	c.called.Store(&p)
	c.interval.Store(int64(o.ScrapeInterval))
	c.reader = reader{to: o.To, timeout: o.Timeout, largest: o.MaxAnswer, redactor: o.Redactor, slots: make(chan struct{}, atOnce)}
}

func positive(d, otherwise time.Duration) time.Duration {
	if d <= 0 {
		return otherwise
	}
	return d
}

// To names where the queries go; off says why there are none ("" = there are).
func (c *Client) To() (to, off string) { return c.to, c.opt.Off }

// off is the error of a client that asks nobody; nil when it does.
func (c *Client) off() error {
	if c.opt.Off == "" {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrOff, c.opt.Off)
}

// scrape is the scrape interval; 0 = not known yet.
func (c *Client) scrape() time.Duration { return time.Duration(c.interval.Load()) }

// shortWindow is a minute, at least four scrapes.
func (c *Client) shortWindow() time.Duration {
	return max(shortWindow, scrapes*positive(c.scrape(), usual))
}

// begin waits for the earlier round to end.
func (c *Client) begin(ctx context.Context) error {
	select {
	case c.round <- struct{}{}:
		return nil
	case <-ctx.Done():
		return c.failed(ctx, context.Cause(ctx))
	}
}

func (c *Client) end() { <-c.round }
