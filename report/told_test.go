package report

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rollbook/incident"
	"rollbook/model"
)

// after is a moment so many seconds after t0.
func after(seconds int) time.Time { return t0.Add(time.Duration(seconds) * time.Second) }

func known(v float64) model.Reading { return model.Reading{Known: true, Value: v, At: t0} }

func version(tag, revision string) model.Version {
	return model.Version{Key: "rs-" + revision, Label: "revision " + revision, Short: revision, Tag: tag}
}

// told are the facts of an incident of api, which began at t0.
func told(more ...incident.Fact) []incident.Fact {
	return append([]incident.Fact{{At: t0, Body: incident.Began{Settings: incident.Settings{Namespace: "shop", Limits: model.DefaultLimits()}}}}, more...)
}

func rose(kind incident.TriggerKind, onset, at int, text string) incident.Fact {
	return incident.Fact{At: after(at), Body: incident.Rose{Trigger: incident.Trigger{Component: "api", Kind: kind, Onset: after(onset), At: after(at), Value: 0.24, Text: text}}}
}

// rolledBack are the facts of one rollback that was rolled out.
func rolledBack(n, at int, from, to model.Version, checks ...model.Check) []incident.Fact {
	p := model.Plan{ID: "plan" + to.Key, Role: model.RoleRelease, Component: "api", From: from, To: to, Stays: []string{"replicas 3", "schema"},
		Changes: []model.Change{{Kind: "image", From: "shop/api:" + from.Tag, To: "shop/api:" + to.Tag}}}
	id := incident.WriteID{N: n, Plan: p.ID}
	return []incident.Fact{{At: after(at), By: "maria", Body: incident.Confirmed{N: n, Plans: []model.Plan{p}, Checks: checks}},
		{At: after(at), Body: incident.Intended{WriteID: id}}, {At: after(at), Body: incident.WriteDone{WriteID: id, Receipt: model.Receipt{At: after(at), Text: "resourceVersion 337, generation 8"}}},
		{At: after(at), Body: incident.Noticed{Component: "api", What: "revision", Text: "revision 9 shop/api:" + to.Tag}}, {At: after(at + 11), Body: incident.RolledOut{WriteID: id}}}
}

