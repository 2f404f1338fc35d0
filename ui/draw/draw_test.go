package draw

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"rollbook/model"
	"rollbook/ui/uitest"
)

const step = 15 * time.Second

var to = time.Date(2026, 11, 23, 6, 40, 7, 0, time.UTC)

// samples are one each step, the newest 5 s before `to`; below 0 is one that is missing.
func samples(values ...float64) []model.Sample {
	var out []model.Sample
	for n, v := range values {
		if v >= 0 {
			out = append(out, model.Sample{At: to.Add(-5*time.Second - time.Duration(len(values)-1-n)*step), V: v})
		}
	}
	return out
}

func times(v float64, n int) []float64 { return slices.Repeat([]float64{v}, n) }

// slope goes from one value to another in n steps.
func slope(from, to float64, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = from + (to-from)*float64(i)/float64(n-1)
	}
	return out
}

func errorChart(values ...float64) *Chart {
	return &Chart{Title: "errors", Lines: []Line{{Samples: samples(values...), Gap: 2*step + step/2, End: model.Percent(values[len(values)-1])}},
		Limit: .05, Most: 1, Show: model.Percent, To: to, Span: 30 * time.Minute}
}

func ago(d time.Duration) time.Time { return to.Add(-d) }

func bare(_ Kind, text string) string { return text }

// golden compares a drawing with a golden file.
func golden(t *testing.T, name string, rows []string) {
	t.Helper()
	uitest.Golden(t, filepath.Join("testdata", name+".txt"), strings.Join(rows, "\n")+"\n")
}

func charts() map[string]*Chart {
	release := errorChart(append(times(.001, 80), times(.3, 30)...)...)
	release.Marks = []Mark{{ago(7*time.Minute + 30*time.Second), "onset", ""}, {ago(7*time.Minute + 54*time.Second), "release 1.42.0", "release"}}

	fall := errorChart(slices.Concat(times(.001, 50), times(.3, 40), slope(.3, .08, 6), slope(.06, 0, 6), times(0, 10))...)
	fall.Marks = []Mark{{ago(5*time.Minute + 40*time.Second), "rollback", ""}, {ago(15*time.Minute + 30*time.Second), "onset", ""},
		{ago(15*time.Minute + 50*time.Second), "release 1.42.0", "release"}, {ago(3 * time.Minute), "recovered", ""}}

	sides := errorChart(append(times(.002, 60), times(.3, 50)...)...)
	sides.Lines[0].End = "old 1.42.0 30%"
	sides.Lines = append(sides.Lines, Line{Samples: samples(times(0, 10)...), Gap: 40 * time.Second, End: "new 1.41.0 0%"})
	sides.Marks = []Mark{{ago(2*time.Minute + 40*time.Second), "rollback", ""}}

	gap := errorChart(slices.Concat(times(.1, 40), times(-1, 30), times(.2, 40))...)
	slow := &Chart{Title: "P95", Lines: []Line{{Samples: samples(append(times(.212, 70), times(4.35, 40)...)...), Gap: 40 * time.Second, End: "4.35s"}},
		Limit: 1, Show: model.Seconds, To: to, Span: 30 * time.Minute, Marks: []Mark{{ago(10 * time.Minute), "onset", ""}}}
	ascii := *fall
	ascii.ASCII = true
	return map[string]*Chart{
		"release": release, "fall": fall, "sides": sides, "gap": gap, "slow": slow, "fall-ascii": &ascii,
		"flat": errorChart(times(0, 110)...), "low": errorChart(times(.003, 110)...), "just-over": errorChart(append(times(.05, 60), times(.051, 50)...)...),
		"full": errorChart(append(times(0, 90), times(1, 20)...)...), "nothing": {Title: "errors", Limit: .05, Show: model.Percent, To: to, Span: 30 * time.Minute},
	}
}

func TestGoldenCharts(t *testing.T) {
	for name, c := range charts() {
		golden(t, name, c.Rows(78, 6, bare))
	}
	golden(t, "fall-high", charts()["fall"].Rows(100, 12, bare))
}

// Whatever happened when, a row is never wider than it may be, words never run into
// each other, and each mark in sight has its arrow.
func TestMarksFit(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	words := []string{"onset", "rollback", "healthy", "release 1.42.0", "release 2026.11.23-2"}
	for range 2000 {
		c := errorChart(append(times(0, 60), times(.3, 50)...)...)
		for range r.IntN(6) {
			c.Marks = append(c.Marks, Mark{ago(time.Duration(r.IntN(2000)) * time.Second), words[r.IntN(len(words))], ""})
		}
		c.ASCII = r.IntN(2) == 0
		w, h := 20+r.IntN(120), 4+r.IntN(12)
		rows := c.Rows(w, h, bare)
		if rows == nil {
			continue
		}
		if len(rows) != h {
			t.Fatalf("%d rows, want %d", len(rows), h)
		}
		for _, row := range rows {
			if n := utf8.RuneCountInString(row); n > w {
				t.Fatalf("%d cells of %d: %q", n, w, row)
			}
		}
		for _, word := range strings.FieldsFunc(strings.TrimPrefix(rows[0], "errors"), func(r rune) bool { return strings.ContainsRune(" |▼", r) }) {
			if !slices.ContainsFunc(words, func(w string) bool {
				return w == word || strings.HasPrefix(w, word+" ") || strings.HasSuffix(w, " "+word)
			}) {
				t.Fatalf("%q is none of the words: %q", word, rows[0])
			}
		}
	}
}

