package metrics

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"rollbook/model"
)

// fake answers the API without a socket. A question that no answer begins for
// is a test's failure.
type fake struct {
	t       testing.TB
	mu      sync.Mutex
	answers []canned // the first whose words are all in the query
	asked   []url.Values
	methods map[string]int
}

type canned struct {
	words  []string
	status int
	body   func(q url.Values) string
}

// fakeNow is the server's time in all tests with a fake.
var fakeNow = time.Date(2026, 11, 24, 3, 12, 7, 0, time.UTC)

func (f *fake) on(body func(url.Values) string, words ...string) *fake {
	f.answers = append(f.answers, canned{words, http.StatusOK, body})
	return f
}

func (f *fake) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	q := req.URL.Query()
	q.Set("path", req.URL.Path)
	if f.methods == nil {
		f.methods = map[string]int{}
	}
	f.methods[req.Method]++
	f.asked = append(f.asked, q)
	all := q.Get("query") + " " + req.URL.Path
	for _, a := range f.answers {
		hit := true
		for _, w := range a.words {
			hit = hit && strings.Contains(all, w)
		}
		if hit {
			return &http.Response{StatusCode: a.status, Header: http.Header{"Content-Type": {"application/json"}}, Request: req,
				Body: io.NopCloser(strings.NewReader(a.body(q)))}, nil
		}
	}
	f.t.Errorf("unexpected: %s %s", req.Method, req.URL)
	return nil, io.ErrUnexpectedEOF
}

// vec is an instant answer at fakeNow: labels as JSON, value.
func vec(pairs ...any) func(url.Values) string {
	return func(url.Values) string {
		var rs []string
		for i := 0; i < len(pairs); i += 2 {
			rs = append(rs, fmt.Sprintf(`{"metric":%s,"value":[%d,"%v"]}`, pairs[i], fakeNow.Unix(), pairs[i+1]))
		}
		return `{"status":"success","data":{"resultType":"vector","result":[` + strings.Join(rs, ",") + `]}}`
	}
}

// mat is a range answer with the same value at each step, or what a func(t) says; to
// an instant's question its value at that time.
func mat(pairs ...any) func(url.Values) string {
	return func(q url.Values) string {
		if !q.Has("start") {
			at, _ := strconv.ParseFloat(q.Get("time"), 64)
			now := slices.Clone(pairs)
			for i := 1; i < len(now); i += 2 {
				if f, ok := now[i].(func(time.Time) string); ok {
					now[i] = f(time.Unix(int64(at), 0).UTC())
				}
			}
			return vec(now...)(q)
		}
		start, _ := strconv.ParseFloat(q.Get("start"), 64)
		end, _ := strconv.ParseFloat(q.Get("end"), 64)
		step, _ := strconv.ParseFloat(q.Get("step"), 64)
		var rs []string
		for i := 0; i < len(pairs); i += 2 {
			var vs []string
			for t := start; t <= end; t += step {
				v := pairs[i+1]
				if f, ok := v.(func(time.Time) string); ok {
					if v = f(time.Unix(int64(t), 0).UTC()); v == "" {
						continue
					}
				}
				vs = append(vs, fmt.Sprintf(`[%.3f,"%v"]`, t, v))
			}
			rs = append(rs, fmt.Sprintf(`{"metric":%s,"values":[%s]}`, pairs[i], strings.Join(vs, ",")))
		}
		return `{"status":"success","data":{"resultType":"matrix","result":[` + strings.Join(rs, ",") + `]}}`
	}
}

// noSeries is an answer without a series, to a question for raw samples.
func noSeries() func(url.Values) string {
	return func(url.Values) string { return `{"status":"success","data":{"resultType":"matrix","result":[]}}` }
}

func labels(kv ...string) string {
	m := map[string]string{}
	for i := 0; i < len(kv); i += 2 {
		m[kv[i]] = kv[i+1]
	}
	b, _ := json.Marshal(m)
	return string(b)
}

// of is the labels of a Deployment's series in prod.
func of(name string, more ...string) string {
	return labels(append([]string{"namespace", "prod", byLabel, "Deployment/" + name}, more...)...)
}

// healthy answers for a Deployment "shop": 600 requests a minute, 1 % errors, 200 ms.
func healthy(t testing.TB, age time.Duration) *fake {
	f := &fake{t: t}
	newest := fakeNow.Add(-age)
	return f.on(vec(of("shop", "pod", "shop-7c9f5d8-2kq4x"), newest.Unix(), "{}", fakeNow.Unix()), "timestamp(").
		on(vec(of("shop", upLabel, "1"), 2), "count_values").
		on(vec("{}", fakeNow.Unix()), serverTime).
		on(noSeries(), "ALERTS{").
		on(mat(of("shop", outLabel, "="), 594, of("shop", outLabel, "!"), 6), "increase(").
		on(mat(of("shop"), 0.2), "histogram_quantile(0.95").
		on(func(url.Values) string { return `{"status":"success","data":["0.1","0.25","0.5","+Inf"]}` }, "/label/le/values")
}

func (f *fake) client(t testing.TB, change ...func(*Options)) *Client {
	t.Helper()
	opt := Options{URL: "http://prom:9090", RoundTripper: f, ScrapeInterval: 15 * time.Second}
	for _, c := range change {
		c(&opt)
	}
	c, err := New(opt)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func shop() model.Target {
	return model.Target{ID: "shop", Workload: model.Workload{Kind: model.Deployment, Namespace: "prod", Name: "shop"}}
}

func ask(c *Client, hold time.Duration, targets ...model.Target) (map[string]*model.Figures, error) {
	return c.Poll(context.Background(), model.Poll{Targets: targets, Hold: hold})
}
