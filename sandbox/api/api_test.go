package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"rollbook/sandbox/store"
)

// noon is the time of every test that does not wait.
var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

const token = "secret-token"

// shop is a namespace with two revisions of a Deployment, as its controllers
// would have left it.
const shop = `
apiVersion: v1
kind: Namespace
metadata: {name: production}
---
apiVersion: v1
kind: Namespace
metadata: {name: monitoring}
---
apiVersion: v1
kind: Service
metadata: {name: prometheus, namespace: monitoring}
spec: {ports: [{name: web, port: 9090}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: production, labels: {app: web}, annotations: {deployment.kubernetes.io/revision: "2"}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "shop/web:2"}]}
status: {observedGeneration: 1, replicas: 2, updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata:
  name: web-1
  namespace: production
  labels: {app: web, pod-template-hash: "1"}
  annotations: {deployment.kubernetes.io/revision: "1", kubernetes.io/change-cause: the first}
  ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, uid: OWNER, controller: true}]
spec:
  replicas: 0
  selector: {matchLabels: {app: web, pod-template-hash: "1"}}
  template:
    metadata: {labels: {app: web, pod-template-hash: "1"}}
    spec: {containers: [{name: web, image: "shop/web:1"}]}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata:
  name: web-2
  namespace: production
  labels: {app: web, pod-template-hash: "2"}
  annotations: {deployment.kubernetes.io/revision: "2"}
  ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, uid: OWNER, controller: true}]
spec:
  replicas: 2
  selector: {matchLabels: {app: web, pod-template-hash: "2"}}
  template:
    metadata: {labels: {app: web, pod-template-hash: "2"}}
    spec: {containers: [{name: web, image: "shop/web:2"}]}
status: {replicas: 2, readyReplicas: 2}
---
apiVersion: v1
kind: Pod
metadata: {name: web-2-a, namespace: production, labels: {app: web, pod-template-hash: "2"}}
spec: {nodeName: node-1, containers: [{name: web, image: "shop/web:2"}]}
status:
  phase: Running
  podIP: 10.0.0.1
  conditions: [{type: Ready, status: "True"}]
  containerStatuses: [{name: web, ready: true, restartCount: 0, image: "shop/web:2", imageID: "", state: {running: {}}}]
---
apiVersion: v1
kind: Pod
metadata: {name: web-2-b, namespace: production, labels: {app: web, pod-template-hash: "2"}}
spec: {nodeName: node-2, containers: [{name: web, image: "shop/web:2"}, {name: side, image: "shop/side:1"}]}
status:
  phase: Running
  containerStatuses:
  - {name: web, ready: false, restartCount: 4, image: "shop/web:2", imageID: "", state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {exitCode: 1, reason: Error, finishedAt: "2026-11-24T11:58:00Z"}}}
  - {name: side, ready: true, restartCount: 0, image: "shop/side:1", imageID: "", state: {running: {}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: production}
data: {colour: green}
---
apiVersion: v1
kind: Event
metadata: {name: web.1, namespace: production}
involvedObject: {apiVersion: apps/v1, kind: Deployment, name: web, namespace: production, uid: OWNER}
reason: ScalingReplicaSet
message: Scaled up replica set web-2 to 2
type: Normal
count: 1
source: {component: deployment-controller}
firstTimestamp: "2026-11-24T11:50:00Z"
lastTimestamp: "2026-11-24T11:50:00Z"
`

// fill makes a store with the shop in it, an hour before noon.
func fill(t testing.TB, now func() time.Time) *store.Store {
	t.Helper()
	at := now().Add(-time.Hour)
	clock := func() time.Time { return at }
	s := store.New(func() time.Time { return clock() })
	s.Seed(1)
	owner := ""
	for _, doc := range strings.Split(shop, "---\n") {
		o := object(t, strings.ReplaceAll(doc, "OWNER", owner))
		made := put(t, s, o)
		if made.GetKind() == "Deployment" {
			owner = string(made.GetUID())
		}
	}
	clock = now
	return s
}

func object(t testing.TB, text string) *unstructured.Unstructured {
	t.Helper()
	o := &unstructured.Unstructured{}
	raw, err := yaml.YAMLToJSON([]byte(text))
	if err == nil {
		err = o.UnmarshalJSON(raw)
	}
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return o
}

