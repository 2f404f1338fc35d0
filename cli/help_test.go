package cli

import (
	"strings"
	"testing"
)

// The help of a command has the flags that mean something there, and the commands
// those that a user calls.
func TestHelpHasWhatMeansSomething(t *testing.T) {
	for _, tt := range []struct {
		args      string
		has, lack []string
	}{
		{"incidents", []string{"--journal-dir", "--format"}, []string{"--as-group", "--context", "--kubeconfig", "--prometheus"}},
		{"report", []string{"--journal-dir"}, []string{"--token", "--context"}},
		{"replay", []string{"--journal-dir"}, []string{"--token", "--context"}},
		{"config init", []string{"--output"}, []string{"--token", "--context"}},
		{"config check", []string{"--context", "--config"}, nil},
		{"doctor", []string{"--context", "--prometheus"}, nil},
		{"", []string{"doctor", "sandbox", "--context"}, []string{"  keys "}},
	} {
		out, _, err := runs(t, append(strings.Fields(tt.args), "--help")...)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range tt.has {
			if !strings.Contains(out, w) {
				t.Errorf("%s: no %q", tt.args, w)
			}
		}
		for _, w := range tt.lack {
			if strings.Contains(out, w) {
				t.Errorf("%s: %q", tt.args, w)
			}
		}
	}
	if out, _, err := runs(t, "__complete", "sandbox", "--scenario", ""); err != nil || !strings.Contains(out, "two-bad-releases\t") {
		t.Errorf("%v %s", err, out)
	}
}