func markdownOf(t *testing.T, facts []incident.Fact, m *Manifest) string {
	t.Helper()
	out, err := Markdown(New(facts, m), "")
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// That somebody had psql on a database stands in the report, and that nobody knows what
// was done there.
func TestPsqlIsInTheReport(t *testing.T) {
	facts := told(incident.Fact{At: after(5), By: "maria", Body: incident.Opened{ID: "INC-1"}},
		incident.Fact{At: after(60), By: "maria", Body: incident.ShellOpened{N: 1, Component: "api", Command: "kubectl exec -it db -- psql"}},
		incident.Fact{At: after(90), By: "maria", Body: incident.ShellLeft{N: 1}})
	md := markdownOf(t, facts, nil)
	for _, want := range []string{"maria opened psql on the database of api; what was done there is not known to rollbook.", "left psql on the database of api; the schema is asked again", "kubectl exec -it db -- psql"} {
		if !strings.Contains(md, want) {
			t.Errorf("no %q in\n%s", want, md)
		}
	}
}

// When it began is not known where somebody only said that it fails: no time is taken for
// it, and none is measured from there.
func TestAReportIsNoOnset(t *testing.T) {
	facts := told(
		incident.Fact{At: after(5), By: "maria", Body: incident.Opened{ID: "INC-1"}},
		incident.Fact{At: after(5), Body: incident.Suspected{Suspects: []incident.Suspect{{Component: "api", Version: version("1.42.0", "6"), At: after(-455)}}}},
		incident.Fact{At: after(9), By: "maria", Body: incident.Said{Question: incident.QCritical, Answer: incident.Answer{Answer: model.TriYes, At: after(9), By: "maria"}}},
		incident.Fact{At: after(30), Body: incident.ImpactMeasured{Impact: model.Impact{From: after(9), To: after(30), All: model.ComponentImpact{Failed: known(0), Requests: known(103), NoData: known(0)}}}})
	d := New(facts, nil)
	if !d.Times.Onset.IsZero() || d.Took.Detect.Known || d.Took.RecoverOnset.Known || RowOf(facts).Took.Detect.Known || !d.Impact.Reported {
		t.Errorf("began %s, detected after %s, %+v", d.Times.Onset, d.Took.Detect, d.Impact)
	}
	if want := Text("how many requests failed before 03:12:09 is not known; after it no request failed"); d.Impact.Text != want {
		t.Errorf("%q, want %q", d.Impact.Text, want)
	}
	md := markdownOf(t, facts, nil)
	for _, want := range []string{"| It began | unknown |", "7m44s before the first report", "when it was reported, to"} {
		if !strings.Contains(md, want) {
			t.Errorf("no %q in\n%s", want, md)
		}
	}
	for _, not := range []string{"bad sample", "under 1s", "it began:"} {
		if strings.Contains(md, not) {
			t.Errorf("%q in\n%s", not, md)
		}
	}
	if got := sentences(d.Summary); strings.Contains(got, "No request failed") {
		t.Error(got)
	}
}

// A release that followed while the limit stayed broken is told of, and a diff over two
// releases says so.
func TestAReleaseThatDidNotHelp(t *testing.T) {
	suspects := incident.Suspected{Suspects: []incident.Suspect{{Component: "api", Version: version("1.42.0", "6"), At: after(-30), Before: 30 * time.Second},
		{Component: "api", Version: version("1.42.1", "7"), At: after(700), Before: -700 * time.Second, By: "maria", ChangeCause: "hotfix"}}}
	facts := told(rose(incident.TErrors, 0, 1200, "errors over 5%"), incident.Fact{At: after(1200), Body: suspects},
		incident.Fact{At: after(1200), Body: incident.Noticed{Component: "api", What: "revision", Text: "revision 7 shop/api:1.42.1"}})
	facts = append(facts, rolledBack(1, 1210, version("1.42.1", "7"), version("1.41.0", "5"))...)
	d := New(facts, nil)
	if got := sentences(d.Summary); !strings.Contains(got, "failed. Release 1.42.1 of api (maria: “hotfix”) followed at 03:23 and did not help. ") {
		t.Error(got)
	}
	if len(d.Cause.Diffs) != 1 || !slices.Equal(d.Cause.Diffs[0].Between, []Text{"1.42.0 (revision 6)"}) {
		t.Errorf("%+v", d.Cause.Diffs)
	}
	for _, e := range d.Timeline {
		if strings.Contains(string(e.Text), "api runs") || strings.Contains(string(e.Text), "resourceVersion") {
			t.Errorf("the timeline says twice, or what nobody needs: %q", e.Text)
		}
	}
}

// What a component's own release did is suspected, though another one failed before.
func TestTheSecondComponentsRelease(t *testing.T) {
	suspects := incident.Suspected{Suspects: []incident.Suspect{{Component: "api", Version: version("1.42.0", "6"), At: after(-30), Before: 30 * time.Second},
		{Component: "web", Version: version("2.7.0", "5"), At: after(20), Before: -20 * time.Second}}}
	web := incident.Trigger{Component: "web", Kind: incident.TErrors, Onset: after(60), At: after(500), Text: "errors of web"}
	d := New(told(rose(incident.TErrors, 0, 400, "errors of api"), incident.Fact{At: after(500), Body: incident.Rose{Trigger: web}}, incident.Fact{At: after(500), Body: suspects}), nil)
	if len(d.Cause.Later) != 0 || len(d.Cause.Suspects) != 2 || d.Cause.Suspects[1].Text != "released before web failed" {
		t.Errorf("%+v", d.Cause)
	}
	if got := sentences(d.Summary); strings.Contains(got, "followed") {
		t.Error(got)
	}
}

// Who else sets the version is in the first paragraph, what was left and warned of below;
// what is plainly good is not.
func TestWhatARollbackLeaves(t *testing.T) {
	facts := told(rose(incident.TErrors, 0, 400, "errors over 5% for 6m40s (limit 5m) on api"),
		incident.Fact{At: after(400), By: "maria", Body: incident.Moved{To: incident.Choose, Verdict: incident.Now, Text: "errors over 5% for 6m48s (limit 5m) on api", Basis: incident.BasisLimits}})
	facts = append(facts, rolledBack(1, 410, version("1.42.0", "6"), version("1.41.0", "5"),
		of("api", model.OwnerCheck("owner.flux", model.CheckNote, "Flux", "kustomization flux-system/shop", ", suspended: resuming it puts its own version back", "", "")),
		of("api", model.OwnerCheck("owner.argocd", model.CheckBlocked, "Argo CD", "application shop", " with self-heal: it will undo this undo", "", "")),
		of("api", model.OwnerCheck("owner.kapp", model.CheckWarning, "kapp", "app shop", "", "; its app cannot be read", "")),
		model.Check{ID: "owner.helm", State: model.CheckWarning, Component: "api", Text: "Helm owns it (release shop): its next release puts its own version back"}, // of an older journal
		model.Check{ID: "rollout", State: model.CheckNote, Component: "api", Text: "the newest rollout is stuck"},
		model.Check{ID: "migrations", State: model.CheckWarning, Component: "api", Text: "2 migrations stay applied"},
		model.Check{ID: "image", State: model.CheckOK, Component: "api", Text: "its image is there"})...)
	d := New(facts, nil)
	if got := sentences(d.Summary); !strings.Contains(got, "by maria. Flux owns api, suspended: resuming it puts its own version back. Argo CD owns api. "+
		"api: Helm owns it (release shop): its next release puts its own version back. That it") {
		t.Error(got)
	}
	if want := []Item{{"api", "Flux owns it (kustomization flux-system/shop), suspended: resuming it puts its own version back"},
		{"api", "Argo CD owns it (application shop) with self-heal: it will undo this undo"}, {"api", "kapp owns it (app shop); its app cannot be read"},
		{"api", "Helm owns it (release shop): its next release puts its own version back"}, {"api", "2 migrations stay applied"}}; !slices.Equal(d.Decision.Warned, want) {
		t.Errorf("%q", d.Decision.Warned)
	}
	if want := []Item{{"api", "replicas 3, schema"}}; !slices.Equal(d.Left, want) {
		t.Errorf("%q", d.Left)
	}
	if d.Decision.Figure != "" {
		t.Errorf("the verdict says the limit once more: %q", d.Decision.Figure)
	}
}

// of returns a check as a journal has it.
func of(component string, k model.Check) model.Check {
	k.Component = component
	return k
}

// What made it worse is told with its figures, once.
func TestWorseIsToldOnce(t *testing.T) {
	facts := append(told(rose(incident.TErrors, 0, 400, "errors")), rolledBack(1, 410, version("1.42.0", "6"), version("1.41.0", "5"))...)
	facts = append(facts, incident.Fact{At: after(425), Body: incident.Worsened{WriteID: incident.WriteID{N: 1, Plan: "planrs-5"}, Text: "errors 8% → 85.9% on the new pods",
		Rise: &incident.Rise{Kind: incident.TErrors, Was: 0.08, Is: 0.859, New: true}}},
		incident.Fact{At: after(425), Body: incident.AskedFor{What: incident.AskWorse, Text: "api is worse than before: errors 8% → 85.9%"}},
		incident.Fact{At: after(430), By: "maria", Body: incident.AskAnswered{What: incident.AskWorse, With: incident.ReplyUndo}})
	d := New(facts, nil)
	if got := sentences(d.Summary); !strings.Contains(got, "by maria; it was worse than before: errors rose from 8% to 85.9% on the new pods.") {
		t.Error(got)
	}
	worse := 0
	for _, e := range d.Timeline {
		if strings.Contains(string(e.Text), "worse") {
			worse++
		}
	}
	if last := d.Timeline[len(d.Timeline)-1]; worse != 1 || last.Text != "answered: undo the undo" {
		t.Errorf("%d times worse, the last line is %q", worse, last.Text)
	}
}

// Where nothing was released, what ran is not suspected, and the verdict is no order.
func TestNothingToRollBackIsNoOrder(t *testing.T) {
	const why = "errors over 5% on api, but nothing was released in the hour before"
	facts := told(rose(incident.TErrors, 0, 400, "errors over 5% on api"),
		incident.Fact{At: after(401), By: "maria", Body: incident.Opened{ID: "INC-1"}}, incident.Fact{At: after(402), Body: incident.Judged{Verdict: incident.Now, Text: why, Basis: incident.BasisNothing}},
		incident.Fact{At: after(405), By: "maria", Body: incident.Moved{To: incident.Choose, Verdict: incident.Now, Text: why, Basis: incident.BasisNothing}})
	facts = append(facts, rolledBack(1, 410, version("1.41.0", "5"), version("1.40.0", "4"))...)
	d := New(facts, nil)
	if d.Decision.Verdict != "nothing to roll back" || d.Decision.Figure != "nothing was released in the hour before" || len(d.Cause.Suspects) != 0 {
		t.Errorf("%+v, suspects %+v", d.Decision, d.Cause.Suspects)
	}
	if md := markdownOf(t, facts, nil); !strings.Contains(md, "## Whether a rollback was necessary") || strings.Contains(md, "ROLL BACK NOW") {
		t.Error(md)
	}
}

// The limits that were broken are not told twice; what else a verdict rests on is told.
func TestTheVerdictIsToldBeyondItsLimits(t *testing.T) {
	const why = "errors over 5% on api"
	for want, moved := range map[Text]incident.Moved{
		"":                                   {To: incident.Choose, Verdict: incident.Now, Text: why, Basis: incident.BasisLimits},
		why:                                  {To: incident.Choose, Verdict: incident.Now, Text: why}, // a journal that does not tell
		"stop writing traffic first: " + why: {To: incident.Choose, Verdict: incident.Now, Text: "stop writing traffic first: " + why},
	} {
		facts := told(rose(incident.TErrors, 0, 400, why), incident.Fact{At: after(405), By: "maria", Body: moved})
		if d := New(facts, nil).Decision; d.Figure != want || d.Verdict != "roll back now" || d.Text != Text(moved.Text) {
			t.Errorf("%q: %+v", want, d)
		}
	}
}

// What is down has a name by what was seen of it.
func TestWhatTheDowntimeIsOf(t *testing.T) {
	for _, tt := range []struct {
		kinds []incident.TriggerKind
		want  Text
	}{
		{[]incident.TriggerKind{incident.TP95}, "P95 over its limit"},
		{[]incident.TriggerKind{incident.TErrors, incident.TStuck}, "Errors over their limit"},
		{[]incident.TriggerKind{incident.TNoPod, incident.TStuck}, "Without an available pod"},
		{[]incident.TriggerKind{incident.TErrors, incident.TP95}, "Over a limit, or without an available pod"},
		{nil, "Over a limit, or without an available pod"},
	} {
		facts := told()
		for _, k := range tt.kinds {
			facts = append(facts, rose(k, 0, 60, string(k)))
		}
		if got := New(facts, nil).Downtime.What; got != tt.want {
			t.Errorf("%v: %q, want %q", tt.kinds, got, tt.want)
		}
	}
}

// What is not known is said once for a component, and nothing counted is no number.
func TestUnknownIsSaidOnce(t *testing.T) {
	why := model.Reading{Why: "no series http_requests_total in 7m17s"}
	c := cost(model.ComponentImpact{Failed: why, Requests: why, MinutesOver: model.Reading{Known: true, AtLeast: true}}, &model.Impact{})
	if c.Failed.Text != "unknown: no series http_requests_total in 7m17s" || c.Requests.Text != "unknown" || c.MinutesOver.Text != "none was counted" {
		t.Errorf("%q, %q, %q", c.Failed.Text, c.Requests.Text, c.MinutesOver.Text)
	}
	m := &Manifest{Missing: []Missing{{What: "log of pod a", Why: "not there"}, {What: "log of pod a, last 1000 lines", Why: "not there"}, {What: "log of pod b, last 1000 lines", Why: "not there"}}}
	if got := New(told(), m).Evidence.Missing; len(got) != 2 || got[0].Name != "log of pod a" || got[1].Name != "log of pod b, last 1000 lines" {
		t.Errorf("%q", got)
	}
}

// On another day a time bears its date, and nowhere else.
func TestTimesOfTwoDays(t *testing.T) {
	late := time.Date(2026, 11, 23, 23, 58, 0, 0, time.UTC)
	facts := []incident.Fact{{At: late, Body: incident.Began{}},
		{At: late, Body: incident.Rose{Trigger: incident.Trigger{Component: "api", Kind: incident.TErrors, Onset: late, Value: 0.3, Text: "errors"}}},
		{At: late.Add(5 * time.Minute), By: "maria", Body: incident.Said{Question: incident.QDataLoss, Answer: incident.Answer{Answer: model.TriYes, At: late.Add(5 * time.Minute), By: "maria"}}}}
	d := New(facts, nil)
	if got := sentences(d.Summary); !strings.HasPrefix(got, "From 23:58 UTC on 23 November 2026 up to 30% of the requests to api failed.") || !strings.Contains(got, "Reported at 00:03 on 24 November by maria: data was lost.") {
		t.Error(got)
	}
	if got := d.Clock(Moment{late.Add(5 * time.Minute)}); got != "2026-11-24 00:03:00" || d.Clock(Moment{late}) != "23:58:00" || d.Day() != "2026-11-23" {
		t.Errorf("%s, %s of %s", got, d.Clock(Moment{late}), d.Day())
	}
}

// Of a log that was kept its errors are quoted, each sort once, and not its requests that
// went well.
func TestOfALogOnlyTroubleIsQuoted(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, Folder, "logs", "api", "api-1", "api-current.log")
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	log := "2026-11-23T03:05:00Z INFO:     10.244.1.88:44285 - \"GET /api/cart HTTP/1.1\" 200 OK\n2026-11-23T03:05:01Z INFO:     started\n"
	for range 3 {
		log += "2026-11-23T03:05:02Z ERROR:    no attribute 'user'\n"
	}
	if err := os.WriteFile(name, []byte(log), 0o600); err != nil {
		t.Fatal(err)
	}
	m := &Manifest{Files: []File{{Name: "logs/api/api-1/api-current.log", Source: "log of pod api-1, container api"}}}
	m.readEnds(dir)
	if len(m.ends) != 1 || !slices.Equal(m.ends[0].lines, []string{"no attribute 'user'  ×3"}) {
		t.Errorf("%+v", m.ends)
	}
	said := New(told(rose(incident.TErrors, 0, 60, "errors")), m).Cause.Said
	if len(said) != 1 || said[0].Component != "api" || said[0].Source != "log of pod api-1, container api" {
		t.Errorf("%+v", said)
	}
}

