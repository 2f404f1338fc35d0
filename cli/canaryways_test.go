package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rollbook/sandbox"
	"rollbook/text"
)

const canaryWaysScenario = `name: canary
title: secrets in the ways back
learn: None of them is kept.
end: {images: {backend-python: "shop/backend-python:1.41.0"}, schema: b2c3d4e5f6a1}
gitlab: {workload: backend-python, project: shop/shop}
schema:
  workload: backend-python
  migrations:
  - {key: b2c3d4e5f6a1, title: index of customers, sql: ["DROP INDEX ix_orders_customer;"]}
  - key: c3d4e5f6a1b2
    title: "login of the reports, password=%[1]s"
    since: "shop/backend-python:1.42.0"
    sql:
    - "ALTER ROLE reports WITH PASSWORD '%[1]s';"
    - "UPDATE settings SET smtp_password='%[1]s';"
    - "CREATE SUBSCRIPTION reports CONNECTION 'postgres://reports:%[1]s@db:5432/shop';"
    - "-- as the pipeline had it: %[2]s"
releases:
- {at: -8m, workload: backend-python, image: "shop/backend-python:1.42.0", cause: "deploy 1.42.0, pipeline 4578: token=%[3]s"}
images:
  shop/backend-python:1.42.0: {errors: 34%%}
`

const canaryWaysConfig = `methods:
  gitlab: {url: "http://%[2]s", token_file: %[1]s/deploy}
components:
- name: backend-python
  workload: deploy/backend-python
  gitlab: {project: shop/shop, environment: production}
  migrations: {tool: alembic, releases: {"1.41.0": b2c3d4e5f6a1, "1.42.0": c3d4e5f6a1b2}}
- {name: frontend, workload: deploy/frontend}
- {name: backend-rust, workload: deploy/backend-rust}
verify: {hold: 30s}
not_production: [{context: sandbox}]
`

// overheard is where the program finds GitLab.
const overheard = "overheard.invalid:80"

// overhears puts something before the sandbox's GitLab that takes a canary for the token,
// repeats it in each refusal and writes it into the logs of the jobs. It refuses the first
// start of a job.
func (n *nest) overhears(s *stage, to, token string) (end func()) {
	at, err := url.Parse(to)
	if err != nil {
		panic(err)
	}
	pipe, dial := sandbox.NewPipeAt(overheard), s.dial
	proxy := &httputil.ReverseProxy{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true},
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(at)
			r.Out.Header.Set("PRIVATE-TOKEN", token)
			r.Out.Header.Del("Range")
		},
		ModifyResponse: func(r *http.Response) error {
			if !strings.HasSuffix(r.Request.URL.Path, "/trace") {
				return nil
			}
			log, err := io.ReadAll(r.Body)
			said := "+ curl --header 'PRIVATE-TOKEN: " + canary("token") + "' https://gitlab.example\nthe token is " + canary("token") + "\n" +
				"export KUBE_TOKEN=" + canary("trace") + "\n\x1b[32m$ helm registry login --password " + canary("trace") + "\x1b[0m\n"
			r.Body = io.NopCloser(bytes.NewReader(append([]byte(said), log...)))
			r.Header.Set("Content-Length", strconv.Itoa(len(said)+len(log)))
			return err
		}}
	var starts atomic.Int32
	srv := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("PRIVATE-TOKEN") != canary("token") || r.Method == http.MethodPost && starts.Add(1) == 1 {
			w.WriteHeader(http.StatusConflict)
			fmt.Fprintf(w, `{"message":"not %s: %v"}`, r.Header.Get("PRIVATE-TOKEN"), r.Header)
			return
		}
		proxy.ServeHTTP(w, r)
	})}
	go func() { _ = srv.Serve(pipe) }()
	s.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if address == overheard {
			return pipe.Dial(ctx, network, address)
		}
		return dial(ctx, network, address)
	}
	return func() { _ = srv.Close() }
}

// What GitLab and the tool of the migrations say is kept without the secrets in it.
func TestNoCanaryOfTheWaysIsKept(t *testing.T) {
	n := &nest{dir: t.TempDir(), journals: t.TempDir(), masked: map[string]bool{"journal.jsonl": true, "report.md": false, "stderr": false}}
	t.Setenv("CANARY_HOOK", "")
	n.play(t, fmt.Sprintf(canaryWaysScenario, canary("sql"), canary("token"), canary("cause")), fmt.Sprintf(canaryWaysConfig, n.dir, overheard),
		map[string]string{"deploy": canary("token")}, n.waysWalked)
}

// waysWalked takes the schema back and then the application by its pipeline, whose job is
// refused at first, and looks at all that is said of it.
func (n *nest) waysWalked(m *played) {
	look := func(key string, words ...string) {
		m.t.Helper()
		m.Keys(key)
		m.Waits(time.Minute, words...)
		n.note(m.Screen())
	}
	m.Waits(20*time.Second, "ROLL BACK NOW")
	look(enter, "▸2 Decide")
	look(enter, "▸3 Choose", "★ good", "1 migration since 1.41.0")
	look("b", "by GitLab job", "1.42.0 → v1.41.0 (6 → #", "1 migration since v1.41.0")
	look("s", "by migrations", "login of the reports, password="+text.Mask)
	look(" ", "▸✓b2c3d4e5f6a1")
	look(enter, "▸4 Confirm", "type data of backend-python", "smtp_password='"+text.Mask, "postgres://reports:"+text.Mask)
	m.Keys("data of backend-python may be lost")
	look(enter, "type y to do this")
	m.Keys("y")
	look(enter, "▸5 Roll back")
	look("", "Running downgrade c3d4e5f6a1b2", "password="+text.Mask)
	look("", "409 Conflict: not "+text.Mask, "then confirm again")
	m.Waits(20*time.Second, "type y to roll back")
	m.Keys("y")
	look(enter, "▸5 Roll back")
	look("", "PRIVATE-TOKEN: "+text.Mask, "the token is "+text.Mask, "KUBE_TOKEN="+text.Mask, "--password "+text.Mask)
	m.Waits(2*time.Minute, "Rolled out. Verify proves that it worked")
	n.note(m.Screen())
	look(enter, "▸6 Verify")
	look("t", "409 Conflict")
	m.Keys(esc)
	m.Waits(5*time.Minute, "VERIFIED")
	look(enter, "▸7 Close", "items are open")
	look(" ", "10 items are open")  // nobody was paged
	look(" ", "9 items are open")   // how severe it was is not known
	look(enter, "8 items are open") // the report is written
	m.ticks()
}
