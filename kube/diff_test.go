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

// Every field of a template shows in its diff, the most telling first, and no value
// that may be a secret.
func TestDiffOfEveryField(t *testing.T) {
	container := func(fields string) string {
		return `{"spec":{"containers":[{"name":"api","image":"api:1",` + fields + `}]}}`
	}
	args := func(words string) string { return container(`"args":[` + words + `]`) }
	spec := func(fields string) string {
		return `{"spec":{"containers":[{"name":"api","image":"api:1"}],` + fields + `}}`
	}
	containers := func(all string) string { return `{"spec":{"containers":[` + all + `]}}` }
	volume := func(fields string) string { return spec(`"volumes":[{"name":"v",` + fields + `}]`) }
	for _, tt := range []struct{ name, from, to, want string }{
		{"in order", `{"metadata":{"annotations":{"a":"1"},"labels":{"l":"1"}},"spec":{"hostNetwork":true,"containers":[{"name":"api","image":"api:1","env":[{"name":"E"}],"command":["a"]}],"volumes":[{"name":"v","emptyDir":{}}]}}`,
			`{"spec":{"containers":[{"name":"api","image":"api:2","resources":{"limits":{"cpu":"1"}},"livenessProbe":{"exec":{}},"securityContext":{"privileged":true}},{"name":"x","image":"x:1"}]}}`,
			"image api: api:1 → api:2; container x:  → x:1; command api: command: a → ; env api: E: literal → ; resources api: limits.cpu:  → 1; probe api: liveness:  → exec; volume v: emptyDir → ; security api: privileged:  → true; label l: 1 → ; annotation a: 1 → ; other hostNetwork: true → "},
		{"of two containers the second, both times", containers(`{"name":"a","image":"a:1"},{"name":"b","image":"b:1"}`), containers(`{"name":"a","image":"a:1"},{"name":"b","image":"b:2"}`), "image b: b:1 → b:2"},
		{"one of two is left", containers(`{"name":"a","image":"a:1"},{"name":"b","image":"b:1"}`), containers(`{"name":"a","image":"a:2"}`), "image a: a:1 → a:2; container b: b:1 → "},
		{"an init container", spec(`"initContainers":[{"name":"m","image":"m:1","args":["-x"]}]`), spec(`"initContainers":[{"name":"m","image":"m:2"}]`), "image init m: m:1 → m:2; command init m: args -x: literal → "},
		{"two of one name", containers(`{"name":"a","image":"a:1"},{"name":"a","image":"a:2"}`), containers(`{"name":"a","image":"a:1"},{"name":"a","image":"a:3"}`), "image a#1: a:2 → a:3"},
		{"one without a name", containers(`{"name":"a","image":"a:1"},{"image":"b:1"}`), containers(`{"name":"a","image":"a:1"},{"image":"b:2"}`), "image #1: b:1 → b:2"},
		{"their order", containers(`{"name":"a","image":"a:1"},{"name":"b","image":"b:1"}`), containers(`{"name":"b","image":"b:1"},{"name":"a","image":"a:1"}`), "other order of entries: as now → another"},
		{"what says nothing", containers(`{"name":"a","image":"a:1"}`), containers(`{"name":"a","image":"a:1","env":[],"args":null}`), ""},
		{"a field of a container", container(`"tty":true`), container(`"workingDir":"/"`), "other tty: true → ; other workingDir:  → /"},
		{"a field beside the spec", `{"spec":{}}`, `{"spec":{},"future":1}`, "other future:  → 1"},
		{"a field of the metadata", `{"metadata":{"labels":{"a":"1"},"creationTimestamp":null}}`, `{"metadata":{"labels":{"a":"1"},"name":"x"}}`, "other name:  → x"},
		{"who may do what", spec(`"securityContext":{"runAsUser":1}`), spec(`"securityContext":{"runAsUser":2}`), "security securityContext.runAsUser: 1 → 2"},

		{"variables from everywhere", container(`"env":[]`), container(`"env":[{"name":"A","valueFrom":{"secretKeyRef":{"name":"s","key":"k"}}},{"name":"B","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}},{"name":"C","valueFrom":{"resourceFieldRef":{"resource":"limits.cpu"}}},{"name":"D","valueFrom":{"futureRef":{}}}]`),
			"env A:  → from secret s key k; env B:  → from field metadata.name; env C:  → from resource limits.cpu; env D:  → from futureRef"},
		{"all of a secret under another name", container(`"envFrom":[{"secretRef":{"name":"s"}}]`), container(`"envFrom":[{"secretRef":{"name":"s"},"prefix":"P_"}]`), "env all of secret s: used → ; env all of secret s as P_…:  → used"},

		{"a flag and its value", args(`"-p","secret-1"`), args(`"-p","secret-2"`), "command args -p: literal → changed"},
		{"a flag of one letter with its value", args(`"-psecret-1"`), args(`"-psecret-2"`), "command args -p: literal → changed"},
		{"a flag with = and its value", args(`"-p=secret-1"`), args(`"-p=secret-2"`), "command args -p: literal → changed"},
		{"a short word with = is a flag", args(`"-verbose=secret-1"`), args(`"-verbose=secret-2"`), "command args -verbose: literal → changed"},
		{"a flag, then a flag", args(`"--on","--p","secret-1"`), args(`"--p","secret-1"`), "command args --on: literal → "},
		{"a flag with =, then a word", args(`"--a=1","secret-1"`), args(`"--a=1","secret-2"`), "command args argument 1: literal → changed"},
		{"a flag at the end", args(`"--on"`), args(`"--on","--off"`), "command args --off:  → literal"},
		{"a flag and its value in one word", args(`"-H X: secret-1"`), args(`"-H X: secret-2"`), "command args argument 1: literal → changed"},
		{"a flag twice", args(`"--a=1","--a=2"`), args(`"--a=1","--a=3"`), "command args --a: literal → changed"},
		{"dashes alone", args(`"--","secret-1"`), args(`"--","secret-2"`), "command args argument 2: literal → changed"},
		{"their order only", args(`"--a=1","--b=2"`), args(`"--b=2","--a=1"`), "command args: order as now → another order"},
		{"a program and its arguments", container(`"command":["run","x"]`), container(`"command":["go","x"]`), "command command: run → go"},
		{"no program any more", container(`"command":["run","x"]`), container(`"tty":false`), "command command: run → ; command command argument 1: literal → ; other tty:  → false"},

		{"probes of each kind", container(`"readinessProbe":{"tcpSocket":{"port":1}},"livenessProbe":{"grpc":{"port":1}},"startupProbe":{"future":{}}`), container(`"env":[]`), "probe readiness: tcp → ; probe liveness: grpc → ; probe startup: set → "},
		{"a probe's times and counts", container(`"readinessProbe":{"httpGet":{"path":"/"},"failureThreshold":3}`), container(`"readinessProbe":{"httpGet":{"path":"/h"},"failureThreshold":5,"periodSeconds":10}`),
			"probe readiness failureThreshold: 3 → 5; probe readiness httpGet.path: / → /h; probe readiness period:  → 10s"},

		{"a claim", volume(`"persistentVolumeClaim":{"claimName":"a"}`), volume(`"persistentVolumeClaim":{"claimName":"b"}`), "volume v: claim a → claim b"},
		{"a folder of the node", volume(`"hostPath":{"path":"/a"}`), volume(`"emptyDir":{}`), "volume v: host path /a → emptyDir"},
		{"projected", volume(`"projected":{"sources":[{"configMap":{"name":"c"}},{"serviceAccountToken":{}}]}`), spec(`"volumes":[]`), "volume v: projected configMap c, serviceAccountToken → "},
		{"a volume of nothing", `{"spec":{"volumes":[{"name":"v"}]}}`, `{"spec":{}}`, "volume v: empty → "},
		{"within a volume", volume(`"configMap":{"name":"c"}`), volume(`"configMap":{"name":"c","optional":true}`), "volume v: configmap c → configmap c, changed"},
		{"a mount", container(`"volumeMounts":[{"name":"v","mountPath":"/a"}]`), container(`"volumeMounts":[{"name":"v","mountPath":"/a","subPath":"x"}]`), "volume mount /a: v → v/x"},

		{"an annotation that is a secret, changed", `{"metadata":{"annotations":{"x/token":"secret-1"}}}`, `{"metadata":{"annotations":{"x/token":"secret-2"}}}`, "annotation x/token: literal → changed"},
		{"an annotation that is a secret, gone", `{"metadata":{"annotations":{"x/token":"secret-1"}}}`, `{"metadata":{}}`, "annotation x/token: literal → "},

		{"lists by name", spec(`"hostAliases":[{"name":"a","ip":"1"},{"name":"b","ip":"2"}]`), spec(`"hostAliases":[{"name":"b","ip":"3"}]`), "other hostAliases[b].ip: 2 → 3; other hostAliases[a].ip: 1 → ; other hostAliases[a].name: a → "},
		{"lists by place", spec(`"tolerations":[{"key":"a"},{"key":"b"}]`), spec(`"tolerations":[{"key":"a"}]`), "other tolerations[1].key: b → "},
		{"lists of words", spec(`"x":["a"]`), spec(`"x":["a","b"]`), "other x[1]:  → b"},
		{"a word that becomes a list", spec(`"x":"a"`), spec(`"x":["a"]`), `other x: a → ["a"]`},
		{"a list that becomes an object", spec(`"x":["a"]`), spec(`"x":{"a":1}`), `other x: ["a"] → {"a":1}`},
		{"what is empty", spec(`"x":1`), spec(`"x":{}`), "other x: 1 → {}"},
	} {
		got, err := diff(json.RawMessage(tt.from), json.RawMessage(tt.to))
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, c := range got {
			all = append(all, strings.TrimSuffix(c.Kind+" "+c.What, " ")+": "+c.From+" → "+c.To)
		}
		if said := strings.Join(all, "; "); said != tt.want || strings.Contains(said, "secret-") {
			t.Errorf("%s:\n%s\nwant\n%s", tt.name, said, tt.want)
		}
	}
	for _, bad := range [][2]string{{`{`, `{}`}, {`{}`, `{`}} {
		if got, err := diff(json.RawMessage(bad[0]), json.RawMessage(bad[1])); err == nil || got != nil || !strings.HasPrefix(err.Error(), "the pod template cannot be read: ") {
			t.Errorf("%q: %v (%v)", bad, got, err)
		}
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
