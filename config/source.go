package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// FileName is what a configuration is called in a folder, and its key in the
// ConfigMap.
const FileName = "rollbook.yaml"

// A Kind says where a source comes from, from the least trusted to the most.
type Kind int

const (
	Cluster Kind = iota // ConfigMap "rollbook" in the namespace
	Folder              // the working folder's file
	User                // $XDG_CONFIG_HOME/rollbook/rollbook.yaml
	Flag                // --config
)

func (k Kind) String() string {
	return [...]string{"ConfigMap", "working folder", "user's file", "--config"}[k]
}

// Shared reports whether others than the operator may edit the source, so that
// it may not set what is private.
func (k Kind) Shared() bool { return k == Cluster || k == Folder }

// A Source is one file, or what stands for one.
type Source struct {
	Kind Kind
	// Name is what messages call it; empty means the path.
	Name string
	Path string
	// Data is its contents; nil means that Load reads Path.
	Data []byte
	// Hash is the SHA-256 of the contents in hexadecimal, set by Load.
	Hash string

	loaded []byte // the contents as Load read them; nil = not yet
}

// Label is what messages call the source.
func (s Source) Label() string {
	if s.Name != "" {
		return printable(s.Name)
	}
	return printable(s.Path)
}

// Find returns the files to read. flag is the value of --config: if it is not
// empty, it is the only one. Otherwise they are rollbook.yaml in workdir and
// rollbook/rollbook.yaml in xdg (see UserDir), as far as they exist; one that
// cannot be looked at is returned too, for Load to say why. A file reached
// both ways is the user's.
func Find(flag, workdir, xdg string) []Source {
	if flag != "" {
		return []Source{{Kind: Flag, Path: flag}}
	}
	var found []Source
	var seen []os.FileInfo
	for _, s := range []Source{
		{Kind: User, Path: userFile(xdg)},
		{Kind: Folder, Path: inFolder(workdir)},
	} {
		if s.Path == "" {
			continue
		}
		info, err := os.Stat(s.Path)
		if errors.Is(err, fs.ErrNotExist) {
			// A dangling link, and a file with the other ending, are mistakes to
			// be told, not the absence of a file.
			if _, err := os.Lstat(s.Path); err != nil {
				if s.Path = strings.TrimSuffix(s.Path, ".yaml") + ".yml"; !exists(s.Path) {
					continue
				}
			}
		}
		if err == nil {
			twice := false
			for _, other := range seen {
				twice = twice || os.SameFile(info, other)
			}
			if twice {
				continue
			}
			seen = append(seen, info)
		}
		found = append([]Source{s}, found...)
	}
	return found
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// UserDir returns the folder that holds the user's configuration, by the XDG
// base directory specification: $XDG_CONFIG_HOME if it is an absolute path,
// else ~/.config; "" when there is no home.
func UserDir(getenv func(string) string) string {
	if dir := getenv("XDG_CONFIG_HOME"); filepath.IsAbs(dir) {
		return dir
	}
	if home := getenv("HOME"); home != "" {
		return filepath.Join(home, ".config")
	}
	return ""
}

func userFile(xdg string) string {
	if xdg == "" {
		return ""
	}
	return filepath.Join(xdg, "rollbook", FileName)
}

func inFolder(dir string) string {
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, FileName)
}

// maxSize is far above what a thousand components need, and low enough that
// the parser's time stays under a second.
const maxSize = 256 << 10

// read returns the contents of s.
func (s Source) read() ([]byte, error) {
	if s.loaded != nil {
		return s.loaded, nil
	}
	if s.Data != nil {
		if len(s.Data) > maxSize {
			return nil, tooLarge(int64(len(s.Data)))
		}
		return s.Data, nil
	}
	if strings.HasSuffix(s.Path, ".yml") && s.Kind != Flag {
		return nil, fmt.Errorf("is not read under this name: rename it to %s", FileName)
	}
	info, err := os.Stat(s.Path)
	if err != nil {
		return nil, readError(err)
	}
	mode := info.Mode()
	switch {
	case mode.IsDir():
		return nil, fmt.Errorf("is a folder; a file is needed, such as %s in it", FileName)
	case mode.IsRegular():
		if info.Size() > maxSize {
			return nil, tooLarge(info.Size())
		}
	case mode&fs.ModeNamedPipe != 0 && s.Kind == Flag: // --config <(decrypt …)
	default:
		return nil, errors.New("is not a regular file, so reading it might never end")
	}
	f, err := os.Open(s.Path)
	if err != nil {
		return nil, readError(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, readError(err)
	}
	if len(data) > maxSize {
		return nil, tooLarge(int64(len(data)))
	}
	return data, nil
}

func tooLarge(n int64) error {
	return fmt.Errorf("has %d kB; a configuration has at most %d", (n+1023)>>10, maxSize>>10)
}

// readError takes the path out of err, which stands before it anyway, and adds
// what to do.
func readError(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("cannot be read: %w; write one with: rollbook config init", fs.ErrNotExist)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("cannot be read: %w; it must be readable for you", fs.ErrPermission)
	}
	return fmt.Errorf("cannot be read: %w", bare(err))
}
