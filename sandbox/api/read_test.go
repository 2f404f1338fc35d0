package api

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
)

func names(t *testing.T, list map[string]any) string {
	t.Helper()
	var out []string
	items, ok := list["items"].([]any)
	if !ok {
		t.Fatalf("no items in %v", list)
	}
	for _, i := range items {
		out = append(out, fmt.Sprint(at(t, i.(map[string]any), "metadata.name")))
	}
	return strings.Join(out, " ")
}

func TestListsAreSelected(t *testing.T) {
	h, s := newHandler(t)
	for _, tc := range []struct{ path, want string }{
		{prod + "/pods", "web-2-a web-2-b"},
		{"/api/v1/pods", "web-2-a web-2-b"},
		{"/api/v1/namespaces/data/pods", ""},
		{"/api/v1/namespaces", "monitoring production"},
		{prod + "/pods?labelSelector=app%3Dweb,pod-template-hash+in+(1)", ""},
		{prod + "/pods?labelSelector=app%3Dweb", "web-2-a web-2-b"},
		{prod + "/pods?labelSelector=!app", ""},
		{prod + "/pods?fieldSelector=metadata.name%3Dweb-2-b", "web-2-b"},
		{prod + "/pods?fieldSelector=metadata.name!%3Dweb-2-b", "web-2-a"},
		{prod + "/pods?fieldSelector=spec.nodeName%3Dnode-1", "web-2-a"},
		{prod + "/pods?fieldSelector=status.phase%3DRunning,spec.nodeName%3Dnode-2", "web-2-b"},
		{prod + "/pods?fieldSelector=metadata.namespace%3Ddata", ""},
		{prod + "/events?fieldSelector=involvedObject.kind%3DDeployment,involvedObject.name%3Dweb", "web.1"},
		{prod + "/events?fieldSelector=type!%3DNormal", ""},
		{prod + "/events?fieldSelector=source%3Ddeployment-controller", "web.1"},
		{"/apis/events.k8s.io/v1/namespaces/production/events?fieldSelector=regarding.name%3Dweb", "web.1"},
		{prod + "/pods?resourceVersion=0", "web-2-a web-2-b"},
		{prod + "/pods?resourceVersion=" + itoa(s.Version()) + "&resourceVersionMatch=Exact", "web-2-a web-2-b"},
		{prod + "/pods?resourceVersion=2&resourceVersionMatch=NotOlderThan", "web-2-a web-2-b"},
		{prod + "/pods?resourceVersion=2&resourceVersionMatch=Exact", ""},
	} {
		if got := names(t, ask{method: "GET", path: tc.path}.read(t, h, 200)); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.path, got, tc.want)
		}
	}
}

func TestPagesAreOfOneVersion(t *testing.T) {
	h, _ := newHandler(t)
	first := ask{method: "GET", path: prod + "/pods?limit=1"}.read(t, h, 200)
	if names(t, first) != "web-2-a" || at(t, first, "metadata.remainingItemCount") != 1.0 {
		t.Fatalf("the first page is %v", first)
	}
	ask{method: "DELETE", path: prod + "/pods/web-2-b?gracePeriodSeconds=0"}.read(t, h, 200)
	next := prod + "/pods?limit=1&continue=" + url.QueryEscape(at(t, first, "metadata.continue").(string))
	second := ask{method: "GET", path: next}.read(t, h, 200)
	if names(t, second) != "web-2-b" || at(t, second, "metadata.continue") != nil || at(t, second, "metadata.resourceVersion") != at(t, first, "metadata.resourceVersion") {
		t.Errorf("the second page is %v", second)
	}
}

