package metrics

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"rollbook/model"
)

func TestOwnChecks(t *testing.T) {
	limit := 0.5
	refused := canned{words: []string{"broken("}, status: http.StatusBadRequest, body: func(url.Values) string {
		return `{"status":"error","errorType":"bad_data","error":"parse error"}`
	}}
	f := (&fake{t: t}).
		on(vec(labels("a", "1"), 0.2, labels("a", "2"), 0.7), "queue_length[1m]").
		on(vec(), "nothing").
		on(vec("{}", "NaN"), "undefined")
	f.answers = append(f.answers, refused)
	target := shop()
	target.Promql = []model.OwnCheck{
		{Name: "most", Query: "max_over_time(queue_length[$window])", Max: &limit},
		{Name: "least", Query: "min_over_time(queue_length[$window])", Min: &limit},
		{Name: "none", Query: "nothing", Max: &limit},
		{Name: "nan", Query: "undefined", Max: &limit},
		{Name: "bad", Query: "broken(", Max: &limit},
	}
	got := f.client(t).Own(context.Background(), target)
	if len(got) != len(target.Promql) {
		t.Fatalf("%d answers", len(got))
	}
	if r := got[0].Reading; got[0].Name != "most" || !r.Known || r.Value != 0.7 || r.At.IsZero() {
		t.Errorf("the largest: %+v", got[0])
	}
	if r := got[1].Reading; !r.Known || r.Value != 0.2 || !strings.Contains(r.Query, "[1m]") {
		t.Errorf("the least: %+v", got[1])
	}
	for n, why := range map[int]string{2: "no series", 3: "NaN", 4: "parse error"} {
		if r := got[n].Reading; r.Known || !strings.Contains(r.Why, why) {
			t.Errorf("%s: %+v", got[n].Name, r)
		}
	}
}

func TestOwnQueriesGetTheirWindow(t *testing.T) {
	f := healthy(t, 0)
	f.answers = append([]canned{{words: []string{"my_errors[1m]"}, status: http.StatusOK, body: mat("{}", 0.07)}}, f.answers...)
	target := shop()
	target.Errors = "sum(rate(my_errors[$window]))"
	got, err := ask(f.client(t), 0, target)
	if err != nil {
		t.Fatal(err)
	}
	if r := got["shop"].Errors.Now; !r.Known || r.Value != 0.07 {
		t.Errorf("%+v", r)
	}
}
