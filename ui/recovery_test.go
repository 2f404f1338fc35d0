package ui

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"rollbook/config"
	"rollbook/incident"
	"rollbook/model"
)

// recovered is a rollback that did not help, and the recovery after it, with so many steps
// settled.
func recovered(settled int) *incident.Snapshot {
	s := rolling()
	s.Seen.Methods = []model.Method{undo, model.MethodScale, model.MethodMaintenance}
	s.Incident.Settings.Recovery = incident.Recovery{Maintenance: "/srv/shop/maintenance.yaml", Restore: "https://wiki.example/runbooks/restore"}
	fact := func(at time.Duration, b incident.Body) {
		s.Incident = incident.Apply(s.Incident, incident.Fact{At: ago(at), By: "maria", Body: b})
	}
	fact(5*time.Minute, incident.ProcedureBegan{Course: incident.CourseRecovery, Steps: s.RecoverySteps([]string{"backend-python"})})
	for n, step := range s.Incident.Procedure(incident.CourseRecovery).Steps[:settled] {
		at := 4*time.Minute - time.Duration(n)*20*time.Second
		if step.ID == "restore 2" {
			fact(at, incident.StepSettled{Course: incident.CourseRecovery, ID: step.ID, Waived: true, Reason: "no data was touched"})
			continue
		}
		fact(at, incident.StepSettled{Course: incident.CourseRecovery, ID: step.ID})
	}
	return s
}

var stopPlan = model.Plan{ID: "plan-stop", Method: model.MethodScale, Role: model.RoleSwitch, Component: "backend-python", From: model.Replicas(3), To: model.Replicas(0),
	Title: "Scale backend-python from 3 replicas to 0", Owes: "backend-python is scaled to 0"}

// stopping is at Roll back with the traffic being stopped.
func stopping(state incident.AttemptState) *incident.Snapshot {
	s := recovered(0)
	w := incident.Write{Plan: stopPlan, State: state, Intent: ago(14 * time.Second), Receipt: model.Receipt{At: ago(12 * time.Second), Text: "resourceVersion 1812"}}
	if state == incident.Done {
		w.RolledOut = ago(5 * time.Second)
		s.Incident = incident.Apply(s.Incident, incident.Fact{At: ago(5 * time.Second), Body: incident.StepSettled{Course: incident.CourseRecovery, ID: incident.StepStop}})
	}
	s.Incident.Attempts = append(s.Incident.Attempts, incident.Attempt{N: 2, Confirmed: ago(14 * time.Second), By: "maria", Course: incident.CourseRecovery, Step: incident.StepStop, Writes: []incident.Write{w}})
	s.Seen.Progress = map[incident.WriteID]model.Progress{undoing: s.Seen.Progress[undoing], {N: 2, Plan: stopPlan.ID}: {Phase: model.PhaseRunning, Text: "2 of 3 pods gone", Share: .6}}
	return s
}

func recoveryFixtures() []fixture {
	keys := func(list ...string) func(a *App) {
		return func(a *App) {
			for _, k := range list {
				pressed(a, k)
			}
		}
	}
	owed := stopping(incident.Done)
	owed.Seen.Board[1] = component("frontend", 0, 0, 12, 48*time.Hour)
	owed.Seen.Board[1].Marks = []model.Mark{{Slot: model.Slot{Component: "frontend", Role: model.RoleSwitch}, Method: model.MethodScale, Plan: "theirs",
		To: model.Replicas(2), What: "frontend is scaled to 0", Since: ago(time.Hour), By: "jonas@corp", Incident: "INC-20261123-0210-frontend"}}
	return []fixture{
		{"recovery-steps", recovered(3), keys("r")},
		{"recovery-blocked", recovered(2), keys("r", "down", "down", "down", "down")},
		{"recovery-by-hand", with(recovered(2), func(*incident.Snapshot) {}), keys("r", "enter")},
		{"recovery-end", recovered(9), keys("r")},
		{"rollback-stopping", stopping(incident.Rolling), nil},
		{"rollback-stopped", stopping(incident.Done), nil},
		{"owed", owed, keys("P")},
	}
}

