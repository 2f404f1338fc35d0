// Package kubelet is the address that the API server asks for logs and for exec.
// It makes up the lines that a pod of the shop would have written, each pod its
// own and each at its time, and runs commands on this machine.
package kubelet

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// Kubelet serves all nodes.
type Kubelet struct {
	client kubernetes.Interface
	dir    string
	server *http.Server
}

// Start listens on addr with the given certificate; in dir commands run.
func Start(addr, certFile, keyFile, dir string, c kubernetes.Interface) (*Kubelet, error) {
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("start the kubelet: %w", err)
	}
	l, err := tls.Listen("tcp", addr, &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		return nil, fmt.Errorf("start the kubelet: %w", err)
	}
	k := &Kubelet{client: c, dir: dir}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", k.logs)
	mux.HandleFunc("/exec/{namespace}/{pod}/{container}", k.exec)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "the testbed's kubelet knows logs and exec only", http.StatusNotImplemented)
	})
	k.server = &http.Server{Handler: mux, ErrorLog: log.New(discard{}, "", 0)}
	go func() {
		if err := k.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Printf("the kubelet stopped serving: %v", err)
		}
	}()
	return k, nil
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// Close stops serving.
func (k *Kubelet) Close() { k.server.Close() }

// options are those of corev1.PodLogOptions that reach a kubelet.
type options struct {
	follow, previous, timestamps bool
	tail                         int // -1 = all
	since                        time.Time
	limit                        int64 // bytes, 0 = none
}

func parse(q url.Values) (options, error) {
	o := options{
		follow: q.Get("follow") == "true", previous: q.Get("previous") == "true",
		timestamps: q.Get("timestamps") == "true", tail: -1,
	}
	var err error
	if s := q.Get("tailLines"); s != "" {
		if o.tail, err = strconv.Atoi(s); err != nil {
			return o, fmt.Errorf("tailLines: %w", err)
		}
	}
	if s := q.Get("sinceSeconds"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			return o, fmt.Errorf("sinceSeconds: %w", err)
		}
		o.since = time.Now().Add(-time.Duration(n) * time.Second)
	}
	if s := q.Get("sinceTime"); s != "" {
		if o.since, err = time.Parse(time.RFC3339, s); err != nil {
			return o, fmt.Errorf("sinceTime: %w", err)
		}
	}
	if s := q.Get("limitBytes"); s != "" {
		if o.limit, err = strconv.ParseInt(s, 10, 64); err != nil {
			return o, fmt.Errorf("limitBytes: %w", err)
		}
	}
	return o, nil
}

// logs answers as a kubelet does, refusals included.
func (k *Kubelet) logs(w http.ResponseWriter, r *http.Request) {
	ns, name, container := r.PathValue("namespace"), r.PathValue("pod"), r.PathValue("container")
	o, err := parse(r.URL.Query())
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	p, err := k.client.CoreV1().Pods(ns).Get(r.Context(), name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		http.Error(w, fmt.Sprintf("pod %q does not exist", name), http.StatusNotFound)
		return
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	run, err := choose(p, container, o.previous)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	w.WriteHeader(http.StatusOK)
	k.send(r.Context(), w, p, run, o)
}

// A run is one life of a container; end is zero while it lasts.
type run struct {
	container  string
	start, end time.Time
}

// choose finds the run whose log is asked for: the present one, or the last that
// ended, which a kubelet also shows while the container waits to start again.
func choose(p *corev1.Pod, container string, previous bool) (run, error) {
	for _, s := range p.Status.ContainerStatuses {
		if s.Name != container {
			continue
		}
		last := s.LastTerminationState.Terminated
		if t := s.State.Terminated; t != nil && (!previous || last == nil) {
			last = t
		}
		switch {
		case !previous && s.State.Running != nil:
			return run{container: container, start: s.State.Running.StartedAt.Time}, nil
		case last != nil:
			return run{container, last.StartedAt.Time, last.FinishedAt.Time}, nil
		case previous:
			return run{}, fmt.Errorf("previous terminated container %q in pod %q not found", container, p.Name)
		case s.State.Waiting != nil && s.State.Waiting.Reason == "ErrImagePull", s.State.Waiting != nil && s.State.Waiting.Reason == "ImagePullBackOff":
			return run{}, fmt.Errorf("container %q in pod %q is waiting to start: trying and failing to pull image", container, p.Name)
		case s.State.Waiting != nil:
			return run{}, fmt.Errorf("container %q in pod %q is waiting to start: %s", container, p.Name, s.State.Waiting.Reason)
		}
	}
	return run{}, fmt.Errorf("container %q in pod %q is not available", container, p.Name)
}

// send writes the lines so far and, when asked to follow, those to come until the
// run ends or the reader goes.
func (k *Kubelet) send(ctx context.Context, w http.ResponseWriter, p *corev1.Pod, r run, o options) {
	wr := newWriter(p)
	until := time.Now()
	if !r.end.IsZero() && r.end.Before(until) {
		until = r.end.Add(time.Second) // times of a status are whole seconds
	}
	from := r.start
	if o.since.After(from) {
		from = o.since
	}
	if o.tail >= 0 {
		if early := until.Add(-time.Duration(o.tail+60) * time.Second); early.After(from) && r.end.IsZero() {
			from = early // no need to make up what the tail leaves out
		}
	}
	lines := wr.lines(r, from, until)
	if o.tail >= 0 && len(lines) > o.tail {
		lines = lines[len(lines)-o.tail:]
	}
	left := o.limit
	put := func(lines []line) bool {
		for _, l := range lines {
			text := l.text + "\n"
			if o.timestamps {
				text = l.at.UTC().Format(time.RFC3339Nano) + " " + text
			}
			if o.limit > 0 && int64(len(text)) > left {
				text = text[:left]
			}
			left -= int64(len(text))
			if _, err := w.Write([]byte(text)); err != nil || o.limit > 0 && left <= 0 {
				return false
			}
		}
		if f, ok := w.(http.Flusher); ok {
			f.Flush()
		}
		return true
	}
	if !put(lines) || !o.follow || !r.end.IsZero() {
		return
	}
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := time.Now()
		if !put(wr.lines(r, until, now)) || !k.lasts(ctx, p, r) {
			return
		}
		until = now
	}
}

// lasts says whether the run still goes on.
func (k *Kubelet) lasts(ctx context.Context, p *corev1.Pod, r run) bool {
	now, err := k.client.CoreV1().Pods(p.Namespace).Get(ctx, p.Name, metav1.GetOptions{})
	if err != nil {
		return !apierrors.IsNotFound(err) && ctx.Err() == nil
	}
	cur, err := choose(now, r.container, false)
	return now.UID == p.UID && err == nil && cur.end.IsZero() && cur.start.Equal(r.start)
}
