package cli

import (
	"fmt"
	"strings"

	"rollbook/config"
	"rollbook/kube"
	"rollbook/text"
)

// drillRefused says why nothing may be broken on purpose where a client is, and what to add
// to the configuration if it should; "" when it may. That a context is called staging is
// not enough, nor that a cluster is local: the operator's own file must name context,
// server and namespace.
func drillRefused(cfg *config.Config, c *kube.Client) string {
	if c == nil {
		return "there is no cluster"
	}
	for _, p := range cfg.NotProduction {
		if says(p.Context) && says(p.Server) && p.Namespace != "" && glob(p.Context, c.Context()) && glob(p.Server, c.Server()) && glob(p.Namespace, c.Namespace()) {
			return ""
		}
	}
	return text.Line(fmt.Sprintf("no entry of not_production in your own rollbook.yaml names context, server and namespace of this place; "+
		"if it is none that anybody needs, add: not_production: [{context: %q, server: %q, namespace: %q}]", c.Context(), c.Server(), c.Namespace()))
}

// says reports whether a pattern says anything at all.
func says(pattern string) bool { return strings.Trim(pattern, "*?") != "" }
