package proc

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The test binary plays two other programs: the reaper, which NewFolder starts
// from /proc/self/exe, and a testbed that is to be killed.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == ReapCommand {
		if err := Reap(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if base := os.Getenv("PROC_TEST_BED"); base != "" {
		playBed(base)
	}
	os.Exit(m.Run())
}

func playBed(base string) {
	f, err := NewFolder(base)
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	p := &Process{Name: "sleep", Path: "/bin/sleep", Args: []string{"600"}, Dir: f.Path, Log: filepath.Join(f.Path, "log")}
	if err := p.Start(); err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	fmt.Println(f.Path, p.PID())
	select {}
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 10 s", what)
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func TestKilledTestbedLeavesNothing(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "PROC_TEST_BED="+t.TempDir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var dir string
	var pid int
	if _, err := fmt.Sscan(line, &dir, &pid); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	if !exists(dir) || syscall.Kill(pid, 0) != nil {
		t.Fatalf("folder %s or process %d is missing while the testbed runs", dir, pid)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	until(t, "the component to end", func() bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) })
	until(t, "the folder to go", func() bool { return !exists(dir) })
}

func TestCloseRemovesUnlessKept(t *testing.T) {
	for _, keep := range []bool{false, true} {
		f, err := NewFolder(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		if keep {
			if err := f.Keep(); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if exists(f.Path) != keep {
			t.Errorf("keep %v: the folder is there: %v", keep, exists(f.Path))
		}
	}
}

func TestWaitReadyShowsTheLogOfWhatEnded(t *testing.T) {
	dir := t.TempDir()
	p := &Process{Name: "thing", Path: "/bin/sh", Args: []string{"-c", "echo port is taken; exit 3"}, Dir: dir, Log: filepath.Join(dir, "log")}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	err := p.WaitReady(t.Context(), 5*time.Second, func(context.Context) error { return errors.New("no") })
	if err == nil || !strings.Contains(err.Error(), "port is taken") || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("got %v", err)
	}
}

func TestStartAgain(t *testing.T) {
	dir := t.TempDir()
	p := &Process{Name: "sleep", Path: "/bin/sleep", Args: []string{"600"}, Dir: dir, Log: filepath.Join(dir, "log")}
	for range 2 {
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		if !p.Running() || p.PID() == 0 {
			t.Fatal("it does not run")
		}
		p.Kill()
		if p.Running() {
			t.Fatal("it still runs")
		}
	}
}

func TestFreePortsDiffer(t *testing.T) {
	seen := map[int]bool{}
	for range 50 {
		p, err := FreePort()
		if err != nil {
			t.Fatal(err)
		}
		if seen[p] {
			t.Fatalf("%d was given twice", p)
		}
		seen[p] = true
	}
}

func TestReapRefusesOtherFolders(t *testing.T) {
	dir := t.TempDir()
	if err := Reap(dir); err == nil || !exists(dir) {
		t.Errorf("a folder of somebody else: %v", err)
	}
	if err := RemoveAddress("127.0.0.1"); err == nil {
		t.Error("an address of somebody else was removed")
	}
}
