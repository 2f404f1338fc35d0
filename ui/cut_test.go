package ui

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"rollbook/incident"
	"rollbook/model"
)

// cutHere stands where the pen cut something, as no text does.
const cutHere = "‥"

// mayBeCut are the rows that are cut though there is room below: those of tables whose
// columns would be torn apart, and what of them is cut stands whole elsewhere.
var mayBeCut = []*regexp.Regexp{
	regexp.MustCompile(`^(▸ )?\S+ +\d/\d [✓✗·].* ` + "\\?" + ` .*` + cutHere), // the board: beside the component in focus, its details
	regexp.MustCompile(`^(▸ )?\S+ +\? .*` + cutHere + `$`),
	regexp.MustCompile(cutHere + ` +\?$`),                                                // likewise, the end of a row
	regexp.MustCompile(`^COMPONENT +PODS .*⚠ `),                                          // the board's head: likewise
	regexp.MustCompile(`^▸?✓? ?\S+ +\d+  (now )?([✗★·?] [a-z ]+)? .*(gitlab-ci|jonas) `), // Choose: the marked version's cause stands below
	regexp.MustCompile(`^▸? ?\[[-x>]\] (waived|done|to do) `),                            // Close: d shows an item's reason
	regexp.MustCompile(`^▸? ?\[[x ]\] \S+  \S+ → .*` + cutHere + `$`),                    // Choose: when a component changed stands on Assess
	regexp.MustCompile(`^\S+ schema \S+ → \S+` + cutHere + `$`),                          // a heading of two schemas: the plan's title names both
	regexp.MustCompile(`^logger=.* ` + cutHere + `$`),                                    // logs: w shows a whole line
}

// wordy is a text of nine lines at 80 columns, as servers and proxies write them.
var wordy = `failed to list <unspecified>: Get "https://10.0.0.1:6443/api/v1/namespaces/production/pods?limit=500&resourceVersion=0": ` +
	strings.Repeat("proxyconnect tcp: dial tcp 127.0.0.1:3128: connect: connection refused; ", 6) + "the end"

// wordyFixtures are pages on which something has more to say than a line or two.
func wordyFixtures() []fixture {
	on := func(name string, s *incident.Snapshot, change func(s *incident.Snapshot, c *model.Component)) fixture {
		return fixture{name: name, snap: with(s, func(s *incident.Snapshot) { change(s, s.Seen.Board[1]) })}
	}
	return []fixture{
		on("wordy-pods", filled(), func(_ *incident.Snapshot, c *model.Component) { c.Pods, c.PodsNo = nil, wordy }),
		on("wordy-stuck", filled(), func(_ *incident.Snapshot, c *model.Component) { c.Stuck, c.StuckSince = wordy, ago(time3) }),
		on("wordy-missing", filled(), func(_ *incident.Snapshot, c *model.Component) { c.Missing = wordy }),
		on("wordy-owner", filled(), func(_ *incident.Snapshot, c *model.Component) {
			c.Owners = []model.Owner{{Manager: "Argo CD", Name: wordy, Reverts: true}}
		}),
		on("wordy-hint", filled(), func(_ *incident.Snapshot, c *model.Component) { c.Hints = []string{wordy} }),
		on("wordy-figures", filled(), func(s *incident.Snapshot, _ *model.Component) {
			s.Seen.Figures["backend-python"] = &model.Figures{Errors: model.Figure{Now: model.Unknown("q", "%s", wordy)}, P95: model.Figure{Now: model.Unknown("q", "%s", wordy)}}
		}),
		on("wordy-metrics", filled(), func(s *incident.Snapshot, _ *model.Component) { s.Seen.Figures, s.Seen.Metrics.Err = nil, wordy }),
		on("wordy-lost", filled(), func(s *incident.Snapshot, _ *model.Component) {
			s.Seen.Cluster.Heard, s.Seen.Cluster.Err = ago(time3), wordy
		}),
		on("wordy-connecting", filled(), func(s *incident.Snapshot, _ *model.Component) {
			s.Seen.Board, s.Seen.Cluster = nil, model.Connection{To: "10.0.0.1:6443", Trying: ago(time3), Err: wordy}
		}),
		on("wordy-forbidden", filled(), func(s *incident.Snapshot, _ *model.Component) { s.Seen.Board, s.Seen.Identity.ListPods = nil, wordy }),
		on("wordy-decide", opened(), func(s *incident.Snapshot, _ *model.Component) {
			s.Seen.Figures["frontend"] = &model.Figures{Errors: model.Figure{Now: model.Unknown("q", "%s", wordy)}, P95: model.Figure{Now: model.Unknown("q", "%s", wordy)}}
		}),
		on("wordy-history", chosen(), func(s *incident.Snapshot, _ *model.Component) {
			s.Seen.History[python] = &model.History{Component: "backend-python", Method: undo, Err: wordy}
		}),
		on("wordy-check", checked(model.Check{ID: "owner", State: model.CheckBlocked, Text: wordy, Do: wordy}), func(*incident.Snapshot, *model.Component) {}),
		on("wordy-rollback", rolling(), func(s *incident.Snapshot, _ *model.Component) {
			s.Seen.Progress[undoing] = model.Progress{Phase: model.PhaseRunning, Text: wordy, Share: .3}
		}),
		on("wordy-refused", rolling(), func(s *incident.Snapshot, _ *model.Component) {
			w := &s.Incident.Attempts[0].Writes[0]
			w.State, w.Err = incident.Failed, wordy
		}),
		on("wordy-verify", verifying(), func(s *incident.Snapshot, _ *model.Component) {
			f := *s.Seen.Figures["backend-python"]
			f.P95.Now = model.Unknown("q", "%s", wordy)
			s.Seen.Figures["backend-python"] = &f
		}),
	}
}

