package text

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

func TestClean(t *testing.T) {
	const four = "\u0301\u0301\u0301\u0301"
	for _, tc := range []struct{ name, in, line, lines string }{
		{"empty", "", "", ""},
		{"plain", "GET /cart 200 12ms", "GET /cart 200 12ms", ""},
		{"other scripts", "größer 東京 ελ 👍", "größer 東京 ελ 👍", ""},
		{"colour", "\x1b[1;31mERROR\x1b[0m boom", "ERROR boom", ""},
		{"colour in C1", "\u009b31mERROR\u009b0m", "ERROR", ""},
		{"title", "a\x1b]0;owned\x07b", "ab", ""},
		{"title ended by ST", "a\x1b]0;owned\x1b\\b", "ab", ""},
		{"title in C1", "a\u009d0;owned\u009cb", "ab", ""},
		{"clipboard", "\x1b]52;c;cm0gLXJm\x07x", "x", ""},
		{"hyperlink", "\x1b]8;;https://a.example\x1b\\text\x1b]8;;\x1b\\", "text", ""},
		{"DCS", "a\x1bP1$r0m\x1b\\b", "ab", ""},
		{"APC, PM, SOS", "\x1b_x\x1b\\\x1b^y\x1b\\\x1bXz\x1b\\ok", "ok", ""},
		{"title of screen", "\x1bkname\x1b\\ok", "ok", ""},
		{"charset", "\x1b(0lqk\x1b(B", "lqk", ""},
		{"reset", "\x1bcok", "ok", ""},
		{"unterminated OSC hides nothing", "\x1b]0;user root logged in", "0;user root logged in", ""},
		{"unterminated DCS hides nothing", "\x1bPq evil", "q evil", ""},
		{"unterminated C1 OSC", "\u009devil", "evil", ""},
		{"a string does not cross lines", "\x1b]0;a\nb\x07", "0;a ↵ b", "0;a\nb"},
		{"a string ends at another sequence", "\x1b]0;a\x1b[31mb", "0;ab", ""},
		{"CSI cut off", "text\x1b[38;5", "text", ""},
		{"ESC at the end", "text\x1b", "text", ""},
		{"ESC before UTF-8", "\x1bé", "é", ""},
		{"malformed CSI", "\x1b[3\x01m", "m", ""},
		{"control characters", "a\x00b\x07c\x08d\x7fe", "abcde", ""},
		{"bidi override", "user\u202egnp.exe\u202c", "usergnp.exe", ""},
		{"bidi isolate", "\u2066a\u2069\u200f\u061c", "a", ""},
		{"zero width", "pass\u200bword\ufeff\u2060\u00ad", "password", ""},
		{"tags", "a\U000e0041b", "ab", ""},
		{"variation selector", "❤\ufe0f", "❤", ""},
		{"tab", "a\tb", "a    b", ""},
		{"lines", "a\nb\r\nc", "a ↵ b ↵ c", "a\nb\nc"},
		{"empty lines", "\n\na\n\n\nb\n", "a ↵ b", "\n\na\n\n\nb\n"},
		{"carriage return does not overwrite", "real\rfake", "real ↵ fake", "real\nfake"},
		{"other line ends", "a\vb\fc\u0085d\u2028e\u2029f", "a ↵ b ↵ c ↵ d ↵ e ↵ f", "a\nb\nc\nd\ne\nf"},
		{"invalid UTF-8", "a\xff\xfeb\xc3", "a\ufffdb\ufffd", ""},
		{"raw C1 bytes", "a\x9b31mb", "a\ufffd31mb", ""},
		{"overlong", "\xc0\x9b31m", "\ufffd31m", ""},
		{"surrogate", "\xed\xa0\x80x", "\ufffdx", ""},
		{"marks", "e" + strings.Repeat("\u0301", 50), "e\u0301\u0301\u0301\u0301", ""},
		{"DEL alone", "a\x7fb", "ab", ""},
		{"8-bit controls are asked for", "\x1b Fx", "x", ""},
		{"charset cut off", "text\x1b(", "text", ""},
		{"the first of the marks", "e" + strings.Repeat("\u0300", 50), "e\u0300\u0300\u0300\u0300", ""},
		{"marks across a removal", "e" + strings.Repeat("\u0301", 4) + "\x1b[m\u0301", "e\u0301\u0301\u0301\u0301", ""},
		{"marks of each character", "\x1b[me" + four + "o" + four, "e" + four + "o" + four, ""},
		{"marks of each character of a clean line", "e" + four + "o" + four + "é" + four + "x", "e" + four + "o" + four + "é" + four + "x", ""},
		{"marks on both sides of a removal", "e\u0301\u0301\u0301\x1b[m\u0301\u0301\u0301x", "e" + four + "x", ""},
		{"marks on a removal alone", "x\x1b[m" + four + "\u0301", "x" + four, ""},
		{"marks after a tab", "e" + four + "\t\u0301", "e" + four + "    \u0301", ""},
		{"marks after invalid UTF-8", "e" + four + "\xff\u0301", "e" + four + "\ufffd\u0301", ""},
		{"marks after the end of a line", "e" + four + "\n\u0301", "e" + four, "e" + four + "\n\u0301"},
		{"marks after the end of a line, and a removal", "\x1b[me" + four + "\n\u0301", "e" + four, "e" + four + "\n\u0301"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.lines == "" {
				tc.lines = tc.line
			}
			if got := Clean(tc.in); got != tc.line {
				t.Errorf("Clean(%q)\n got %q\nwant %q", tc.in, got, tc.line)
			}
			if got := CleanLines(tc.in); got != tc.lines {
				t.Errorf("CleanLines(%q)\n got %q\nwant %q", tc.in, got, tc.lines)
			}
		})
	}
}

