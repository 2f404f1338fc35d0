package bed

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"rollbook/testbed/proxy"
	"rollbook/testbed/shop"
)

// handle adds the control API, by which tests make trouble:
//
//	GET  /env                                     the environment variables
//	POST /release?workload=&kind=[&namespace=]    a new revision, good or bad
//	POST /reset[?namespace=]                      the shop as it was at the start
//	POST /shop?namespace=                         another shop in a namespace of its own
//	DELETE /shop?namespace=                       and away again
//	POST /bench[?deployments=1000&pods=5&namespace=bench]
//	GET  /proxy                                   both modes
//	POST /proxy/api?mode=, /proxy/prometheus?mode=    pass, delay=500ms, reset, blackhole
//	POST /apiserver?state=stop|start              a real outage; etcd stays
//	POST /prometheus?state=stop|start
//
// It answers JSON, or an error as text with status 400 or 500, when the thing is
// done.
func (b *Bed) handle(mux *http.ServeMux) {
	mux.HandleFunc("GET /env", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprintln(w, strings.Join(b.Env(), "\n"))
	})
	mux.HandleFunc("POST /release", b.release)
	mux.HandleFunc("POST /reset", b.shop(func(r *http.Request, ns string) error {
		return shop.Reset(r.Context(), b.Cluster.Client, ns)
	}))
	mux.HandleFunc("POST /shop", b.shop(func(r *http.Request, ns string) error {
		return shop.Create(r.Context(), b.Cluster.Client, ns)
	}))
	mux.HandleFunc("DELETE /shop", b.shop(func(r *http.Request, ns string) error {
		return shop.Delete(r.Context(), b.Cluster.Client, ns)
	}))
	mux.HandleFunc("POST /bench", b.bench)
	mux.HandleFunc("GET /proxy", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, map[string]string{"api": b.APIProxy.Mode().String(), "prometheus": b.PromProxy.Mode().String()})
	})
	mux.HandleFunc("POST /proxy/{which}", b.setProxy)
	mux.HandleFunc("POST /apiserver", state(
		func(*http.Request) error { b.Cluster.StopAPI(); return nil },
		func(r *http.Request) error { return b.Cluster.StartAPI(r.Context()) }))
	mux.HandleFunc("POST /prometheus", state(
		func(*http.Request) error { b.Prometheus.Stop(); return nil },
		func(r *http.Request) error { return b.Prometheus.Start(r.Context()) }))
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, format string, args ...any) {
	http.Error(w, fmt.Sprintf(format, args...), http.StatusBadRequest)
}

func namespace(r *http.Request) string {
	if ns := r.FormValue("namespace"); ns != "" {
		return ns
	}
	return shop.Namespace
}

func (b *Bed) release(w http.ResponseWriter, r *http.Request) {
	workload, kind := r.FormValue("workload"), r.FormValue("kind")
	if workload == "" || kind == "" {
		refuse(w, "release: workload and kind are needed, such as /release?workload=backend-python&kind=errors; kinds are %s", strings.Join(shop.Kinds(), ", "))
		return
	}
	done, err := shop.Release(r.Context(), b.Cluster.Client, namespace(r), workload, kind)
	if err != nil {
		refuse(w, "%v", err)
		return
	}
	reply(w, done)
}

func (b *Bed) shop(do func(*http.Request, string) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		start, ns := time.Now(), namespace(r)
		if err := do(r, ns); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		reply(w, map[string]string{"namespace": ns, "took": time.Since(start).Round(time.Millisecond).String()})
	}
}

func (b *Bed) setProxy(w http.ResponseWriter, r *http.Request) {
	p := map[string]*proxy.Proxy{"api": b.APIProxy, "prometheus": b.PromProxy}[r.PathValue("which")]
	if p == nil {
		refuse(w, "proxy: there is none before %q; there are api and prometheus", r.PathValue("which"))
		return
	}
	m, err := proxy.ParseMode(r.FormValue("mode"))
	if err != nil {
		refuse(w, "%v", err)
		return
	}
	p.Set(m)
	reply(w, map[string]string{r.PathValue("which"): m.String()})
}

func state(stop, start func(*http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		do := map[string]func(*http.Request) error{"stop": stop, "start": start}[r.FormValue("state")]
		if do == nil {
			refuse(w, "state %q: use stop or start", r.FormValue("state"))
			return
		}
		if err := do(r); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		reply(w, map[string]string{"state": r.FormValue("state")})
	}
}

func (b *Bed) bench(w http.ResponseWriter, r *http.Request) {
	o := shop.Bench{Namespace: "bench", Deployments: 1000, Pods: 5}
	if ns := r.FormValue("namespace"); ns != "" {
		o.Namespace = ns
	}
	for name, to := range map[string]*int{"deployments": &o.Deployments, "pods": &o.Pods} {
		if s := r.FormValue(name); s != "" {
			if _, err := fmt.Sscan(s, to); err != nil || *to < 0 {
				refuse(w, "bench: %s=%q is not a number", name, s)
				return
			}
		}
	}
	start := time.Now()
	if err := o.Create(r.Context(), b.Cluster.Config); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	reply(w, map[string]any{"namespace": o.Namespace, "deployments": o.Deployments, "pods": o.Deployments * o.Pods,
		"took": time.Since(start).Round(time.Millisecond).String()})
}
