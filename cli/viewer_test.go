package cli

import (
	"testing"
	"time"

	"rollbook/model"
)

func TestLogLine(t *testing.T) {
	at := time.Date(2026, 11, 29, 6, 33, 1, 500_000_000, time.UTC)
	for in, want := range map[string]model.LogLine{
		"2026-11-29T06:33:01.5Z ERROR:    no url":                          {At: at, Level: "error", Text: "no url"},
		`2026-11-29T06:33:01.5Z {"level":"warn","msg":"slow","took":"3s"}`: {At: at, Level: "warn", Text: "slow", Rest: "took=3s"},
		`2026-11-29T06:33:01.5Z   File "a.py", line 1`:                     {At: at, Text: `  File "a.py", line 1`},
		"2026-11-29T06:33:01.5Z ":                                          {At: at},
		"[redacted]":                                                       {Text: "[redacted]"},
		"no time here":                                                     {Text: "no time here"},
	} {
		if got := logLine(in); got != want {
			t.Errorf("%q: %+v, want %+v", in, got, want)
		}
	}
}
