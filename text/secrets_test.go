package text

import (
	"encoding/base64"
	"strings"
	"testing"
)

// b64 is how the values of a Secret are written.
func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// Secrets by what stands before them, in the forms in which programs print them.
func TestSecretsByTheirNames(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		// Arguments.
		{`["--token","abc","--port","80"]`, `["--token","[redacted]","--port","80"]`},
		{`["--token", "abc"]`, `["--token", "[redacted]"]`},
		{`args: [--db-password, 'a b', -v]`, `args: [--db-password, 'a b', -v]`}, // commas apart: a list without quotes is no program's form
		{"args:\n  - --token\n  - abc\n  - --port\n  - \"80\"\n", "args:\n  - --token\n  - [redacted]\n  - --port\n  - \"80\"\n"},
		{"- --token ↵ - abc ↵ - x", "- --token ↵ - [redacted] ↵ - x"},
		{"app -password abc -v", "app -password [redacted] -v"},
		{"app -api-key abc", "app -api-key [redacted]"},
		{"mysql -uroot -pswordfish shop", "mysql -uroot -p[redacted] shop"},
		{"mysqldump -h db '-phunter2' shop", "mysqldump -h db '-p[redacted]' shop"},
		{`["mysqladmin","-pswordfish","ping"]`, `["mysqladmin","-p[redacted]","ping"]`},
		{"- args:\n  - -pswordfish\n  image: mysql:8.4\n", "- args:\n  - -p[redacted]\n  image: mysql:8.4\n"},
		{"args:\n  - -pHunter2Hunter\n", "args:\n  - -p[redacted]\n"},
		{"sshpass -p swordfish ssh a", "sshpass -p [redacted] ssh a"},
		{"redis-cli -a swordfish ping", "redis-cli -a [redacted] ping"},
		{"mongosh -u me -p swordfish", "mongosh -u me -p [redacted]"},
		{"docker login -u me -p swordfish r.example", "docker login -u me -p [redacted] r.example"},
		{"curl -u me:swordfish https://a.example", "curl -u me:[redacted] https://a.example"},
		{"curl -ume:swordfish https://a.example", "curl -ume:[redacted] https://a.example"},
		{"openssl rsa -passin pass:swordfish", "openssl rsa -passin pass:[redacted]"},
		// Sentences.
		{"using secret 'hunter2'", "using secret '[redacted]'"},
		{"the secret 'S3cr3t-Value' was refused", "the secret '[redacted]' was refused"},
		{"passwd swordfish", "passwd [redacted]"},
		{"password hunter2 refused", "password [redacted] refused"},
		{"password is hunter2", "password is [redacted]"},
		{"password 'correct horse' refused", "password '[redacted]' refused"},
		{"the password was set to hunter2!", "the password was set to [redacted]"},
		{"DB_PASSWORD hunter2", "DB_PASSWORD [redacted]"},
		{"CREATE USER a IDENTIFIED BY 'hunter2'", "CREATE USER a IDENTIFIED BY '[redacted]'"},
		{"ALTER ROLE a WITH PASSWORD 'hunter2'", "ALTER ROLE a WITH PASSWORD '[redacted]'"},
		{"machine h login me password hunter2", "machine h login me password [redacted]"},
		{`invalid token "abc123def"`, `invalid token "[redacted]"`},
		{`msg="secret \"Abc123def\" refused"`, `msg="secret \"[redacted]\" refused"`},
		{"token Zm9vYmFyYmF6cXV4Zm9v refused", "token [redacted] refused"},
		// Keys of annotations and labels.
		{"vault.example.com/token: abc", "vault.example.com/token: [redacted]"},
		{`"ci.example.com/deploy-token":"abc"`, `"ci.example.com/deploy-token":"[redacted]"`},
		{"vault.example.com/db-password=abc", "vault.example.com/db-password=[redacted]"},
		// A name beside its value.
		{`{"name":"DB_PASSWORD","value":"hunter2"}`, `{"name":"DB_PASSWORD","value":"[redacted]"}`},
		{`{"key": "api_token", "value": "abc"}`, `{"key": "api_token", "value": "[redacted]"}`},
		{"- name: DB_PASSWORD\n  value: hunter2\n- name: PORT\n  value: \"80\"\n", "- name: DB_PASSWORD\n  value: [redacted]\n- name: PORT\n  value: \"80\"\n"},
		{"{Name:DB_PASSWORD Value:hunter2 ValueFrom:nil}", "{Name:DB_PASSWORD Value:[redacted] ValueFrom:nil}"},
		// YAML over several lines.
		{"a:\n  password: |\n    hunter2\n    more\n  user: b\n", "a:\n  password: |\n    [redacted]\n  user: b\n"},
		{"password: >-\n  hunter2\nuser: b", "password: >-\n  [redacted]\nuser: b"},
		// Names with something behind.
		{"DB_PASSWORD_PROD=hunter2", "DB_PASSWORD_PROD=[redacted]"},
		{"SECRET_KEY_BASE=abc", "SECRET_KEY_BASE=[redacted]"},
		{"tokenProd: abc", "tokenProd: [redacted]"},
		{"dbpass=hunter2", "dbpass=[redacted]"},
		{"JSESSIONID=0123456789ABCDEF0123", "JSESSIONID=[redacted]"},
		{"connect.sid=s%3A0123456789abcdef.x", "connect.sid=[redacted]"},
		{`{"auths":{"r.example":{"auth":"` + b64("me:hunter2") + `"}}}`, `{"auths":{"r.example":{"auth":"[redacted]"}}}`},
		{"Ocp-Apim-Subscription-Key: 0123", "Ocp-Apim-Subscription-Key: [redacted]"},
		{"<password>hunter2</password>", "<password>[redacted]</password>"},
		{"<s:apiKey>abc</s:apiKey>", "<s:apiKey>[redacted]</s:apiKey>"},
		{"?to=https%3A%2F%2Fa%3Ftoken%3Dabc%26x%3D1", "?to=https%3A%2F%2Fa%3Ftoken%3D[redacted]%26x%3D1"},
		{"GET /maps?key=0123456789abcdef0123 200", "GET /maps?key=[redacted] 200"},
	} {
		got := Redact(tc.in)
		if got != tc.want {
			t.Errorf("Redact(%q)\n got %q\nwant %q", tc.in, got, tc.want)
		}
		if again := Redact(got); again != got {
			t.Errorf("not idempotent: %q → %q → %q", tc.in, got, again)
		}
	}
}