func TestFormsOfAnAnswer(t *testing.T) {
	h, _ := newHandler(t)
	partial := "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
	o := ask{method: "GET", path: web, accept: partial}.read(t, h, 200)
	if o["kind"] != "PartialObjectMetadata" || o["spec"] != nil || at(t, o, "metadata.name") != "web" {
		t.Errorf("partial: %v", o)
	}
	l := ask{method: "GET", path: apps + "/deployments", accept: strings.Replace(partial, "Metadata", "MetadataList", 1)}.read(t, h, 200)
	if l["kind"] != "PartialObjectMetadataList" || names(t, l) != "web" {
		t.Errorf("partial list: %v", l)
	}
	full := ask{method: "GET", path: apps + "/deployments"}.read(t, h, 200)
	if full["kind"] != "DeploymentList" || full["items"].([]any)[0].(map[string]any)["kind"] != nil {
		t.Errorf("list: %v", full)
	}
	w := ask{method: "GET", path: web, accept: "application/yaml"}.do(h)
	if w.Code != 200 || !strings.Contains(w.Body.String(), "\nkind: Deployment\n") {
		t.Errorf("yaml: %d %s", w.Code, w.Body)
	}
	for _, path := range []string{web, apps + "/deployments"} {
		w = ask{method: "GET", path: path, accept: "application/vnd.kubernetes.protobuf,application/json"}.do(h)
		if ct := w.Header().Get("Content-Type"); ct != "application/vnd.kubernetes.protobuf" {
			t.Fatalf("the answer is %s", ct)
		}
		got, _, err := scheme.Codecs.UniversalDeserializer().Decode(w.Body.Bytes(), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		d, ok := got.(*appsv1.Deployment)
		if list, is := got.(*appsv1.DeploymentList); is && len(list.Items) == 1 && list.ResourceVersion != "" {
			d, ok = &list.Items[0], true
		}
		if !ok || d.Name != "web" || *d.Spec.Replicas != 2 {
			t.Errorf("%s in protobuf: %v", path, got)
		}
	}
	w = ask{method: "GET", path: web + "x", accept: "application/vnd.kubernetes.protobuf"}.do(h)
	if got, _, err := scheme.Codecs.UniversalDeserializer().Decode(w.Body.Bytes(), nil, nil); err != nil || got.(*metav1.Status).Code != 404 {
		t.Errorf("an error in protobuf: %v, %v", err, got)
	}
}

func TestTables(t *testing.T) {
	h, _ := newHandler(t)
	const table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
	for _, tc := range []struct{ path, want string }{
		{prod + "/pods", "NAME:web-2-a READY:1/1 STATUS:Running RESTARTS:0 AGE:60m ip:10.0.0.1 node:node-1 nominated node:<none> readiness gates:<none>\n" +
			"NAME:web-2-b READY:1/2 STATUS:CrashLoopBackOff RESTARTS:4 (2m ago) AGE:60m ip:<none> node:node-2 nominated node:<none> readiness gates:<none>"},
		{web, "NAME:web READY:2/2 UP-TO-DATE:2 AVAILABLE:2 AGE:60m containers:web images:shop/web:2 selector:app=web"},
		{apps + "/replicasets/web-2", "NAME:web-2 DESIRED:2 CURRENT:2 READY:2 AGE:60m containers:web images:shop/web:2 selector:app=web,pod-template-hash=2"},
		{prod + "/events", "LAST SEEN:10m TYPE:Normal REASON:ScalingReplicaSet OBJECT:deployment/web subobject: source:deployment-controller MESSAGE:Scaled up replica set web-2 to 2 first seen:10m count:1 name:web.1"},
		{"/api/v1/namespaces/monitoring/services", "NAME:prometheus TYPE:ClusterIP CLUSTER-IP:<none> EXTERNAL-IP:<none> PORT(S):9090/TCP AGE:60m selector:<none>"},
		{prod + "/configmaps", "NAME:settings DATA:1 AGE:60m"},
		{"/api/v1/namespaces/production", "NAME:production STATUS:Active AGE:60m"},
	} {
		var got metav1.Table
		w := ask{method: "GET", path: tc.path, accept: table}.do(h)
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got.Kind != "Table" {
			t.Fatalf("%s: %v: %s", tc.path, err, w.Body)
		}
		var lines []string
		for _, r := range got.Rows {
			var cells []string
			for i, c := range r.Cells {
				head := strings.ToUpper(got.ColumnDefinitions[i].Name)
				if got.ColumnDefinitions[i].Priority > 0 {
					head = strings.ToLower(head)
				}
				cells = append(cells, fmt.Sprintf("%s:%v", head, c))
			}
			lines = append(lines, strings.Join(cells, " "))
			if !strings.Contains(string(r.Object.Raw), `"kind":"PartialObjectMetadata"`) {
				t.Errorf("%s: a row has %s", tc.path, r.Object.Raw)
			}
		}
		if s := strings.Join(lines, "\n"); s != tc.want {
			t.Errorf("%s:\n%s\nwant\n%s", tc.path, s, tc.want)
		}
	}
}

func TestDiscovery(t *testing.T) {
	h, _ := newHandler(t)
	l := ask{method: "GET", path: "/apis/apps/v1"}.read(t, h, 200)
	raw, _ := json.Marshal(l)
	for _, want := range []string{`"name":"deployments/scale"`, `"kind":"Scale"`, `"shortNames":["deploy"]`, `"categories":["all"]`} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("no %s in %s", want, raw)
		}
	}
	for _, path := range []string{"/api", "/apis"} {
		w := ask{method: "GET", path: path, accept: aggregatedType + ",application/json"}.do(h)
		if ct := w.Header().Get("Content-Type"); ct != aggregatedType || !strings.Contains(w.Body.String(), `"kind":"APIGroupDiscoveryList"`) {
			t.Errorf("%s: %s %s", path, ct, w.Body)
		}
		if old := (ask{method: "GET", path: path}).read(t, h, 200); old["kind"] != "APIVersions" && old["kind"] != "APIGroupList" {
			t.Errorf("%s of old: %v", path, old)
		}
	}
	if v := (ask{method: "GET", path: "/version"}).read(t, h, 200); v["gitVersion"] != Version {
		t.Errorf("version %v", v)
	}
	if w := (ask{method: "GET", path: "/readyz"}).do(h); w.Body.String() != "ok" {
		t.Errorf("readyz: %s", w.Body)
	}
	paths := (ask{method: "GET", path: "/openapi/v3"}).read(t, h, 200)["paths"].(map[string]any)
	next := paths["apis/apps/v1"].(map[string]any)["serverRelativeURL"].(string)
	doc := ask{method: "GET", path: next}.read(t, h, 200)
	patch := doc["paths"].(map[string]any)["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"].(map[string]any)["patch"]
	if raw, _ := json.Marshal(patch); !strings.Contains(string(raw), `"name":"fieldValidation"`) || !strings.Contains(string(raw), `"kind":"Deployment"`) {
		t.Errorf("openapi: %s", raw)
	}
}

