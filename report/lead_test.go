package report

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rollbook/engine/journal"
	"rollbook/incident"
	"rollbook/model"
)

// The first paragraph, of journals as the program wrote them, can be read by somebody who
// was not there.
func TestFirstParagraph(t *testing.T) {
	for name, want := range map[string]string{
		"crash-loop":                     "Revision 6 of backend-python (gitlab-ci: “deploy 1.42.0, pipeline 4578: new payment client”) went out at 03:05 UTC on 23 November 2026; from then on the rollout of backend-python was stuck. No request failed. Rolled back backend-python to revision 5 at 03:12 by root, verified at 03:12.",
		"errors":                         "Revision 6 of backend-python (gitlab-ci: “deploy 1.42.0, pipeline 4578: pay by invoice”) went out at 03:04 UTC on 23 November 2026; from then on up to 30% of the requests to backend-python failed. 8.4k of 32k requests failed (27%). Rolled back backend-python to revision 5 at 03:12 by root, verified at 03:13.",
		"healed":                         "From 03:04 UTC on 23 November 2026 up to 17% of the requests to backend-python failed. Nothing is known to have been released in the hour before. 5.1k of 33k requests failed until 03:13 (15%). It ended without a rollback: recovered on its own.",
		"no-metrics":                     "Revision 6 of backend-python (gitlab-ci: “deploy 1.42.0, pipeline 4578: new web framework”) went out at 03:04 UTC on 23 November 2026. Reported at 03:12 by root: a critical feature was broken. How many requests failed before 03:12 is not known. Rolled back backend-python to revision 5 at 03:12 by root, verified at 03:12.",
		"stuck-rollout":                  "Revision 5 of frontend (gitlab-ci: “deploy 2.7.0, pipeline 4580: warm caches at start”) went out at 03:05 UTC on 23 November 2026; from 03:07 the rollout of frontend was stuck. No request failed. Rolled back frontend to revision 4 at 03:12 by root, verified at 03:12.",
		"two-bad-releases-the-wrong-way": "From 02:50 UTC on 23 November 2026 up to 24% of the requests to backend-python failed. Nothing is known to have been released in the hour before. Revision 7 of backend-python (maria: “hotfix 1.42.1, pipeline 4583: retry orders”) followed at 03:03 and did not help. 16k of 83k requests failed (20%). Rolled back backend-python to revision 6 at 03:12 by root; that it helped is not verified. Rolled back backend-python to revision 5 at 03:12 by root, verified at 03:14.",
		"two-components":                 "Revision 6 of backend-python (gitlab-ci: “deploy 1.42.0, pipeline 4578: orders API v3”) went out at 03:03 UTC on 23 November 2026; from then on up to 22% of the requests to backend-python failed. Revision 5 of frontend (gitlab-ci: “deploy 2.7.0, pipeline 4578: orders API v3”) went out at 03:03; from 03:04 up to 15% of the requests to frontend failed. 11k of 70k requests failed (16%). Rolled back frontend to revision 4 and backend-python to revision 5 at 03:12 by root, verified at 03:13.",
	} {
		if got := leadOf(t, name); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
		}
	}
}

