package model

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Kind is the kind of a workload, as Kubernetes spells it.
type Kind string

// The kinds of workload that have a rollout history.
const (
	Deployment  Kind = "Deployment"
	StatefulSet Kind = "StatefulSet"
	DaemonSet   Kind = "DaemonSet"
)

// Resource is the kind's plural in the API group apps, as it stands in URLs and
// in RBAC rules.
func (k Kind) Resource() string { return strings.ToLower(string(k)) + "s" }

// Workload names the Kubernetes object whose pods serve a component.
type Workload struct {
	Kind      Kind   `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// String is the name as kubectl takes it: "deployment/frontend".
func (w Workload) String() string { return strings.ToLower(string(w.Kind)) + "/" + w.Name }

// Component is one line of the board: a component as the cluster showed it
// last. It is an observation: replaced as a whole, never changed in place, so
// that a snapshot may share it.
type Component struct {
	ID       string // unique on the board: the configured name, else the workload's
	Workload Workload
	UID      string // of the workload; "" while it was not found
	Missing  string // why there is nothing to show ("not found", "forbidden: …"); "" when read

	Revision      int64     // deployment.kubernetes.io/revision; 0 = unknown
	RevisionStart time.Time // when the running template was set; zero = unknown
	StartGuessed  bool      // RevisionStart is the ReplicaSet's creation, which is wrong after an undo
	RevisionBy    string    // the field manager that set the template
	ChangeCause   string
	Images        []string // one per container, in the template's order
	NamedBy       string   // which of them names its versions (see the function); "" = not known
	TemplateHash  string   // of the pod template less pod-template-hash
	Paused        bool
	OwnerName     string // name of the ReplicaSet or ControllerRevision of the running template; "" = unknown
	Returned      bool   // the running template had run before, and was gone back to
	// Past are the other times at which a template was set, the newest first, as far
	// as its ReplicaSets or ControllerRevisions tell: those of the last day, and the
	// one before the running one.
	Past []Earlier

	Desired, Replicas, Updated, Ready, Available, Terminating int
	Generation, Observed                                      int64
	Progressing                                               Condition // Deployments only

	OnDelete  bool // a new template moves no pod until the pods are deleted
	Partition int  // StatefulSets: pods with a lower ordinal keep the old template
	Ordered   bool // StatefulSets: each pod waits for the one before it to be ready

	MinReady time.Duration // how long a pod has to be ready to count as available

	// NoneReady is since when no pod is ready though some are desired; zero while
	// one is, or none is desired. Traffic goes to ready pods, available or not.
	NoneReady time.Time
	// Stuck says why the newest rollout does not get on (deadline exceeded,
	// crash loop, image pull, quota); "" while nothing speaks for it. StuckAt
	// returns what counts.
	Stuck      string
	StuckSince time.Time
	StuckPods  bool // Stuck is what the new pods tell of themselves
	// Unmoved is since when no new pod became ready though the newest rollout is not
	// over, where the cluster has no condition that tells: no progress deadline is
	// set, or the kind has none. Zero where the cluster tells, or nothing is awaited.
	Unmoved time.Time

	Pods   []Pod    // newest revision first, failing first, leftovers last
	PodsNo string   // why there are no pods to show ("forbidden: …"); "" when they were read
	Owners []Owner  // who else writes this workload
	Hints  []string // what else the operator should know (HPA, partition, OnDelete …)
	Marks  []Mark   // what rollbook switched off on it, as the cluster remembers it
}

// NotFound is the reason why there is nothing to show of a workload that is not there.
const NotFound = "not found"

// Basis tells a preflight that still fits from one that has to be made again: it
// differs when the board shows another workload, template or owner. Status and the
// number of replicas are not in it: they move all the time. nil has the basis "".
func (c *Component) Basis() string {
	if c == nil {
		return ""
	}
	return fmt.Sprint(c.UID, c.Missing, c.TemplateHash, c.OwnerName, c.Revision, c.RevisionBy, c.Paused, c.OnDelete, c.Partition, c.Owners)
}

// Asleep reports whether the workload is there, and no pod of it is wanted.
func (c *Component) Asleep() bool { return c.Missing == "" && c.Desired == 0 }

// Running returns the revision that the workload runs, as a version: its
// ReplicaSet or ControllerRevision; zero while that is not known.
func (c *Component) Running() Version {
	v := Revision(c.OwnerName, c.Revision)
	if !v.IsZero() {
		v.Tag = TagOf(c.Images, c.namedBy())
	}
	return v
}

// Came returns the version of an earlier release.
func (c *Component) Came(r *Earlier) Version {
	v := Revision(r.Owner, r.Revision)
	v.Tag = TagOf(r.Images, c.namedBy())
	return v
}

func (c *Component) namedBy() string {
	if c.NamedBy != "" {
		return c.NamedBy
	}
	past := make([][]string, 0, len(c.Past))
	for n := range c.Past {
		past = append(past, c.Past[n].Images)
	}
	return NamedBy("", c.Images, past)
}

// Left returns the release that the running one was put in the place of, when the
// running one had run before and was gone back to; nil when it was not, or nobody
// knows.
func (c *Component) Left() *Earlier {
	if !c.Returned {
		return nil
	}
	for n := range c.Past {
		if r := &c.Past[n]; r.Owner != c.OwnerName && r.Revision == c.Revision-1 {
			return r
		}
	}
	return nil
}

// Earlier is a time at which a workload's template was set, as the ReplicaSet or
// ControllerRevision that was made then tells.
type Earlier struct {
	Owner    string // its name
	Revision int64  // as it is numbered now; 0 = unknown
	At       time.Time
	Images   []string // none = not known
	Cause    string
}

// Revision returns a revision of a rollout history as a version. It is named by
// its ReplicaSet or ControllerRevision: its number moves, two may bear the same,
// and one may have none (0). Without an owner it can be told, but not gone to.
func Revision(owner string, number int64) Version {
	switch {
	case owner == "" && number == 0:
		return Version{}
	case number == 0:
		return Version{Key: owner, Label: "the revision without a number (" + owner + ")", Short: "–"}
	}
	n := strconv.FormatInt(number, 10)
	return Version{Key: owner, Label: "revision " + n, Short: n}
}

// NoProgress is how long a rollout without a new ready pod may take before it is
// stuck, where the cluster does not tell: the API's own default of
// progressDeadlineSeconds.
const NoProgress = 10 * time.Minute

// StuckAt returns why the newest rollout does not get on as of now, and since when;
// "" while nothing speaks for it.
func (c *Component) StuckAt(now time.Time) (why string, since time.Time) {
	if turn := c.StuckFrom(); c.Stuck != "" || turn.IsZero() || now.Before(turn) {
		return c.Stuck, c.StuckSince
	}
	none := "a " + string(c.Workload.Kind) + " has no progress deadline"
	if c.Workload.Kind == Deployment {
		none = "no progress deadline is set"
	}
	return "no new pod became ready for " + Short(NoProgress+c.MinReady) + ", by rollbook's clock: " + none, c.Unmoved
}

// StuckFrom returns when the newest rollout counts as stuck by the clock alone, if
// nothing gets ready until then; zero = it does not.
func (c *Component) StuckFrom() time.Time {
	if c.Unmoved.IsZero() {
		return time.Time{}
	}
	return c.Unmoved.Add(NoProgress + c.MinReady)
}

// Waiting returns how many pods are ready but not yet available, and when the last
// of them will be; a zero time where the pods do not tell.
func (c *Component) Waiting() (pods int, until time.Time) {
	if pods = c.Ready - c.Available; pods <= 0 || c.MinReady == 0 {
		return 0, time.Time{}
	}
	for i := range c.Pods {
		if p := &c.Pods[i]; p.Ready && !p.Deleting && p.ReadySince.Add(c.MinReady).After(until) {
			until = p.ReadySince.Add(c.MinReady)
		}
	}
	return pods, until
}

// Surplus returns how many pods there are beyond those that are desired, as while a
// rollout makes new ones beside the old. Those that are terminating and leftovers do
// not count.
func (c *Component) Surplus() int { return max(0, c.Replicas-c.Desired) }

// Condition is one condition of a workload's status.
type Condition struct {
	Status  string // "True", "False", "Unknown"; "" = the condition is not there
	Reason  string
	Updated time.Time // lastUpdateTime: tells a condition that was left over from before a write
}

// Pod is one pod as it was last seen.
type Pod struct {
	Name     string
	UID      string
	Owner    string // name of its ReplicaSet or ControllerRevision, as far as known
	Revision int64  // 0 = unknown
	State    string // as kubectl's STATUS column: Running, CrashLoopBackOff, Terminating …
	Ready    bool
	// ReadySince is since when it has been ready; zero while it is not.
	ReadySince time.Time
	// Leftover says that it has ended (evicted, shut down with its node) and that
	// another stands in its place. It is not Failing, and counts for nothing.
	Leftover bool
	Failing  bool // a person should look: waiting for a bad reason, restarting, exited with an error
	Restarts int
	Exit     string    // "exit 1", "exit 137 OOMKilled" of the last terminated container; "" = none
	ExitAt   time.Time // when that was
	Message  string    // the last words of the failing container or of the scheduler; may have several lines
	Started  time.Time // creation
	// Steady is since when it is as it is: the newest of when it became ready and when
	// a container of it started, by the cluster's clock. Zero = unknown, or not ready.
	Steady   time.Time
	Deleting bool
	Names    []string // containers
	Bad      string   // the failing container's name, else the first's
}

// Owner is another writer of a workload: a GitOps controller, a package
// manager, an operator. Whoever owns a workload may undo an undo.
type Owner struct {
	Manager string // "Argo CD", "Flux", "Helm" …
	Name    string // "application shop", "release shop in prod"
	Reverts bool   // known to put its own version back by itself
	Do      string // what the operator can do about it; "" = nothing known
}

// Event is a Kubernetes event of a component or one of its pods.
type Event struct {
	At        time.Time
	Component string
	Object    string // "pod/backend-python-7c9f-2kq4x"
	Type      string // Normal, Warning
	Reason    string
	Message   string
	Count     int
}

// Events are the events of a component that were read.
type Events struct {
	List   []Event // newest last
	Older  int     // how many older ones were read and left out
	Unread string  // why not all were read, newer ones maybe neither; "" = all were
}
