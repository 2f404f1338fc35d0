// Package build makes the programs that a cluster consists of from their Go
// modules and keeps them in a cache outside the repository, by version, so that
// a second run builds nothing. No registry of images and no container engine is
// needed.
package build

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// A tool is one program: where it comes from and how it is linked.
type tool struct {
	name    string // of the binary
	module  string // whose version names the cache folder
	pkg     string // of its main
	ldflags func(version string) string
}

const versionPkg = "k8s.io/component-base/version"

// kubeFlags give the Kubernetes programs the version that a release build
// carries. Without it they say v0.0.0-master, and clients that parse it complain.
func kubeFlags(v string) string {
	major, rest, _ := strings.Cut(strings.TrimPrefix(v, "v"), ".")
	minor, _, _ := strings.Cut(rest, ".")
	x := map[string]string{
		"gitVersion": v, "gitMajor": major, "gitMinor": minor,
		"gitCommit": v, "gitTreeState": "clean", "buildDate": "1970-01-01T00:00:00Z",
	}
	flags := "-s -w"
	for _, k := range []string{"gitVersion", "gitMajor", "gitMinor", "gitCommit", "gitTreeState", "buildDate"} {
		flags += " -X " + versionPkg + "." + k + "=" + x[k]
	}
	return flags
}

func strip(string) string { return "-s -w" }

func kwokFlags(v string) string {
	return "-s -w -X sigs.k8s.io/kwok/pkg/consts.Version=" + v
}

// The slowest comes first: what it compiles, the others mostly share.
var tools = []tool{
	{"kube-apiserver", "k8s.io/kubernetes", "k8s.io/kubernetes/cmd/kube-apiserver", kubeFlags},
	{"etcd", "go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3", strip},
	{"kube-controller-manager", "k8s.io/kubernetes", "k8s.io/kubernetes/cmd/kube-controller-manager", kubeFlags},
	{"kube-scheduler", "k8s.io/kubernetes", "k8s.io/kubernetes/cmd/kube-scheduler", kubeFlags},
	{"kwok", "sigs.k8s.io/kwok", "sigs.k8s.io/kwok/cmd/kwok", kwokFlags},
	{"kubectl", "k8s.io/kubernetes", "k8s.io/kubernetes/cmd/kubectl", kubeFlags},
	{"prometheus", "github.com/prometheus/prometheus", "github.com/prometheus/prometheus/cmd/prometheus", strip},
	{"promtool", "github.com/prometheus/prometheus", "github.com/prometheus/prometheus/cmd/promtool", strip},
}

// Tools are the paths of the built programs.
type Tools struct {
	Etcd, APIServer, ControllerManager, Scheduler string
	KWOK, Kubectl, Prometheus, Promtool           string
}

// CacheDir is where the built programs are kept.
func CacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder for the built programs: %w; set XDG_CACHE_HOME or HOME", err)
	}
	return filepath.Join(dir, "rollbook-testbed"), nil
}

// Ensure builds what the cache lacks and returns the paths. goMod and goSum are
// this module's own files: the build runs in a scratch module made of them, so
// that it works from any folder. What it does is told to log.
func Ensure(ctx context.Context, goMod, goSum []byte, log func(format string, args ...any)) (Tools, error) {
	cache, err := CacheDir()
	if err != nil {
		return Tools{}, err
	}
	versions := moduleVersions(goMod)
	paths := map[string]string{}
	var missing []tool
	for _, t := range tools {
		v, ok := versions[t.module]
		if !ok {
			return Tools{}, fmt.Errorf("build %s: go.mod does not require %s", t.name, t.module)
		}
		p := filepath.Join(cache, filepath.Base(strings.TrimSuffix(t.module, "/server/v3"))+"-"+v+"-"+runtime.Version(), t.name)
		paths[t.name] = p
		if _, err := os.Stat(p); err != nil {
			missing = append(missing, t)
		}
	}
	if len(missing) > 0 {
		if err := buildAll(ctx, cache, goMod, goSum, missing, paths, versions, log); err != nil {
			return Tools{}, err
		}
	}
	return Tools{
		Etcd: paths["etcd"], APIServer: paths["kube-apiserver"],
		ControllerManager: paths["kube-controller-manager"], Scheduler: paths["kube-scheduler"],
		KWOK: paths["kwok"], Kubectl: paths["kubectl"],
		Prometheus: paths["prometheus"], Promtool: paths["promtool"],
	}, nil
}

