package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"rollbook/model"
	"rollbook/text"
)

// MethodDeletePod deletes one pod that its workload waits for and will not replace
// by itself.
const MethodDeletePod model.Method = "delete pod"

// DeletePod is the way out of a StatefulSet that stands still on a pod which is not
// ready (kubernetes#67250): the controller makes the pod again from the new template.
type DeletePod struct{ c *Client }

// NewDeletePod returns the deletion of a cluster's stuck pods.
func NewDeletePod(c *Client) DeletePod { return DeletePod{c} }

// Name returns MethodDeletePod.
func (DeletePod) Name() model.Method { return MethodDeletePod }

// withoutPod returns the version that a component is brought to by deleting a pod.
func withoutPod(p *model.Pod) model.Version {
	return model.Version{Key: p.Name + "/" + p.UID, Label: "pod " + p.Name + " made again", Short: p.Name}
}

// aidFor offers the deletion of a pod.
func aidFor(p *model.Pod) *model.Aid {
	return &model.Aid{Method: MethodDeletePod, To: withoutPod(p), Text: fmt.Sprintf("delete pod %s, so that it is made again", p.Name)}
}

// Versions lists the pods that a component stands still on.
func (DeletePod) Versions(_ context.Context, c *model.Component, _ time.Time) (*model.History, error) {
	h := &model.History{Component: c.ID, Method: MethodDeletePod}
	if p := stuckPod(c, c.OwnerName); p != nil {
		h.Candidates = []model.Candidate{{Version: withoutPod(p), Owner: p.Owner, Start: p.Started}}
	}
	return h, nil
}

// podDetail names the pod, which is never another one of the same name, and keeps
// whether it served when that was confirmed.
type podDetail struct {
	Pod   string `json:"pod"`
	UID   string `json:"uid"`
	Ready bool   `json:"ready,omitempty"`
}

// Plan makes the plan for deleting the pod and checks it.
func (d DeletePod) Plan(ctx context.Context, comp *model.Component, to model.Version, out func(model.Preflight)) {
	pf := model.Preflight{Slot: model.Slot{Component: comp.ID, Role: model.RoleAid}, To: to.Key, Started: d.c.now()}
	var p *model.Pod
	for i := range comp.Pods {
		if x := &comp.Pods[i]; withoutPod(x).Key == to.Key {
			p = x
		}
	}
	if p == nil {
		pf.Done, pf.Err = true, fmt.Sprintf("%s: the pod is gone already: look at the rollout again", to)
		out(pf)
		return
	}
	raw, err := json.Marshal(podDetail{p.Name, p.UID, p.Ready})
	if err != nil {
		pf.Done, pf.Err = true, err.Error()
		out(pf)
		return
	}
	plan := model.Plan{Method: MethodDeletePod, Role: model.RoleAid, Component: comp.ID, Workload: comp.Workload, To: to,
		Title:   fmt.Sprintf("Delete pod %s of %s, so that it is made again with the new template", p.Name, comp.ID),
		Stays:   []string{"what the pod has in memory and on volumes of its own"},
		Command: d.c.kubectl(comp.Workload.Namespace) + "delete pod " + p.Name, Detail: raw}
	plan.ID = model.Digest(plan.Method, plan.Component, plan.Workload, p.Name, p.UID, p.Ready)
	pod := *p
	d.c.ask(ctx, []check{
		{"access.delete", "whether you may delete pods", func(ctx context.Context) []model.Check { return d.checkAccess(ctx, &pod, comp) }},
		{"pod", "whether the pod is still stuck", func(context.Context) []model.Check { return checkStuck(comp, &pod) }},
	}, func(done bool, lines []model.Check) {
		pf.Plans, pf.Done, pf.Checks = []model.Plan{plan}, done, lines
		out(pf)
	})
}

// checkAccess asks for both calls that the step will make.
func (d DeletePod) checkAccess(ctx context.Context, p *model.Pod, comp *model.Component) []model.Check {
	ns, out := comp.Workload.Namespace, []model.Check(nil)
	verbs := []string{"delete", "get"}
	may, errs := make([]bool, len(verbs)), make([]error, len(verbs))
	several(
		func() { may[0], errs[0] = d.c.review(ctx, ns, verbs[0], "", "pods", p.Name) },
		func() { may[1], errs[1] = d.c.review(ctx, ns, verbs[1], "", "pods", p.Name) })
	for n, verb := range verbs {
		id, ok, err := "access."+verb, may[n], errs[n]
		switch {
		case err != nil:
			out = append(out, unknown(id, fmt.Sprintf("whether you may %s pods", verb), err)...)
		case !ok:
			cost := "the write would be refused"
			if verb == "get" {
				cost = "the pod cannot be looked at again before it is deleted"
			}
			out = append(out, model.Check{ID: id, State: model.CheckBlocked, Hard: true,
				Text: fmt.Sprintf("you may not %s pods in %s: %s", verb, ns, cost),
				Do:   fmt.Sprintf("ask for the verb %s on pods, or let somebody do it who has it", verb)})
		}
	}
	if len(out) == 0 {
		out = []model.Check{{ID: "access.delete", State: model.CheckOK, Text: "you may get and delete pods"}}
	}
	return out
}

