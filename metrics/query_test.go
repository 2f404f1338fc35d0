package metrics

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

func workload(kind model.Kind, ns, name string) model.Target {
	return model.Target{ID: ns + "/" + name, Workload: model.Workload{Kind: kind, Namespace: ns, Name: name}}
}

func TestQueries(t *testing.T) {
	p := HTTPPreset()
	one := p.over(p.Owner, []model.Target{workload(model.Deployment, "prod", "shop")})
	two := p.over(p.Owner, []model.Target{workload(model.Deployment, "prod", "shop"), workload(model.StatefulSet, "data", "db")})
	owners, _ := p.overOwners(model.Target{Workload: model.Workload{Kind: model.Deployment, Namespace: "prod", Name: "x"}, Match: `app="x"`}, []string{"b-1", "a-2"})
	exported := HTTPPreset()
	exported.Owner = byPod{"exported_namespace", "kubernetes_pod_name"}
	alone := func(p Preset, kind model.Kind, name string) shown {
		_, s := p.alone(p.Owner, workload(kind, "prod", name))
		return s
	}
	const s = "[b-df-hj-np-tv-xz24-9]"
	for _, tt := range []struct{ name, got, want string }{
		{"counts", one.counts(time.Minute, present).promql,
			`sum by (namespace, rb_workload, rb_outcome) (label_replace(label_replace(label_join(label_replace(increase(http_requests_total{namespace="prod",pod=~"(shop)-.+"}[1m]), ` +
				`"rb_workload", "Deployment/$1", "pod", "(shop)-` + s + `{1,10}-` + s + `{5}"), "rb_labels", ";", ` + strings.Join(quoted(p.Outcome.Labels), ", ") + `), ` +
				`"rb_outcome", "=$1", "rb_labels", "((?:[^;]*;)*?)(?:[1-4]([0-9][0-9]|xx|XX))(?:;.*)?"), "rb_outcome", "!$1", "rb_labels", "((?:[^;]*;)*?)(?:5..)(?:;.*)?"))`},
		{"P95 of two namespaces and kinds", two.quantile(0.95, 5*time.Minute, present).promql,
			`histogram_quantile(0.95, sum by (namespace, rb_workload, le) (label_replace(label_replace(rate(http_request_duration_seconds_bucket{namespace=~"data|prod",pod=~"(db|shop)-.+"}[5m]), ` +
				`"rb_workload", "Deployment/$1", "pod", "(shop)-` + s + `{1,10}-` + s + `{5}"), "rb_workload", "StatefulSet/$1", "pod", "(db)-[0-9]+")))`},
		{"up", one.up(present).promql, `count_values by (namespace, rb_workload) ("rb_up", label_replace(up{namespace="prod",pod=~"(shop)-.+"}, "rb_workload", "Deployment/$1", "pod", "(shop)-` + s + `{1,10}-` + s + `{5}"))`},
		{"newest", owners.newest().promql,
			`max by (namespace, rb_workload, pod, cluster, cluster_name, cluster_id, k8s_cluster, k8s_cluster_name, kubernetes_cluster) ` +
				`(label_replace(timestamp(http_requests_total{namespace="prod",pod=~"(a-2|b-1).+",app="x"}), "rb_workload", "$1", "pod", "(a-2|b-1)-` + s + `{5}")) or vector(time())`},
		{"shown errors", alone(p, model.Deployment, "shop").errors(nil, time.Minute),
			`(sum(rate(http_requests_total{namespace="prod",pod=~"shop-[^-]+-[^-]+",status=~"5.."}[1m])) or vector(0)) / sum(rate(http_requests_total{namespace="prod",pod=~"shop-[^-]+-[^-]+"}[1m]))`},
		{"shown P95", alone(p, model.StatefulSet, "db").p95(2 * time.Minute),
			`histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{namespace="prod",pod=~"db-[0-9]+"}[2m])))`},
		{"other labels", alone(exported, model.DaemonSet, "agent").up("sum"),
			`sum(up{exported_namespace="prod",kubernetes_pod_name=~"agent-[^-]+"})`},
	} {
		if tt.got != tt.want {
			t.Errorf("%s:\n%s\nwant\n%s", tt.name, tt.got, tt.want)
		}
	}
}

