package metrics

import (
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollbook/model"
)

// seen is a Deployment of which the cluster showed these pods.
func seen(name string, pods ...string) model.Target {
	d := deploy(name)
	d.Seen = map[string]string{}
	for _, p := range pods {
		d.Seen[p] = p[:strings.LastIndex(p, "-")]
	}
	return d
}

// shard adds a pod of namespace prod with the labels of its cluster.
func (h *history) shard(pod string, errors float64, more ...string) {
	for status, rate := range map[string]float64{"200": 10 * (1 - errors), "503": 10 * errors} {
		labels := map[string]string{"namespace": "prod", "pod": pod, "status": status}
		for i := 0; i < len(more); i += 2 {
			labels[more[i]] = more[i+1]
		}
		h.add("http_requests_total", labels, func(since time.Duration) (float64, bool) { return rate * since.Seconds(), true })
	}
	labels := map[string]string{"namespace": "prod", "pod": pod}
	for i := 0; i < len(more); i += 2 {
		labels[more[i]] = more[i+1]
	}
	h.add("up", labels, func(time.Duration) (float64, bool) { return 1, true })
}

// Another cluster's pods behind the same Prometheus count for nothing: neither for
// the figures nor for the past.
func TestAnotherClusterBehindOnePrometheus(t *testing.T) {
	const ours, theirs = "shop-7c9f5d8-2kq4x", "shop-7c9f5d8-9lmn2"
	for _, tt := range []struct {
		name   string
		ours   []string // labels
		theirs []string
		target model.Target
		match  string
		want   string // of the errors; what begins with ? need only begin so
	}{
		{"no name", nil, nil, seen("shop", ours), "", "? 1 of the 2 pods that Prometheus tells of are not deployment/shop's here (" + theirs + ")"},
		{"each named", []string{"cluster", "a"}, []string{"cluster", "b"}, seen("shop", ours), "", `? series of several clusters (cluster: "a", "b"): name this one in prometheus.match, such as cluster="a"`},
		{"one named", nil, []string{"cluster", "b"}, seen("shop", ours), "", `? series of several clusters (cluster: "", "b")`},
		{"named, and no pods known", []string{"k8s_cluster_name", "a"}, []string{"k8s_cluster_name", "b"}, deploy("shop"), "", "? series of several clusters (k8s_cluster_name"},
		{"ours by a matcher", []string{"cluster", "a"}, []string{"cluster", "b"}, seen("shop", ours), `cluster="a"`, "0"},
		{"theirs by a matcher", []string{"cluster", "a"}, []string{"cluster", "b"}, seen("shop", ours), `cluster="b"`, "? 1 of the 1 pods"},
		{"both ours", nil, nil, seen("shop", ours, theirs), "", "0.25"},
		{"nothing known of the pods", nil, nil, deploy("shop"), "", "0.25"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onEach(t, func(t *testing.T, on tried) {
				h := historyUntil(on.until, 70*time.Minute, 15*time.Second)
				h.shard(ours, 0, tt.ours...)
				h.shard(theirs, 0.5, tt.theirs...)
				c := on.start(t, h).client(t, func(o *Options) { o.Match = tt.match })
				for range 2 {
					got, err := ask(c, 2*time.Minute, tt.target)
					if err != nil {
						t.Fatal(err)
					}
					f := got["shop"]
					for name, r := range map[string]model.Reading{"now": f.Errors.Now, "hold": f.HoldErrors} {
						if s := sayReading(r); s != tt.want && !(tt.want[0] == '?' && strings.HasPrefix(s, tt.want)) {
							t.Errorf("%s: %s, want %s", name, s, tt.want)
						}
					}
					if unknown := tt.want[0] == '?'; unknown && (f.Up.Known || f.Requests.Known || len(f.Errors.Samples) > 0) {
						t.Errorf("up %s, requests %s, %d samples", sayReading(f.Up), sayReading(f.Requests), len(f.Errors.Samples))
					}
				}
				past, err := c.Behaviour(t.Context(), tt.target, []string{"shop-7c9f5d8"}, on.now)
				if err != nil {
					t.Fatal(err)
				}
				base, err := c.Baseline(t.Context(), []model.Target{tt.target}, on.now)
				if err != nil {
					t.Fatal(err)
				}
				impact, err := c.Impact(t.Context(), model.ImpactOf{Targets: []model.Target{tt.target}, From: on.now.Add(-10 * time.Minute), To: on.now, Limits: model.DefaultLimits()})
				if err != nil {
					t.Fatal(err)
				}
				for name, r := range map[string]model.Reading{"past": past["shop-7c9f5d8"].Errors, "baseline": base["shop"].Errors, "impact": impact.Components[0].Failed} {
					if r.Known != (tt.want[0] != '?') {
						t.Errorf("%s: %s", name, sayReading(r))
					}
				}
				for _, l := range c.Check(t.Context(), []model.Target{tt.target}) {
					if l.Name == "newest samples" && (l.State == model.CheckOK) != (tt.want[0] != '?') {
						t.Errorf("doctor: %+v", l)
					}
				}
			})
		})
	}
}

