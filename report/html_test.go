package report

import (
	"html"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"rollbook/engine/journal"
	"rollbook/incident"
	"rollbook/model"
)

// The page needs nothing else: no script, nothing that is fetched.
func TestHTML(t *testing.T) {
	for name := range plays {
		c, err := journal.Read(filepath.Join("testdata", name, "journal.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		m, err := ReadManifest(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		b, err := HTML(c.Facts, m)
		if err != nil {
			t.Fatal(err)
		}
		s := string(b)
		for _, want := range []string{"<h2>What happened</h2>", "<h2>Root cause</h2>", "<h2>Timeline</h2>", "prefers-color-scheme: dark", "@media print"} {
			if !strings.Contains(s, want) {
				t.Errorf("%s: %q is missing", name, want)
			}
		}
		if found := regexp.MustCompile(`(?i)<script|\bsrc=|href=|url\(|@import|=["']?https?:`).FindAllString(s, -1); found != nil {
			t.Errorf("%s: it points elsewhere: %q", name, found)
		}
	}
}

// The page says all that the Markdown says, which has the pictures as files.
func TestHTMLSaysWhatMarkdownSays(t *testing.T) {
	tags := regexp.MustCompile(`(?s)<style>.*?</style>|<[^>]+>`)
	picture := regexp.MustCompile(`!\[[^\]]*\]\([^)]*\)`)
	word := regexp.MustCompile(`[\pL\pN]+`)
	for name := range plays {
		c, err := journal.Read(filepath.Join("testdata", name, "journal.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		for n, f := range c.Facts {
			if b, ok := f.Body.(incident.Began); ok {
				b.Settings.Links = []incident.Link{{Name: "Runbook", URL: "https://wiki.example/runbook"}}
				b.Settings.ConfigHash, b.Settings.ConfigFrom = "4f1c", []string{"/etc/rollbook.yaml"}
				c.Facts[n].Body = b
			}
		}
		m, err := ReadManifest(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		page, err := HTML(c.Facts, m)
		if err != nil {
			t.Fatal(err)
		}
		md, err := Markdown(New(c.Facts, m), "")
		if err != nil {
			t.Fatal(err)
		}
		said := map[string]bool{}
		for _, w := range word.FindAllString(html.UnescapeString(tags.ReplaceAllString(string(page), " ")), -1) {
			said[w] = true
		}
		for l := range strings.Lines(html.UnescapeString(picture.ReplaceAllString(md, ""))) {
			for _, w := range word.FindAllString(l, -1) {
				if !said[w] && w != "x" && w != "diff" && w != "text" { // how Markdown ticks a box, and names a block
					t.Errorf("%s: the page does not say %q of: %s", name, w, l)
				}
			}
		}
	}
}

// Whatever a journal or a figure says, it stays text.
func TestHTMLHoldsHostileWords(t *testing.T) {
	const evil = `<script>alert(1)</script>"'&`
	b, err := HTML([]incident.Fact{{At: t0, By: evil, Body: incident.Began{Settings: incident.Settings{Namespace: evil, Context: evil}}},
		{At: t0, By: evil, Body: incident.Opened{ID: evil, Onset: t0}}, {At: t0, Body: incident.Rose{Trigger: incident.Trigger{Component: evil, Kind: incident.TErrors, Onset: t0, Text: evil, Query: evil}}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := drawChart([]model.Series{{Component: evil, Figure: evil, Unit: evil, Samples: []model.Sample{{At: t0, V: 1}}}}, []Mark{{At: t0, Kind: evil, Text: evil}}, t0.Add(-time.Minute), t0)
	if strings.Contains(string(b), "<script") || strings.Contains(string(c.SVG), "<script") {
		t.Errorf("it is obeyed:\n%s\n%s", b, c.SVG)
	}
}
