package kube

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // the auth providers that kubectl has
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/client-go/util/connrotation"

	"rollbook/model"
	"rollbook/text"
)

// Manager is the field manager of what rollbook writes.
const Manager = "rollbook"

// SwitchManager is by whom single fields of objects are changed, such as the number of
// replicas: by Manager, the time at which it set the pod template would move.
const SwitchManager = Manager + "-switch"

// How long a call may take when --request-timeout does not say otherwise.
const (
	readLimit  = 10 * time.Second
	writeLimit = 30 * time.Second
	dialLimit  = 5 * time.Second
)

// Options are what Connect cannot learn from kubectl's flags.
type Options struct {
	Version  string            // of rollbook, for the user agent
	ReadOnly bool              // nothing that changes anything leaves this process
	Targets  []model.Target    // what to watch; empty = the workloads of the namespace
	Warn     func(text string) // the API server's warnings; nil = dropped
	Now      func() time.Time  // the clock; required

	// Dial connects to the API server; nil = over the network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Stdin says that the caller keeps standard input away from credential
	// programs itself, but for Login. Without it they never get it.
	Stdin bool
	// Said returns what programs wrote to standard error last, in one line that is
	// safe to show; nil = nobody knows. Why a credential program failed stands there.
	Said func() string
	// Own says that the kubeconfig is a file of the caller's, which nobody gave: equal
	// commands do not name it.
	Own bool
}

// Client talks to one cluster as one user. It is safe for concurrent use.
type Client struct {
	context, namespace, user, host, base string

	readOnly bool
	cfg      *rest.Config
	http     *http.Client
	gate     *gate // where all requests pass, before they want credentials
	apps     *rest.RESTClient
	core     *rest.RESTClient
	dialer   *connrotation.Dialer
	limit    time.Duration // --request-timeout; 0 = the defaults
	warn     func(string)
	said     func() string
	flags    string // of kubectl, to do the same as the same user on the same cluster
	via      *proxy // between here and the API server; nil without one
	now      func() time.Time

	targets  atomic.Pointer[[]model.Target]
	retarget chan struct{} // has one element when there are others than Watch began with
	heardAt  atomic.Int64  // unix nanoseconds of the last answer of any kind
	writing  atomic.Int32  // writes under way: their connection is left alone
	plans    planMemory
	// streamer sends what is upgraded to a two-way stream; it is made when it is needed.
	streaming sync.Once
	streamer  *http.Client
	streamErr error
	// selectors are those of the workloads that were read, by model.Workload, so that
	// their revisions can be read at the same time.
	selectors sync.Map
	resources sync.Map // *apiResource by apiVersion and kind
}

// Connect resolves kubectl's flags to a client. It does not use the network,
// and reads no file but the kubeconfig and what that names. The error is
// ErrNoConfig, ErrNoContext or ErrBadConfig, in words that say what to do.
func Connect(flags *Flags, opt Options) (*Client, error) {
	if opt.Now == nil {
		return nil, errors.New("kube.Connect was given no clock: set Options.Now")
	}
	loader := flags.loader()
	raw, err := loader.RawConfig()
	if err != nil {
		return nil, badConfig(err)
	}
	name := raw.CurrentContext
	if flags.CurrentContext != "" {
		name = flags.CurrentContext
	}
	if name != "" && raw.Contexts[name] == nil {
		return nil, noContext(name, len(raw.Contexts))
	}
	server := flags.ClusterInfo.Server != ""
	if name == "" && len(raw.Contexts) > 0 && !server && flags.Context.Cluster == "" {
		return nil, noCurrent(kubeconfigPlaces(flags), raw.Contexts)
	}
	if len(raw.Clusters) == 0 && !server && os.Getenv("KUBERNETES_SERVICE_HOST") == "" {
		return nil, model.Told(ErrNoConfig, nil, "no kubeconfig found in %s: set KUBECONFIG, or give --kubeconfig or --server", kubeconfigPlaces(flags))
	}
	// Without this kubectl falls back to localhost:8080, and says only that nobody listens there.
	if x := raw.Contexts[name]; x != nil && raw.Clusters[x.Cluster] == nil && !server && flags.Context.Cluster == "" {
		return nil, model.Told(ErrBadConfig, nil, "the kubeconfig cannot be used: context %q names cluster %q, which is not in it: kubectl config view shows what is", text.Line(name), text.Line(x.Cluster))
	}
	cfg, err := loader.ClientConfig()
	if err != nil {
		return nil, badConfig(err)
	}
	namespace, _, err := loader.Namespace()
	if err != nil {
		return nil, badConfig(err)
	}
	c := &Client{context: text.Line(name), namespace: namespace, readOnly: opt.ReadOnly, warn: opt.Warn, said: opt.Said, now: opt.Now, retarget: make(chan struct{}, 1)}
	if x := raw.Contexts[name]; x != nil {
		c.user = text.Line(x.AuthInfo)
	}
	if flags.Context.AuthInfo != "" {
		c.user = text.Line(flags.Context.AuthInfo)
	}
	if c.warn == nil {
		c.warn = func(string) {}
	}
	c.flags = flags.asWords(name, !opt.Own)
	c.SetTargets(opt.Targets)
	return c, c.prepare(cfg, opt)
}

