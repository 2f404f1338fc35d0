package incident

import "testing"

// That another revision runs is kept with the version that it is.
func TestANoticedRevisionIsAVersion(t *testing.T) {
	w := newWorld(t, nil)
	w.figures("backend-python", repeat(0.3, 21), repeat(0.2, 21))
	w.do(Observed{})
	found := 0
	for _, f := range w.facts {
		if b, ok := f.Body.(Noticed); ok && b.Component == "backend-python" {
			if is := b.Version.Is(revision(42)); is != (b.What == "revision") {
				t.Errorf("%s: %+v", b.What, b.Version)
			}
			found++
		}
	}
	if found == 0 {
		t.Error("nothing was noticed")
	}
}
