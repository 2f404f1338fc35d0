package kube

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/intstr"

	"rollbook/model"
	"rollbook/text"
)

// kind holds what differs between the kinds of workload in their rollout history,
// their undo and their progress. All else is the same for each.
type kind struct {
	revisions string // resource that holds the history
	strategy  string // field of the spec that says how pods are replaced
	// annotated: revisions carry the workload's annotations, and an undo takes them
	// over with the template.
	annotated bool
	pausable  bool
	scaled    bool   // has a number of replicas of its own
	surge     string // pods that a rollout adds where the strategy does not say
	// none is what kubectl says of a history with nothing to go back to.
	none func(name string) string
	// progress judges a rollout as kubectl rollout status does, once the controller
	// has seen the template.
	progress func(c *model.Component) model.Progress
}

// The kinds of workload that have a rollout history (kubectl 1.37,
// pkg/polymorphichelpers: history.go, rollback.go, rollout_status.go).
var kinds = map[model.Kind]kind{
	model.Deployment: {
		revisions: "replicasets", strategy: "strategy", annotated: true, pausable: true, scaled: true, surge: "25%",
		none:     func(name string) string { return fmt.Sprintf("no rollout history found for deployment %q", name) },
		progress: deploymentProgress,
	},
	model.StatefulSet: {
		revisions: "controllerrevisions", strategy: "updateStrategy", scaled: true, surge: "0",
		none:     func(string) string { return "no last revision to roll back to" },
		progress: statefulSetProgress,
	},
	model.DaemonSet: {
		revisions: "controllerrevisions", strategy: "updateStrategy", surge: "0",
		none:     func(string) string { return "no last revision to roll back to" },
		progress: daemonSetProgress,
	},
}

// kindsInOrder lists the kinds as boards and lists have them.
var kindsInOrder = []model.Kind{model.Deployment, model.StatefulSet, model.DaemonSet}

func running(format string, args ...any) model.Progress {
	return model.Progress{Phase: model.PhaseRunning, Text: fmt.Sprintf(format, args...)}
}

// deploymentProgress goes by the order of kubectl's DeploymentStatusViewer.
func deploymentProgress(c *model.Component) model.Progress {
	if c.Updated < c.Desired || c.Replicas > c.Updated || c.Available < c.Updated {
		return running("%s", newPods(c))
	}
	return finished(c)
}

// newPods says how far a rollout is: how many of the pods that are wanted are new and
// ready, and what old ones are still there. Where no pods are seen it says what the
// workload's status does.
func newPods(c *model.Component) string {
	if len(c.Pods) == 0 {
		return fmt.Sprintf("%d of %d pods are new, %d of all are ready", c.Updated, c.Desired, c.Ready)
	}
	ready, serving, ending := 0, 0, 0
	for i := range c.Pods {
		switch p := &c.Pods[i]; {
		case p.Leftover:
		case p.Owner == c.OwnerName:
			if p.Ready && !p.Deleting {
				ready++
			}
		case p.Ready && !p.Deleting:
			serving++
		case p.Deleting:
			ending++
		}
	}
	text := fmt.Sprintf("%d of %d new pods ready", ready, c.Desired)
	if ready >= c.Desired && c.Available < c.Desired {
		text += ", not yet available"
	}
	if serving > 0 {
		text += fmt.Sprintf(" · %d old serving", serving)
	}
	if ending > 0 {
		text += fmt.Sprintf(" · %d old terminating", ending)
	}
	return text
}

// finished is a rollout that is over. With no pod wanted, none runs what was written.
func finished(c *model.Component) model.Progress {
	if c.Desired == 0 {
		return model.Progress{Phase: model.PhaseFinished, Text: "written; 0 replicas: nothing runs it yet"}
	}
	return model.Progress{Phase: model.PhaseFinished, Text: "rolled out", Share: 1}
}

