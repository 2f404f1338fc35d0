package kube

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"rollbook/model"
)

// review asks the API server whether the user may do something. A subresource
// stands behind a slash: "pods/log".
func (c *Client) review(ctx context.Context, namespace, verb, group, resource, name string) (allowed bool, err error) {
	resource, sub, _ := strings.Cut(resource, "/")
	body, err := json.Marshal(map[string]any{
		"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
		"spec": map[string]any{"resourceAttributes": map[string]any{
			"namespace": namespace, "verb": verb, "group": group,
			"resource": resource, "subresource": sub, "name": name}}})
	if err != nil {
		return false, err
	}
	answer, err := c.do(ctx, call{method: http.MethodPost, path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", kind: "application/json", body: body,
		want: "SelfSubjectAccessReview"})
	if err != nil {
		return false, err
	}
	var r struct {
		Status struct{ Allowed bool }
	}
	if err := json.Unmarshal(answer, &r); err != nil {
		return false, err
	}
	return r.Status.Allowed, nil
}

// checkAccess asks for every call that the step will make.
func (c *Client) checkAccess(ctx context.Context, p *planned) []model.Check {
	ns, name := p.Workload.Namespace, p.Workload.Name
	asks := []struct {
		id, verb, group, resource, name, text, cost string
	}{
		{"access.patch", "patch", "apps", p.Workload.Kind.Resource(), name, "patch " + p.Workload.Kind.Resource(), ""},
		{"access.revisions", "get", "apps", p.kind.revisions, p.To.Key, "get " + p.kind.revisions, "the plan cannot be checked again before the write"},
		{"access.watch", "watch", "apps", p.Workload.Kind.Resource(), "", "watch " + p.Workload.Kind.Resource(),
			"the board is read every " + model.Short(pollEvery) + " instead"},
		{"access.events", "create", "", "events", "", "create events", "no Event will be left on the workload"},
		{"access.pods", "list", "", "pods", "", "list pods", "the rollout is followed by its counts alone"},
		{"access.leases", "update", "coordination.k8s.io", "leases", leaseName(p.Workload), "update leases", "others cannot see that you are working on it"},
	}
	type result struct {
		ok  bool
		err error
	}
	results := make([]result, len(asks))
	fs := make([]func(), 0, len(asks))
	for i, a := range asks {
		fs = append(fs, func() {
			ok, err := c.review(ctx, ns, a.verb, a.group, a.resource, a.name)
			results[i] = result{ok, err}
		})
	}
	several(fs...)
	var may []string
	var out []model.Check
	for i, a := range asks {
		switch r := results[i]; {
		case r.err != nil:
			out = append(out, unknown(a.id, "whether you may "+a.text, r.err)...)
		case r.ok:
			may = append(may, a.text)
		case a.cost == "" || a.id == "access.revisions":
			out = append(out, model.Check{ID: a.id, State: model.CheckBlocked, Hard: true,
				Text: fmt.Sprintf("you may not %s in %s: the write would be refused", a.text, ns),
				Do:   fmt.Sprintf("ask for the verb %s on %s, or let somebody do it who has it", a.verb, a.resource)})
		default:
			out = append(out, model.Check{ID: a.id, State: model.CheckWarning, Text: fmt.Sprintf("you may not %s: %s", a.text, a.cost)})
		}
	}
	if len(may) > 0 {
		id := "access.patch"
		if !results[0].ok {
			id = "access.rest"
		}
		out = append([]model.Check{{ID: id, State: model.CheckOK, Text: "you may " + strings.Join(may, ", ")}}, out...)
	}
	return out
}

func checkRevision(p *planned) []model.Check {
	ch := model.Check{ID: "revision", State: model.CheckOK, Text: p.To.Label + " is there and differs"}
	switch {
	case p.Same:
		ch = model.Check{ID: "revision", State: model.CheckBlocked, Hard: true,
			Text: fmt.Sprintf("skipped rollback (current template already matches revision %d)", p.ToNumber), Do: "choose another revision"}
	case withoutRestart(p.workload.template()) == withoutRestart(p.target.template()):
		ch = model.Check{ID: "revision", State: model.CheckWarning,
			Text: p.To.Label + " differs only by a restart: it runs the same", Do: "choose an older revision"}
	}
	out := []model.Check{ch}
	if p.ambiguous != "" {
		out = append(out, model.Check{ID: "revision.ambiguous", State: model.CheckBlocked,
			Text: fmt.Sprintf("%s is also that of %s: what is written is the template of %s", p.To.Label, p.ambiguous, p.To.Key),
			Do:   fmt.Sprintf("make sure by the diff that it is the one you mean: --to-revision=%d could mean either", p.ToNumber)})
	}
	return out
}

