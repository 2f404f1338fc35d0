package text

import (
	"encoding/base64"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW0ifQ.c2lnbmF0dXJl"
	pem = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA1\nq83vEjRWeJA=\n-----END RSA PRIVATE KEY-----"
)

func TestRedact(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		// Names.
		{"password=hunter2", "password=[redacted]"},
		{"password=hunter2 user=bob", "password=[redacted] user=bob"},
		{"PASSWORD: hunter2", "PASSWORD: [redacted]"},
		{"DB_PASSWORD=hunter2", "DB_PASSWORD=[redacted]"},
		{"PASSWORD_2=hunter2", "PASSWORD_2=[redacted]"},
		{"dbPass = 'hunter2'", "dbPass = '[redacted]'"},
		{`{"password":"hunter2","user":"bob"}`, `{"password":"[redacted]","user":"bob"}`},
		{`{"password": "hun\"ter2"}`, `{"password": "[redacted]"}`},
		{`msg="{\"password\":\"hunter2\",\"n\":1}"`, `msg="{\"password\":\"[redacted]\",\"n\":1}"`},
		{"{'token': 'abc'}", "{'token': '[redacted]'}"},
		{"map[password:hunter2 user:bob]", "map[password:[redacted] user:bob]"},
		{"{user=bob, password=hunter2, host=a}", "{user=bob, password=[redacted], host=a}"},
		{`config["api_key"] = "abc123"`, `config["api_key"] = "[redacted]"`},
		{`:secret => "abc"`, `:secret => "[redacted]"`},
		{"token := abcdef", "token := [redacted]"},
		{"token: abc.", "token: [redacted]."},
		{"apiKey=abc", "apiKey=[redacted]"},
		{"client_secret=abc&grant_type=x", "client_secret=[redacted]"},
		{"aws_secret_access_key = wJalrXUtnFEMI/K7MDENG", "aws_secret_access_key = [redacted]"},
		{"x-auth: abc", "x-auth: [redacted]"},
		{"//registry.example/:_authToken=abc", "//registry.example/:_authToken=[redacted]"},
		{"AccountName=a;AccountKey=abc==;EndpointSuffix=x", "AccountName=a;AccountKey=[redacted]"},
		{"Server=db;User=u;Password=p w;Encrypt=true", "Server=db;User=u;Password=[redacted] w;Encrypt=true"},
		{"host=db user=u password=hunter2 dbname=shop", "host=db user=u password=[redacted] dbname=shop"},
		{"PGPASSWORD=hunter2 psql", "PGPASSWORD=[redacted] psql"},
		{"tls.key: LS0tLS1CRUdJTiBQ", "tls.key: [redacted]"},
		{"kubectl --token abc get pods", "kubectl --token [redacted] get pods"},
		{"app --db-password 'a b' --verbose", "app --db-password '[redacted]' --verbose"},
		{"app --password=abc -v", "app --password=[redacted] -v"},
		// Headers.
		{"PRIVATE-TOKEN: abc123", "PRIVATE-TOKEN: [redacted]"},
		{"X-Api-Key: abc123", "X-Api-Key: [redacted]"},
		{"Authorization: Bearer abc status=500", "Authorization: [redacted] status=500"},
		{"Authorization: abc123==", "Authorization: [redacted]"},
		{"Authorization: Token token=abc", "Authorization: [redacted]"},
		{"Proxy-Authorization: Basic dTpw", "Proxy-Authorization: [redacted]"},
		{`Authorization: Digest username="u", response="abc def", nc=1`, "Authorization: [redacted]"},
		{`curl -H "Authorization: Bearer abc" https://a.example`, `curl -H "Authorization: [redacted]" https://a.example`},
		{`{"Authorization":["Bearer abc"]}`, `{"Authorization":["[redacted]"]}`},
		{"map[Authorization:[Bearer abc] Accept:[*/*]]", "map[Authorization:[[redacted]] Accept:[*/*]]"},
		{"Cookie: a=b; sid=c", "Cookie: [redacted]"},
		{"Set-Cookie: sid=abc; Path=/\nnext: x", "Set-Cookie: [redacted]\nnext: x"},
		{"sent Bearer abcdef123456 there", "sent Bearer [redacted] there"},
		{"sent basic dXNlcjpwYXNz there", "sent basic [redacted] there"},
		// URLs.
		{"postgres://shop:hunter2@db:5432/shop", "postgres://shop:[redacted]@db:5432/shop"},
		{"redis://:hunter2@cache:6379", "redis://:[redacted]@cache:6379"},
		{"amqp://u:p@ss/w@mq/vhost", "amqp://u:[redacted]@mq/vhost"},
		{"postgres://u:pa/ss@db/x", "postgres://u:[redacted]@db/x"},
		{"https://u:p@a.example/?mail=x@b.example", "https://u:[redacted]@a.example/?mail=x@b.example"},
		{"https://0123456789abcdef0123@git.example/x", "https://[redacted]@git.example/x"},
		{"root:hunter2@tcp(db:3306)/shop", "root:[redacted]@tcp(db:3306)/shop"},
		{"https://a.example/x?access_token=abc&page=2", "https://a.example/x?access_token=[redacted]&page=2"},
		{"https://b.example/c?se=1&sig=abcdefghijklmnopqrstuvwxyz%3D&sp=r", "https://b.example/c?se=1&sig=[redacted]&sp=r"},
		{"https://s3.example/k?X-Amz-Credential=abc&X-Amz-Signature=def", "https://s3.example/k?X-Amz-Credential=[redacted]&X-Amz-Signature=[redacted]"},
		{"posting to https://hooks.slack.com/services/T0/B0/xyz failed", "posting to https://hooks.slack.com/[redacted] failed"},
		{"<https://hooks.slack.com/services/T0/B0/xyz>", "<https://hooks.slack.com/[redacted]"},
		{"https://prod-12.westeurope.logic.azure.com:443/workflows/ab/triggers/manual/paths/invoke?sig=x", "https://prod-12.westeurope.logic.azure.com:443/[redacted]"},
		{"https://x.1.environment.api.powerplatform.com/powerautomate/y", "https://x.1.environment.api.powerplatform.com/[redacted]"},
		{"https://corp.webhook.office.com/webhookb2/a@b/IncomingWebhook/c", "https://corp.webhook.office.com/[redacted]"},
		{"https://0123456789abcdef0123@hooks.slack.com/services/x", "https://[redacted]"},
		{"webhook_url: https://chat.example/hooks/abc", "webhook_url: [redacted]"},
		// Known forms.
		{"key AKIAIOSFODNN7EXAMPLE used", "key [redacted] used"},
		{"got " + jwt + ".", "got [redacted]."},
		{"ghp_0123456789abcdefghijABCDEFGHIJ012345", "[redacted]"},
		{"glpat-0123456789abcdefghij expired", "[redacted] expired"},
		{"xoxb-1234567890-abcdef", "[redacted]"},
		{"a\n" + pem + "\nb", "a\n[redacted]\nb"},
		{"-----BEGIN PRIVATE KEY-----\nMIIE cut off", "[redacted]"},
		{Clean(pem) + " done", "[redacted] done"},

		// Not secrets: what an operator must be able to read.
		{"GET /login 200 12:41:03", ""},
		{"invalid token: expired", ""},
		{`failed to fetch token: serviceaccounts "shop" not found`, ""},
		{"may require authorization: server message: insufficient_scope: authorization failed", ""},
		{"token: changeme", "token: [redacted]"},
		{"password: correct horse", "password: [redacted] horse"},
		{"couldn't find key PASSWORD in Secret production/api", ""},
		{`secret "api-tls" not found`, ""},
		{`MountVolume.SetUp failed for volume "x" : secret "db" not found`, ""},
		{"open /etc/tls/tls.key: permission denied", ""},
		{"open /run/secrets/token: no such file or directory", ""},
		{"passwordFile: /etc/x secretName: api tokens=512 max_tokens: 3", ""},
		{"bypass=true compass: north", ""},
		{"secretKeyRef: {name: a, key: b}", ""},
		{"PWD=/srv/app", ""},
		{"password: ****", ""},
		{"token=null password=None", ""},
		{"auth: failed", ""},
		{"bearer token is missing", ""},
		{"Basic authentication failed", ""},
		{"http://a.example:8080/path?mail=x@b.example", ""},
		{"ssh://git@git.example/x.git", ""},
		{"git@git.example:x/y.git", ""},
		{"eyJub3QiOiJhIHRva2VuIn0 is JSON", ""},
		{"region ASIA-PACIFIC-SOUTHEAST-1", ""},
		{"-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----", ""},
		{"https://slack.com/hooks.slack.com/x", ""},
		{"?code=200&state=1", ""},
		{"token: [redacted]", ""},
		{"a == b != c :: d", ""},
	} {
		if tc.want == "" {
			tc.want = tc.in
		}
		got := Redact(tc.in)
		if got != tc.want {
			t.Errorf("Redact(%q)\n got %q\nwant %q", tc.in, got, tc.want)
		}
		if again := Redact(got); again != got {
			t.Errorf("not idempotent: %q → %q → %q", tc.in, got, again)
		}
	}
}

