package config

// stepsMost is how many steps a restore may have: more are no procedure for the night.
const stepsMost = 30

func (d *decoder) recovery(v value) {
	r := &d.cfg.Recovery
	v.fields(
		d.pathField("maintenance", &r.Maintenance),
		urlField("restore", &r.Restore),
		field{name: "steps", set: d.restoreSteps},
		d.pathField("overlay", &r.Overlay),
		countField("replicas", &r.Replicas, 1, 1000),
	)
}

// restoreSteps takes the whole list in place of one that was read before.
func (d *decoder) restoreSteps(v value) {
	var steps []RestoreStep
	start := d.count
	for _, item := range v.items() {
		var s RestoreStep
		before := d.count
		item.fields(lineField("text", &s.Text, nil), lineField("command", &s.Command, nil))
		if d.count == before && s.Text == "" {
			item.fail("text is missing: what is to be done, such as text: stop the writers")
		}
		steps = append(steps, s)
	}
	switch {
	case v.sketch != nil, d.count > start:
	case len(steps) > stepsMost:
		v.failKey("has %d steps; at most %d are taken", len(steps), stepsMost)
	default:
		d.cfg.Recovery.Steps = steps
		v.remember()
	}
}