// checkEnding says when what is written to is about to go away; who may not read the
// namespace learns it from the workload alone.
func (c *Client) checkEnding(ctx context.Context, p *planned) []model.Check {
	if p.workload.Metadata.DeletionTimestamp != nil {
		return []model.Check{{ID: "ending", State: model.CheckBlocked, Hard: true,
			Text: p.Workload.String() + " is being deleted: nothing is written to it", Do: "find out who deleted it; what is deleted is made anew, not rolled back"}}
	}
	ending, err := c.ending(ctx, p.Workload.Namespace)
	switch {
	case apierrors.IsForbidden(err):
		return nil
	case err != nil:
		return unknown("ending", "whether namespace "+p.Workload.Namespace+" stays", err)
	case ending:
		return []model.Check{{ID: "ending", State: model.CheckBlocked,
			Text: "namespace " + p.Workload.Namespace + " is being deleted, with all that is in it: no new pod can be made", Do: "find out who deleted it before you write into it"}}
	}
	return nil
}

// ending reports whether a namespace is being deleted.
func (c *Client) ending(ctx context.Context, namespace string) (bool, error) {
	body, err := c.do(ctx, call{method: http.MethodGet, path: corePath("", "namespaces", namespace), accept: partial, want: "PartialObjectMetadata"})
	if err != nil {
		return false, err
	}
	var o struct {
		Metadata struct{ DeletionTimestamp string }
	}
	err = json.Unmarshal(body, &o)
	return o.Metadata.DeletionTimestamp != "", err
}

// checkDryRun lets the API server go through the write without keeping it:
// validation, quota of the object, admission webhooks.
func (c *Client) checkDryRun(ctx context.Context, p *planned) []model.Check {
	const asks = "whether admission accepts it (server dry run)"
	if p.Same {
		return []model.Check{{ID: "dryrun", State: model.CheckNote, Text: "server dry run: there is nothing to write"}}
	}
	var answer []byte
	var err error
	try := *p
	for range undoTries {
		answer, err = c.sendPatch(ctx, &try, url.Values{"dryRun": {"All"}})
		if !overtaken(err) {
			break
		}
		d, again := c.get(ctx, p.Workload.Namespace, p.Workload.Kind.Resource(), p.Workload.Name)
		if again != nil {
			return unknown("dryrun", asks, again)
		}
		try.workload = d
	}
	if err == nil {
		o := &object{}
		if json.Unmarshal(answer, o) == nil {
			if h, e := hashOf(o.template()); e == nil && h != p.ToHash {
				return []model.Check{{ID: "dryrun", State: model.CheckNote, Text: "admission accepts it (server dry run), and changes the template on its way in: " +
					cmp.Or(someOf(changesOf(p.target.template(), o.template())), "in a way that is not shown")}}
			}
		}
		return []model.Check{{ID: "dryrun", State: model.CheckOK, Text: "admission accepts it (server dry run)"}}
	}
	var st apierrors.APIStatus
	if !errors.As(err, &st) {
		return unknown("dryrun", asks, err)
	}
	code := st.Status().Code
	switch {
	case overtaken(err), apierrors.IsTooManyRequests(err), code < 400, code >= 500 && !byWebhook(st.Status().Message):
		return unknown("dryrun", asks, err)
	case strings.Contains(st.Status().Message, "does not support dry run"):
		return []model.Check{{ID: "dryrun", Text: asks + ": " + words(err)}}
	}
	return []model.Check{{ID: "dryrun", State: model.CheckBlocked, Hard: true,
		Text: "the API server refuses it (server dry run): " + because(err), Do: "the words above are the API server's: the write would end the same"}}
}

func checkPaused(p *planned) []model.Check {
	if !p.kind.pausable {
		return nil
	}
	if p.Unpause {
		return []model.Check{{ID: "paused", State: model.CheckWarning,
			Text: "paused: the rollback also resumes it in the same write, so that the pending template is never released"}}
	}
	return []model.Check{{ID: "paused", State: model.CheckOK, Text: "not paused"}}
}

// checkRollout is a note: to roll back a rollout that goes on is what this is for.
func checkRollout(c *model.Component, now time.Time) []model.Check {
	ch := model.Check{ID: "rollout", State: model.CheckNote}
	stuck, _ := c.StuckAt(now)
	switch {
	case c.Desired == 0:
		ch.Text = "0 replicas: the rollback changes what starts when it is scaled up; nothing runs it until then"
	case c.Observed < c.Generation:
		ch.Text = "a change was just made, the controller has not taken it up yet"
	case stuck != "":
		ch.Text = "the newest rollout is stuck (" + stuck + "); the rollback ends it"
	case c.Updated < c.Desired-c.Partition:
		ch.Text = fmt.Sprintf("a rollout is under way: %d of %d pods are on revision %d; the rollback ends it", c.Updated, c.Desired, c.Revision)
	case c.Replicas > c.Updated && c.Partition == 0:
		ch.Text = fmt.Sprintf("a rollout is under way: %s still there; the rollback ends it", model.Plural(c.Replicas-c.Updated, "old pod"))
	case c.Ready < c.Desired:
		ch.Text = fmt.Sprintf("%d of %d pods are ready: the newest rollout has not ended, or pods were lost since", c.Ready, c.Desired)
	default:
		ch.State, ch.Text = model.CheckOK, "no other rollout under way"
	}
	return []model.Check{ch}
}
