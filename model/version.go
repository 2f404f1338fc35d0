package model

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Method names a way of changing the world. It stands in journals: a name is
// never given to another way.
type Method string

// Role is what a write is to the incident.
type Role string

// The roles.
const (
	RoleRelease Role = "release" // another version serves: Verify proves it
	RoleSchema  Role = "schema"  // before the release, while the new image still runs
	RoleSwitch  Role = "switch"  // something is turned off for a time, and owed
	RoleAid     Role = "aid"     // helps another write on: a stuck pod is deleted
)

// Slot is a component in one role. What is chosen, checked and written is kept by
// slot: a component may go back in its release and in its schema.
type Slot struct {
	Component string `json:"component"`
	Role      Role   `json:"role"`
}

// Release returns a component's slot in the release.
func Release(component string) Slot { return Slot{component, RoleRelease} }

// Version is something that a component can be brought to. Only the method that
// gave it knows what its key means.
type Version struct {
	Key   string `json:"key,omitempty"`   // names it to its method; "" = none
	Label string `json:"label,omitempty"` // in a sentence: "revision 41", "pipeline 4577", "v1.42.0", "0 replicas"
	Short string `json:"short,omitempty"` // in a column: "41", "#4577", "v1.42.0"; two may bear the same
	Tag   string `json:"tag,omitempty"`   // of the image that tells it from the others: "1.42.0"; "" = not known
}

// IsZero reports whether no version is meant.
func (v Version) IsZero() bool { return v.Key == "" }

// String returns the label, or that there is none.
func (v Version) String() string {
	if v.Label == "" {
		return "an unknown version"
	}
	return v.Label
}

// Name returns what people call the version: its tag, else its label.
func (v Version) Name() string {
	if v.Tag != "" {
		return v.Tag
	}
	return v.String()
}

// Full returns the version's name with its label behind it: "1.42.0 (revision 6)".
func (v Version) Full() string {
	if v.Tag == "" || v.Tag == v.Label {
		return v.String()
	}
	return v.Tag + " (" + v.String() + ")"
}

// Is reports whether both are the same version. An undo gives it another label.
func (v Version) Is(o Version) bool {
	return v.Key == o.Key && (v.Key != "" || v.Label == o.Label)
}

// NamedBy returns which image of a workload names its versions by its tag: the
// workload's own where that is known (own is not "") and not the same in all of them,
// else the one that tells most of them apart, of several the first. running and others
// are the images of its versions, in the order of their containers. It answers with the
// image's name alone, which stays when a registry or a tag moves.
func NamedBy(own string, running []string, others [][]string) string {
	if len(running) == 0 {
		return ""
	}
	best, most := imageName(running[0]), 1
	for _, image := range running {
		name := imageName(image)
		kinds := []string{image}
		for _, o := range others {
			if is := imageOf(o, name); len(o) > 0 && !slices.Contains(kinds, is) {
				kinds = append(kinds, is)
			}
		}
		switch {
		case len(kinds) > 1 && name == imageName(own):
			return name
		case len(kinds) > most:
			best, most = name, len(kinds)
		}
	}
	if most == 1 && own != "" {
		return imageName(own)
	}
	return best
}

// imageName returns "api" of "registry:5000/shop/api:1.2.3@sha256:…".
func imageName(image string) string {
	image = image[strings.LastIndexByte(image, '/')+1:]
	image, _, _ = strings.Cut(image, "@")
	image, _, _ = strings.Cut(image, ":")
	return image
}

// imageOf returns the first of some images that has a name; "" = none has.
func imageOf(images []string, name string) string {
	if at := slices.IndexFunc(images, func(image string) bool { return imageName(image) == name }); at >= 0 {
		return images[at]
	}
	return ""
}

// TagOf returns the tag of a version: that of the image which names the workload's
// versions (see NamedBy), where a version has none of that name of its first one. An
// image by digest alone is named by the digest's beginning.
func TagOf(images []string, by string) string {
	if len(images) == 0 {
		return ""
	}
	image := cmp.Or(imageOf(images, by), images[0])
	image = image[strings.LastIndexByte(image, '/')+1:]
	name, digest, _ := strings.Cut(image, "@sha256:")
	_, tag, _ := strings.Cut(name, ":")
	if tag == "" && len(digest) >= 12 {
		tag = digest[:12]
	}
	return tag
}

// hexWord matches a part of an image's tag that may be a commit.
var hexWord = regexp.MustCompile(`[0-9a-f]{7,40}`)

// SameTag reports whether two tags name the same version: git often has a v before it that
// an image has not. "" names none.
func SameTag(a, b string) bool {
	return a != "" && b != "" && strings.TrimPrefix(a, "v") == strings.TrimPrefix(b, "v")
}

// BearsVersion reports whether one of some images is tagged with a commit, or with a tag
// of git; "" = there is none.
func BearsVersion(images []string, commit, tag string) bool {
	for _, image := range images {
		image, _, _ = strings.Cut(image, "@")
		image = image[strings.LastIndexByte(image, '/')+1:]
		_, of, ok := strings.Cut(image, ":")
		if !ok {
			continue
		}
		if SameTag(of, tag) {
			return true
		}
		for _, word := range hexWord.FindAllString(of, -1) {
			if strings.HasPrefix(commit, word) {
				return true
			}
		}
	}
	return false
}

