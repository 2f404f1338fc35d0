package cli

import (
	"fmt"
	"os"
	"os/user"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"rollbook/config"
	"rollbook/incident"
	"rollbook/kube"
	"rollbook/model"
)

// loadConfig reads the configuration from where the flag and the environment
// say.
func loadConfig(f *flags) (*config.Config, error) {
	if f.stage.practice != nil {
		return f.stage.practice.config, nil
	}
	wd, err := os.Getwd()
	if err != nil {
		wd = ""
	}
	return config.Load(config.Find(f.config, wd, config.UserDir(os.Getenv))...)
}

// settings turns the configuration and the connection into what an incident is
// worked by.
func settings(cfg *config.Config, c *kube.Client, f *flags, args []string) (incident.Settings, error) {
	l, v := cfg.Limits, cfg.Verify
	set := incident.Settings{
		Namespace: c.Namespace(), Context: c.Context(), Server: c.Server(),
		ReadOnly: f.readOnly, Operator: operator(),
		Limits: model.DefaultLimits(), Verify: incident.DefaultVerify(),
		Scrape: cfg.Prometheus.ScrapeInterval, Poll: l.Poll,
		ConfigHash: cfg.Hash,
	}
	set.Limits.Errors, set.Limits.For = float64(l.Errors), l.ErrorsFor
	set.Limits.P95, set.Limits.P95For = l.P95, l.P95For
	set.Limits.Rollout, set.Limits.Requests = l.Rollout, float64(l.MinRequests)
	set.Verify.Errors, set.Verify.P95, set.Verify.Hold = float64(v.Errors), v.P95, v.Hold
	if set.Production, set.Why = production(cfg, c); f.stage.practice != nil {
		set.Production, set.Why = false, "the sandbox"
	}
	for _, s := range cfg.Sources {
		set.ConfigFrom = append(set.ConfigFrom, s.Label())
	}
	for _, k := range cfg.Components {
		set.Components = append(set.Components, target(k, c.Namespace()))
	}
	for _, k := range cfg.Contacts {
		set.Contacts = append(set.Contacts, incident.Contact{Role: k.Role, Name: k.Who, How: k.How, When: k.When})
	}
	for _, k := range cfg.Links {
		set.Links = append(set.Links, incident.Link{Name: k.Name, URL: k.URL})
	}
	if cfg.SLO != nil {
		set.Objective, set.Period = float64(cfg.SLO.Objective), cfg.SLO.Window
	}
	r := cfg.Recovery
	set.Recovery = incident.Recovery{Maintenance: r.Maintenance, Restore: r.Restore, Overlay: r.Overlay, Replicas: r.Replicas}
	for _, s := range r.Steps {
		set.Recovery.Steps = append(set.Recovery.Steps, incident.RestoreStep(s))
	}
	if f.drill != nil {
		set.Drill = f.drill(cfg, c)
	}
	if len(args) == 0 {
		return set, nil
	}
	return focus(set, args[0])
}

// focus narrows the walk to the workload named on the command line.
func focus(set incident.Settings, arg string) (incident.Settings, error) {
	w, err := config.ParseWorkload(arg)
	if err != nil {
		return set, usagef("%w", err)
	}
	want := model.Workload{Kind: model.Kind(w.Kind), Namespace: set.Namespace, Name: w.Name}
	one := model.Target{ID: w.Name, Workload: want}
	for _, t := range set.Components {
		if t.Workload == want {
			one = t
		}
	}
	set.Components, set.Focus = []model.Target{one}, one.ID
	return set, nil
}

func target(k config.Component, namespace string) model.Target {
	if k.Namespace != "" {
		namespace = k.Namespace
	}
	t := model.Target{
		ID:          k.Name,
		Workload:    model.Workload{Kind: model.Kind(k.Workload.Kind), Namespace: namespace, Name: k.Workload.Name},
		NotMeasured: k.Metrics.Preset == "none", Public: k.Public,
		Errors: k.Metrics.Errors, P95: k.Metrics.P95, Requests: k.Metrics.Requests,
	}
	t.Match = config.JoinMatchers(k.Metrics.Match)
	for _, name := range k.Methods {
		t.Methods = append(t.Methods, methodOf[name])
	}
	for _, h := range k.Checks.Health {
		t.Health = append(t.Health, model.Health{URL: h.URL, Status: h.Expect, Timeout: h.Timeout})
	}
	t.Pods, t.Logs, t.LogsBad, t.NoUp = k.Checks.Pods, k.Checks.Logs, k.Checks.BadLog, !k.Checks.Up
	for _, q := range k.Checks.PromQL {
		t.Promql = append(t.Promql, model.OwnCheck{Name: q.Name, Query: q.Query, Max: q.Max, Min: q.Min})
	}
	return t
}

// production says whether a rollback here needs the typed name, and by which
// rule: everything is production but what the configuration lists, and the
// usual local clusters on a loopback address.
func production(cfg *config.Config, c *kube.Client) (bool, string) {
	for _, p := range cfg.NotProduction {
		if glob(p.Context, c.Context()) && glob(p.Server, c.Server()) && glob(p.Namespace, c.Namespace()) {
			return false, "listed in not_production"
		}
	}
	name := c.Context()
	local := name == "minikube" || strings.HasPrefix(name, "kind-") || strings.HasPrefix(name, "k3d-")
	if local && c.LoopbackServer() {
		return false, "local cluster " + name
	}
	return true, "not listed in not_production"
}

// glob matches "*" and "?"; an empty pattern matches everything. A slash is a
// character like any other.
func glob(pattern, s string) bool {
	if pattern == "" {
		return true
	}
	flat := strings.NewReplacer("/", "\x00", "[", `\[`, `\`, `\\`)
	ok, err := path.Match(flat.Replace(pattern), strings.ReplaceAll(s, "/", "\x00"))
	return err == nil && ok
}

// operator is the name under which the local user's acts are kept.
func operator() string {
	if u := os.Getenv("SUDO_USER"); u != "" {
		return u
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "uid " + strconv.Itoa(os.Getuid())
}

// journalDirs are the folders for journals: where the operator wants them, or
// the state directory; then what is memory, for when that disk fails.
func journalDirs(f *flags, cfg *config.Config) ([]string, error) {
	first := f.journalDir
	if first == "" {
		first = cfg.JournalDir
	}
	if first == "" {
		state := os.Getenv("XDG_STATE_HOME")
		if !filepath.IsAbs(state) {
			home, err := os.UserHomeDir()
			if err != nil {
				return nil, fmt.Errorf("no place for the journal: %w; give --journal-dir", err)
			}
			state = filepath.Join(home, ".local", "state")
		}
		first = filepath.Join(state, "rollbook", "incidents")
	}
	abs, err := filepath.Abs(first)
	if err != nil {
		return nil, fmt.Errorf("--journal-dir %s: %w", first, err)
	}
	if st, err := os.Stat(abs); err == nil && !st.IsDir() {
		return nil, fmt.Errorf("--journal-dir %s is not a folder", abs)
	}
	dirs := []string{abs}
	if run := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(run) {
		dirs = append(dirs, filepath.Join(run, "rollbook", "incidents"))
	}
	return append(dirs, fmt.Sprintf("/dev/shm/rollbook-%d/incidents", os.Getuid())), nil
}
