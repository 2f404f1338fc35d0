// Command testbed brings a real Kubernetes control plane up on this machine, with
// a shop to roll back, traffic, a real Prometheus and ways to make trouble, for
// the end-to-end tests of rollbook. It needs Go, and root for one of its parts
// (Prometheus through the API server); no containers. Linux only.
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"k8s.io/klog/v2"

	"rollbook/testbed/bed"
	"rollbook/testbed/build"
	"rollbook/testbed/proc"
	"rollbook/testbed/shop"
)

//go:embed go.mod
var goMod []byte

//go:embed go.sum
var goSum []byte

const usage = `testbed COMMAND

  build                    build what the cache lacks, and end
  up [FLAGS]               start everything, print the environment, run until
                           SIGINT, SIGTERM or the end of the parent process
  exec [FLAGS] -- CMD ...  start everything, run CMD with the environment set,
                           end with its exit code
  env                      print the environment of the running testbed
  release WORKLOAD KIND    release a revision; kinds: %s
  reset                    put the shop back to its beginning
  bench                    1,000 Deployments with 5 pods each in namespace bench
  proxy api|prometheus pass|delay=500ms|reset|blackhole
  apiserver stop|start
  prometheus stop|start

The last six find the testbed by ROLLBOOK_TESTBED, which up prints; -n NAMESPACE
before the arguments chooses another shop. The address has more: see package bed.

Contexts of the kubeconfig: testbed (may do all), oncall, viewer, nopods, nobody,
wrong-token; proxied is testbed through the fault proxy, and so on: oncall-proxied.

Annotations of a pod template: testbed/behaviour (crash, crash-later, imagepull,
never-ready, slow-start, quiet), testbed/start (a duration), testbed/errors (a
share), testbed/latency (P95, or inf), testbed/rps, testbed/workdir (of exec). Pods
with the label testbed/traffic: http have requests, with none only up.

Flags of up and exec:
`

func main() {
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "testbed:", err)
		if code == 0 {
			code = 1
		}
	}
	os.Exit(code)
}

type flags struct {
	bed.Options
	bench   bool
	envFile string
	dir     string
	outlive bool
}

func parse(name string, args []string) (flags, []string, error) {
	var f flags
	set := flag.NewFlagSet(name, flag.ContinueOnError)
	set.BoolVar(&f.Keep, "keep", false, "leave the data folder (logs, databases)")
	set.StringVar(&f.Base, "base", "", "where to make the data folder (default: the temporary folder)")
	set.BoolVar(&f.Shop, "shop", true, "make the shop")
	set.DurationVar(&f.History, "history", time.Hour, "good service to put into Prometheus' past; 0 for none")
	set.DurationVar(&f.Scrape, "scrape", 5*time.Second, "Prometheus' interval of scrapes and rules")
	set.DurationVar(&f.AlertFor, "alert-for", time.Minute, "how long an alert is pending before it fires")
	set.BoolVar(&f.bench, "bench", false, "make 1,000 Deployments with 5 pods each in namespace bench too")
	set.StringVar(&f.envFile, "env-file", "", "write the environment to this file too, for a shell to source")
	set.StringVar(&f.dir, "dir", "", "exec: run CMD in this folder")
	set.BoolVar(&f.outlive, "outlive-parent", false, "up: go on when the parent process ends")
	set.Usage = func() {
		fmt.Fprintf(set.Output(), usage, strings.Join(shop.Kinds(), ", "))
		set.PrintDefaults()
	}
	err := set.Parse(args)
	f.Log, f.KubeVersion = say, build.KubeVersion(goMod)
	return f, set.Args(), err
}

func say(format string, args ...any) { fmt.Fprintf(os.Stderr, "testbed: "+format+"\n", args...) }