func TestSanitisingComesFirst(t *testing.T) {
	for _, in := range []string{"pass\x1b[1mword=hunter2", "pass\u200bword=hunter2", "password=\x1b[31mhunter2\x1b[0m"} {
		if got := Line(in); got != "password=[redacted]" {
			t.Errorf("Line(%q) = %q", in, got)
		}
	}
}

func TestRedactorKnowsItsValues(t *testing.T) {
	const secret = `tök/en+"of"=ours`
	r := new(Redactor)
	r.Add(secret, "short", "", "first-line-of-a-key\nsecond-line-of-a-key")
	for _, tc := range []struct{ in, want string }{
		{"<" + secret + ">", "<[redacted]>"},
		{"<" + base64.StdEncoding.EncodeToString([]byte(secret)) + ">", "<[redacted]>"},
		{`{"t":"tök/en+\"of\"=ours"}`, `{"t":"[redacted]"}`},
		{"?q=t%C3%B6k%2Fen%2B%22of%22%3Dours", "?q=[redacted]"},
		{"<second-line-of-a-key>", "<[redacted]>"},
		{"a short word", "a short word"},
	} {
		if got := r.Redact(tc.in); got != tc.want {
			t.Errorf("Redact(%q) = %q, want %q", tc.in, got, tc.want)
		}
	}
	r.Add("redacted", "[redacted]") // must not be looked for in the mask
	if got := r.Redact("password=y"); got != "password=[redacted]" {
		t.Errorf("the mask is masked: %q", got)
	}
}

