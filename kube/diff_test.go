package kube

import (
	"encoding/json"
	"strings"
	"testing"

	"rollbook/model"
)

func TestDiff(t *testing.T) {
	const base = `{"metadata":{"labels":{"app":"a","pod-template-hash":"1"},"annotations":{"x":"1"}},"spec":{
	 "volumes":[{"name":"v","configMap":{"name":"old"}}],
	 "containers":[{"name":"api","image":"api:2","args":["--a","b c"],
	  "env":[{"name":"LIT","value":"secret-one"},{"name":"REF","valueFrom":{"configMapKeyRef":{"name":"api-env","key":"URL"}}},{"name":"GONE","value":"secret-two"}],
	  "envFrom":[{"configMapRef":{"name":"all"}}],
	  "resources":{"limits":{"memory":"1Gi"}},
	  "readinessProbe":{"httpGet":{"path":"/h","port":8080},"timeoutSeconds":1},
	  "volumeMounts":[{"name":"v","mountPath":"/etc/v"}],"securityContext":{"runAsUser":1}}]}}`
	edit := func(pairs ...string) string {
		s := base
		for i := 0; i < len(pairs); i += 2 {
			if !strings.Contains(s, pairs[i]) {
				t.Fatalf("no %s", pairs[i])
			}
			s = strings.Replace(s, pairs[i], pairs[i+1], 1)
		}
		return s
	}
	for _, tt := range []struct {
		name, to string
		want     []model.Change
	}{
		{"nothing but the hash", edit(`"pod-template-hash":"1"`, `"pod-template-hash":"2"`), nil},
		{"image", edit("api:2", "api:1"), []model.Change{{Kind: "image", From: "api:2", To: "api:1"}}},
		{"literal changed", edit("secret-one", "secret-three"), []model.Change{{Kind: "env", What: "LIT", From: "literal", To: "changed"}}},
		{"literal gone", edit(`,{"name":"GONE","value":"secret-two"}`, ""), []model.Change{{Kind: "env", What: "GONE", From: "literal"}}},
		{"reference to literal", edit(`"valueFrom":{"configMapKeyRef":{"name":"api-env","key":"URL"}}`, `"value":"secret-four"`),
			[]model.Change{{Kind: "env", What: "REF", From: "from configmap api-env key URL", To: "literal"}}},
		{"envFrom", edit(`{"configMapRef":{"name":"all"}}`, `{"secretRef":{"name":"s"}}`),
			[]model.Change{{Kind: "env", What: "all of configmap all", From: "used"}, {Kind: "env", What: "all of secret s", To: "used"}}},
		{"resources", edit(`"memory":"1Gi"`, `"memory":"2Gi","cpu":"1"`),
			[]model.Change{{Kind: "resources", What: "limits.cpu", To: "1"}, {Kind: "resources", What: "limits.memory", From: "1Gi", To: "2Gi"}}},
		{"probe", edit(`"timeoutSeconds":1`, `"timeoutSeconds":3`), []model.Change{{Kind: "probe", What: "readiness timeout", From: "1s", To: "3s"}}},
		{"probe gone", edit(`"readinessProbe":{"httpGet":{"path":"/h","port":8080},"timeoutSeconds":1},`, ""), []model.Change{{Kind: "probe", What: "readiness", From: "GET /h port 8080"}}},
		{"volume", edit(`"configMap":{"name":"old"}`, `"secret":{"secretName":"new"}`), []model.Change{{Kind: "volume", What: "v", From: "configmap old", To: "secret new"}}},
		{"mount", edit(`"mountPath":"/etc/v"`, `"mountPath":"/etc/w","readOnly":true`),
			[]model.Change{{Kind: "volume", What: "mount /etc/w", To: "v read-only"}, {Kind: "volume", What: "mount /etc/v", From: "v"}}},
		{"args", edit(`"--a","b c"`, `"--password=secret-five"`), []model.Change{{Kind: "command", What: "args --a", From: "literal"}, {Kind: "command", What: "args --password", To: "literal"}}},
		{"args with another value", edit(`"--a","b c"`, `"--a","secret-five"`), []model.Change{{Kind: "command", What: "args --a", From: "literal", To: "changed"}}},
		{"args with a value in the flag", edit(`"--a","b c"`, `"--a","b c","-psecret-five"`), []model.Change{{Kind: "command", What: "args -p", To: "literal"}}},
		{"args without flags", edit(`"--a","b c"`, `"--a","b c","secret-five"`), []model.Change{{Kind: "command", What: "args argument 1", To: "literal"}}},
		{"command", edit(`"image":"api:2"`, `"image":"api:2","command":["run","--token","secret-five"]`), []model.Change{{Kind: "command", What: "command", To: "run"}, {Kind: "command", What: "command --token", To: "literal"}}},
		{"an annotation that is a secret", edit(`"x":"1"`, `"x":"1","example.com/token":"secret-five"`), []model.Change{{Kind: "annotation", What: "example.com/token", To: "literal"}}},
		{"security", edit(`"runAsUser":1`, `"runAsUser":1,"privileged":true`), []model.Change{{Kind: "security", What: "privileged", To: "true"}}},
		{"label and annotation", edit(`"app":"a"`, `"app":"a","n":""`, `"x":"1"`, `"x":"2"`), []model.Change{{Kind: "label", What: "n", To: `""`}, {Kind: "annotation", What: "x", From: "1", To: "2"}}},
		{"a field that nobody knows", edit(`"volumes"`, `"future":{"big":12345678901234567890},"volumes"`), []model.Change{{Kind: "other", What: "future.big", To: "12345678901234567890"}}},
		{"sidecar", edit(`"containers":[`, `"containers":[{"name":"side","image":"s:1"},`), []model.Change{{Kind: "container", What: "side", To: "s:1"}}},
		{"init container", edit(`"containers"`, `"initContainers":[{"name":"mig","image":"m:1"}],"containers"`), []model.Change{{Kind: "container", What: "init mig", To: "m:1"}}},
		{"escape sequences", edit("api:2", `api:\u001b[31m3`), []model.Change{{Kind: "image", From: "api:2", To: "api:3"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := diff(json.RawMessage(base), json.RawMessage(tt.to))
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != len(tt.want) {
				t.Fatalf("got %+v", got)
			}
			for i := range got {
				if got[i] != tt.want[i] {
					t.Errorf("got %+v, want %+v", got[i], tt.want[i])
				}
			}
			for _, l := range DiffLines(got) {
				if strings.Contains(l, "secret-") || strings.Contains(l, "\x1b") {
					t.Errorf("%q", l)
				}
			}
		})
	}
}

func FuzzDiff(f *testing.F) {
	f.Add(`{"spec":{"containers":[{"name":"a","env":[{"name":"E","value":"v"}]}]}}`, `{"spec":{"containers":[{"name":"a"}]}}`)
	f.Add(`{"metadata":{"labels":null},"spec":[]}`, `{"spec":{"containers":{"a":1},"volumes":[1,null,{}]}}`)
	f.Fuzz(func(t *testing.T, a, b string) {
		if _, err := diff(json.RawMessage(a), json.RawMessage(b)); err != nil {
			return
		}
		if same, err := diff(json.RawMessage(a), json.RawMessage(a)); err != nil || len(same) > 0 {
			t.Fatalf("a template differs from itself: %+v %v", same, err)
		}
	})
}

func TestWithoutRestart(t *testing.T) {
	const plain = `{"metadata":{"labels":{"app":"a"}},"spec":{"containers":[{"name":"c","env":[{"name":"A","value":"1"}]}]}}`
	for name, tt := range map[string]struct {
		other string
		equal bool
	}{
		"kubectl":    {`{"metadata":{"labels":{"app":"a","pod-template-hash":"9"},"annotations":{"kubectl.kubernetes.io/restartedAt":"now"}},"spec":{"containers":[{"name":"c","env":[{"name":"A","value":"1"}]}]}}`, true},
		"reloader":   {`{"metadata":{"labels":{"app":"a"},"annotations":{"reloader.stakater.com/last-reloaded-from":"x"}},"spec":{"containers":[{"name":"c","env":[{"name":"A","value":"1"},{"name":"STAKATER_X","value":"2"}]}]}}`, true},
		"checksum":   {`{"metadata":{"labels":{"app":"a"},"annotations":{"checksum/config":"abc"}},"spec":{"containers":[{"name":"c","env":[{"name":"A","value":"1"}]}]}}`, true},
		"a real one": {`{"metadata":{"labels":{"app":"a"}},"spec":{"containers":[{"name":"c","env":[{"name":"A","value":"2"}]}]}}`, false},
		"annotated":  {`{"metadata":{"labels":{"app":"a"},"annotations":{"y":"1"}},"spec":{"containers":[{"name":"c","env":[{"name":"A","value":"1"}]}]}}`, false},
	} {
		if got := withoutRestart([]byte(plain)) == withoutRestart([]byte(tt.other)); got != tt.equal {
			t.Errorf("%s: equal %v", name, got)
		}
	}
}

func TestManifestHidesValues(t *testing.T) {
	out, err := manifest([]byte(`{"kind":"Deployment","metadata":{"name":"a","managedFields":[{"manager":"m"}],"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{}","k":"v","example.com/token-for-api":"s3cret"},"labels":{"secret-of-it":"s3cret"}},
	 "spec":{"template":{"metadata":{"annotations":{"db-password-prod":"s3cret"}},"spec":{"containers":[{"name":"c","args":["--token","s3cret","--port","80","-ps3cret"],"env":[{"name":"A","value":"s3cret"},{"name":"B","valueFrom":{"secretKeyRef":{"name":"s","key":"k"}}}]}]}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, not := range []string{"s3cret", "managedFields", "last-applied"} {
		if strings.Contains(out, not) {
			t.Errorf("%s in %s", not, out)
		}
	}
	if !strings.Contains(out, "name: A") || !strings.Contains(out, "k: v") || !strings.Contains(out, `- "80"`) {
		t.Error(out)
	}
}
