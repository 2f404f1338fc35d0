package journal

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestFullDiskGoesOnElsewhere writes until a real file system is full: the whole
// journal is then in the next folder.
func TestFullDiskGoesOnElsewhere(t *testing.T) {
	full, next := filepath.Join(t.TempDir(), "full"), t.TempDir()
	if err := os.Mkdir(full, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", full, "tmpfs", 0, "size=64k"); err != nil {
		t.Logf("no tmpfs of 64 KiB here (%v): the disk is one that takes no write at all", err)
		file := filepath.Join(full, "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		full = filepath.Join(file, "nowhere")
	} else {
		t.Cleanup(func() { _ = syscall.Unmount(full, syscall.MNT_DETACH) })
	}
	j, acks := begin(t, full, next)
	const facts = 100
	for range facts {
		if _, err := j.Append(fact(strings.Repeat("x", 2000))); err != nil {
			t.Fatal(err)
		}
	}
	path, err := acks.until(t, facts)
	if err != nil || !strings.HasPrefix(path, next) {
		t.Fatalf("at %q: %v", path, err)
	}
	j.Close()
	c, err := Read(path)
	if err != nil || len(c.Facts) != facts {
		t.Fatalf("%d facts, %v", len(c.Facts), err)
	}
	// What is left behind on the full disk is no second incident.
	if u := search(full, next); len(u.Open) != 1 || u.Open[0].Path != path {
		t.Errorf("offered: %+v, %v", u.Open, u.Errs)
	}
}

// TestReadOnlyDisk is a file system that is mounted read-only: permissions do
// not keep root out.
func TestReadOnlyDisk(t *testing.T) {
	ro, next := filepath.Join(t.TempDir(), "ro"), t.TempDir()
	if err := os.Mkdir(ro, 0o500); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 {
		if err := syscall.Mount("tmpfs", ro, "tmpfs", syscall.MS_RDONLY, "size=64k"); err != nil {
			t.Skipf("root, and no right to mount a read-only file system: %v", err)
		}
		t.Cleanup(func() { _ = syscall.Unmount(ro, syscall.MNT_DETACH) })
	}
	j, acks := begin(t, ro, next)
	_, _ = j.Append(fact("one"))
	if path, err := acks.until(t, 1); err != nil || !strings.HasPrefix(path, next) {
		t.Errorf("at %q: %v", path, err)
	}
	j.Close()
	j, acks = begin(t, ro)
	_, _ = j.Append(fact("one"))
	if _, err := acks.until(t, 1); err == nil || !strings.Contains(err.Error(), ro) {
		t.Errorf("a read-only disk alone: %v", err)
	}
	j.Close()
}
