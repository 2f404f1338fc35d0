package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"rollbook/engine/journal"
	"rollbook/incident"
	"rollbook/model"
)

// dataOf reads a journal of testdata with the evidence beside it.
func dataOf(t testing.TB, name string) Data {
	t.Helper()
	dir := filepath.Join("testdata", name)
	c, err := journal.Read(filepath.Join(dir, "journal.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := ReadManifest(dir)
	if err != nil {
		t.Fatal(err)
	}
	return New(c.Facts, m)
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: make golden writes it", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is another one; make golden writes it, and the diff is to be read. Got:\n%s", path, got)
	}
}

func TestGoldenReports(t *testing.T) {
	for name := range plays {
		t.Run(name, func(t *testing.T) {
			d := dataOf(t, name)
			md, err := Markdown(d, "")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("testdata", name, "report.md"), []byte(md))
			js, err := JSON(d)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("testdata", name, "report.json"), js)
		})
	}
}

// The example for a team's own template works with every journal.
func TestGoldenOwnTemplate(t *testing.T) {
	own, err := os.ReadFile("../docs/incidents/template.md")
	if err != nil {
		t.Fatal(err)
	}
	for name := range plays {
		md, err := Markdown(dataOf(t, name), string(own))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if name == "rolled-back" {
			golden(t, filepath.Join("testdata", name, "own.md"), []byte(md))
		}
	}
}

func TestAFaultyTemplateLosesNothing(t *testing.T) {
	d := dataOf(t, "rolled-back")
	plain, _ := Markdown(d, "")
	for name, tt := range map[string]struct{ source, words string }{
		"syntax":        {"# {{.ID}}\n\n{{if}}\n", "template:3: missing value for if"},
		"no such field": {"# {{.ID}}\n{{.Nonsense}}\n", "template:2:2: executing \"template\" at <.Nonsense>: can't evaluate field Nonsense"},
		"deep field":    {"{{range .Attempts}}\n{{.Foo}}{{end}}", "template:2:2"},
		"no function":   {"{{exec \"rm\"}}", `template:1: function "exec" not defined`},
		"endless":       {`{{define "x"}}{{template "x" .}}{{end}}{{template "x" .}}`, "exceeded maximum template depth"},
		"too much":      {strings.Repeat("{{range .Timeline}}{{range $.Timeline}}{{range $.Timeline}}{{range $.Timeline}}"+strings.Repeat("x", 1000)+"{{end}}{{end}}{{end}}{{end}}", 1), "larger than"},
		"large":         {strings.Repeat("x", templateMost+1), "larger than 1.0 MB"},
	} {
		md, err := Markdown(d, tt.source)
		if !errors.Is(err, ErrTemplate) || !strings.Contains(err.Error(), tt.words) {
			t.Errorf("%s: %v, want %q", name, err, tt.words)
		}
		if md != plain {
			t.Errorf("%s: it is not the built-in report", name)
		}
	}
}

