package model

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"
)

func TestSendErrorSaysWhatBecameOfIt(t *testing.T) {
	for _, tc := range []struct {
		e    SendError
		want string
	}{
		{SendError{To: "slack/a at hooks.slack.com", Why: "404 channel_not_found: the channel is gone", Certain: true},
			"slack/a at hooks.slack.com: not sent: 404 channel_not_found: the channel is gone"},
		{SendError{To: "x", Why: "429", Certain: true, Later: true, RetryAfter: 30 * time.Second}, "x: not sent: 429; it asks to wait 30s"},
		{SendError{To: "x", Why: "503", Certain: true, Later: true}, "x: not sent: 503; try again later"},
		{SendError{To: "x", Why: "no answer in time", Later: true},
			"x: it is not known whether it was sent: no answer in time; look there before sending it again"},
	} {
		if got := tc.e.Error(); got != tc.want {
			t.Errorf("%q, want %q", got, tc.want)
		}
	}
	if !errors.Is(&SendError{Err: context.Canceled}, context.Canceled) {
		t.Error("the cause is lost")
	}
}

func TestNotTaken(t *testing.T) {
	for _, tc := range []struct {
		status         int
		certain, later bool
	}{
		{302, true, false}, {400, true, false}, {404, true, false}, {408, true, true}, {425, true, true}, {429, true, true},
		{500, false, true}, {501, true, false}, {502, false, true}, {503, true, true}, {504, false, true},
	} {
		if e := NotTaken("x", tc.status, func(string) string { return "" }, "y"); e.Certain != tc.certain || e.Later != tc.later {
			t.Errorf("%d: %+v", tc.status, e)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	const now = "Tue, 24 Nov 2026 14:30:00 GMT"
	for _, tc := range []struct {
		value, date string
		want        time.Duration
	}{
		{"", now, 0}, {"30", "", 30 * time.Second}, {" 30 ", "", 30 * time.Second}, {"-1", "", 0}, {"1e3", "", 0}, {"99999999999", "", 0},
		{"Tue, 24 Nov 2026 14:31:00 GMT", now, time.Minute},
		{"Tue, 24 Nov 2026 14:29:00 GMT", now, 0},
		{"Tue, 24 Nov 2099 14:29:00 GMT", now, longestWait},
		{"Tue, 24 Nov 2026 14:31:00 GMT", "", 0},
		{"soon", now, 0},
	} {
		header := http.Header{"Retry-After": {tc.value}, "Date": {tc.date}}
		if got := RetryAfter(header.Get); got != tc.want {
			t.Errorf("%q at %q: %v, want %v", tc.value, tc.date, got, tc.want)
		}
	}
}