// statefulSetProgress goes by kubectl's StatefulSetStatusViewer, which waits for all
// pods to be ready and for those from the partition on to be updated. With OnDelete,
// where kubectl has no status, it waits for all pods.
func statefulSetProgress(c *model.Component) model.Progress {
	want := c.Desired - c.Partition
	switch {
	case c.Updated < want && c.Partition > 0:
		return running("%d of %d pods have the new template", c.Updated, want)
	case c.Updated < want, c.Ready < c.Desired:
		return running("%s", newPods(c))
	}
	done := finished(c)
	if c.Partition > 0 && c.Desired > 0 {
		done.Text = fmt.Sprintf("rolled out from ordinal %d on; lower ones keep the old template", c.Partition)
	}
	return done
}

// daemonSetProgress goes by kubectl's DaemonSetStatusViewer.
func daemonSetProgress(c *model.Component) model.Progress {
	if c.Updated < c.Desired || c.Available < c.Desired {
		return running("%s", newPods(c))
	}
	return finished(c)
}

// surgeOf returns how many pods a rollout of a workload adds for a time. want is how
// many pods it shall have where its spec does not say.
func surgeOf(k kind, w *object, want int) int {
	if k.scaled {
		_ = json.Unmarshal(w.Spec["replicas"], &want) // the API server writes its default there
	}
	var strategy struct {
		Type          string
		RollingUpdate struct{ MaxSurge *intstr.IntOrString }
	}
	_ = json.Unmarshal(w.Spec[k.strategy], &strategy)
	if strategy.Type == "Recreate" || strategy.Type == "OnDelete" {
		return 0
	}
	surge := strategy.RollingUpdate.MaxSurge
	if surge == nil {
		v := intstr.Parse(k.surge)
		surge = &v
	}
	n, err := intstr.GetScaledValueFromIntOrPercent(surge, want, true)
	if err != nil {
		return 1
	}
	return n
}

// stuckPod returns the pod that a StatefulSet waits for and will not replace by
// itself: with OrderedReady pods and rolling updates a pod of another revision that
// is not ready is neither replaced nor passed over (kubernetes#67250; stateful_set_
// control.go). nil where nothing is stuck like that.
func stuckPod(c *model.Component, target string) *model.Pod {
	if c.Workload.Kind != model.StatefulSet || !c.Ordered || c.OnDelete {
		return nil
	}
	at := slices.IndexFunc(c.Pods, func(p model.Pod) bool {
		return !p.Ready && !p.Deleting && p.Owner != "" && p.Owner != target && ordinal(p.Name) >= c.Partition
	})
	if at < 0 {
		return nil
	}
	return &c.Pods[at]
}

// ordinal returns the number of a StatefulSet's pod, and -1 for another name.
func ordinal(pod string) int {
	at := strings.LastIndexByte(pod, '-')
	n := 0
	if at < 0 || at == len(pod)-1 {
		return -1
	}
	for _, r := range pod[at+1:] {
		if r < '0' || r > '9' {
			return -1
		}
		n = n*10 + int(r-'0')
	}
	return n
}

// checkTraps tells what keeps a kind's pods where they are after an undo.
func (c *Client) checkTraps(comp *model.Component, p *planned) []model.Check {
	var out []model.Check
	if comp.OnDelete {
		out = append(out, model.Check{ID: "strategy.ondelete", State: model.CheckWarning,
			Text: fmt.Sprintf("update strategy OnDelete: the undo moves no pod; each comes back with %s when it is deleted", p.To.Label),
			Do:   "afterwards, one by one: " + c.kubectl(p.Workload.Namespace) + "delete pod …"})
	}
	if comp.Partition > 0 {
		out = append(out, model.Check{ID: "strategy.partition", State: model.CheckWarning,
			Text: fmt.Sprintf("partition %d: pods with a lower ordinal keep the template that they have", comp.Partition),
			Do:   fmt.Sprintf("%spatch %s -p '{\"spec\":{\"updateStrategy\":{\"rollingUpdate\":{\"partition\":0}}}}'", c.kubectl(p.Workload.Namespace), p.Workload)})
	}
	if stuck := stuckPod(comp, p.To.Key); stuck != nil {
		out = append(out, model.Check{ID: "strategy.ordered", State: model.CheckWarning,
			Text: fmt.Sprintf("pod %s is not ready: a StatefulSet waits for it and does not replace it, so that the undo will stand still", text.Line(stuck.Name)),
			Do:   "go on: on the next page the pod can be deleted, with a confirmation of its own"})
	}
	return out
}