// A pod that is scraped before the cluster has shown it is no stranger yet, and one
// that has gone is none.
func TestPodsThatComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := historyUntil(fakeNow, 20*time.Minute, 15*time.Second)
		h.app(app{namespace: "prod", pod: "shop-7c9f5d8-2kq4x", ok: steady(10)})
		h.app(app{namespace: "prod", pod: "shop-5d4b9c-2kq4x", ok: steady(10), to: 18 * time.Minute}) // before this run
		h.app(app{namespace: "prod", pod: "shop-7c9f5d8-b8v7m", ok: steady(10), from: 19*time.Minute + 45*time.Second})
		e := h.sandboxed(t)
		c := e.client(t)
		of := seen("shop", "shop-7c9f5d8-2kq4x")
		for n, tt := range []struct {
			ago   time.Duration
			known bool
		}{{time.Minute, true}, {0, true}, {0, false}} {
			e.now = fakeNow.Add(-tt.ago)
			got, err := ask(c, 0, of)
			if err != nil || got["shop"].Errors.Now.Known != tt.known {
				t.Errorf("round %d: %+v %v", n, got["shop"].Errors.Now, err)
			}
		}
	})
}

// Two workloads whose pods' names are cut alike have figures of their own.
func TestNamesThatAreCutAlike(t *testing.T) {
	onEach(t, func(t *testing.T, on tried) {
		begin := strings.Repeat("inventory-", 5) + "gateway-" // 58
		h := historyUntil(on.until, 70*time.Minute, 15*time.Second)
		h.shard(begin+"aaaaa", 0.5)
		h.shard(begin+"bbbbb", 0)
		eu, us, none := deploy(begin+"-eu01"), deploy(begin+"-us02"), deploy(begin+"-none")
		eu.Seen = map[string]string{begin + "aaaaa": eu.ID + "-7c9f5d8"}
		us.Seen = map[string]string{begin + "bbbbb": us.ID + "-7c9f5d8"}
		c := on.start(t, h).client(t)
		got, err := ask(c, time.Minute, eu, us, none)
		if err != nil {
			t.Fatal(err)
		}
		for of, want := range map[string]string{eu.ID: "0.5", us.ID: "0", none.ID: "? " + HTTPPreset().Owner.unsure(none)} {
			if f := got[of]; sayReading(f.Errors.Now) != want || sayReading(f.HoldErrors) != want {
				t.Errorf("%s: %s, hold %s, want %s", of, sayReading(f.Errors.Now), sayReading(f.HoldErrors), want)
			}
		}
		past, err := c.Behaviour(t.Context(), eu, []string{eu.ID + "-7c9f5d8", eu.ID + "-5d4b9c"}, on.now)
		if err != nil || sayReading(past[eu.ID+"-7c9f5d8"].Errors) != "0.5" || past[eu.ID+"-5d4b9c"].Errors.Known {
			t.Errorf("%+v %v", past, err)
		}
	})
}

// The pods that a rollout replaces, and those that replace them, are told apart as
// soon as there is a sample of them.
func TestSidesOfARollout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := historyUntil(fakeNow, 20*time.Minute, 15*time.Second)
		h.app(app{namespace: "prod", pod: "shop-7c9f5d8-2kq4x", ok: steady(7), bad: steady(3), le: "0.25"})
		h.app(app{namespace: "prod", pod: "shop-5d4b9c-b8v7m", ok: steady(10), le: "0.5", from: 19*time.Minute + 30*time.Second})
		h.app(app{namespace: "prod", pod: "shop-5d4b9c-q8v7m", ok: steady(10), le: "0.5", from: 20 * time.Minute})
		c := h.sandboxed(t).client(t)
		target := deploy("shop")
		poll := model.Poll{Targets: []model.Target{target}, Apart: map[string]model.Sides{"shop": {Old: []string{"shop-7c9f5d8"}, New: "shop-5d4b9c"}}}
		got, err := c.Poll(t.Context(), poll)
		if err != nil {
			t.Fatal(err)
		}
		f := got["shop"]
		for name, tt := range map[string]struct {
			of   model.Reading
			want string
		}{"old errors": {f.Old.Errors, "0.3"}, "new errors": {f.New.Errors, "0"}, "old P95": {f.Old.P95, "0.242"}, "new P95": {f.New.P95, "0.487"}, "old requests": {f.Old.Requests, "600"}} {
			if sayReading(tt.of) != tt.want || !tt.of.At.Equal(fakeNow) {
				t.Errorf("%s: %s, want %s", name, sayReading(tt.of), tt.want)
			}
		}
		if e, p := f.NewErrors, f.NewP95; len(e) != 1 || e[0].V != f.New.Errors.Value || !e[0].At.Equal(fakeNow) || len(p) != 1 || p[0].V != f.New.P95.Value {
			t.Errorf("how the new pods went: %v %v", e, p)
		}
		if r := f.New.Requests; !r.Known || r.Value < 150 {
			t.Errorf("new requests: %+v", r)
		}
		for _, q := range []string{f.Old.Errors.Query, f.New.P95.Query} {
			if a, err := c.ask(t.Context(), question{promql: q}); err != nil || a.series != 1 {
				t.Errorf("%s returns %+v, %v", q, a, err)
			}
		}
		poll.Apart["shop"] = model.Sides{Old: []string{"shop-7c9f5d8"}, New: "shop-never"}
		if got, err = c.Poll(t.Context(), poll); err != nil || got["shop"].New.Errors.Known || got["shop"].New.Errors.Why == "" || len(got["shop"].NewErrors) > 0 {
			t.Errorf("before the first sample: %+v %v", got["shop"].New, err)
		}
		if got, err = ask(c, 0, target); err != nil || got["shop"].Old != (model.Behaviour{}) {
			t.Errorf("not asked for: %+v %v", got["shop"].Old, err)
		}
	})
}

