package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollbook/model"
)

// The title says what will run and what it will be called; the command is the equal
// one, and there is none where kubectl would take another revision or none.
func TestPlanSaysWhatItDoes(t *testing.T) {
	set := func(kind model.Kind) model.Workload {
		return model.Workload{Kind: kind, Namespace: "production", Name: "api"}
	}
	was := map[string]any{"team/owner": "shop"}
	for _, tt := range []struct {
		name       string
		w          model.Workload
		now        func(map[string]any)
		revs       []*object // the first is gone to
		title, cmd string
		from, to   int64
		unpause    bool
	}{
		{"by tags", apiWorkload, nil, []*object{revisionOf(t, "api-a", "4", "api:1", was), revisionOf(t, "api-b", "7", "api:2", nil)},
			"Roll back api 2 → 1 (revision 7 → 4, runs as 8)", "rollout undo deployment/api --to-revision=4", 7, 4, false},
		{"of the same tag", apiWorkload, nil, []*object{revisionOf(t, "api-a", "4", "mirror/api:2", was), revisionOf(t, "api-b", "7", "api:2", nil)},
			"Roll back api from revision 7 to revision 4", "rollout undo deployment/api --to-revision=4", 7, 4, false},
		{"without tags", apiWorkload, nil, []*object{revisionOf(t, "api-a", "4", "api", was), revisionOf(t, "api-b", "7", "api:2", nil)},
			"Roll back api from revision 7 to revision 4", "rollout undo deployment/api --to-revision=4", 7, 4, false},
		{"what runs is in no revision", apiWorkload, func(o map[string]any) {
			o["metadata"].(map[string]any)["annotations"] = map[string]any{annRevision: "9"}
		},
			[]*object{revisionOf(t, "api-a", "4", "api:1", was)}, "Roll back api 2 → 1 (revision 9 → 4, runs as 10)", "rollout undo deployment/api --to-revision=4", 9, 4, false},
		{"what runs has no number", apiWorkload, nil, []*object{revisionOf(t, "api-a", "4", "api:1", was)}, "Roll back api 2 → 1 (an unknown version → 4)", "rollout undo deployment/api --to-revision=4", 0, 4, false},
		{"two of that number", apiWorkload, nil, []*object{revisionOf(t, "api-a", "4", "api:1", was), revisionOf(t, "api-b", "7", "api:2", nil), revisionOf(t, "api-c", "4", "api:0", nil)},
			"Roll back api 2 → 1 (revision 7 → 4, runs as 8)", "", 7, 4, false},
		{"a revision without a number", apiWorkload, nil, []*object{revisionOf(t, "api-a", "", "api:1", was), revisionOf(t, "api-b", "7", "api:2", nil)},
			"", "", 7, 0, false},
		{"paused", apiWorkload, func(o map[string]any) { o["spec"].(map[string]any)["paused"] = true }, []*object{revisionOf(t, "api-a", "4", "api:1", was), revisionOf(t, "api-b", "7", "api:2", nil)},
			"Roll back api 2 → 1 (revision 7 → 4, runs as 8), and resume it", "rollout undo deployment/api --to-revision=4", 7, 4, true},
		{"a kind that cannot be paused", set(model.StatefulSet), func(o map[string]any) { o["spec"].(map[string]any)["paused"] = true }, []*object{revisionOf(t, "api-a", "4", "api:1", was), revisionOf(t, "api-b", "7", "api:2", nil)},
			"Roll back api 2 → 1 (revision 7 → 4)", "rollout undo statefulset/api --to-revision=4", 7, 4, false},
	} {
		p, err := makePlan("api", tt.w, answer(t, tt.now), tt.revs[0], tt.revs)
		if err != nil {
			t.Fatal(err)
		}
		if tt.title != "" && p.Title != tt.title || p.undo != tt.cmd || p.FromNumber != tt.from || p.ToNumber != tt.to || p.Unpause != tt.unpause {
			t.Errorf("%s: %q, %q, %d → %d, resumed: %v", tt.name, p.Title, p.undo, p.FromNumber, p.ToNumber, p.Unpause)
		}
		body, err := p.body()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(string(body), `{"op":"replace","path":"/spec/paused","value":false}`); got != tt.unpause {
			t.Errorf("%s: the patch resumes it: %v", tt.name, got)
		}
		if got := strings.Contains(string(body), "/metadata/annotations"); got != p.kind.annotated {
			t.Errorf("%s: the patch has annotations: %v", tt.name, got)
		}
		if strings.Contains(string(body), `"path":"/spec/paused","value":null`) == (tt.now != nil && strings.Contains(tt.name, "paused")) {
			t.Errorf("%s: the patch tests paused otherwise: %s", tt.name, body)
		}
	}
}

