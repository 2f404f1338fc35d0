package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"rollbook/model"
	"rollbook/text"
)

// right is one call that the walk makes, and what is missing without it.
type right struct {
	verb, group, resource string
	needed                bool   // without it there is no rollback
	role                  string // of docs/rbac that gives it; "" = none
	cost                  string
}

// rights are all that the walk asks of the API server, in the order in which it
// comes to them.
var rights = []right{
	{"list", "apps", "deployments", true, "look", "there is no board"},
	{"watch", "apps", "deployments", false, "look", "the board is read every " + model.Short(pollEvery) + " instead"},
	{"list", "apps", "replicasets", true, "look", "there is no history to go back to"},
	{"list", "apps", "statefulsets", false, "look", "StatefulSets are not shown"},
	{"list", "apps", "daemonsets", false, "look", "DaemonSets are not shown"},
	{"list", "apps", "controllerrevisions", false, "look", "StatefulSets and DaemonSets have no history to go back to"},
	{"list", "", "pods", false, "look", "the board has counts, but no pods and no reasons"},
	{"list", "", "events", false, "look", "there are no events"},
	{"get", "", "pods/log", false, "look", "there are no logs"},
	{"patch", "apps", "deployments", true, "undo", "no rollback is possible"},
	{"patch", "apps", "statefulsets", false, "undo", "StatefulSets cannot be rolled back"},
	{"patch", "apps", "daemonsets", false, "undo", "DaemonSets cannot be rolled back"},
	{"list", "autoscaling", "horizontalpodautoscalers", false, "undo", "whether an HPA moves what is scaled is not known"},
	{"patch", "autoscaling", "horizontalpodautoscalers", false, "recovery", "an HPA cannot be held while a stopped component is brought back by one pod"},
	{"delete", "", "pods", false, "", "a pod that a StatefulSet waits for cannot be deleted"},
	{"create", "", "events", false, "undo", "no Event is left on the workload"},
	{"get", "coordination.k8s.io", "leases", false, "undo", "you do not see who else works on a workload"},
	{"create", "coordination.k8s.io", "leases", false, "undo", "others do not see that you work on a workload"},
	{"update", "coordination.k8s.io", "leases", false, "undo", "others do not see that you still work on a workload"},
}

// Check asks for everything that the walk needs of the API server: whether it
// answers, who asks, and each right in each namespace of the targets. It changes
// nothing.
func (c *Client) Check(ctx context.Context, targets []model.Target) []model.Check {
	var id model.Identity
	for _, ask := range []func(context.Context) (func(*model.Identity), error){c.version, c.whoami, c.which} {
		set, err := ask(ctx)
		if err != nil {
			ch := model.Check{ID: "API server", State: model.CheckBlocked,
				Text: fmt.Sprintf("%s does not answer: %s", c.host, because(err)), Do: "kubectl" + c.flags + " cluster-info"}
			switch {
			case c.loggedOut(err, 0) || errors.As(err, new(*noCredentials)):
				ch.Text, ch.Do = fmt.Sprintf("%s was not asked: %s", c.host, because(err)), "log in with "+c.Plugin()+", then look again"
			case c.proxyOn(err) != "":
				ch.Text, ch.Do = fmt.Sprintf("%s was not reached: %s", c.host, because(err)), "look at the proxy, the VPN or the tunnel"
			}
			return []model.Check{ch}
		}
		if set != nil {
			set(&id)
		}
	}
	who := id.User
	if who == "" {
		who = "an unknown user (" + id.UserWhy + ")"
	}
	out := []model.Check{{ID: "API server", State: model.CheckOK, Text: fmt.Sprintf("%s %s, as %s", c.host, id.Version, who)}}
	for _, ns := range c.namespacesOf(targets) {
		out = append(out, c.checkRights(ctx, ns)...)
	}
	return append(out, c.checkTargets(ctx, targets)...)
}

