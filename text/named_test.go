package text

import (
	"strings"
	"testing"
)

// Where a name ends, where its value does, and what a value is that is no secret.
// A want of "" is a text that is shown as it is.
func TestNamedValues(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		// The name.
		{"password            = hunter2", "password            = [redacted]"}, // aligned, as in an .ini
		{`\"password\": \"hunter2\"`, `\"password\": \"[redacted]\"`},
		{"PASSWORD_0=hunter2 PASSWORD_9=hunter2", "PASSWORD_0=[redacted] PASSWORD_9=[redacted]"},
		{"AUTHORIZATION: Bearer abc", "AUTHORIZATION: [redacted]"},
		{"metaPass=hunter2", "metaPass=[redacted]"},
		{"registryAuth=hunter2", "registryAuth=[redacted]"},
		{"APIPass=hunter2", "APIPass=[redacted]"},
		{"APIPw=hunter2 dbPW=hunter2 mPW=hunter2 metaPW=hunter2", "APIPw=[redacted] dbPW=[redacted] mPW=[redacted] metaPW=[redacted]"},
		{"BYPASS=lane2", ""},
		{"db2Pass=hunter2", "db2Pass=[redacted]"},
		{"db-p.a.s.s.w.o.r.d=hunter2", "db-p.a.s.s.w.o.r.d=[redacted]"},
		{"assword=hunter2", ""},
		{"oauth=github", ""},
		{"mpw=12", ""},
		{"db_pw=hunter2", "db_pw=[redacted]"},
		{"https://a.example/x?msig=0123456789abcdef0123", ""},
		{"GITHUB_PAT=hunter2 spat=12", "GITHUB_PAT=[redacted] spat=12"},
		{"Kennwort: hunter2", "Kennwort: [redacted]"},
		{"API key: hunter2 b", "API key: [redacted] b"},
		{"access key = hunter", "access key = [redacted]"},
		{`secret key: "hunter"`, `secret key: "[redacted]"`},
		{"invalid API key: the account is closed", ""},
		{"the API key: closed", ""},
		{"rapi key: hunter2", ""},
		{"pw_db=hunter2", "pw_db=[redacted]"},
		{"tokenvalue=abc", "tokenvalue=[redacted]"},
		{"production=hunter2", ""},
		{"signature=abcdef", ""},
		{"_signature=abcdef", "_signature=[redacted]"},
		{"x-hub-signature: sha1=0a1b", "x-hub-signature: [redacted]"},

		// The separator, and no value behind it.
		{"password:: hunter2", "password:: [redacted]"},
		{"password=", ""},
		{"password:", ""},
		{"password: [", ""},
		{"password=,", ""},
		{"password: [hunter2]", "password: [[redacted]]"},

		// In prose an error goes on after the name. Where the value follows at once, or "=", it does not.
		{"invalid token: expired", ""},
		{"token:expired", "token:[redacted]"},
		{"token = expired", "token = [redacted]"},
		{`password: "expired"`, `password: "[redacted]"`},
		{"no token: azure zone", ""},
		{"no token: zone azure", ""},
		{"no token: got x", ""},
		{`no token: user "a" is unknown`, ""},
		{"token: hunter Two", "token: [redacted] Two"},
		{"token: hunter2 is refused", "token: [redacted] is refused"},
		{"token: " + strings.Repeat("k", 20) + " is refused", ""},
		{"token: " + strings.Repeat("k", 21) + " is refused", "token: [redacted] is refused"},
		{"token: hunter", "token: [redacted]"},
		{"token: hunter ", "token: [redacted] "},
		{"error getting credentials: exec: plugin failed", ""},
		{"credentials: hunter2", "credentials: [redacted]"},
		{"getting credentials=hunter2", "getting credentials=[redacted]"},
		{"getting token: hunter2", "getting token: [redacted]"},

		// Where an unquoted value ends, and what it may begin with.
		{`password=\hunter2 b`, `password=[redacted] b`},
		{"password=/hunter2", "password=[redacted]"},
		{"OLDPWD=/srv/app PWD=/srv", ""},
		{"PWD=hunter2", "PWD=[redacted]"},
		{"(password=hunter2), b", "(password=[redacted]), b"},
		{"password: [redacted], b", ""},
		{"password: [redacted]hunter2 b", "password: [redacted] b"},

		// Where a quoted one ends.
		{`{"password":"hunter2\\","user":"bob"}`, `{"password":"[redacted]","user":"bob"}`},
		{`{"password":"hun\\\"ter2","user":"bob"}`, `{"password":"[redacted]","user":"bob"}`},
		{`msg="{\"password\":\"hun\\\"ter2\",\"user\":\"bob\"}"`, `msg="{\"password\":\"[redacted]\",\"user\":\"bob\"}"`},
		{`password="hunter2`, `password="[redacted]`},
		{"password=\"hunter2\nuser=bob", "password=\"[redacted]\nuser=bob"},

		// Masks of other programs.
		{"password=xxx token=XXXX secret=****", ""},
		{"password=xx", "password=[redacted]"},

		// Where a secret is, but not which.
		{"password: ${P}", ""},
		{"password: $(P), b", ""},
		{`password: "${DB_PASSWORD}"`, ""},
		{"password: ${DB_PASSWORD:-hunter2}", "password: [redacted]}"},
		{"password: ${P}hunter2", "password: [redacted]"},
		{"password: ${P)", "password: [redacted])"},
		{"password: ${}", "password: [redacted]}"},
		{"password: ${hunter2", "password: [redacted]"},
		{"password: $hunter2", "password: [redacted]"},
		{"password: hunter(2)", "password: [redacted])"},
	} {
		checkRedact(t, tc.in, tc.want)
	}
}

