package text

import (
	"strings"
	"testing"
)

// Forms in which settings are written without the sign that tells of a value elsewhere, and
// what looks like them and is shown as it is: a want of "".
func TestSettingsWithoutASign(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		// A .netrc, on one line and over several.
		{"machine h login u password horse", "machine h login u password [redacted]"},
		{"machine h password horse login u", "machine h password [redacted] login u"},
		{"default login u password horse", "default login u password [redacted]"},
		{"machine h\n\tlogin u\n\tpassword horse\nmachine i login v password ox", "machine h\n\tlogin u\n\tpassword [redacted]\nmachine i login v password [redacted]"},
		{"machine h ↵   login u ↵   password horse", "machine h ↵   login u ↵   password [redacted]"},
		{`{"netrc":"machine h login u password horse"}`, `{"netrc":"machine h login u password [redacted]"}`},
		{"machine h login u account a password x1", "machine h login u account a password [redacted]"},
		{"login u password horse", ""},
		{"the machine is up password reset requested", ""},
		{"default password policy", ""},
		{"password reset requested", ""},

		// Lists.
		{`{"tokens":["x"]}`, `{"tokens":["[redacted]"]}`},
		{`{"tokens":["x","y"],"n":1}`, `{"tokens":["[redacted]"],"n":1}`},
		{`{"api_keys": ["x", "y"]}`, `{"api_keys": ["[redacted]"]}`},
		{`msg="{\"tokens\":[\"x\",\"y\"],\"n\":1}"`, `msg="{\"tokens\":[\"[redacted]\"],\"n\":1}"`},
		{`{"Authorization":["Bearer abc"],"Accept":["a","b"]}`, `{"Authorization":["[redacted]"],"Accept":["a","b"]}`},
		{`{"password":["x","y"]}`, `{"password":["[redacted]"]}`},
		{`{"secrets":["S3cr3t-Value"]}`, `{"secrets":["[redacted]"]}`},
		{`{"secrets":["api-tls"]}`, ""},
		{`{"tokens":[512,3]}`, ""},
		{`{"tokens":"512"}`, ""},
		{"tokens=512 max_tokens: 3", ""},
		{`{"users":["x"]}`, ""},

		// Redis.
		{"requirepass x", "requirepass [redacted]"},
		{"requirepass horse\nmaxmemory 1", "requirepass [redacted]\nmaxmemory 1"},
		{"masterauth horse ↵ port 6379", "masterauth [redacted] ↵ port 6379"},
		{"CONFIG SET requirepass horse", "CONFIG SET requirepass [redacted]"},
		{`config set requirepass "horse" now`, `config set requirepass "[redacted]" now`},
		{"redis-server --requirepass horse --port 6379", "redis-server --requirepass [redacted] --port 6379"},
		{"requirepass=horse", "requirepass=[redacted]"},
		{"requirepass option is missing", ""},
		{"the requirepass directive", "the requirepass [redacted]"}, // the last word: it may be one

		// XML.
		{`<property name="password">x</property>`, `<property name="password">[redacted]</property>`},
		{`<property name="password">x<`, ""}, // no element: it may go on as anything
		{`<entry key='db.password' type="s">x</entry>`, `<entry key='db.password' type="s">[redacted]</entry>`},
		{`<string id="api_key">x</string>`, `<string id="api_key">[redacted]</string>`},
		{`<property name="password" value="x"/>`, `<property name="password" value="[redacted]"/>`},
		{`<property name="user">x</property>`, ""},
		{`<property name="password"></property>`, ""},

		// Variables.
		{"STRIPE_KEY=x", "STRIPE_KEY=[redacted]"},
		{`{"STRIPE_KEY":"x"}`, `{"STRIPE_KEY":"[redacted]"}`},
		{"STRIPE_KEY_2: x", "STRIPE_KEY_2: [redacted]"},
		{"DJANGO_KEY_OLD=x", "DJANGO_KEY_OLD=[redacted]"},
		{"primary_key=id", ""},
		{"PRIMARY_KEY=id", ""},
		{"RABBITMQ_ROUTING_KEY=orders", ""},
		{"SSH_PUBLIC_KEY=ssh-ed25519", ""},
		{"KEY=value", ""},
		{"_KEY=value", ""},
		{"stripe_key=pk", ""},
		{"author=maria", ""},
		{"MONKEY=banana", ""},

		// A parameter, and an arrow.
		{"GET /a.json?auth=x&page=2", "GET /a.json?auth=[redacted]&page=2"},
		{"GET /login?auth=basic", ""},
		{"auth=x", ""},
		{"password -> x", "password -> [redacted]"},
		{`"token" -> "x"`, `"token" -> "[redacted]"`},
		{"DB_PASSWORD -> horse, PORT -> 80", "DB_PASSWORD -> [redacted], PORT -> 80"},
		{"user -> maria", ""},
		{"token->next == nil", ""},
		{"password -> is missing", ""},
		{"token bucket is empty", ""},
	} {
		checkRedact(t, tc.in, tc.want)
	}
}

// An entry of a .netrc is found over the lines of a log; what comes after it is not.
func TestStreamMasksANetrc(t *testing.T) {
	in := []string{"password changed", "machine h", "  login u", "  password horse", "", "password horse", "default", "login u password horse", "done", "password changed"}
	want := []string{"password changed", "machine h", "  login u", "  password " + Mask, "", "password horse", "default", "login u password " + Mask, "done", "password changed"}
	var s Stream
	var got []string
	for _, l := range in {
		got = append(got, s.Line(l))
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}
