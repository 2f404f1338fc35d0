package incident

import "iter"

// Told yields each fact that has a line in the timeline, with that line.
func Told(facts []Fact) iter.Seq2[Fact, Entry] {
	return func(yield func(Fact, Entry) bool) {
		var i Incident
		for _, f := range facts {
			n := len(i.Timeline)
			if i.take(f); len(i.Timeline) > n && !yield(f, i.Timeline[n]) {
				return
			}
		}
	}
}
