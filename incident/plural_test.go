package incident

import (
	"fmt"
	"testing"

	"rollbook/model"
)

// One migration is one, wherever it is told of.
func TestMigrationsInWords(t *testing.T) {
	for _, tt := range []struct {
		n, final int
		taken    bool
		want     string
	}{
		{0, 0, false, "no migration since 1.41.0"},
		{1, 0, false, "1 migration since 1.41.0: left applied"},
		{1, 1, false, "1 migration since 1.41.0, one irreversible: left applied"},
		{1, 0, true, "1 migration since 1.41.0: taken back first, and it waits for that"},
		{2, 0, true, "2 migrations since 1.41.0: taken back first, and it waits for that"},
		{3, 1, false, "3 migrations since 1.41.0, one irreversible: left applied"},
		{3, 2, false, "3 migrations since 1.41.0, 2 irreversible: left applied"},
	} {
		w := newWorld(t, nil)
		w.toRolling()
		slot := Schema("backend-python")
		release := Choice{Slot: backend, To: model.Version{Key: "41", Tag: "1.41.0"}}
		w.inc.Choices = []Choice{release}
		h := &model.History{Component: "backend-python", At: w.now, Heads: []model.Head{{Key: "m0", Tag: "1.41.0", By: "its pod"}}}
		for n := tt.n; n >= 0; n-- {
			x := model.Candidate{Version: model.Version{Key: fmt.Sprintf("m%d", n)}}
			if n > 0 && n <= tt.final {
				x.Final = "it has no downgrade"
			}
			h.Candidates = append(h.Candidates, x)
		}
		w.seen.History = map[model.Slot]*model.History{slot: h}
		if tt.taken {
			w.inc.Choices = append(w.inc.Choices, Choice{Slot: slot, To: model.Version{Key: "m0"}})
		}
		if got := schemaChecks(w.snap(), release); len(got) != 1 || got[0].Text != tt.want {
			t.Errorf("%+v, want %q", got, tt.want)
		}
	}
}
