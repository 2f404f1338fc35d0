package kube

import (
	"testing"
	"time"
)

// The kubectl command that does the same goes to the same cluster as the same user,
// wherever it is pasted.
func TestEqualCommand(t *testing.T) {
	flags := flagsFor(t, sample)
	for _, x := range []struct {
		context, as string
		want        string
	}{
		{"", "", "kubectl --context prod -n shop get pods"},
		{"local", "ops@shop example", "kubectl --context local --as 'ops@shop example' -n default get pods"},
	} {
		flags.CurrentContext, flags.AuthInfo.Impersonate = x.context, x.as
		c, err := Connect(flags, Options{Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Kubectl("get pods"); got != x.want {
			t.Errorf("%s", got)
		}
	}
}