func (c *Client) namespacesOf(targets []model.Target) []string {
	all := []string{c.namespace}
	for _, t := range targets {
		all = append(all, t.Workload.Namespace)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// checkRights sums up what is allowed in one line, and tells each denial in one
// of its own.
func (c *Client) checkRights(ctx context.Context, ns string) []model.Check {
	type result struct {
		ok  bool
		err error
	}
	results := make([]result, len(rights))
	asks := make([]func(), len(rights))
	for i, r := range rights {
		asks[i] = func() {
			ok, err := c.review(ctx, ns, r.verb, r.group, r.resource, "")
			results[i] = result{ok, err}
		}
	}
	several(asks...)
	var may []string
	var out []model.Check
	for i, r := range rights {
		what := r.verb + " " + r.resource
		ask := "ask for the verb " + r.verb + " on " + r.resource
		if r.role != "" {
			ask += ", as docs/rbac/" + r.role + ".yaml has it"
		}
		switch {
		case results[i].err != nil:
			out = append(out, model.Check{ID: "access " + ns, Text: fmt.Sprintf("whether you may %s: %s", what, because(results[i].err))})
		case results[i].ok:
			may = append(may, what)
		case r.needed:
			out = append(out, model.Check{ID: "access " + ns, State: model.CheckBlocked,
				Text: fmt.Sprintf("you may not %s: %s", what, r.cost), Do: ask})
		default:
			out = append(out, model.Check{ID: "access " + ns, State: model.CheckWarning,
				Text: fmt.Sprintf("you may not %s: %s", what, r.cost), Do: ask})
		}
	}
	if len(may) > 0 {
		out = append([]model.Check{{ID: "access " + ns, State: model.CheckOK, Text: "you may " + strings.Join(may, ", ")}}, out...)
	}
	return out
}

// Targets are the given ones, or without any one for each workload of the
// namespace, each with its pods as far as they may be listed. It reads metadata only.
func (c *Client) Targets(ctx context.Context, targets []model.Target) ([]model.Target, error) {
	if len(targets) == 0 {
		all, err := c.Workloads(ctx)
		if err != nil {
			return nil, err
		}
		for _, w := range all {
			targets = append(targets, model.Target{ID: w.Name, Workload: w})
		}
	}
	out := slices.Clone(targets)
	owned := map[string]map[model.Workload]map[string]string{} // by namespace
	for n := range out {
		ns := out[n].Workload.Namespace
		pods, read := owned[ns]
		if !read {
			pods = c.podsByWorkload(ctx, ns)
			owned[ns] = pods
		}
		if pods == nil { // they may not be listed
			continue
		}
		if out[n].Seen = pods[out[n].Workload]; out[n].Seen == nil {
			out[n].Seen = map[string]string{}
		}
	}
	return out, nil
}

// podsByWorkload returns the pods of each workload of a namespace, by name, with the
// names of their owners; nil when they cannot be listed.
func (c *Client) podsByWorkload(ctx context.Context, namespace string) map[model.Workload]map[string]string {
	sets, err := c.metadata(ctx, appsPath(namespace, "replicasets", ""))
	if err != nil {
		return nil
	}
	pods, err := c.metadata(ctx, corePath(namespace, "pods", ""))
	if err != nil {
		return nil
	}
	deployments := map[string]string{} // by ReplicaSet
	for n := range sets {
		if o := metav1.GetControllerOf(&sets[n]); o != nil && o.Kind == string(model.Deployment) {
			deployments[sets[n].Name] = o.Name
		}
	}
	out := map[model.Workload]map[string]string{}
	for n := range pods {
		o := metav1.GetControllerOf(&pods[n])
		if o == nil {
			continue
		}
		w := model.Workload{Kind: model.Kind(o.Kind), Namespace: namespace, Name: o.Name}
		owner := pods[n].Labels["controller-revision-hash"]
		if o.Kind == "ReplicaSet" {
			w.Kind, w.Name, owner = model.Deployment, deployments[o.Name], o.Name
		}
		if out[w] == nil {
			out[w] = map[string]string{}
		}
		out[w][text.Line(pods[n].Name)] = text.Line(owner)
	}
	return out
}

// metadata lists the metadata of some objects.
func (c *Client) metadata(ctx context.Context, path string) ([]metav1.ObjectMeta, error) {
	body, err := c.do(ctx, call{method: http.MethodGet, path: path,
		accept: "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"})
	if err != nil {
		return nil, err
	}
	var list metav1.PartialObjectMetadataList
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	out := make([]metav1.ObjectMeta, len(list.Items))
	for n := range list.Items {
		out[n] = list.Items[n].ObjectMeta
	}
	return out, nil
}
