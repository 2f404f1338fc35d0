package scale_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"

	"rollbook/model"
	"rollbook/ways/scale"
)

// cluster holds objects by their names.
type cluster struct {
	objects map[string]string
	scalers []string
	noScale error             // why what scales is not known
	mayNot  string            // object that may not be patched
	refuses map[string]string // by object
	fails   map[string]error  // by object
	patched []string
}

const (
	api    = "deployment/api"
	hpa    = "horizontalpodautoscaler/api"
	keda   = "scaledobject/api"
	before = `{"kind":"Deployment","metadata":{"name":"api","namespace":"shop","uid":"u1","generation":1},"spec":{"replicas":3}}`
)

func newCluster() *cluster {
	return &cluster{objects: map[string]string{api: before}, refuses: map[string]string{}, fails: map[string]error{}}
}

func (c *cluster) Kubectl(ns, what string) string { return "kubectl -n " + ns + " " + what }

func (c *cluster) May(_ context.Context, _ string, o model.Object) (bool, error) {
	return o.String() != c.mayNot, nil
}

func (c *cluster) Read(_ context.Context, o model.Object) (json.RawMessage, string, error) {
	raw, ok := c.objects[o.String()]
	if !ok {
		return nil, "", nil
	}
	return json.RawMessage(raw), "maria at 03:00:00 UTC", nil
}

func (c *cluster) apply(o model.Object, patch json.RawMessage) (string, error) {
	p, err := jsonpatch.DecodePatch(patch)
	if err != nil {
		return "", err
	}
	out, err := p.Apply([]byte(c.objects[o.String()]))
	if err != nil {
		return "", model.Told(model.ErrChanged, err, "%s changed: %s", o, err)
	}
	return strings.NewReplacer(`"labels":{},`, "", `"annotations":{},`, "").Replace(string(out)), nil
}

func (c *cluster) Patch(_ context.Context, o model.Object, _, patch json.RawMessage, _ func(model.Progress)) (json.RawMessage, error) {
	if err := c.fails[o.String()]; err != nil {
		return nil, err
	}
	out, err := c.apply(o, patch)
	if err != nil {
		return nil, err
	}
	c.objects[o.String()], c.patched = out, append(c.patched, o.String())
	return json.RawMessage(out), nil
}

func (c *cluster) TryPatch(_ context.Context, o model.Object, patch json.RawMessage) (string, error) {
	_, err := c.apply(o, patch)
	return c.refuses[o.String()], err
}

func (c *cluster) Autoscalers(context.Context, model.Workload) (out []model.Autoscaler, err error) {
	for _, name := range c.scalers {
		o := model.Object{APIVersion: "autoscaling/v2", Kind: "HorizontalPodAutoscaler", Namespace: "shop", Name: "api"}
		if name == keda {
			o.APIVersion, o.Kind = "keda.sh/v1alpha1", "ScaledObject"
		}
		out = append(out, model.Autoscaler{Object: o, Raw: json.RawMessage(c.objects[name])})
	}
	return out, c.noScale
}

func (c *cluster) method() scale.Scale {
	return scale.New(c, scale.Options{By: "grace", Now: func() time.Time { return time.Date(2026, 11, 30, 3, 0, 0, 0, time.UTC) }})
}

func component(kind model.Kind) *model.Component {
	return &model.Component{ID: "api", Workload: model.Workload{Kind: kind, Namespace: "shop", Name: "api"}, Desired: 3}
}

func (c *cluster) preflight(t *testing.T, of *model.Component, to model.Version) (last model.Preflight) {
	t.Helper()
	c.method().Plan(t.Context(), of, to, func(p model.Preflight) { last = p })
	if !last.Done {
		t.Fatalf("%+v", last)
	}
	return last
}

func (c *cluster) plan(t *testing.T, to model.Version) model.Plan {
	t.Helper()
	pf := c.preflight(t, component(model.Deployment), to)
	if len(pf.Plans) != 1 {
		t.Fatalf("no plan: %s", pf.Err)
	}
	return pf.Plans[0]
}

