package text

import (
	"strconv"
	"strings"
	"testing"
)

func TestTemplate(t *testing.T) {
	for _, tc := range []struct{ a, b string }{
		{"took 12ms", "took 3 s"},
		{"order 8f14e45f-ceea-467f-9f4b-1f2a3c4d5e6f lost", "order 00000000-0000-0000-0000-000000000000 lost"},
		{"at 2026-11-29T06:33:01.123Z from 10.244.1.17:54321", "at 2026-11-29 06:40:00 from 10.244.1.3:1"},
		{"dial tcp [fd00::12]:5432: connect refused", "dial tcp [fd00::aa]:5432: connect refused"},
		{"pointer 0xc000123abc", "pointer 0x0"},
		{"unknown user 'bob'", "unknown user 'alice'"},
		{`no item named "a \" b"`, `no item named "x"`},
		{"mail to bob@shop.example bounced", "mail to a.b@shop.example bounced"},
		{"pod backend-7c9f5d-x2kq4 is slow", "pod backend-5fd8b4-zzz19 is slow"},
		{"  wrote   42 buffers (0.3%)", "wrote 1 buffers (12%)"},
		{"retry 1, 2, 3", "retry 1"},
	} {
		if a, b := Template(tc.a), Template(tc.b); a != b {
			t.Errorf("%q and %q say the same: %q, %q", tc.a, tc.b, a, b)
		}
	}
	for _, tc := range []struct{ a, b string }{
		{"KeyError: 'PAYMENT_URL'", "KeyError: 'coupon'"},
		{"KeyError: 'PAYMENT_URL'", "KeyError: 'DB_HOST'"},
		{"can't connect", "don't connect"},
		{"connection refused", "connection reset"},
	} {
		if a := Template(tc.a); a == Template(tc.b) {
			t.Errorf("%q and %q say different things: %q", tc.a, tc.b, a)
		}
	}
}

func TestParseLogLine(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want LogLine
	}{
		{"plain words", LogLine{Text: "plain words"}},
		{"ERROR:    Application startup failed. Exiting.", LogLine{Level: LevelError, Text: "Application startup failed. Exiting."}},
		{"ERROR:root:no database", LogLine{Level: LevelError, Text: "root:no database"}},
		{"2026-11-29 06:33:01,123 - shop.payments - WARNING - slow", LogLine{At: "2026-11-29 06:33:01,123", Level: LevelWarn, Text: "shop.payments - WARNING - slow"}},
		{"2026-11-29T06:33:01.1Z  WARN search::http: slow", LogLine{At: "2026-11-29T06:33:01.1Z", Level: LevelWarn, Text: "search::http: slow"}},
		{"2026/11/29 06:33:01 listening", LogLine{At: "2026/11/29 06:33:01", Text: "listening"}},
		{"06:33:01.000 [main] ERROR c.s.Payments - refused", LogLine{At: "06:33:01.000", Level: LevelError, Text: "[main] ERROR c.s.Payments - refused"}},
		{"[error] 29#29: *1 open() failed", LogLine{Level: LevelError, Text: "29#29: *1 open() failed"}},
		{"2026-11-29 06:33:01 UTC [123] FATAL:  database is gone", LogLine{At: "2026-11-29 06:33:01 UTC", Level: LevelError, Text: "[123] FATAL:  database is gone"}},
		{"E1129 06:33:01.123456       1 leader.go:87] lost it", LogLine{At: "06:33:01.123456", Level: LevelError, Where: "leader.go:87", Text: "lost it"}},
		{"panic: runtime error: index out of range", LogLine{Level: LevelError, Text: "panic: runtime error: index out of range"}},
		{"GET /orders 200", LogLine{Text: "GET /orders 200"}},
		{`INFO:     10.244.1.9:50123 - "GET /orders HTTP/1.1" 500 Internal Server Error`, LogLine{Level: LevelError, Text: `10.244.1.9:50123 - "GET /orders HTTP/1.1" 500 Internal Server Error`}},
		{"INFO: the error page is ready", LogLine{Level: LevelInfo, Text: "the error page is ready"}},
		{`{"ts":"2026-11-29T06:33:01Z","level":"error","logger":"pay","msg":"charge failed","error":"timeout after 3s","order":17}`,
			LogLine{At: "2026-11-29T06:33:01Z", Level: LevelError, Text: "charge failed: timeout after 3s", Rest: "logger=pay order=17"}},
		{`{"severity":"INFO","message":"up"}`, LogLine{Level: LevelInfo, Text: "up"}},
		{`{"level":50,"time":1764398000,"err":{"type":"TypeError","message":"x is not a function","stack":"TypeError: x\n    at f (node:internal/x:1:1)\n    at g (/app/pay.js:12:3)"},"msg":"charge"}`,
			LogLine{At: "1764398000", Level: LevelError, Text: "charge: TypeError: x is not a function"}},
		{`{"msg":"\u001b[31mred\u001b[0m pass` + `word=hunter22"}`, LogLine{Text: "red password=[redacted]"}},
		{`{"a":1`, LogLine{Text: `{"a":1`}},
		{`level=warn ts=2026-11-29T06:33:01Z caller=main.go:7 msg="disk \"a\" is full" free=0`,
			LogLine{At: "2026-11-29T06:33:01Z", Level: LevelWarn, Where: "main.go:7", Text: `disk "a" is full`, Rest: "free=0"}},
		{"level=1 is not logfmt", LogLine{Text: "level=1 is not logfmt"}},
	} {
		got := ParseLogLine(tc.in)
		got.stack = ""
		if got != tc.want {
			t.Errorf("%s\n got %+v\nwant %+v", tc.in, got, tc.want)
		}
	}
}