// Secrets by how they look.
func TestSecretsByTheirForms(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"me:hunter2@db:5432/shop", "me:[redacted]@db:5432/shop"},
		{"DSN=me:hunter2@db.example:3306", "DSN=me:[redacted]@db.example:3306"},
		{"jdbc:oracle:thin:scott/tiger@//db:1521/x", "jdbc:oracle:thin:scott/[redacted]@//db:1521/x"},
		{"user:$2y$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", "user:[redacted]"},
		{"$6$saltsalt$" + strings.Repeat("Ab1", 20), "[redacted]"},
		{"glpat-0123456789abcdefghij.01.0123", "[redacted]"},
		{"glrt-0123456789abcdefghij", "[redacted]"},
		{"xoxc-1234567890-abcdef", "[redacted]"},
		{"github_pat_0123456789abcdefghijABCD", "[redacted]"},
		{"sha256~" + strings.Repeat("aB3", 15), "[redacted]"},
		// In base64, as a Secret has it.
		{"url: " + b64("postgres://shop:hunter2@db:5432/shop"), "url: [redacted]"},
		{"x: " + b64("AKIAIOSFODNN7EXAMPLE"), "x: [redacted]"},
		{"x: " + b64("ghp_0123456789abcdefghijABCDEFGHIJ012345"), "x: [redacted]"},
		{"x: " + b64("glpat-0123456789abcdefghij"), "x: [redacted]"},
		{"x: " + b64("xoxb-1234567890-abcdefghi"), "x: [redacted]"},
		{`{"x":"` + b64(jwt) + `","n":1}`, `{"x":"[redacted]","n":1}`},
		{"x: " + b64(pem), "x: [redacted]"},
		{"x: " + b64(`{"user":"bob","password":"hunter2"}`), "x: [redacted]"},
		{"x=" + b64("DB_PASSWORD=hunter2\nPORT=80\n"), "x=[redacted]"},
		{"config.yaml: " + b64("db:\n  password: hunter2\n") + " y", "config.yaml: [redacted] y"},
		{"x: " + base64.RawURLEncoding.EncodeToString([]byte("password=hunter2??>>~~~?>")), "x: [redacted]"},
		{"x: " + b64("password=hunter2??>>~~~?>"), "x: [redacted]"},
		{"x: " + b64("a:\t1\r\npassword=hunter2\r\n\tb"), "x: [redacted]"},
		{"x: " + b64("password=größer12"), "x: [redacted]"},
		{"x: " + b64("password=hunter2\n"+strings.Repeat("größer ", 1300)), "x: [redacted]"}, // only its beginning is looked into
		{"password: serviceaccounts not found", "password: [redacted] not found"},
		// The end of a key.
		{"x\n" + strings.Repeat("Qz1", 20) + "\nq83v=\n-----END EC PRIVATE KEY-----\nb", "x\n[redacted]\nb"},
		{"x ↵ " + strings.Repeat("Qz1", 20) + " ↵ q83v= ↵ -----END EC PRIVATE KEY----- ↵ b", "x ↵ [redacted] ↵ b"},
	} {
		got := Redact(tc.in)
		if got != tc.want {
			t.Errorf("Redact(%q)\n got %q\nwant %q", tc.in, got, tc.want)
		}
		if again := Redact(got); again != got {
			t.Errorf("not idempotent: %q → %q → %q", tc.in, got, again)
		}
	}
}

