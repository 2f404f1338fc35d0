package metrics

import (
	"context"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"rollbook/model"
)

// sameForAll answers every question with the same bytes, but for the first of a
// round, by which it is known what time it is.
type sameForAll struct{ body string }

func (s sameForAll) RoundTrip(req *http.Request) (*http.Response, error) {
	body := s.body
	if strings.Contains(req.URL.Query().Get("query"), "time()") {
		body = vec(of("shop"), fakeNow.Unix()-1, "{}", fakeNow.Unix())(nil)
	}
	return &http.Response{StatusCode: 200, Header: http.Header{}, Request: req, Body: io.NopCloser(strings.NewReader(body))}, nil
}

// Whatever Prometheus answers, nothing panics, and no figure is something that
// a ratio, a latency or a count cannot be.
func FuzzAnswers(f *testing.F) {
	for _, s := range []string{
		`{"status":"success","data":{"resultType":"matrix","result":[{"metric":` + of("shop") + `,"values":[[1795489920,"594"],[1795489927,"1"]]},{"metric":` +
			of("shop", outLabel, "!") + `,"values":[[1795489920,"6"]]}]}}`,
		`{"status":"success","data":{"resultType":"vector","result":[{"metric":` + of("shop", upLabel, "1") + `,"value":[1795489927,"NaN"]}]}}`,
		`{"status":"success","data":{"resultType":"matrix","result":[{"metric":` + of("shop") + `,"values":[[1795489920,"+Inf"],[1795489920,"-1"]]}]}}`,
		`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1e308,"1"],[-1e300,"1e400"]]}]}}`,
		`{"status":"success","data":{"resultType":"matrix","result":[{"metric":` + of("shop") + `,"histograms":[[1795489920,{"count":"1","sum":"2","buckets":[[0,"0","1","1"]]}]]}]}}`,
		`{"status":"success","data":{"resultType":"scalar","result":[1795489927,"0.3"]}}`,
		`{"status":"success","data":["0.1","+Inf"]}`,
		`{"status":"success","data":{"resultType":"matrix","result":[]},"warnings":["\u001b[2J"]}`,
		`{"status":"error","errorType":"execution","error":"x"}`,
		`{}`, `{"data":null}`, ``, `[]`, `{"status":"success","data":{"resultType":"matrix","result":null}}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		c, err := New(Options{URL: "http://prom", RoundTripper: sameForAll{body}, ScrapeInterval: 15 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		own := shop()
		own.ID, own.Errors, own.P95, own.Requests = "own", "a", "b", "c"
		for range 2 {
			got, err := c.Poll(context.Background(), model.Poll{Targets: []model.Target{shop(), own}, Hold: time.Minute})
			if err != nil {
				t.Fatalf("the round as such: %v", err)
			}
			for id, fs := range got {
				fine(t, id+" errors", 1, fs.Errors.Now, fs.HoldErrors)
				fine(t, id, math.MaxFloat64, fs.P95.Now, fs.HoldP95, fs.Requests, fs.HoldRequests, fs.Up, fs.Targets)
				steps(t, fs.Errors, 1)
				steps(t, fs.P95, math.MaxFloat64)
			}
		}
		b, _ := c.Behaviour(context.Background(), shop(), []string{"shop-1"}, fakeNow)
		fine(t, "behaviour", 1, b["shop-1"].Errors)
		fine(t, "behaviour", math.MaxFloat64, b["shop-1"].P95, b["shop-1"].Requests)
		for _, l := range c.Check(context.Background(), []model.Target{shop(), own}) {
			if l.Err != nil && l.State != model.CheckBlocked {
				t.Errorf("%+v", l)
			}
		}
	})
}

func fine(t *testing.T, what string, most float64, rs ...model.Reading) {
	t.Helper()
	for _, r := range rs {
		switch {
		case r.Known && (math.IsNaN(r.Value) || r.Value < 0 || r.Value > most):
			t.Errorf("%s: %+v", what, r)
		case !r.Known && r.Why == "":
			t.Errorf("%s: unknown without a reason", what)
		case !utf8.ValidString(r.Why) || strings.ContainsFunc(r.Why, unicode.IsControl):
			t.Errorf("%s: why %q", what, r.Why)
		}
	}
}

func steps(t *testing.T, f model.Figure, most float64) {
	t.Helper()
	for i, s := range f.Samples {
		if math.IsNaN(s.V) || s.V < 0 || s.V > most || i > 0 && !s.At.After(f.Samples[i-1].At) {
			t.Fatalf("sample %d: %+v", i, s)
		}
	}
}