// Whatever stands in a journal, the report's structure is the template's: no
// heading, cell, link, HTML or block of code that the words would make.
func TestHostileWordsStayWords(t *testing.T) {
	for _, evil := range []string{"# heading", "| cell | cell |", "`code`", "``` \n", "<script>alert(1)</script>", "<!-- -->", "[a](javascript:x)", "![a](http://x/y.png)",
		"a\n\n# b", "a\r\n---\r\nb", "1. one", "- item", "+ item", "=====", "> quote", "~~struck~~", "$x$", "&lt;b&gt;", "\\", "**bold**", "__b__", "\x1b[31mred", "|", "```", "$1"} {
		facts := []incident.Fact{
			{At: t0, Body: incident.Began{Settings: incident.Settings{Namespace: evil, Context: evil, Limits: model.DefaultLimits(), ConfigHash: evil, ConfigFrom: []string{evil},
				Links: []incident.Link{{Name: evil, URL: evil}}}, Version: evil}},
			{At: t0, By: evil, Body: incident.Opened{ID: evil, Onset: t0}},
			{At: t0, Body: incident.Suspected{Suspects: []incident.Suspect{{Component: evil, By: evil, ChangeCause: evil, Images: []string{evil}}}}},
			{At: t0, Body: incident.Rose{Trigger: incident.Trigger{Component: evil, Kind: incident.TErrors, Onset: t0, Text: evil, Query: evil}}},
			{At: t0, By: evil, Body: incident.Said{Question: incident.QDataLoss, Answer: incident.Answer{Answer: model.TriYes, By: evil, Reason: evil, Figure: evil, At: t0}}},
			{At: t0, By: evil, Body: incident.Moved{To: incident.Choose, Verdict: incident.Now, Text: evil}},
			{At: t0, Body: incident.Escalated{ID: "downtime", Text: evil, Who: evil}},
			{At: t0, By: evil, Body: incident.EscalationAnswered{ID: "downtime", With: evil, Reason: evil}},
			{At: t0, By: evil, Body: incident.CheckOverridden{Slot: model.Slot{Component: evil, Role: model.Role(evil)}, Check: evil, Text: evil, Reason: evil}},
			{At: t0, By: evil, Body: incident.Confirmed{N: 1, Plans: []model.Plan{{ID: evil, Method: model.Method(evil), Role: model.RoleRelease, Component: evil, Title: evil,
				From: model.Version{Key: evil, Label: evil, Short: evil}, To: model.Version{Key: evil, Label: evil, Short: evil}, Command: evil, Stays: []string{evil},
				Changes: []model.Change{{Kind: evil, What: evil, From: evil, To: evil}}}}}},
			{At: t0, Body: incident.WriteFailed{WriteID: incident.WriteID{N: 1, Plan: evil}, Err: evil}},
			{At: t0, By: evil, Body: incident.UnknownAccepted{Key: evil, Text: evil, Reason: evil}},
			{At: t0, Body: incident.WasVerified{Recovered: t0, Figures: []string{evil}}},
			{At: t0, By: evil, Body: incident.Ended{Outcome: incident.Outcome(evil), Reason: evil}},
		}
		m := &Manifest{Files: []File{{Name: evil, Source: evil, Note: evil}, {Name: evil + " .svg", Source: evil}}, Missing: []Missing{{What: evil, Why: evil}}}
		u := model.Reading{Why: evil, Query: evil}
		facts = append(facts, incident.Fact{At: t0, Body: incident.ImpactMeasured{Impact: model.Impact{
			Components: []model.ComponentImpact{{Component: evil, Failed: u, Requests: u, MinutesOver: u, NoData: u, BudgetShare: u}}, All: model.ComponentImpact{Failed: u}}}})
		md, err := Markdown(New(facts, m), "")
		if err != nil {
			t.Fatalf("%q: %v", evil, err)
		}
		tame, err := Markdown(New(renamed(facts), &Manifest{Files: []File{{Name: "w", Source: "w", Note: "w"}, {Name: "w w", Source: "w"}}, Missing: []Missing{{What: "w", Why: "w"}}}), "")
		if err != nil {
			t.Fatal(err)
		}
		if got, want := shape(md), shape(tame); got != want {
			t.Errorf("%q changes the report's structure:\n%s\nwant\n%s\n%s", evil, got, want, md)
		}
		md = code.ReplaceAllString(md, "") // there all is shown as it is
		if strings.Contains(md, "<script") || strings.Contains(md, "<!--") || regexp.MustCompile(`[^\\]\]\(javascript:`).MatchString(md) || strings.Contains(md, "\x1b") {
			t.Errorf("%q comes through:\n%s", evil, md)
		}
	}
}

func TestALongHostileTextIsNotSlow(t *testing.T) {
	evil := strings.Repeat("`", 4<<20)
	if s := codeSpan(evil); len(s) != 3*(4<<20)+4 {
		t.Errorf("%d bytes", len(s))
	}
	if s := codeBlock("diff", []Text{Text(evil)}); len(s) < 3*(4<<20) {
		t.Errorf("%d bytes", len(s))
	}
	_ = Text(strings.Repeat("|<`", 1<<20)).String()
}

// code is spans and blocks of it.
var code = regexp.MustCompile("(?s)\n(```+)(?:diff|text)\n.*?\n```+\n|`` .*? ``|```+.*?```+|`[^`\n]+`")

// renamed are the facts of the test above with a harmless word in every place.
func renamed(facts []incident.Fact) []incident.Fact {
	b, _ := json.Marshal(facts)
	evil, _ := json.Marshal(facts[1].By)
	var out []incident.Fact
	if err := json.Unmarshal(bytes.ReplaceAll(b, evil, []byte(`"w"`)), &out); err != nil {
		panic(err)
	}
	return out
}

