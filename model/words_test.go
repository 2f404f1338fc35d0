package model

import "testing"

// How many there were is rounded for people.
func TestCount(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.4: "0", 0.6: "1", 873: "873", 999.6: "1k", 4180: "4.2k", 9960: "10k", 190448: "190k", 999_600: "1M", 1_234_000: "1.2M", 25e6: "25M", -3: "0"} {
		if got := Count(v); got != want {
			t.Errorf("%g: %s, want %s", v, got, want)
		}
	}
}
