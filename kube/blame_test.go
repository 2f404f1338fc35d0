package kube

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Who is to blame for a request without an answer is named: the program that the
// credentials come from, in its own words, the proxy, or the server.
func TestWhoIsToBlame(t *testing.T) {
	dir := t.TempDir()
	script := func(name, body string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+body), 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead := closed.Addr().String()
	_ = closed.Close()
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusProxyAuthRequired) }))
	defer refusing.Close()
	with := func(proxy, user string) string {
		return `apiVersion: v1
kind: Config
current-context: prod
clusters:
- {name: c, cluster: {server: "https://kube.shop.example:6443", insecure-skip-tls-verify: true` + proxy + `}}
users:
- {name: u, user: {` + user + `}}
contexts:
- {name: prod, context: {cluster: c, user: u}}
`
	}
	exec := func(command string) string {
		return with("", "exec: {apiVersion: client.authentication.k8s.io/v1, command: "+command+", interactiveMode: IfAvailable}")
	}
	for name, c := range map[string]struct{ config, want string }{
		"the program fails":               {exec(script("sso", "exit 255")), "the session has expired. Run: cloud sso login (sso, exit code 255)"},
		"the program says nothing of use": {exec(script("odd", "echo not-yaml: [")), "getting credentials: decoding stdout: "},
		"the program is not there":        {exec(filepath.Join(dir, "none")), "getting credentials: exec: "},
		"the program hangs":               {exec(script("slow", "exec sleep 4")), "the credentials' program " + filepath.Join(dir, "slow") + " has not ended within 2s"},
		"the proxy is away":               {with(`, proxy-url: "http://`+dead+`"`, "token: t"), "the proxy " + dead + " (proxy-url in the kubeconfig) refuses the connection"},
		"a SOCKS proxy is away":           {with(`, proxy-url: "socks5://`+dead+`"`, "token: t"), "the proxy " + dead + " (proxy-url in the kubeconfig) refuses the connection"},
		"the proxy wants a password":      {with(`, proxy-url: "`+refusing.URL+`"`, "token: t"), "did not let the connection through: Proxy Authentication Required"},
	} {
		client, err := Connect(flagsFor(t, c.config), Options{Now: time.Now, Said: func() string {
			if name != "the program fails" {
				return ""
			}
			return "the session has expired. Run: cloud sso login"
		}})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		_, err = client.ConfigMap(ctx, "rollbook")
		cancel()
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "[redacted]") {
			t.Errorf("%s: %v\nwant %s", name, err, c.want)
		}
		if name == "the program hangs" {
			continue
		}
		if _, err = client.Targets(t.Context(), nil); err == nil || strings.Count(err.Error(), c.want) != 1 {
			t.Errorf("%s: it stands twice: %v", name, err)
		}
	}
}

// The proxy of the environment is named as that of the kubeconfig is. The environment
// is read once in a process, so this is one of its own.
func TestProxyOfTheEnvironment(t *testing.T) {
	const dead = "127.0.0.1:1" // tcpmux: nobody has it
	if os.Getenv("HTTPS_PROXY") != "http://"+dead {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1")
		cmd.Env = append(os.Environ(), "HTTPS_PROXY=http://"+dead, "https_proxy=", "NO_PROXY=", "no_proxy=")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		return
	}
	client, err := Connect(flagsFor(t, `apiVersion: v1
kind: Config
current-context: prod
clusters:
- {name: c, cluster: {server: "https://kube.shop.example:6443"}}
users:
- {name: u, user: {token: t}}
contexts:
- {name: prod, context: {cluster: c, user: u}}
`), Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	const want = "the proxy " + dead + " (HTTPS_PROXY) refuses the connection: is the tunnel up?"
	if _, err := client.ConfigMap(t.Context(), "rollbook"); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "nothing listens") {
		t.Errorf("%v, want %s", err, want)
	}
}

// kubectl's own auth provider for OpenID Connect sends the kubeconfig's ID token.
func TestAuthProviderOIDC(t *testing.T) {
	got := make(chan string, 1)
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got <- r.Header.Get("Authorization")
		fmt.Fprint(w, `{"kind":"ConfigMap"}`)
	}))
	defer srv.Close()
	part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	token := part(`{"alg":"none"}`) + "." + part(fmt.Sprintf(`{"exp":%d}`, time.Now().Add(time.Hour).Unix())) + "." + part("sig")
	client, err := Connect(flagsFor(t, `apiVersion: v1
kind: Config
current-context: prod
clusters:
- {name: c, cluster: {server: "`+srv.URL+`", insecure-skip-tls-verify: true}}
users:
- {name: u, user: {auth-provider: {name: oidc, config: {idp-issuer-url: "https://login.example", client-id: k, id-token: `+token+`}}}}
contexts:
- {name: prod, context: {cluster: c, user: u}}
`), Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.ConfigMap(t.Context(), "rollbook"); err != nil || <-got != "Bearer "+token {
		t.Error("the ID token was not sent", err)
	}
}
