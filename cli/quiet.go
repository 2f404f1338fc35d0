package cli

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"log/slog"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/klog/v2"

	"rollbook/text"
)

// quiet keeps foreign writers off the screen: client-go's log, the API server's
// warnings, and what exec credential plugins and other children write to
// standard error. The last lines are kept for whoever asks.
type quiet struct {
	real *os.File // standard error as it was; nil = it was left alone
	pipe *os.File // into which standard error goes meanwhile
	once sync.Once

	mu    sync.Mutex
	lines []string
	heard []heard                  // what programs wrote to standard error last
	marks map[string]chan struct{} // closed when their line has been read
}

// heard is a line that a program wrote to standard error.
type heard struct {
	at   time.Time
	line string
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
	unix.CloseOnExec(int(w.Fd()))
	q.pipe = w
	if err := debug.SetCrashOutput(q.real, debug.CrashOptions{}); err != nil {
		return nil, fmt.Errorf("standard error: %w", err)
	}
	go func() {
		in := bufio.NewScanner(r)
		for in.Scan() {
			q.hear(in.Text())
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

// hear keeps a line that came in by the pipe, if it is no mark of said.
func (q *quiet) hear(line string) {
	line, mark, marked := strings.Cut(line, "\x00")
	if line != "" {
		q.note(line)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if line = strings.TrimSpace(text.Line(line)); line != "" {
		q.heard = append(q.heard, heard{time.Now(), line})
		q.heard = q.heard[max(0, len(q.heard)-saidMost):]
	}
	if seen := q.marks[mark]; marked && seen != nil {
		close(seen)
		delete(q.marks, mark)
	}
}

// What is told of the words of a program: its last lines, when they came close to
// each other and a short while ago.
const (
	saidMost   = 3
	saidWithin = 2 * time.Second
	saidLately = 15 * time.Second
)

// said returns the last words that a program wrote to standard error; "" when there
// are none of late. A program that has ended is heard to its end.
func (q *quiet) said() string {
	if q.pipe == nil {
		return ""
	}
	q.mu.Lock()
	if q.marks == nil {
		q.marks = map[string]chan struct{}{}
	}
	seen, mark := make(chan struct{}), strconv.FormatUint(rand.Uint64(), 36) //nolint:gosec // a mark, not a secret
	q.marks[mark] = seen
	q.mu.Unlock()
	if _, err := q.pipe.WriteString("\x00" + mark + "\n"); err == nil {
		select {
		case <-seen:
		case <-time.After(time.Second):
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	var lines []string
	for n := len(q.heard) - 1; n >= 0; n-- {
		newest := q.heard[len(q.heard)-1].at
		if h := q.heard[n]; time.Since(newest) < saidLately && newest.Sub(h.at) < saidWithin && !slices.Contains(lines, h.line) {
			lines = slices.Insert(lines, 0, h.line)
		}
	}
	return strings.Join(lines, " · ")
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
		_ = q.pipe.Close()
	})
}
