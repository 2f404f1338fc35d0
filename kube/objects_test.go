package kube

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

const canary = "c4n4ry-s3cr3t-value"

// evidenceServer has a Deployment with a canary wherever a secret may stand.
func evidenceServer(t *testing.T) *Client {
	spec := `{"containers":[{"name":"api","env":[{"name":"HARMLESS","value":"` + canary + `"}],"envFrom":[{"configMapRef":{"name":"api-env"}},{"secretRef":{"name":"api-key"}},{"configMapRef":{"name":"gone"}}]}]}`
	meta := func(name, uid, owner string) string {
		o := ""
		if owner != "" {
			o = `,"ownerReferences":[{"uid":"` + owner + `","controller":true}]`
		}
		return `{"name":"` + name + `","namespace":"shop","uid":"` + uid + `","managedFields":[{"manager":"x"}],"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"` + canary + `"}` + o + `}`
	}
	return serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case path == "/apis/apps/v1/namespaces/shop/deployments/api":
			fmt.Fprintf(w, `{"kind":"Deployment","metadata":%s,"spec":{"selector":{"matchLabels":{"app":"api"}},"template":{"spec":%s}}}`, meta("api", "d", ""), spec)
		case path == "/apis/apps/v1/namespaces/shop/replicasets" && r.URL.Query().Get("labelSelector") == "app=api":
			fmt.Fprintf(w, `{"items":[{"metadata":%s,"spec":{"replicas":2,"template":{"spec":%s}}},{"metadata":%s,"spec":{"replicas":0}}]}`, meta("api-1", "r1", "d"), spec, meta("other", "r9", "else"))
		case path == "/api/v1/namespaces/shop/pods":
			fmt.Fprintf(w, `{"items":[{"metadata":%s,"spec":%s},{"metadata":%s,"spec":{}}]}`, meta("api-1-x", "p1", "r1"), spec, meta("stranger", "p9", "r9"))
		case path == "/api/v1/namespaces/shop/configmaps/api-env":
			fmt.Fprintf(w, `{"kind":"ConfigMap","metadata":%s,"data":{"MODE":"fast","DB_PASSWORD":"%s"}}`, meta("api-env", "c", ""), canary)
		case path == "/api/v1/namespaces/shop/secrets/api-key":
			if !strings.Contains(r.Header.Get("Accept"), "PartialObjectMetadata") {
				t.Errorf("a Secret was asked for with its data: %s", r.Header.Get("Accept"))
			}
			// An old server may not know the form and send all of it.
			fmt.Fprintf(w, `{"kind":"Secret","metadata":%s,"data":{"token":"%s"},"stringData":{"a":"%s"}}`, meta("api-key", "s", ""), canary, canary)
		case path == "/api/v1/namespaces/shop/configmaps/gone":
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"kind":"Status","reason":"NotFound","message":"configmaps \"gone\" not found","code":404}`)
		default:
			t.Errorf("unexpected: %s %s", r.Method, r.URL)
		}
	})
}

func TestObjectsHoldNoSecrets(t *testing.T) {
	c := evidenceServer(t)
	got := c.Objects(t.Context(), &model.Component{Workload: model.Workload{Kind: model.Deployment, Namespace: "shop", Name: "api"}})
	var names []string
	for _, o := range got {
		names = append(names, o.Kind+"/"+o.Name)
		if strings.Contains(o.YAML, canary) || strings.Contains(o.YAML, "managedFields") {
			t.Errorf("%s shows a secret or managedFields:\n%s", o.Name, o.YAML)
		}
		if (o.Name == "gone") != (o.Err != nil) {
			t.Errorf("%s: %v", o.Name, o.Err)
		}
		if o.Err == nil && !strings.Contains(o.YAML, "kind: "+o.Kind+"\n") || o.Kind == "Pod" && !strings.Contains(o.YAML, "apiVersion: v1\n") {
			t.Errorf("%s has no kind:\n%s", o.Name, o.YAML)
		}
	}
	if want := "Deployment/api ReplicaSet/api-1 Pod/api-1-x ConfigMap/api-env Secret/api-key ConfigMap/gone"; strings.Join(names, " ") != want {
		t.Errorf("%q, want %q", strings.Join(names, " "), want)
	}
}

func TestObjectsSayWhatIsForbidden(t *testing.T) {
	c := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"kind":"Status","reason":"Forbidden","message":"deployments.apps \"api\" is forbidden: User \"eve\" cannot get","code":403}`)
	})
	got := c.Objects(t.Context(), &model.Component{Workload: model.Workload{Kind: model.Deployment, Namespace: "shop", Name: "api"}})
	if len(got) != 1 || got[0].Err == nil || !strings.Contains(got[0].Err.Error(), "forbidden") {
		t.Errorf("%+v", got)
	}
}

// A whole log is asked for since a time, without the bounds of one that is shown.
func TestLogsSince(t *testing.T) {
	since := time.Date(2026, 11, 23, 2, 30, 0, 0, time.UTC)
	c := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		if q := r.URL.Query(); q.Get("sinceTime") != "2026-11-23T02:30:00Z" || q.Get("timestamps") != "true" || q.Has("tailLines") || q.Has("limitBytes") || q.Has("follow") {
			t.Errorf("%s", r.URL)
		}
		line := strings.Repeat("x", 1023) + "\n"
		for range 6 << 10 { // 6 MB, more than a log that is shown
			fmt.Fprint(w, line)
		}
	})
	n := 0
	for l, err := range c.Logs(t.Context(), "shop", "p", LogOptions{Since: since, Timestamps: true}) {
		if err != nil {
			t.Fatal(err)
		}
		n += len(l) + 1
	}
	if n != 6<<20 {
		t.Errorf("%d bytes of %d", n, 6<<20)
	}
}
