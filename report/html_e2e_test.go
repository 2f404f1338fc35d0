//go:build e2e

package report

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// measured lists in the page's own words which labels of its charts are outside of them
// or over each other, as the browser has drawn them.
const measured = `<script>
addEventListener("load", () => {
  const out = [];
  for (const svg of document.querySelectorAll("svg")) {
    const all = [...svg.querySelectorAll("text")].map(t => ({ words: t.textContent, box: t.getBBox() }));
    const view = svg.viewBox.baseVal;
    all.forEach((a, n) => {
      if (a.box.x < 0 || a.box.y < 0 || a.box.x + a.box.width > view.width || a.box.y + a.box.height > view.height) out.push("outside: " + a.words);
      for (const b of all.slice(n + 1))
        if (a.box.x < b.box.x + b.box.width && b.box.x < a.box.x + a.box.width && a.box.y + 3 < b.box.y + b.box.height && b.box.y + 3 < a.box.y + a.box.height)
          out.push("over each other: " + a.words + " and " + b.words);
    });
    out.push("labels: " + all.length);
  }
  document.title = "measured " + out.join("; ");
});
</script>`

// browsersOwn is where Chromium turns to by itself: for its dictionaries and updates.
var browsersOwn = regexp.MustCompile(`^https?://([a-z0-9.-]+\.)?(google|googleapis|gstatic|gvt1)\.com/`)

// A real browser opens the page: nothing is fetched, nothing is complained of, and the
// labels of the charts stay inside and apart.
func TestHTMLInABrowser(t *testing.T) {
	dir := t.TempDir()
	open := func(name, page string) (dom, said string) {
		t.Helper()
		file := filepath.Join(dir, name+".html")
		if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		log := filepath.Join(dir, name+".net.json")
		cmd := exec.CommandContext(ctx, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
			"--disable-component-update", "--user-data-dir="+filepath.Join(dir, name), "--log-net-log="+log, "--enable-logging=stderr", "--screenshot="+filepath.Join(dir, name+".png"),
			"--window-size=960,1400", "--dump-dom", "file://"+file)
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		if err := cmd.Run(); err != nil {
			t.Fatalf("chromium: %v\n%s", err, errs.String())
		}
		return out.String(), errs.String()
	}
	at := func(m int) time.Time { return t0.Add(time.Duration(m) * time.Minute) }
	series := []model.Series{errorsOf("backend-python"), errorsOf("frontend")}
	c := drawChart(series, append(someMarks(), Mark{At: at(-10), Kind: "release", Text: "a-component-with-a-rather-long-name-indeed 2026.11.22-7-g1a2b3c4d5e6f"}), at(-60), at(0))
	page := func(script string) string {
		var b strings.Builder
		if err := pageTemplate().Execute(&b, struct {
			Data
			Charts []chart
		}{dataOf(t, "rolled-back"), []chart{c}}); err != nil {
			t.Fatal(err)
		}
		if script == "" {
			return b.String()
		}
		whole := regexp.MustCompile(`<meta http-equiv="Content-Security-Policy"[^>]*>`).ReplaceAllString(b.String(), "")
		return strings.Replace(whole, "</body>", script+"</body>", 1)
	}
	dom, said := open("page", page(""))
	if !strings.Contains(dom, "<h2>What happened</h2>") || strings.Contains(said, "CONSOLE") {
		t.Errorf("the browser says:\n%s", said)
	}
	net, err := os.ReadFile(filepath.Join(dir, "page.net.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`"url":"(https?://[^"]*)"`).FindAllStringSubmatch(string(net), -1) {
		if !browsersOwn.MatchString(m[1]) {
			t.Errorf("the page fetches %s", m[1])
		}
	}
	dom, _ = open("measured", page(measured))
	title := regexp.MustCompile(`<title>(measured [^<]*)</title>`).FindStringSubmatch(dom)
	if title == nil || !strings.Contains(title[1], "labels: ") || strings.Contains(title[1], "outside") || strings.Contains(title[1], "over each other") {
		t.Errorf("the charts' labels: %q", title)
	}
	if info, err := os.Stat(filepath.Join(dir, "page.png")); err != nil || info.Size() < 10_000 {
		t.Errorf("no picture of it: %v", err)
	}
}
