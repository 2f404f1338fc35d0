package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"

	"rollbook/model"
)

// leaseServer keeps one Lease as an API server does: it is written only over its
// newest version.
type leaseServer struct {
	t       *testing.T
	mu      sync.Mutex
	lease   *coordinationv1.Lease
	version int
	forbid  string // this method
	writes  int
}

func (s *leaseServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	const all = "/apis/coordination.k8s.io/v1/namespaces/production/leases"
	no := func(code int, reason string) {
		w.WriteHeader(code)
		fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"%s","reason":"%s","code":%d,"details":{"name":"rollbook-deployment-api"}}`, reason, reason, code)
	}
	if want := all + "/rollbook-deployment-api"; r.Method == http.MethodPost && r.URL.Path != all || r.Method != http.MethodPost && r.URL.Path != want {
		s.t.Errorf("%s %s", r.Method, r.URL.Path)
	}
	if r.Method == s.forbid {
		no(403, "Forbidden")
		return
	}
	if r.Method == http.MethodGet {
		if s.lease == nil {
			no(404, "NotFound")
			return
		}
		s.lease.Kind = "Lease"
		_ = json.NewEncoder(w).Encode(s.lease)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Error(err)
	}
	next := &coordinationv1.Lease{}
	if err := json.Unmarshal(body, next); err != nil {
		s.t.Error(err)
	}
	switch {
	case r.Method == http.MethodPost && s.lease != nil:
		no(409, "AlreadyExists")
		return
	case r.Method == http.MethodPut && (s.lease == nil || next.ResourceVersion != s.lease.ResourceVersion):
		no(409, "Conflict")
		return
	}
	s.version++
	s.writes++
	next.ResourceVersion = fmt.Sprint(s.version)
	s.lease = next
	_ = json.NewEncoder(w).Encode(next)
}

func leaseClient(t *testing.T, s *leaseServer, now func() time.Time) *Client {
	t.Helper()
	s.t = t
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	return &Client{host: srv.URL, http: srv.Client(), now: now, warn: func(string) {}}
}

var apiWorkload = model.Workload{Kind: model.Deployment, Namespace: "production", Name: "api"}

func askLease(who, step string) model.LeaseAsk {
	return model.LeaseAsk{Workload: apiWorkload, Holder: who, Incident: "INC-1", Step: step}
}

func TestLeaseChangesHands(t *testing.T) {
	now := time.Date(2026, 11, 23, 3, 12, 0, 0, time.UTC)
	s := &leaseServer{}
	c := leaseClient(t, s, func() time.Time { return now })
	do := func(a model.LeaseAsk) model.Lease {
		t.Helper()
		l, err := c.Lease(context.Background(), a)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	look := askLease("maria@x", "")
	look.Look = true
	if l := do(look); l.Holder != "" || s.writes != 0 {
		t.Errorf("nobody has it: %+v, %d writes", l, s.writes)
	}
	if l := do(askLease("maria@x", "Confirm")); !l.Mine || l.Holder != "maria@x" || !l.Since.Equal(now) {
		t.Errorf("taken: %+v", l)
	}
	now = now.Add(40 * time.Second)
	if l := do(askLease("jonas@y", "Confirm")); l.Mine || !l.Other() || l.Step != "Confirm" || l.Incident != "INC-1" {
		t.Errorf("the second is told %+v", l)
	}
	if l := do(askLease("maria@x", "Roll back")); !l.Mine || l.Step != "Roll back" || !l.Since.Equal(now.Add(-40*time.Second)) || !l.Renewed.Equal(now) {
		t.Errorf("renewed: %+v", l)
	}
	force := askLease("jonas@y", "Confirm")
	force.Force = true
	if l := do(force); !l.Mine || l.From != "maria@x" || !l.Since.Equal(now) {
		t.Errorf("taken over: %+v", l)
	}
	release := askLease("maria@x", "")
	release.Release = true
	if l := do(release); l.Mine || l.Holder != "jonas@y" {
		t.Errorf("gave back what was not ours: %+v", l)
	}
	now = now.Add(61 * time.Second)
	if l := do(look); !l.Expired || l.Other() || l.Mine {
		t.Errorf("a minute later: %+v", l)
	}
	if l := do(askLease("maria@x", "Confirm")); !l.Mine {
		t.Errorf("expired, and not to be had: %+v", l)
	}
	if l := do(release); l.Holder != "" {
		t.Errorf("given back: %+v", l)
	}
	if l := do(askLease("jonas@y", "Confirm")); !l.Mine || *s.lease.Spec.LeaseTransitions < 3 {
		t.Errorf("free again: %+v, %+v", l, s.lease.Spec)
	}
}

func TestLeaseRaceHasOneWinner(t *testing.T) {
	for range 20 {
		s := &leaseServer{}
		c := leaseClient(t, s, time.Now)
		var wg sync.WaitGroup
		got := make([]model.Lease, 8)
		for n := range got {
			wg.Go(func() {
				l, err := c.Lease(context.Background(), askLease(fmt.Sprint("op-", n), "Confirm"))
				if err != nil {
					t.Error(err)
				}
				got[n] = l
			})
		}
		wg.Wait()
		winners := 0
		for n, l := range got {
			if l.Mine {
				winners++
			}
			if l.Holder != got[0].Holder {
				t.Errorf("%d is told %q, 0 is told %q", n, l.Holder, got[0].Holder)
			}
		}
		if winners != 1 || s.writes != 1 {
			t.Fatalf("%d winners, %d writes", winners, s.writes)
		}
	}
}

func TestLeaseForbidden(t *testing.T) {
	for _, method := range []string{"GET", "POST"} {
		c := leaseClient(t, &leaseServer{forbid: method}, time.Now)
		_, err := c.Lease(context.Background(), askLease("maria@x", "Confirm"))
		if err == nil || !strings.Contains(err.Error(), "you may not") {
			t.Errorf("%s forbidden: %v", method, err)
		}
	}
}

func TestLeaseOfOthersIsCleaned(t *testing.T) {
	s := &leaseServer{lease: &coordinationv1.Lease{}}
	evil, life := "jonas\x1b]0;owned\x07\n", int32(60)
	s.lease.Spec.HolderIdentity, s.lease.Spec.LeaseDurationSeconds = &evil, &life
	c := leaseClient(t, s, time.Now)
	a := askLease("maria@x", "")
	a.Look = true
	l, err := c.Lease(context.Background(), a)
	if err != nil || strings.ContainsAny(l.Holder, "\x1b\n") || !strings.HasPrefix(l.Holder, "jonas") {
		t.Errorf("%q, %v", l.Holder, err)
	}
	if !l.Expired {
		t.Error("never renewed, and not expired")
	}
}

func TestLeaseName(t *testing.T) {
	long := model.Workload{Kind: model.Deployment, Name: strings.Repeat("x", 253)}
	other := model.Workload{Kind: model.Deployment, Name: strings.Repeat("x", 252) + "y"}
	if a, b := leaseName(long), leaseName(other); len(a) > 253 || a == b {
		t.Errorf("%q and %q", a, b)
	}
}

func TestLeaseReadOnly(t *testing.T) {
	s := &leaseServer{}
	c := leaseClient(t, s, time.Now)
	c.http.Transport = &guard{next: http.DefaultTransport, host: hostOf(c.host), readOnly: true}
	look := askLease("maria@x", "")
	look.Look = true
	if _, err := c.Lease(context.Background(), look); err != nil {
		t.Error(err)
	}
	if _, err := c.Lease(context.Background(), askLease("maria@x", "")); !errors.Is(err, model.ErrReadOnly) || s.writes != 0 {
		t.Errorf("%v, %d writes", err, s.writes)
	}
}
