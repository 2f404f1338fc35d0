package ways

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"rollbook/model"
	"rollbook/text"
)

// Trier tells beforehand whether a write would be let through.
type Trier interface {
	// May reports whether the user may do something with an object.
	May(ctx context.Context, verb string, o model.Object) (bool, error)
	// TryPatch has the API server try a JSON patch without writing.
	TryPatch(ctx context.Context, o model.Object, patch json.RawMessage) (refused string, err error)
}

// MayPatch tells whether the user may change each of the objects that a write to a workload
// changes. Its lines have the ID "access.patch", of objects beside the workload with their
// names.
func MayPatch(ctx context.Context, c Trier, w model.Workload, all []Change) []model.Check {
	objects := []model.Object{w.Object()}
	for n := range all {
		if o := all[n].Object; !slices.Contains(objects, o) {
			objects = append(objects, o)
		}
	}
	var out []model.Check
	var names []string
	for _, o := range objects {
		names = append(names, o.String())
		id := "access.patch"
		if o.Kind != string(w.Kind) {
			id += ":" + o.String()
		}
		may, err := c.May(ctx, "patch", o)
		switch {
		case err != nil:
			out = append(out, Line(id, model.CheckUnknown, "", "whether you may change %s is not known: %s", o, err))
		case !may:
			out = append(out, Hard(Line(id, 0, fmt.Sprintf("ask for the verb patch on %ss, or let somebody do it who has it", strings.ToLower(o.Kind)),
				"you may not patch %s: the write would be refused", o)))
		}
	}
	if len(out) == 0 {
		out = append(out, Line("access.patch", model.CheckOK, "", "you may patch %s", text.Line(strings.Join(names, ", "))))
	}
	return out
}

// DryRun has the API server try each of the changes, in a line with the ID "dryrun"; none
// where there is nothing to change.
func DryRun(ctx context.Context, c Trier, all []Change, readOnly bool) []model.Check {
	const id, asks = "dryrun", "whether admission accepts it (server dry run) is not known: "
	if readOnly {
		return []model.Check{Line(id, model.CheckUnknown, "", asks+"not asked, rollbook runs read-only")}
	}
	for n := range all {
		patch, err := all[n].Patch()
		if err != nil {
			return []model.Check{Line(id, model.CheckUnknown, "", asks+"%s", err)}
		}
		refused, err := c.TryPatch(ctx, all[n].Object, patch)
		if err != nil {
			return []model.Check{Line(id, model.CheckUnknown, "", asks+"%s", err)}
		}
		if refused != "" {
			return []model.Check{Line(id, model.CheckBlocked, "look at what refuses it", "the API server refuses the change of %s: %s", all[n].Object, refused)}
		}
	}
	if len(all) == 0 {
		return nil
	}
	return []model.Check{Line(id, model.CheckOK, "", "admission accepts it (server dry run)")}
}
