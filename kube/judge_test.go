package kube

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

func rawJSON(t *testing.T, v any) json.RawMessage {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Progress goes by kubectl's rollout status, kind by kind, and believes nothing that
// is from before the write.
func TestJudge(t *testing.T) {
	t0 := time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)
	before := t0.Add(-time.Hour)
	deployment := model.Component{Workload: model.Workload{Kind: model.Deployment, Name: "api"}, OwnerName: "api-new", TemplateHash: "b",
		Generation: 8, Observed: 8, Desired: 3, Replicas: 3, Updated: 3, Ready: 3, Available: 3}
	set := deployment
	set.Workload.Kind, set.Ordered = model.StatefulSet, true
	daemon := deployment
	daemon.Workload.Kind = model.DaemonSet
	pod := func(name, owner string, ready bool) model.Pod {
		return model.Pod{Name: name, UID: "uid-" + name, Owner: owner, Ready: ready}
	}
	for _, c := range []struct {
		name   string
		of     model.Component
		change func(*model.Component)
		stored string // template as admission stored it
		want   model.Phase
		text   string
		aid    string
	}{
		{"done", deployment, func(c *model.Component) {}, "", model.PhaseFinished, "rolled out", ""},
		{"the board is from before the write", deployment, func(c *model.Component) { c.Generation, c.TemplateHash = 7, "a" }, "", model.PhaseUnknown, "waiting for the cluster to show the patch", ""},
		{"not observed", deployment, func(c *model.Component) { c.Observed = 7 }, "", model.PhaseRunning, "waiting for the controller to see the patch", ""},
		{"stale deadline", deployment, func(c *model.Component) {
			c.Progressing = model.Condition{Reason: "ProgressDeadlineExceeded", Updated: before}
			c.Updated = 1
		}, "", model.PhaseRunning, "1 of 3 pods are new, 3 of all are ready", ""},
		{"deadline", deployment, func(c *model.Component) {
			c.Progressing = model.Condition{Reason: "ProgressDeadlineExceeded", Updated: t0}
		}, "", model.PhaseFailed, "the rollout exceeded its progress deadline", ""},
		{"new pods missing", deployment, func(c *model.Component) { c.Updated = 2 }, "", model.PhaseRunning, "2 of 3 pods are new, 3 of all are ready", ""},
		{"all made, one not ready", deployment, func(c *model.Component) {
			c.Replicas = 4
			c.Pods = []model.Pod{pod("a", "api-new", true), pod("b", "api-new", true), pod("c", "api-new", false), pod("d", "api-old", true)}
		}, "", model.PhaseRunning, "2 of 3 new pods ready · 1 old serving", ""},
		{"an old pod left", deployment, func(c *model.Component) {
			c.Replicas = 4
			c.Pods = []model.Pod{pod("a", "api-new", true), pod("b", "api-new", true), pod("c", "api-new", true),
				{Name: "d", Owner: "api-old", Ready: true, Deleting: true}, {Name: "e", Owner: "api-old", Leftover: true}}
		}, "", model.PhaseRunning, "3 of 3 new pods ready · 1 old terminating", ""},
		{"not available", deployment, func(c *model.Component) {
			c.Available = 2
			c.Pods = []model.Pod{pod("a", "api-new", true), pod("b", "api-new", true), pod("c", "api-new", true)}
		}, "", model.PhaseRunning, "3 of 3 new pods ready, not yet available", ""},
		{"no replicas", deployment, func(c *model.Component) { c.Desired, c.Replicas, c.Updated, c.Ready, c.Available = 0, 0, 0, 0, 0 }, "",
			model.PhaseFinished, "written; 0 replicas: nothing runs it yet", ""},
		{"reverted", deployment, func(c *model.Component) {
			c.TemplateHash, c.Generation, c.Revision, c.RevisionBy = "c", 9, 44, "argocd"
		}, "",
			model.PhaseReverted, "argocd put another template in place: revision 44 runs now", ""},
		{"stored otherwise by admission", deployment, func(c *model.Component) { c.TemplateHash = "b+sidecar" }, "b+sidecar", model.PhaseFinished, "rolled out", ""},
		{"not to be seen", deployment, func(c *model.Component) { c.Missing = "forbidden: no" }, "", model.PhaseUnknown, "the workload cannot be seen", ""},
		{"gone", deployment, func(c *model.Component) { c.Missing = "not found" }, "", model.PhaseReverted, "deployment/api was deleted", ""},
		{"made again", deployment, func(c *model.Component) { c.UID = "uid-2" }, "", model.PhaseReverted, "deployment/api was deleted and made again", ""},
		{"of a kind without rollouts", deployment, func(c *model.Component) { c.Workload.Kind = "Job" }, "", model.PhaseUnknown, "a Job has no rollout that could be followed", ""},

		{"statefulset", set, func(c *model.Component) {}, "", model.PhaseFinished, "rolled out", ""},
		{"statefulset, one updated", set, func(c *model.Component) { c.Updated = 1 }, "", model.PhaseRunning, "1 of 3 pods are new, 3 of all are ready", ""},
		{"statefulset, not ready", set, func(c *model.Component) { c.Ready = 2 }, "", model.PhaseRunning, "3 of 3 pods are new, 2 of all are ready", ""},
		{"statefulset, partition", set, func(c *model.Component) { c.Partition, c.Updated = 2, 1 }, "", model.PhaseFinished,
			"rolled out from ordinal 2 on; lower ones keep the old template", ""},
		{"statefulset, stuck", set, func(c *model.Component) {
			c.Updated, c.Ready = 1, 2
			c.Pods = []model.Pod{pod("db-2", "api-new", true), pod("db-1", "db-bad", false), pod("db-0", "db-bad", true)}
		}, "", model.PhaseRunning, "pod db-1 is not ready, and a StatefulSet waits for it instead of replacing it", "db-1/uid-db-1"},
		{"statefulset, its pod is going already", set, func(c *model.Component) {
			c.Updated, c.Ready = 1, 2
			c.Pods = []model.Pod{{Name: "db-1", UID: "u", Owner: "db-bad", Deleting: true}}
		}, "", model.PhaseRunning, "0 of 3 new pods ready · 1 old terminating", ""},
		{"statefulset, the unready one is new", set, func(c *model.Component) {
			c.Ready = 2
			c.Pods = []model.Pod{pod("db-1", "api-new", false)}
		}, "", model.PhaseRunning, "0 of 3 new pods ready", ""},
		{"statefulset, parallel", set, func(c *model.Component) {
			c.Ordered, c.Updated = false, 1
			c.Pods = []model.Pod{pod("db-1", "db-bad", false), pod("db-2", "api-new", true)}
		}, "", model.PhaseRunning, "1 of 3 new pods ready", ""},
		{"statefulset, below the partition", set, func(c *model.Component) {
			c.Partition, c.Updated, c.Ready = 2, 0, 2
			c.Pods = []model.Pod{pod("db-1", "db-bad", false)}
		}, "", model.PhaseRunning, "0 of 1 pods have the new template", ""},
		{"statefulset, OnDelete", set, func(c *model.Component) {
			c.OnDelete, c.Updated = true, 0
			c.Pods = []model.Pod{pod("db-1", "db-bad", false)}
		}, "", model.PhaseRunning, "0 of 3 new pods ready: with OnDelete each pod has to be deleted", ""},

		{"daemonset", daemon, func(c *model.Component) {}, "", model.PhaseFinished, "rolled out", ""},
		{"daemonset, two updated", daemon, func(c *model.Component) { c.Updated = 2 }, "", model.PhaseRunning, "2 of 3 pods are new, 3 of all are ready", ""},
		{"daemonset, not available", daemon, func(c *model.Component) { c.Available = 2 }, "", model.PhaseRunning, "3 of 3 pods are new, 3 of all are ready", ""},
	} {
		o := c.of
		c.change(&o)
		plan := &model.Plan{Workload: model.Workload{Kind: model.Deployment, Name: "api"}, To: model.Version{Key: "api-new"},
			Detail: rawJSON(t, undoDetail{UID: "uid-1", ToHash: "b", Before: before})}
		got := Undo{}.Judge(&o, plan, &model.Receipt{Detail: rawJSON(t, undoReceipt{Generation: 8, TemplateHash: c.stored})})
		aid := ""
		if got.Aid != nil {
			aid = got.Aid.To.Key
		}
		if got.Phase != c.want || got.Text != c.text || aid != c.aid {
			t.Errorf("%s: %+v (aid %q), want %s %q (aid %q)", c.name, got, aid, c.want, c.text, c.aid)
		}
	}
}

