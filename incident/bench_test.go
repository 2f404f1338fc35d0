package incident

import (
	"fmt"
	"testing"
	"time"

	"rollbook/model"
)

// thousand is a namespace of a thousand components without an incident; all of
// them were released within the hour.
func thousand() (Incident, Seen) {
	now := t0
	inc := Fold([]Fact{{At: now, Body: Began{Settings: Settings{Namespace: "bench", Limits: model.DefaultLimits(), Verify: DefaultVerify(),
		Scrape: 15 * time.Second, Poll: 15 * time.Second}}}})
	seen := Seen{Cluster: model.Connection{Heard: now}, Metrics: model.Connection{Heard: now}, Identity: model.Identity{Cluster: "uid"}, Figures: map[string]*model.Figures{}, Memory: &Memory{}}
	for n := range 1000 {
		id := fmt.Sprintf("service-%04d", n)
		seen.Board = append(seen.Board, &model.Component{ID: id, Revision: 1, RevisionStart: now.Add(-time.Duration(n) * 3 * time.Second),
			Images: []string{"bench/" + id + ":1"}, Desired: 5, Ready: 5, Available: 5, Generation: 1, Observed: 1, Pods: make([]model.Pod, 5)})
		f := figure(repeat(0.002, 121)...)
		seen.Figures[id] = &model.Figures{At: now, Errors: f, P95: figure(repeat(0.2, 121)...)}
	}
	return inc, seen
}

// BenchmarkFirstLook is the first observation: every release is noted.
func BenchmarkFirstLook(b *testing.B) {
	inc, seen := thousand()
	b.ReportAllocs()
	for b.Loop() {
		facts, _ := Decide(inc, seen, Input{At: t0, Do: Observed{}})
		if i := ApplyAll(inc, facts); len(i.Noted) < 1000 {
			b.Fatal(len(i.Noted))
		}
	}
}

// BenchmarkTick is an observation that brings nothing new.
func BenchmarkTick(b *testing.B) {
	inc, seen := thousand()
	facts, _ := Decide(inc, seen, Input{At: t0, Do: Observed{}})
	inc = ApplyAll(inc, facts)
	b.ReportAllocs()
	for b.Loop() {
		if facts, _ := Decide(inc, seen, Input{At: t0, Do: Observed{}}); len(facts) > 0 {
			b.Fatal(facts)
		}
	}
}