func put(t testing.TB, s *store.Store, o *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	for _, r := range store.Resources {
		if r.GVK() != o.GroupVersionKind() {
			continue
		}
		made, err := s.Create(r.GR(), o, store.By{Manager: "kubectl-client-side-apply"})
		if err != nil {
			t.Fatal(err)
		}
		if st, ok := o.Object["status"]; ok {
			made = made.DeepCopy()
			made.Object["status"] = st
			if made, err = s.UpdateStatus(r.GR(), made, "kube-controller-manager"); err != nil {
				t.Fatal(err)
			}
		}
		return made
	}
	t.Fatalf("%s is not served", o.GroupVersionKind())
	return nil
}

// lines is a log that each container wrote.
type lines []Line

func (l lines) Logs(q LogQuery) ([]Line, bool, error) {
	if q.Previous {
		return nil, false, fmt.Errorf("previous terminated container %q in pod %q not found", q.Container, q.Pod)
	}
	var out []Line
	for _, x := range l {
		if !x.At.Before(q.Since) {
			out = append(out, x)
		}
	}
	if q.Tail >= 0 && len(out) > q.Tail {
		out = out[len(out)-q.Tail:]
	}
	return out, true, nil
}

func newHandler(t testing.TB) (http.Handler, *store.Store) {
	t.Helper()
	now := func() time.Time { return noon }
	s := fill(t, now)
	log := lines{{noon.Add(-time.Hour), "started"}, {noon.Add(-2 * time.Minute), "slow"}, {noon.Add(-time.Second), "ready"}}
	prom := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s auth=%q", r.Method, r.URL.RequestURI(), r.Header.Get("Authorization"))
	})
	return Handler(Options{Store: s, Logs: log, Prometheus: prom, Token: token, User: "you", Now: now}), s
}

// ask is one request; kind is its Content-Type.
type ask struct{ method, path, kind, body, accept string }

