// Package cli is the commands: it reads flags and configuration, connects the
// rooms to each other, keeps foreign writers off the screen, and turns errors
// into one clear message and an exit code.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/client-go/tools/clientcmd"

	"rollbook/config"
	"rollbook/incident"
	"rollbook/kube"
	"rollbook/text"
)

// version is set by the linker.
var version = "dev"

// Exit codes. A usage error is told apart, as with most tools.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

// errUsage marks what is wrong with the command line itself.
var errUsage = errors.New("usage")

// exitCode is an error whose words were printed already, with the code that the
// program ends with.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// flags are those that every command takes.
type flags struct {
	kube       kube.Flags
	config     string
	prometheus string
	journalDir string
	readOnly   bool

	// drill is what the walk is rehearsed by; nil = it is no drill.
	drill func(*config.Config, *kube.Client) *incident.Drill
	stage stage // not a flag: where the walk is played
}

// look connects to the cluster through a client that lets nothing leave that changes
// anything. What it warns of goes to q.
func (f *flags) look(q *quiet) (*kube.Client, error) {
	return f.reach(q, true)
}

// reach connects without a screen, read-only or not.
func (f *flags) reach(q *quiet, readOnly bool) (*kube.Client, error) {
	return kube.Connect(&f.kube, kube.Options{Version: version, ReadOnly: readOnly, Warn: q.note, Said: q.said, Now: time.Now, Dial: f.stage.dial,
		Own: f.stage.practice != nil})
}

// hostName returns this machine's name; "" where it has none.
func hostName() string {
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return name
}

// Main runs the command line and returns the exit code.
func Main(args []string) int {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	// Asked for before anything else, not in the goroutine that waits: a signal that
	// came in between would be lost, and what holds the process would wait for it.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go endBySignal(signals, stop)
	root := newRoot()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var code exitCode
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &code):
		return int(code)
	case errors.Is(err, errUsage):
		say(os.Stderr, err, "")
		return exitUsage
	}
	say(os.Stderr, err, "")
	return exitError
}

// endBySignal ends the program in order when it is told to.
func endBySignal(signals chan os.Signal, end func()) {
	for s := range signals {
		if s != os.Interrupt || !lent.away() {
			end()
			signal.Stop(signals) // the next one ends it at once
			return
		}
	}
}

// say prints an error as one message.
func say(w io.Writer, err error, hint string) {
	fmt.Fprintln(w, "rollbook: "+strings.TrimSuffix(err.Error(), ": "+errUsage.Error()))
	if hint != "" {
		fmt.Fprintln(w, hint)
	}
}

// usagef is an error in what was typed.
func usagef(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, errUsage)...)
}

// Command returns all commands, for who describes them elsewhere.
func Command() *cobra.Command { return newRoot() }

