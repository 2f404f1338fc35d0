package ui

import (
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// place names a cluster and a namespace in at most w cells. Which they are is never
// cut so that two look alike: what cloud providers write before a cluster's own name
// goes first, and where anything went a mark stands that only this place has.
func (p *pen) place(context, namespace string, w int) string {
	whole := strings.Trim(context+"/"+namespace, "/")
	if ansi.StringWidth(p.say(whole)) <= w {
		return p.say(whole)
	}
	h := fnv.New32a()
	h.Write([]byte(whole))
	mark := fmt.Sprintf("~%03x", h.Sum32()&0xfff)
	name := clusterName(context)
	if room := w - ansi.StringWidth(p.say(mark+"/"+namespace)); context != "" && room >= 8 {
		return p.middle(name, room) + p.say(mark+"/"+namespace)
	}
	return p.middle(strings.Trim(name+"/"+namespace, "/"), max(5, w-len(mark))) + mark
}

// clusterName returns a cluster's own name, without what EKS (its ARN) and GKE
// (gke_PROJECT_ZONE_NAME) put before it in a context's name.
func clusterName(context string) string {
	if strings.HasPrefix(context, "arn:") {
		if _, name, ok := strings.Cut(context, "/"); ok {
			return name
		}
	}
	if parts := strings.SplitN(context, "_", 4); len(parts) == 4 && parts[0] == "gke" {
		return parts[3]
	}
	return context
}
