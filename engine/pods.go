package engine

import (
	"maps"
	"slices"
	"time"

	"rollbook/model"
)

// podMemory remembers whose the pods are that the board showed, by component ID:
// Prometheus goes on telling of those that have gone.
type podMemory map[string]*podsSeen

// podsSeen is the pods of one component.
type podsSeen struct {
	line   *model.Component     // as it was when it was last looked at
	owners map[string]string    // by pod; rounds of queries hold it: replaced, never changed
	gone   map[string]time.Time // when a pod was first missed
}

// podsKept is how long a pod that has gone is remembered: as long as the charts
// look back.
const podsKept = 30 * time.Minute

// see takes a new board.
func (m podMemory) see(board []*model.Component, now time.Time) {
	on := make(map[string]bool, len(board))
	for _, c := range board {
		on[c.ID] = true
		k := m[c.ID]
		if k == nil {
			k = &podsSeen{}
			m[c.ID] = k
		}
		if k.line != c && c.PodsNo == "" && c.Missing == "" {
			k.take(c, now)
		}
		k.line = c
	}
	maps.DeleteFunc(m, func(id string, _ *podsSeen) bool { return !on[id] })
}

func (k *podsSeen) take(c *model.Component, now time.Time) {
	owners := make(map[string]string, len(c.Pods))
	for _, p := range c.Pods {
		owners[p.Name] = p.Owner
	}
	gone := map[string]time.Time{}
	for name, owner := range k.owners {
		if _, there := owners[name]; there {
			continue
		}
		since, missed := k.gone[name]
		if !missed {
			since = now
		}
		if now.Sub(since) < podsKept {
			owners[name], gone[name] = owner, since
		}
	}
	k.owners, k.gone = owners, gone
}

// of returns the pods of a component as model.Target.Seen has them.
func (m podMemory) of(id string) map[string]string {
	if k := m[id]; k != nil && k.line.PodsNo == "" && k.line.Missing == "" {
		return k.owners
	}
	return nil
}

// sides returns whose pods the writes that stand, or the release that is watched,
// replace, and by whose, by component.
func (e *Engine) sides() map[string]model.Sides {
	var out map[string]model.Sides
	if c := e.seen.Component(e.cfg.Beside); c != nil && c.OwnerName != "" {
		out = set(out, c.ID, model.Sides{New: c.OwnerName, Old: others(c, c.OwnerName)})
	}
	for _, st := range e.inc.Standing() {
		w := st.Write
		c := e.seen.Component(w.Plan.Component)
		if !w.InPlace() || c == nil {
			continue
		}
		// The write is known before the controller has acted on it: until then what
		// runs is still what is left.
		s := model.Sides{New: c.OwnerName}
		if s.New == "" || s.New == w.Plan.From.Key {
			s.New = w.Plan.To.Key
		}
		s.Old = others(c, s.New, w.Plan.From.Key)
		out = set(out, c.ID, s)
	}
	return out
}

// others returns the owners of a component's pods but one, with further ones, sorted.
func others(c *model.Component, but string, more ...string) []string {
	for _, p := range c.Pods {
		more = append(more, p.Owner)
	}
	slices.Sort(more)
	return slices.DeleteFunc(slices.Compact(more), func(owner string) bool { return owner == "" || owner == but })
}
