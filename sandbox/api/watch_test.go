package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	appsclient "k8s.io/client-go/kubernetes/typed/apps/v1"
	coreclient "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"rollbook/sandbox/store"
)

// pipes is a listener whose connections are pipes, so that a test's clock may
// stand still.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.done); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	a, b := net.Pipe()
	select {
	case p.conns <- a:
		return b, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// bed is a sandbox API in a bubble of its own.
type bed struct {
	store *store.Store
	logs  *growing
	cfg   *rest.Config
	apps  *appsclient.AppsV1Client
	core  *coreclient.CoreV1Client
}

// growing is a log that a test writes to.
type growing struct {
	mu   sync.Mutex
	all  []Line
	over bool
}

func (g *growing) write(over bool, l ...Line) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all, g.over = append(g.all, l...), over
}

func (g *growing) Logs(q LogQuery) ([]Line, bool, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	l, _, err := lines(g.all).Logs(q)
	return l, !g.over, err
}

// inBubble runs f on an API whose clock is the bubble's.
func inBubble(t *testing.T, contentType string, f func(t *testing.T, b *bed)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bed{store: fill(t, time.Now), logs: &growing{}}
		p := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
		srv := &http.Server{Handler: Handler(Options{Store: b.store, Logs: b.logs, Token: token, Now: time.Now})}
		served := make(chan error, 1)
		go func() { served <- srv.Serve(p) }()
		transport := &http.Transport{DialContext: p.dial}
		b.cfg = &rest.Config{Host: "http://sandbox", BearerToken: token, QPS: -1, UserAgent: "tester/1",
			ContentConfig: rest.ContentConfig{AcceptContentTypes: contentType + ",application/json", ContentType: contentType}}
		client := &http.Client{Transport: bearer{transport}}
		var err error
		if b.apps, err = appsclient.NewForConfigAndClient(b.cfg, client); err != nil {
			t.Fatal(err)
		}
		if b.core, err = coreclient.NewForConfigAndClient(b.cfg, client); err != nil {
			t.Fatal(err)
		}
		f(t, b)
		transport.CloseIdleConnections()
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
		time.Sleep(2 * time.Second) // timers of the transport
	})
}

type bearer struct{ next http.RoundTripper }

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+token)
	return b.next.RoundTrip(r)
}

func (b *bed) scale(t *testing.T, n int) *appsv1.Deployment {
	t.Helper()
	d, err := b.apps.Deployments("production").Patch(t.Context(), "web", types.MergePatchType, fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, n), metav1.PatchOptions{FieldManager: "me"})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// next is the next event of a watch that is no bookmark.
func next(t *testing.T, w watch.Interface) watch.Event {
	t.Helper()
	for {
		select {
		case e, ok := <-w.ResultChan():
			if !ok {
				t.Fatal("the watch ended")
			}
			if e.Type != watch.Bookmark {
				return e
			}
		case <-time.After(10 * time.Second):
			t.Fatal("nothing came")
		}
	}
}

var contentTypes = []string{runtime.ContentTypeJSON, runtime.ContentTypeProtobuf}

func TestWatchTellsWhatChanges(t *testing.T) {
	for _, ct := range contentTypes {
		t.Run(ct, func(t *testing.T) {
			inBubble(t, ct, func(t *testing.T, b *bed) {
				list, err := b.apps.Deployments("production").List(t.Context(), metav1.ListOptions{})
				if err != nil {
					t.Fatal(err)
				}
				w, err := b.apps.Deployments("production").Watch(t.Context(), metav1.ListOptions{ResourceVersion: list.ResourceVersion})
				if err != nil {
					t.Fatal(err)
				}
				defer w.Stop()
				b.scale(t, 5)
				b.scale(t, 6)
				for _, want := range []int32{5, 6} {
					e := next(t, w)
					if d := e.Object.(*appsv1.Deployment); e.Type != watch.Modified || *d.Spec.Replicas != want || d.ManagedFields == nil {
						t.Errorf("%s %v, want %d replicas", e.Type, d, want)
					}
				}
				if err := b.apps.Deployments("production").Delete(t.Context(), "web", metav1.DeleteOptions{}); err != nil {
					t.Fatal(err)
				}
				if e := next(t, w); e.Type != watch.Deleted {
					t.Errorf("%s, want it deleted", e.Type)
				}
			})
		})
	}
}