func run(args []string) (int, error) {
	// A watch that an outage on purpose interrupts is no news.
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	if len(args) == 0 {
		args = []string{"help"}
	}
	command, rest := args[0], args[1:]
	switch command {
	case proc.ReapCommand:
		if len(rest) != 1 {
			return 2, errors.New("reap is for the testbed itself")
		}
		return 0, proc.Reap(rest[0])
	case "up", "exec", "build":
		f, rest, err := parse(command, rest)
		if errors.Is(err, flag.ErrHelp) {
			return 0, nil
		}
		if err != nil {
			return 2, nil // the flag package told it
		}
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
		defer stop()
		return start(ctx, command, f, rest)
	case "env", "release", "reset", "bench", "proxy", "apiserver", "prometheus":
		return 0, call(command, rest)
	}
	_, _, _ = parse("help", []string{"-h"})
	if command == "help" || command == "-h" || command == "--help" {
		return 0, nil
	}
	return 2, fmt.Errorf("no command %q", command)
}

func start(ctx context.Context, command string, f flags, rest []string) (int, error) {
	if command == "exec" && len(rest) == 0 {
		return 2, errors.New("exec: a command is needed after --")
	}
	if !f.outlive {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		go endWithParent(cancel)
	}
	var err error
	if f.Tools, err = build.Ensure(ctx, goMod, goSum, say); err != nil || command == "build" {
		return 0, err
	}
	b, err := bed.Up(ctx, f.Options)
	if err != nil {
		return 0, err
	}
	code, err := use(ctx, b, command, f, rest)
	return code, errors.Join(err, b.Down())
}

// endWithParent ends the testbed when whoever started it is gone, such as a test
// run or `go run` that was killed.
func endWithParent(end func()) {
	parent := os.Getppid()
	for os.Getppid() == parent {
		time.Sleep(time.Second)
	}
	end()
}

func use(ctx context.Context, b *bed.Bed, command string, f flags, rest []string) (int, error) {
	if f.bench {
		start := time.Now()
		if err := (shop.Bench{Namespace: "bench", Deployments: 1000, Pods: 5}).Create(ctx, b.Cluster.Config); err != nil {
			return 0, err
		}
		say("5,000 pods run in namespace bench after %s", time.Since(start).Round(time.Second))
	}
	if f.envFile != "" {
		text := "export " + strings.Join(b.Env(), "\nexport ") + "\n"
		if err := os.WriteFile(f.envFile, []byte(text), 0o600); err != nil {
			return 0, fmt.Errorf("write the environment: %w", err)
		}
		defer os.Remove(f.envFile)
	}
	if command == "up" {
		fmt.Println(strings.Join(b.Env(), "\n"))
		<-ctx.Done()
		return 0, nil
	}
	cmd := exec.Command(rest[0], rest[1:]...)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = f.dir, os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), b.Env()...)
	if err := proc.StartTied(cmd); err != nil {
		return 0, fmt.Errorf("run %s: %w", rest[0], err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		// The terminal's Ctrl-C has reached it already; a SIGTERM has not.
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case err = <-done:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			err = <-done
		}
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() > 0 {
		return exit.ExitCode(), nil
	}
	if err != nil {
		return 1, fmt.Errorf("run %s: %w", rest[0], err)
	}
	return 0, nil
}

// call asks a running testbed over its control API.
func call(command string, args []string) error {
	q := url.Values{}
	if len(args) > 1 && args[0] == "-n" {
		q.Set("namespace", args[1])
		args = args[2:]
	}
	names := map[string][]string{
		"release": {"workload", "kind"}, "proxy": {"", "mode"}, "apiserver": {"state"}, "prometheus": {"state"},
	}[command]
	if len(args) != len(names) {
		return fmt.Errorf("%s: %d arguments, want %d", command, len(args), len(names))
	}
	base, path, method := os.Getenv("ROLLBOOK_TESTBED"), "/"+command, http.MethodPost
	if base == "" {
		return errors.New("ROLLBOOK_TESTBED is not set; start a testbed with `up -env-file FILE` and source the file")
	}
	for i, n := range names {
		if n == "" {
			path += "/" + url.PathEscape(args[i])
		} else {
			q.Set(n, args[i])
		}
	}
	if command == "env" {
		method = http.MethodGet
	}
	req, err := http.NewRequest(method, base+path+"?"+q.Encode(), nil)
	if err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("%s: %w; is the testbed running?", command, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", command, strings.TrimSpace(string(body)))
	}
	fmt.Print(string(body))
	return nil
}