func (c *cluster) does(t *testing.T, to model.Version) model.Plan {
	t.Helper()
	p := c.plan(t, to)
	if _, err := c.method().Do(t.Context(), p, nil); err != nil {
		t.Fatalf("%s: %v", p.Title, err)
	}
	return p
}

func line(pf model.Preflight, id string) model.Check {
	for _, ch := range pf.Checks {
		if ch.ID == id {
			return ch
		}
	}
	return model.Check{ID: "none"}
}

// same compares objects whatever the order of their keys.
func same(t *testing.T, got, want string) {
	t.Helper()
	var a, b any
	if json.Unmarshal([]byte(got), &a) != nil || json.Unmarshal([]byte(want), &b) != nil || fmt.Sprint(a) != fmt.Sprint(b) {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestKEDAIsPausedAndGoesOnAsBefore(t *testing.T) {
	for name, of := range map[string]string{
		"running":                  `{"metadata":{"name":"api","uid":"u2"},"spec":{"scaleTargetRef":{"name":"api"}}}`,
		"paused by somebody at 3":  `{"metadata":{"name":"api","uid":"u2","annotations":{"autoscaling.keda.sh/paused-replicas":"3","a":"b"}},"spec":{}}`,
		"paused by another switch": `{"metadata":{"name":"api","uid":"u2","annotations":{"autoscaling.keda.sh/paused":"true"}},"spec":{}}`,
	} {
		c := newCluster()
		c.objects[keda], c.scalers = of, []string{keda}
		p := c.does(t, model.Replicas(0))
		if strings.Join(c.patched, " ") != keda+" "+api {
			t.Errorf("%s: KEDA is not paused first: %v", name, c.patched)
		}
		if !strings.Contains(c.objects[keda], `"autoscaling.keda.sh/paused-replicas":"0"`) || !strings.Contains(p.Owes, "paused") ||
			!strings.Contains(p.Command, "annotate scaledobject/api autoscaling.keda.sh/paused-replicas=0 --overwrite && kubectl -n shop scale deployment/api --replicas=0") {
			t.Errorf("%s: %s, %+v", name, c.objects[keda], p)
		}
		c.does(t, model.Replicas(1))
		if !strings.Contains(c.objects[keda], `"autoscaling.keda.sh/paused-replicas":"1"`) {
			t.Errorf("%s: %s", name, c.objects[keda])
		}
		c.does(t, p.From)
		same(t, c.objects[keda], of)
		same(t, c.objects[api], before)
	}
}

// Who reads the mark is told of which incident the write was, by whom and since when.
func TestTheMarkNamesTheIncident(t *testing.T) {
	c := newCluster()
	p := c.plan(t, model.Replicas(0))
	if _, err := c.method().Do(model.ForIncident(t.Context(), "INC-1"), p, nil); err != nil {
		t.Fatal(err)
	}
	var live struct {
		Metadata struct{ Labels, Annotations map[string]string }
	}
	if err := json.Unmarshal([]byte(c.objects[api]), &live); err != nil {
		t.Fatal(err)
	}
	m := model.MarkOf(model.MethodScale, live.Metadata.Labels, live.Metadata.Annotations)
	if m == nil || m.Incident != "INC-1" || m.By != "grace" || m.Plan != p.ID || m.Since.IsZero() {
		t.Errorf("%+v", m)
	}
}

// KEDA scales its target as soon as it is paused: that is no foreign change.
func TestWhatScalesMayMoveItMeanwhile(t *testing.T) {
	c := newCluster()
	c.objects[keda], c.scalers = `{"metadata":{"name":"api","uid":"u2"},"spec":{}}`, []string{keda}
	p := c.plan(t, model.Replicas(0))
	c.fails[api] = model.Told(model.ErrLost, nil, "no answer")
	if _, err := c.method().Do(t.Context(), p, nil); !errors.Is(err, model.ErrLost) {
		t.Fatal(err)
	}
	delete(c.fails, api)
	c.objects[api] = strings.Replace(before, `"replicas":3`, `"replicas":0`, 1)
	got, err := c.method().Look(t.Context(), p)
	if err != nil || got.State != model.SettledDone || got.Receipt == nil || !strings.Contains(got.Receipt.Text, "left: deployment/api") {
		t.Fatalf("what was begun is not told: %+v (%v)", got, err)
	}
	if j := c.method().Judge(component(model.Deployment), &p, got.Receipt); j.Phase != model.PhaseFailed || !strings.Contains(j.Text, "left: deployment/api") {
		t.Errorf("%+v", j)
	}
}

func TestHPAIsHeldAndGoesOnAsBefore(t *testing.T) {
	const of = `{"metadata":{"name":"api","uid":"u3"},"spec":{"minReplicas":2,"maxReplicas":9}}`
	c := newCluster()
	c.objects[hpa], c.scalers = of, []string{hpa}
	p := c.does(t, model.Replicas(0))
	same(t, c.objects[hpa], of) // it does nothing at 0
	c.does(t, model.Replicas(1))
	for _, want := range []string{`"minReplicas":1`, `"maxReplicas":1`, `rollbook/before`} {
		if !strings.Contains(c.objects[hpa], want) {
			t.Errorf("no %s in %s", want, c.objects[hpa])
		}
	}
	c.does(t, model.Replicas(2))
	if !strings.Contains(c.objects[hpa], `"minReplicas":2`) || !strings.Contains(c.objects[hpa], `"maxReplicas":2`) {
		t.Error(c.objects[hpa])
	}
	// The real controller acts on a change of its HPA at once, and writes its number over
	// another one: what lets it go comes last, and before the mark is taken off.
	order := func(to model.Version, want ...string) {
		t.Helper()
		c.patched = nil
		if c.does(t, to); strings.Join(c.patched, " ") != strings.Join(want, " ") {
			t.Errorf("written in the order %v, want %v", c.patched, want)
		}
	}
	order(model.Replicas(0), api, hpa)
	same(t, c.objects[hpa], of)
	order(model.Replicas(1), hpa, api)
	order(p.From, api, hpa, api)
	same(t, c.objects[hpa], of)
	same(t, c.objects[api], before)
	// One that may go to 0 would move it from there.
	c.objects[hpa] = strings.Replace(of, `"minReplicas":2`, `"minReplicas":0`, 1)
	p = c.does(t, model.Replicas(0))
	if !strings.Contains(c.objects[hpa], `"minReplicas":1`) || !strings.Contains(c.objects[hpa], `"maxReplicas":9`) {
		t.Error(c.objects[hpa])
	}
	c.does(t, p.From)
	same(t, c.objects[hpa], strings.Replace(of, `"minReplicas":2`, `"minReplicas":0`, 1))
}

// An undo by kubectl takes annotations away, and brings old ones back: the label tells.
func TestMarkOutlivesAnUndo(t *testing.T) {
	c := newCluster()
	p := c.does(t, model.Replicas(0))
	var o map[string]any
	if err := json.Unmarshal([]byte(c.objects[api]), &o); err != nil {
		t.Fatal(err)
	}
	meta := o["metadata"].(map[string]any)
	note := meta["annotations"]
	delete(meta, "annotations")
	raw, _ := json.Marshal(o)
	c.objects[api] = string(raw)
	back := c.plan(t, model.Version{})
	if back.To.Key != "3" || back.Owes != "" || back.Same || p.From.Key != "3" {
		t.Errorf("%+v", back)
	}
	c.does(t, model.Version{})
	same(t, c.objects[api], before)
	meta["annotations"] = note
	delete(meta, "labels")
	o["spec"] = map[string]any{"replicas": 3}
	raw, _ = json.Marshal(o)
	c.objects[api] = string(raw)
	if p := c.plan(t, model.Replicas(3)); !p.Same || p.Owes != "" {
		t.Errorf("an annotation that came back owes: %+v", p)
	}
}

func TestToldBeforeTheConfirmation(t *testing.T) {
	c := newCluster()
	if pf := c.preflight(t, component(model.DaemonSet), model.Replicas(0)); len(pf.Plans) != 0 || !strings.Contains(pf.Err, "nodeSelector") {
		t.Errorf("%+v", pf)
	}
	c.objects[hpa], c.scalers = `{"metadata":{"name":"api","uid":"u3"},"spec":{"minReplicas":2,"maxReplicas":9}}`, []string{hpa}
	c.mayNot = hpa
	if ch := line(c.preflight(t, component(model.Deployment), model.Replicas(0)), "access.patch"); ch.State != model.CheckOK {
		t.Errorf("nothing is written to the HPA at 0: %+v", ch)
	}
	if ch := line(c.preflight(t, component(model.Deployment), model.Replicas(1)), "access.patch:"+hpa); ch.State != model.CheckBlocked || !ch.Hard || ch.Do == "" {
		t.Errorf("%+v", ch)
	}
	c.mayNot = api
	if ch := line(c.preflight(t, component(model.Deployment), model.Replicas(0)), "access.patch"); ch.State != model.CheckBlocked || !ch.Hard {
		t.Errorf("%+v", ch)
	}
	c.mayNot, c.scalers, c.noScale = "", nil, errors.New("you may not list them")
	if ch := line(c.preflight(t, component(model.Deployment), model.Replicas(0)), "hpa"); ch.State != model.CheckUnknown || ch.Do == "" {
		t.Errorf("%+v", ch)
	}
	c.noScale, c.refuses[api] = nil, "a webhook says no"
	if ch := line(c.preflight(t, component(model.Deployment), model.Replicas(0)), "dryrun"); ch.State != model.CheckBlocked || !strings.Contains(ch.Text, "a webhook says no") {
		t.Errorf("%+v", ch)
	}
	clear(c.refuses)
	argo := component(model.Deployment)
	argo.Owners = []model.Owner{{Manager: "Argo CD", Name: "application shop", Reverts: true, Do: "pause it"}}
	if ch := line(c.preflight(t, argo, model.Replicas(0)), "owner.argocd"); ch.State != model.CheckNote {
		t.Errorf("it does not set the number: %+v", ch)
	}
	c.objects[api] = strings.Replace(before, `"generation":1`, `"managedFields":[{"manager":"argocd-controller","operation":"Apply","fieldsV1":{"f:spec":{"f:replicas":{}}}}]`, 1)
	if ch := line(c.preflight(t, argo, model.Replicas(0)), "owner.argocd"); ch.State != model.CheckBlocked || ch.Hard || ch.Do != "pause it" {
		t.Errorf("%+v", ch)
	}
	c.objects[api] = strings.Replace(before, `"replicas":3`, `"replicas":0`, 1)
	pf := c.preflight(t, component(model.Deployment), model.Replicas(0))
	if ch := line(pf, "replicas"); ch.State != model.CheckNote || !pf.Plans[0].Same || !strings.Contains(ch.Text, "how many it had is not known") {
		t.Errorf("%+v", ch)
	}
}

func TestReplicasThatSomebodyChanged(t *testing.T) {
	c := newCluster()
	p := c.plan(t, model.Replicas(0))
	c.objects[api] = strings.Replace(before, `"replicas":3`, `"replicas":5`, 1)
	if _, err := c.method().Do(t.Context(), p, nil); !errors.Is(err, model.ErrChanged) || !strings.Contains(err.Error(), "it has 5 replicas now, last written by maria") {
		t.Errorf("%v", err)
	}
	// What somebody brought back further is not scaled down again: the mark alone goes.
	c.objects[api] = before
	p = c.does(t, model.Replicas(0))
	c.objects[api] = strings.Replace(c.objects[api], `"replicas":0`, `"replicas":5`, 1)
	if ch := line(c.preflight(t, component(model.Deployment), p.From), "replicas"); ch.State != model.CheckWarning {
		t.Errorf("%+v", ch)
	}
	c.does(t, p.From)
	same(t, c.objects[api], strings.Replace(before, `"replicas":3`, `"replicas":5`, 1))
	if len(c.patched) != 2 {
		t.Errorf("%v", c.patched)
	}
}
