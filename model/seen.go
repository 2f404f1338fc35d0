package model

import "time"

// Seen is everything observed and not folded: the last of each kind wins. It is
// built by the engine, shared by snapshots, and never changed in place.
type Seen struct {
	Cluster  Connection
	Metrics  Connection
	Identity Identity

	Board   []*Component
	Figures map[string]*Figures // by component ID
	Events  []Event             // newest last

	History   map[string]*History   // by component ID, read when Choose is entered
	Preflight map[string]*Preflight // by component ID, of the choice that it holds
	Baseline  map[string]Baseline   // by component ID

	Probes   map[string][]ProbeSeen  // by component ID, from the rollback on
	Selected map[string]SelectedSeen // by component ID
	Tails    map[string]TailSeen     // by component ID
	Own      map[string][]OwnSeen    // by component ID

	Gathering map[Moment]time.Time // evidence that is being gathered, and since when
	Reporting time.Time            // since when the report is being written; zero = it is not
	Measuring time.Time            // since when the impact is being measured; zero = it is not

	OnCall    []OnCall
	OnCallAt  time.Time // when this was read, which may be in an earlier run; zero = never
	OnCallErr string    // why the last reading failed
	OnCallOff string    // why it is not even tried ("not configured"); "" when it is

	Leases map[string]Lease // by component ID, from Confirm on

	Open     []OpenIncident // journals of this cluster and namespace that may be taken up; nil once it is decided
	Resuming string         // the incident that is being taken up right now: no new one begins meanwhile
	Trouble  []string       // journals that cannot be read, each with the reason

	Journal  string // where the journal lies; "" before it begins
	JournalE string // why it cannot be written; "" while it can
	Resumed  bool   // this incident was begun by an earlier run
	// LookingOn is the incident that another rollbook on this machine works on: it
	// is shown here and cannot be changed. "" = it is our own. TheyLeft says that
	// nobody writes it any more.
	LookingOn string
	TheyLeft  bool
	ConfigE   string // why the configuration in the cluster is not used; "" = it is, or there is none
}

// Component returns the board's line of that name, or nil.
func (s *Seen) Component(id string) *Component {
	for _, c := range s.Board {
		if c.ID == id {
			return c
		}
	}
	return nil
}

// Connection is how it stands with the API server or with Prometheus. The zero
// value is: not tried yet.
type Connection struct {
	To     string    // host:port, or service:monitoring/prometheus:9090 through the API server
	Trying time.Time // since when the attempt under way has been going on; zero = none
	Heard  time.Time // the last answer of any kind; zero = never
	Err    string    // the last failure in full, "" after a success
	Off    string    // why it is not even tried ("not configured"); "" when it is
	// LoggedOut says that the program which the credentials come from failed, or
	// that what it gave is not accepted: its operator has to log in.
	LoggedOut bool
}

// Lost says whether nothing was heard for longer than limit.
func (c Connection) Lost(now time.Time, limit time.Duration) bool {
	return c.Heard.IsZero() || now.Sub(c.Heard) > limit
}

// Identity is who is asking which cluster.
type Identity struct {
	Cluster  string // UID of the namespace kube-system, or "sha256:…" over server and CA where that is forbidden
	User     string // as the API server knows it; "" = not known yet
	UserWhy  string // why it is not known
	Version  string // the server's gitVersion
	Skew     time.Duration
	ListPods string // "" = allowed, else why not
}

// Snapshot is what every reader gets: screen, drill, report, replay. It is
// immutable.
type Snapshot struct {
	Incident Incident
	Seen     Seen
	Now      time.Time
}

// History is the revisions of one workload, newest first.
type History struct {
	Component string
	At        time.Time
	Revisions []Revision
	Err       string // why there is none
	// FiguresErr says why the revisions have no figures; "" when they were asked for.
	FiguresErr string
}

// Revision returns the entry with that number, or nil.
func (h *History) Revision(n int64) *Revision {
	for i := range h.Revisions {
		if h.Revisions[i].Number == n {
			return &h.Revisions[i]
		}
	}
	return nil
}

