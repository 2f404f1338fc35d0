package config

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // git's name for a blob, no protection
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// A Version is what an incident's journal keeps of a source (runbook L2).
type Version struct {
	Name   string // of the source
	Hash   string // SHA-256 of its contents
	Commit string // of the git work tree that it is in; "" when in none
	// Changed says that the contents are not those of the commit: the file is
	// changed, or not committed.
	Changed bool
}

// gitDeadline is how long git may take for one file, a folder on a network
// included.
var gitDeadline = time.Second // a test on a loaded machine waits longer

// Versions returns the version of each source. It runs git, so call it where
// waiting is no harm; without git, or a work tree, the commit is absent.
func (c *Config) Versions(ctx context.Context) []Version {
	all := make([]Version, len(c.Sources))
	for i, s := range c.Sources {
		all[i] = Version{Name: s.Label(), Hash: s.Hash}
		if s.Path == "" || s.Data != nil {
			continue
		}
		all[i].Commit, all[i].Changed = commitOf(ctx, s)
	}
	return all
}

// commitOf asks for the commit and for the blob that it holds in the file's
// place, and compares that with the contents read. "git status" would answer
// too, but runs filters and hooks that the folder's own configuration names,
// and the folder is not trusted.
func commitOf(ctx context.Context, s Source) (commit string, changed bool) {
	path, err := filepath.EvalSymlinks(s.Path)
	if err != nil {
		return "", false
	}
	ctx, cancel := context.WithTimeout(ctx, gitDeadline)
	defer cancel()
	git := func(revision string) string {
		cmd := exec.CommandContext(ctx, "git", "-C", filepath.Dir(path), "rev-parse", "--verify", "--quiet", revision)
		cmd.Env = gitEnv(os.Environ())
		cmd.WaitDelay = 100 * time.Millisecond
		out, err := cmd.Output()
		if err != nil {
			return ""
		}
		return string(bytes.TrimSpace(out))
	}
	commit = git("HEAD^{commit}")
	if !objectName(commit) {
		return "", false
	}
	blob := git("HEAD:./" + filepath.Base(path))
	if !objectName(blob) {
		return commit, true
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return commit, true
	}
	sum := sha256.Sum256(data)
	return commit, hex.EncodeToString(sum[:]) != s.Hash || blobName(data, len(blob)) != blob
}

// gitEnv keeps git from looking at another repository than the file's, from
// asking, and from fetching.
func gitEnv(env []string) []string {
	var kept []string
	for _, e := range env {
		if !strings.HasPrefix(e, "GIT_") {
			kept = append(kept, e)
		}
	}
	return append(kept, "GIT_TERMINAL_PROMPT=0", "GIT_NO_LAZY_FETCH=1", "GIT_OPTIONAL_LOCKS=0")
}

func objectName(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil && (len(s) == 40 || len(s) == 64)
}

// blobName is what git calls data: a SHA-1, or in newer repositories a SHA-256,
// of so many hexadecimal digits.
func blobName(data []byte, digits int) string {
	blob := fmt.Appendf(nil, "blob %d\x00", len(data))
	blob = append(blob, data...)
	if digits == 64 {
		sum := sha256.Sum256(blob)
		return hex.EncodeToString(sum[:])
	}
	sum := sha1.Sum(blob) //nolint:gosec // see above
	return hex.EncodeToString(sum[:])
}