const time3 = 3 * 60 * 1e9

// No sentence is cut on any page at any size while rows below it are free, but in tables.
func TestNothingIsCutBesideFreeRows(t *testing.T) {
	for _, f := range append(fixtures(), wordyFixtures()...) {
		for _, size := range [][2]int{{80, 24}, {120, 40}, {200, 50}} {
			a := screen(t, f, size[0], size[1], dark)
			a.pen.more = cutHere
			for _, cut := range cuts(a) {
				named := false
				for _, re := range mayBeCut {
					named = named || re.MatchString(cut)
				}
				if !named {
					t.Errorf("%s at %d×%d: %q\n%s", f.name, size[0], size[1], cut, ansi.Strip(a.Frame()))
				}
			}
		}
	}
}

// cuts returns what is cut in a frame though rows below it are free: those at the end of
// its column, or more of them than stand between two parts of a page.
func cuts(a *App) (out []string) {
	lines, bounds := strings.Split(ansi.Strip(a.Frame()), "\n"), []int{0}
	body := lines[3 : len(lines)-len(a.bottom(a.w))]
	for _, w := range widths(a.w) {
		bounds = append(bounds, bounds[len(bounds)-1]+w+3)
	}
	if n := len(a.over); n > 0 { // it lies over the page
		w, h := a.boxSize(a.over[n-1], len(body))
		body, bounds = a.over[n-1].View(w-2, h-2), []int{0, w + 1}
		for len(body) < h-2 {
			body = append(body, "")
		}
	}
	free := 0
	for n := range len(bounds) - 1 {
		blank, end := 0, true
		free = 0
		for y := len(body) - 1; y >= 0; y-- {
			cell := strings.TrimSpace(ansi.Cut(ansi.Strip(body[y]), bounds[n], bounds[n+1]-3))
			if cell == "" {
				blank++
				continue
			}
			if end || blank > 1 {
				free += blank
			}
			blank, end = 0, false
			if strings.Contains(cell, cutHere) && free > 0 {
				out = append(out, cell)
			}
		}
	}
	for _, l := range lines[len(lines)-len(a.bottom(a.w)):] {
		if len(a.over) == 0 && strings.HasSuffix(strings.TrimRight(l, " "), cutHere) && free > 2 && len(a.bottom(a.w)) < 4 {
			out = append(out, fmt.Sprintf("the sentence: %s", l))
		}
	}
	return out
}