func checkStuck(comp *model.Component, p *model.Pod) []model.Check {
	if p.Ready {
		return []model.Check{{ID: "pod", State: model.CheckBlocked, Text: fmt.Sprintf("pod %s is ready: deleting it takes it out of service", p.Name),
			Do: "look at the rollout again before you override this"}}
	}
	if s := stuckPod(comp, comp.OwnerName); s == nil || s.UID != p.UID {
		return []model.Check{{ID: "pod", State: model.CheckWarning, Text: fmt.Sprintf("pod %s is not what the rollout waits for", p.Name)}}
	}
	return []model.Check{{ID: "pod", State: model.CheckOK, Text: fmt.Sprintf("pod %s is not ready (%s), and the rollout waits for it", p.Name, p.State)}}
}

// Do deletes the pod, if it is still the one that was confirmed, and as little ready.
func (d DeletePod) Do(ctx context.Context, plan model.Plan, tell func(model.Progress)) (model.Receipt, error) {
	c := d.c
	if c.readOnly {
		return model.Receipt{}, model.Told(model.ErrReadOnly, nil, "nothing was deleted: rollbook runs read-only")
	}
	want, err := detail[podDetail](plan.Detail)
	if err != nil {
		return model.Receipt{}, model.Told(model.ErrRefused, err, "nothing was deleted: %s", err)
	}
	var now *corev1.Pod
	err = c.patiently(ctx, tell, func() (err error) {
		now, err = d.read(ctx, plan.Workload.Namespace, want)
		return err
	})
	switch {
	case err != nil:
		return model.Receipt{}, model.Told(model.ErrRefused, err, "pod %s was not deleted: it could not be read again before that: %s", want.Pod, because(err))
	case now == nil:
		return model.Receipt{}, model.Told(model.ErrChanged, nil, "pod %s is gone already: it was deleted since this was confirmed", want.Pod)
	case podReady(now) && !want.Ready:
		return model.Receipt{}, model.Told(model.ErrChanged, nil, "pod %s is ready now: it was not when this was confirmed", want.Pod)
	}
	body, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "DeleteOptions",
		"preconditions": map[string]any{"uid": want.UID}})
	if err != nil {
		return model.Receipt{}, err
	}
	c.writing.Add(1)
	defer c.writing.Add(-1)
	err = c.patiently(ctx, tell, func() error {
		answer, err := c.sendWrite(ctx, call{method: http.MethodDelete, path: corePath(plan.Workload.Namespace, "pods", want.Pod),
			body: body, kind: "application/json", limit: writeLimit})
		if err == nil {
			err = removed(answer, model.Object{Kind: "Pod", Name: want.Pod}, want.UID)
		}
		return err
	})
	switch {
	case err == nil:
		return model.Receipt{At: c.now(), Text: "pod " + want.Pod + " deleted"}, nil
	case gone(err, want.Pod):
		return model.Receipt{}, model.Told(model.ErrChanged, err, "pod %s is gone already", want.Pod)
	case apierrors.IsConflict(err):
		return model.Receipt{}, model.Told(model.ErrChanged, err, "pod %s is another one now: it was made again since it was confirmed", want.Pod)
	}
	return model.Receipt{}, c.refusal("pod "+want.Pod, "deleted", err)
}

// read returns the pod as it is now; nil when it was deleted, or is being deleted.
func (d DeletePod) read(ctx context.Context, namespace string, want podDetail) (*corev1.Pod, error) {
	body, err := d.c.do(ctx, call{method: http.MethodGet, path: corePath(namespace, "pods", want.Pod), want: "Pod"})
	if gone(err, want.Pod) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	p := &corev1.Pod{}
	if err := json.Unmarshal(body, p); err != nil {
		return nil, fmt.Errorf("it cannot be read: %w", err)
	}
	if p.Name != want.Pod || p.UID == "" {
		return nil, &unreached{err: errForeign, text: "the answer is not about the pod"}
	}
	if string(p.UID) != want.UID || p.DeletionTimestamp != nil {
		return nil, nil
	}
	return p, nil
}

// Look tells whether the pod was deleted.
func (d DeletePod) Look(ctx context.Context, plan model.Plan) (model.Looked, error) {
	want, err := detail[podDetail](plan.Detail)
	if err != nil {
		return model.Looked{}, err
	}
	switch p, err := d.read(ctx, plan.Workload.Namespace, want); {
	case err != nil:
		return model.Looked{}, model.Told(nil, err, "whether pod %s was deleted cannot be seen: %s", want.Pod, because(err))
	case p != nil:
		return model.Looked{State: model.SettledNot}, nil
	}
	return model.Looked{State: model.SettledDone}, nil
}

// Judge tells whether the pod was made again and is ready.
func (d DeletePod) Judge(c *model.Component, p *model.Plan, _ *model.Receipt) model.Progress {
	want, err := detail[podDetail](p.Detail)
	if err != nil || c == nil || c.Missing != "" {
		return model.Progress{Text: "the workload cannot be seen"}
	}
	for i := range c.Pods {
		x := &c.Pods[i]
		switch {
		case x.Name != want.Pod:
		case x.UID == want.UID:
			return running("pod %s is still terminating", text.Line(x.Name))
		case x.Ready:
			return model.Progress{Phase: model.PhaseFinished, Text: fmt.Sprintf("pod %s was made again and is ready", x.Name), Share: 1}
		default:
			return model.Progress{Phase: model.PhaseRunning, Share: 0.5, Text: fmt.Sprintf("pod %s was made again: %s", x.Name, x.State)}
		}
	}
	return running("waiting for pod %s to be made again", want.Pod)
}
