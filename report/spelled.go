package report

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"rollbook/model"
)

// spelled returns a struct of settings for JSON with its durations as people write
// them, under the names that the struct has there.
func spelled(v reflect.Value) any {
	if d, is := v.Interface().(time.Duration); is {
		return model.Short(d)
	}
	if v.Kind() != reflect.Struct {
		return v.Interface()
	}
	if _, own := v.Interface().(json.Marshaler); own {
		return v.Interface()
	}
	out := map[string]any{}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "-" {
			continue
		}
		if name == "" {
			name = f.Name
		}
		out[name] = spelled(v.Field(i))
	}
	return out
}

// costs is an impact as the evidence keeps it, with its figures as a report has them.
type costs struct {
	From       Moment  `json:"from"`
	To         Moment  `json:"to"`
	Objective  float64 `json:"objective"` // 0 = no SLO is set up
	Period     string  `json:"period"`    // "30d"
	Components []spent `json:"components"`
	All        spent   `json:"all"`
}

type spent struct {
	Component   string `json:"component,omitempty"`
	Failed      Value  `json:"failed"`
	Requests    Value  `json:"requests"`
	MinutesOver Value  `json:"minutesOver"`
	NoData      Value  `json:"noData"`
	BudgetShare Value  `json:"budgetShare"`
}

func impactOf(i *model.Impact) costs {
	one := func(c *model.ComponentImpact) spent {
		return spent{c.Component, Value{c.Failed}, Value{c.Requests}, Value{c.MinutesOver}, Value{c.NoData}, Value{c.BudgetShare}}
	}
	out := costs{From: Moment{i.From}, To: Moment{i.To}, Objective: i.Objective, Period: model.Short(i.Period), All: one(&i.All)}
	for n := range i.Components {
		out.Components = append(out.Components, one(&i.Components[n]))
	}
	return out
}
