package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"rollbook/kube"
)

// completeWait is how long a shell waits for the cluster when tab is pressed.
const completeWait = 2 * time.Second

// completion is what cobra asks for what can stand somewhere.
type completion = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective)

// completeFlags completes the flags that lead to a cluster.
func completeFlags(root *cobra.Command, f *flags) {
	for name, complete := range map[string]completion{
		"context": func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return f.kube.Contexts(), cobra.ShellCompDirectiveNoFileComp
		},
		"namespace": asking(f, func(ctx context.Context, c *kube.Client) ([]string, error) { return c.Namespaces(ctx) }),
		"config": func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return []string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
		},
		"journal-dir": func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
	} {
		_ = root.RegisterFlagCompletionFunc(name, complete) // fails only for a flag that is not there
	}
}

// completeWorkloads completes KIND/NAME with the workloads of the namespace.
func completeWorkloads(f *flags) completion {
	ask := asking(f, func(ctx context.Context, c *kube.Client) ([]string, error) {
		all, err := c.Workloads(ctx)
		var out []string
		for _, w := range all {
			out = append(out, w.String())
		}
		return out, err
	})
	return func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return ask(cmd, args, begun)
	}
}

// asking completes with what the cluster answers at once. Where it does not, there is
// nothing to complete, and nothing is said: a shell's line is no place for errors.
func asking(f *flags, what func(context.Context, *kube.Client) ([]string, error)) completion {
	return func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(cmd.Context(), completeWait)
		defer cancel()
		quiet, err := f.stage.quiet()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		defer quiet.restore()
		c, err := f.look(quiet)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		out, _ := what(ctx, c)
		return out, cobra.ShellCompDirectiveNoFileComp
	}
}