func (a ask) do(h http.Handler) *httptest.ResponseRecorder {
	var body io.Reader
	if a.body != "" {
		body = strings.NewReader(a.body)
	}
	r := httptest.NewRequest(a.method, a.path, body)
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("User-Agent", "tester/1")
	if a.kind != "" {
		r.Header.Set("Content-Type", a.kind)
	}
	if a.accept != "" {
		r.Header.Set("Accept", a.accept)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// read asks and decodes the JSON of the answer.
func (a ask) read(t *testing.T, h http.Handler, code int) map[string]any {
	t.Helper()
	w := a.do(h)
	if w.Code != code {
		t.Fatalf("%s %s: %d, want %d: %s", a.method, a.path, w.Code, code, w.Body)
	}
	var v map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	return v
}

func at(t *testing.T, v map[string]any, path string) any {
	t.Helper()
	got, _, err := unstructured.NestedFieldNoCopy(v, strings.Split(path, ".")...)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

const (
	prod    = "/api/v1/namespaces/production"
	apps    = "/apis/apps/v1/namespaces/production"
	web     = apps + "/deployments/web"
	newPod  = `{"apiVersion":"v1","kind":"Pod","metadata":{"generateName":"p-"},"spec":{"containers":[{"name":"a","image":"b"}]}}`
	aReview = `{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview","spec":{"resourceAttributes":{"verb":"patch","group":"apps","resource":"deployments"}}}`
)

// refusal is a request that is refused, and how.
type refusal struct {
	name string
	ask
	code   int32
	reason metav1.StatusReason
	words  string
}

// refusals were compared with a real API server's; see the end-to-end tests.
var refusals = []refusal{
	{"nowhere", ask{method: "GET", path: "/nowhere"}, 404, metav1.StatusReasonNotFound, "could not find the requested resource"},
	{"unknown kind", ask{method: "GET", path: prod + "/unicorns"}, 404, metav1.StatusReasonNotFound, "could not find the requested resource"},
	{"unknown group", ask{method: "GET", path: "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/shop"}, 404, metav1.StatusReasonNotFound, ""},
	{"unknown version", ask{method: "GET", path: "/apis/apps/v9"}, 404, metav1.StatusReasonNotFound, ""},
	{"unknown object", ask{method: "GET", path: apps + "/deployments/none"}, 404, metav1.StatusReasonNotFound, `deployments.apps "none" not found`},
	{"unknown event", ask{method: "GET", path: "/apis/events.k8s.io/v1/namespaces/production/events/none"}, 404, metav1.StatusReasonNotFound, `events.events.k8s.io "none" not found`},
	{"unknown part", ask{method: "GET", path: web + "/nothing"}, 404, metav1.StatusReasonNotFound, ""},
	{"attach", ask{method: "POST", path: prod + "/pods/web-2-a/attach"}, 404, metav1.StatusReasonNotFound, ""},
	{"exec without a command", ask{method: "POST", path: prod + "/pods/web-2-a/exec"}, 400, metav1.StatusReasonBadRequest, "you must specify at least 1 command"},
	{"name without namespace", ask{method: "GET", path: "/apis/apps/v1/deployments/web"}, 404, metav1.StatusReasonNotFound, ""},
	{"namespace of what has none", ask{method: "GET", path: prod + "/nodes"}, 404, metav1.StatusReasonNotFound, ""},
	{"post to an object", ask{method: "POST", path: web, body: "{}"}, 405, metav1.StatusReasonMethodNotAllowed, "does not allow this method"},
	{"put to a list", ask{method: "PUT", path: apps + "/deployments", body: "{}"}, 405, metav1.StatusReasonMethodNotAllowed, ""},
	{"odd verb", ask{method: "BREW", path: web}, 405, metav1.StatusReasonMethodNotAllowed, ""},
	{"get a review", ask{method: "GET", path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"}, 405, metav1.StatusReasonMethodNotAllowed, ""},
	{"create in all namespaces", ask{method: "POST", path: "/api/v1/pods", body: newPod}, 405, metav1.StatusReasonMethodNotAllowed, ""},
	{"broken JSON", ask{method: "POST", path: prod + "/pods", body: `{"a":`}, 400, metav1.StatusReasonBadRequest, "the object provided is unrecognized (must be of type Pod)"},
	{"wrong kind", ask{method: "POST", path: prod + "/pods", body: `{"apiVersion":"v1","kind":"Secret"}`}, 400, metav1.StatusReasonBadRequest, "Secret"},
	{"wrong version", ask{method: "POST", path: apps + "/deployments", body: `{"apiVersion":"v1","kind":"Pod"}`}, 400, metav1.StatusReasonBadRequest, `Pod in version "v1" cannot be handled as a Deployment: converting (v1.Pod) to (apps.Deployment): unknown conversion`},
	{"wrong type", ask{method: "POST", path: prod + "/pods", body: `{"apiVersion":"v1","kind":"Pod","spec":7}`}, 400, metav1.StatusReasonBadRequest, `Pod in version "v1" cannot be handled as a Pod`},
	{"wrong namespace", ask{method: "POST", path: prod + "/pods", body: strings.Replace(newPod, `"generateName"`, `"namespace":"data","generateName"`, 1)}, 400, metav1.StatusReasonBadRequest, "the namespace of the provided object does not match"},
	{"wrong name", ask{method: "PUT", path: prod + "/configmaps/settings", body: `{"metadata":{"name":"other"}}`}, 400, metav1.StatusReasonBadRequest, "the name of the object (other) does not match the name on the URL (settings)"},
	{"huge", ask{method: "POST", path: prod + "/pods", body: `{"a":"` + strings.Repeat("x", maxBody) + `"}`}, 413, metav1.StatusReasonRequestEntityTooLarge, "limit is 3145728"},
	{"odd body", ask{method: "POST", path: prod + "/pods", kind: "text/html", body: "<p>"}, 415, metav1.StatusReasonUnsupportedMediaType, "the body of the request was in an unknown format"},
	{"odd patch", ask{method: "PATCH", path: web, kind: "application/json", body: "{}"}, 415, metav1.StatusReasonUnsupportedMediaType, "415: Unsupported Media Type"},
	{"odd answer", ask{method: "GET", path: web, accept: "text/html"}, 406, metav1.StatusReasonNotAcceptable, "406: Not Acceptable"},
	{"invalid", ask{method: "POST", path: prod + "/pods", body: `{"metadata":{"name":"p"}}`}, 422, metav1.StatusReasonInvalid, "spec.containers: Required value"},
	{"twice", ask{method: "POST", path: prod + "/configmaps", body: `{"metadata":{"name":"settings"}}`}, 409, metav1.StatusReasonAlreadyExists, `configmaps "settings" already exists`},
	{"no such namespace", ask{method: "POST", path: "/api/v1/namespaces/none/configmaps", body: `{"metadata":{"name":"x"}}`}, 404, metav1.StatusReasonNotFound, `namespaces "none" not found`},
	{"bad selector", ask{method: "GET", path: prod + "/pods?labelSelector=a%3D%3D%3Db"}, 400, metav1.StatusReasonBadRequest, "unable to parse requirement"},
	{"bad field", ask{method: "GET", path: prod + "/pods?fieldSelector=spec.colour%3Dred"}, 400, metav1.StatusReasonBadRequest, "field label not supported: spec.colour"},
	{"bad limit", ask{method: "GET", path: prod + "/pods?limit=many"}, 400, metav1.StatusReasonBadRequest, ""},
	{"bad page", ask{method: "GET", path: prod + "/pods?continue=xx"}, 400, metav1.StatusReasonBadRequest, "continue key is not valid"},
	{"bad version", ask{method: "GET", path: prod + "/pods?resourceVersion=old"}, 400, metav1.StatusReasonBadRequest, `invalid resource version: resourceVersion: Invalid value: "old"`},
	{"version to come", ask{method: "GET", path: prod + "/pods?resourceVersion=999999"}, 504, metav1.StatusReasonTimeout, "Too large resource version"},
	{"match without version", ask{method: "GET", path: prod + "/pods?resourceVersionMatch=Exact"}, 422, metav1.StatusReasonInvalid, "resourceVersionMatch is forbidden unless resourceVersion is provided"},
	{"initial events of a list", ask{method: "GET", path: prod + "/pods?sendInitialEvents=true"}, 422, metav1.StatusReasonInvalid, "sendInitialEvents is forbidden for list"},
	{"initial events without match", ask{method: "GET", path: prod + "/pods?watch=1&sendInitialEvents=true"}, 422, metav1.StatusReasonInvalid, "sendInitialEvents requires"},
	{"bad dry run", ask{method: "POST", path: prod + "/pods?dryRun=some", body: newPod}, 422, metav1.StatusReasonInvalid, `dryRun: Unsupported value: ["some"]`},
	{"unknown field", ask{method: "POST", path: prod + "/pods?fieldValidation=Strict", body: strings.Replace(newPod, `"image"`, `"picture":1,"image"`, 1)}, 400, metav1.StatusReasonBadRequest, `strict decoding error: unknown field "spec.containers[0].picture"`},
	{"log of two", ask{method: "GET", path: prod + "/pods/web-2-b/log"}, 400, metav1.StatusReasonBadRequest, "a container name must be specified for pod web-2-b, choose one of: [web side]"},
	{"log of none", ask{method: "GET", path: prod + "/pods/web-2-a/log?container=x"}, 400, metav1.StatusReasonBadRequest, "container x is not valid for pod web-2-a"},
	{"log before", ask{method: "GET", path: prod + "/pods/web-2-a/log?previous=true"}, 400, metav1.StatusReasonBadRequest, `previous terminated container "web" in pod "web-2-a" not found`},
	{"log backwards", ask{method: "GET", path: prod + "/pods/web-2-a/log?tailLines=-1"}, 422, metav1.StatusReasonInvalid, "tailLines: Invalid value"},
	{"review of nothing", ask{method: "POST", path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body: `{"spec":{}}`}, 422, metav1.StatusReasonInvalid, "exactly one of"},
	{"proxy to nobody", ask{method: "GET", path: "/api/v1/namespaces/monitoring/services/none:1/proxy/"}, 404, metav1.StatusReasonNotFound, `services "none" not found`},
	{"proxy to no port", ask{method: "GET", path: "/api/v1/namespaces/monitoring/services/prometheus:1/proxy/"}, 503, metav1.StatusReasonServiceUnavailable, "no service port"},
}

func TestErrorsAreTheServers(t *testing.T) {
	h, _ := newHandler(t)
	for _, tc := range refusals {
		t.Run(tc.name, func(t *testing.T) {
			w := tc.do(h)
			tc.check(t, w.Code, w.Body.Bytes())
		})
	}
}

func (r *refusal) check(t *testing.T, code int, body []byte) {
	t.Helper()
	var st metav1.Status
	if err := json.Unmarshal(body, &st); err != nil || st.Kind != "Status" || st.Status != "Failure" {
		t.Fatalf("no Status: %s", body)
	}
	if int(r.code) != code || st.Code != r.code || st.Reason != r.reason || !strings.Contains(st.Message, r.words) {
		t.Errorf("%d %s %q, want %d, %s, %q", code, st.Reason, st.Message, r.code, r.reason, r.words)
	}
}

func TestTokenIsNeeded(t *testing.T) {
	h, _ := newHandler(t)
	for auth, want := range map[string]int{"": 401, "Bearer wrong": 401, "Basic " + token: 401, "Bearer " + token: 200, "bearer " + token: 200} {
		r := httptest.NewRequest("GET", prod+"/pods", nil)
		r.Header.Set("Authorization", auth)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%q: %d, want %d", auth, w.Code, want)
		}
		if want == 401 && !bytes.Contains(w.Body.Bytes(), []byte(`"reason":"Unauthorized"`)) {
			t.Errorf("%q: %s", auth, w.Body)
		}
	}
}
