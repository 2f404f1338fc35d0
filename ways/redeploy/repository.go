package redeploy

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"rollbook/model"
	"rollbook/text"
	"rollbook/ways"
)

// repository is a clone that versions are read from.
type repository struct {
	dir  string // its folder
	url  string // where it is fetched from, of one that rollbook keeps; "" = the operator's own
	kept string // folder that it is in
}

// repository returns a target's. Nothing is asked.
func (r Redeploy) repository(t Target) (repository, error) {
	if !remote(t.Repository) {
		dir := t.Repository
		if rest, ok := strings.CutPrefix(dir, "~/"); ok {
			dir = filepath.Join(r.Home, rest)
		}
		return repository{dir: dir}, nil
	}
	if r.Kept == "" {
		return repository{}, model.Told(nil, nil, "there is no folder to keep a clone of %s in: name a clone of yours as the repository", text.Line(t.Repository))
	}
	return repository{dir: filepath.Join(r.Kept, model.Digest(t.Repository)), url: t.Repository, kept: r.Kept}, nil
}

// remote reports whether a repository is an address, and not a folder.
func remote(s string) bool {
	if strings.Contains(s, "://") {
		return true
	}
	host, _, ok := strings.Cut(s, ":") // git@host:path
	return ok && !strings.Contains(host, "/")
}

// git runs git in the repository. It runs no hooks, and no program that the repository
// names for looking at its work tree.
func (g repository) git(ctx context.Context, deadline time.Duration, args ...string) ([]byte, error) {
	return g.gitWith(ctx, deadline, nil, args...)
}

