package cli

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollbook/kube"
	"rollbook/model"
)

// clusterAt is a client of an API server that is a handler.
func clusterAt(t *testing.T, h http.HandlerFunc) *kube.Client {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	path := filepath.Join(t.TempDir(), "kubeconfig")
	conf := fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","current-context":"x","clusters":[{"name":"x","cluster":{"server":%q}}],`+
		`"users":[{"name":"x","user":{"token":"t"}}],"contexts":[{"name":"x","context":{"cluster":"x","user":"x","namespace":"production"}}]}`, srv.URL)
	if err := os.WriteFile(path, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := kube.Connect(&kube.Flags{Kubeconfig: path}, kube.Options{Version: "test", Warn: func(string) {}, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTailIsOfTheRunningRevision(t *testing.T) {
	asked := ""
	c := clusterAt(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Path + "?" + r.URL.RawQuery
		if strings.Contains(r.URL.Path, "gone") {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"kind":"Status","message":"pods \"gone\" not found","reason":"NotFound","code":404}`)
			return
		}
		fmt.Fprint(w, "served /\npanic: \x1b[31mboom\nserved /\n")
	})
	k := checks{c: c}
	pod := func(name string, rev int64, deleting bool) model.Pod {
		return model.Pod{Name: name, Owner: fmt.Sprint("shop-", rev), Revision: rev, Deleting: deleting, Names: []string{"app"}, Bad: "app"}
	}
	line := &model.Component{ID: "shop", Workload: model.Workload{Kind: model.Deployment, Namespace: "production", Name: "shop"}, Revision: 43, OwnerName: "shop-43",
		Pods: []model.Pod{pod("ending", 43, true), pod("old", 42, false), pod("new", 43, false)}}
	got := k.Tail(context.Background(), line, 20, "panic|FATAL")
	if got.Pod != "new" || len(got.Lines) != 3 || len(got.Bad) != 1 || strings.Contains(got.Bad[0], "\x1b") || got.Err != "" {
		t.Errorf("%+v", got)
	}
	if !strings.HasPrefix(asked, "/api/v1/namespaces/production/pods/new/log?") || !strings.Contains(asked, "tailLines=20") || !strings.Contains(asked, "container=app") {
		t.Errorf("asked for %s", asked)
	}
	if got = k.Tail(context.Background(), line, 20, ""); len(got.Bad) != 0 {
		t.Errorf("nothing was called bad, and %v is", got.Bad)
	}
	line.Pods = []model.Pod{pod("gone", 43, false)}
	if got = k.Tail(context.Background(), line, 20, ""); !strings.Contains(got.Err, "not found") {
		t.Errorf("%+v", got)
	}
	line.Pods = nil
	if got = k.Tail(context.Background(), line, 20, ""); !strings.Contains(got.Err, "no pod of revision 43") {
		t.Errorf("%+v", got)
	}
	line.PodsNo = "forbidden: you may not list pods"
	if got = k.Tail(context.Background(), line, 20, ""); got.Err != line.PodsNo {
		t.Errorf("%+v", got)
	}
}

func TestOwnQueriesWithoutPrometheus(t *testing.T) {
	p := &prometheus{}
	p.because("looking for it")
	got := checks{prom: p}.Own(context.Background(), model.Target{Promql: []model.OwnCheck{{Name: "queue", Query: "q"}}})
	if len(got) != 1 || got[0].Name != "queue" || got[0].Reading.Known || got[0].Reading.Why == "" {
		t.Errorf("%+v", got)
	}
}
