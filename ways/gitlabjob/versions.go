package gitlabjob

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"rollbook/model"
	"rollbook/text"
	"rollbook/ways"
)

// enough is how many deployments are looked through for versions.
const enough = 100

// Versions lists the pipelines that were deployed to the component's environment,
// the newest first. One that was deployed more than once stands where it was last.
func (j Job) Versions(ctx context.Context, c *model.Component, _ time.Time) (*model.History, error) {
	t, err := j.target(c.ID)
	if err != nil {
		return nil, err
	}
	all, err := j.deployments(ctx, t, "success", enough)
	if err != nil {
		return nil, model.Told(nil, err, "the deployments of %s to %s cannot be read: %s", t.Project, t.Environment, because(err))
	}
	out := &model.History{Component: c.ID, Method: MethodJob, At: j.Now(), Stays: kept}
	for _, x := range candidates(all, c) {
		out.Candidates = append(out.Candidates, x.Candidate)
	}
	return out, nil
}

// kept is what running the job of a version does not bring back.
const kept = "data and its schema, variables of the project, and what other jobs of the pipeline did"

// candidate holds a version and its newest deployment.
type candidate struct {
	model.Candidate
	last *deployment
}

func candidates(all []deployment, c *model.Component) []candidate {
	var out []candidate
	at := map[string]int{}
	newest := ""
	for n := range all {
		d := &all[n]
		v := d.version()
		if k, twice := at[v.Key]; twice {
			// It was deployed before, and something else in between.
			out[k].Returned = out[k].Returned || newest != v.Key
			newest = v.Key
			continue
		}
		at[v.Key], newest = len(out), v.Key
		x := candidate{last: d, Candidate: model.Candidate{Version: v, Start: cmp.Or(d.finished(), d.UpdatedAt, d.CreatedAt), By: text.Line(d.User.Username)}}
		if d.Job == nil {
			x.Refused = "it was deployed by the API and has no job that could be run again"
		} else {
			x.Cause = text.Line(d.Job.Commit.Title)
			if by := text.Line(d.Job.Commit.Author); by != "" {
				x.Cause = strings.TrimSpace(x.Cause + " (" + by + ")")
			}
		}
		if x.Images = c.Images; !d.bears(c.Images) {
			x.Images = nil
			for p := range c.Past {
				if r := &c.Past[p]; d.bears(r.Images) && r.Owner != c.OwnerName {
					x.Owner, x.Images = r.Owner, r.Images
					break
				}
			}
		}
		out = append(out, x)
	}
	if k := current(out, c); k != nil {
		k.Current, k.Owner, k.Images = true, c.OwnerName, c.Images
		for n := range out {
			if x := &out[n]; x.Key != k.Key {
				x.Changes = []model.Change{{Kind: "commit", What: text.Line(x.last.Ref), From: text.Line(ways.ShortCommit(k.last.SHA)), To: text.Line(ways.ShortCommit(x.last.SHA))}}
			}
		}
	}
	return out
}

// current returns the one that runs now: the one that the running images name, else
// what was deployed last; nil while nothing was.
func current(all []candidate, c *model.Component) *candidate {
	for n := range all {
		if all[n].last.bears(c.Images) {
			return &all[n]
		}
	}
	if len(all) == 0 {
		return nil
	}
	return &all[0]
}

// version returns what a deployment brought out: that of its pipeline, or, without a
// job, of nothing but itself.
func (d *deployment) version() model.Version {
	v := model.Version{Tag: text.Line(ways.ShortCommit(d.SHA))}
	if d.Job == nil {
		v.Key, v.Label, v.Short = "deployment "+number(d.ID), fmt.Sprintf("deployment %d", d.ID), fmt.Sprintf("d%d", d.ID)
		return v
	}
	id := d.Job.Pipeline.ID
	v.Key, v.Label, v.Short = number(id), fmt.Sprintf("pipeline %d", id), fmt.Sprintf("#%d", id)
	if d.Job.Tag {
		v.Tag = text.Line(d.Ref)
	}
	return v
}

func (d *deployment) finished() time.Time {
	if d.Job == nil {
		return time.Time{}
	}
	return d.Job.FinishedAt
}

// tag returns the tag of git that was deployed; "" when a branch was.
func (d *deployment) tag() string {
	if d.Job == nil || !d.Job.Tag {
		return ""
	}
	return d.Ref
}

func (d *deployment) bears(images []string) bool { return model.BearsVersion(images, d.SHA, d.tag()) }
