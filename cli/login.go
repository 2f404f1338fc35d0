package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"rollbook/kube"
)

// loginWait is how long somebody may take to log in.
const loginWait = 10 * time.Minute

// door keeps the terminal's input from the programs that credentials come from,
// while the screen reads it. They run whenever a request wants credentials, and
// look for their input at file descriptor 0.
type door struct {
	in    *os.File // the terminal's input, for the screen
	empty *os.File
}

// shutDoor moves the terminal's input to another file descriptor.
func shutDoor() (*door, error) {
	fd, err := unix.Dup(0)
	if err != nil {
		return nil, fmt.Errorf("standard input: %w", err)
	}
	unix.CloseOnExec(fd)
	d := &door{in: os.NewFile(uintptr(fd), "terminal")}
	if d.empty, err = os.Open(os.DevNull); err != nil {
		return nil, fmt.Errorf("standard input: %w", err)
	}
	return d, d.lead(d.empty)
}

func (d *door) lead(to *os.File) error { return unix.Dup2(int(to.Fd()), 0) }

// login runs the credentials' program with the terminal.
func (d *door) login(q *quiet, c *kube.Client) error {
	ctx, cancel := context.WithTimeout(context.Background(), loginWait)
	defer cancel()
	return c.Login(ctx, func() (func() error, error) { return d.give(q, c.Plugin()) })
}

// give gives input and error output of the terminal to the program, and returns
// what takes them back.
func (d *door) give(q *quiet, plugin string) (back func() error, err error) {
	loud, err := q.loud()
	if err != nil {
		return nil, err
	}
	back = func() error { return errors.Join(d.lead(d.empty), loud()) }
	if err := d.lead(d.in); err != nil {
		return nil, errors.Join(fmt.Errorf("standard input: %w", err), back())
	}
	fmt.Fprintf(os.Stderr, "rollbook: logging in with %s; ctrl+c gives up\n", filepath.Base(plugin))
	return back, nil
}