// prepare turns the resolved configuration into clients.
func (c *Client) prepare(cfg *rest.Config, opt Options) error {
	version := opt.Version
	if version == "" {
		version = "dev"
	}
	base, _, err := rest.DefaultServerUrlFor(&rest.Config{Host: cfg.Host, TLSClientConfig: cfg.TLSClientConfig})
	if err != nil {
		return badConfig(fmt.Errorf("server %s: %w", cfg.Host, err))
	}
	c.host = base.Scheme + "://" + base.Host + strings.TrimSuffix(base.Path, "/")
	c.base = strings.TrimSuffix(base.Path, "/")
	c.via = proxyOf(cfg, base)
	if cfg.AuthProvider != nil {
		for _, name := range []string{"id-token", "refresh-token", "client-secret"} {
			text.Know(cfg.AuthProvider.Config[name])
		}
	}

	c.limit, cfg.Timeout = cfg.Timeout, 0 // on the client it would end watches and followed logs too
	cfg.UserAgent = "rollbook/" + version
	cfg.QPS = -1
	cfg.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	cfg.ContentType = "application/json"
	cfg.WarningHandlerWithContext = warnings{c}
	if cfg.ExecProvider != nil && !opt.Stdin {
		cfg.ExecProvider.StdinUnavailable = true
		cfg.ExecProvider.StdinUnavailableMessage = "rollbook owns the terminal; log in with kubectl first"
	}
	dial := opt.Dial
	if dial == nil {
		dial = cfg.Dial
	}
	if dial == nil {
		dial = (&net.Dialer{Timeout: dialLimit, KeepAlive: 15 * time.Second}).DialContext
	}
	c.dialer = connrotation.NewDialer(dial)
	cfg.Dial = c.dialer.DialContext
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return &guard{next: next, host: base.Host, base: c.base, readOnly: c.readOnly, heard: c.hear}
	})
	c.cfg = cfg
	if c.http, err = rest.HTTPClientFor(cfg); err != nil {
		return badConfig(err)
	}
	// A redirect that is followed takes the credentials, and with 307 the write, along.
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.gate = &gate{next: c.http.Transport, program: cfg.ExecProvider != nil, left: make(chan struct{}, 1)}
	c.http.Transport = c.gate
	c.apps, err = c.leanClient(schema.GroupVersion{Group: "apps", Version: "v1"}, "/apis")
	if err != nil {
		return badConfig(err)
	}
	c.core, err = c.leanClient(schema.GroupVersion{Version: "v1"}, "/api")
	if err != nil {
		return badConfig(err)
	}
	return nil
}

// leanClient returns a client of one group of the API, which decodes no more than
// is kept.
func (c *Client) leanClient(gv schema.GroupVersion, path string) (*rest.RESTClient, error) {
	cfg := rest.CopyConfig(c.cfg)
	cfg.GroupVersion, cfg.APIPath, cfg.NegotiatedSerializer = &gv, path, newLean(c.now)
	return rest.RESTClientForConfigAndClient(cfg, c.http)
}

// Context is the kubeconfig's context; "" without one.
func (c *Client) Context() string { return c.context }

// Namespace is the one that kubectl would use.
func (c *Client) Namespace() string { return c.namespace }

// User is the kubeconfig's name for the credentials; the API server's name for
// them is in Identity.
func (c *Client) User() string { return c.user }

// Server is the API server's address as a URL.
func (c *Client) Server() string { return c.host }

// ReadOnly says whether writes are refused where requests leave.
func (c *Client) ReadOnly() bool { return c.readOnly }