func buildAll(ctx context.Context, cache string, goMod, goSum []byte, missing []tool, paths, versions map[string]string, log func(string, ...any)) error {
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return fmt.Errorf("make the cache folder: %w", err)
	}
	unlock, err := lock(ctx, filepath.Join(cache, "lock"), log)
	if err != nil {
		return err
	}
	defer unlock()

	src, err := os.MkdirTemp("", "rollbook-testbed-src-")
	if err != nil {
		return fmt.Errorf("make a scratch module: %w", err)
	}
	defer os.RemoveAll(src)
	for name, data := range map[string][]byte{"go.mod": goMod, "go.sum": goSum} {
		if err := os.WriteFile(filepath.Join(src, name), data, 0o644); err != nil {
			return fmt.Errorf("make a scratch module: %w", err)
		}
	}
	for _, t := range missing {
		out := paths[t.name]
		if _, err := os.Stat(out); err == nil {
			continue // another run built it while this one waited for the lock
		}
		start := time.Now()
		log("building %s %s", t.name, versions[t.module])
		if err := buildOne(ctx, src, t, versions[t.module], out); err != nil {
			return err
		}
		log("built %s in %s", t.name, time.Since(start).Round(time.Second))
	}
	return nil
}

func buildOne(ctx context.Context, src string, t tool, version, out string) error {
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return fmt.Errorf("build %s: %w", t.name, err)
	}
	tmp := fmt.Sprintf("%s.%d", out, os.Getpid())
	defer os.Remove(tmp)
	// -mod=mod: the scratch module has no Go files, so nothing needs to be tidy.
	cmd := exec.CommandContext(ctx, "go", "build", "-mod=mod", "-buildvcs=false", "-ldflags", t.ldflags(version), "-o", tmp, t.pkg)
	cmd.Dir = src
	// Without cgo the programs run on any machine of this architecture. A
	// workspace or vendor setting of the caller must not reach into this build.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=", "GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH)
	if b, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s (%s@%s): %w\n%s\ncheck that the Go module proxy can be reached and that the disk has 6 GB free", t.name, t.pkg, version, err, tail(b, 4000))
	}
	if err := os.Rename(tmp, out); err != nil {
		return fmt.Errorf("build %s: %w", t.name, err)
	}
	return nil
}

// lock keeps two runs from compiling the same at once; the lock is the kernel's
// and goes with the process.
func lock(ctx context.Context, path string, log func(string, ...any)) (func(), error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock the cache: %w", err)
	}
	for told := false; ; {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			f.Close()
			return nil, fmt.Errorf("lock the cache %s: %w", path, err)
		}
		if !told {
			log("another run is building; waiting for it")
			told = true
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, fmt.Errorf("lock the cache %s: %w", path, context.Cause(ctx))
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// moduleVersions reads the required versions out of a go.mod.
func moduleVersions(goMod []byte) map[string]string {
	v := map[string]string{}
	s := bufio.NewScanner(strings.NewReader(string(goMod)))
	for s.Scan() {
		f := strings.Fields(strings.TrimPrefix(strings.TrimSpace(s.Text()), "require "))
		// Replacements have an arrow in second place.
		if len(f) >= 2 && strings.HasPrefix(f[1], "v") {
			v[f[0]] = f[1]
		}
	}
	return v
}

func tail(b []byte, n int) string {
	s := strings.TrimSpace(string(b))
	if len(s) > n {
		s = "…" + s[len(s)-n:]
	}
	return s
}

// KubeVersion is the version of Kubernetes that go.mod requires.
func KubeVersion(goMod []byte) string { return moduleVersions(goMod)["k8s.io/kubernetes"] }