// Two plans have one name only when they write the same to the same.
func TestPlanIsNamedByWhatItIs(t *testing.T) {
	make := func(change func(now map[string]any), target *object) string {
		p, err := makePlan("api", apiWorkload, answer(t, change), target, nil)
		if err != nil {
			t.Fatal(err)
		}
		return p.ID
	}
	target := func() *object { return revisionOf(t, "api-a", "4", "api:1", map[string]any{"team/a": "1"}) }
	plain := make(nil, target())
	for name, same := range map[string]string{
		"read again":       make(nil, target()),
		"a status moved":   make(func(o map[string]any) { o["status"] = map[string]any{"replicas": 7} }, target()),
		"scaled":           make(func(o map[string]any) { o["spec"].(map[string]any)["replicas"] = 9 }, target()),
		"a version later":  make(func(o map[string]any) { o["metadata"].(map[string]any)["resourceVersion"] = "99" }, target()),
		"the controller's": make(nil, revisionOf(t, "api-a", "4", "api:1", map[string]any{"team/a": "1", annHistory: "1,2"})),
	} {
		if same != plain {
			t.Errorf("%s: another plan", name)
		}
	}
	for name, other := range map[string]string{
		"another workload":         make(func(o map[string]any) { o["metadata"].(map[string]any)["uid"] = "uid-2" }, target()),
		"another template runs":    make(func(o map[string]any) { o["spec"].(map[string]any)["template"] = template("api:3") }, target()),
		"paused":                   make(func(o map[string]any) { o["spec"].(map[string]any)["paused"] = true }, target()),
		"another revision":         make(nil, revisionOf(t, "api-b", "4", "api:1", map[string]any{"team/a": "1"})),
		"another number":           make(nil, revisionOf(t, "api-a", "5", "api:1", map[string]any{"team/a": "1"})),
		"another template":         make(nil, revisionOf(t, "api-a", "4", "api:0", map[string]any{"team/a": "1"})),
		"another annotation":       make(nil, revisionOf(t, "api-a", "4", "api:1", map[string]any{"team/a": "2"})),
		"an annotation of its own": make(func(o map[string]any) { o["metadata"].(map[string]any)["annotations"] = map[string]any{"team/b": "1"} }, target()),
	} {
		if other == plain || other == "" {
			t.Errorf("%s: the same plan", name)
		}
	}
}

// Of two revisions of one number kubectl's default is the one that runs, so that there is
// nothing to do: nobody can tell which of them was meant. One without a number is none.
func TestDefaultTargetOfTwins(t *testing.T) {
	now := answer(t, nil) // runs api:2
	for _, tt := range []struct {
		revs []*object
		want string
	}{
		{[]*object{revisionOf(t, "runs", "7", "api:2", nil), revisionOf(t, "twin", "7", "api:1", nil)}, "runs"},
		{[]*object{revisionOf(t, "twin", "7", "api:1", nil), revisionOf(t, "runs", "7", "api:2", nil)}, "runs"},
		{[]*object{revisionOf(t, "none", "x", "api:0", nil), revisionOf(t, "five", "5", "api:1", nil), revisionOf(t, "runs", "7", "api:2", nil)}, "five"},
		{[]*object{revisionOf(t, "five", "5", "api:1", nil), revisionOf(t, "three", "3", "api:0", nil), revisionOf(t, "runs", "7", "api:2", nil), revisionOf(t, "none", "x", "api:0", nil)}, "five"},
		{[]*object{revisionOf(t, "seven", "7", "api:1", nil), revisionOf(t, "five", "5", "api:0", nil), revisionOf(t, "twin", "5", "api:3", nil), revisionOf(t, "runs", "3", "api:2", nil)}, "five"},
	} {
		if got, err := targetOf(kinds[model.Deployment], now, tt.revs, ""); err != nil || got.Metadata.Name != tt.want {
			t.Errorf("%v (%v), want %s", got, err, tt.want)
		}
	}
}