// What was added stays when more is, with the space around it left off, and in whatever
// form it is written.
func TestRedactorKeepsItsValues(t *testing.T) {
	r := new(Redactor)
	r.Add(" own/va+lue \n")
	r.Add("sixsix", "fives", "a line 15 long\nthe-second-line-of-it")
	for in, want := range map[string]string{
		"<own/va+lue>": "<[redacted]>", "/p/own%2Fva+lue": "/p/[redacted]", "?q=own%2Fva%2Blue": "?q=[redacted]",
		"<sixsix>": "<[redacted]>", "<fives>": "<fives>",
		"<a line 15 long>": "<a line 15 long>", "<the-second-line-of-it>": "<[redacted]>",
	} {
		if got := r.Redact(in); got != want {
			t.Errorf("Redact(%q) = %q, want %q", in, got, want)
		}
	}
	if got := r.Lines("own/va+lue\nsixsix"); got != "[redacted]\n[redacted]" {
		t.Errorf("of lines: %q", got)
	}
	r.Add("redacted", "acted]")
	if got := r.Redact(r.Redact("password=y")); got != "password=[redacted]" {
		t.Errorf("a mask is masked: %q", got)
	}
}

// What the process knows is masked by whatever in this package is called.
func TestKnown(t *testing.T) {
	const secret = "an-own-value-of-TestKnown"
	Know(secret)
	for name, got := range map[string]string{"Redact": Redact(secret), "Line": Line(secret), "Lines": Lines(secret),
		"a Redactor": new(Redactor).Line(secret), "a Stream": new(Stream).Line(secret)} {
		if got != Mask {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestRedactorIsSafeToShare(t *testing.T) {
	r := new(Redactor)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				r.Add("a-value-of-ours")
				if got := r.Line("x a-value-of-ours"); got != "x [redacted]" {
					t.Errorf("got %q", got)
				}
			}
		})
	}
	wg.Wait()
}