const pythonCrash = `INFO:     Waiting for application startup.
ERROR:    Traceback (most recent call last):
  File "/app/shop/main.py", line 41, in lifespan
    payments = PaymentClient(settings.payment_url())
  File "/app/shop/settings.py", line 27, in payment_url
    return os.environ["PAYMENT_URL"]
  File "<frozen os>", line 714, in __getitem__
KeyError: 'PAYMENT_URL'
ERROR:    Application startup failed. Exiting.`

func TestCompareFindsWhereItFails(t *testing.T) {
	for _, tc := range []struct{ name, log, text, where string }{
		{"python", pythonCrash, "KeyError: 'PAYMENT_URL'", "settings.py:27"},
		{"python of a library alone", "Traceback (most recent call last):\n  File \"/usr/lib/python3.12/runpy.py\", line 9, in run\nModuleNotFoundError: No module named 'shop'", "ModuleNotFoundError: No module named 'shop'", "runpy.py:9"},
		{"go", "listening\npanic: runtime error: invalid memory address\n[signal SIGSEGV: segmentation violation]\n\ngoroutine 1 [running]:\nruntime.gopanic()\n    /usr/local/go/src/runtime/panic.go:770 +0x132\nmain.charge(0x0)\n    /app/pay.go:27 +0x1d\nmain.main()\n    /app/main.go:9 +0x1d\nexit status 2",
			"panic: runtime error: invalid memory address", "pay.go:27"},
		{"java", "Exception in thread \"main\" java.lang.IllegalStateException: no bean\n    at org.shop.App.main(App.java:12)\nCaused by: java.net.ConnectException: refused\n    at java.net.Socket.connect(Socket.java:600)\n    at org.shop.Db.open(Db.java:44)\n    ... 12 more\nbye",
			"java.net.ConnectException: refused", "Db.java:44"},
		{"node", "TypeError: x is not a function\n    at f (node:internal/x:1:1)\n    at g (/app/pay.js:12:3)", "TypeError: x is not a function", "pay.js:12"},
		{"rust", "thread 'main' panicked at src/main.rs:5:9:\nindex out of bounds\nnote: run with `RUST_BACKTRACE=1`", "index out of bounds", "main.rs:5"},
		{"older rust", "thread 'main' panicked at 'no url', src/main.rs:5:9", "no url", "main.rs:5"},
		{"json", `{"level":"error","msg":"charge failed","exc_info":"Traceback (most recent call last):\n  File \"/app/pay.py\", line 9, in charge\nTimeoutError: slow"}`, "charge failed: TimeoutError: slow", "pay.py:9"},
		{"last words", "loading\nno license key found", "no license key found", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := Compare([]Log{{Lines: strings.Split(tc.log, "\n"), Ended: true}}, nil)
			if len(got) == 0 || got[0].Text != tc.text || got[0].Where != tc.where || got[0].New {
				t.Errorf("%+v, want %s (%s)", got, tc.text, tc.where)
			}
		})
	}
}

