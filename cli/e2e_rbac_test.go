//go:build e2e

package cli

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/yaml"

	"rollbook/config"
	"rollbook/engine/porttest"
	"rollbook/incident"
	"rollbook/kube"
	"rollbook/model"
	"rollbook/ways/migrate/migratetest"
)

// use is one that docs/rbac has a Role for.
type use struct {
	name   string
	what   string   // its comment
	beside []string // other Roles that it needs beside that to look on
	play   func(p *player, t *testing.T)
	taken  request // a right without which it does not go
	says   string  // what it says then
}

// roles returns the Roles that it needs, its own last.
func (u *use) roles() []string {
	if u.name == "look" {
		return []string{"look"}
	}
	return append(append([]string{"look"}, u.beside...), u.name)
}

// player is who plays a use, in a namespace that is theirs.
type player struct {
	ns, kubeconfig, context string
}

// uses are those that docs/rbac has a Role for. Looking on comes first: the others need
// what it needs, and more.
var uses = []use{
	{name: "look", what: "To look on: the board and its pages with --read-only, rollbook status.", play: (*player).looks},
	{name: "undo", what: "The walk, with the undo of a Deployment, StatefulSet or DaemonSet: beside look.",
		play: (*player).undoes, taken: request{verb: "patch", group: "apps", resource: "deployments"}, says: "you may not patch deployments"},
	{name: "redeploy", what: "The walk, with the redeploy of manifests that hold ConfigMaps, Services and Deployments: beside\nlook. For manifests with other kinds, add get and patch of theirs.",
		play: (*player).redeploys, taken: request{verb: "patch", resource: "services"}, says: "services"},
	{name: "remake", what: "The redeploy where something is gone or cannot be changed as it is, and is deleted and made anew:\nConfigMaps, Services and Deployments: beside look and redeploy. For other kinds, add create\nand delete of theirs.", beside: []string{"redeploy"},
		play: (*player).remakes, taken: request{verb: "delete", group: "apps", resource: "deployments"}, says: "you may not delete deployment"},
	{name: "migrate", what: "The walk with migrations taken back first, by a command in a pod, and psql: beside look and undo.\nWhoever has it may run any command in any pod of the namespace.", beside: []string{"undo"},
		play: (*player).migrates},
	{name: "drill", what: "To break a Deployment on purpose for a drill, and to put it back: beside look. The rollback itself\nneeds undo.", play: (*player).drills},
	{name: "recovery", what: "The walk and the recovery: stop, maintenance page of a ConfigMap, a Deployment and a Service,\nand back by one pod: beside look. For pages of other kinds, add get, create, patch and\ndelete of theirs. Where KEDA is, add list and patch of scaledobjects (keda.sh).",
		play: (*player).recovers, taken: request{verb: "patch", group: "apps", resource: "deployments"}, says: "you may not patch deployment"},
}

// withheld are rights that a walk asks to use and does without: what each Role would give
// with them is more than it is worth.
var withheld = []request{
	{verb: "get", resource: "secrets"},    // whether one that a version needs is still there: it could be read, too
	{verb: "get", resource: "namespaces"}, // in kube-system: which cluster it is, whatever its address
}

// isWithheld reports whether a request is for one of these, or for what is there only where
// KEDA is, which another test brings for a while.
func isWithheld(a request, ns string) bool {
	return a.group == "keda.sh" || slices.ContainsFunc(withheld, func(w request) bool {
		return w.verb == a.verb && w.resource == a.resource && (a.resource != "namespaces" || a.namespace != ns)
	})
}

const rbacDir = "../docs/rbac"

