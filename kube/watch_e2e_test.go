//go:build e2e

package kube

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rollbook/engine/porttest"
	"rollbook/model"
)

// watched collects what Watch tells.
type watched struct {
	mu   sync.Mutex
	last model.Observation
	all  []time.Time
}

func watching(t testing.TB, c *Client) *watched {
	t.Helper()
	w := &watched{}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.Watch(ctx, func(o model.Observation) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.last, w.all = o, append(w.all, time.Now())
		})
	}()
	t.Cleanup(func() {
		cancel()
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			t.Error("Watch did not return when its context ended")
		}
	})
	return w
}

func (w *watched) get() model.Observation {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

func (w *watched) line(id string) *model.Component {
	for _, c := range w.get().Board {
		if c.ID == id {
			return c
		}
	}
	return nil
}

func (w *watched) image(id string) string {
	if c := w.line(id); c != nil && len(c.Images) > 0 {
		return c.Images[0]
	}
	return ""
}

func TestWatchOutlivesOutageAndBlackHole(t *testing.T) {
	for _, tt := range porttest.Outages {
		t.Run(tt.Name, func(t *testing.T) {
			t.Parallel()
			ns := namespace(t)
			c, line := overWire(t, ns)
			released(t, client(t, ns, Options{}), ns)
			w := watching(t, c)
			eventually(t, 5*time.Second, "the board is there", func() bool { return w.image("api") == "api:2" && len(w.line("api").Pods) > 0 })
			heard := w.get().Connection.Heard
			if heard.IsZero() || w.get().Identity.User == "" {
				t.Errorf("%+v", w.get())
			}
			cut := time.Now()
			tt.Cut(t, line)
			eventually(t, 12*time.Second, "the loss is told", func() bool { return w.get().Connection.Err != "" })
			told := time.Since(cut)
			if con := w.get().Connection; con.Trying.IsZero() {
				t.Errorf("%+v", con)
			}
			time.Sleep(12 * time.Second) // long enough that everything has given up
			kubectl(t, "", "-n", ns, "set", "image", "deploy/api", "api=api:3")
			if w.image("api") != "api:2" {
				t.Error("the board knows what it cannot")
			}
			back := time.Now()
			tt.End(t, line)
			eventually(t, 15*time.Second, "the board is right again", func() bool { return w.image("api") == "api:3" })
			t.Logf("%s: loss told after %v, board right again %v after its end", tt.Name, told.Round(10*time.Millisecond), time.Since(back).Round(10*time.Millisecond))
			eventually(t, 5*time.Second, "the connection is good", func() bool {
				con := w.get().Connection
				return con.Err == "" && time.Since(con.Heard) < 7*time.Second
			})
			kubectl(t, "", "-n", ns, "set", "image", "deploy/api", "api=api:4")
			eventually(t, 2*time.Second, "the watch goes on", func() bool { return w.image("api") == "api:4" })
		})
	}
}

func TestBlackHoleFromTheStart(t *testing.T) {
	c, line := overWire(t, "default")
	line.Hole(true)
	begun := time.Now()
	w := watching(t, c)
	eventually(t, time.Second, "what is tried is told", func() bool { return !w.get().Connection.Trying.IsZero() })
	if con := w.get().Connection; con.To != line.Addr || !con.Heard.IsZero() {
		t.Errorf("%+v", con)
	}
	eventually(t, 6*time.Second, "why is told", func() bool { return strings.Contains(w.get().Connection.Err, "no answer from "+line.Addr) })
	time.Sleep(time.Until(begun.Add(8 * time.Second)))
	if con := w.get().Connection; con.Trying.Sub(begun) > time.Second {
		t.Errorf("the hole seems younger than it is: since %v", con.Trying.Sub(begun))
	}
	back := time.Now()
	line.Hole(false)
	eventually(t, 6*time.Second, "it connects", func() bool { return !w.get().Connection.Heard.IsZero() && w.get().Identity.User != "" })
	t.Logf("connected %v after the end of the hole", time.Since(back).Round(10*time.Millisecond))
}

// TestExpiredWatch has all watches end, and the API server no longer know the
// version that they would go on from.
func TestExpiredWatch(t *testing.T) {
	ns := namespace(t)
	released(t, client(t, ns, Options{}), ns)
	var expired atomic.Bool
	var gone atomic.Int32
	cut := make(chan struct{})
	c := through(t, ns, Options{}, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if q := r.URL.Query(); q.Get("watch") != "" {
			if expired.Load() && q.Get("resourceVersion") != "" {
				gone.Add(1)
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusGone)
				fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Expired","code":410,"message":"too old resource version: 1 (2)"}`)
				return
			}
			if !expired.Load() {
				ctx, cancel := context.WithCancel(r.Context())
				defer cancel()
				go func() {
					select {
					case <-cut:
						cancel()
					case <-ctx.Done():
					}
				}()
				r = r.WithContext(ctx)
			}
		}
		next.ServeHTTP(w, r)
	})
	w := watching(t, c)
	eventually(t, 5*time.Second, "the board is there", func() bool { return w.image("api") == "api:2" })
	pointer := w.line("api")
	expired.Store(true)
	close(cut)
	kubectl(t, "", "-n", ns, "annotate", "deploy/api", "kubernetes.io/change-cause=after")
	eventually(t, 10*time.Second, "the board goes on", func() bool { return w.line("api") != pointer && w.line("api").ChangeCause == "after" })
	if gone.Load() == 0 {
		t.Error("no watch met the 410")
	}
}