// LoopbackServer says whether the API server is on this machine.
func (c *Client) LoopbackServer() bool {
	u, err := url.Parse(c.host)
	if err != nil {
		return false
	}
	if u.Hostname() == "localhost" {
		return true
	}
	ip := net.ParseIP(u.Hostname())
	return ip != nil && ip.IsLoopback()
}

// HTTPClient sends requests to the API server with the user's credentials,
// through the same transport as everything else.
func (c *Client) HTTPClient() *http.Client { return c.http }

// ProxyRoundTripper is HTTPClient's transport, for clients that bring their own.
func (c *Client) ProxyRoundTripper() http.RoundTripper { return c.http.Transport }

// SetTargets says what Watch shows. A Watch under way begins anew when other
// workloads are to be watched, or by other names.
func (c *Client) SetTargets(targets []model.Target) {
	old := c.targets.Swap(&targets)
	same := func(a, b model.Target) bool { return a.ID == b.ID && a.Workload == b.Workload }
	if old != nil && !slices.EqualFunc(*old, targets, same) {
		raise(c.retarget)
	}
}

// hear notes that the API server answered.
func (c *Client) hear() { c.heardAt.Store(c.now().UnixNano()) }

func (c *Client) heard() time.Time {
	if n := c.heardAt.Load(); n != 0 {
		return time.Unix(0, n)
	}
	return time.Time{}
}

// within bounds a call by --request-timeout, else by the default given; 0 = by
// nothing more.
func (c *Client) within(ctx context.Context, usual time.Duration) (context.Context, context.CancelFunc) {
	if c.limit > 0 {
		usual = c.limit
	}
	if usual == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, usual)
}

// serverHash stands for the cluster where the UID of kube-system is forbidden.
func (c *Client) serverHash() string {
	h := sha256.New()
	h.Write([]byte(c.host))
	h.Write([]byte{0})
	ca := c.cfg.CAData
	if len(ca) == 0 && c.cfg.CAFile != "" {
		ca, _ = os.ReadFile(c.cfg.CAFile) // unreadable: the server's address alone
	}
	h.Write(ca)
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// warnings hands the API server's warnings to the callback: on stderr they
// would be written across the screen.
type warnings struct{ c *Client }

func (w warnings) HandleWarningHeaderWithContext(_ context.Context, code int, _ string, s string) {
	if code == 299 && s != "" {
		w.c.warn(text.Line(s))
	}
}

// contextsMost is how many contexts an error lists.
const contextsMost = 10

// noCurrent says that no context is current, and which there are. kubectl would go to
// localhost:8080.
func noCurrent(places string, all map[string]*clientcmdapi.Context) error {
	names := slices.Sorted(maps.Keys(all))
	for i := range names {
		names[i] = text.Line(names[i])
	}
	rest := ""
	if len(names) > contextsMost {
		rest = fmt.Sprintf(" and %d more", len(names)-contextsMost)
		names = names[:contextsMost]
	}
	return model.Told(ErrNoContext, nil, "no context is current in %s: give --context; there are %s%s", places, strings.Join(names, ", "), rest)
}

func noContext(name string, others int) error {
	have := "kubectl config get-contexts lists those that there are"
	if others == 0 {
		have = "the kubeconfig has none"
	}
	return model.Told(ErrNoContext, nil, "context %q does not exist: %s", text.Line(name), have)
}

func badConfig(err error) error {
	switch {
	case errors.Is(err, os.ErrNotExist):
		return model.Told(ErrNoConfig, err, "%s: give --kubeconfig or KUBECONFIG the path of a file that is there", text.Line(err.Error()))
	case clientcmd.IsEmptyConfig(err):
		return model.Told(ErrNoConfig, err, "no kubeconfig found: set KUBECONFIG, or give --kubeconfig or --server")
	case clientcmd.IsContextNotFound(err):
		return model.Told(ErrNoContext, err, "%s: kubectl config get-contexts lists those that there are", text.Line(err.Error()))
	}
	if strings.Contains(err.Error(), "auth plugin has been removed") {
		return model.Told(ErrBadConfig, err, "the kubeconfig cannot be used: %s", text.Line(err.Error())) // it says what takes its place
	}
	return model.Told(ErrBadConfig, err, "the kubeconfig cannot be used: %s: kubectl config view shows what is in it", text.Line(err.Error()))
}

func kubeconfigPlaces(flags *Flags) string {
	if flags.Kubeconfig != "" {
		return flags.Kubeconfig
	}
	if v := os.Getenv(clientcmd.RecommendedConfigPathEnvVar); v != "" {
		return text.Line(v)
	}
	return "~/.kube/config"
}
