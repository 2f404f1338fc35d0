package api

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// patchCases were compared with a real API server's answers; see the end-to-end tests.
var patchCases = []struct {
	name  string
	path  string
	kind  string
	body  string // RV = the newest version
	code  int
	words string // in the answer
}{
	{"json", web, jsonPatch, `[{"op":"replace","path":"/spec/replicas","value":5}]`, 200, `"replicas":5,`},
	{"json at a version", web, jsonPatch, `[{"op":"replace","path":"/metadata/resourceVersion","value":"RV"},{"op":"replace","path":"/spec/replicas","value":5}]`, 200, `"replicas":5,`},
	{"json stale", web, jsonPatch, `[{"op":"replace","path":"/metadata/resourceVersion","value":"2"},{"op":"replace","path":"/spec/replicas","value":5}]`, 409,
		`Operation cannot be fulfilled on deployments.apps \"web\": the object has been modified; please apply your changes to the latest version and try again`},
	{"json test fails", web, jsonPatch, `[{"op":"test","path":"/spec/replicas","value":9}]`, 422, "the server rejected our request due to an error in our request"},
	{"json nowhere", web, jsonPatch, `[{"op":"replace","path":"/spec/nowhere/deep","value":9}]`, 422, "the server rejected our request"},
	{"json broken", web, jsonPatch, `{"op":`, 400, ""},
	{"json to nonsense", web, jsonPatch, `[{"op":"replace","path":"/spec/replicas","value":"many"}]`, 422, "is invalid: patch: Invalid value"},
	{"json renames", web, jsonPatch, `[{"op":"replace","path":"/metadata/name","value":"other"}]`, 400, "does not match the name on the URL"},
	{"merge", web, mergePatch, `{"spec":{"replicas":4},"metadata":{"annotations":{"a":"b"}}}`, 200, `"a":"b"`},
	{"merge removes", web, mergePatch, `{"metadata":{"labels":{"app":null}}}`, 200, ""},
	{"merge stale", web, mergePatch, `{"metadata":{"resourceVersion":"2"},"spec":{"replicas":4}}`, 409, "the object has been modified"},
	{"merge other uid", web, mergePatch, `{"metadata":{"uid":"x"}}`, 422, "metadata.uid: Invalid value"},
	{"merge broken", web, mergePatch, `[1]`, 400, "error decoding patch"},
	{"strategic adds to a list", web, strategicPatch, `{"spec":{"template":{"spec":{"containers":[{"name":"side","image":"s:1"}]}}}}`, 200, `"image":"shop/web:2"`},
	{"strategic changes by name", web, strategicPatch, `{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"shop/web:3"}]}}}}`, 200, `"image":"shop/web:3"`},
	{"strategic replaces", web, strategicPatch, `{"spec":{"template":{"$patch":"replace","metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"n","image":"i:1"}]}}}}`, 200, `"name":"n"`},
	{"strategic broken", web, strategicPatch, `{`, 400, ""},
	{"selector", web, mergePatch, `{"spec":{"selector":{"matchLabels":{"x":"y"}},"template":{"metadata":{"labels":{"x":"y"}}}}}`, 422, "field is immutable"},
	{"unknown field warns", web, mergePatch, `{"spec":{"colour":"red"}}`, 200, ""},
	{"unknown field strictly", web + "?fieldValidation=Strict", mergePatch, `{"spec":{"colour":"red"}}`, 422, `unknown field \"spec.colour\"`},
	{"nothing there", apps + "/deployments/none", mergePatch, `{}`, 404, `deployments.apps \"none\" not found`},
	{"status", web + "/status", mergePatch, `{"status":{"replicas":9},"spec":{"replicas":9}}`, 200, `"replicas":2,`},
	{"apply", web + "?fieldManager=me&force=true", applyPatch, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 7}", 200, `"replicas":7,`},
	{"apply in conflict", web + "?fieldManager=me", applyPatch, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 7}", 409, `using apps/v1: .spec.replicas`},
	{"apply makes", prod + "/configmaps/fresh?fieldManager=me", applyPatch, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: fresh}\ndata: {a: b}", 201, `"name":"fresh"`},
	{"apply without a manager", web, applyPatch, "{}", 422, "fieldManager: Required value: is required for apply patch"},
	{"apply without a name", prod + "/configmaps/nameless?fieldManager=me", applyPatch, "apiVersion: v1\nkind: ConfigMap\ndata: {a: b}", 400, "name must be provided"},
	{"apply of another kind", web + "?fieldManager=me", applyPatch, "apiVersion: v1\nkind: Pod", 400, "invalid object type: /v1, Kind=Pod"},
	{"apply of nonsense", web + "?fieldManager=me", applyPatch, "{{{", 400, "error decoding patch: error converting YAML to JSON"},
	{"apply of an unknown field", web + "?fieldManager=me", applyPatch, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {colour: red}", 500, ".spec.colour: field not declared in schema"},
	{"force without apply", web + "?force=true", mergePatch, "{}", 422, "force: Forbidden"},
	{"scale", web + "/scale", mergePatch, `{"spec":{"replicas":3}}`, 200, `"kind":"Scale"`},
	{"scale stale", web + "/scale", mergePatch, `{"metadata":{"resourceVersion":"2"},"spec":{"replicas":3}}`, 409, "the object has been modified"},
	{"scale below zero", web + "/scale", mergePatch, `{"spec":{"replicas":-3}}`, 422, "must be greater than or equal to 0"},
	{"event of the other group", "/apis/events.k8s.io/v1/namespaces/production/events/web.1", mergePatch, `{"metadata":{"labels":{"said":"again"}}}`, 200, `"said":"again"`},
}

func TestPatches(t *testing.T) {
	for _, tc := range patchCases {
		t.Run(tc.name, func(t *testing.T) {
			h, s := newHandler(t)
			o := ask{method: "GET", path: web}.read(t, h, 200)
			body := strings.ReplaceAll(tc.body, "RV", at(t, o, "metadata.resourceVersion").(string))
			before := s.Version()
			w := ask{method: "PATCH", path: tc.path, kind: tc.kind, body: body}.do(h)
			if w.Code != tc.code || !strings.Contains(w.Body.String(), tc.words) {
				t.Errorf("%d %s\nwant %d with %s", w.Code, w.Body, tc.code, tc.words)
			}
			if w.Code >= 400 && s.Version() != before {
				t.Error("an error wrote something")
			}
			if tc.name == "unknown field warns" {
				if got := w.Header().Get("Warning"); got != `299 - "unknown field \"spec.colour\""` || s.Version() != before {
					t.Errorf("warning %q, version %d → %d", got, before, s.Version())
				}
			}
			// What was tried is tried dry, too.
			h, s = newHandler(t)
			before = s.Version()
			dry := tc.path + "?dryRun=All"
			if strings.Contains(tc.path, "?") {
				dry = tc.path + "&dryRun=All"
			}
			if w := (ask{method: "PATCH", path: dry, kind: tc.kind, body: strings.ReplaceAll(tc.body, "RV", at(t, o, "metadata.resourceVersion").(string))}).do(h); w.Code != tc.code || s.Version() != before {
				t.Errorf("dry: %d, version %d → %d", w.Code, before, s.Version())
			}
		})
	}
}

func TestUpdatesAreGuarded(t *testing.T) {
	h, _ := newHandler(t)
	w := ask{method: "GET", path: web}.do(h)
	old := strings.Replace(w.Body.String(), `"replicas":2,"revisionHistoryLimit"`, `"replicas":3,"revisionHistoryLimit"`, 1)
	o := ask{method: "PUT", path: web, body: old}.read(t, h, 200)
	if at(t, o, "spec.replicas") != 3.0 || at(t, o, "metadata.generation") != 2.0 {
		t.Errorf("replicas %v, generation %v", at(t, o, "spec.replicas"), at(t, o, "metadata.generation"))
	}
	ask{method: "PUT", path: web, body: strings.Replace(old, `"replicas":3,`, `"replicas":4,`, 1)}.read(t, h, 409)
	same := ask{method: "PUT", path: web, body: ask{method: "GET", path: web}.do(h).Body.String()}.read(t, h, 200)
	if at(t, same, "metadata.resourceVersion") != at(t, o, "metadata.resourceVersion") {
		t.Error("a write of the same moved the version")
	}
	ask{method: "PUT", path: web + "/scale", body: `{"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{"name":"web"},"spec":{"replicas":6}}`}.read(t, h, 200)
	o = ask{method: "GET", path: web + "/scale"}.read(t, h, 200)
	if at(t, o, "spec.replicas") != 6.0 || at(t, o, "status.selector") != "app=web" {
		t.Errorf("the scale is %v", o)
	}
	o = ask{method: "GET", path: web}.read(t, h, 200)
	if s := fmt.Sprint(at(t, o, "metadata.managedFields")); !strings.Contains(s, "subresource:scale") {
		t.Errorf("nobody scaled: %s", s)
	}
	ask{method: "PUT", path: "/apis/coordination.k8s.io/v1/namespaces/production/leases/mine", body: `{"metadata":{"name":"mine"},"spec":{"holderIdentity":"me"}}`}.read(t, h, 201)
}

func TestProtobufBodies(t *testing.T) {
	h, _ := newHandler(t)
	cm := &corev1.ConfigMap{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}, ObjectMeta: metav1.ObjectMeta{Name: "p"}, Data: map[string]string{"a": "b"}}
	var buf bytes.Buffer
	if err := protobufMedia().Serializer.Encode(cm, &buf); err != nil {
		t.Fatal(err)
	}
	o := ask{method: "POST", path: prod + "/configmaps", kind: "application/vnd.kubernetes.protobuf", body: buf.String()}.read(t, h, 201)
	if at(t, o, "data.a") != "b" {
		t.Errorf("made %v", o)
	}
	if m := fmt.Sprint(at(t, o, "metadata.managedFields")); !strings.Contains(m, "manager:tester") {
		t.Errorf("made by %s", m)
	}
}