// Where every sequence is well formed, a terminal library's Strip is a second
// opinion.
func TestCleanAgreesWithStrip(t *testing.T) {
	for _, in := range []string{
		"\x1b[38;2;1;2;3mtrue\x1b[m colour",
		"\x1b[?1049h\x1b[2J\x1b[H\x1b[6n",
		"\x1b]0;t\x07\x1b]8;id=1;u\x1b\\link\x1b]8;;\x1b\\",
		"\x1bP+q544e\x1b\\x\x1b7\x1b8\x1bM",
		"\x1b[1 q\x1b[!p\x1b[>c",
	} {
		if got, want := Clean(in), ansi.Strip(in); got != want {
			t.Errorf("Clean(%q) = %q, Strip: %q", in, got, want)
		}
	}
}

func checkClean(t *testing.T, in, out string, lines bool) {
	t.Helper()
	if !utf8.ValidString(out) {
		t.Errorf("%q → %q is not UTF-8", in, out)
	}
	for _, r := range out {
		bad := r < 0x20 && (!lines || r != '\n') || r == 0x7f || r >= 0x80 && r < 0xa0 ||
			r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r >= 0x200b && r <= 0x200f || r == 0xfeff || r == 0x2028 || r == 0x2029
		if bad {
			t.Errorf("%q → %q holds %U", in, out, r)
		}
	}
	if strings.Contains(out, "\x1b") {
		t.Errorf("%q → %q holds ESC", in, out)
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		line, lines := Clean(in), CleanLines(in)
		checkClean(t, in, line, false)
		checkClean(t, in, lines, true)
		if again := Clean(line); again != line {
			t.Errorf("not idempotent: %q → %q → %q", in, line, again)
		}
		if again := CleanLines(lines); again != lines {
			t.Errorf("not idempotent: %q → %q → %q", in, lines, again)
		}
		if a, b := Clean(lines), line; a != b {
			t.Errorf("Clean(CleanLines(%q)) = %q, Clean: %q", in, a, b)
		}
		if cut := Truncate(line, 12); ansi.StringWidth(cut) > 12 {
			t.Errorf("Truncate(%q, 12) = %q, %d cells", line, cut, ansi.StringWidth(cut))
		}
		checkClean(t, in, Line(in), false)
		checkClean(t, in, Lines(in), true)
	})
}

func TestTruncate(t *testing.T) {
	for _, tc := range []struct {
		in    string
		cells int
		want  string
	}{
		{"abc", 5, "abc"},
		{"abcdef", 5, "abcd…"},
		{"東京都", 5, "東京…"},
		{"東京都", 4, "東…"},
		{"abc", 0, ""},
		{"abc", -1, ""},
		{"", 2, ""},
		{"abc", 1, "…"},
	} {
		if got := Truncate(tc.in, tc.cells); got != tc.want {
			t.Errorf("Truncate(%q, %d) = %q, want %q", tc.in, tc.cells, got, tc.want)
		}
	}
}

const logLine = `2026-11-23T03:12:41.123Z level=info component=http method=GET path="/api/cart/42" status=200 duration=12.4ms user=8841 trace=4bf92f3577b34da6`

func TestNothingToChangeCostsNothing(t *testing.T) {
	long := strings.Repeat(logLine+" größer 東京\n", 20)
	if n := testing.AllocsPerRun(100, func() { _ = Line(logLine); _ = Lines(long) }); n != 0 {
		t.Errorf("%v allocations for clean text, want 0", n)
	}
}

func BenchmarkLine(b *testing.B) {
	for _, bm := range []struct{ name, s string }{
		{"clean", logLine},
		{"coloured", "\x1b[32mINFO\x1b[0m " + logLine},
		{"secret", logLine + " password=hunter2"},
	} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(bm.s)))
			r := new(Redactor)
			r.Add("s3cr3t-of-ours", "another-one-of-ours")
			for b.Loop() {
				_ = r.Line(bm.s)
			}
		})
	}
}
