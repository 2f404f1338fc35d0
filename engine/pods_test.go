package engine

import (
	"maps"
	"testing"
	"time"

	"rollbook/incident"
	"rollbook/model"
)

func pods(owner string, names ...string) (out []model.Pod) {
	for _, n := range names {
		out = append(out, model.Pod{Name: n, Owner: owner})
	}
	return out
}

// Whose a pod was is known for half an hour after it has gone; nothing is known while
// pods cannot be read.
func TestPodMemory(t *testing.T) {
	m, start := podMemory{}, time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)
	for _, step := range []struct {
		at   time.Duration
		line model.Component
		want map[string]string
	}{
		{0, model.Component{PodsNo: "not read yet"}, nil},
		{0, model.Component{Pods: pods("a", "a1", "a2")}, map[string]string{"a1": "a", "a2": "a"}},
		{time.Minute, model.Component{Pods: pods("b", "b1")}, map[string]string{"a1": "a", "a2": "a", "b1": "b"}},
		{2 * time.Minute, model.Component{PodsNo: "forbidden"}, nil},
		{30 * time.Minute, model.Component{Pods: pods("b", "b1")}, map[string]string{"a1": "a", "a2": "a", "b1": "b"}},
		{31 * time.Minute, model.Component{Pods: pods("b", "b1")}, map[string]string{"b1": "b"}},
		{32 * time.Minute, model.Component{}, map[string]string{"b1": "b"}},
	} {
		line := step.line
		line.ID = "shop"
		before := maps.Clone(m.of("shop"))
		held := m.of("shop")
		m.see([]*model.Component{&line}, start.Add(step.at))
		if got := m.of("shop"); !maps.Equal(got, step.want) || (got == nil) != (step.want == nil) {
			t.Errorf("after %s: %v, want %v", step.at, got, step.want)
		}
		if !maps.Equal(held, before) {
			t.Errorf("after %s: what a round holds was changed", step.at)
		}
	}
	if m.see(nil, start); m.of("shop") != nil {
		t.Error("a component that is gone is remembered")
	}
}

// The sides of a rollout are those of the newest write of a component: what it left and
// what still serves against what runs now.
func TestSides(t *testing.T) {
	e := &Engine{}
	plan := model.Plan{ID: "p", Component: "shop", Role: model.RoleRelease, From: model.Version{Key: "bad"}, To: model.Version{Key: "good"}}
	e.inc.Attempts = []incident.Attempt{{N: 1, Writes: []incident.Write{{Plan: plan}}}}
	write := &e.inc.Attempts[0].Writes[0]
	line := &model.Component{ID: "shop", OwnerName: "bad", Pods: pods("bad", "b1")}
	e.seen.Board = []*model.Component{line}
	for _, tt := range []struct {
		what  string
		state incident.AttemptState
		runs  string
		pods  []model.Pod
		want  model.Sides
	}{
		{"not written", incident.Writing, "bad", nil, model.Sides{}},
		{"refused", incident.Refused, "bad", nil, model.Sides{}},
		{"before the controller acts", incident.Rolling, "bad", pods("bad", "b1"), model.Sides{Old: []string{"bad"}, New: "good"}},
		{"under way, with a third", incident.Rolling, "good", append(pods("older", "o1"), pods("good", "g1")...), model.Sides{Old: []string{"bad", "older"}, New: "good"}},
		{"another template was admitted", incident.Done, "good2", pods("good2", "g1"), model.Sides{Old: []string{"bad"}, New: "good2"}},
	} {
		write.State, line.OwnerName, line.Pods = tt.state, tt.runs, tt.pods
		got := e.sides()["shop"]
		if got.New != tt.want.New || len(got.Old) != len(tt.want.Old) {
			t.Errorf("%s: %+v, want %+v", tt.what, got, tt.want)
			continue
		}
		for n := range got.Old {
			if got.Old[n] != tt.want.Old[n] {
				t.Errorf("%s: %+v, want %+v", tt.what, got, tt.want)
			}
		}
	}
}
