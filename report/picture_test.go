package report

import (
	"bytes"
	"html"
	"image/png"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

var t0 = time.Date(2026, 11, 23, 3, 12, 0, 0, time.UTC)

// errorsOf is an hour of a component that broke ten minutes ago, with a gap.
func errorsOf(id string) model.Series {
	s := model.Series{Component: id, Figure: "error-ratio", Unit: "ratio", Limit: 0.05, Query: "sum(…)"}
	for d := -time.Hour; d <= 0; d += 15 * time.Second {
		if d > -30*time.Minute && d < -25*time.Minute {
			continue
		}
		v := 0.004 + 0.003*math.Sin(d.Minutes())
		if d > -10*time.Minute {
			v = 0.21 + 0.02*math.Sin(d.Minutes()*3)
		}
		s.Samples = append(s.Samples, model.Sample{At: t0.Add(d), V: v})
	}
	return s
}

func someMarks() []Mark {
	return []Mark{{t0.Add(-10*time.Minute - 38*time.Second), "release", "backend-python 42"}, {t0.Add(-10 * time.Minute), "onset", "onset"},
		{t0.Add(-3 * time.Minute), "rollback", "backend-python 42 → 41"}, {t0.Add(-2 * time.Minute), "rolled out", "rolled out"},
		{t0.Add(-time.Minute), "recovery", "recovered"}}
}

func TestPicture(t *testing.T) {
	series := []model.Series{errorsOf("backend-python"), {Component: `<script>&"x"`, Figure: "error-ratio", Unit: "ratio", Samples: []model.Sample{{At: t0, V: 0.01}}}}
	var svg, raster bytes.Buffer
	if err := picture(&svg, "svg", series, someMarks(), t0.Add(-time.Hour), t0); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"backend-python", "onset", "rollback backend-python 42 -&gt; 41", "release backend-python 42", "recovered", "limit 5%", "03:00"} {
		if !strings.Contains(svg.String(), want) {
			t.Errorf("the SVG lacks %q", want)
		}
	}
	if strings.Contains(svg.String(), "<script") {
		t.Error("a name is markup in the SVG")
	}
	for _, found := range regexp.MustCompile(`href|url\(|@import|https?://[^"]*`).FindAllString(svg.String(), -1) {
		if !strings.HasPrefix(found, "http://www.w3.org/") { // names of the format, which nobody fetches
			t.Errorf("the SVG points elsewhere: %q", found)
		}
	}
	if err := picture(&raster, "png", series, someMarks(), t0.Add(-time.Hour), t0); err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(&raster)
	if err != nil || img.Bounds().Dx() != picWidth || img.Bounds().Dy() != picHeight {
		t.Fatalf("%v", err)
	}
	colors := map[[3]uint32]bool{}
	for x := range picWidth {
		for y := range picHeight {
			r, g, b, _ := img.At(x, y).RGBA()
			colors[[3]uint32{r >> 8, g >> 8, b >> 8}] = true
		}
	}
	for name, c := range markColors {
		if !colors[[3]uint32{uint32(c.R), uint32(c.G), uint32(c.B)}] {
			t.Errorf("no pixel has the colour of %s", name)
		}
	}
}

func TestNoTwoLinesHaveTheSameLabel(t *testing.T) {
	for _, unit := range []string{"ratio", "seconds", "targets"} {
		for _, top := range []float64{0.0015, 0.015, 0.3, 1, 4, 15, 30000} {
			c, seen := canvas{top: top, unit: unit}, map[string]bool{}
			for n := range 6 {
				l := c.value(top * float64(n) / 5)
				if seen[l] {
					t.Errorf("%s up to %g: %s twice", unit, top, l)
				}
				seen[l] = true
			}
		}
	}
}

// A hostile or empty figure draws something and never panics.
func TestPictureOfOddities(t *testing.T) {
	for name, s := range map[string]model.Series{
		"one sample": {Samples: []model.Sample{{At: t0, V: 0}}},
		"huge":       {Samples: []model.Sample{{At: t0, V: 1e300}, {At: t0.Add(time.Second), V: math.Inf(1)}}},
		"none":       {},
		"outside":    {Samples: []model.Sample{{At: t0.Add(time.Hour), V: 1}}},
		"same time":  {Samples: []model.Sample{{At: t0, V: 1}, {At: t0, V: 2}}},
	} {
		var b bytes.Buffer
		if err := picture(&b, "svg", []model.Series{s}, someMarks(), t0, t0); err != nil || b.Len() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A picture is titled for people, and what is written in it stays inside and apart, in a
// reader's own font too.
func TestWhatAPictureSays(t *testing.T) {
	from := time.Date(2026, 11, 23, 2, 40, 0, 0, time.UTC)
	at := func(m int) time.Time { return from.Add(time.Duration(m) * time.Minute) }
	var series []model.Series
	for _, c := range []string{"backend-python", "frontend", "a-component-with-a-rather-long-name-indeed", "another-one-with-a-name-that-is-even-longer", "the-last-of-them-all-which-is-long-as-well", "x"} {
		series = append(series, model.Series{Component: c, Figure: "error-ratio", Unit: "ratio", Limit: 0.05, Samples: []model.Sample{{At: at(0), V: 0.01}, {At: at(30), V: 0.3}, {At: at(40), V: 0.01}}})
	}
	marks := []Mark{{At: at(24), Kind: "release", Text: "backend-python 1.42.0"}, {At: at(25), Kind: "onset", Text: "onset"}, {At: at(39), Kind: "rollback", Text: "backend-python 6 → 5"},
		{At: at(39), Kind: "rolled out", Text: "rolled out"}, {At: at(40), Kind: "recovery", Text: "recovered"}}
	var b bytes.Buffer
	if err := picture(&b, "svg", series, marks, from, at(40)); err != nil {
		t.Fatal(err)
	}
	svg := b.String()
	if !strings.Contains(svg, ">Error ratio, 2026-11-23 02:40 to 03:20 UTC<") || strings.Contains(svg, "(ratio)") {
		t.Errorf("titled otherwise: %.600s", svg)
	}
	type box struct {
		left, right, top, bottom float64
		words                    string
	}
	var all []box
	for _, m := range regexp.MustCompile(`<text x="(-?[\d.]+)" y="(-?[\d.]+)" style="[^"]*font-size:([\d.]+)px[^"]*"[^>]*>([^<]*)</text>`).FindAllStringSubmatch(svg, -1) {
		x, _ := strconv.ParseFloat(m[1], 64)
		y, _ := strconv.ParseFloat(m[2], 64)
		size, _ := strconv.ParseFloat(m[3], 64)
		wide := float64(len([]rune(html.UnescapeString(m[4])))) * size * 0.5
		all = append(all, box{x, x + wide, y - size*0.7, y, m[4]})
	}
	if len(all) < 15 {
		t.Fatalf("%d texts are read of\n%.2000s", len(all), svg)
	}
	for n, x := range all {
		if x.left < 0 || x.right > picWidth || x.top < 0 || x.bottom > picHeight {
			t.Errorf("%q is outside: %+v", x.words, x)
		}
		for _, y := range all[n+1:] {
			if x.left < y.right && y.left < x.right && x.top < y.bottom && y.top < x.bottom {
				t.Errorf("%q and %q are over each other: %+v %+v", x.words, y.words, x, y)
			}
		}
	}
}