func TestDelete(t *testing.T) {
	h, s := newHandler(t)
	ask{method: "DELETE", path: web, body: `{"kind":"DeleteOptions","apiVersion":"v1","preconditions":{"uid":"x"}}`}.read(t, h, 409)
	ask{method: "DELETE", path: web + "?dryRun=All"}.read(t, h, 200)
	pod := ask{method: "DELETE", path: prod + "/pods/web-2-a"}.read(t, h, 200)
	if at(t, pod, "metadata.deletionTimestamp") != "2026-11-24T12:00:30Z" {
		t.Errorf("a pod on a node ends at %v", at(t, pod, "metadata.deletionTimestamp"))
	}
	st := ask{method: "DELETE", path: web, body: `{"propagationPolicy":"Background"}`}.read(t, h, 200)
	if st["status"] != "Success" || at(t, st, "details.kind") != "deployments" {
		t.Errorf("the answer is %v", st)
	}
	if left := names(t, ask{method: "GET", path: apps + "/replicasets"}.read(t, h, 200)); left != "" {
		t.Errorf("%s are left", left)
	}
	gone := ask{method: "DELETE", path: prod + "/configmaps?labelSelector=a%3Db"}.read(t, h, 200)
	if names(t, gone) != "" {
		t.Errorf("gone %v", gone)
	}
	ask{method: "DELETE", path: prod + "/configmaps"}.read(t, h, 200)
	if l, _ := s.List(findKind("", "v1", "configmaps").gr, "production"); len(l) != 0 {
		t.Error("ConfigMaps are left")
	}
}
