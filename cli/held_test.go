package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// holding makes the test binary a program that holds signals, with this file to
// be cleared away.
const holding = "ROLLBOOK_TEST_HOLDING"

func init() {
	otherPrograms[holding] = func() int {
		h := hold()
		h.clearing(func() { _ = os.Remove(os.Getenv(holding)) })
		fmt.Println("held")
		select {}
	}
	otherPrograms[cleared] = func() int {
		r, err := newRoom(&stage{})
		if err != nil {
			return exitError
		}
		r.clear()
		fmt.Println("cleared")
		_, _ = io.Copy(io.Discard, os.Stdin)
		return 0
	}
}

// cleared makes the test binary a program that has left the sandbox's room, and
// ends when its input does.
const cleared = "ROLLBOOK_TEST_CLEARED"

// A signal that comes late, when the room is cleared and the process not ended yet,
// does not make a failure of an end in order.
func TestSignalAfterTheRoomIsCleared(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), cleared+"=1", "TMPDIR="+t.TempDir())
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "cleared\n" {
		t.Fatal(line, err)
	}
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if err := cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	_ = in.Close()
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

// One signal of each kind ends nothing by itself; a second of a kind ends the
// process at once, and even then nothing is left.
func TestSecondSignalOfItsKindEndsAtOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), holding+"="+file)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
		t.Fatal(line, err)
	}
	ended := make(chan error, 1)
	_ = cmd.Process.Signal(syscall.SIGHUP)
	_ = cmd.Process.Signal(os.Interrupt)
	go func() { ended <- cmd.Wait() }()
	for { // signals that come together are one
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case err := <-ended:
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 128+int(syscall.SIGTERM) {
				t.Errorf("it ended with %v", err)
			}
			if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the file is left: %v", err)
			}
			return
		default:
		}
	}
}

func TestSecondOfItsKind(t *testing.T) {
	for _, c := range []struct {
		came []os.Signal
		want os.Signal
	}{
		{nil, nil},
		{[]os.Signal{syscall.SIGTERM, syscall.SIGHUP, os.Interrupt}, nil},
		{[]os.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGTERM}, syscall.SIGTERM},
		{[]os.Signal{os.Interrupt, os.Interrupt}, os.Interrupt},
	} {
		signals := make(chan os.Signal, len(c.came))
		for _, s := range c.came {
			signals <- s
		}
		close(signals)
		if got := secondOfItsKind(signals); got != c.want {
			t.Errorf("%v: %v, want %v", c.came, got, c.want)
		}
	}
}
