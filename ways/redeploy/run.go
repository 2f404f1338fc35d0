package redeploy

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"rollbook/model"
	"rollbook/text"
)

// Deadlines of the programs that are run. Each is cut short by its caller's context too.
const (
	readDeadline  = 10 * time.Second // git, of what is here
	fetchDeadline = 10 * time.Second // git, over the network
	buildDeadline = 20 * time.Second
)

// maxOutput is the most that is read of a program.
const maxOutput = 64 << 20

// program is one run of a program.
type program struct {
	name     string // "git", or a path
	args     []string
	dir      string   // "" = this one
	keeps    []string // beginnings of the operator's variables that it is given; nil = all but those that are withheld
	env      []string // beside these
	path     string   // PATH; "" = the operator's
	in       io.Reader
	deadline time.Duration
}

// withheld are the beginnings of variables that no program is given: git's own would send
// it to another repository, and the rest are questions that nobody answers.
var withheld = []string{"GIT_", "SSH_ASKPASS", "KUSTOMIZE_", "ROLLBOOK_", "LC_ALL=", "PAGER="}

// What a program is given of the operator's variables: tokens that are there for others
// are not among them.
var (
	forItself  = []string{"HOME=", "TMPDIR=", "LANG=", "LANGUAGE=", "LC_", "PATH="}
	forNetwork = append([]string{"USER=", "LOGNAME=", "XDG_", "SSH_AUTH_SOCK=", "KRB5", "SSL_CERT_", "HTTP_PROXY=", "HTTPS_PROXY=", "NO_PROXY=", "ALL_PROXY=",
		"http_proxy=", "https_proxy=", "no_proxy=", "all_proxy="}, forItself...)
)

// environment returns what a program is given: nothing that leads it elsewhere or lets it
// ask.
func (p *program) environment() []string {
	begins := func(e string, any []string) bool {
		return slices.ContainsFunc(any, func(s string) bool { return strings.HasPrefix(e, s) })
	}
	env := slices.DeleteFunc(os.Environ(), func(e string) bool {
		return begins(e, withheld) || p.keeps != nil && !begins(e, p.keeps) || p.path != "" && strings.HasPrefix(e, "PATH=")
	})
	env = append(env, "GIT_TERMINAL_PROMPT=0", "GIT_OPTIONAL_LOCKS=0", "GIT_NO_LAZY_FETCH=1", "GIT_PAGER=cat", "PAGER=cat", "SSH_ASKPASS_REQUIRE=never", "LC_ALL=C")
	if p.path != "" {
		env = append(env, "PATH="+p.path)
	}
	return append(env, p.env...)
}

// run returns what a program prints. It has no terminal: it cannot ask, and all that it
// started ends with it.
func (p *program) run(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, p.deadline)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.name, p.args...)
	cmd.Dir, cmd.Env, cmd.Stdin = p.dir, p.environment(), p.in
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	out, said := &bounded{most: maxOutput}, &bounded{most: 64 << 10}
	cmd.Stdout, cmd.Stderr = out, said
	err := cmd.Run()
	name := filepath.Base(p.name)
	switch {
	case err == nil && out.over:
		return nil, model.Told(nil, nil, "%s prints more than %d MB", name, maxOutput>>20)
	case err == nil:
		return out.Bytes(), nil
	case errors.Is(err, exec.ErrNotFound):
		return nil, model.Told(nil, err, "%s is not installed, or not in PATH", name)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, model.Told(nil, ctx.Err(), "%s did not end within %s", name, model.Short(p.deadline))
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	why := firstWords(said.String())
	if why == "" {
		why = err.Error()
	}
	return nil, model.Told(nil, err, "%s: %s", name, why)
}

// logged matches what kubectl writes before the words of its failure.
var logged = text.Pattern(`^[EF]\d{4} [\d:.]+ +\d+ [^ ]+\] ("command failed" err=[<"]?)?`)

// firstWords returns what a program says of its failure: the first lines of it that mean
// something.
func firstWords(s string) string {
	var kept []string
	for l := range strings.Lines(text.Lines(s)) {
		l = strings.TrimSpace(logged().ReplaceAllString(l, ""))
		for _, sign := range []string{"fatal: ", "error: ", "Error: "} {
			l = strings.TrimPrefix(l, sign)
		}
		if l != "" && l != ">" && !strings.HasPrefix(l, "hint:") && !strings.HasPrefix(l, "#") {
			kept = append(kept, l)
		}
	}
	if len(kept) > 2 {
		kept = kept[:2]
	}
	return text.Truncate(strings.Join(kept, "; "), 300)
}

// bounded keeps what is written to it, up to so many bytes.
type bounded struct {
	bytes.Buffer
	most int
	over bool
}

func (b *bounded) Write(p []byte) (int, error) {
	if room := b.most - b.Len(); len(p) > room {
		b.over = true
		_, _ = b.Buffer.Write(p[:room])
		return len(p), nil
	}
	return b.Buffer.Write(p)
}
