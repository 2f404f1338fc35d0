package model

import (
	"reflect"
	"testing"
	"time"
)

func TestMarksCountByTheirLabels(t *testing.T) {
	m := Mark{Slot: Slot{Role: RoleSwitch}, Method: MethodScale, Plan: "p1", To: Replicas(3), What: "api is scaled to 0, it had 3 replicas", Since: time.Date(2026, 11, 30, 3, 0, 0, 0, time.UTC), By: "maria"}
	note := m.Note()
	key := MarkKey + "scale"
	if got := Marks(map[string]string{key: "3"}, map[string]string{key: note}); len(got) != 1 || !reflect.DeepEqual(got[0], m) {
		t.Errorf("%+v, want %+v", got, m)
	}
	// An undo by kubectl brings an annotation back, or takes it away.
	if got := Marks(nil, map[string]string{key: note}); got != nil {
		t.Errorf("an annotation alone counts: %+v", got)
	}
	for _, stale := range []string{"", note, "{"} {
		got := Marks(map[string]string{key: "5", MarkKey + "maintenance": "off"}, map[string]string{key: stale})
		if len(got) != 2 || got[0].Method != MethodMaintenance || got[0].Role != RoleMaintenance || got[1].To.Key != "5" || got[1].Plan != "" || got[1].What == "" {
			t.Errorf("%+v", got)
		}
	}
}
