package slack

import (
	"encoding/json"
	"testing"
)

func decode(t *testing.T, data []byte) payload {
	t.Helper()
	var p payload
	if err := json.Unmarshal(data, &p); err != nil {
		t.Fatal(err)
	}
	return p
}
