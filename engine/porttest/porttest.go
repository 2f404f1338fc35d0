// Package porttest is the contract of the engine's ports: what Cluster and
// Metrics promise, tried out on a bed that is real enough. It is run on the
// sandbox and on the testbed's real API server and Prometheus; where the two
// differ, the sandbox is wrong. It is for tests alone.
package porttest

import (
	"context"
	"net"
	"net/http"
	"testing"

	"rollbook/engine"
)

// Bed is a cluster and a Prometheus to try the ports on. Tests of one bed may
// run at the same time: each has namespaces of its own.
type Bed struct {
	// Server is the API server's address, and Transport reaches it as one who
	// may do everything.
	Server    string
	Transport http.RoundTripper

	// Connect is the port as it is wired in the program, for the workloads of a
	// namespace. With via it goes there instead of to Server; nobody asks for
	// credentials on that way.
	Connect func(t *testing.T, namespace string, via *Via) Client
	// Methods are the ways of changing the cluster that the program registers.
	Methods func(t *testing.T, namespace string, as Login) []engine.Method
	// Users are those whose rights are known to this package: viewer may look, nopods
	// may roll back but see and delete no pods, nobody may do nothing. None where
	// everybody may do everything.
	Users []string
	// Listen opens a listener that Connect's dial can reach.
	Listen func(t *testing.T) Via

	Metrics func(t *testing.T) engine.Metrics

	// Shop returns a namespace with the Deployments frontend, backend-python
	// (3 pods) and backend-rust in good service, which is the test's alone.
	Shop func(t *testing.T) (namespace string)
	// Past is a namespace with the same workloads that has an hour of figures.
	Past string
	// Release releases a version of backend-python that behaves so.
	Release func(t *testing.T, namespace string, how How)
}

// Client is the cluster with its undo.
type Client interface {
	engine.Cluster
	engine.Method
	engine.Judge
	engine.PodLogs
}

// Login says how to connect.
type Login struct {
	Via      *Via   // nil = the straight way
	User     string // one of the bed's; "" = one who may do everything
	ReadOnly bool
	// Repository is a clone of git whose folder manifests the component api is deployed
	// from, by the field manager deployer; "" = none.
	Repository string
	Page       string // manifest of the maintenance page; "" = none
}

// Via is another way to the API server.
type Via struct {
	Listener net.Listener
	Server   string
	Dial     func(ctx context.Context, network, address string) (net.Conn, error) // nil = over the network
}

// How a version behaves.
type How string

// Ways to behave, under the names of the testbed's releases.
const (
	Good       How = "good"
	Errors     How = "errors" // 30 % of its requests fail
	Hang       How = "hang"   // no request ends within the last bucket
	Silent     How = "silent" // nobody asks it
	Crash      How = "crash"  // it ends with 1 right after its start
	ImagePull  How = "imagepull"
	NeverReady How = "never-ready"
)

// In opens a bed for one test and hands it to f; it may run f in a bubble.
type In func(t *testing.T, f func(t *testing.T, b *Bed))

// Run tries the whole contract.
func Run(t *testing.T, in In) {
	for _, c := range []struct {
		name string
		f    func(t *testing.T, b *Bed)
	}{
		{"Watch/fills the board", boardFills},
		{"Watch/tells of a change and leaves the rest alone", changeArrives},
		{"Watch/is what rolls out, to its end", rolloutEnds},
		{"Watch/shows a crash loop as one", crashLoopShows},
		{"PodLogs/says first what only the new pods say", podLogsTell},
		{"Watch/shows an image that cannot be pulled", pullFailureShows},
		{"Watch/shows that the deadline is exceeded", deadlineShows},
		{"History/has who, why and when", historyTells},
		{"History/names what a revision reads that was written since it ran", historyRewritten},
		{"History/dates a revision anew after an undo", historyAfterUndo},
		{"History/knows StatefulSets", historyOfStatefulSet},
		{"Preflight/plans and checks in three seconds", preflightPlans},
		{"Preflight/says what there is not", preflightMissing},
		{"Preflight/blocks where a number means two", preflightAmbiguous},
		{"Undo/brings template and annotations back", undoBringsBack},
		{"Undo/writes nothing over a foreign change", undoChanged},
		{"Undo/tolerates what is only status or replicas", undoTolerates},
		{"Undo/resumes a paused one in the same write", undoPaused},
		{"Undo/has nothing to write when templates are equal", undoEqual},
		{"Undo/keeps fields that nobody knows", undoUnknownFields},
		{"Undo/reuses the old ReplicaSet under the next number", undoReuses},
		{"Undo/takes failing pods first", undoTakesFailingFirst},
		{"Look/tells done, not and foreign", lookTells},
		{"Look/tells what somebody else did alike", lookTellsAlike},
		{"Undo/goes on after the workload was deleted and made again", undoOfOrphans},
		{"PostEvent/is seen by others", eventIsSeen},
		{"Poll/reads good service", pollGood},
		{"Poll/reads failing requests", pollErrors},
		{"Poll/reads slowness as at least", pollHang},
		{"Poll/says unknown when there is nothing", pollUnknown},
		{"Behaviour/tells revisions apart", behaviourByOwner},
		{"Baseline/is the hour before", baselineOfPast},
	} {
		t.Run(c.name, func(t *testing.T) { in(t, c.f) })
	}
	runMethods(t, in)
}
