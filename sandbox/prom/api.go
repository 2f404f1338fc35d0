package prom

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/util/annotations"
)

// version is what the API calls itself: the release whose engine this is.
const version = "3.16.0"

// Handler serves Prometheus' HTTP API from its root on: /api/v1/…, /-/ready and
// /-/healthy. Nothing can be written by it.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	get := func(path string, f endpoint) { mux.HandleFunc("GET /api/v1/"+path, answer(f)) }
	form := func(path string, f endpoint) {
		get(path, f)
		mux.HandleFunc("POST /api/v1/"+path, answer(f))
	}
	form("query", s.query)
	form("query_range", s.queryRange)
	form("query_exemplars", func(*http.Request) (any, annotations.Annotations, error) { return []any{}, nil, nil })
	form("format_query", s.formatQuery)
	form("series", s.series)
	form("labels", s.labelNames)
	get("label/{name}/values", s.labelValues)
	get("rules", s.rules)
	get("alerts", s.alerts)
	get("targets", s.activeTargets)
	get("metadata", s.metadata)
	get("status/buildinfo", s.buildInfo)
	get("status/runtimeinfo", s.runtimeInfo)
	for path, text := range map[string]string{
		"/-/healthy": "Prometheus Server is Healthy.\n",
		"/-/ready":   "Prometheus Server is Ready.\n",
		"/{$}": "This is the sandbox's Prometheus: the API without the pages. Try api/v1/alerts,\n" +
			"api/v1/targets or api/v1/query?query=up, or add this address to Grafana.\n",
	} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			_, _ = w.Write([]byte(text))
		})
	}
	return mux
}

// endpoint answers with what stands in data, or with a *failure.
type endpoint func(*http.Request) (any, annotations.Annotations, error)

// response is the frame of every answer.
type response struct {
	Status    string   `json:"status"`
	Data      any      `json:"data,omitempty"`
	ErrorType string   `json:"errorType,omitempty"`
	Error     string   `json:"error,omitempty"`
	Warnings  []string `json:"warnings,omitempty"`
	Infos     []string `json:"infos,omitempty"`
}

// failure is an error with its kind, as the API names it.
type failure struct {
	kind   string
	status int
	err    error
}

func (f *failure) Error() string { return f.err.Error() }

// badData is the client's mistake.
func badData(format string, args ...any) error {
	return &failure{"bad_data", http.StatusBadRequest, fmt.Errorf(format, args...)}
}

// badParam is a parameter that cannot be read.
func badParam(name string, err error) error { return badData("invalid parameter %q: %w", name, err) }

// failed tells what became of a query.
func failed(err error) *failure {
	var (
		already  *failure
		canceled promql.ErrQueryCanceled
		timeout  promql.ErrQueryTimeout
		store    promql.ErrStorage
	)
	const clientClosed = 499 // nginx's: the client went away
	switch {
	case errors.As(err, &already):
		return already
	case errors.As(err, &canceled), errors.Is(err, context.Canceled):
		return &failure{"canceled", clientClosed, err}
	case errors.As(err, &timeout):
		return &failure{"timeout", http.StatusServiceUnavailable, err}
	case errors.As(err, &store):
		return &failure{"internal", http.StatusInternalServerError, err}
	}
	return &failure{"execution", http.StatusUnprocessableEntity, err}
}

const (
	formMost  = 1 << 20 // bytes
	notesMost = 10      // warnings, and infos, in an answer
)

// answer puts an endpoint's data or failure into its frame.
func answer(f endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, formMost)
		status, out := http.StatusOK, response{Status: "success"}
		err := r.ParseForm()
		if err != nil {
			err = badData("error parsing form values: %w", err)
		} else {
			var notes annotations.Annotations
			out.Data, notes, err = f(r)
			out.Warnings, out.Infos = notes.AsStrings(r.Form.Get("query"), notesMost, notesMost)
		}
		if err != nil {
			e := failed(err)
			status, out = e.status, response{Status: "error", ErrorType: e.kind, Error: e.Error()}
		}
		body, err := json.Marshal(out)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}
}

func (s *Server) buildInfo(*http.Request) (any, annotations.Annotations, error) {
	return map[string]string{
		"version": version, "revision": "", "branch": "", "buildUser": "rollbook sandbox", "buildDate": "",
		"goVersion": runtime.Version(),
	}, nil, nil
}

func (s *Server) runtimeInfo(*http.Request) (any, annotations.Annotations, error) {
	return map[string]any{
		"startTime": s.started, "serverTime": s.now(), "lastConfigTime": s.started, "reloadConfigSuccess": true,
		"corruptionCount": 0, "goroutineCount": runtime.NumGoroutine(), "GOMAXPROCS": runtime.GOMAXPROCS(0),
		"storageRetention": s.keep.String(),
	}, nil, nil
}
