package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// tty is a terminal whose other side a test has.
type tty struct {
	program *os.File // the side of the program
	more    chan []byte
	sent    []byte
}

func newTTY(t *testing.T) *tty {
	t.Helper()
	ours, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ours.Close() })
	fd := int(ours.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	err = errors.Join(err, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0), unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Col: 80, Row: 24}))
	if err != nil {
		t.Fatal(err)
	}
	m := &tty{more: make(chan []byte)}
	if m.program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(m.more)
		for {
			b := make([]byte, 4096)
			n, err := ours.Read(b)
			if n > 0 {
				m.more <- b[:n]
			}
			if err != nil { // nobody has the other side any more
				return
			}
		}
	}()
	return m
}

// gets reads until the program has sent the words, or has ended; it reports which.
func (m *tty) gets(words string) bool {
	for !bytes.Contains(m.sent, []byte(words)) {
		b, more := <-m.more
		if !more {
			return false
		}
		m.sent = append(m.sent, b...)
	}
	return true
}

// rest reads what is left, until the program has ended.
func (m *tty) rest() {
	for b := range m.more {
		m.sent = append(m.sent, b...)
	}
}

// A terminal that says that it can show no screen is sent nothing: one line says what to
// do instead. Any other is sent the screen.
func TestDumbTerminal(t *testing.T) {
	books := books(t, map[string]string{rolledBack: "rolled-back"})
	for name, tt := range map[string]struct {
		args    []string
		instead string
	}{
		"the walk":     {nil, "rollbook doctor"},
		"the sandbox":  {[]string{"sandbox", "--scenario", "errors"}, "rollbook sandbox --serve"},
		"the opening":  {[]string{"sandbox"}, "rollbook sandbox --serve"},
		"a replay":     {[]string{"replay", "latest", "--journal-dir", books}, "rollbook report " + rolledBack},
		"a look along": {[]string{"--read-only"}, "rollbook doctor"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, term := range []string{"dumb", "xterm-256color"} {
				cmd, tmp := asCommand(t, tt.args...)
				for _, file := range []string{"kubeconfig", "rollbook.yaml"} {
					if err := os.Remove(filepath.Join(cmd.Dir, file)); err != nil {
						t.Fatal(err)
					}
				}
				if err := os.WriteFile(filepath.Join(cmd.Dir, "kubeconfig"), []byte(nobodyAnswers), 0o600); err != nil {
					t.Fatal(err)
				}
				// The screen's library closes the terminal while its reader may still ask for its
				// number: with the race detector the program would end by that.
				cmd.Env = append(cmd.Env, "TERM="+term, "GORACE=exitcode=0")
				var said strings.Builder
				m := newTTY(t)
				cmd.Stdin, cmd.Stdout, cmd.Stderr = m.program, m.program, &said
				err := cmd.Start()
				_ = m.program.Close()
				if err != nil {
					t.Fatal(err)
				}
				if term != "dumb" {
					if !m.gets("\x1b[?1049h") {
						t.Errorf("%s: no screen was shown: %q, said %q", term, m.sent, said.String())
					}
					_ = cmd.Process.Signal(syscall.SIGTERM)
					m.rest()
					if err := cmd.Wait(); err != nil {
						t.Errorf("%s: %v, said %q", term, err, said.String())
					}
					continue
				}
				if m.gets("\x1b") { // then it would stay
					_ = cmd.Process.Kill()
				}
				m.rest()
				_ = cmd.Wait() // the exit code is what counts
				if code := cmd.ProcessState.ExitCode(); code != 1 {
					t.Errorf("%s: exit %d", term, code)
				}
				if len(m.sent) > 0 {
					t.Errorf("%s: the terminal was sent %q", term, m.sent)
				}
				line := said.String()
				if strings.Count(line, "\n") != 1 || !strings.Contains(line, "TERM=dumb") || !strings.HasSuffix(line, "try: "+tt.instead+"\n") || strings.Contains(line, "\x1b") {
					t.Errorf("%s: it said %q", term, line)
				}
				nothingIn(t, tmp)
			}
		})
	}
}

// nobodyAnswers is a kubeconfig of a cluster that is not there.
const nobodyAnswers = `apiVersion: v1
kind: Config
current-context: prod
contexts: [{name: prod, context: {cluster: c, user: u, namespace: production}}]
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: u, user: {token: t}}]
`