// History lists the versions that a method can bring one component to, newest
// first.
type History struct {
	Component  string      `json:"component"`
	Method     Method      `json:"method"`
	At         time.Time   `json:"at,omitzero"` // of the figures; zero = they are not read yet
	Candidates []Candidate `json:"versions,omitempty"`
	Err        string      `json:"err,omitempty"`   // why there is none
	Stays      string      `json:"stays,omitempty"` // what none of them brings back; "" = all but the pods' template
	// FiguresErr says why the candidates have no figures; "" when they were asked for.
	FiguresErr string `json:"noFigures,omitempty"`
	Left       int    `json:"left,omitempty"` // so many older ones are not among Candidates
	// Heads are, where these are versions of a schema, those at which the code of
	// releases ends, as far as that is known.
	Heads []Head `json:"heads,omitempty"`
	// Psql is, where these are versions of a schema, the command with which somebody
	// comes to its database by hand; "" = there is none.
	Psql string `json:"psql,omitempty"`
}

// Head says at which version of a schema the code of a release ends.
type Head struct {
	Owner string `json:"owner,omitempty"` // ReplicaSet or ControllerRevision of the release; "" = it is named by its tag
	Tag   string `json:"tag,omitempty"`   // of the release's image; "" = it is named by its owner
	Key   string `json:"key"`             // of the schema's version
	By    string `json:"by,omitempty"`    // who says so: "a pod of it", "rollbook.yaml"
}

// Pending reports whether a history is still being read: nothing of it is there, nor why.
func (h *History) Pending() bool { return h == nil || h.At.IsZero() && h.Err == "" }

// Candidate returns the one of that key, or nil.
func (h *History) Candidate(key string) *Candidate {
	for i := range h.Candidates {
		if h.Candidates[i].Key == key && key != "" {
			return &h.Candidates[i]
		}
	}
	return nil
}

// Current returns the candidate that runs now, or nil.
func (h *History) Current() *Candidate {
	for i := range h.Candidates {
		if h.Candidates[i].Current {
			return &h.Candidates[i]
		}
	}
	return nil
}

// Candidate is a version that may be chosen, and what is known of it.
type Candidate struct {
	Version
	Owner       string    `json:"-"`                     // name of the ReplicaSet or ControllerRevision whose pods run it; "" = unknown
	Start       time.Time `json:"start,omitzero"`        // when it last became the running one; zero = unknown
	Guessed     bool      `json:"guessed,omitempty"`     // Start is only when it was first made
	Returned    bool      `json:"returned,omitempty"`    // it was the running one before, and was gone back to
	By          string    `json:"by,omitempty"`          // who set it; "" = unknown
	Cause       string    `json:"cause,omitempty"`       // why it was released, in its author's words; "" = not said
	CauseCopied bool      `json:"causeCopied,omitempty"` // the same words stand on an older one: most likely inherited
	Images      []string  `json:"images,omitempty"`      // those first that differ within the history
	Vary        int       `json:"vary,omitempty"`        // so many of Images do
	Replicas    int       `json:"-"`                     // pods now
	Current     bool      `json:"current,omitempty"`
	RestartOf   string    `json:"restartOf,omitempty"`   // key of the one that it differs from only by a restart; "" = a change of its own
	Behaviour   Behaviour `json:"before,omitzero"`       // over all that it served before the onset
	Now         Behaviour `json:"until,omitzero"`        // over all that it served until now
	Changes     []Change  `json:"changes,omitempty"`     // what changes when going from the running one to this one
	ChangesLeft int       `json:"changesLeft,omitempty"` // so many more are not among Changes
	Refused     string    `json:"refused,omitempty"`     // why it cannot be chosen; "" when it can
	Final       string    `json:"final,omitempty"`       // of a schema: why this migration cannot be undone; "" = it can, as far as is known
	Ambiguous   string    `json:"ambiguous,omitempty"`   // another one that bears the same label; "" = none
	// Rewritten are the ConfigMaps that it reads and that were written since it ran, or, of
	// the running one, with its release or since.
	Rewritten []Rewritten `json:"rewritten,omitempty"`
}

// Rewritten is a ConfigMap that the pods of a version read, and that holds something else
// by now: no way back but one that applies manifests brings back what it held.
type Rewritten struct {
	Name string    `json:"name"`
	At   time.Time `json:"at"` // the last time
	By   string    `json:"by,omitempty"`
}

// Change is one difference between two templates, already redacted: literal
// values of env are only ever "changed".
type Change struct {
	Kind string `json:"kind"` // image, env, resources, probe, volume, configmap, annotation, other …
	What string `json:"what"` // where: container and field
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"` // From = "" was not there, To = "" is no longer there
}

// What stands in From and To where the value may be a secret and is not told.
const (
	Literal        = "literal"
	LiteralChanged = "changed" // in To
)
