package model

import (
	"errors"
	"io"
	"testing"
)

func TestToldReadsAsItsTextAndMatchesKindAndCause(t *testing.T) {
	for _, tc := range []struct {
		err         error
		kind, cause bool
	}{
		{Told(ErrRefused, io.EOF, "no: %s", "because"), true, true},
		{Told(ErrRefused, nil, "no: %s", "because"), true, false},
		{Told(nil, io.EOF, "no: %s", "because"), false, true},
		{Told(nil, nil, "no: %s", "because"), false, false},
	} {
		if tc.err.Error() != "no: because" || errors.Is(tc.err, ErrRefused) != tc.kind || errors.Is(tc.err, io.EOF) != tc.cause {
			t.Errorf("%q: want kind %v, cause %v", tc.err, tc.kind, tc.cause)
		}
	}
}
