package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// ErrForeign is wrapped by the errors of Ours: others could have written what is
// there.
var ErrForeign = errors.New("nothing is read or written there")

// Ours returns an error, which wraps ErrForeign, unless a folder is this user's
// alone to write: it is no symbolic link, belongs to this user, and nobody else may
// write it or put another in its place. A folder that is not there yet is judged by
// those above it. In /dev/shm and /tmp anybody can make the folder that rollbook
// looks for, and with it an incident.
func Ours(dir string) error {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	st, err := os.Lstat(abs)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("look at %s: %w", abs, err)
	default:
		if err := foreign(st, abs); err != nil {
			return err
		}
		if !st.IsDir() {
			return fmt.Errorf("%s is no folder: %w", abs, ErrForeign)
		}
		if mode := st.Mode().Perm(); mode&0o022 != 0 {
			return fmt.Errorf("others may write to %s (mode %04o): %w; remove it, or run chmod go-w after looking at what is in it", abs, mode, ErrForeign)
		}
	}
	return heldByUs(filepath.Dir(abs))
}

// heldByUs checks the folders above: who owns one, or may write it, can put another
// in the place of what is in it.
func heldByUs(dir string) error {
	real, err := filepath.EvalSymlinks(dir)
	for errors.Is(err, fs.ErrNotExist) && dir != filepath.Dir(dir) {
		dir = filepath.Dir(dir)
		real, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return fmt.Errorf("look at %s: %w", dir, err)
	}
	for {
		st, err := os.Stat(real)
		if err != nil {
			return fmt.Errorf("look at %s: %w", real, err)
		}
		if uid, known := owner(st); known && uid != 0 && uid != os.Geteuid() {
			return fmt.Errorf("%s belongs to another user (uid %d): %w", real, uid, ErrForeign)
		}
		if mode := st.Mode(); mode.Perm()&0o002 != 0 && mode&fs.ModeSticky == 0 {
			return fmt.Errorf("anybody may write to %s (mode %04o): %w", real, mode.Perm(), ErrForeign)
		}
		if real == filepath.Dir(real) {
			return nil
		}
		real = filepath.Dir(real)
	}
}

// foreign says why something is not this user's.
func foreign(st fs.FileInfo, path string) error {
	if st.Mode()&fs.ModeSymlink != 0 {
		return fmt.Errorf("%s is a symbolic link: %w; name the folder that it leads to", path, ErrForeign)
	}
	if uid, known := owner(st); known && uid != os.Geteuid() {
		return fmt.Errorf("%s belongs to another user (uid %d): %w; remove it, or name another folder with --journal-dir", path, uid, ErrForeign)
	}
	return nil
}

// owner returns whose a file is. It is a variable since only root can give one away,
// and the tests are for everybody.
var owner = func(st fs.FileInfo) (uid int, known bool) {
	if s, ok := st.Sys().(*syscall.Stat_t); ok {
		return int(s.Uid), true
	}
	return 0, false
}

// open opens a file for reading, unless it is a symbolic link.
func open(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if errors.Is(err, syscall.ELOOP) {
		return nil, fmt.Errorf("%s is a symbolic link: %w", path, ErrForeign)
	}
	return f, err
}