// An undo takes the revision's annotations, but for those that are the Deployment's own:
// the controller's, kubectl's, and the marks by which others know it.
func TestAnnotationsOfAnUndo(t *testing.T) {
	own := []string{annLastApplied, annRevision, annHistory, annDesired, annMaxReplicas, "deprecated.deployment.rollback.to",
		model.MarkKey, "argocd.argoproj.io/tracking-id", "meta.helm.sh/release-name", "kapp.k14s.io/identity", "kustomize.toolkit.fluxcd.io/name"}
	all := map[string]string{"team/both": "", annCause: ""}
	for _, k := range own {
		all[k] = ""
	}
	with := func(of string, more string) *object {
		o := &object{}
		o.Metadata.Annotations = map[string]string{more: of}
		for k := range all {
			o.Metadata.Annotations[k] = of
		}
		return o
	}
	got := undoneAnnotations(with("now", "team/now"), with("then", "team/then"))
	for _, k := range own {
		if got[k] != "now" {
			t.Errorf("%s is %q", k, got[k])
		}
		delete(got, k)
	}
	if want := map[string]string{"team/both": "then", annCause: "then", "team/then": "then"}; !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// A rollback to what runs already is told by what the pods would be, not by how it is
// written down.
func TestSameTemplate(t *testing.T) {
	const plain = `{"metadata":{"labels":{"app":"a"}},"spec":{"containers":[{"name":"c","image":"c:1","resources":{"limits":{"memory":"1Gi"}}}]}}`
	for name, tt := range map[string]struct {
		other string
		same  bool
	}{
		"itself":                   {plain, true},
		"of another hash":          {strings.Replace(plain, `"app":"a"`, `"app":"a","pod-template-hash":"7"`, 1), true},
		"what says nothing":        {strings.Replace(plain, `"name":"c"`, `"name":"c","args":null,"env":[]`, 1), true},
		"another image":            {strings.Replace(plain, "c:1", "c:2", 1), false},
		"a field that we know not": {strings.Replace(plain, `"name":"c"`, `"name":"c","future":{"a":1}`, 1), false},
		"a future nothing":         {strings.Replace(plain, `"name":"c"`, `"name":"c","future":{"a":[]}`, 1), true},
	} {
		for _, hashed := range []bool{false, true} {
			a := plain
			if hashed {
				a = strings.Replace(plain, `"app":"a"`, `"app":"a","pod-template-hash":"1"`, 1)
			}
			if got, err := same(json.RawMessage(a), json.RawMessage(tt.other)); err != nil || got != tt.same {
				t.Errorf("%s: %v (%v)", name, got, err)
			}
			if got, err := same(json.RawMessage(tt.other), json.RawMessage(a)); err != nil || got != tt.same {
				t.Errorf("%s, the other way: %v (%v)", name, got, err)
			}
		}
	}
	const strange = `{"spec":{"containers":"none"}}`
	for _, bad := range [][2]string{{plain, `{`}, {`{`, plain}, {plain, strange}, {strange, plain}} {
		if got, err := same(json.RawMessage(bad[0]), json.RawMessage(bad[1])); err == nil || got {
			t.Errorf("%q: %v", bad, got)
		}
	}
	if _, err := makePlan("api", apiWorkload, answer(t, nil), answer(t, func(o map[string]any) { delete(o["spec"].(map[string]any), "template") }), nil); err == nil {
		t.Error("a plan of a revision without a template")
	}
	if _, err := makePlan("api", apiWorkload, answer(t, func(o map[string]any) { delete(o["spec"].(map[string]any), "template") }), revisionOf(t, "api-a", "4", "api:1", nil), nil); err == nil {
		t.Error("a plan of a workload without a template")
	}
	if _, err := makePlan("api", apiWorkload, answer(t, nil), answer(t, func(o map[string]any) {
		o["spec"].(map[string]any)["template"] = map[string]any{"spec": map[string]any{"containers": "none"}}
	}), nil); err == nil {
		t.Error("a plan of a revision that no pod can be made of")
	}
}

// What a plan was made of is remembered for the last sixteen.
func TestPlanMemory(t *testing.T) {
	var m planMemory
	if m.get("0") != nil {
		t.Error("of nothing")
	}
	all := map[string]*object{}
	for n := range plansKept + 1 {
		id := fmt.Sprint(n)
		all[id] = &object{}
		m.keep(id, &object{})
		m.keep(id, all[id]) // looked at again
	}
	for id, o := range all {
		if got := m.get(id); id == "0" && got != nil || id != "0" && got != o {
			t.Errorf("%s: %p, want %p", id, got, o)
		}
	}
}

// A check that has no answer holds nothing up: after three seconds it is unknown, and
// the answers of the others stand.
func TestChecksThatDoNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &Client{now: time.Now}
		var states []string
		begun := time.Now()
		slow := func(d time.Duration, text string) func(context.Context) []model.Check {
			return func(context.Context) []model.Check {
				time.Sleep(d)
				return []model.Check{{ID: "slow", State: model.CheckOK, Text: text}}
			}
		}
		c.ask(context.Background(), []check{{"a", "whether a", slow(10*time.Second, "too late")}, {"b", "whether b", slow(time.Second, "b is so")}, {"c", "whether c", slow(2*time.Second, "c is so")}},
			func(done bool, all []model.Check) {
				states = append(states, fmt.Sprint(time.Since(begun), " ", done, " ", strings.ReplaceAll(lines(all), "\n", "; ")))
			})
		want := []string{
			"0s false unknown a: whether a: asking …; unknown b: whether b: asking …; unknown c: whether c: asking …",
			"1s false unknown a: whether a: asking …; ok slow: b is so; unknown c: whether c: asking …",
			"2s false unknown a: whether a: asking …; ok slow: b is so; ok slow: c is so",
			"3s true unknown a: whether a: no answer within 3s; ok slow: b is so; ok slow: c is so",
		}
		if got := strings.Join(states, "\n"); got != strings.Join(want, "\n") {
			t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
		}
		states = nil
		begun = time.Now()
		c.ask(context.Background(), []check{{"b", "whether b", slow(time.Second, "b is so")}},
			func(done bool, all []model.Check) {
				states = append(states, fmt.Sprint(time.Since(begun), " ", done, " ", lines(all)))
			})
		if got := strings.Join(states, "\n"); got != "0s false unknown b: whether b: asking …\n1s true ok slow: b is so" {
			t.Error(got)
		}
		time.Sleep(time.Minute)
	})
}