// A key of the configuration that the page asks for is one that rollbook.yaml takes.
func TestRecoveryNamesKeysThatExist(t *testing.T) {
	s := opened()
	for _, c := range s.Seen.Board {
		c.Desired = 0
	}
	text := strings.Join(newRecovery(&screen(t, fixture{"", s, nil}, 80, 24, dark).scope).View(200, 60), "\n")
	for _, step := range s.RecoverySteps(nil) {
		text += strings.Join(s.StepNotes(&step), "\n")
	}
	asked := regexp.MustCompile(`recovery\.(\w+)`).FindAllStringSubmatch(text, -1)
	for _, m := range asked {
		if _, err := config.Load(config.Source{Kind: config.User, Name: "rollbook.yaml", Data: []byte("recovery:\n  " + m[1] + ": https://wiki.example/restore\n")}); err != nil && m[1] != "replicas" {
			t.Errorf("%s: %v", m[0], err)
		}
	}
	if len(asked) < 2 {
		t.Errorf("%d keys are asked for: %s", len(asked), text)
	}
}

// The commands of each step are whole, with the context.
func TestStepCommands(t *testing.T) {
	s := recovered(0)
	s.Incident.Settings.Recovery.Steps = []incident.RestoreStep{{Text: "restore", Command: "kubectl -n data exec postgresql-0 -- psql"}, {Text: "check", Command: "./check.sh"}}
	var all []string
	for _, step := range s.RecoverySteps([]string{"backend-python"}) {
		all = append(all, s.StepCommands(&step)...)
	}
	got := strings.Join(all, "\n")
	for _, want := range []string{" scale deployment/backend-python --replicas=0", " apply -f /srv/shop/maintenance.yaml", "kubectl --context prod-eu -n data exec postgresql-0 -- psql",
		"./check.sh", " scale deployment/backend-python --replicas=1", " delete -f /srv/shop/maintenance.yaml"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	for _, c := range all {
		if strings.HasPrefix(c, "kubectl") && !strings.HasPrefix(c, "kubectl --context prod-eu ") {
			t.Errorf("without its context: %s", c)
		}
	}
}

// F5 goes back to the count from before the scale to 0: as it was seen, else as it
// is configured; else it says that nobody knows.
func TestRecoveryScalesBackToTheCountFromBefore(t *testing.T) {
	for _, c := range []struct {
		name               string
		desired            int
		before, configured int
		want               int
		says               string
	}{
		{"not stopped", 6, 0, 3, 6, ""},
		{"stopped", 0, 6, 3, 6, "backend-python had 6 replicas before it was scaled to 0."},
		{"half way back", 1, 6, 3, 6, "backend-python had 6 replicas before it was scaled to 0."},
		{"stopped before anybody looked", 0, 0, 3, 3, "3 replicas by the configuration (recovery.replicas)"},
		{"nobody knows", 0, 0, 0, 0, "How many replicas backend-python had is not known"},
		{"one", 0, 1, 0, 1, "backend-python had 1 replica before it was scaled to 0."},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := chosen()
			s.Seen.Board[1].Desired = c.desired
			s.Incident.Settings.Recovery.Replicas = c.configured
			s.Incident.Replicas = []incident.ReplicaCount{{Component: "backend-python", Now: c.desired, Before: c.before}}
			if n, says := s.ReplicasToGoBackTo(s.Seen.Board[1]); n != c.want || !strings.Contains(says, c.says) {
				t.Errorf("goes back to %d and says %q; want %d and %q", n, says, c.want, c.says)
			}
		})
	}
}

// What fits a component's failure stands above the steps, with why; D takes the one that
// rollbook can write.
func TestRecoveryOffersWhatFits(t *testing.T) {
	s := recovered(0)
	c := *s.Seen.Board[0]
	for _, b := range s.Seen.Board {
		if b.ID == "backend-python" {
			c = *b
		}
	}
	c.Pods = []model.Pod{pod("backend-python-7c9f6d5b84-2kq4x", 43, "ImagePullBackOff", false, time.Minute)}
	c.Pods[0].Failing, c.Pods[0].Message = true, "api:2026.11.22-7: not found"
	for n, b := range s.Seen.Board {
		if b.ID == c.ID {
			s.Seen.Board[n] = &c
		}
	}
	s.Seen.Progress[undoing] = model.Progress{Phase: model.PhaseRunning, Text: "waits for api-0, which is not ready", Aid: &model.Aid{Method: "delete pod", Text: "delete pod api-0, so that it is made again"}}
	a := screen(t, fixture{"", s, func(a *App) { pressed(a, "r") }}, 80, 24, dark)
	frame := ansi.Strip(a.Frame())
	for _, want := range []string{" D backend-python: delete pod api-0, so that it is made again", "waits for api-0, which is not ready", " ! backend-python: its image cannot be pulled", "not found"} {
		if !strings.Contains(frame, want) {
			t.Errorf("no %q in\n%s", want, frame)
		}
	}
	if strings.Index(frame, "delete pod api-0") > strings.Index(frame, "stop the traffic") {
		t.Errorf("it stands below the steps:\n%s", frame)
	}
}