// The labels that name a pod are found, or configured, or what is missing is said.
func TestLabelsThatNameThePod(t *testing.T) {
	for _, tt := range []struct {
		name           string
		namespace, pod string
		labels         Labels
		want           string
	}{
		{"usual", "namespace", "pod", Labels{}, "0.5"},
		{"the old example's", "kubernetes_namespace", "kubernetes_pod_name", Labels{}, "0.5"},
		{"exported", "exported_namespace", "exported_pod", Labels{}, "0.5"},
		{"mixed", "namespace", "pod_name", Labels{}, "0.5"},
		{"configured", "team_ns", "team_pod", Labels{Namespace: "team_ns", Pod: "team_pod"}, "0.5"},
		{"configured in part", "namespace", "team_pod", Labels{Pod: "team_pod"}, "0.5"},
		{"unknown", "team_ns", "team_pod", Labels{}, "? no labels of http_requests_total that name the pod and its namespace (it has status, team_ns, team_pod): name them in prometheus.labels"},
		{"wrongly configured", "namespace", "pod", Labels{Pod: "team_pod"}, "? no series http_requests_total"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onEach(t, func(t *testing.T, on tried) {
				h := historyUntil(on.until, 10*time.Minute, 15*time.Second)
				for status, rate := range map[string]float64{"200": 5, "503": 5} {
					h.add("http_requests_total", map[string]string{tt.namespace: "prod", tt.pod: shopPod, "status": status},
						func(since time.Duration) (float64, bool) { return rate * since.Seconds(), true })
				}
				prom := on.start(t, h)
				c := prom.client(t, func(o *Options) { o.Labels = tt.labels })
				got, err := ask(c, time.Minute, deploy("shop"))
				if err != nil {
					t.Fatal(err)
				}
				if e := got["shop"].Errors.Now; sayReading(e) != tt.want {
					t.Errorf("%s, want %s", sayReading(e), tt.want)
				}
				fresh := prom.client(t, func(o *Options) { o.Labels = tt.labels })
				for _, l := range fresh.Check(t.Context(), []model.Target{deploy("shop")}) {
					known := tt.want[0] != '?'
					if l.Name == "newest samples" && ((l.State == model.CheckOK) != known || !known && tt.labels == (Labels{}) && !strings.Contains(l.Text, tt.want[2:])) {
						t.Errorf("doctor: %+v", l)
					}
				}
			})
		})
	}
}

// What a frontend did to the times makes no sample stand elsewhere than where it is.
func TestAlignedRanges(t *testing.T) {
	onEach(t, func(t *testing.T, on tried) {
		prom := on.start(t, shopUntil(on.until))
		if e, ok := prom.(*engine); ok {
			e.now = fakeNow.Add(-later + 370*time.Millisecond)
		}
		plain, err := ask(prom.client(t), 2*time.Minute, deploy("bad"))
		if err != nil {
			t.Fatal(err)
		}
		behind := prom.client(t, through(aligned))
		rounded, err := ask(behind, 2*time.Minute, deploy("bad"))
		if err != nil {
			t.Fatal(err)
		}
		a, p := rounded["bad"], plain["bad"]
		if sayReading(a.Errors.Now) != "0.2" || sayReading(p.Errors.Now) != "0.2" || sayReading(a.HoldErrors) != "0.2" {
			t.Errorf("now %s and %s, hold %s", sayReading(a.Errors.Now), sayReading(p.Errors.Now), sayReading(a.HoldErrors))
		}
		at := map[time.Time]float64{}
		for _, s := range p.Errors.Samples {
			at[s.At] = s.V
		}
		same := 0
		for _, s := range a.Errors.Samples {
			if v, ok := at[s.At]; ok && math.Abs(v-s.V) < 1e-6 {
				same++
			} else if ok {
				t.Errorf("at %s it is %g, and %g behind the frontend", s.At, v, s.V)
			}
		}
		if same < len(p.Errors.Samples)-1 { // the clock of a real one goes on
			t.Errorf("%d samples of %d are the same", same, len(p.Errors.Samples))
		}
		for _, l := range behind.Check(t.Context(), []model.Target{deploy("bad")}) {
			if l.State != model.CheckOK {
				t.Errorf("doctor: %+v", l)
			}
		}
	})
}
