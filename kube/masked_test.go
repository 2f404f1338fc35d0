package kube

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollbook/text"
)

// Whatever a cluster is reached with is masked once it was used: a server or a
// pod may repeat it.
func TestCredentialsAreMasked(t *testing.T) {
	srv := httptest.NewTLSServer(http.NotFoundHandler())
	defer srv.Close()
	dir := t.TempDir()
	file := func(name, data string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(data), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	program := file("credentials", `#!/bin/sh
echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"kept-by-a-program"}}'
`, 0o700)
	for secret, user := range map[string]string{
		"kept-in-the-kubeconfig": "token: kept-in-the-kubeconfig",
		"kept-in-a-file":         "tokenFile: " + file("token", "kept-in-a-file\n", 0o600),
		"kept-as-a-password":     "username: me\n    password: kept-as-a-password",
		"kept-by-a-program": "exec:\n      apiVersion: client.authentication.k8s.io/v1\n      interactiveMode: Never\n      command: " +
			program,
	} {
		t.Run(secret, func(t *testing.T) {
			path := file("kubeconfig", fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: it
contexts:
- name: it
  context: {cluster: it, user: it}
clusters:
- name: it
  cluster: {server: %s, insecure-skip-tls-verify: true}
users:
- name: it
  user:
    %s
`, srv.URL, user), 0o600)
			c, err := Connect(&Flags{Kubeconfig: path}, Options{Now: time.Now})
			if err != nil {
				t.Fatal(err)
			}
			resp, err := c.HTTPClient().Get(c.Server() + "/version")
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			basic := base64.StdEncoding.EncodeToString([]byte("me:" + secret))
			if got := text.Line("it is " + secret + " or " + basic); strings.Contains(got, secret) || strings.Contains(secret, "password") && strings.Contains(got, basic) {
				t.Error(got)
			}
		})
	}
}
