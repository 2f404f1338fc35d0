package ui

import (
	"fmt"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

// Two places never look alike, however little room there is, and what tells them
// apart is read where there is room for it.
func TestPlace(t *testing.T) {
	p := newPen(Look{})
	if got := p.place("prod-eu", "production", 18); got != "prod-eu/production" {
		t.Errorf("one that fits: %q", got)
	}
	arn := func(account int, name string) string {
		return fmt.Sprintf("arn:aws:eks:eu-central-1:%012d:cluster/platform-%s-eu-central-1-blue", account, name)
	}
	contexts := []string{arn(1, "prod"), arn(2, "prod"), arn(1, "staging"), "gke_shop-prod_europe-west3_main", "gke_shop-test_europe-west3_main",
		"admin@a-very-long-name-of-a-cluster-in-prod-a", "admin@a-very-long-name-of-a-cluster-in-prod-b"}
	for w := 16; w < 90; w++ {
		seen := map[string]string{}
		for _, context := range contexts {
			for _, namespace := range []string{"production", "staging", "a-namespace-of-sixty-three-characters-which-is-as-long-as-it-ge1", "a-namespace-of-sixty-three-characters-which-is-as-long-as-it-ge2"} {
				got := p.place(context, namespace, w)
				if other := seen[got]; other != "" {
					t.Fatalf("at %d %s/%s and %s are both %q", w, context, namespace, other, got)
				}
				if seen[got] = context + "/" + namespace; ansi.StringWidth(got) > w {
					t.Fatalf("at %d: %q", w, got)
				}
			}
		}
	}
	if got := p.place(contexts[0], "production", 47); !strings.HasPrefix(got, "platform-prod-eu-central-1-blue~") || !strings.HasSuffix(got, "/production") {
		t.Errorf("an EKS cluster: %q", got)
	}
	if got := p.place(contexts[3], "production", 30); !strings.HasPrefix(got, "main~") {
		t.Errorf("a GKE cluster: %q", got)
	}
}