// The peak is no lower than the share that failed over the whole time.
func TestPeakIsNoLowerThanTheMean(t *testing.T) {
	cost := model.ComponentImpact{Component: "api", Failed: known(347), Requests: known(1000)}
	facts := told(rose(incident.TErrors, 0, 60, "errors"), incident.Fact{At: after(90), Body: incident.ImpactMeasured{Impact: model.Impact{From: t0, To: after(90), All: cost, Components: []model.ComponentImpact{cost}}}})
	if got := sentences(New(facts, nil).Summary); !strings.Contains(got, "up to 35% of the requests to api failed") || !strings.Contains(got, "347 of 1k requests failed until") {
		t.Error(got)
	}
}

// The peak is that of the pictures too: the program may have been opened after it.
func TestPeakIsThePictures(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, Folder, "metrics"), 0o700); err != nil {
		t.Fatal(err)
	}
	line := func(at int, v string) string { return after(at).Format(time.RFC3339) + ",api," + v + ",\n" }
	csv := "time,component,value,at_least\n" + line(-15, "0.9") + line(15, "0.44") + line(30, "0.34") + line(75, "0.99")
	if err := os.WriteFile(filepath.Join(dir, Folder, "metrics", "error-ratio.csv"), []byte(csv), 0o600); err != nil {
		t.Fatal(err)
	}
	m := &Manifest{Files: []File{{Name: "metrics/error-ratio.csv", Source: "error-ratio, from Prometheus"}}}
	m.figures = readFigures(dir, m)
	facts := append(told(rose(incident.TErrors, 0, 40, "errors")), rolledBack(1, 60, version("1.42.0", "6"), version("1.41.0", "5"))...)
	if got := sentences(New(facts, m).Summary); !strings.Contains(got, "up to 44% of the requests to api failed") {
		t.Error(got)
	}
}

// The query of the figure that was decided by is the report's, not that of another limit.
func TestTheQueryIsOfWhatWasDecidedBy(t *testing.T) {
	facts := told(rose(incident.TErrors, 0, 400, "errors over 5%"))
	for want, moved := range map[string]incident.Moved{
		"of P95": {To: incident.Choose, Verdict: incident.Now, Text: "P95 over 2s", Query: "of P95"}, "of errors": {To: incident.Choose, Verdict: incident.Now, Text: "errors over 5%"}} {
		all := append(slices.Clone(facts), incident.Fact{At: after(401), By: "maria", Body: moved})
		for n, f := range all {
			if b, ok := f.Body.(incident.Rose); ok {
				b.Trigger.Query = "of errors"
				all[n].Body = b
			}
		}
		if got := New(all, nil).Decision.Query; string(got) != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
