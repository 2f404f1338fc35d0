package incident

import (
	"maps"
	"slices"
	"sort"
	"strconv"
	"strings"

	"rollbook/model"
)

// notice keeps what the cluster shows of the components concerned as facts: each
// change of a pod's reason, of a revision, of an owner and of the replicas.
func (d *decider) notice() {
	if d.s.clusterLost() != "" {
		return
	}
	concerned := d.inc().Concerned()
	for _, c := range d.s.Seen.Board {
		if c.Missing != "" || !d.s.changed(c) && !slices.Contains(concerned, c.ID) && len(reasons(c)) == 0 {
			continue
		}
		note := func(what, text string, of model.Version) {
			was, had := d.inc().Noted[c.ID+"/"+what]
			if was == text || !had && text == "" {
				return
			}
			d.fact(Noticed{Component: c.ID, What: what, Text: text, Version: of})
		}
		for _, r := range reasons(c) {
			// Once for each revision: a crash loop goes through its states for hours.
			note(r, r, model.Version{})
		}
		if c.Revision != 0 && c.Observed >= c.Generation { // the controller numbers a new template after it is written
			note("revision", "revision "+strconv.FormatInt(c.Revision, 10)+" "+strings.Join(c.Images, " "), c.Running())
		}
		var owners []string
		for _, o := range c.Owners {
			owners = append(owners, strings.TrimSpace(o.Manager+" "+o.Name))
		}
		if len(owners) > 0 {
			note("owners", "owned by "+strings.Join(owners, ", "), model.Version{})
		}
		if slices.Contains(concerned, c.ID) {
			d.countReplicas(c)
		}
	}
}

// reasons are the distinct states of a component's failing pods, without their
// number, which changes all the time. A pod that runs again for a moment is not
// one of them.
func reasons(c *model.Component) []string {
	var out []string
	for _, p := range c.Pods {
		if !p.Failing || p.Deleting || p.State == "Running" {
			continue
		}
		r := p.State
		if p.Exit != "" {
			r += " (" + p.Exit + ")"
		}
		v := c.Running()
		if p.Owner != c.OwnerName {
			v = came(c, &p)
		}
		out = append(out, "pods of "+v.Full()+": "+r)
	}
	sort.Strings(out)
	return slices.Compact(out)
}

// Noticed is a change in what the cluster shows of a component: a pod's
// reason, a revision, an owner.
type Noticed struct {
	Component string `json:"component"`
	What      string `json:"what"` // pods, revision, owners
	Text      string `json:"text"`
	// Version is what runs, where What is revision; zero in an older journal.
	Version model.Version `json:"version,omitzero"`
}

func (b Noticed) apply(i *Incident, f Fact) {
	if !i.ownNoted {
		i.Noted, i.ownNoted = maps.Clone(i.Noted), true
	}
	if i.Noted == nil {
		i.Noted = map[string]string{}
	}
	i.Noted[b.Component+"/"+b.What] = b.Text
}

func (b Noticed) entry(*Incident) (EntryKind, string) {
	switch words := strings.Fields(b.Text); {
	case b.What == "revision" && len(words) > 2:
		var names []string
		for _, image := range words[2:] { // the last part tells them apart
			names = append(names, image[strings.LastIndexByte(image, '/')+1:])
		}
		if tag := model.TagOf(words[2:], ""); len(names) == 1 && tag != "" {
			names[0] = tag
		}
		return EntrySeen, b.Component + " runs " + strings.Join(names, ", ") + " (" + strings.Join(words[:2], " ") + ")"
	case b.What == "revision":
		return EntrySeen, b.Component + " runs " + b.Text
	}
	return EntrySeen, b.Component + ": " + b.Text
}