// workloadOf does what label_replace does: the last pattern that matches wins.
func workloadOf(ps []pattern, pod string) string {
	out := ""
	for _, p := range ps {
		if m := regexp.MustCompile("^(?s:" + p.regexp + ")$").FindStringSubmatch(pod); m != nil {
			out = strings.ReplaceAll(p.owner, "$1", m[len(m)-1])
		}
	}
	return out
}

func TestPodsFindTheirWorkload(t *testing.T) {
	long47, long58 := strings.Repeat("a", 46)+"b", strings.Repeat("a", 58)
	seen := func(name string, pods ...string) model.Target {
		d := workload(model.Deployment, "p", name)
		d.Seen = map[string]string{}
		for _, p := range pods {
			d.Seen[p] = name + "-57b6747b84"
		}
		return d
	}
	hashed := (long47 + "-57b6747b84-")[:58]
	targets := []model.Target{
		workload(model.Deployment, "p", "shop"), workload(model.Deployment, "p", "shop-api"), workload(model.Deployment, "p", "a.b"),
		workload(model.StatefulSet, "p", "db"), workload(model.DaemonSet, "p", "shop-bcd"), workload(model.DaemonSet, "p", "agent"),
		// Names that are cut alike: whose a pod is, only the cluster knows.
		seen(long47, hashed+"t4fn4", hashed+"q8q8q"), seen(long58+"-eu", long58+"eeeee"), seen(long58+"-us", long58+"sssss"), seen(long58 + "-none"),
	}
	for n := range 2 {
		ts := targets
		if n == 1 { // with more than a query can name
			for range explicitMost {
				ts = append(ts, workload(model.Deployment, "p", "x"))
			}
		}
		ps, all := patterns(ts)
		if all != (n == 0) {
			t.Errorf("all = %t", all)
		}
		for pod, want := range map[string]string{
			"shop-57b6747b84-t4fn4":     "Deployment/shop",
			"shop-api-57b6747b84-t4fn4": "Deployment/shop-api",
			"a.b-57b6747b84-t4fn4":      "Deployment/a.b",
			"db-0":                      "StatefulSet/db",
			"db-12":                     "StatefulSet/db",
			"agent-t4fn4":               "DaemonSet/agent",
			"shop-bcd-t4fn4":            "DaemonSet/shop-bcd", // and not the Deployment shop's
			hashed + "t4fn4":            "Deployment/" + long47,
			hashed + "q8q8q":            "Deployment/" + long47,
			hashed + "zzzzz":            "",
			long58 + "eeeee":            "Deployment/" + long58 + "-eu",
			long58 + "sssss":            "Deployment/" + long58 + "-us",
			long58 + "zzzzz":            "",
			"shop-57b6747b84":           "",
			"migrate-1":                 "",
		} {
			if got := workloadOf(ps, pod); got != want && !(n == 1 && want == "") {
				t.Errorf("%d: %s belongs to %q, want %q", n, pod, got, want)
			}
		}
	}
	for _, tt := range targets {
		if _, err := regexp.Compile(podPattern(tt)); err != nil {
			t.Error(err)
		}
		if unsure := HTTPPreset().Owner.unsure(tt); (unsure != "") != strings.HasSuffix(tt.ID, "-none") {
			t.Errorf("%s: unsure %q", tt.ID, unsure)
		}
	}
}

// No name gets out of the string that it stands in.
func TestNamesAreHarmless(t *testing.T) {
	for _, name := range []string{`a"} or vector(1) or up{x="`, `a\`, "a\nb", "a|.*", "(", "é"} {
		if got := literal(name); strings.ContainsAny(got, "\"\\\n|*({") {
			t.Errorf("%q becomes %q", name, got)
		}
		s := HTTPPreset().over(byPod{"namespace", "pod"}, []model.Target{workload(model.Deployment, name, name)})
		if q := s.newest().promql; strings.Count(strings.NewReplacer(`\\`, "", `\"`, "").Replace(q), `"`) != 12 {
			t.Errorf("%d quotes in %s", strings.Count(q, `"`), q)
		}
	}
}

func TestDur(t *testing.T) {
	for d, want := range map[time.Duration]string{time.Minute: "1m", 90 * time.Second: "90s", 2 * time.Hour: "2h", 7 * 24 * time.Hour: "7d",
		1500 * time.Millisecond: "1500ms", 24 * time.Hour: "1d"} {
		if got := dur(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}