// What was settled by looking has no answer of the API server.
func TestJudgeWithoutAnAnswer(t *testing.T) {
	c := &model.Component{Workload: model.Workload{Kind: model.Deployment}, TemplateHash: "b", Generation: 8, Observed: 8, Desired: 1, Replicas: 1, Updated: 1, Available: 1}
	plan := &model.Plan{Detail: rawJSON(t, undoDetail{ToHash: "b"})}
	if got := (Undo{}).Judge(c, plan, &model.Receipt{}); got.Phase != model.PhaseFinished {
		t.Errorf("%+v", got)
	}
	if got := (Undo{}).Judge(c, &model.Plan{Detail: json.RawMessage(`{`)}, &model.Receipt{}); got.Phase != model.PhaseUnknown || got.Text == "" {
		t.Errorf("a detail that cannot be read: %+v", got)
	}
}

// How far it is goes by the new pods that serve, and those are found by the plan's
// revision, or by what admission made of it once the controller has it.
func TestJudgeCountsTheNewPods(t *testing.T) {
	pods := []model.Pod{{Name: "a", Owner: "api-new", Ready: true}, {Name: "b", Owner: "api-new"}, {Name: "c", Owner: "api-new", Ready: true, Deleting: true},
		{Name: "d", Owner: "api-old", Ready: true}, {Name: "e", Owner: "api-other", Ready: true}, {Name: "f", Owner: "api-other", Ready: true}}
	for _, tt := range []struct {
		name   string
		change func(c *model.Component)
		stored string
		phase  model.Phase
		by     string
		owner  string
		share  float64
	}{
		{"under way", func(*model.Component) {}, "", model.PhaseRunning, "", "api-new", 0.25},
		{"more than wanted", func(c *model.Component) {
			c.Desired, c.Available = 1, 0
			c.Pods = append(c.Pods, model.Pod{Owner: "api-new", Ready: true})
		}, "", model.PhaseRunning, "", "api-new", 1},
		{"not taken up", func(c *model.Component) { c.Observed = 7 }, "", model.PhaseRunning, "", "api-new", 0},
		{"too late", func(c *model.Component) {
			c.Progressing = model.Condition{Reason: "ProgressDeadlineExceeded", Updated: time.Unix(9, 0)}
		}, "", model.PhaseFailed, "", "api-new", 0.25},
		{"over", func(c *model.Component) { c.Updated, c.Replicas, c.Available = 4, 4, 4 }, "", model.PhaseFinished, "", "api-new", 1},
		{"of nothing", func(c *model.Component) { c.Desired, c.Available, c.Updated = 0, 0, 1 }, "", model.PhaseRunning, "", "api-new", 0},
		{"reverted", func(c *model.Component) { c.TemplateHash, c.RevisionBy = "c", "argocd" }, "", model.PhaseReverted, "argocd", "", 0},
		{"admission's", func(c *model.Component) { c.TemplateHash = "b+" }, "b+", model.PhaseRunning, "", "api-other", 0.5},
		{"admission's, not taken up", func(c *model.Component) { c.TemplateHash, c.Observed = "b+", 7 }, "b+", model.PhaseRunning, "", "", 0},
		{"stored as it was planned", func(*model.Component) {}, "b", model.PhaseRunning, "", "api-new", 0.25},
	} {
		c := &model.Component{Workload: model.Workload{Kind: model.Deployment, Name: "api"}, OwnerName: "api-other", TemplateHash: "b", UID: "uid-1",
			Generation: 8, Observed: 8, Desired: 4, Replicas: 5, Updated: 3, Ready: 3, Available: 3, Pods: pods[:len(pods):len(pods)]}
		tt.change(c)
		plan := &model.Plan{To: model.Version{Key: "api-new"}, Detail: rawJSON(t, undoDetail{UID: "uid-1", ToHash: "b"})}
		got := Undo{}.Judge(c, plan, &model.Receipt{Detail: rawJSON(t, undoReceipt{Generation: 8, TemplateHash: tt.stored})})
		if got.Phase != tt.phase || got.By != tt.by || got.Owner != tt.owner || got.Share != tt.share {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
	plan := &model.Plan{Workload: apiWorkload, Detail: rawJSON(t, undoDetail{UID: "uid-1", ToHash: "b"})}
	receipt := &model.Receipt{Detail: rawJSON(t, undoReceipt{TemplateHash: "b+"})}
	if got := (Undo{}).Judge(nil, plan, receipt); got.Phase != model.PhaseUnknown || got.Text != "the workload cannot be seen" {
		t.Errorf("nothing on the board: %+v", got)
	}
	c := &model.Component{Workload: apiWorkload, TemplateHash: "z", Revision: 9, UID: "uid-9"}
	if got := (Undo{}).Judge(c, &model.Plan{Detail: rawJSON(t, undoDetail{ToHash: "b"})}, &model.Receipt{}); got.Text != "somebody else put another template in place: revision 9 runs now" {
		t.Errorf("a plan of before there were UIDs: %+v", got)
	}
	if got := (Undo{}).Judge(c, plan, &model.Receipt{Detail: json.RawMessage(`{`)}); got.Phase != model.PhaseUnknown || !strings.Contains(got.Text, "cannot be read") {
		t.Errorf("an answer that cannot be read: %+v", got)
	}
}