// TestRights plays each use as a ServiceAccount that has its Role of docs/rbac, that to look on,
// and nothing else: nothing that it asks for is refused, and there is nothing in its Role
// that it does not ask for. With UPDATE_GOLDEN it plays them as the admin, and writes the Roles.
func TestRights(t *testing.T) {
	t.Parallel()
	write := os.Getenv("UPDATE_GOLDEN") != ""
	for _, u := range uses {
		t.Run(u.name, func(t *testing.T) {
			if u.name != "look" {
				t.Parallel()
			}
			p := &player{ns: emptyNamespace(t), context: "testbed"}
			var seen *recorder
			p.kubeconfig, seen = record(t)
			monitoring, _, _ := strings.Cut(strings.TrimPrefix(env(t, "ROLLBOOK_PROMETHEUS_SERVICE"), "service:"), "/")
			if !write {
				p.bound(t, monitoring, "prometheus", roleOf(t, "prometheus"))
				for _, name := range u.roles() {
					p.bound(t, p.ns, name, roleOf(t, name))
				}
			}
			u.play(p, t)
			all, forbidden := seen.requests()
			var own, around []request
			for _, a := range all {
				switch {
				case isWithheld(a, p.ns):
				case a.namespace == p.ns:
					own = append(own, a)
				case a.namespace == monitoring:
					around = append(around, a)
				default:
					t.Errorf("asked for outside of its namespace: %s", a)
				}
			}
			for _, a := range forbidden {
				if !isWithheld(a, p.ns) {
					t.Errorf("refused: %s", a)
				}
			}
			for _, name := range u.roles() {
				if name != u.name {
					other := roleOf(t, name).Rules
					own = slices.DeleteFunc(own, func(a request) bool { return gives(other, a) })
				}
			}
			compared(t, u.name, u.what, rulesFor(own), write)
			if u.name == "look" {
				compared(t, "prometheus", "To ask Prometheus through the API server: in its namespace, beside one of the others.", rulesFor(around), write)
			}
		})
	}
}

