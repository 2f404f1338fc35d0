// Package prom runs a real Prometheus that scrapes the testbed's traffic.
package prom

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"rollbook/testbed/proc"
)

// Options are what Prometheus needs.
type Options struct {
	Binary, Promtool string
	Dir              string        // data folder
	Source           string        // host:port where package traffic serves
	Scrape           time.Duration // interval of scrapes and rules
	AlertFor         time.Duration // how long the alerts hold before they fire
}

// Prometheus is the server.
type Prometheus struct {
	Addr    string // host:port, on 127.0.0.1
	options Options
	process *proc.Process
}

// Plan chooses a port and writes the configuration; it starts nothing, so that
// history can be put in first.
func Plan(o Options) (*Prometheus, error) {
	port, err := proc.FreePort()
	if err != nil {
		return nil, err
	}
	in := func(name string) string { return filepath.Join(o.Dir, name) }
	p := &Prometheus{Addr: proc.Loopback(port), options: o}
	for path, text := range map[string]string{in("prometheus.yml"): config(o), in("rules.yml"): rules(o.AlertFor)} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return nil, fmt.Errorf("write Prometheus' configuration: %w", err)
		}
	}
	p.process = &proc.Process{
		Name: "prometheus", Path: o.Binary, Dir: o.Dir, Log: in("prometheus.log"),
		Args: []string{
			"--config.file=" + in("prometheus.yml"), "--storage.tsdb.path=" + in("tsdb"),
			"--web.listen-address=" + p.Addr, "--storage.tsdb.retention.time=7d",
			"--web.enable-lifecycle", "--log.level=warn",
		},
	}
	return p, nil
}

// Backfill puts samples in OpenMetrics text into the database. Only before Start.
func (p *Prometheus) Backfill(ctx context.Context, openMetrics string) error {
	cmd := exec.CommandContext(ctx, p.options.Promtool, "tsdb", "create-blocks-from", "openmetrics",
		openMetrics, filepath.Join(p.options.Dir, "tsdb"))
	cmd.Dir = p.options.Dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("put the history into Prometheus: promtool: %w\n%s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// Start starts Prometheus, also again after Stop, and waits until it answers.
func (p *Prometheus) Start(ctx context.Context) error {
	if err := p.process.Start(); err != nil {
		return err
	}
	return p.process.WaitReady(ctx, time.Minute, func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.Addr+"/-/ready", nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("/-/ready: %s", resp.Status)
		}
		return nil
	})
}

// Stop ends Prometheus at once; its data stays.
func (p *Prometheus) Stop() { p.process.Kill() }

func config(o Options) string {
	timeout := o.Scrape * 4 / 5
	return fmt.Sprintf(`global:
  scrape_interval: %s
  scrape_timeout: %s
  evaluation_interval: %s
rule_files: [rules.yml]
scrape_configs:
- job_name: pods
  honor_labels: true
  http_sd_configs:
  - url: http://%s/targets
    refresh_interval: 1s
- job_name: kube-state-metrics
  honor_labels: true
  metrics_path: /kube-state
  static_configs:
  - targets: [%q]
    labels: {instance: "kube-state-metrics:8080"}
`, o.Scrape, timeout, o.Scrape, o.Source, o.Source)
}

// WorkloadRule is the name of the rule that leads from a pod to its workload, as
// in kube-prometheus.
const WorkloadRule = "namespace_workload_pod:kube_pod_owner:relabel"

func rules(alertFor time.Duration) string {
	return strings.ReplaceAll(`groups:
- name: workloads
  rules:
  - record: `+WorkloadRule+`
    expr: |
      max by (namespace, workload, pod) (
        label_replace(
          label_replace(kube_pod_owner{owner_kind="ReplicaSet"}, "replicaset", "$1", "owner_name", "(.*)")
            * on (namespace, replicaset) group_left (owner_name)
          max by (namespace, replicaset, owner_name) (kube_replicaset_owner{owner_kind="Deployment"}),
          "workload", "$1", "owner_name", "(.*)"
        )
      )
    labels: {workload_type: deployment}
  - record: `+WorkloadRule+`
    expr: |
      max by (namespace, workload, pod) (
        label_replace(kube_pod_owner{owner_kind="StatefulSet"}, "workload", "$1", "owner_name", "(.*)")
      )
    labels: {workload_type: statefulset}
- name: alerts
  rules:
  - alert: HighErrorRate
    expr: |
      sum by (namespace, app) (rate(http_requests_total{status=~"5.."}[1m]))
        / sum by (namespace, app) (rate(http_requests_total[1m])) > 0.05
    for: ALERT_FOR
    labels: {severity: page}
    annotations: {summary: "{{ $labels.app }}: {{ $value | humanizePercentage }} of the requests fail"}
  - alert: HighLatency
    expr: |
      histogram_quantile(0.95, sum by (namespace, app, le) (rate(http_request_duration_seconds_bucket[1m]))) > 2
    for: ALERT_FOR
    labels: {severity: page}
    annotations: {summary: "{{ $labels.app }}: P95 is {{ $value | humanizeDuration }}"}
  - alert: NoPodUp
    expr: max by (namespace, app) (up{job!="kube-state-metrics"}) == 0
    for: ALERT_FOR
    labels: {severity: page}
    annotations: {summary: "{{ $labels.app }}: no pod answers"}
`, "ALERT_FOR", alertFor.String())
}