// Why a check is unknown is said, and what can be done about it.
func TestWhyACheckIsUnknown(t *testing.T) {
	refused := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, 403, `"reason":"Forbidden","code":403,"message":"you may not"`)
	})
	_, forbidden := refused.get(context.Background(), "production", "deployments", "api")
	for _, tt := range []struct {
		err  error
		want string
	}{
		{forbidden, "unknown x: whether x: forbidden: you may not → ask for the right to read it, or look yourself"},
		{model.ErrReadOnly, "unknown x: whether x: not asked, rollbook runs read-only"},
		{fmt.Errorf("late: %w", context.DeadlineExceeded), "unknown x: whether x: no answer within 3s"},
		{&unreached{err: errForeign, text: "somebody else answered"}, "unknown x: whether x: somebody else answered"},
		{errForeign, "unknown x: whether x: not an answer of the API server"},
	} {
		if got := lines(unknown("x", "whether x", tt.err)); got != tt.want {
			t.Errorf("%s\nwant %s", got, tt.want)
		}
	}
}

// An undo takes no mark of what is switched off from the workload, and brings none back that
// a revision remembers: its annotation stays, or stays away.
func TestAnUndoKeepsWhatTheMarkSays(t *testing.T) {
	const key = model.MarkKey + "scale"
	with := func(mark string) map[string]string {
		if mark == "" {
			return nil
		}
		return map[string]string{key: mark}
	}
	for _, tt := range []struct{ name, live, revision, want string }{
		{"the revision is of before it", `{"to":{"key":"3"}}`, "", `{"to":{"key":"3"}}`},
		{"the revision remembers another one", `{"to":{"key":"3"}}`, `{"to":{"key":"9"}}`, `{"to":{"key":"3"}}`},
		{"it was put back since", "", `{"to":{"key":"9"}}`, ""},
	} {
		var o, target object
		o.Metadata.Annotations, target.Metadata.Annotations = with(tt.live), with(tt.revision)
		if got := undoneAnnotations(&o, &target)[key]; got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
