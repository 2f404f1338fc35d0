package proc

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const dirPrefix = "rollbook-testbed-"

// ReapCommand is the hidden command by which the program runs as its own reaper.
const ReapCommand = "reap"

// Folder is the data folder of one running testbed, guarded by a reaper.
type Folder struct {
	Path string
	pipe *os.File
	reap *exec.Cmd
}

// NewFolder makes a data folder under base (the system's temporary folder when
// empty) and starts its reaper: a second process of this program, in a session
// of its own, that waits at the end of a pipe. The pipe ends when the testbed
// does, by whatever signal, and then the reaper clears up.
func NewFolder(base string) (*Folder, error) {
	if base == "" {
		base = os.TempDir()
	}
	sweep(base)
	dir, err := os.MkdirTemp(base, fmt.Sprintf("%s%d-", dirPrefix, os.Getpid()))
	if err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start the reaper: %w", err)
	}
	defer r.Close()
	cmd := exec.Command("/proc/self/exe", ReapCommand, dir)
	cmd.Stdin = r
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		os.RemoveAll(dir)
		return nil, fmt.Errorf("start the reaper: %w", err)
	}
	return &Folder{Path: dir, pipe: w, reap: cmd}, nil
}

// Address tells the reaper of an address on the loopback device to take away.
func (f *Folder) Address(ip string) error {
	if err := os.WriteFile(filepath.Join(f.Path, "address"), []byte(ip), 0o644); err != nil {
		return fmt.Errorf("note the address %s for the reaper: %w", ip, err)
	}
	return nil
}

// Keep makes the reaper leave the folder in place.
func (f *Folder) Keep() error {
	if err := os.WriteFile(filepath.Join(f.Path, "keep"), nil, 0o644); err != nil {
		return fmt.Errorf("mark %s as to be kept: %w", f.Path, err)
	}
	return nil
}

// Close lets the reaper do its work and waits for it.
func (f *Folder) Close() error {
	f.pipe.Close()
	if err := f.reap.Wait(); err != nil {
		return fmt.Errorf("clear up %s: %w", f.Path, err)
	}
	return nil
}

// Reap is the reaper: it waits for the end of stdin, ends what still runs in the
// folder, and removes the folder and the address noted in it.
func Reap(dir string) error {
	if !strings.HasPrefix(filepath.Base(dir), dirPrefix) {
		return fmt.Errorf("reap %s: not a folder of this program", dir)
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	return clearUp(dir)
}

func clearUp(dir string) error {
	for deadline := time.Now().Add(5 * time.Second); ; {
		pids := working(dir)
		if len(pids) == 0 || time.Now().After(deadline) {
			break
		}
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		time.Sleep(50 * time.Millisecond)
	}
	var errs []error
	if ip, err := os.ReadFile(filepath.Join(dir, "address")); err == nil {
		errs = append(errs, RemoveAddress(string(ip)))
	}
	if _, err := os.Stat(filepath.Join(dir, "keep")); err != nil {
		errs = append(errs, os.RemoveAll(dir))
	}
	return errors.Join(errs...)
}

// working lists the processes whose working folder is dir.
func working(dir string) []int {
	links, _ := filepath.Glob("/proc/[0-9]*/cwd")
	var pids []int
	for _, l := range links {
		if to, err := os.Readlink(l); err == nil && to == dir {
			pid, _ := strconv.Atoi(strings.Split(l, "/")[2])
			pids = append(pids, pid)
		}
	}
	return pids
}

// sweep clears folders whose testbed is gone and whose reaper was killed too
// (a machine that was switched off, an out-of-memory killer).
func sweep(base string) {
	dirs, _ := filepath.Glob(filepath.Join(base, dirPrefix+"[0-9]*-*"))
	for _, d := range dirs {
		num, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(d), dirPrefix), "-")
		pid, err := strconv.Atoi(num)
		if err != nil || syscall.Kill(pid, 0) == nil {
			continue
		}
		if _, err := os.Stat(filepath.Join(d, "keep")); err == nil {
			continue
		}
		_ = clearUp(d)
	}
}