// shape is what a Markdown reader would make of each line: headings, the number
// of cells, items and fences.
func shape(md string) string {
	var out strings.Builder
	fence := ""
	for _, l := range strings.Split(strings.TrimSpace(md), "\n") {
		ticks := len(l) - len(strings.TrimLeft(l, "`"))
		switch {
		case fence != "":
			if l == fence {
				fence = ""
				out.WriteString("end of code\n")
			}
		case ticks >= 3:
			fence = l[:ticks]
			out.WriteString("code\n")
		case strings.HasPrefix(l, "|"):
			out.WriteString("cells ")
			out.WriteString(strings.Repeat("|", strings.Count(l, "|")-strings.Count(l, `\|`)))
			out.WriteByte('\n')
		case strings.HasPrefix(l, "#"):
			out.WriteString("heading\n")
		case strings.HasPrefix(l, "- "):
			out.WriteString("item\n")
		case l == "":
			out.WriteString("\n")
		case strings.HasPrefix(l, "!["), strings.HasPrefix(l, "> "), strings.HasPrefix(l, "+ "), strings.HasPrefix(l, "==="), strings.HasPrefix(l, "---"):
			out.WriteString("block " + l + "\n")
		default:
			out.WriteString("words\n")
		}
	}
	return out.String()
}

