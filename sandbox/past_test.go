package sandbox

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"rollbook/sandbox/store"
)

// What a scenario looks like at its opening depends on its file and the seed
// alone, not on how its past is made up: each object with its versions, times
// and owners of fields, the samples, targets, rules and alerts. UPDATE_GOLDEN=1
// writes the sums anew, for a change of the shop or of how the cluster behaves.
func TestGoldenOpening(t *testing.T) {
	for _, c := range []struct {
		scenario string
		seed     uint64
	}{{"crash-loop", 1}, {"two-bad-releases", 2}, {"no-pod-left", 3}, {"healed", 4}} {
		t.Run(c.scenario, func(t *testing.T) {
			t.Parallel()
			got := summary(t, openSeeded(t, c.scenario, c.seed))
			path := filepath.Join("testdata", "opening", c.scenario+".txt")
			if os.Getenv("UPDATE_GOLDEN") != "" {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("seed %d opens otherwise than it did\n--- got\n%s--- want\n%s", c.seed, got, want)
			}
		})
	}
}

// summary is a line for each kind of thing: how many there are, and a sum over
// all that is in them.
func summary(t *testing.T, o *opened) string {
	t.Helper()
	var out strings.Builder
	line := func(what string, n int, sum hash.Hash) {
		fmt.Fprintf(&out, "%-45s %6d  %x\n", what, n, sum.Sum(nil)[:8])
	}
	for _, r := range store.Resources {
		sum := sha256.New()
		all, version := o.store.List(r.GR(), "")
		if len(all) == 0 {
			continue
		}
		fmt.Fprintln(sum, version)
		for _, x := range all {
			text, err := json.Marshal(x.Object)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(sum, "%s\n", text)
		}
		line(r.GR().String(), len(all), sum)
	}
	sum := sha256.New()
	pods := o.sim.Pods()
	if err := json.NewEncoder(sum).Encode(pods); err != nil {
		t.Fatal(err)
	}
	line("pods' behaviour", len(pods), sum)
	sum = sha256.New()
	line("samples of the last ten minutes", samples(t, o, "10m", sum), sum)
	sum = sha256.New()
	line("values of the hour, minute by minute", samples(t, o, "1h:1m", sum), sum)
	for _, path := range []string{"/api/v1/alerts", "/api/v1/rules", "/api/v1/targets"} {
		sum := sha256.New()
		text := fraction.ReplaceAllFunc(asked(t, o, path), func(number []byte) []byte { return rounded(t, string(number)) })
		sum.Write(text)
		line(path, len(text), sum)
	}
	return out.String()
}

// fraction is a number that may have many digits.
var fraction = regexp.MustCompile(`[0-9]+\.[0-9]+(e[-+][0-9]+)?`)

// rounded is a number with six digits: the last ones of a result differ between
// processors.
func rounded(t *testing.T, number string) []byte {
	t.Helper()
	f, err := strconv.ParseFloat(number, 64)
	if err != nil {
		t.Fatal(err)
	}
	return strconv.AppendFloat(nil, f, 'g', 6, 64)
}

// samples writes what all series were in a window, one after the other, and
// returns how many samples that are.
func samples(t *testing.T, o *opened, window string, to hash.Hash) (n int) {
	t.Helper()
	var answer struct {
		Data struct {
			Result []struct {
				Metric map[string]string
				Values [][2]any
			}
		}
	}
	query := url.Values{"query": {`{__name__=~".+"}[` + window + `]`}, "time": {strconv.FormatInt(o.now.Unix(), 10)}}
	if err := json.Unmarshal(asked(t, o, "/api/v1/query?"+query.Encode()), &answer); err != nil {
		t.Fatal(err)
	}
	byName := map[string][][2]any{}
	for _, s := range answer.Data.Result {
		byName[fmt.Sprint(s.Metric)] = s.Values
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		fmt.Fprintln(to, name)
		for _, v := range byName[name] {
			fmt.Fprintf(to, "%v %s\n", v[0], rounded(t, v[1].(string)))
		}
		n += len(byName[name])
	}
	return n
}

// asked is Prometheus' answer to a GET.
func asked(t *testing.T, o *opened, path string) []byte {
	t.Helper()
	w := httptest.NewRecorder()
	o.prom.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	return w.Body.Bytes()
}
