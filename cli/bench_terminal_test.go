//go:build e2e && bench

package cli

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"
	"golang.org/x/sys/unix"
)

// session is a program in a terminal of its own, of 80×24, whose output is read
// as it comes.
type session struct {
	t     testing.TB
	cmd   *exec.Cmd
	tty   *os.File // our end
	start time.Time
	ended chan struct{}
	end   time.Time // when the program was gone

	mu     sync.Mutex
	screen *vt.SafeEmulator
	bytes  int
	reads  int
	first  time.Time // of the first byte
	waits  []*sight
}

// sight is something that is waited for on the screen.
type sight struct {
	is   func(string) bool
	seen chan time.Time
}

// run starts a program in a terminal. The clock starts just before.
func run(t testing.TB, env []string, name string, args ...string) *session {
	t.Helper()
	s := &session{t: t, ended: make(chan struct{})}
	s.screen = vt.NewSafeEmulator(80, 24)
	var slave *os.File
	s.tty, slave = openTerminal(t, 80, 24)
	go func() { _, _ = io.Copy(s.tty, s.screen) }() // what the terminal is asked for
	s.cmd = exec.Command(name, args...)
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = slave, slave, slave
	s.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "TERM=xterm-256color", "LANG=C.UTF-8"}, env...)
	s.cmd.Dir = t.TempDir()
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Pdeathsig: syscall.SIGKILL}
	read := make(chan struct{})
	go s.read(read)
	s.start = time.Now()
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	go func() {
		_ = s.cmd.Wait()
		s.end = time.Now()
		<-read
		close(s.ended)
	}()
	t.Cleanup(s.kill)
	return s
}

func openTerminal(t testing.TB, w, h int) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := master.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if e := raw.Control(func(fd uintptr) {
		if err = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); err != nil {
			return
		}
		if n, err = unix.IoctlGetInt(int(fd), unix.TIOCGPTN); err != nil {
			return
		}
		err = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Row: uint16(h), Col: uint16(w)})
	}); e != nil || err != nil {
		t.Fatal("open a terminal: ", e, err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return master, slave
}

func (s *session) read(done chan struct{}) {
	defer close(done)
	buf := make([]byte, 64<<10)
	for {
		n, err := s.tty.Read(buf)
		at := time.Now()
		if err != nil {
			return // EIO: nobody is at the other end any more
		}
		s.mu.Lock()
		if s.bytes == 0 {
			s.first = at
		}
		s.bytes += n
		s.reads++
		_, _ = s.screen.Write(buf[:n])
		s.look(at)
		s.mu.Unlock()
	}
}

// look is called with the lock held.
func (s *session) look(at time.Time) {
	if len(s.waits) == 0 {
		return
	}
	text := ansi.Strip(s.screen.Render())
	rest := s.waits[:0]
	for _, w := range s.waits {
		if w.is(text) {
			w.seen <- at
		} else {
			rest = append(rest, w)
		}
	}
	s.waits = rest
}

// watch begins to wait for something on the screen; the channel gets the moment
// when the bytes arrived that brought it there.
func (s *session) watch(is func(string) bool) <-chan time.Time {
	w := &sight{is: is, seen: make(chan time.Time, 1)}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waits = append(s.waits, w)
	s.look(time.Now())
	return w.seen
}

// await waits for what watch began.
func (s *session) await(what string, seen <-chan time.Time, within time.Duration) time.Time {
	s.t.Helper()
	select {
	case at := <-seen:
		return at
	case <-time.After(within):
	case <-s.ended:
		select {
		case at := <-seen:
			return at
		default:
		}
	}
	s.t.Fatalf("not seen within %s: %s; the screen is:\n%s", within, what, s.text())
	panic("not reached")
}

// sees waits for words on the screen.
func (s *session) sees(words string) time.Time {
	s.t.Helper()
	return s.await(words, s.watch(has(words)), 30*time.Second)
}

func has(words string) func(string) bool {
	return func(text string) bool { return strings.Contains(text, words) }
}

func (s *session) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return ansi.Strip(s.screen.Render())
}

// sent is how much went to the terminal so far, in how many pieces.
func (s *session) sent() (bytes, reads int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bytes, s.reads
}

// press writes keys and returns the moment before.
func (s *session) press(keys string) time.Time {
	s.t.Helper()
	at := time.Now()
	if _, err := s.tty.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
	return at
}

// wait waits for the program's end.
func (s *session) wait(within time.Duration) time.Time {
	s.t.Helper()
	select {
	case <-s.ended:
	case <-time.After(within):
		s.t.Fatalf("%s did not end within %s; the screen is:\n%s", s.cmd, within, s.text())
	}
	if !s.cmd.ProcessState.Success() {
		s.t.Fatalf("%s: %v; the screen is:\n%s", s.cmd, s.cmd.ProcessState, s.text())
	}
	return s.end
}

// quit leaves rollbook.
func (s *session) quit() {
	s.t.Helper()
	s.press("q")
	s.wait(10 * time.Second)
	s.tty.Close()
}

func (s *session) kill() {
	select {
	case <-s.ended:
	default:
		_ = s.cmd.Process.Kill()
		<-s.ended
	}
	s.tty.Close()
}