// What an operator must be able to read.
func TestOrdinaryWordsAreShown(t *testing.T) {
	for _, in := range []string{
		"password reset page opened by 4711", "GET /password/reset 200", "token bucket is empty", "token bucket 17 of 20", "rate limited by token bucket v2",
		"Access denied for user 'root'@'10.0.0.1' (using password: YES)", "password authentication failed for user \"shop\"", "passwd file is missing", "passwd: Authentication token manipulation error",
		"the password is required", "password must be changed", "password hash sha256", "password sha256 is weak",
		"Unexpected token '<', \"<!DOCTYPE \"... is not valid JSON", "SyntaxError: Unexpected token 'export'", "syntax error near unexpected token `newline'",
		`secret "api-tls" not found`, `secret 'api-tls' not found`, `secret "db" not found`, `Secret "api-tls-7f9c4" is invalid`, `secrets "x1" is forbidden: User "y" cannot get`, `references secret "api-tls"`, `object "shop"/"api-tls" not registered`,
		"image shop/api:1.42.0@sha256:" + strings.Repeat("0a1b2c3d", 8), "shop/api@sha256:" + strings.Repeat("12345678", 8), "image: registry.example:5000/shop/api:1.42.0",
		"commit 4bf92f3577b34da6a3ce929d0e0e47364bf92f35 by me", "backend-python-7f9c4d5b8-x7k2p is ready", "trace=4bf92f3577b34da6a3ce929d0e0e4736",
		"checksum/secret: " + strings.Repeat("0a1b2c3d", 8), "run/secrets/token: no such file", "secrets/token: permission denied", "vault.example.com/token: permission denied by policy",
		"find / -print0 -path x -pidfile", "docker run -p 8080:80 -p 127.0.0.1:53:53/udp nginx", "patch -p1", "ssh -p2222 host", "nmap -p1-1024 host", "tar -pxf a.tar", "python3 -pcommon", "curl -u", "kubectl port-forward -p",
		"12:00:01@host:80", "mail me:ops@example.com", "sip:alice@host:5060", "git@git.example:22/x.git", "http://a:80/b@c:5/d",
		"token_type=bearer", "token_count: 512", "tokens_per_second=5", "password_min_length: 8", "secret_store=vault", "tokenTTL: 5m", "auth: failed", "auth=oidc",
		"sid=ORCL", "session=closed", "(SID=orcl)", "OLDPWD=/srv/app", "PGPASSFILE=/etc/pgpass",
		`password: ""`, `token=""`, `password="null"`, `password: "none"`, `session="open"`, `{"session":"closed"}`, `auth="oidc"`, `{"dsn":"memory"}`, `{"DATABASE_URL":"db.example"}`,
		"error getting credentials: exec: plugin failed", "failed to fetch token: serviceaccounts not found", `failed to fetch token: serviceaccounts "x" not found`, "run/token: file not found",
		"password: ${DB_PASSWORD}", "token: $(API_TOKEN)", "args: [--password=$(DB_PASSWORD)]",
		"value: hunter2", `{"name":"PORT","value":"8080"}`, "- name: LOG_LEVEL\n  value: debug", "key: a", `{"key":"value"}`, "- name: DB_PASSWORD\n  valueFrom:\n    secretKeyRef:\n      key: password\n      name: db\n",
		"<p>password</p>", "<a href=x>token</a>", "a -> b", "x > y", "100%", "a%3Db", "costs $5 or $10.00", "$HOME/bin", "$1$2",
		"aGVsbG8gd29ybGQsIHRoaXMgaXMgcHJvc2U= is prose in base64", "internationalizationOfEverything", "/usr/share/applications/organizations/departments",
		"Failed to pull image: unauthorized: authentication required", "error getting credentials - err: exit status 1",
		"sha512-" + strings.Repeat("Qz1+", 21) + "==",
	} {
		if got := Redact(in); got != in {
			t.Errorf("Redact(%q)\n got %q", in, got)
		}
	}
}