func TestWatchSeesThroughItsSelector(t *testing.T) {
	inBubble(t, runtime.ContentTypeJSON, func(t *testing.T, b *bed) {
		pods := b.core.Pods("production")
		w, err := pods.Watch(t.Context(), metav1.ListOptions{LabelSelector: "colour=red", FieldSelector: "spec.nodeName=node-1"})
		if err != nil {
			t.Fatal(err)
		}
		defer w.Stop()
		paint := func(pod, colour string) {
			if _, err := pods.Patch(t.Context(), pod, types.MergePatchType, []byte(`{"metadata":{"labels":{"colour":"`+colour+`"}}}`), metav1.PatchOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		paint("web-2-b", "red") // on another node
		for _, step := range []struct {
			colour string
			want   watch.EventType
		}{{"red", watch.Added}, {"blue", watch.Deleted}, {"red", watch.Added}} {
			paint("web-2-a", step.colour)
			if e := next(t, w); e.Type != step.want || e.Object.(*corev1.Pod).Name != "web-2-a" {
				t.Errorf("painted %s: %s %v", step.colour, e.Type, e.Object)
			}
		}
	})
}

func TestWatchBeginsWithWhatIsThere(t *testing.T) {
	for _, ct := range contentTypes {
		t.Run(ct, func(t *testing.T) {
			inBubble(t, ct, func(t *testing.T, b *bed) {
				yes := true
				w, err := b.core.Pods("").Watch(t.Context(), metav1.ListOptions{SendInitialEvents: &yes, AllowWatchBookmarks: true, ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan})
				if err != nil {
					t.Fatal(err)
				}
				defer w.Stop()
				for _, want := range []string{"web-2-a", "web-2-b"} {
					if e := <-w.ResultChan(); e.Type != watch.Added || e.Object.(*corev1.Pod).Name != want {
						t.Errorf("%s %v", e.Type, e.Object)
					}
				}
				e := <-w.ResultChan()
				if p, ok := e.Object.(*corev1.Pod); !ok || e.Type != watch.Bookmark || p.Annotations[metav1.InitialEventsAnnotationKey] != "true" || p.ResourceVersion == "" {
					t.Errorf("no end of the beginning: %s %v", e.Type, e.Object)
				}
				begun := time.Now()
				if e = <-w.ResultChan(); e.Type != watch.Bookmark || time.Since(begun) != bookmarkEvery {
					t.Errorf("after %s: %s", time.Since(begun), e.Type)
				}
			})
		})
	}
}

func TestWatchEnds(t *testing.T) {
	inBubble(t, runtime.ContentTypeJSON, func(t *testing.T, b *bed) {
		limit := int64(90)
		begun := time.Now()
		w, err := b.core.Pods("").Watch(t.Context(), metav1.ListOptions{TimeoutSeconds: &limit})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for range w.ResultChan() {
			n++
		}
		if took := time.Since(begun); took != 90*time.Second || n != 2 {
			t.Errorf("%d events in %s", n, took)
		}
		old := itoa(b.store.Version())
		b.scale(t, 7)
		b.store.Compact()
		w, err = b.apps.Deployments("").Watch(t.Context(), metav1.ListOptions{ResourceVersion: old})
		if err != nil {
			t.Fatal(err)
		}
		defer w.Stop()
		e := next(t, w)
		if st := apierrors.FromObject(e.Object); e.Type != watch.Error || !apierrors.IsResourceExpired(st) || !strings.Contains(st.Error(), "too old resource version") {
			t.Errorf("%s %v", e.Type, st)
		}
	})
}

// The reflector is what rollbook watches with: it must outlive a cut log.
func TestReflectorOutlivesACutLog(t *testing.T) {
	for _, ct := range contentTypes {
		t.Run(ct, func(t *testing.T) {
			inBubble(t, ct, func(t *testing.T, b *bed) {
				ctx, cancel := context.WithCancel(klog.NewContext(t.Context(), klog.Logger{}))
				api := b.apps.Deployments("production")
				lw := &cache.ListWatch{
					ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) { return api.List(ctx, o) },
					WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
						limit := int64(60)
						o.TimeoutSeconds = &limit
						return api.Watch(ctx, o)
					},
				}
				kept := cache.NewStore(cache.MetaNamespaceKeyFunc)
				silent := klog.Logger{}
				r := cache.NewReflectorWithOptions(lw, &appsv1.Deployment{}, kept, cache.ReflectorOptions{Logger: &silent})
				done := make(chan struct{})
				go func() { defer close(done); r.RunWithContext(ctx) }()
				for n := int32(3); n < 9; n++ {
					time.Sleep(50 * time.Second)
					b.scale(t, int(n))
					b.store.Compact()
					time.Sleep(time.Minute)
					o, ok, err := kept.GetByKey("production/web")
					if err != nil || !ok || *o.(*appsv1.Deployment).Spec.Replicas != n {
						t.Fatalf("after %d: %v %v %v", n, ok, err, o)
					}
				}
				cancel()
				<-done
			})
		})
	}
}

func TestLogIsFollowed(t *testing.T) {
	inBubble(t, runtime.ContentTypeJSON, func(t *testing.T, b *bed) {
		begun := time.Now()
		b.logs.write(false, Line{begun, "one"}, Line{begun, "two"})
		body, err := b.core.Pods("production").GetLogs("web-2-a", &corev1.PodLogOptions{Follow: true}).Stream(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer body.Close()
		go func() {
			time.Sleep(time.Second)
			b.logs.write(false, Line{begun, "two and a half"})
			time.Sleep(time.Minute)
			b.logs.write(true, Line{time.Now(), "three"}, Line{time.Now(), "four"})
		}()
		all, err := io.ReadAll(body)
		if err != nil || string(all) != "one\ntwo\ntwo and a half\nthree\nfour\n" {
			t.Errorf("%v: %q", err, all)
		}
	})
}

// Two writers that read the same state: one of them is told.
func TestConcurrentWritersAreToldApart(t *testing.T) {
	inBubble(t, runtime.ContentTypeProtobuf, func(t *testing.T, b *bed) {
		api := b.apps.Deployments("production")
		d, err := api.Get(t.Context(), "web", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		other := d.DeepCopy()
		d.Spec.Template.Spec.Containers[0].Image = "shop/web:3"
		if d, err = api.Update(t.Context(), d, metav1.UpdateOptions{FieldManager: "first"}); err != nil || d.Generation != 2 {
			t.Fatal(err, d)
		}
		other.Spec.Template.Spec.Containers[0].Image = "shop/web:4"
		if _, err = api.Update(t.Context(), other, metav1.UpdateOptions{}); !apierrors.IsConflict(err) {
			t.Errorf("the second is told %v", err)
		}
		u, err := b.store.Get(store.Deployments, "production", "web")
		if err != nil {
			t.Fatal(err)
		}
		if l, _, _ := unstructured.NestedSlice(u.Object, "spec", "template", "spec", "containers"); l[0].(map[string]any)["image"] != "shop/web:3" {
			t.Errorf("the image is %v", l)
		}
	})
}