func (g repository) gitWith(ctx context.Context, deadline time.Duration, in []byte, args ...string) ([]byte, error) {
	p := program{name: "git", deadline: deadline, keeps: forNetwork,
		args: append([]string{"-C", g.dir, "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "gc.auto=0", "-c", "maintenance.auto=false"}, args...)}
	if in != nil {
		p.in = bytes.NewReader(in)
	}
	return p.run(ctx)
}

// locked makes one after the other use a clone that is being fetched.
func (s *state) locked(g repository) func() {
	s.mu.Lock()
	m := s.repos[g.dir]
	if m == nil {
		m = &sync.Mutex{}
		s.repos[g.dir] = m
	}
	s.mu.Unlock()
	m.Lock()
	return m.Unlock
}

// fetch brings a clone that rollbook keeps up to date, and makes it when it is not there.
// The operator's own is left as it is. Where the other side does not answer, what is here
// has to do, and stale says why.
func (r Redeploy) fetch(ctx context.Context, g repository) (stale, err error) {
	if g.url == "" {
		if info, err := os.Stat(g.dir); err != nil || !info.IsDir() {
			return nil, model.Told(nil, err, "%s: there is no such folder", text.Line(g.dir))
		}
		return nil, nil
	}
	defer r.state.locked(g)()
	if _, err := os.Stat(filepath.Join(g.dir, "HEAD")); err == nil {
		_, stale = g.git(ctx, fetchDeadline, "fetch", "--quiet", "--force", "--prune", "--tags", "--no-recurse-submodules", "origin")
	} else {
		if err := os.MkdirAll(g.kept, 0o700); err != nil {
			return nil, err
		}
		half := g.dir + ".new"
		if err := os.RemoveAll(half); err != nil {
			return nil, err
		}
		at := repository{dir: g.kept}
		if _, err := at.git(ctx, buildDeadline, "clone", "--quiet", "--mirror", "--no-recurse-submodules", "--", g.url, half); err != nil {
			return nil, model.Told(nil, err, "%s cannot be cloned: %s", text.Line(g.url), err)
		}
		if err := os.Rename(half, g.dir); err != nil {
			return nil, err
		}
	}
	r.state.mu.Lock()
	r.state.fetched[g.dir] = stale
	r.state.mu.Unlock()
	return stale, nil
}

// stale says why the newest state of a clone could not be fetched; nil = it was, or it is
// not ours to fetch.
func (s *state) stale(g repository) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fetched[g.dir]
}

// release is a tag, or a commit without one.
type release struct {
	tag, commit   string
	at            time.Time // zero = unknown
	author, title string
}

// How many are listed.
const (
	maxTags    = 40
	maxCommits = 10
)

const fields = "%00%(objectname)%00%(*objectname)%00%(creatordate:unix)%00%(authorname)%00%(*authorname)%00%(taggername)%00%(contents:subject)%00%(*contents:subject)"

// releases lists the newest tags and the newest commits that have none, newest first.
func (g repository) releases(ctx context.Context, tags string) ([]release, error) {
	pattern := "refs/tags/"
	if tags != "" {
		pattern += tags
	}
	var found, head []byte
	var errTags, errHead error
	ways.Several(
		func() {
			found, errTags = g.git(ctx, readDeadline, "for-each-ref", "--sort=-version:refname", "--sort=-creatordate", "--count="+strconv.Itoa(maxTags), "--format=%(refname:strip=2)"+fields, pattern)
		},
		func() {
			head, errHead = g.git(ctx, readDeadline, "log", "--no-show-signature", "-n", strconv.Itoa(maxCommits+maxTags), "--format=%H%x00%ct%x00%an%x00%s", "HEAD", "--")
		})
	if errTags != nil {
		return nil, errTags
	}
	var out []release
	tagged := map[string]bool{}
	for l := range strings.Lines(string(found)) {
		f := strings.Split(strings.TrimSuffix(l, "\n"), "\x00")
		if len(f) != 9 {
			continue
		}
		x := release{tag: f[0], commit: cmp.Or(f[2], f[1]), at: unix(f[3]), author: cmp.Or(f[5], f[4], f[6]), title: cmp.Or(f[8], f[7])}
		tagged[x.commit] = true
		out = append(out, x)
	}
	plain := 0
	for l := range strings.Lines(string(head)) {
		f := strings.Split(strings.TrimSuffix(l, "\n"), "\x00")
		if errHead != nil || len(f) != 4 || tagged[f[0]] || plain == maxCommits {
			continue
		}
		plain++
		out = append(out, release{commit: f[0], at: unix(f[1]), author: f[2], title: f[3]})
	}
	if len(out) == 0 && errHead != nil {
		return nil, errHead
	}
	return out, nil
}

func unix(s string) time.Time {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(n, 0)
}

// resolve returns the commit that a tag is at now; "" = there is no such tag.
func (g repository) resolve(ctx context.Context, tag string) (string, error) {
	out, err := g.git(ctx, readDeadline, "rev-parse", "--verify", "--quiet", "refs/tags/"+tag+"^{commit}")
	commit := strings.TrimSpace(string(out))
	var no *exec.ExitError
	switch {
	case errors.As(err, &no) && ctx.Err() == nil:
		return "", nil
	case err != nil:
		return "", err
	case !objectName(commit):
		return "", model.Told(nil, nil, "git names %q as the commit of %s", text.Line(commit), text.Line(tag))
	}
	return commit, nil
}

// there returns the commit that a tag is at where the clone comes from; "" = there is no
// such tag.
func (g repository) there(ctx context.Context, tag string) (string, error) {
	out, err := g.git(ctx, fetchDeadline, "ls-remote", "--quiet", "origin", "refs/tags/"+tag, "refs/tags/"+tag+"^{}")
	if err != nil {
		return "", err
	}
	commit := ""
	for l := range strings.Lines(string(out)) {
		name, ref, _ := strings.Cut(strings.TrimSpace(l), "\t")
		if commit == "" || strings.HasSuffix(ref, "^{}") {
			commit = name
		}
	}
	return commit, nil
}

// origin reports whether the clone comes from somewhere.
func (g repository) origin(ctx context.Context) bool {
	out, err := g.git(ctx, readDeadline, "config", "--get", "remote.origin.url")
	return err == nil && len(bytes.TrimSpace(out)) > 0
}

func objectName(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil && (len(s) == 40 || len(s) == 64)
}

// Limits of what is written out for a build.
const (
	maxFiles = 50_000
	maxTree  = 512 << 20
)

// writeOut writes the files of a commit into a folder. They are read as git keeps them:
// no filter, hook or attribute of the repository has a say, and neither the operator's
// work tree nor the index is looked at.
func (g repository) writeOut(ctx context.Context, commit, to string) error {
	list, err := g.git(ctx, readDeadline, "ls-tree", "-r", "-z", "--full-tree", commit)
	if err != nil {
		return err
	}
	type file struct{ mode, name string }
	var files []file
	var ask bytes.Buffer
	for entry := range strings.SplitSeq(string(list), "\x00") {
		head, name, ok := strings.Cut(entry, "\t")
		f := strings.Fields(head)
		if !ok || len(f) != 3 || f[1] != "blob" { // a submodule is another repository
			continue
		}
		files = append(files, file{f[0], name})
		ask.WriteString(f[2] + "\n")
	}
	if len(files) > maxFiles {
		return model.Told(nil, nil, "commit %s has %d files, more than %d", ways.ShortCommit(commit), len(files), maxFiles)
	}
	all, err := g.gitWith(ctx, buildDeadline, ask.Bytes(), "cat-file", "--batch")
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(to)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, f := range files {
		head, rest, ok := bytes.Cut(all, []byte("\n"))
		words := strings.Fields(string(head))
		size := -1
		if len(words) == 3 {
			size, err = strconv.Atoi(words[2])
		}
		if !ok || err != nil || size < 0 || size >= len(rest) {
			return model.Told(nil, err, "git does not give %s of commit %s: %s", text.Line(f.name), ways.ShortCommit(commit), text.Line(string(head)))
		}
		if err := write(root, f.mode, f.name, rest[:size]); err != nil {
			return model.Told(nil, err, "%s of commit %s cannot be written out: %s", text.Line(f.name), ways.ShortCommit(commit), err)
		}
		all = rest[size+1:]
	}
	return nil
}

// write makes one file. The root lets none lie outside of it, by its name or by a link.
func write(root *os.Root, mode, name string, data []byte) error {
	if dir := path.Dir(name); dir != "." {
		if err := root.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	switch mode {
	case "120000":
		return root.Symlink(string(data), name)
	case "100755":
		return root.WriteFile(name, data, 0o700)
	}
	return root.WriteFile(name, data, 0o600)
}
