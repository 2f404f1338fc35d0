package cli

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"runtime/debug"
	"slices"
	"sync"

	"golang.org/x/sys/unix"
	"k8s.io/klog/v2"

	"rollbook/text"
)

// quiet keeps foreign writers off the screen: client-go's log, the API server's
// warnings, and what exec credential plugins and other children write to
// standard error. The last lines are kept for whoever asks.
type quiet struct {
	real *os.File // standard error as it was; nil = it was left alone
	once sync.Once

	mu    sync.Mutex
	lines []string
}

// keepLines is how much of the foreign chatter is kept.
const keepLines = 50

// hush takes file descriptor 2 over. It must be called before any Kubernetes
// client is made: authenticators remember os.Stderr. A crash of the runtime
// still reaches the real standard error.
func hush() (*quiet, error) {
	q := &quiet{}
	fd, err := unix.Dup(2)
	if err != nil {
		return nil, fmt.Errorf("standard error: %w", err)
	}
	unix.CloseOnExec(fd)
	q.real = os.NewFile(uintptr(fd), "stderr")
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("standard error: %w", err)
	}
	if err := unix.Dup2(int(w.Fd()), 2); err != nil {
		return nil, fmt.Errorf("standard error: %w", err)
	}
	_ = w.Close()
	if err := debug.SetCrashOutput(q.real, debug.CrashOptions{}); err != nil {
		return nil, fmt.Errorf("standard error: %w", err)
	}
	go func() {
		in := bufio.NewScanner(r)
		for in.Scan() {
			q.note(in.Text())
		}
		_, _ = io.Copy(io.Discard, r)
	}()
	klog.SetSlogLogger(slog.New(slog.DiscardHandler))
	log.SetOutput(io.Discard)
	return q, nil
}

// note keeps a line.
func (q *quiet) note(line string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.lines = append(q.lines, text.Line(line))
	if len(q.lines) > keepLines {
		q.lines = slices.Delete(q.lines, 0, 1)
	}
}

// loud lets what is written to standard error through until back is called.
func (q *quiet) loud() (back func() error, err error) {
	pipe, err := unix.Dup(2)
	if err != nil {
		return nil, fmt.Errorf("standard error: %w", err)
	}
	unix.CloseOnExec(pipe)
	if err := unix.Dup2(int(q.real.Fd()), 2); err != nil {
		return nil, fmt.Errorf("standard error: %w", err)
	}
	return func() error {
		defer unix.Close(pipe)
		return unix.Dup2(pipe, 2)
	}, nil
}

// restore gives standard error back. It may be called more than once.
func (q *quiet) restore() {
	if q.real == nil {
		return
	}
	q.once.Do(func() {
		_ = unix.Dup2(int(q.real.Fd()), 2)
		_ = debug.SetCrashOutput(nil, debug.CrashOptions{})
	})
}