// What the eye is to see of a row.
func TestSpark(t *testing.T) {
	spark := func(limit float64, values ...float64) string {
		return Spark(samples(values...), limit, to.Add(-5*time.Second), time.Minute, 8, bare)
	}
	minutes := func(values ...float64) (out []float64) {
		for _, v := range values {
			out = append(out, times(v, 4)...)
		}
		return out[:len(out)-3] // the newest minute has one sample yet
	}
	for _, tc := range []struct {
		name  string
		limit float64
		of    []float64
		want  string
	}{
		{"flat at zero", .05, minutes(0, 0, 0, 0, 0, 0, 0, 0), "⣀⣀⣀⣀⣀⣀⣀⣀"},
		{"flat and low", .05, minutes(.003, .003, .003, .003, .003, .003, .003, .003), "⣀⣀⣀⣀⣀⣀⣀⣀"},
		{"up", .05, minutes(0, 0, 0, 0, .3, .3, .3, .3), "⣀⣀⣀⣀████"},
		{"18% and 24%", .05, minutes(0, 0, .18, .18, .24, .24, .24, .24), "⣀⣀▆▆████"},
		{"30% to 8%", .05, minutes(.3, .3, .3, .3, .22, .15, .08, .08), "████▆▅▃▃"},
		{"and under the limit", .05, minutes(.3, .3, .3, .15, .08, .04, .01, 0), "███▅▃⣀⣀⣀"},
		{"close to the limit, not over it", 1, minutes(.2, .2, .5, .7, .9, .9, 1, 1), "⣤⣤⣶⣶⣿⣿⣿⣿"},
		{"just over it", 1, minutes(.2, .2, .2, .2, .9, .9, 1.1, 1.1), "⣤⣤⣤⣤⣶⣶██"},
		{"a gap", .05, minutes(0, 0, -1, -1, -1, 0, 0, 0), "⣀⣀   ⣀⣀⣀"},
		{"no limit", 0, minutes(1, 2, 3, 4, 4, 3, 2, 1), "⣤⣶⣶⣿⣿⣶⣶⣤"},
		{"nothing", .05, nil, "        "},
	} {
		if tc.of == nil {
			tc.of = []float64{-1}
		}
		if got := spark(tc.limit, tc.of...); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
	var kinds []Kind
	Spark(samples(minutes(0, 0, .3, .3, 0)...), .05, to, time.Minute, 8, func(k Kind, s string) string { kinds = append(kinds, k); return s })
	if !slices.Equal(kinds, []Kind{Under, Over, Under}) {
		t.Errorf("painted as %v", kinds)
	}
}

// For a minute all columns but the newest stay as they are; then all move.
func TestColumnsStand(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	values := make([]float64, 200)
	for n := range values {
		values[n] = .3 * r.Float64()
	}
	all := samples(values...)
	const cell = 30 * time.Second // what 30 minutes in this width come to
	plotOf := func(now time.Time) []string {
		c := errorChart(.3)
		c.Lines[0].Samples = slices.DeleteFunc(slices.Clone(all), func(s model.Sample) bool { return s.At.After(now) || s.At.Before(now.Add(-40*time.Minute)) })
		c.To, c.Lines[0].End = now, ""
		var out []string
		for _, row := range c.Rows(70, 10, bare)[1:9] {
			_, plot, _ := strings.Cut(strings.NewReplacer("┤", "│").Replace(row), "│")
			out = append(out, plot+strings.Repeat(" ", 80-utf8.RuneCountInString(plot)))
		}
		return out
	}
	same := func(a, b []string, shift int) bool {
		return slices.EqualFunc(a, b, func(a, b string) bool { return string([]rune(a)[shift+3:56]) == string([]rune(b)[3:56-shift]) })
	}
	from := to.Add(-10 * time.Minute).Truncate(2 * cell)
	moved := 0
	before := plotOf(from)
	for s := 1; s <= 120; s++ {
		at := from.Add(time.Duration(s) * time.Second)
		now := plotOf(at)
		shift := 0
		if at.Truncate(2 * cell).Equal(at) {
			shift = 2
			moved++
		}
		if !same(before, now, shift) {
			t.Fatalf("after %d s, moved by %d:\n%s\n\n%s", s, shift, strings.Join(before, "\n"), strings.Join(now, "\n"))
		}
		before = now
	}
	if moved != 2 {
		t.Errorf("it moved %d times in two minutes, want 2", moved)
	}
}

func BenchmarkChart(b *testing.B) {
	c := charts()["fall"]
	b.ReportAllocs()
	for b.Loop() {
		c.Rows(78, 8, bare)
	}
}
