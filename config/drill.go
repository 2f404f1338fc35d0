package config

import (
	"fmt"
	"slices"
	"strings"
)

// faults are the ways in which a drill breaks a component, as rollbook drill names them.
var faults = []string{"image", "readiness", "command", "env", "cpu", "patch"}

func (d *decoder) drill(v value) {
	x := &d.cfg.Drill
	x.Given = true
	v.fields(
		lineField("fault", &x.Fault, func(s string) error {
			if !slices.Contains(faults, s) {
				return fmt.Errorf("%s is no fault: there are %s", quote(s), strings.Join(faults, ", "))
			}
			return nil
		}).as(Schema{Enum: faults}),
		lineField("env", &x.Env, func(s string) error {
			if name, _, is := strings.Cut(s, "="); !is || name == "" || strings.ContainsAny(name, " \t") {
				return fmt.Errorf("%s is no variable: write NAME=VALUE", quote(s))
			}
			return nil
		}),
		d.pathField("patch", &x.Patch),
		lineField("alert", &x.Alert, nil),
		durationField("target", &x.Target, 30*second, day),
		durationField("healthy", &x.Healthy, 10*second, hour),
		durationField("every", &x.Every, day, 366*day),
	)
}
