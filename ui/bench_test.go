package ui

import "testing"

func BenchmarkFrame(b *testing.B) {
	a := screen(b, fixture{"thousand", thousand(), nil}, 80, 24, dark)
	b.ReportAllocs()
	for b.Loop() {
		_ = a.Frame()
	}
}

func BenchmarkDerive(b *testing.B) {
	s := thousand()
	b.ReportAllocs()
	for b.Loop() {
		_ = derive(s)
	}
}
