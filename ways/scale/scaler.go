package scale

import (
	"encoding/json"
	"fmt"
	"strconv"

	"rollbook/model"
	"rollbook/ways"
)

// annPaused pauses a ScaledObject of KEDA's at a number of replicas (kedacore/keda,
// controllers/keda/util: PausedReplicasAnnotation).
const annPaused = "autoscaling.keda.sh/paused-replicas"

// scaler is what scales the workload, and what becomes of it.
type scaler struct {
	model.Object
	low, high int // an HPA's bounds as nobody holds it
	held      string
	change    *ways.Change // nil = it stays as it is
	said      []model.Change
	command   string // arguments of the equal kubectl command
}

// keda reports whether it is a ScaledObject.
func (s *scaler) keda() bool { return s.Kind == "ScaledObject" }

// scalerOf plans what becomes of an autoscaler with a plan's replicas.
func scalerOf(a model.Autoscaler, p *planned) (scaler, error) {
	o, err := ways.Tree(a.Raw)
	if err != nil {
		return scaler{}, fmt.Errorf("%s cannot be read: %w", a.Object, err)
	}
	x := scaler{Object: a.Object}
	c := ways.Change{Object: a.Object, Raw: a.Raw}
	before, marked := ways.At(o, ways.Pointer("metadata", "annotations", ways.AnnBefore)).(string)
	set := func(path string, to any, what string) {
		from := ways.At(o, path)
		if shown(from) == shown(to) && (from == nil) == (to == nil) {
			return
		}
		c.Fields = append(c.Fields, ways.Field{Path: path, From: from, To: to})
		x.said = append(x.said, model.Change{Kind: "other", What: a.Object.String() + " " + what, From: shown(from), To: shown(to)})
	}
	keep := any(nil)
	if x.keda() {
		was, paused := ways.At(o, ways.Pointer("metadata", "annotations", annPaused)).(string)
		if marked {
			was, paused = before, before != ""
		}
		to := any(nil)
		switch {
		case p.Marked:
			to, keep = strconv.Itoa(p.Replicas), was
			x.held = fmt.Sprintf("KEDA's %s is paused at %d", a.Object, p.Replicas)
			x.command = fmt.Sprintf("annotate %s %s=%d --overwrite", a.Object, annPaused, p.Replicas)
		case !marked && paused: // somebody else's pause stays
			to = was
		case paused:
			to, x.command = was, fmt.Sprintf("annotate %s %s=%s --overwrite", a.Object, annPaused, model.ShellWord(was))
		case marked:
			x.command = fmt.Sprintf("annotate %s %s-", a.Object, annPaused)
		}
		set(ways.Pointer("metadata", "annotations", annPaused), to, annPaused)
	} else {
		x.low, x.high = integer(ways.At(o, "/spec/minReplicas"), 1), integer(ways.At(o, "/spec/maxReplicas"), 1)
		var b bounds
		if marked && json.Unmarshal([]byte(before), &b) == nil && b.Max > 0 {
			x.low, x.high = b.Min, b.Max
		}
		low, high := x.low, x.high
		switch {
		case !p.Marked:
		case p.Replicas == 0:
			low = max(low, 1) // an HPA that may go to 0 would not rest there
		default:
			low, high = max(1, min(low, p.Replicas)), p.Replicas
		}
		if low != x.low || high != x.high {
			raw, err := json.Marshal(bounds{x.low, x.high})
			if err != nil {
				return x, err
			}
			keep = string(raw)
			x.held = fmt.Sprintf("%s is held at %d..%d", a.Object, low, high)
		}
		if low != integer(ways.At(o, "/spec/minReplicas"), 1) {
			set("/spec/minReplicas", json.Number(strconv.Itoa(low)), "minReplicas")
		}
		if high != integer(ways.At(o, "/spec/maxReplicas"), 1) {
			set("/spec/maxReplicas", json.Number(strconv.Itoa(high)), "maxReplicas")
		}
		if len(c.Fields) > 0 {
			x.command = fmt.Sprintf(`patch %s --type=merge -p '{"spec":{"minReplicas":%d,"maxReplicas":%d}}'`, a.Object, low, high)
		}
	}
	if from := ways.At(o, ways.Pointer("metadata", "annotations", ways.AnnBefore)); shown(from) != shown(keep) || (from == nil) != (keep == nil) {
		c.Fields = append(c.Fields, ways.Field{Path: ways.Pointer("metadata", "annotations", ways.AnnBefore), From: from, To: keep})
	}
	if len(c.Fields) > 0 {
		x.change = &c
	}
	return x, nil
}

// bounds are an HPA's, as its annotation keeps them.
type bounds struct {
	Min int `json:"minReplicas"`
	Max int `json:"maxReplicas"`
}

// shown returns a value as people read it; "" for none.
func shown(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// integer reads a number of an object's.
func integer(v any, none int) int {
	n, err := strconv.Atoi(shown(v))
	if err != nil {
		return none
	}
	return n
}

// owed adds to what is owed the autoscalers that are held meanwhile.
func owed(all []scaler) (out string) {
	for n := range all {
		if all[n].held != "" {
			out += "; " + all[n].held
		}
	}
	return out
}