func newRoot() *cobra.Command {
	f := &flags{}
	root := &cobra.Command{
		Use:         "rollbook [KIND/NAME]",
		Annotations: map[string]string{cobra.CommandDisplayNameAnnotation: commandName()},
		Short:       "Decide on a rollback, do it, prove that it worked",
		Long: `Rollbook opens the walk on the current kube context: assess, decide, choose,
confirm, roll back, verify, close. Nothing is written before the confirmation.

With KIND/NAME (deployment/frontend) it looks at that workload alone; without,
at the components of rollbook.yaml, or at the namespace's workloads.`,
		Example: `  rollbook
  rollbook --context prod-eu -n production
  rollbook deployment/frontend --prometheus service:monitoring/prometheus:9090
  rollbook --read-only`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 && !strings.Contains(args[0], "/") {
				return noCommand(cmd, args[0])
			}
			return atMostOneWorkload(cmd, args)
		},
		ValidArgsFunction:          completeWorkloads(f),
		SuggestionsMinimumDistance: 2,
		Version:                    version,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if _, err := clientcmd.ParseTimeout(f.kube.Timeout); err != nil {
				return usagef("--request-timeout %q is neither 0 nor a duration such as 3s", f.kube.Timeout)
			}
			return nil
		},
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, args []string) error {
			return walk(cmd.Context(), f, args)
		},
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usagef("%w; %s --help lists the flags", err, c.CommandPath())
	})
	root.SetVersionTemplate("rollbook {{.Version}}\n")
	p := root.PersistentFlags()
	f.kube.Add(p)
	p.StringVar(&f.config, "config", "", "configuration file; alone, instead of the working folder's, the user's own and the ConfigMap")
	p.StringVar(&f.prometheus, "prometheus", "", "Prometheus: a URL, or service:NAMESPACE/NAME:PORT through the API server")
	p.StringVar(&f.journalDir, "journal-dir", "", "folder of the incidents' journals (default $XDG_STATE_HOME/rollbook/incidents)")
	p.BoolVar(&f.readOnly, "read-only", false, "let no request leave that changes anything")
	root.AddCommand(newStatus(f), newWatch(f), newDoctor(f), newReport(f), newIncidents(f), newReplay(f), newSandbox(f), newDrill(f), newConfig(f), newKeys())
	completeFlags(root, f)
	for _, path := range [][]string{{"report"}, {"incidents"}, {"drill", "history"}, {"replay"}, {"keys"}, {"config", "init"}, {"config", "schema"}} {
		if cmd, _, err := root.Find(path); err == nil {
			withoutCluster(cmd, f)
		}
	}
	if cmd, _, err := root.Find([]string{"sandbox"}); err == nil {
		withoutCluster(cmd, f, ofSandbox...)
	}
	return root
}

// withoutCluster leaves the flags that lead to a cluster out of the help of a command
// that asks none, but for those that mean something there. They are taken all the same:
// an alias may give them.
func withoutCluster(cmd *cobra.Command, f *flags, but ...string) {
	usage := cmd.UsageFunc()
	cmd.SetUsageFunc(func(c *cobra.Command) error {
		all := pflag.NewFlagSet("", pflag.ContinueOnError)
		f.kube.Add(all)
		all.String("prometheus", "", "")
		all.Bool("read-only", false, "")
		if len(but) > 0 {
			all.String("config", "", "")
		}
		inherited := c.InheritedFlags()
		hide := func(hidden bool) {
			all.VisitAll(func(x *pflag.Flag) {
				if known := inherited.Lookup(x.Name); known != nil && !slices.Contains(but, x.Name) {
					known.Hidden = hidden
				}
			})
		}
		hide(true)
		defer hide(false)
		return usage(c)
	})
}

func atMostOneWorkload(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usagef("one workload at most, got %s; the components of several are set in rollbook.yaml", strings.Join(args, " "))
	}
	if len(args) == 1 {
		if _, err := config.ParseWorkload(args[0]); err != nil {
			return usagef("%w", err)
		}
	}
	return nil
}

// noCommand says that there is no command of that name, and which is like it.
func noCommand(root *cobra.Command, name string) error {
	name = text.Line(name)
	like := root.SuggestionsFor(name)
	switch {
	case name == "version":
		return usagef("no such command: version; %s --version prints it", root.CommandPath())
	case len(like) > 0:
		return usagef("no such command: %s; did you mean %s?", name, strings.Join(like, " or "))
	}
	return usagef("no such command: %s; %s --help lists them, and a workload is KIND/NAME: deployment/%s", name, root.CommandPath(), name)
}

// noScreen says why a screen cannot be shown here, and what can be had without one;
// nil when it can.
func noScreen(what, instead string) error {
	switch {
	case !term.IsTerminal(os.Stdin.Fd()) || !term.IsTerminal(os.Stdout.Fd()):
		return fmt.Errorf("%s needs a terminal; without one, try: %s", what, instead)
	case os.Getenv("TERM") == "dumb":
		return fmt.Errorf("%s cannot be shown with TERM=dumb: set TERM to what this terminal is, such as xterm-256color; without a screen, try: %s", what, instead)
	}
	return nil
}

// commandName is how the program was called: as a kubectl plugin it is two
// words.
func commandName() string {
	if strings.HasPrefix(filepath.Base(os.Args[0]), "kubectl-") {
		return "kubectl rollbook"
	}
	return "rollbook"
}
