package redeploy

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"rollbook/model"
	"rollbook/text"
	"rollbook/ways"
)

// Versions lists the newest tags and commits of the component's repository, newest first.
// A clone that rollbook keeps is brought up to date before.
func (r Redeploy) Versions(ctx context.Context, c *model.Component, _ time.Time) (*model.History, error) {
	t, err := r.target(c.ID)
	if err != nil {
		return nil, err
	}
	g, err := r.repository(t)
	if err != nil {
		return nil, err
	}
	if _, err := r.fetch(ctx, g); err != nil {
		return nil, err
	}
	all, err := r.candidates(ctx, t, g, c)
	if err != nil {
		return nil, model.Told(nil, err, "the versions in %s cannot be read: %s", text.Line(t.Repository), err)
	}
	out := &model.History{Component: c.ID, Method: MethodRedeploy, At: r.Now(), Stays: kept}
	for _, x := range all {
		out.Candidates = append(out.Candidates, x.Candidate)
	}
	return out, nil
}

// kept is what applying a version does not bring back.
const kept = "data and its schema; nothing is deleted"

// candidate is a version with what git has of it.
type candidate struct {
	model.Candidate
	release
}

func (r Redeploy) candidates(ctx context.Context, t Target, g repository, c *model.Component) ([]candidate, error) {
	var all []release
	var said marks
	var err error
	ways.Several(
		func() { all, err = g.releases(ctx, t.Tags) },
		func() { said = r.marks(ctx, c) })
	if err != nil {
		return nil, err
	}
	out := make([]candidate, 0, len(all))
	running := -1
	for n := range all {
		x := candidate{release: all[n], Candidate: model.Candidate{Version: all[n].version(), Start: all[n].at, Guessed: true,
			By: text.Line(all[n].author), Cause: text.Line(all[n].title)}}
		if running < 0 && (x.runs(c.Images) || said.name(x.release)) {
			running = n
			x.Current, x.Owner, x.Images = true, c.OwnerName, c.Images
		} else {
			for p := range c.Past {
				if e := &c.Past[p]; x.runs(e.Images) && e.Owner != c.OwnerName {
					x.Owner, x.Images = e.Owner, e.Images
					break
				}
			}
		}
		out = append(out, x)
	}
	for n := range out {
		if running >= 0 && n != running {
			out[n].Changes = []model.Change{{Kind: "commit", What: text.Line(cmp.Or(all[n].tag, "commit")), From: ways.ShortCommit(all[running].commit), To: ways.ShortCommit(all[n].commit)}}
		}
	}
	return out, nil
}

// version names a release, with the commit that its tag was at: a tag that is moved is
// another version.
func (x release) version() model.Version {
	c := ways.ShortCommit(x.commit)
	if x.tag == "" {
		return model.Version{Key: "@" + x.commit, Label: "commit " + c, Short: c, Tag: c}
	}
	tag := text.Line(x.tag)
	return model.Version{Key: x.tag + "@" + x.commit, Label: tag, Short: tag, Tag: tag}
}

func (x release) runs(images []string) bool { return model.BearsVersion(images, x.commit, x.tag) }

// marks is what a workload says of the version that it runs.
type marks map[string]string

// Labels and annotations that name a version, and those that name a commit.
var (
	versionMarks = []string{"org.opencontainers.image.version", "app.kubernetes.io/version"}
	commitMarks  = []string{"org.opencontainers.image.revision"}
)

// marks reads them off the workload and its pods' template; none where that cannot be
// read.
func (r Redeploy) marks(ctx context.Context, c *model.Component) marks {
	raw, _, err := r.cluster.Read(ctx, c.Workload.Object())
	type meta struct{ Labels, Annotations map[string]string }
	var o struct {
		Metadata meta
		Spec     struct{ Template struct{ Metadata meta } }
	}
	if err != nil || raw == nil || json.Unmarshal(raw, &o) != nil {
		return nil
	}
	out := marks{}
	for _, m := range []meta{o.Metadata, o.Spec.Template.Metadata} {
		for _, all := range []map[string]string{m.Labels, m.Annotations} {
			for k, v := range all {
				out[k] = v
			}
		}
	}
	return out
}

// name reports whether the marks name a release.
func (m marks) name(x release) bool {
	for _, k := range versionMarks {
		if v := m[k]; v != "" && x.tag != "" && strings.TrimPrefix(v, "v") == strings.TrimPrefix(x.tag, "v") {
			return true
		}
	}
	for _, k := range commitMarks {
		if v := m[k]; len(v) >= 7 && strings.HasPrefix(x.commit, v) {
			return true
		}
	}
	return false
}

// current returns the one that runs now; nil while that is not known.
func current(all []candidate) *candidate {
	for n := range all {
		if all[n].Current {
			return &all[n]
		}
	}
	return nil
}

// wanted returns the release that is meant. Without a key it is the newest tag that is
// older than what runs. One that is no longer listed is known by its key.
func wanted(ctx context.Context, g repository, all []candidate, to model.Version) (*candidate, error) {
	passed := false
	for n := range all {
		x := &all[n]
		if !to.IsZero() && x.Key == to.Key || to.IsZero() && passed && x.tag != "" {
			return x, nil
		}
		passed = passed || x.Current
	}
	if to.IsZero() {
		return nil, model.Told(nil, nil, "which version runs is not known, so that there is none before it: choose one")
	}
	at := strings.LastIndexByte(to.Key, '@') // a tag may have one too
	if at < 0 || !objectName(to.Key[at+1:]) {
		return nil, model.Told(nil, nil, "%s is no version of the repository", to)
	}
	tag, commit := to.Key[:at], to.Key[at+1:]
	if why, err := g.moved(ctx, tag, commit); err != nil || why != "" {
		return nil, model.Told(nil, err, "%s", cmp.Or(why, fmt.Sprint(err)))
	}
	x := release{tag: tag, commit: commit}
	return &candidate{release: x, Candidate: model.Candidate{Version: x.version()}}, nil
}

// moved says that a tag is not at a commit any more; "" = it is, or there is no tag.
func (g repository) moved(ctx context.Context, tag, commit string) (string, error) {
	if tag == "" {
		return "", nil
	}
	now, err := g.resolve(ctx, tag)
	switch {
	case err != nil || now == commit:
		return "", err
	case now == "":
		return fmt.Sprintf("the tag %s is gone from the repository: it was at %s", text.Line(tag), ways.ShortCommit(commit)), nil
	}
	return fmt.Sprintf("the tag %s was moved from %s to %s: read the versions again", text.Line(tag), ways.ShortCommit(commit), ways.ShortCommit(now)), nil
}
