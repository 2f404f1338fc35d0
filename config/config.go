package config

import (
	"time"

	promconfig "github.com/prometheus/common/config"
)

// A Config is the effective configuration: defaults and all files combined.
type Config struct {
	Limits        Limits
	Verify        Verify
	SLO           *SLO        // nil: not set up
	NotProduction []Place     // everything else is production
	Components    []Component // in the order in which several are rolled back
	Prometheus    Prometheus
	Methods       Methods
	Links         []Link
	Contacts      []Contact
	Notifications Notifications
	Report        Report
	Recovery      Recovery
	Drill         Drill
	Signals       Signals
	JournalDir    string // "": the default place

	// Hash identifies what was read: the SHA-256 in hexadecimal of the file if
	// it was one, of the list of the files' hashes if there were several, ""
	// if there was none.
	Hash    string
	Sources []Source // what was read, least trusted first

	origins map[string]origin
}

// Limits are the triggers of a rollback (runbook W1, W2), and how readings for
// them are taken.
type Limits struct {
	Errors      Ratio         // more than this share of the requests …
	ErrorsFor   time.Duration // … for so long
	P95         time.Duration
	P95For      time.Duration
	MinRequests int           // with fewer a reading is unknown
	Rollout     time.Duration // after which a rollout in progress asks what to do
	Poll        time.Duration // between readings while an incident is open
	PollIdle    time.Duration // and while none is
}

// Verify is what proves that a rollback worked (runbook A1).
type Verify struct {
	Errors Ratio
	P95    time.Duration
	Hold   time.Duration // how long it must stay so
}

// SLO is the objective whose error budget is watched (runbook W6).
type SLO struct {
	Objective Ratio
	Window    time.Duration
}

// A Place is a pattern of what is not production. Every field that is set must
// match; "*" stands for any text, "?" for one character.
type Place struct {
	Context, Server, Namespace string
}

// A Component is what the team calls a service.
type Component struct {
	Name      string
	Workload  Workload
	Namespace string // "": that of the walk
	Public    string // what a public status page calls it; "": "a service"
	Metrics   Metrics
	Checks    Checks
	Methods   []string  // ways back that are offered for it, the first one first; nil: all that it has
	GitLab    *Deploys  // nil: not set
	Redeploy  *Redeploy // nil: not set

	Migrations *Migrations // nil: not set
}

// Metrics say how a component's figures are asked for. A query given replaces
// that of the preset; "$window" in it becomes the window, such as 1m.
type Metrics struct {
	Preset   string    // "http", "none" (not measured); "" with own queries only
	Match    []Matcher // narrow the preset's series down to the component
	Errors   string    // PromQL: share of failed requests, 0 to 1
	P95      string    // PromQL: seconds
	Requests string    // PromQL: how many requests in the window
}

// A Matcher is one label matcher of PromQL.
type Matcher struct {
	Label string
	Op    string // = != =~ !~
	Value string
}

// Prometheus is where figures come from. The zero address means: look for the
// usual services in the cluster.
type Prometheus struct {
	Address        Address
	ScrapeInterval time.Duration // 0: found out from the samples
	Match          []Matcher     // narrow every series of a preset down to this cluster's
	Namespace, Pod string        // the labels that name a pod and its namespace; "": found out
	TokenEnv       string        // name of an environment variable
	TokenFile      string
	// HTTP is nil when not set. It holds no secret, only names of files. Use
	// HTTPConfig, which adds the token.
	HTTP *promconfig.HTTPClientConfig
}

// A Link is a page to have at hand (runbook L1).
type Link struct {
	Name, URL string
}

// Report is how the report is written.
type Report struct {
	Template string // path of a Go template; "": see ReportTemplate
}

// Recovery fills in the commands for when the rollback failed (runbook F1 to
// F5). Paths are absolute.
type Recovery struct {
	Maintenance string        // manifest of the maintenance mode
	Restore     string        // URL of the procedure for restoring from a backup
	Overlay     string        // folder of the kustomize overlay
	Replicas    int           // of a healthy component, where rollbook did not see how many it had; 0 = not set
	Steps       []RestoreStep // of the restore, in their order, each of which is ticked
}

// A RestoreStep is one step of the linked procedure for restoring from a backup.
type RestoreStep struct {
	Text    string
	Command string // to copy; "" = none
}

// Drill is how the quarterly rehearsal is done (runbook T1 to T5). It is done only where
// NotProduction names context, server and namespace.
type Drill struct {
	Given   bool          // there is such a section: the team means to rehearse
	Fault   string        // by which it is broken, if the command says nothing
	Env     string        // NAME=VALUE of the variable that makes a component fail; "": not set
	Patch   string        // file with a strategic merge patch of the workload; "": not set
	Alert   string        // that is waited for; "": any about the component
	Target  time.Duration // within which it is to recover
	Healthy time.Duration // for how long it must be healthy before it is broken
	Every   time.Duration // after which the next drill is due
}

// Signals are the ways in which the terminal calls an operator who looks elsewhere: on
// a verdict to roll back, a question, somebody to be called, a lost lease, VERIFIED.
type Signals struct {
	Bell   bool // the terminal's bell
	Title  bool // the window's title
	Notify bool // a notification of the desktop (OSC 9)
}

// Defaults returns the configuration of an empty file: the runbook's figures.
func Defaults() *Config {
	return &Config{
		Limits: Limits{
			Errors: 0.05, ErrorsFor: 5 * time.Minute,
			P95: 2 * time.Second, P95For: 5 * time.Minute,
			MinRequests: 50,
			Rollout:     2 * time.Minute,
			Poll:        5 * time.Second, PollIdle: 15 * time.Second,
		},
		Verify:  Verify{Errors: 0.001, P95: 500 * time.Millisecond, Hold: 2 * time.Minute},
		Drill:   Drill{Fault: faults[0], Target: 5 * time.Minute, Healthy: 2 * time.Minute, Every: 13 * 7 * 24 * time.Hour},
		Signals: Signals{Bell: true, Title: true, Notify: true},
		origins: map[string]origin{},
	}
}

// defaultWhen says when a contact of a known role is called, if the file does
// not.
var defaultWhen = map[string]string{
	"on_call": "first responder",
	"lead":    "the rollback does not resolve the issue",
	"exec":    "more than 30 minutes of downtime, or data loss",
}

const defaultPreset = "http"
