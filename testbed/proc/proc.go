// Package proc runs the components of a testbed as child processes that never
// outlive it: the kernel kills them when the testbed dies, and a reaper process
// removes what the kernel does not know about (the data folder, an address).
// It is for Linux: it rests on PR_SET_PDEATHSIG and /proc.
package proc

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Process is one component. It can be started again after it was stopped.
type Process struct {
	Name string // for messages
	Path string
	Args []string
	Env  []string // added to the testbed's own
	Dir  string   // working folder: the data folder, by which the reaper knows its processes
	Log  string   // file that takes stdout and stderr

	mu   sync.Mutex
	cmd  *exec.Cmd
	done chan struct{}
	err  error
}

// spawn runs f on one thread that lives as long as the process: PR_SET_PDEATHSIG
// fires when the *thread* that started the child ends, and Go ends threads.
var spawn = sync.OnceValue(func() chan<- func() {
	ch := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range ch {
			f()
		}
	}()
	return ch
})

// StartTied starts cmd so that it is killed when the testbed dies, however it dies.
func StartTied(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	errc := make(chan error)
	spawn() <- func() { errc <- cmd.Start() }
	return <-errc
}

// Start starts the component; it does not wait until it is ready.
func (p *Process) Start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running() {
		return nil
	}
	log, err := os.OpenFile(p.Log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	defer log.Close() // the child has its own copy
	cmd := exec.Command(p.Path, p.Args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.Dir, log, log
	cmd.Env = append(os.Environ(), p.Env...)
	// A group of its own: Ctrl-C at the terminal must reach the testbed only,
	// which then stops the components in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := StartTied(cmd); err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	done := make(chan struct{})
	p.cmd, p.done, p.err = cmd, done, nil
	go func() {
		err := cmd.Wait()
		p.mu.Lock()
		p.err = err
		p.mu.Unlock()
		close(done)
	}()
	return nil
}

func (p *Process) running() bool {
	if p.done == nil {
		return false
	}
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Running says whether the component runs now.
func (p *Process) Running() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.running()
}

// PID is the process id, 0 when it does not run.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.running() {
		return 0
	}
	return p.cmd.Process.Pid
}

// Kill ends the component at once and waits until it is gone. All data is
// disposable, and an outage is meant to be abrupt, so there is no gentle way.
func (p *Process) Kill() {
	p.mu.Lock()
	cmd, done, running := p.cmd, p.done, p.running()
	p.mu.Unlock()
	if !running {
		return
	}
	_ = cmd.Process.Kill()
	<-done
}

// WaitReady polls ready until it returns nil. It fails early, with the end of
// the component's log, when the process ends.
func (p *Process) WaitReady(ctx context.Context, limit time.Duration, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	last := fmt.Errorf("not asked yet")
	for {
		if !p.Running() {
			p.mu.Lock()
			err := p.err
			p.mu.Unlock()
			return fmt.Errorf("%s ended while it was starting (%v); the end of %s:\n%s", p.Name, err, p.Log, p.Tail(25))
		}
		try, stop := context.WithTimeout(ctx, 2*time.Second)
		err := ready(try)
		stop()
		if err == nil {
			return nil
		}
		if ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s was not ready within %s: %w; the end of %s:\n%s", p.Name, limit, last, p.Log, p.Tail(25))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Tail returns the last n lines of the component's log.
func (p *Process) Tail(n int) string {
	b, err := os.ReadFile(p.Log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return strings.Join(lines, "\n")
}