func TestSecretName(t *testing.T) {
	for name, want := range map[string]bool{
		"vault.example.com/token": true, "token.example.com/value": true, "ci.example.com/deploy-token-id": true, "db-password-prod": true,
		"example.com/apiKey": true, "example.com/api-key": true, "credentials": true, "registryToken": true, "auth-cookie": true, "x/DB_PASSWORD": true,
		"example.com/db-creds": true, "x/dbPW": true, "tokenX": true, "TOKENX": false, "TOKEN_X": true,
		"app.kubernetes.io/name": false, "example.com/tokenizer": false, "example.com/secretary": false, "monkey": false, "example.com/bypass": false,
		"deployment.kubernetes.io/revision": false, "kubectl.kubernetes.io/restartedAt": false, "": false, "k": false,
	} {
		if got := SecretName(name); got != want {
			t.Errorf("SecretName(%q) = %v", name, got)
		}
	}
}

func TestStreamMasksAKeyBetweenOtherLines(t *testing.T) {
	body := strings.Repeat("Qz1", 20) + "QQQQ"
	for _, tc := range []struct {
		name     string
		in, want []string
	}{
		{"others go on", []string{"-----BEGIN PRIVATE KEY-----", body, "GET /cart 500", body, "-----END PRIVATE KEY-----", "ok"},
			[]string{Mask, Mask, "GET /cart 500", Mask, Mask, "ok"}},
		{"a short last line with a time", []string{"12:00:01 INFO -----BEGIN EC PRIVATE KEY-----", "12:00:01 INFO " + body, "12:00:01 INFO q83v=", "12:00:01 INFO -----END EC PRIVATE KEY-----", "12:00:02 INFO ok"},
			[]string{"12:00:01 INFO " + Mask, Mask, Mask, Mask, "12:00:02 INFO ok"}},
		{"JSON", []string{`{"ts":1,"msg":"-----BEGIN EC PRIVATE KEY-----"}`, `{"ts":1,"msg":"` + body + `"}`, `{"ts":1,"msg":"q83v=\n"}`, `{"ts":1,"msg":"-----END EC PRIVATE KEY-----"}`, `{"ts":1,"msg":"ok"}`},
			[]string{`{"ts":1,"msg":"` + Mask, Mask, Mask, Mask, `{"ts":1,"msg":"ok"}`}},
		{"what follows the value", []string{"-----BEGIN PRIVATE KEY----- caller=main.go:12", body + " caller=main.go:12", "-----END PRIVATE KEY----- caller=main.go:12", "ok"},
			[]string{Mask, Mask, Mask, "ok"}},
		{"begins within a key", []string{body, body, "q83v=", "-----END PRIVATE KEY-----", "ok", body},
			[]string{Mask, Mask, Mask, "-----END PRIVATE KEY-----", "ok", body}},
		{"begins with a digest", []string{strings.Repeat("0a1b2c3d", 8), "sha256:" + strings.Repeat("0a1b2c3d", 8)}, []string{strings.Repeat("0a1b2c3d", 8), "sha256:" + strings.Repeat("0a1b2c3d", 8)}},
		{"a digest after a key that broke off", []string{"-----BEGIN PRIVATE KEY-----", body, "x " + strings.Repeat("0a1b2c3d", 8), "ok"}, []string{Mask, Mask, "x " + strings.Repeat("0a1b2c3d", 8), "ok"}},
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

// A private key is masked where one is, from its first line to its last, and nothing
// beside it.
func TestPrivateKeys(t *testing.T) {
	run := func(n int) string { return strings.Repeat("Qz1+", n/4+1)[:n] }
	for _, tc := range []struct{ in, want string }{
		{"a -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- b", "a [redacted] b"},
		{"a -----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\npassword=hunter2 b", "a [redacted]\npassword=[redacted] b"},
		{"-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\nb\n-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\nc", "[redacted]\nb\n[redacted]\nc"},
		{"-----BEGIN PRIVATE KEY----------END PRIVATE KEY----- b", "[redacted] b"},
		{"-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY", "[redacted]"},
		{"-----BEGIN " + strings.Repeat("A", 40) + " PRIVATE KEY-----\nMIIE", "[redacted]"},
		// No key begins here.
		{"it ends in -----BEGIN RSA PRIVATE KEY", ""},
		{"it ends in -----BEGIN ", ""},
		{"-----BEGIN " + strings.Repeat("A", 60) + " PRIVATE KEY-----\nMIIE", ""},
		{"-----BEGIN PUBLIC KEY-----\n" + run(64) + "\n-----END PUBLIC KEY-----", ""},
		{"-----BEGIN CERTIFICATE-----\n" + run(64) + "\n-----END CERTIFICATE-----", ""},
		// Its beginning was cut off.
		{"a\n" + run(40) + "\n-----END PRIVATE KEY-----\nb", "a\n[redacted]\nb"},
		{"a\n" + run(39) + "\n-----END PRIVATE KEY-----\nb", ""},
		{run(64) + "\n-----END PRIVATE KEY-----", "[redacted]"},
		{run(64) + "\n" + run(64) + "\nq8==\n-----END PRIVATE KEY----- b", "[redacted] b"},
		{run(64) + "\nword\nq8==\n-----END PRIVATE KEY-----", ""},
		{run(64) + "\n" + strings.Repeat("0123456789abcdef", 4) + "\n-----END PRIVATE KEY-----", "[redacted]"},
		{"sha " + strings.Repeat("0123456789abcdef", 4) + "\n-----END PRIVATE KEY-----", ""},
		{run(64) + "\n-----END CERTIFICATE-----", ""},
		{run(64) + "\n-----END RSA PRIVATE KEY", ""},
		{run(64) + "\n-----END ", ""},
		{run(64) + "\n-----END " + strings.Repeat("A", 60) + " PRIVATE KEY-----", ""},
	} {
		if tc.want == "" {
			tc.want = tc.in
		}
		if got := Redact(tc.in); got != tc.want {
			t.Errorf("Redact(%q)\n got %q\nwant %q", tc.in, got, tc.want)
		}
	}
}

// A Stream shows lines as Line does, and masks those of a key by their form alone where
// its beginning was not read, only at the beginning of the log.
func TestStreamBeginsWithinAKey(t *testing.T) {
	mixed := func(n int) string { return strings.Repeat("Qz1+", n/4+1)[:n] }
	for _, tc := range []struct {
		name string
		in   []string
		want []string
	}{
		{"any line", []string{"\x1b[31ma\x1b[0m password=hunter2"}, []string{"a password=[redacted]"}},
		{"the rest of a key", []string{mixed(64), mixed(64), "q8==", "-----END RSA PRIVATE KEY-----", "b"}, []string{Mask, Mask, Mask, "-----END RSA PRIVATE KEY-----", "b"}},
		{"of a line's length", []string{mixed(60), "GET /cart 500"}, []string{Mask, "GET /cart 500"}},
		{"shorter", []string{mixed(59), "b"}, nil},
		{"no digit", []string{strings.Repeat("Qz+", 22), "b"}, nil},
		{"no capital", []string{strings.Repeat("qz1+", 16), "b"}, nil},
		{"capitals only", []string{strings.Repeat("QZ1+", 16), "b"}, nil},
		{"after words", []string{"12:00 info " + mixed(64), "12:01 info q8==", "12:02 q8=="}, []string{Mask, Mask, "12:02 q8=="}},
		{"nothing after it", []string{mixed(64), "", "q8=="}, []string{Mask, "", "q8=="}},
		{"only the last line is short", []string{mixed(64), "q8==", "q8=="}, []string{Mask, Mask, "q8=="}},
		{"later in the log", []string{"a", mixed(64)}, nil},
	} {
		if tc.want == nil {
			tc.want = tc.in
		}
		var s Stream
		for n, in := range tc.in {
			if got := s.Line(in); got != tc.want[n] {
				t.Errorf("%s: line %d is %q, want %q", tc.name, n+1, got, tc.want[n])
			}
		}
	}
}

// A key that began is masked to its end, by whatever way its lines are written, and for
// no more lines than a key has.
func TestStreamMasksAKeyToItsEnd(t *testing.T) {
	run := strings.Repeat("Qz1+", 16)
	for _, tc := range []struct {
		name string
		in   []string
		want []string
	}{
		{"plain", []string{"a", "-----BEGIN RSA PRIVATE KEY-----", run, "q8==", "-----END RSA PRIVATE KEY-----", run, "b"}, []string{"a", Mask, Mask, Mask, Mask, run, "b"}},
		{"in JSON", []string{`{"msg":"-----BEGIN RSA PRIVATE KEY-----\n"}`, `{"msg":"` + run + `\n"}`, `{"msg":"q8==\n"}`, `{"msg":"-----END RSA PRIVATE KEY-----"}`, `{"msg":"b"}`},
			[]string{`{"msg":"` + Mask, Mask, Mask, Mask, `{"msg":"b"}`}},
		{"after a time and a level", []string{"12:00 info -----BEGIN PRIVATE KEY-----", "12:00 info " + run, "12:01 info q8==", "12:01 info -----END PRIVATE KEY-----", "12:02 info b"},
			[]string{"12:00 info [redacted]", Mask, Mask, Mask, "12:02 info b"}},
		{"others go on", []string{"-----BEGIN PRIVATE KEY-----", run, "GET /health 200", run, "", "q8==", "-----END PRIVATE KEY-----", "b"}, []string{Mask, Mask, "GET /health 200", Mask, "", "q8==", Mask, "b"}},
		{"on one line", []string{"-----BEGIN PRIVATE KEY-----" + run + "-----END PRIVATE KEY-----", run}, []string{Mask, run}},
	} {
		var s Stream
		s.Line("the log's first line")
		for n, in := range tc.in {
			if got := s.Line(in); got != tc.want[n] {
				t.Errorf("%s: line %d is %q, want %q", tc.name, n+1, got, tc.want[n])
			}
		}
	}
	var s Stream
	s.Line("-----BEGIN PRIVATE KEY-----")
	masked := 0
	for range maxKeyLines + 10 {
		if s.Line(run) == Mask {
			masked++
		}
	}
	if masked != maxKeyLines {
		t.Errorf("%d lines are masked", masked)
	}
}

// Tokens as those who give them out make them are masked wherever they stand; words that
// begin alike are not.
func TestTokensAsTheyAreMade(t *testing.T) {
	mixed := func(n int) string { return strings.Repeat("aB3dE5gH7j", n/10+1)[:n] }
	upper := func(n int) string { return strings.Repeat("AB3DE5GH7J", n/10+1)[:n] }
	hexed := func(n int) string { return strings.Repeat("0a1b2c3d4e", n/10+1)[:n] }
	for _, token := range []string{
		"AKIA" + upper(16), "ASIA" + upper(16), "AROA" + upper(16), "AIDA" + upper(16), "ABIA" + upper(16), "ACCA" + upper(16),
		"AIza" + mixed(35), "ya29." + mixed(60), "GOCSPX-" + mixed(28),
		"ghp_" + mixed(36), "gho_" + mixed(36), "ghu_" + mixed(36), "ghs_" + mixed(36), "ghr_" + mixed(36), "github_pat_" + mixed(22) + "_" + mixed(59),
		"glpat-" + mixed(20), "gldt-" + mixed(20), "glrt-" + mixed(20), "glcbt-" + mixed(20), "glptt-" + hexed(40), "glft-" + mixed(20), "glsoat-" + mixed(20), "glagent-" + mixed(50),
		"glimt-" + mixed(25), "gloas-" + hexed(64), "glffct-" + mixed(20), "GR1348941" + mixed(20),
		"xoxb-123456789012-1234567890123-" + mixed(24), "xoxp-123456789012-123456789012-" + hexed(32), "xapp-1-A0123456789-1234567890123-" + hexed(64),
		"glsa_" + mixed(32) + "_" + hexed(8), "glc_" + mixed(40), "hvs." + mixed(90), "hvb." + mixed(90), "hvr." + mixed(90),
		"sk_live_" + mixed(24), "rk_live_" + mixed(24), "sk_test_" + mixed(24), "rk_test_" + mixed(24), "whsec_" + mixed(32),
		"sha256~" + mixed(43), "hf_" + mixed(34), "npm_" + mixed(36), "pypi-AgEIcHlwaS5vcmc" + mixed(60), "dckr_pat_" + mixed(27), "dckr_oat_" + mixed(32),
		"dop_v1_" + hexed(64), "shpat_" + hexed(32), "SG." + mixed(22) + "." + mixed(43), "sntrys_" + mixed(60), "ATATT3" + mixed(60), "ATCTT3" + mixed(60), "ATBB" + mixed(32),
		"sk-ant-api03-" + mixed(80), "sk-proj-" + mixed(48), "nvapi-" + mixed(64), "gsk_" + mixed(52), "lin_api_" + mixed(40), "figd_" + mixed(40),
		"dp.st.prd." + mixed(40), "dp.pt." + mixed(43), "pul-" + hexed(40), "NRAK-" + upper(27), "dapi" + hexed(32), "AGE-SECRET-KEY-1" + upper(58),
		b64("-----BEGIN RSA PRIVATE KEY-----\nMIIE")[:40],
	} {
		if got := Redact("got " + token + "."); got != "got [redacted]." {
			t.Errorf("%s: %q", token, got)
		}
	}
	for _, word := range []string{"AKIA" + upper(15), "AKIA" + mixed(16), "dapi" + strings.Repeat("controller", 4), "dapi" + hexed(31), "ghp_short", "glpat-", "xoxb", "SG.",
		b64("-----BEGIN CERTIFICATE-----\nMIIE")[:40], "hvs." + strings.Repeat("a", 10)} {
		if got := Redact("got " + word + " there"); got != "got "+word+" there" {
			t.Errorf("%s: %q", word, got)
		}
	}
	for in, want := range map[string]string{"AKIA" + upper(16) + "/x/": "[redacted]/", "see ghp_" + mixed(36) + "/": "see [redacted]/", "ghp_" + mixed(36) + "...": "[redacted]..."} {
		if got := Redact(in); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}

// A password as crypt(3) keeps it, and a JSON Web Token, end where they end.
func TestHashesAndWebTokens(t *testing.T) {
	hash := "$2y$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"
	for in, want := range map[string]string{
		"a " + hash + " b": "a [redacted] b", hash + ".": "[redacted].", hash + ", b": "[redacted], b", "x" + hash: "x" + hash,
		"$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b7dWA": "[redacted]", "$apr1$salt$" + strings.Repeat("Ab1", 9): "[redacted]",
		"$9$salt$" + strings.Repeat("Ab1", 20): "$9$salt$" + strings.Repeat("Ab1", 20), "$1$salt$short": "$1$salt$short", "$6$": "$6$", "costs $5": "costs $5",
		"$1$" + strings.Repeat("a", 27): "[redacted]", "$1$" + strings.Repeat("a", 26): "$1$" + strings.Repeat("a", 26),
		"eyJhbGci_iJ-UzI1NiJ9abc.eyJzdWIi.c2ln b": "[redacted] b", "eyJhbGciOiJSUzI1NiJ9abc. Then": "eyJhbGciOiJSUzI1NiJ9abc. Then",
		"eyJhbGciOiJSUzI1NiJ9abc": "eyJhbGciOiJSUzI1NiJ9abc", "eyJhbGciOiJSUzI1NiJ9abc.": "eyJhbGciOiJSUzI1NiJ9abc.", "eyJhbGciOiJSUzI1N+J9abc.eyJz": "eyJhbGciOiJSUzI1N+J9abc.eyJz",
	} {
		if got := Redact(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}
