package cli

import (
	"maps"
	"slices"
	"testing"

	"rollbook/config"
	"rollbook/engine"
	"rollbook/model"
)

// Each way back that Choose offers has a name in rollbook.yaml, and no name is of none.
func TestEachWayBackHasAName(t *testing.T) {
	cfg := config.Defaults()
	var offered []model.Method
	for _, m := range methods(nil, cfg, true, nil) {
		_, before := m.(engine.Before) // is none, and has a section of its own
		if _, ok := m.(engine.Offered); ok && !before {
			offered = append(offered, m.Name())
		}
	}
	named := slices.Sorted(maps.Values(methodOf))
	slices.Sort(offered)
	if !slices.Equal(named, offered) {
		t.Errorf("offered are %v, named are %v", offered, named)
	}
	cfg.Components = []config.Component{{Name: "a", Workload: config.Workload{Kind: "Deployment", Name: "a"},
		Methods: []string{config.MethodGitLab, config.MethodKubernetes}}}
	if got := target(cfg.Components[0], "shop").Methods; len(got) != 2 || got[0] != methodOf[config.MethodGitLab] || got[1] != methodOf[config.MethodKubernetes] {
		t.Errorf("the order is %v", got)
	}
}