// A server's own list tells what fails and not why: an error of the code comes before it,
// and what differs with each client is left out.
func TestCompareTellsRequestsFromErrors(t *testing.T) {
	requests := `10.244.1.219:56343 - "GET /api/cart?id=7 HTTP/1.1" 500 Internal Server Error 86ms
10.244.1.220:50120 - "GET /api/cart?id=9 HTTP/1.1" 500 Internal Server Error 117ms
10.1.2.3 - - [30/Nov/2026:03:11:05 +0000] "POST /api/pay HTTP/2.0" 502 157 "-" "curl/8.5"
10.1.2.3 - - [30/Nov/2026:03:11:06 +0000] "GET /health HTTP/1.1" 200 2 "-" "kube-probe/1.37"`
	for log, want := range map[string]string{
		requests: "GET /api/cart: 500 Internal Server Error ×2; POST /api/pay: 502 ×1",
		requests + "\nERROR: currency is missing": "currency is missing ×1; GET /api/cart: 500 Internal Server Error ×2; POST /api/pay: 502 ×1",
		requests + "\nWARN: slow":                 "GET /api/cart: 500 Internal Server Error ×2; POST /api/pay: 502 ×1; slow ×1",
	} {
		var words []string
		for _, s := range Compare([]Log{{Lines: strings.Split(log, "\n")}}, nil) {
			words = append(words, s.Text+" ×"+strconv.Itoa(s.Count))
		}
		if got := strings.Join(words, "; "); got != want {
			t.Errorf("%s\n got %s\nwant %s", log, got, want)
		}
	}
}

func TestCompareSaysFirstWhatIsNew(t *testing.T) {
	lines := func(s string) []Log { return []Log{{Lines: strings.Split(s, "\n")}} }
	old := lines("INFO: started\nERROR: cache 1 is cold\nGET /a 200\nGET /b 200")
	old[0].Start = true
	got := Compare(lines("INFO: started\nINFO: pays by invoice\nERROR: cache 2 is cold\nERROR: cache 3 is cold\nERROR: no url\nGET /c 200\nWARN: slow"), old)
	var words []string
	for _, s := range got {
		words = append(words, s.Text)
		if s.New != (s.Text != "cache 3 is cold") {
			t.Errorf("%+v", s)
		}
	}
	if all := strings.Join(words, "; "); all != "no url; slow; cache 3 is cold; pays by invoice" {
		t.Error(all)
	}
	if got[2].Count != 2 {
		t.Errorf("%+v", got[2])
	}
	// Of an old log whose beginning has gone nobody knows what its pod said at its start.
	for _, s := range Compare(lines("INFO: started\nINFO: pays by invoice"), lines("GET /a 200")) {
		t.Errorf("this may be old: %+v", s)
	}
	for _, s := range Compare(lines("ERROR: no url"), []Log{{}}) {
		if s.New {
			t.Errorf("compared with no line: %+v", s)
		}
	}
	// The same failure a few lines further down in the file is no other failure.
	trace := "Traceback (most recent call last):\n  File \"/app/pay.py\", line %, in charge\nTimeoutError: slow"
	for _, s := range Compare(lines(strings.ReplaceAll(trace, "%", "27")), lines(strings.ReplaceAll(trace, "%", "25"))) {
		if s.New {
			t.Errorf("only its line moved: %+v", s)
		}
	}
}

func FuzzCompare(f *testing.F) {
	for _, s := range seeds {
		f.Add(s, s)
	}
	f.Add(pythonCrash, "INFO: up")
	f.Add(`{"level":"error","msg":"a\nb","error":{"message":"c","stack":"d\n at e (f.js:1:2)"}}`, `level=error msg="x" err=y`)
	f.Add("panic: x\n\ngoroutine 1 [running]:\nmain.f()\n    /app/a.go:1 +0x1", "thread 'a' panicked at src/b.rs:1:2:\nc")
	f.Add("x\n    at a (B.java:1)\nCaused by: y\n    at c (D.java:2)", "Traceback (most recent call last):")
	f.Fuzz(func(t *testing.T, a, b string) {
		var s Stream
		var logs, old []Log
		for to, in := range map[*[]Log]string{&logs: a, &old: b} {
			var l Log
			for line := range strings.Lines(in) {
				l.Lines = append(l.Lines, s.Line(strings.TrimRight(line, "\r\n")))
			}
			l.Ended = len(l.Lines)%2 == 0
			*to = []Log{l}
		}
		for _, x := range Compare(logs, old) {
			if x.Text == "" || x.Count < 1 || strings.ContainsAny(x.Text+x.Where, "\n\x1b\u009b") {
				t.Errorf("%+v", x)
			}
		}
		for _, x := range Compare(logs, logs) {
			if x.New {
				t.Errorf("new against itself: %+v", x)
			}
		}
		if got := Template(a); strings.ContainsAny(got, "0123456789") {
			t.Errorf("Template(%q) = %q", a, got)
		}
	})
}