func TestStreamMasksAKeyOverLines(t *testing.T) {
	body := strings.Repeat("Q", 64)
	for _, tc := range []struct {
		name     string
		in, want []string
	}{
		{"whole", []string{"a", "-----BEGIN PRIVATE KEY-----", body, "q83v=", "-----END PRIVATE KEY-----", "password gone"},
			[]string{"a", Mask, Mask, Mask, Mask, "password gone"}},
		{"with times", []string{"12:00:01 -----BEGIN EC PRIVATE KEY-----", "12:00:01 " + body, "12:00:01 -----END EC PRIVATE KEY-----", "12:00:02 ok"},
			[]string{"12:00:01 " + Mask, Mask, Mask, "12:00:02 ok"}},
		{"encrypted", []string{"-----BEGIN RSA PRIVATE KEY-----", "Proc-Type: 4,ENCRYPTED", "", body, "-----END RSA PRIVATE KEY-----", "ok"},
			[]string{Mask, "Proc-Type: 4,ENCRYPTED", "", Mask, Mask, "ok"}},
		{"cut off: what follows is shown", []string{"-----BEGIN PRIVATE KEY-----", body, "GET /cart 500", "ok"},
			[]string{Mask, Mask, "GET /cart 500", "ok"}},
		{"in one line", []string{strings.ReplaceAll(pem, "\n", " "), "ok"}, []string{Mask, "ok"}},
		{"certificate", []string{"-----BEGIN CERTIFICATE-----", body}, []string{"-----BEGIN CERTIFICATE-----", body}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := new(Stream)
			for i, line := range tc.in {
				if got := s.Line(line); got != tc.want[i] {
					t.Errorf("line %d %q\n got %q\nwant %q", i, line, got, tc.want[i])
				}
			}
		})
	}
}

// Of a URL that is a secret as a whole, nothing but the host is told.
func TestURLsOfOurs(t *testing.T) {
	for _, raw := range []string{
		"https://hooks.example/services/T00000000/B00000000/s3cr3tPath",
		"https://example.com:8443/workflows/0123456789abcdef/triggers/manual/paths/invoke?api-version=2016-06-01&sig=s3cr3tPath",
		"https://me:s3cr3tPath@example.com/",
		"http://127.0.0.1/s3cr3tPath",
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		r := new(Redactor)
		r.AddURL(u)
		for _, said := range []string{raw, "Cannot POST " + u.RequestURI(), "no " + u.Path, "unknown key s3cr3tPath of " + u.Host, `{"path":"` + u.EscapedPath() + `","query":"` + u.RawQuery + `"}`} {
			got := r.Line(said)
			if strings.Contains(got, "s3cr3t") {
				t.Errorf("%s: %q → %q", raw, said, got)
			}
			if strings.Contains(said, "unknown key") && !strings.Contains(got, u.Host) {
				t.Errorf("%s: the host is masked: %q", raw, got)
			}
		}
		if got := r.Line("500 Internal Server Error: the service failed to post"); strings.Contains(got, Mask) {
			t.Errorf("%s: plain words are masked: %q", raw, got)
		}
	}
}

// A line may be long and made to be slow; what it costs must grow with its
// length and not with its square.
func TestHostileLinesAreNotSlow(t *testing.T) {
	for _, unit := range []string{"://", "a://x:y/", "://a@/", "eyJ-", "@tcp(", "token='", "--token ", "authorization:,", "\x1b]", "\u009d", "-----BEGIN ", "cookie:*", "Basic A", "e\u0301"} {
		in := strings.Repeat(unit, 1<<18/len(unit))
		start := cpuTime(t)
		Lines(in)
		if d := cpuTime(t) - start; d > 10*time.Second { // takes 1 to 100 ms; the square would take minutes
			t.Errorf("256 kB of %q took %v", unit, d)
		}
	}
}

// cpuTime returns what this process has had of the cores, whatever else runs on the
// machine.
func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func FuzzRedact(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	r := new(Redactor)
	r.Add("s3cr3t-of-ours", "pässword of/ours")
	f.Fuzz(func(t *testing.T, in string) {
		once := r.Redact(in)
		if again := r.Redact(once); again != once {
			t.Errorf("not idempotent: %q → %q → %q", in, once, again)
		}
		if strings.Contains(once, "s3cr3t-of-ours") {
			t.Errorf("%q → %q still holds the secret", in, once)
		}
		// A secret under its name goes, wherever it stands: the text before it
		// must not be able to protect it.
		if got := Redact(in + "\npassword=hunter2hunter2\n"); strings.Contains(got, "hunter2hunter2") {
			t.Errorf("%q protects a password: %q", in, got)
		}
	})
}