func TestLogs(t *testing.T) {
	h, _ := newHandler(t)
	for query, want := range map[string]string{
		"":                                    "started\nslow\nready\n",
		"?tailLines=1":                        "ready\n",
		"?tailLines=0":                        "",
		"?sinceSeconds=180":                   "slow\nready\n",
		"?sinceTime=2026-11-24T11:59:30Z":     "ready\n",
		"?limitBytes=10":                      "started\nsl",
		"?tailLines=1&timestamps=true":        "2026-11-24T11:59:59Z ready\n",
		"?container=web&tailLines=1&pretty=1": "ready\n",
	} {
		w := ask{method: "GET", path: prod + "/pods/web-2-a/log" + query}.do(h)
		if w.Code != 200 || w.Body.String() != want {
			t.Errorf("%s: %d %q, want %q", query, w.Code, w.Body, want)
		}
	}
}

func TestReviews(t *testing.T) {
	h, _ := newHandler(t)
	o := ask{method: "POST", path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body: aReview}.read(t, h, 201)
	if at(t, o, "status.allowed") != true {
		t.Errorf("may I: %v", o)
	}
	o = ask{method: "POST", path: "/apis/authentication.k8s.io/v1/selfsubjectreviews", body: `{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}`}.read(t, h, 201)
	if at(t, o, "status.userInfo.username") != "you" {
		t.Errorf("who am I: %v", o)
	}
	o = ask{method: "POST", path: "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", body: `{"spec":{"namespace":"production"}}`}.read(t, h, 201)
	if len(at(t, o, "status.resourceRules").([]any)) != 1 {
		t.Errorf("what may I: %v", o)
	}
}

func TestServiceProxy(t *testing.T) {
	h, _ := newHandler(t)
	for _, name := range []string{"prometheus:9090", "prometheus", "prometheus:web", "http:prometheus:9090"} {
		w := ask{method: "GET", path: "/api/v1/namespaces/monitoring/services/" + name + "/proxy/api/v1/query?query=up%7Ba%3D%22b%2Fc%22%7D"}.do(h)
		if want := `GET /api/v1/query?query=up%7Ba%3D%22b%2Fc%22%7D auth=""`; w.Code != 200 || w.Body.String() != want {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	if w := (ask{method: "GET", path: "/api/v1/namespaces/monitoring/services/prometheus:9090/proxy"}).do(h); w.Code != 301 {
		t.Errorf("without a slash: %d", w.Code)
	}
}
