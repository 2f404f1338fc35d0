package ui

import (
	"testing"

	"rollbook/incident"
)

func BenchmarkFrame(b *testing.B) {
	a := screen(b, fixture{"thousand", thousand(), nil}, 80, 24, dark)
	b.ReportAllocs()
	for b.Loop() {
		_ = a.Frame()
	}
}

func BenchmarkDerive(b *testing.B) {
	s := thousand()
	s.Seen.Memory = &incident.Memory{}
	d := derive(s, nil)
	b.ReportAllocs()
	for b.Loop() {
		d = derive(s, d)
	}
}
