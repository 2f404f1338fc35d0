package incident

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"rollbook/model"
)

// Seen is everything observed and not folded: the last of each kind wins. It is
// built by the engine, shared by snapshots, and never changed in place.
type Seen struct {
	Cluster  model.Connection
	Metrics  model.Connection
	Identity model.Identity
	Run      string // this run's random number

	Memory *Memory // of what was last said of the board; nil = it is judged anew each time

	Board   []*model.Component
	Reading bool                      // what the board is made of has not all been read yet: pods may be missing
	Figures map[string]*model.Figures // by component ID
	Events  []model.Event             // newest last

	Ways      []Way                           // the methods that Choose offers, in their order
	Methods   []model.Method                  // all that there are, offered or not
	History   map[model.Slot]*model.History   // of what is chosen; read when Choose is entered
	Preflight map[model.Slot]*model.Preflight // of the choice that it holds
	Progress  map[WriteID]model.Progress      // of the writes that stand
	Baseline  map[string]model.Baseline       // by component ID

	Probes   map[string][]model.ProbeSeen  // by component ID, from the rollback on
	Selected map[string]model.SelectedSeen // by component ID
	Tails    map[string]model.TailSeen     // by component ID
	Own      map[string][]model.OwnSeen    // by component ID

	Gathering map[model.Moment]time.Time // evidence that is being gathered, and since when
	Reporting time.Time                  // since when the report is being written; zero = it is not
	Measuring time.Time                  // since when the impact is being measured; zero = it is not

	OnCall    []model.OnCall
	OnCallAt  time.Time // when this was read, which may be in an earlier run; zero = never
	OnCallErr string    // why the last reading failed
	OnCallOff string    // why it is not even tried ("not configured"); "" when it is

	Leases map[string]model.Lease // by component ID, from Confirm on

	Lent int // number of the last Shell of which it is on disk that it is opened

	Open     []OpenIncident // journals of this cluster and namespace that may be taken up; nil once it is decided
	Resuming string         // the incident that is being taken up right now: no new one begins meanwhile
	Trouble  []string       // journals that cannot be read, each with the reason
	// Searching says that incidents of earlier runs are still being looked for: no
	// new one begins beside one that may be taken up.
	Searching bool

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

// Way is a method that Choose offers.
type Way struct {
	Method model.Method
	Title  string                      // as it is offered: "Kubernetes undo", "GitLab job"
	Serves func(component string) bool // whether it is configured for a component; nil = for every one
	Role   model.Role                  // what it brings back; "" = the release
	Near   bool                        // its versions are the cluster's own: they may be read before anybody asks for them
}

// Ways returns what Choose offers for a component: the methods that are configured
// for it, in the component's own order where it has one.
func (s *Snapshot) Ways(component string) []Way {
	var out []Way
	for _, w := range s.Seen.Ways {
		if w.Role == model.RoleSchema {
			continue // it goes before a way back, and is none
		}
		if w.Serves == nil || w.Serves(component) {
			out = append(out, w)
		}
	}
	t := s.Incident.Settings.Target(component)
	if t == nil || len(t.Methods) == 0 {
		return out
	}
	out = slices.DeleteFunc(out, func(w Way) bool { return !slices.Contains(t.Methods, w.Method) })
	slices.SortFunc(out, func(a, b Way) int {
		return cmp.Compare(slices.Index(t.Methods, a.Method), slices.Index(t.Methods, b.Method))
	})
	return out
}

// History returns the versions that a choice's method offers; nil while they were
// not read, or only those of another method.
func (s *Snapshot) History(c *Choice) *model.History {
	if h := s.Seen.History[c.Slot]; h != nil && h.Method == c.Method {
		return h
	}
	return nil
}

// Component returns the board's line of that name, or nil.
func (s *Seen) Component(id string) *model.Component {
	for _, c := range s.Board {
		if c.ID == id {
			return c
		}
	}
	return nil
}

// Snapshot is what every reader gets: screen, drill, report, replay. It is
// immutable.
type Snapshot struct {
	Incident Incident
	Seen     Seen
	Now      time.Time
}

// Operator returns the one name by which the operator is known, on each page, in the
// journal, in Events and in Leases: that of the cluster, else that of this machine.
func (s *Snapshot) Operator() string {
	if u := s.Seen.Identity.User; u != "" {
		return u
	}
	return s.Incident.Settings.Operator
}

// FiguresOf are a component's figures as they count now: those that are too old
// are unknown, with their age as the reason. Nil when none were read yet. An age
// is measured on Prometheus' own clock up to the last answer, and on ours from
// there on, so that clocks that differ make nothing stale. They are shared: nobody
// may change them.
func (s *Snapshot) FiguresOf(id string) *model.Figures {
	f := s.Seen.Figures[id]
	if f == nil {
		return nil
	}
	out, _, _ := s.counted(f)
	return out
}

// counted is FiguresOf for figures as they were read. Between the two times it is
// the same, if Prometheus is not heard again; zero = no bound.
func (s *Snapshot) counted(f *model.Figures) (out *model.Figures, from, until time.Time) {
	fresh := max(s.Incident.Settings.Fresh(), f.Fresh)
	var ahead time.Duration // of Prometheus' clock before ours
	if heard := s.Seen.Metrics.Heard; !f.At.IsZero() && !heard.IsZero() {
		ahead = f.At.Sub(heard)
	}
	now := s.Now.Add(ahead)
	ages := func(at time.Time) {
		old := at.Add(fresh - ahead)
		switch {
		case s.Now.After(old):
			from = s.Now // its age is told
		case until.IsZero() || old.Before(until):
			until = old
		}
	}
	for _, r := range f.Readings() {
		if r.Known {
			ages(r.At)
		}
	}
	firing := len(f.Alerts) > 0 && !f.At.IsZero()
	if firing {
		ages(f.At)
	}
	if from.IsZero() {
		return f, from, until // as it was read: a copy of each of a thousand, at every turn, is what a screen costs
	}
	all := *f
	stale := func(r model.Reading) model.Reading {
		out := r.Stale(now, fresh)
		if r.Known && !out.Known && s.Seen.Metrics.Err != "" {
			out.Why += ": " + s.Seen.Metrics.Err
		}
		return out
	}
	for _, r := range all.Readings() {
		*r = stale(*r)
	}
	if r := stale(model.Reading{Known: true, At: f.At}); firing && !r.Known {
		all.Alerts, all.AlertsNo = nil, r.Why
	}
	return &all, from, from
}

// clusterLost says why what the cluster showed last does not count any more; ""
// while it does. A watch notices a dead peer late, so that the heartbeat counts.
func (s *Snapshot) clusterLost() string {
	c := s.Seen.Cluster
	switch {
	case c.Heard.IsZero():
		return "the cluster has not answered yet"
	case c.Lost(s.Now, ClusterFresh):
		return "cluster not heard for " + model.Short(s.Now.Sub(c.Heard))
	}
	return ""
}

// ClusterFresh is how long after the last answer the board still counts: three
// heartbeats of five seconds.
const ClusterFresh = 15 * time.Second

// noFigures says why there are no figures at all.
func (s *Snapshot) noFigures() string {
	m := s.Seen.Metrics
	switch {
	case m.Off != "":
		return m.Off
	case m.Err != "":
		return m.Err
	case !m.Trying.IsZero():
		if d := s.Now.Sub(m.Trying); d >= time.Second {
			return "asking Prometheus for " + model.Short(d)
		}
		return "asking Prometheus"
	}
	return unmeasured
}

// notHeard reports whether Prometheus was not heard of yet, neither with figures nor with
// an error.
func (s *Snapshot) notHeard() bool {
	m := s.Seen.Metrics
	return m.Off == "" && m.Err == "" && m.Heard.IsZero()
}

// unmeasured is why a figure is unknown that was not asked for so far.
const unmeasured = "not measured yet"

// fails says whether a component has a trigger.
func (s *Snapshot) fails(component string) bool {
	return slices.ContainsFunc(s.Incident.Triggers, func(t Trigger) bool { return t.Component == component })
}

// ago is how long ago t was, for sentences; "" when unknown.
func ago(now, t time.Time) string {
	if t.IsZero() {
		return "at an unknown time"
	}
	return model.Short(now.Sub(t)) + " ago"
}

// clockTime is a time of day as all read it alike.
func clockTime(t time.Time) string { return t.UTC().Format("15:04") + " UTC" }

// nameSome lists names for a sentence: all of them up to three, else two and how
// many more there are. names may be the first three alone.
func nameSome(names []string, all int) string {
	if all > named {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:named-1], ", "), all-named+1)
	}
	return strings.Join(names, ", ")
}
