package kube

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// nobody is a terminal that nothing has to be taken from.
func nobody() (func() error, error) { return func() error { return nil }, nil }

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// While somebody logs in no other request reaches the credentials' program, which
// would read the terminal beside the screen: what is inside is waited for, but not
// for ever, and what comes later waits.
func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var inside atomic.Int32
		g := &gate{left: make(chan struct{}, 1), next: transport(func(r *http.Request) (*http.Response, error) {
			inside.Add(1)
			defer inside.Add(-1)
			d, err := time.ParseDuration(r.URL.Path)
			if err != nil {
				return nil, err
			}
			time.Sleep(d)
			return &http.Response{}, nil
		})}
		send := func(ctx context.Context, d string) <-chan error {
			done := make(chan error, 1)
			go func() {
				r := (&http.Request{URL: &url.URL{Path: d}}).WithContext(ctx)
				_, err := g.RoundTrip(r)
				done <- err
			}()
			synctest.Wait()
			return done
		}
		began := time.Now()
		quick := send(t.Context(), "500ms")
		open := g.shut(t.Context(), aside)
		if err := <-quick; err != nil || inside.Load() != 0 || time.Since(began) != 500*time.Millisecond {
			t.Fatalf("%v, %d inside after %s", err, inside.Load(), time.Since(began))
		}
		later := send(t.Context(), "1ms")
		brief, cancel := context.WithCancel(t.Context())
		gone := send(brief, "1ms")
		cancel()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Errorf("a request whose time is over: %v", err)
		}
		time.Sleep(time.Minute)
		if inside.Load() != 0 {
			t.Fatal("a request got past somebody who logs in")
		}
		open()
		if err := <-later; err != nil {
			t.Error(err)
		}
		began = time.Now()
		hangs := send(t.Context(), "1h")
		g.shut(t.Context(), aside)()
		if d := time.Since(began); d != aside {
			t.Errorf("a request that hangs is waited for %s", d)
		}
		<-hangs
	})
}

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
	if err := c.Login(t.Context(), nobody); err == nil {
		t.Error("a login without success is none")
	}
	for _, tc := range []struct {
		word string
		out  bool
	}{{"bad", true}, {"good", false}} {
		if err := os.WriteFile(word, []byte(tc.word), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := c.Login(t.Context(), nobody); err != nil {
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
