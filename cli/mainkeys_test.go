package cli

import (
	"context"
	"io"
	"reflect"
	"sync"
	"testing"
	"time"

	"rollbook/incident"
	"rollbook/sandbox"
	"rollbook/ui"
)

// needsPerson are the scenarios that the main keys alone do not lead to their right end,
// with the step on which they stop and what a person has to do there.
var needsPerson = map[string]struct {
	at   incident.Step
	what string
}{
	"no-metrics":    {incident.Assess, "say that a critical feature is broken: no figure does"},
	"healed":        {incident.Choose, "end the incident: nothing was released"},
	"dependency":    {incident.Choose, "end the incident: nothing was released"},
	"bad-migration": {incident.Choose, "take the migrations back first, and accept that data is lost"},
	"gitlab-only":   {incident.Confirm, "choose another way: the cluster may not be written to"},
	"gitops":        {incident.Confirm, "suspend what would put the bad release back"},
	"config-drift":  {incident.Verify, "go back to another release: the ConfigMap is still the bad one"},
	"made-worse":    {incident.Verify, "undo the undo"},
	"old-bad-too":   {incident.Verify, "go on with the recovery"},
}

// What is done without a person is what a person's main key does on the same page, in each
// scenario, and leads to the same end; or it stops, where a person is needed.
func TestScenarioByTheMainKeys(t *testing.T) {
	all, err := sandbox.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if s.Name == sandbox.Random {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			e := &listened{}
			perform(t, s.Name, 80, 24, func(ctx context.Context, st stage) error {
				st.beside = func(in ui.Engine) ui.Engine { e.Engine = in; return e }
				return (&exercise{scenario: s.Name, flags: &flags{stage: st}}).run(ctx, io.Discard)
			}, func(m *played) {
				for acted := time.Now(); time.Since(acted) < 4*time.Minute && e.Snapshot().Incident.Step != incident.Close; {
					if m.followsPolicy(e) {
						acted = time.Now()
					}
				}
				stopped := e.Snapshot().Incident.Step
				if p, ok := needsPerson[s.Name]; ok {
					if stopped != p.at {
						m.t.Errorf("it stopped at %s, not at %s, where it takes a person: %s\n%s", stopped.Name(), p.at.Name(), p.what, m.Screen())
					}
					m.scenario.End = sandbox.End{}
					if e.Snapshot().Incident.ID != "" {
						m.abandons()
						return
					}
					m.Keys("q") // nobody has turned to it: there is no journal
					if err := m.end(); err != nil {
						m.t.Errorf("ended with %v", err)
					}
					return
				}
				if stopped != incident.Close {
					m.t.Fatalf("it stopped at %s:\n%s", stopped.Name(), m.Screen())
				}
				m.ticks()
			})
		})
	}
}

// followsPolicy presses the main key of the page if something is to be done now, and
// compares what it sends; it reports whether it did.
func (m *played) followsPolicy(e *listened) bool {
	m.t.Helper()
	m.Settle()
	want := incident.Policy(e.Snapshot())
	if want == nil {
		time.Sleep(2 * time.Second)
		return false
	}
	e.take()
	if do, ok := want.(incident.ConfirmWrite); ok {
		m.Keys(do.Word)
	}
	m.Keys(enter)
	m.Settle()
	if got := e.take(); len(got) != 1 || !reflect.DeepEqual(got[0], want) {
		m.t.Errorf("at %s the main key sends %#v, the policy %#v\n%s", e.Snapshot().Incident.Step.Name(), got, want, m.Screen())
	}
	return true
}

// listened is an engine whose acts are kept until they are taken.
type listened struct {
	ui.Engine
	mu   sync.Mutex
	acts []incident.Act
}

func (o *listened) Send(do incident.Act) {
	if _, counts := do.(incident.TellHandled); !counts { // how the page was handled is told beside
		o.mu.Lock()
		o.acts = append(o.acts, do)
		o.mu.Unlock()
	}
	o.Engine.Send(do)
}

func (o *listened) take() []incident.Act {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := o.acts
	o.acts = nil
	return out
}
