package kubelet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/creack/pty"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"

	"rollbook/testbed/proc"
)

// WorkDir is the annotation of a pod that says in which folder of this machine
// its commands run; without it, in the testbed's data folder.
const WorkDir = "testbed/workdir"

// exec runs a command "in" a container: really, on this machine, with the
// container's environment. (KWOK could do it too, but reports a failure without
// its exit code and does not notice the end of stdin.)
func (k *Kubelet) exec(w http.ResponseWriter, r *http.Request) {
	ns, name, container := r.PathValue("namespace"), r.PathValue("pod"), r.PathValue("container")
	p, err := k.client.CoreV1().Pods(ns).Get(r.Context(), name, metav1.GetOptions{})
	if err != nil {
		http.Error(w, fmt.Sprintf("pod %q not found: %v", name, err), http.StatusNotFound)
		return
	}
	if run, err := choose(p, container, false); err != nil || !run.end.IsZero() {
		http.Error(w, fmt.Sprintf("container not found (%q)", container), http.StatusInternalServerError)
		return
	}
	options, err := remotecommand.NewOptions(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	remotecommand.ServeExec(w, r, executor{k, p, container}, name, string(p.UID), container, r.URL.Query()["command"],
		options, 4*time.Hour, 30*time.Second, remotecommand.SupportedStreamingProtocols)
}

type executor struct {
	kubelet   *Kubelet
	pod       *corev1.Pod
	container string
}

// ExecInContainer runs the command, with a terminal of its own where one is asked for.
func (e executor) ExecInContainer(ctx context.Context, _, _, _ string, args []string, in io.Reader, out, errOut io.WriteCloser, tty bool, sizes <-chan remotecommand.TerminalSize, _ time.Duration) error {
	if len(args) == 0 {
		return errors.New("no command was given")
	}
	env, err := e.env(ctx)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env, cmd.Dir = append(os.Environ(), env...), e.kubelet.dir
	if d := e.pod.Annotations[WorkDir]; d != "" {
		cmd.Dir = d
	}
	if tty {
		return onTerminal(cmd, in, out, sizes)
	}
	if out != nil {
		cmd.Stdout = out
	}
	if errOut != nil {
		cmd.Stderr = errOut
	}
	if in != nil {
		// Not cmd.Stdin: Wait would go on until the client ends its side.
		stdin, err := cmd.StdinPipe()
		if err != nil {
			return err
		}
		go func() {
			_, _ = io.Copy(stdin, in)
			stdin.Close()
		}()
	}
	if err := proc.StartTied(cmd); err != nil {
		return notStarted(err, cmd.Stderr)
	}
	return ended(cmd.Wait())
}

// onTerminal runs the command as the leader of a session on a terminal, whose size is the
// client's.
func onTerminal(cmd *exec.Cmd, in io.Reader, out io.Writer, sizes <-chan remotecommand.TerminalSize) error {
	control, terminal, err := pty.Open()
	if err != nil {
		return fmt.Errorf("a terminal for the command: %w", err)
	}
	defer control.Close()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = terminal, terminal, terminal
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if !slices.ContainsFunc(cmd.Env, func(s string) bool { return strings.HasPrefix(s, "TERM=") }) {
		cmd.Env = append(cmd.Env, "TERM=xterm")
	}
	resize := func(s remotecommand.TerminalSize) {
		_ = pty.Setsize(control, &pty.Winsize{Rows: s.Height, Cols: s.Width})
	}
	select {
	case s, ok := <-sizes: // the first one is sent with the request
		if ok {
			resize(s)
		}
	case <-time.After(time.Second):
	}
	err = proc.StartTied(cmd)
	terminal.Close() // the command has it
	if err != nil {
		return notStarted(err, out)
	}
	over := make(chan struct{})
	go func() {
		for {
			select {
			case s, ok := <-sizes:
				if !ok {
					return
				}
				resize(s)
			case <-over:
				return
			}
		}
	}()
	if in != nil {
		go func() { _, _ = io.Copy(control, in) }()
	}
	if out != nil {
		_, _ = io.Copy(out, control) // it ends, with an error, when nobody has the terminal any more
	}
	err = cmd.Wait()
	close(over)
	return ended(err)
}

// notStarted answers with the code that shells use for a command that is not there.
func notStarted(err error, say io.Writer) error {
	if say != nil {
		fmt.Fprintln(say, err)
	}
	return utilexec.CodeExitError{Err: fmt.Errorf("exec: %w", err), Code: 127}
}

// ended is the end of a command, with its exit code.
func ended(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		return utilexec.CodeExitError{Err: err, Code: exit.ExitCode()}
	}
	return err
}

// env is the container's environment, less what Kubernetes would add.
func (e executor) env(ctx context.Context) ([]string, error) {
	var out []string
	for _, c := range e.pod.Spec.Containers {
		if c.Name != e.container {
			continue
		}
		for _, v := range c.Env {
			if v.ValueFrom == nil {
				out = append(out, v.Name+"="+v.Value)
				continue
			}
			ref := v.ValueFrom.SecretKeyRef
			if ref == nil {
				continue
			}
			s, err := e.kubelet.client.CoreV1().Secrets(e.pod.Namespace).Get(ctx, ref.Name, metav1.GetOptions{})
			if err != nil {
				return nil, fmt.Errorf("the container's environment: %w", err)
			}
			out = append(out, v.Name+"="+string(s.Data[ref.Key]))
		}
	}
	return out, nil
}
