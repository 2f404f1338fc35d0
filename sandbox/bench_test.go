package sandbox

import (
	"testing"
	"time"
)

// How long it takes to open: the past of sixty days, and its last hour.
func BenchmarkOpening(b *testing.B) {
	s, err := Load("errors")
	if err != nil {
		b.Fatal(err)
	}
	now := time.Date(2026, 11, 23, 3, 12, 0, 0, time.UTC)
	for b.Loop() {
		if _, err := newWorld(b.Context(), Options{Scenario: s, Seed: 1, Now: func() time.Time { return now }}); err != nil {
			b.Fatal(err)
		}
	}
}