// seeds are for both fuzz targets; what they found is under testdata.
var seeds = []string{
	"", "plain text", "\x1b[31mred\x1b[0m", "\x1b]0;t\x07", "\x1b]0;unterminated", "\u009b31m", "\x9b31m", "a\nb\r\nc\r",
	"\u202eabc\u202c", "\u200b\ufeff", "e\u0301\u0301\u0301\u0301\u0301", "\xff\xfe", "\xe2\x80", "東京👍🏽",
	"password=hunter2", `{"password":"hunter2"}`, `\"token\":\"abc\"`, "Authorization: Bearer abc, def", "Cookie: a=b; c=d",
	"postgres://u:p@h/d", "u:p@tcp(h)/d", "https://hooks.slack.com/services/T/B/x", "https://0123456789abcdef0@hooks.slack.com/x",
	jwt, pem, "AKIAIOSFODNN7EXAMPLE", "--token abc", "s3cr3t-of-ours", "token: [redacted]x", "password='a\nb", "?a=b&token=c&d=e#f",
	"- --token\n- abc", `"--token","abc"`, "mysql -pabc", "curl -u a:b", "secret 'hunter2'", "passwd abc", "password was set to a1b2", "x.example/token: abc", `{"name":"TOKEN","value":"abc"}`,
	"a:\n  password: |\n    b\n  c: d", "password: > ↵   a ↵ b", "<token>a</token>", "token%3Dabc%26b", "a:b1c2@h:80", "jdbc:oracle:thin:a/b@h:1", "$2y$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
	b64("password=hunter2 and more"), strings.Repeat("Qz1", 20) + "\nq8=\n-----END PRIVATE KEY-----", "${A}", "token: $(A)", "auth: YTpiYzEyMzQ=", "-p[redacted]",
	"\u0603", "Authorization: Digest a=\"b c\", d=\"e\"", "token=[[redacted]", "-----BEGIN PRIVATE KEY-----",
}

// Of what is given all forms are masked, the longest first, and no words that are too
// short to be one.
func TestFormsOfWhatIsGiven(t *testing.T) {
	r := new(Redactor)
	r.Add("prefix-of-it", "prefix-of-it-and-more", "fives", "~~~???>>>", "sixteen-chars-ok\nfifteen-chars-x\n-----END CERTIFICATE-----")
	for in, want := range map[string]string{
		"<prefix-of-it-and-more>": "<[redacted]>", "<prefix-of-it>": "<[redacted]>",
		"<fives>": "<fives>", "<" + base64.StdEncoding.EncodeToString([]byte("fives")) + ">": "<" + base64.StdEncoding.EncodeToString([]byte("fives")) + ">",
		"<" + base64.RawURLEncoding.EncodeToString([]byte("~~~???>>>")) + ">": "<[redacted]>", "<" + base64.StdEncoding.EncodeToString([]byte("~~~???>>>")) + ">": "<[redacted]>",
		"<sixteen-chars-ok>": "<[redacted]>", "<fifteen-chars-x>": "<fifteen-chars-x>", "<-----END CERTIFICATE----->": "<-----END CERTIFICATE----->",
	} {
		if got := r.Redact(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
	u, err := url.Parse("https://chat.example/AbCdEfG/AbCdEfGh/plainword/with_one/last?a=12345678&b=1234567")
	if err != nil {
		t.Fatal(err)
	}
	of := new(Redactor)
	of.AddURL(u)
	for part, secret := range map[string]bool{"AbCdEfG/": false, "AbCdEfGh": true, "plainword": false, "with_one": true, "12345678": true, "=1234567 ": false, "chat.example": false} {
		if got := of.Redact("<" + part + ">"); strings.Contains(got, Mask) != secret {
			t.Errorf("%q is %q", part, got)
		}
	}
	u.Path = "/x/lastword"
	of = new(Redactor)
	if of.AddURL(u); of.Redact("<lastword>") != "<[redacted]>" {
		t.Errorf("its last part is %q", of.Redact("<lastword>"))
	}
}