func TestGoldenIncidents(t *testing.T) {
	var rows []Row
	for _, name := range []string{"healed", "open", "rolled-back", "two-attempts", "unknown-accepted"} {
		c, err := journal.Read(filepath.Join("testdata", name, "journal.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		r := RowOf(c.Facts)
		rows = append(rows, r)
		older := r // the same a quarter and a half earlier, and slower
		older.detected, older.Opened = r.detected.AddDate(0, -5, 0), Moment{r.Opened.AddDate(0, -5, 0)}
		older.Took.Recover.Seconds *= 2
		rows = append(rows, older)
	}
	var b bytes.Buffer
	if err := WriteIncidents(&b, rows); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/incidents.txt", b.Bytes())
	js, err := IncidentsJSON(rows)
	if err != nil || !json.Valid(js) || !strings.Contains(string(js), `"quarter": "2026-Q4"`) {
		t.Errorf("%v %s", err, js)
	}
	b.Reset()
	if err := WriteIncidents(&b, nil); err != nil || b.String() != "no incident yet\n" {
		t.Errorf("%q %v", b.String(), err)
	}
	if js, _ := IncidentsJSON(nil); !strings.Contains(string(js), `"incidents": []`) {
		t.Errorf("%s", js)
	}
}

func TestMedian(t *testing.T) {
	s := time.Second
	for _, tt := range []struct {
		all  []time.Duration
		want float64
	}{{nil, 0}, {[]time.Duration{3 * s}, 3}, {[]time.Duration{9 * s, 1 * s, 2 * s}, 2}, {[]time.Duration{4 * s, 1 * s, 2 * s, 9 * s}, 3}} {
		if got := median(tt.all); got.Known != (len(tt.all) > 0) || got.Seconds != tt.want {
			t.Errorf("%v: %+v", tt.all, got)
		}
	}
}

// Whatever the text, escaped it is one line without a character that Markdown or
// HTML would obey.
func FuzzText(f *testing.F) {
	for _, s := range []string{"", "a|b", "`x`", "<b>", "1. x", "# x", "a\nb", "\\", "\\|", "&lt;", "``", "x`", " `", "\x00", "\u202e"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Text(s).String()
		if strings.ContainsAny(got, "\n\r<>\x1b") {
			t.Errorf("%q", got)
		}
		escaped := false
		for n, r := range got {
			if !escaped && strings.ContainsRune("`*_[]|~$", r) {
				t.Errorf("%q is not escaped at %d in %q", r, n, got)
			}
			escaped = r == '\\' && !escaped
		}
		if escaped {
			t.Errorf("%q would escape what follows", got)
		}
		if c := codeSpan(s); c != "" {
			fence := c[:len(c)-len(strings.TrimLeft(c, "`"))]
			if inner := strings.TrimSuffix(strings.TrimPrefix(c, fence), fence); strings.Contains(inner, fence) || strings.Contains(c, "\n") {
				t.Errorf("%q ends early", c)
			}
		}
		if b := codeBlock("diff", []Text{Text(s)}); strings.Count(b, b[:strings.Index(b, "d")]) != 2 {
			t.Errorf("%q ends early", b)
		}
	})
}

// Who ends an incident in Decide has decided: the time stays, and the words say
// what was decided.
func TestEndedInDecide(t *testing.T) {
	p := begin(t)
	p.figures(0.21)
	p.do(incident.Observed{})
	p.do(incident.Next{})
	p.wait(time.Minute)
	p.do(incident.EndIncident{Outcome: "fixed otherwise", Reason: "the flag is off"})
	d := New(p.facts, nil)
	md, err := Markdown(d, "")
	if err != nil {
		t.Fatal(err)
	}
	if !d.Decision.NoRollback || d.Took.Decide.String() != "1m" {
		t.Errorf("%+v, decided after %s", d.Decision, d.Took.Decide)
	}
	for _, want := range []string{"It ended without a rollback: fixed otherwise (“the flag is off”).", "| Decided: no rollback | ", "## Why nothing was rolled back\n\nIt was decided to end the incident without one. The verdict was roll back now."} {
		if !strings.Contains(md, want) {
			t.Errorf("%q is missing in:\n%s", want, md)
		}
	}
	if d := dataOf(t, "rolled-back"); d.Decision.NoRollback {
		t.Error("it was rolled back")
	}

	p = begin(t)
	p.figures(0.21)
	p.do(incident.Observed{})
	p.do(incident.EndIncident{Outcome: "false alarm"})
	if d := New(p.facts, nil); d.Decision.NoRollback || !d.Times.Decided.IsZero() {
		t.Errorf("ended before Decide: %+v", d.Decision)
	}
}

// What it cost is what the journal says, whatever lies in the evidence.
func TestImpactIsTheJournals(t *testing.T) {
	began := incident.Fact{At: t0, Body: incident.Began{}}
	kept := &Manifest{Files: []File{{Name: "impact.json", Source: impactSource}}, Missing: []Missing{{What: impactSource, Why: "of an earlier gathering"}}}
	measured := incident.ImpactMeasured{Impact: model.Impact{From: t0, To: t0.Add(time.Hour), All: model.ComponentImpact{Failed: model.Reading{Known: true, Value: 412}}}}
	if got := New([]incident.Fact{began, {At: t0, Body: measured}}, kept).Impact; !got.Known || got.All.Failed.Text != "412" {
		t.Errorf("%+v", got)
	}
	if got := New([]incident.Fact{began, {At: t0, Body: incident.ImpactFailed{Err: "connection refused"}}}, kept).Impact; got.Known || got.Why != "connection refused" {
		t.Errorf("%+v", got)
	}
	if got := New([]incident.Fact{began}, kept).Impact; got.Known || got.Why != "it was not measured" {
		t.Errorf("%+v", got)
	}
}

// A figure of 0 is one: it stands in the JSON, and what is not known is null.
func TestZerosAreKept(t *testing.T) {
	at := time.Date(2026, 11, 23, 3, 12, 0, 0, time.UTC)
	for _, tt := range []struct {
		r    any
		want string
	}{
		{Value{model.Reading{Known: true, At: at, Query: "q"}}, `{"known":true,"value":0,"atLeast":false,"at":"2026-11-23T03:12:00Z","query":"q"}`},
		{Value{model.Reading{Why: "no series"}}, `{"known":false,"value":null,"atLeast":false,"why":"no series"}`},
		{Span{Known: true}, `{"known":true,"seconds":0}`},
		{Span{Why: "never"}, `{"known":false,"seconds":null,"why":"never"}`},
		{Quarter{Median: Span{Known: true}}, `{"quarter":"","incidents":0,"restored":0,"median":{"known":true,"seconds":0},"changeSeconds":0}`},
		{spelled(reflect.ValueOf(model.Limits{For: 5 * time.Minute})), `"for":"5m"`},
	} {
		got, err := json.Marshal(tt.r)
		if err != nil || !strings.Contains(string(got), tt.want) {
			t.Errorf("got %s, want %s: %v", got, tt.want, err)
		}
	}
	zero, err := json.Marshal(impactOf(&model.Impact{All: model.ComponentImpact{Failed: model.Reading{Known: true}, NoData: model.Reading{Known: true}}}))
	if err != nil || strings.Count(string(zero), `"known":true,"value":0`) != 2 {
		t.Errorf("%s %v", zero, err)
	}
}