// Revision is one entry of a rollout history.
type Revision struct {
	Number       int64
	Owner        string    // the ReplicaSet's or ControllerRevision's name
	Start        time.Time // when it last became the running one; zero = unknown
	Guessed      bool      // Start is the ReplicaSet's creation
	By           string    // who set it; "" = unknown
	ChangeCause  string
	CauseCopied  bool // the same words stand on an older revision: most likely inherited
	Images       []string
	Replicas     int // pods now
	Current      bool
	RestartOf    int64 // the revision that it differs from only by a restart; 0 = a change of its own
	Behaviour    Behaviour
	Changes      []Change // what changes when going from the running template to this one
	Now          Behaviour
	TemplateHash string
}

// Change is one difference between two templates, already redacted: literal
// values of env are only ever "changed".
type Change struct {
	Kind string // image, env, resources, probe, volume, configmap, annotation, other …
	What string // where: container and field
	From string // "" = was not there
	To   string // "" = is no longer there
}

// Preflight is the checks before a write, and the plan that they are about.
type Preflight struct {
	Component string
	To        int64
	Started   time.Time
	Done      bool  // every check has answered, or its time was up
	Plan      *Plan // nil while it could not be made
	Checks    []Check
	Err       string // why there is no plan
}

// CheckState is the outcome of a check. The zero value is unknown.
type CheckState int

// The outcomes, from the least to the most that stands against going on.
const (
	CheckUnknown CheckState = iota
	CheckOK
	CheckNote
	CheckWarning
	CheckBlocked
)

// Check is one line of the preflight.
type Check struct {
	ID    string // stable: "access.patch", "owner.argocd", "configmap.gone:api-env"
	State CheckState
	Text  string
	Do    string // what to do about it
	Hard  bool   // a blocked line that no override can lift, because the write cannot succeed
	// Component is whose line it is in a journal, which keeps those of an attempt
	// in one list. Seen.Preflight has a list for each.
	Component string `json:"component,omitempty"`
}

// Plan is exactly what is confirmed and written. It holds hashes, not values:
// before the write everything is read and built again, and written only when it
// comes out equal.
type Plan struct {
	ID        string    `json:"id"` // over all that follows
	Component string    `json:"component"`
	Workload  Workload  `json:"workload"`
	UID       string    `json:"uid"`
	From      int64     `json:"from"`
	To        int64     `json:"to"`
	FromHash  string    `json:"fromHash"` // running template
	ToHash    string    `json:"toHash"`   // template to be written
	Owner     string    `json:"owner"`    // the ReplicaSet that the template is taken from
	Guard     string    `json:"guard"`    // spec less replicas, annotations less deployment.kubernetes.io/*
	Patch     string    `json:"patch"`    // the patch less its resourceVersion
	Unpause   bool      `json:"unpause,omitempty"`
	Same      bool      `json:"same,omitempty"` // the templates are equal: there is nothing to write
	Changes   []Change  `json:"changes,omitempty"`
	Stays     []string  `json:"stays,omitempty"` // what a rollback does not bring back
	Command   string    `json:"command"`         // the equal kubectl command
	Before    time.Time `json:"before,omitzero"` // Progressing's lastUpdateTime before the write: an unchanged one is a leftover
}

// Written is the API server's answer to the patch.
type Written struct {
	ResourceVersion string    `json:"resourceVersion"`
	Generation      int64     `json:"generation"`
	Reads           int       `json:"reads"` // how often the object had to be read again because its resourceVersion had moved
	At              time.Time `json:"at"`
	// TemplateHash is of the template as the server stored it: admission may
	// have changed it on its way in, and then it is not the plan's ToHash.
	TemplateHash string `json:"templateHash,omitempty"`
}

// SettledState is what a look at the cluster says of a write whose answer never
// came. The zero value is unknown.
type SettledState string

// The ends of such a look.
const (
	SettledUnknown SettledState = ""
	SettledDone    SettledState = "done"    // the running template is the plan's target
	SettledNot     SettledState = "not"     // it is still the one from before
	SettledForeign SettledState = "foreign" // it is neither: somebody else changed it
)
