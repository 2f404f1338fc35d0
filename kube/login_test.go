package kube

import (
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A credentials program that fails makes its user logged out, and so does a
// token that the server does not take; a plain token does not, since no program
// could bring another one.
func TestLoggedOut(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer good" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	t.Cleanup(srv.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	dir := t.TempDir()
	word := filepath.Join(dir, "word")
	plugin := filepath.Join(dir, "plugin")
	script := "#!/bin/sh\n[ -s " + word + " ] || exit 1\n" +
		`printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s"}}' "$(cat ` + word + `)"` + "\n"
	if err := os.WriteFile(plugin, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	user := func(u any) *Client {
		t.Helper()
		raw, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "Config", "current-context": "x",
			"clusters": []any{map[string]any{"name": "c", "cluster": map[string]any{"server": srv.URL, "certificate-authority-data": ca}}},
			"users":    []any{map[string]any{"name": "u", "user": u}},
			"contexts": []any{map[string]any{"name": "x", "context": map[string]any{"cluster": "c", "user": "u"}}}})
		if err != nil {
			t.Fatal(err)
		}
		c, err := Connect(flagsFor(t, string(raw)), Options{Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	beat := func(c *Client) bool {
		status, err := c.ready(t.Context())
		return c.loggedOut(err, status)
	}
	if c := user(map[string]any{"token": "bad"}); beat(c) || c.Plugin() != "" {
		t.Error("a plain token asks for a login")
	}
	c := user(map[string]any{"exec": map[string]any{"apiVersion": "client.authentication.k8s.io/v1", "command": plugin, "interactiveMode": "IfAvailable"}})
	if c.Plugin() != plugin || !beat(c) {
		t.Error("the program failed, and nobody is told")
	}
	if err := c.Login(t.Context()); err == nil {
		t.Error("a login without success is none")
	}
	for _, tc := range []struct {
		word string
		out  bool
	}{{"bad", true}, {"good", false}} {
		if err := os.WriteFile(word, []byte(tc.word), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := c.Login(t.Context()); err != nil {
			t.Error(err)
		}
		if beat(c) != tc.out {
			t.Errorf("with a %s token: logged out %v", tc.word, !tc.out)
		}
		select {
		case <-c.retarget:
		default:
			t.Error("what could not be read waits on")
		}
	}
}
