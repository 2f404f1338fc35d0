// Package uitest is an emulated terminal, in which tests run the whole program:
// they type keys, read the screen, and keep pictures of it. It is used in
// bubbles of testing/synctest alone, where to wait costs nothing. Golden files of
// screens are compared here too.
package uitest

import (
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"
)

// Terminal is one. The program reads its keys from it and writes its screen to
// it.
type Terminal struct {
	Width, Height int

	t    testing.TB
	emu  *vt.SafeEmulator
	out  atomic.Int64
	keys *io.PipeReader // as the program reads them
	in   *io.PipeWriter
}

// Env is the environment of a terminal that can do everything.
var Env = []string{"TERM=xterm-256color", "LANG=C.UTF-8", "COLORTERM=truecolor"}

// Program are the options without which the program would look for the test's
// own terminal, or take this one for a file.
var Program = []tea.ProgramOption{tea.WithoutSignalHandler(), tea.WithColorProfile(colorprofile.TrueColor)}

// New makes a terminal. Close it in the bubble that made it.
func New(t testing.TB, width, height int) *Terminal {
	m := &Terminal{Width: width, Height: height, t: t, emu: vt.NewSafeEmulator(width, height)}
	_, _ = m.emu.Write([]byte("\x1b[20h")) // the program's newlines return the carriage too: there is no tty to do it
	m.keys, m.in = io.Pipe()
	go func() { _, _ = io.Copy(m.in, m.emu) }() // what the terminal answers
	return m
}

// Read gives the program the keys that were typed.
func (m *Terminal) Read(b []byte) (int, error) { return m.keys.Read(b) }

// Write shows what the program sends.
func (m *Terminal) Write(b []byte) (int, error) {
	m.out.Add(int64(len(b)))
	return m.emu.Write(b)
}

// Bytes is how much the program has sent.
func (m *Terminal) Bytes() int64 { return m.out.Load() }

// Hangup ends the input: the program does not read any more.
func (m *Terminal) Hangup() { _ = m.keys.Close() }

// Close ends the terminal, after the program.
func (m *Terminal) Close() {
	_ = m.keys.Close()
	_ = m.in.Close()
	if c, ok := m.emu.InputPipe().(io.Closer); ok {
		_ = c.Close()
	}
}

// pause is longer than a confirmation waits for silence.
const pause = 500 * time.Millisecond

// Settle lets half a second pass, and what follows from it happen.
func (m *Terminal) Settle() {
	time.Sleep(pause)
	synctest.Wait()
}

// Screen is the text on the screen.
func (m *Terminal) Screen() string { return ansi.Strip(m.emu.Render()) }

// Keys types, and waits until it has settled.
func (m *Terminal) Keys(text string) {
	m.t.Helper()
	if _, err := m.in.Write([]byte(text)); err != nil {
		m.t.Fatalf("the program does not read keys any more: %v\n%s", err, m.Screen())
	}
	m.Settle()
}

// Sees fails unless the screen holds all of the words now.
func (m *Terminal) Sees(words ...string) {
	m.t.Helper()
	screen := m.Screen()
	for _, w := range words {
		if !strings.Contains(screen, w) {
			m.t.Fatalf("%q is not on the screen:\n%s", w, screen)
		}
	}
}

// Waits lets time pass until the screen holds the words, at most so long.
func (m *Terminal) Waits(within time.Duration, words ...string) {
	m.t.Helper()
	for left := within; ; left -= pause {
		screen, missing := m.Screen(), ""
		for _, w := range words {
			if !strings.Contains(screen, w) {
				missing = w
			}
		}
		switch {
		case missing == "":
			return
		case left <= 0:
			m.t.Fatalf("%q did not come to the screen within %v:\n%s", missing, within, screen)
		}
		m.Settle()
	}
}
