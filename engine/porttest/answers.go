package porttest

import (
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

// Answer replaces the answer of the service to a write by one that a proxy or a login
// page on the way might give.
type Answer struct {
	Code   int
	Header map[string]string
	Body   string
}

// foreignAnswer: a login page, a proxy's empty object, somebody else's object. And no
// redirect is followed: it would take the credentials along.
func foreignAnswer(t *testing.T, x *Trial) {
	before, p := x.State(t), x.plan(t)
	elsewhere := map[string]string{"Location": "http://elsewhere.invalid/login"}
	sent := 0
	for _, a := range []Answer{
		{Code: 301, Header: elsewhere}, {Code: 302, Header: elsewhere}, {Code: 303, Header: elsewhere}, {Code: 307, Header: elsewhere}, {Code: 308, Header: elsewhere},
		{Code: 200, Body: "{}"}, {Code: 200, Body: "<html>Please log in</html>"}, {Code: 200, Body: ""}, {Code: 200, Body: "null"},
		{Code: 200, Body: `{"kind":"Status","apiVersion":"v1","status":"Success"}`},
		{Code: 200, Body: `{"kind":"Deployment","apiVersion":"apps/v1","metadata":{"name":"other","uid":"u","resourceVersion":"999999"},"spec":{"template":{}}}`},
		{Code: 200, Body: `{"kind":"Pod","apiVersion":"v1","metadata":{"name":"other-1","uid":"u","resourceVersion":"999999"}}`},
		{Code: 502, Body: "<html>Bad Gateway</html>"},
	} {
		x.Wire.Instead(a)
		x.fails(t, x.Method, p, model.ErrLost)
		sent++
		if n := x.Wire.Writes(); n != sent {
			t.Errorf("%d %s: %d writes were sent, want %d", a.Code, a.Body, n, sent)
		}
		x.unchanged(t, before)
		x.look(t, x.Method, p, model.SettledNot)
	}
	if _, err := x.Method.Do(limited(t), p, nothingTold); err != nil {
		t.Errorf("the same plan after that: %v", err)
	}
	x.look(t, x.Method, p, model.SettledDone)
}

func overloaded(t *testing.T, x *Trial) {
	p := x.plan(t)
	x.Wire.Instead(Answer{Code: 429, Header: map[string]string{"Retry-After": "2"}, Body: "Too many requests, please try again later."})
	begun, said := time.Now(), ""
	if _, err := x.Method.Do(limited(t), p, func(now model.Progress) { said += now.Text }); err != nil {
		t.Fatal(err)
	}
	if waited := time.Since(begun); waited < 2*time.Second || !strings.Contains(said, "429") || x.Wire.Writes() != max(1, x.Sends)+1 {
		t.Errorf("done after %s with %d writes; told was %q", waited, x.Wire.Writes(), said)
	}
	x.look(t, x.Method, p, model.SettledDone)
}