func leadOf(t *testing.T, name string) string {
	t.Helper()
	c, err := journal.Read(filepath.Join("..", "engine", "journal", "testdata", "format2", name+".jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return sentences(New(c.Facts, nil).Summary)
}

func sentences(all []Text) string {
	var out []string
	for _, s := range all {
		out = append(out, string(s))
	}
	return strings.Join(out, " ")
}

// Requests are counted for people: rounded, and never "about 0".
func TestNumbersForPeople(t *testing.T) {
	for v, want := range map[float64]string{0: "none", 0.4: "none", 0.6: "1", 873: "873", 999.4: "999", 999.6: "1k", 1000: "1k", 4180: "4.2k", 9949: "9.9k", 9960: "10k", 31554: "32k",
		190884: "191k", 999_400: "999k", 999_600: "1M", 1_234_000: "1.2M", 25e6: "25M"} {
		if got := number(v); got != want {
			t.Errorf("%g: %s, want %s", v, got, want)
		}
	}
	for v, want := range map[float64]string{0: "none", 0.005: "none", 0.25: "15s", 1: "1m", 6.8: "6m48s", 14.25: "14m"} {
		if got := minutes(v); got != want {
			t.Errorf("%g: %s, want %s", v, got, want)
		}
	}
}

// What a release took away has a minus, though the rollback brings it back.
func TestReleasedIsTheReleasesDiff(t *testing.T) {
	got := released([]model.Change{{Kind: "image", What: "api", From: "shop/api:1.42.0", To: "shop/api:1.41.0"}, {Kind: "env", What: "PAYMENT_URL", To: model.Literal},
		{Kind: "env", What: "NEW", From: model.Literal}, {Kind: "env", What: "DB", From: model.Literal, To: model.LiteralChanged}, {Kind: "env", What: "X", From: "changed", To: "changed"}})
	want := []Text{"- image api: shop/api:1.41.0", "+ image api: shop/api:1.42.0", "- env PAYMENT_URL: (value hidden)", "+ env NEW: (value hidden)",
		"! env DB: value changed (hidden)", "! env X: value changed (hidden)"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// What was measured after a rollback is not told of the release.
func TestPeakIsBeforeTheFirstWrite(t *testing.T) {
	at := func(m int) time.Time { return t0.Add(time.Duration(m) * time.Minute) }
	sample := func(m int, v float64) incident.Fact {
		return incident.Fact{At: at(m), Body: incident.Sampled{Components: []incident.SampleOf{{Component: "api", Errors: &v}}}}
	}
	d := New([]incident.Fact{{At: t0, Body: incident.Began{}},
		{At: at(5), Body: incident.Rose{Trigger: incident.Trigger{Component: "api", Kind: incident.TErrors, Onset: t0, Value: 0.08}}},
		sample(6, 0.112), {At: at(7), By: "maria", Body: incident.Confirmed{N: 1, Plans: []model.Plan{{ID: "p", Role: model.RoleRelease, Component: "api"}}}}, sample(8, 0.9)}, nil)
	if got := sentences(d.Summary); !strings.HasPrefix(got, "From 03:12 UTC on 23 November 2026 up to 11% of the requests to api failed. Nothing is known to have been released in the hour before.") {
		t.Error(got)
	}
}

// A rollback of what had 0 replicas is told as what it is, also when it was undone later.
func TestOutcomeOfAWrite(t *testing.T) {
	for _, tt := range []struct {
		w    incident.Write
		want Text
	}{
		{incident.Write{State: incident.Done, RolledOut: t0}, "rolled out"},
		{incident.Write{State: incident.Done, RolledOut: t0, Asleep: true}, "version set; 0 replicas ran it"},
		{incident.Write{State: incident.Reverted, RolledOut: t0, Err: "reverted by argocd"}, "rolled out, then reverted by argocd"},
		{incident.Write{State: incident.Reverted, RolledOut: t0, Asleep: true, Err: "reverted by argocd"}, "version set; 0 replicas ran it, then reverted by argocd"},
		{incident.Write{State: incident.Reverted, Err: "reverted by argocd"}, "written, then reverted by argocd"},
		{incident.Write{State: incident.Failed, Err: "forbidden"}, "nothing was written: refused: forbidden"},
	} {
		if got := outcome(tt.w); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}

// The undo of a rollback puts a version back: nobody is told that it was rolled back to.
func TestUndoOfARollbackIsToldAsThat(t *testing.T) {
	bad, good := model.Version{Key: "b", Label: "revision 6", Tag: "1.42.0"}, model.Version{Key: "a", Label: "revision 5", Tag: "1.41.0"}
	try := func(n int, from, to model.Version, state incident.AttemptState) incident.Attempt {
		return incident.Attempt{N: n, Confirmed: t0, By: "maria", Writes: []incident.Write{{State: state,
			Plan: model.Plan{Role: model.RoleRelease, Component: "api", From: from, To: to}}}}
	}
	for _, tt := range []struct {
		first, second incident.AttemptState
		want          string
	}{
		{incident.Done, incident.Done, "Put api back to 1.42.0 at "},
		{incident.Done, incident.Refused, "Tried to put api back to 1.42.0 at "},
		{incident.Failed, incident.Done, "Rolled back api to 1.42.0 at "}, // nothing was rolled back before
	} {
		b := &builder{}
		b.i.Attempts = []incident.Attempt{try(1, bad, good, tt.first), try(2, good, bad, tt.second)}
		if got := b.attempted(&b.i.Attempts[1]); len(got) != 1 || !strings.HasPrefix(got[0], tt.want) || !strings.Contains(got[0], "by maria") {
			t.Errorf("%s, %s: %q", tt.first, tt.second, got)
		}
	}
}