// compared holds the rules that a use needs against its Role, or writes them down.
func compared(t *testing.T, name, what string, rules []rbacv1.PolicyRule, write bool) {
	t.Helper()
	file, text := filepath.Join(rbacDir, name+".yaml"), roleYAML("rollbook-"+name, what, rules)
	if write && !t.Failed() {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if was, err := os.ReadFile(file); err != nil || string(was) != text {
		t.Errorf("%s: %v\n%s\nits requests are\n%s", file, err, was, text)
	}
}

func roleOf(t *testing.T, name string) *rbacv1.Role {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(rbacDir, name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	role := &rbacv1.Role{}
	if err := yaml.UnmarshalStrict(data, role); err != nil {
		t.Fatal(err)
	}
	return role
}

// bound gives the user's ServiceAccount a Role in a namespace, and logs in as it.
func (p *player) bound(t *testing.T, ns, name string, role *rbacv1.Role) {
	t.Helper()
	data, err := yaml.Marshal(role)
	if err != nil {
		t.Fatal(err)
	}
	kubectl(t, "-n", ns, "apply", "-f", fileOf(t, "role.yaml", string(data)))
	account := p.ns + ":rollbook"
	kubectl(t, "-n", ns, "create", "rolebinding", name+"-"+p.ns, "--role="+role.Name, "--serviceaccount="+account)
	t.Cleanup(func() { kubectl(t, "-n", ns, "delete", "rolebinding", name+"-"+p.ns, "--wait=false") })
	if p.context == "rollbook" {
		return
	}
	p.context = "rollbook"
	kubectl(t, "-n", p.ns, "create", "serviceaccount", "rollbook")
	conf, err := clientcmd.LoadFromFile(p.kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	conf.AuthInfos = map[string]*clientcmdapi.AuthInfo{p.context: {Token: kubectl(t, "-n", p.ns, "create", "token", "rollbook")}}
	conf.Contexts = map[string]*clientcmdapi.Context{p.context: {Cluster: conf.Contexts["testbed"].Cluster, AuthInfo: p.context, Namespace: p.ns}}
	conf.CurrentContext = p.context
	if err := clientcmd.WriteToFile(*conf, p.kubeconfig); err != nil {
		t.Fatal(err)
	}
}

// racer begins an operator on a workload, without a screen.
func (p *player) racer(t *testing.T, cfg *config.Config, kind model.Kind, name string, ways ...model.Method) (*racer, func()) {
	t.Helper()
	f := &kube.Flags{Kubeconfig: p.kubeconfig}
	f.Context.Namespace, f.CurrentContext = p.ns, p.context
	return newRacerOf(t, cfg, f, model.Target{ID: name, Workload: model.Workload{Kind: kind, Namespace: p.ns, Name: name}, Methods: ways}, "maria", true)
}

// rbacKinds is what is looked for before a rollback of the workloads.
const rbacKinds = `apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {a: "1"}}
- {apiVersion: v1, kind: Secret, metadata: {name: password}, stringData: {a: "1"}}
- {apiVersion: v1, kind: ServiceAccount, metadata: {name: app}}
- {apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: disk}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}
- {apiVersion: v1, kind: ResourceQuota, metadata: {name: quota}, spec: {hard: {pods: "50"}}}
- {apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: api}, spec: {minAvailable: 1, selector: {matchLabels: {app: deployment}}}}
`

// rbacKind is one of them.
const rbacKind = `- apiVersion: apps/v1
  kind: %[1]s
  metadata: {name: %[2]s}
  spec:
    selector: {matchLabels: {app: %[2]s}}
    template:
      metadata: {labels: {app: %[2]s}, annotations: {testbed/behaviour: %[4]q}}
      spec:
        serviceAccountName: app
        containers: [{name: api, image: "api:%[3]d", envFrom: [{configMapRef: {name: settings}}, {secretRef: {name: password}}]}]
`

var rbacNames = map[model.Kind]string{model.Deployment: "deployment", model.StatefulSet: "statefulset", model.DaemonSet: "daemonset"}

// released makes a workload of each kind, and then their second versions. That of the
// Deployment crashes; a StatefulSet would wait for a pod that does.
func (p *player) released(t *testing.T) {
	t.Helper()
	for version, behaviour := range []string{"", "crash"} {
		list := rbacKinds
		for _, kind := range slices.Sorted(maps.Keys(rbacNames)) {
			own := ""
			if kind == model.Deployment {
				own = behaviour
			}
			list += fmt.Sprintf(rbacKind, kind, rbacNames[kind], version+1, own)
		}
		kubectl(t, "-n", p.ns, "apply", "-f", fileOf(t, "kinds.yaml", list))
		for kind, name := range rbacNames {
			p.settles(t, string(kind), name, version+1)
		}
	}
}

// settles waits until the controller has made a pod of a version.
func (p *player) settles(t *testing.T, kind, name string, version int) {
	t.Helper()
	want := fmt.Sprintf("api:%d", version)
	for end := time.Now().Add(porttest.Patience(30 * time.Second)); ; time.Sleep(100 * time.Millisecond) {
		images := kubectl(t, "-n", p.ns, "get", "pods", "-l", "app="+name, "-o", "jsonpath={.items[*].spec.containers[0].image} {.items[*].status.phase}")
		if strings.Contains(images, want) && strings.Contains(images, "Running") {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("no pod of version %d of %s/%s: %s", version, kind, name, images)
		}
	}
}

// looks opens the program read-only, and every page of it that reads something.
func (p *player) looks(t *testing.T) {
	p.released(t)
	m := open(t, 80, 24, "", "", "-n", p.ns, "--read-only", "--kubeconfig", p.kubeconfig, "--prometheus", env(t, "ROLLBOOK_PROMETHEUS_SERVICE"))
	m.sees(`deployment .*✗`, 30*time.Second)
	of, been := regexp.MustCompile(`Manifest of \w+/(\w+)`), map[string]bool{}
	for deadline := time.Now().Add(porttest.Patience(time.Minute)); len(been) < len(rbacNames); { // rows change places
		before, way := len(been), "Up"
		if time.Now().After(deadline) {
			t.Fatalf("looked at %v alone", been)
		}
		for key, page := range map[string]string{"l": `Logs? `, "e": `Events? `, "m": `Manifest of `} {
			m.keys(key)
			if found := of.FindStringSubmatch(m.sees(page, 15*time.Second)); found != nil {
				been[found[1]] = true
			}
			m.keys("Escape")
			m.sees(`▸1 Assess`, 5*time.Second)
		}
		if len(been) > before {
			way = "Down"
		}
		m.keys(way)
	}
	m.keys("Enter")
	m.sees(`▸2 Decide`, 5*time.Second)
	m.keys("Enter")
	m.sees(`▸3 Choose`, 5*time.Second)
	m.sees(`1 +1 +\? no data`, 20*time.Second)
	m.keys("q")
	if d, _ := stated(t, p.ns, p.kubeconfig, t.TempDir()); len(d.Components) != len(rbacNames) || len(d.Unread) > 0 {
		t.Errorf("the status: %+v", d)
	}
}

// undoes rolls a workload of each kind back.
func (p *player) undoes(t *testing.T) {
	p.released(t)
	for kind, name := range rbacNames {
		r, end := p.racer(t, config.Defaults(), kind, name)
		r.rollsBack()
		end()
	}
}

// rollsBack takes a walk to the end of its rollout.
func (r *racer) rollsBack() {
	s := r.toConfirm()
	r.e.Send(incident.ConfirmWrite{Word: incident.ConfirmWord(&s.Incident), Plans: plansIn(s), Sentences: s.Sentences()})
	r.until("the end of the rollout", func(s *incident.Snapshot) bool {
		for _, a := range s.Incident.Attempts {
			for _, w := range a.Writes {
				if w.State == incident.Done {
					return true
				}
			}
		}
		return false
	})
}

// redeployable has a release and a bad one in a repository, and returns its configuration.
func (p *player) redeployable(t *testing.T) *config.Config {
	t.Helper()
	git := porttest.NewRepository(t)
	for n := 1; n <= 2; n++ {
		git.Write("deploy/all.yaml", fmt.Sprintf(releasedObjects, "api", n, n, ""))
		git.Tag(fmt.Sprintf("v%d", n))
		kubectl(t, "-n", p.ns, "apply", "--server-side", "--field-manager=rollbook", "-f", filepath.Join(git.Dir, "deploy/all.yaml"))
		settled(t, p.ns, "api", fmt.Sprint(n))
	}
	return p.configured(t, fmt.Sprintf("components:\n  - name: api\n    workload: deploy/api\n    redeploy: {repository: %q, manifests: deploy}\n", git.Dir))
}

func (p *player) configured(t *testing.T, text string) *config.Config {
	t.Helper()
	cfg, err := loadConfig(&flags{config: fileOf(t, "rollbook.yaml", text)})
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func (p *player) redeploys(t *testing.T) {
	cfg := p.redeployable(t)
	r, end := p.racer(t, cfg, model.Deployment, "api", methodOf[config.MethodRedeploy])
	defer end()
	r.to = "v1"
	r.rollsBack()
}

// remadeObjects are the objects of a release none of which can become those of another.
const remadeObjects = `apiVersion: v1
kind: ConfigMap
metadata: {name: api}
immutable: true
data: {of: "%[1]d"}
---
apiVersion: v1
kind: Service
metadata: {name: api}
spec: {%[2]sselector: {app: api}, ports: [{name: http, port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  selector: {matchLabels: {app: api, release: "%[1]d"}}
  template:
    metadata: {labels: {app: api, release: "%[1]d"}}
    spec: {terminationGracePeriodSeconds: 1, containers: [{name: api, image: "api:%[1]d"}]}
`

// remakeable has a release in a repository to which nothing of the running one can be
// changed.
func (p *player) remakeable(t *testing.T) *config.Config {
	t.Helper()
	git := porttest.NewRepository(t)
	for n, headless := range []string{"clusterIP: None, ", ""} {
		if n > 0 {
			kubectl(t, "-n", p.ns, "delete", "cm/api", "svc/api", "deploy/api")
		}
		git.Write("deploy/all.yaml", fmt.Sprintf(remadeObjects, n+1, headless))
		git.Tag(fmt.Sprintf("v%d", n+1))
		kubectl(t, "-n", p.ns, "apply", "--server-side", "--field-manager=rollbook", "-f", filepath.Join(git.Dir, "deploy/all.yaml"))
		settled(t, p.ns, "api", "1")
	}
	return p.configured(t, fmt.Sprintf("components:\n  - name: api\n    workload: deploy/api\n    redeploy: {repository: %q, manifests: deploy}\n", git.Dir))
}

func (p *player) remakes(t *testing.T) {
	r, end := p.racer(t, p.remakeable(t), model.Deployment, "api", methodOf[config.MethodRedeploy])
	defer end()
	r.to = "v1"
	r.rollsBack()
	if got := kubectl(t, "-n", p.ns, "get", "cm/api", "svc/api", "deploy/api", "-o", "jsonpath={.items[0].data.of} {.items[1].spec.clusterIP} {.items[2].spec.selector.matchLabels.release}"); got != "1 None 1" {
		t.Errorf("made anew are %s", got)
	}
}

// migrated is a component whose newest release has brought a migration.
func (p *player) migrated(t *testing.T) *config.Config {
	t.Helper()
	at := migratetest.Postgres(t, "alembic")
	url, dir := migratetest.URL(at, "alembic"), migratetest.Project(t, "alembic")
	migratetest.Run(t, dir, url, migratetest.Python, "-m", "alembic", "upgrade", "c3d4e5f6a1b2")
	for n := 1; n <= 2; n++ {
		kubectl(t, "-n", p.ns, "apply", "-f", fileOf(t, "api.yaml", fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}, annotations: {testbed/workdir: %q}}
    spec: {terminationGracePeriodSeconds: 1, containers: [{name: api, image: "api:%d", env: [{name: DATABASE_URL, value: %q}]}]}
`, dir, n, url)))
		settled(t, p.ns, "api", fmt.Sprint(n))
		kubectl(t, "-n", p.ns, "rollout", "status", "deploy/api", "--timeout=60s")
	}
	return p.configured(t, fmt.Sprintf("components:\n  - name: api\n    workload: deploy/api\n    migrations: {tool: alembic, command: [%s, -m, alembic], releases: {\"1\": b2c3d4e5f6a1}}\n", migratetest.Python))
}

func (p *player) migrates(t *testing.T) {
	r, end := p.racer(t, p.migrated(t), model.Deployment, "api")
	defer end()
	r.schema = "b2c3d4e5f6a1"
	r.rollsBack()
	r.until("the end of both", func(s *incident.Snapshot) bool {
		a := s.Incident.Attempt()
		return len(a.Writes) == 2 && a.Writes[0].State == incident.Done && a.Writes[1].State == incident.Done
	})
}

// drills breaks a component on purpose, and puts it back.
func (p *player) drills(t *testing.T) {
	kubectl(t, "-n", p.ns, "create", "deployment", "api", "--image=api:1", "--replicas=2")
	settled(t, p.ns, "api", "1")
	conf, err := clientcmd.LoadFromFile(p.kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	own := quick + fmt.Sprintf("not_production: [{context: %s, server: %q, namespace: %s}]\ndrill: {healthy: 10s}\n",
		p.context, conf.Clusters[conf.Contexts[p.context].Cluster].Server, p.ns)
	m := open(t, 80, 24, own, "", "drill", "deployment/api", "--fault", model.FaultImage, "-n", p.ns, "--context", p.context, "--kubeconfig", p.kubeconfig, "--prometheus", env(t, "ROLLBOOK_PROMETHEUS_SERVICE"))
	m.sees(`Nothing is broken yet`, time.Minute)
	m.keys("Enter")
	m.sees(`▸ ○  api is healthy for 10s`, time.Minute) // nothing asks this one: it has no figures
	m.keys("w")
	m.types("it has no figures")
	m.keys("Enter")
	m.sees(`▸ ○  break api on purpose`, time.Minute)
	m.keys("Enter")
	m.confirm("y")
	m.sees(`OWED +api is broken on purpose`, 30*time.Second)
	m.sees(`[^(]P put back`, time.Minute) // it is written
	m.keys("P")
	m.sees(`put back api`, 10*time.Second)
	m.keys("Enter")
	m.confirm("y")
	m.gone(`OWED`, time.Minute)
	m.keys("q")
}

// recoverable is a component with an HPA and a Service, and a maintenance page for it.
func (p *player) recoverable(t *testing.T) *config.Config {
	t.Helper()
	kubectl(t, "-n", p.ns, "create", "deployment", "api", "--image=api:1", "--replicas=2")
	settled(t, p.ns, "api", "1")
	kubectl(t, "-n", p.ns, "apply", "--server-side", "--field-manager=team", "-f", fileOf(t, "objects.yaml", fmt.Sprintf(rescueHPA+"---\n"+rescueService, "api")))
	cfg := config.Defaults()
	cfg.Recovery.Maintenance = fileOf(t, "page.yaml", fmt.Sprintf(rescuePage, "api"))
	return cfg
}

func (p *player) recovers(t *testing.T) {
	cfg := p.recoverable(t)
	r, end := p.racer(t, cfg, model.Deployment, "api")
	defer end()
	for _, step := range []string{incident.StepStop, incident.StepPageOn, incident.StepOnePod, incident.StepAll, incident.StepPageOff} {
		s := r.toStep(step)
		r.e.Send(incident.ConfirmWrite{Word: incident.ConfirmWord(&s.Incident), Plans: plansIn(s)})
		r.until("the end of "+step, func(s *incident.Snapshot) bool {
			return s.Incident.Procedure(incident.CourseRecovery).Step(step).State == incident.ItemDone
		})
	}
}

// A right that is taken away is told before anything is written.
func TestRightTakenAway(t *testing.T) {
	t.Parallel()
	for _, u := range uses {
		if u.says == "" {
			continue
		}
		t.Run(u.name, func(t *testing.T) {
			t.Parallel()
			p := &player{ns: emptyNamespace(t), context: "testbed"}
			p.kubeconfig, _ = record(t)
			role := roleOf(t, u.name)
			role.Rules = without(role.Rules, u.taken)
			for _, name := range u.roles() {
				if name != u.name {
					p.bound(t, p.ns, name, roleOf(t, name))
				}
			}
			p.bound(t, p.ns, u.name, role)
			var s *incident.Snapshot
			switch u.name {
			case "undo":
				badRelease(t, p.ns, "api")
				r, end := p.racer(t, config.Defaults(), model.Deployment, "api")
				defer end()
				s = r.toConfirm()
			case "redeploy":
				r, end := p.racer(t, p.redeployable(t), model.Deployment, "api", methodOf[config.MethodRedeploy])
				defer end()
				r.to = "v1"
				s = r.toConfirm()
			case "remake":
				r, end := p.racer(t, p.remakeable(t), model.Deployment, "api", methodOf[config.MethodRedeploy])
				defer end()
				r.to = "v1"
				s = r.toConfirm()
			case "recovery":
				r, end := p.racer(t, p.recoverable(t), model.Deployment, "api")
				defer end()
				s = r.toStep(incident.StepStop)
			}
			if why := against(s); s.Incident.Step.Blocked(s) == "" || !regexp.MustCompile(u.says).MatchString(why) {
				t.Errorf("blocked %q, says %q, want %q", s.Incident.Step.Blocked(s), why, u.says)
			}
		})
	}
}

// gives reports whether rules give the right to a request.
func gives(rules []rbacv1.PolicyRule, a request) bool {
	return slices.ContainsFunc(rules, func(r rbacv1.PolicyRule) bool {
		return r.APIGroups[0] == a.group && slices.Contains(r.Resources, a.resource) && slices.Contains(r.Verbs, a.verb)
	})
}

// without returns rules that give no more a right.
func without(rules []rbacv1.PolicyRule, taken request) (out []rbacv1.PolicyRule) {
	for _, r := range rules {
		for _, resource := range r.Resources {
			one := rbacv1.PolicyRule{APIGroups: r.APIGroups, Resources: []string{resource}, Verbs: slices.Clone(r.Verbs)}
			if r.APIGroups[0] == taken.group && resource == taken.resource {
				one.Verbs = slices.DeleteFunc(one.Verbs, func(v string) bool { return v == taken.verb })
			}
			if len(one.Verbs) > 0 {
				out = append(out, one)
			}
		}
	}
	return out
}