// Names that say too little are secrets in their place only: a parameter of a URL, a
// long value, a URL, a login, a key of an annotation.
func TestValuesInTheirPlace(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"?key=0123456789abcdefghij", "?key=[redacted]"},
		{"?key=0123456789abcdefghi", ""},
		{"?code=0123456789abcdefghij&state=1", "?code=[redacted]&state=1"},
		{"key=0123456789abcdefghij", ""},
		{"https://a.example/x?token=&page=2", ""},
		{"https://a.example/x?token=abc#top", "https://a.example/x?token=[redacted]#top"},

		{"sessionid=0123456789abcdef", "sessionid=[redacted]"},
		{"sessionid=0123456789abcde", ""},
		{`{"sessionid":"0123456789abcdef"}`, `{"sessionid":"[redacted]"}`},
		{`{"sessionid":"0123456789abcde"}`, ""},

		{"webhook: https://chat.example/x", "webhook: [redacted]"},
		{"webhook: enabled", ""},
		{`{"webhook":"https://chat.example/x"}`, `{"webhook":"[redacted]"}`},
		{`{"webhook":"enabled"}`, ""},

		{`{"auth":"` + b64("me:abc") + `"}`, `{"auth":"[redacted]"}`},
		{`{"auth":"` + b64("me:ab") + `"}`, ""},
		{`{"auth":"` + b64(":hunter2") + `"}`, `{"auth":"[redacted]"}`}, // a token without a user
		{`{"auth":"` + b64("kubernetes") + `"}`, ""},
		{`{"auth":"` + b64("a\x00b:\x01\x02\x03") + `"}`, ""},
		{"auth: " + b64("me:größer")[:8], "auth: [redacted]"}, // cut off within a character
		{"{auth: " + b64("me:hunter2") + "}, b", "{auth: [redacted]}, b"},
		{"auth: kubernetes", ""},

		// A key of an annotation, or a path.
		{"vault.example.com/token: abc", "vault.example.com/token: [redacted]"},
		{"x vault.example.com/token: abc", "x vault.example.com/token: [redacted]"},
		{"x.y/token: abc", "x.y/token: [redacted]"},
		{strings.Repeat("a.", 126) + "a/token: abc", strings.Repeat("a.", 126) + "a/token: [redacted]"}, // as long as a domain may be
		{"/token: Permission denied", ""},
		{"secrets/token: Permission denied", ""},
		{".config/token: Permission denied", ""},
		{"/etc/app.d/token: Permission denied", ""},
		{"open https://vault.example.com/token: Forbidden", ""},

		// The name beside a value.
		{`{"name":"DB_PASSWORD","value":"hunter2"}`, `{"name":"DB_PASSWORD","value":"[redacted]"}`},
		{`{"kind":"DB_PASSWORD","value":"hunter2"}`, ""},
		{`"DB_PASSWORD","value":"hunter2"`, ""},
		{`{"name":"PORT","value":"80"}`, ""},
	} {
		checkRedact(t, tc.in, tc.want)
	}
}

