package kubelet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"time"

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

// ExecInContainer runs the command with pipes, also where a terminal is asked for.
func (e executor) ExecInContainer(ctx context.Context, _, _, _ string, args []string, in io.Reader, out, errOut io.WriteCloser, _ bool, _ <-chan remotecommand.TerminalSize, _ time.Duration) error {
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
	if out != nil {
		cmd.Stdout = out
	}
	switch {
	case errOut != nil:
		cmd.Stderr = errOut
	case out != nil:
		cmd.Stderr = out // a terminal has one stream
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
		if cmd.Stderr != nil {
			fmt.Fprintln(cmd.Stderr, err)
		}
		// The code that shells use for a command that is not there.
		return utilexec.CodeExitError{Err: fmt.Errorf("exec: %w", err), Code: 127}
	}
	err = cmd.Wait()
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