func TestForbiddenPodsLeaveTheRestOfTheBoard(t *testing.T) {
	ns := namespace(t)
	released(t, client(t, ns, Options{}), ns)
	kubectl(t, "", "-n", ns, "create", "role", "look", "--verb=get,list,watch", "--resource=deployments.apps,replicasets.apps")
	kubectl(t, "", "-n", ns, "create", "rolebinding", "look", "--role=look", "--user=e2e-looker")
	c := client(t, ns, Options{}, func(f *Flags) { f.AuthInfo.Impersonate = "e2e-looker" })
	c.SetTargets([]model.Target{
		{ID: "shop-api", Workload: model.Workload{Kind: model.Deployment, Namespace: ns, Name: "api"}},
		{ID: "ghost", Workload: model.Workload{Kind: model.Deployment, Namespace: ns, Name: "ghost"}},
		{ID: "db", Workload: model.Workload{Kind: model.StatefulSet, Namespace: ns, Name: "db"}},
	})
	w := watching(t, c)
	eventually(t, 8*time.Second, "the board is settled", func() bool {
		return w.image("shop-api") == "api:2" && w.line("shop-api").Revision == 2 && strings.HasPrefix(w.line("shop-api").PodsNo, "forbidden: ") &&
			w.line("ghost").Missing == "not found" && strings.HasPrefix(w.line("db").Missing, "forbidden: ") &&
			w.get().Identity.User == "e2e-looker" && strings.HasPrefix(w.get().Identity.Cluster, "sha256:") && strings.HasPrefix(w.get().Identity.ListPods, "forbidden: ")
	})
	var ids []string
	for _, c := range w.get().Board {
		ids = append(ids, c.ID)
	}
	if strings.Join(ids, " ") != "shop-api ghost db" {
		t.Errorf("order %v", ids)
	}
}

func TestUnchangedLinesKeepTheirPointers(t *testing.T) {
	ns := namespace(t)
	c := client(t, ns, Options{})
	released(t, c, ns)
	kubectl(t, strings.ReplaceAll(app("web:1"), `"api"`, `"web"`), "-n", ns, "apply", "-f", "-")
	w := watching(t, c)
	settled := func() bool {
		l := w.line("web")
		return l != nil && l.Available == 2 && w.line("api").Available == 2
	}
	eventually(t, 20*time.Second, "both are there", settled)
	time.Sleep(time.Second)
	api, web := w.line("api"), w.line("web")
	kubectl(t, "", "-n", ns, "annotate", "deploy/api", "kubernetes.io/change-cause=x")
	eventually(t, 5*time.Second, "api changed", func() bool { return w.line("api") != api })
	if w.line("web") != web {
		t.Error("web was copied without a change")
	}
	for i := range 40 {
		kubectl(t, "", "-n", ns, "annotate", "--overwrite", "deploy/api", fmt.Sprintf("kubernetes.io/change-cause=%d", i))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := perSecond; i < len(w.all); i++ {
		if d := w.all[i].Sub(w.all[i-perSecond]); d < 950*time.Millisecond {
			t.Errorf("%d observations within %v", perSecond+1, d)
		}
	}
}

func TestHostileTextIsCleaned(t *testing.T) {
	const bad = "\x1b]0;owned\x07\x1b[31mred\u202e password=hunter22"
	ns := namespace(t)
	c := client(t, ns, Options{})
	kubectl(t, app("api:1"), "-n", ns, "apply", "-f", "-")
	taken(t, c, ns)
	kubectl(t, "", "-n", ns, "annotate", "deploy/api", "kubernetes.io/change-cause="+bad)
	d, _ := taken(t, c, ns)
	kubectl(t, fmt.Sprintf(`{"apiVersion":"v1","kind":"Event","metadata":{"name":"e1"},"type":"Warning","reason":%q,"message":%q,
	 "involvedObject":{"apiVersion":"apps/v1","kind":"Deployment","namespace":%q,"name":"api","uid":%q},"lastTimestamp":"2026-11-24T00:00:00Z"}`,
		"Bad\u001b[2J", "m "+strings.ReplaceAll(bad, "\x07", ""), ns, d.Metadata.UID), "-n", ns, "create", "-f", "-")
	if err := c.PostEvent(context.Background(), workloadIn(ns).Workload, string(d.Metadata.UID), "rolled back "+bad); err != nil {
		t.Fatal(err)
	}
	w := watching(t, c)
	eventually(t, 5*time.Second, "board and events are there", func() bool { return w.line("api") != nil && len(w.get().Events) >= 2 })
	h, err := NewUndo(c).Versions(context.Background(), w.line("api"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	yaml, err := c.Manifest(context.Background(), w.line("api"))
	if err != nil {
		t.Fatal(err)
	}
	all := fmt.Sprintf("%+v\n%+v\n%+v\n%s", *w.line("api"), w.get().Events, *h, yaml)
	for _, not := range []string{"\x1b", "\x07", "\u202e", "hunter22", "of-api:1"} {
		if strings.Contains(all, not) {
			t.Errorf("%q came through: %q", not, all)
		}
	}
	if !strings.Contains(all, "red") || !strings.Contains(yaml, "name: TOKEN") {
		t.Errorf("too much was lost: %q", all)
	}
	posted := false
	for _, e := range w.get().Events {
		posted = posted || e.Reason == "Rollback" && strings.Contains(e.Message, "rolled back")
	}
	if !posted {
		t.Errorf("our own event is not shown: %+v", w.get().Events)
	}
}