// A header's credentials go to their last parameter, and no further.
func TestAuthorizationEnds(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"Authorization: Bearer x status=500", "Authorization: [redacted] status=500"},
		{"Authorization: Bearer", "Authorization: [redacted]"},
		{"Authorization: failed", ""},
		{"Authorization=failed", "Authorization=[redacted]"},
		{"Authorization: " + strings.Repeat("k", 20) + " hunter2 b", "Authorization: [redacted] b"},
		{"Authorization: " + strings.Repeat("k", 21) + " b", "Authorization: [redacted] b"},
		{"Authorization: AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=c status=403", "Authorization: [redacted] status=403"},
		{`Authorization: Digest username="", response="abc def" status=401`, "Authorization: [redacted] status=401"},
		{`Authorization: Digest username="a\"b c", response="d" status=401`, "Authorization: [redacted] status=401"},
		{`Authorization: Digest username="a b`, "Authorization: [redacted]"},
		{"Authorization: Digest username=\"a b\nHost: c", "Authorization: [redacted]\nHost: c"},
		{"Authorization: Digest username=", "Authorization: [redacted]"},
		{"Authorization: Digest  b", "Authorization: [redacted]  b"},
	} {
		checkRedact(t, tc.in, tc.want)
	}
}

// A value of several lines in YAML ends with the last line that stands further in than
// its key.
func TestBlocksOfYAML(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"password: |\n  hunter2", "password: |\n  [redacted]"},
		{"password: |\n  hunter2\n", "password: |\n  [redacted]\n"},
		{"password: |2-\n  hunter2\nuser: b", "password: |2-\n  [redacted]\nuser: b"},
		{"password: >+\n  hunter2\nuser: b", "password: >+\n  [redacted]\nuser: b"},
		{"a:\n password: |\n  hunter2\n\n  more\n user: b", "a:\n password: |\n  [redacted]\n user: b"},
		{"- password: |\n    hunter2\n  user: b", "- password: |\n    [redacted]\n  user: b"},
		{" ↵ password: | ↵   hunter2 ↵ user: b", " ↵ password: | ↵   [redacted] ↵ user: b"},
		{"a: b ↵ password: | ↵   hunter2 ↵ user: b", "a: b ↵ password: | ↵   [redacted] ↵ user: b"},
		{"a: b ↵   password: | ↵     hunter2 ↵   user: b", "a: b ↵   password: | ↵     [redacted] ↵   user: b"},
		// No block: a value that begins so, or one that is empty.
		{"password: |hunter2", "password: [redacted]"},
		{"password: >hunter2\n  b", "password: [redacted]\n  b"},
		{"password=|\n  b", "password=[redacted]\n  b"},
		{"password: |", ""},
		{"password: |\n", ""},
		{"password: |\nuser: b", ""},
	} {
		checkRedact(t, tc.in, tc.want)
	}
}

func checkRedact(t *testing.T, in, want string) {
	t.Helper()
	if want == "" {
		want = in
	}
	got := Redact(in)
	if got != want {
		t.Errorf("Redact(%q)\n got %q\nwant %q", in, got, want)
	}
	if again := Redact(got); again != got {
		t.Errorf("not idempotent: %q → %q → %q", in, got, again)
	}
}
