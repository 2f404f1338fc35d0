package cli

import (
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"rollbook/sandbox"
)

// Each scenario of the sandbox is walked to its right end, by the keys that its
// hints name.

func TestScenarioCrashLoop(t *testing.T) {
	play(t, "crash-loop", func(m *played) {
		m.Waits(20*time.Second, "ROLL BACK WITHIN 10 MINUTES", "CrashLoopBackOff", "backend-python  3/3 +1✗")
		m.hinted(1)
		m.Keys("l")
		m.Waits(5*time.Second, "KeyError: 'PAYMENT_URL'")
		m.picture("crash-loop-logs", "The log of the pod that crashes")
		m.Keys(esc)
		m.decides("ROLL BACK WITHIN 10 MINUTES", "newest rollout of backend-python is stuck")
		m.chooses("6 → 5", "★ good", "PAYMENT_URL")
		m.confirms("the newest rollout is stuck")
		m.verifies()
		m.closes()
	})
}

func TestScenarioErrors(t *testing.T) {
	play(t, "errors", func(m *played) {
		m.Waits(20*time.Second, "ROLL BACK NOW", "errors over 5%", "on backend-python", "ALERT", "HighErrorRate (page), firing since 03:0", "since    03:0", "back to  1.41.0 served")
		m.picture("walk", "Assess: what ails which component, since when, and what changed before")
		m.decides("D1 errors over 5% for 5m?               ● YES")
		m.picture("decide", "Decide: the questions of the runbook, answered by figures")
		m.chooses("6 → 5", "★ good", "PAYMENT_TIMEOUT")
		m.picture("choose", "Choose: the newest revision that served well before it began")
		m.confirms("admission accepts it", "deployment/backend-python --to-revision=5")
		m.Waits(time.Minute, "1 of 3 new pods")
		m.Waits(time.Minute, "errors: old 1.42.0 ", "· new 1.41.0 0%", " errors backend-python", "rollback", " new 1.41.0 0%")
		m.picture("rollback", "Roll back: the rollout, pod by pod")
		m.verifies()
		m.picture("verify", "Verify: it is over only when the figures say so")
		m.Keys(enter)
		m.answersPage()
		m.rates()
		m.settles()
	})
}

// On wide screens both figures are drawn, the component stands beside them, and on the
// widest what happened stands beside that.
func TestScenarioWide(t *testing.T) {
	for name, size := range map[string][2]int{"wide": {120, 40}, "widest": {200, 50}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			perform(t, "errors", size[0], size[1], opens("errors"), func(m *played) {
				m.Waits(20*time.Second, "ROLL BACK NOW", " errors backend-python", "limit 5%┤", " P95 backend-python", "limit 2s┤", "▼onset", "suspect", "timeline ─")
				m.picture("assess-"+name, "Assess on a screen of "+strconv.Itoa(size[0])+"×"+strconv.Itoa(size[1]))
				m.scenario.End = sandbox.End{} // it is not played to its end
				m.leaves()
			})
		})
	}
}

func TestScenarioSlow(t *testing.T) {
	play(t, "slow", func(m *played) {
		m.Waits(20*time.Second, "ROLL BACK NOW", "P95 over 2s", "on backend-python")
		m.Waits(5*time.Second, " P95 backend-python", "limit 2s┤", "▼onset")
		m.picture("slow", "Assess: what is slow is drawn where latency is the incident")
		m.Keys("l")
		m.Waits(5*time.Second, "QueuePool limit of size 1")
		m.Keys(esc)
		m.decides("D2 P95 over 2s for 5m?                  ● YES")
		m.chooses("6 → 5", "★ good", "DB_POOL_SIZE")
		m.confirms()
		m.verifies()
		m.closes()
	})
}

func TestScenarioStuckRollout(t *testing.T) {
	play(t, "stuck-rollout", func(m *played) {
		m.Waits(20*time.Second, "ROLL BACK WITHIN 10 MINUTES", "nothing runs yet", "2 of 2 ready, all of 2.6.1; 1 new pod of 2.7.0 not ready", "stuck for", "go back to 2.6.1")
		m.Keys("e")
		m.Waits(5*time.Second, "Readiness probe failed")
		m.Keys(esc)
		m.decides("newest rollout of frontend is stuck")
		m.chooses("5 → 4", "★ good", "CACHE_WARMUP")
		m.confirms()
		m.verifies()
		m.closes()
	})
}

func TestScenarioTwoBadReleases(t *testing.T) {
	play(t, "two-bad-releases", func(m *played) {
		m.Waits(20*time.Second, "ROLL BACK NOW", "to 1.41.0, not to 1.42.0", "✗ not 1.42.0: was over the limits while it served")
		m.decides("● YES")
		m.chooses("[x] backend-python  1.42.1 → 1.41.0 (7 → 5)", "after the first bad sample", "★ good")
		if l := m.line("1.42.0"); !strings.Contains(l, "17.9%") {
			t.Errorf("the first bad release does not look bad: %q", l)
		}
		m.picture("two-bad-releases", "The revision before the running one was no better")
		m.confirms("1.42.1 → 1.41.0 (revision 7 → 5, runs as 8)")
		m.verifies()
		m.closes()
	})
}

func TestScenarioTwoComponents(t *testing.T) {
	play(t, "two-components", func(m *played) {
		m.Waits(20*time.Second, "ROLL BACK NOW", "backend-python 1.41.0 and frontend 2.6.1", "also     ✗ frontend:", "2.7.0 came")
		m.decides("● YES")
		m.chooses("2 of 3 components selected", "[x] backend-python", "[x] frontend", "★ good")
		m.picture("two-components", "Two components that went bad together go back together")
		m.confirms("frontend 2.7.0 → 2.6.1 (revision 5 → 4", "backend-python 1.42.0 → 1.41.0 (revision 6 → 5")
		m.verifies()
		m.closes()
	})
}

func TestScenarioNoMetrics(t *testing.T) {
	play(t, "no-metrics", func(m *played) {
		m.Waits(20*time.Second, "UNKNOWN, YOUR CALL", "read its logs, ask who uses it")
		m.picture("unknown", "What nobody knows is a question mark, never a zero")
		m.Keys("l")
		m.Waits(5*time.Second, "AttributeError: 'State' object has no attribute 'user'")
		m.Keys(esc)
		m.decides("D1 errors over 5% for 5m?               ? unknown")
		m.Keys("y")
		m.Waits(5*time.Second, "D3 critical feature broken, or no pod?  ● YES", "ROLL BACK NOW")
		m.Keys(enter)
		m.Waits(20*time.Second, "▸3 Choose", "6 → 5", "★ good")
		m.hinted(3)
		m.confirms()
		m.verifies() // with the old revision the figures are back
		m.closes()
	})
}

func TestScenarioHealed(t *testing.T) {
	play(t, "healed", func(m *played) {
		m.Waits(20*time.Second, "NOTHING TO ROLL BACK", "on backend-python", "nothing was released in the hour before", "(config, traffic, a dependency)")
		m.Keys("lf")
		m.Waits(10*time.Second, "'http://payments/v1/charges'")
		m.Keys(esc)
		m.decides("● YES")
		m.Waits(2*time.Minute, "under again")
		m.Keys("x")
		m.Waits(5*time.Second, "▸ recovered on its own")
		m.Keys(enter)
		m.Waits(5*time.Second, "Ended: recovered on its own")
		m.Waits(10*time.Second, "“Resolved” is not drafted: it is well for")
		m.Waits(2*time.Minute, "items are open") // it is well for as long as Verify asks
		m.runs("backend-python", "shop/backend-python:1.41.0")
		m.settles()
	})
}

// Whoever does not wait until it healed is told on each page that a rollback does not
// help.
func TestScenarioHealedTheWrongWay(t *testing.T) {
	play(t, "healed", func(m *played) {
		m.Waits(20*time.Second, "NOTHING TO ROLL BACK", "on backend-python")
		m.decides("● YES")
		m.chooses("0 of 3 components selected", "failing, but not changed in the hour before")
		m.Keys(" ")
		m.Waits(10*time.Second, "[x] backend-python")
		m.Keys(down)
		m.Keys(enter)
		m.Waits(10*time.Second, "1.41.0 → 1.40.0")
		m.Keys(enter)
		m.Waits(20*time.Second, "▸4 Confirm", "did not change in the hour")
		m.hinted(4)
		m.scenario.End = sandbox.End{}
		m.confirmed()
		m.hinted(5)
		m.Waits(2*time.Minute, "Rolled out. Verify")
		m.Keys(enter)
		m.Waits(5*time.Second, "▸6 Verify")
		m.hinted(6)
		m.abandons()
	})
}

// A wrong decision has its consequence: the first bad release stays bad, and
// Verify says so and asks.
func TestScenarioTwoBadReleasesTheWrongWay(t *testing.T) {
	play(t, "two-bad-releases", func(m *played) {
		m.Waits(20*time.Second, "ROLL BACK NOW", "on backend-python")
		m.decides("● YES")
		m.chooses("7 → 5", "★ good")
		m.Keys(up) // what kubectl would take
		m.Keys(enter)
		m.Waits(5*time.Second, "7 → 6", "1.42.0 was over the limits while it served: 17.9% errors")
		m.Keys(enter)
		m.Waits(20*time.Second, "▸4 Confirm", "Blocked: 1.42.0 was over the limits", "▸ ✗ 1.42.0 was over the limits while it served")
		m.overrides("kubectl would take it too")
		m.confirmed("1.42.1 → 1.42.0 (revision 7 → 6, runs as 8)")
		m.Waits(2*time.Minute, "Rolled out. Verify proves that it worked")
		m.Keys(enter)
		m.Waits(3*time.Minute, "▸6 Verify", "error ratio       ✗ bad")
		m.picture("verify-red", "Verify stays red when the wrong revision was taken")
		m.runs("backend-python", "shop/backend-python:1.42.0")
		m.Keys("3")
		m.Waits(10*time.Second, "▸3 Choose", "it runs as revision 8 now")
		m.brought("1.42.0       8  now ✗ bad", "you")
		m.brought("1.42.1       7  ✗ bad", "maria")
		m.Keys(down)
		m.Keys(down)
		m.Keys(enter)
		m.Waits(5*time.Second, "running 1.42.0 → 1.41.0 (8 → 5)")
		m.confirms("1.42.0 → 1.41.0 (revision 8 → 5, runs as 9)")
		m.Waits(2*time.Minute, "Rolled out. Verify proves that it worked")
		m.Keys("u")
		m.Waits(10*time.Second, "▸3 Choose", "1.41.0 → 1.42.0 (9 → 8)")
		m.brought("1.41.0       9  now ★ good", "you")
		m.brought("1.42.0       8  ✗ bad", "you")
		m.brought("1.42.1       7  ✗ bad", "maria")
		m.Keys("5")
		m.verifies()
		m.closes()
	})
}

// brought looks who brought a version on Choose, which its line begins with.
func (m *played) brought(version, by string) {
	m.t.Helper()
	if l := m.line(version); !slices.Contains(strings.Fields(l), by) {
		m.t.Errorf("not by %s: %q", by, l)
	}
}

func TestScenarioNoPodLeft(t *testing.T) {
	play(t, "no-pod-left", func(m *played) {
		m.Waits(20*time.Second, "ROLL BACK NOW", "no ready pod", "? no pod ready", "✗ 2 of 2 ImagePullBackOff", "go back to 0.9.1")
		m.decides("D3 critical feature broken, or no pod?  ● YES")
		m.chooses("4 → 3", "★ good")
		m.confirms()
		m.verifies()
		m.closes()
	})
}

// The random one opens like any, and does not say which it is.
func TestScenarioRandom(t *testing.T) {
	play(t, sandbox.Random, func(m *played) {
		for _, s := range []string{"crash-loop", "two-bad", "healed"} {
			if strings.Contains(m.Screen(), s) {
				t.Errorf("the screen tells %s:\n%s", s, m.Screen())
			}
		}
		m.scenario.End = sandbox.End{} // it may be another one than was opened
		m.leaves()
	})
}

// What is well is not taken back because it was released at the same time.
func TestScenarioHealthyNeighbour(t *testing.T) {
	play(t, "healthy-neighbour", func(m *played) {
		m.Waits(20*time.Second, "ROLL BACK NOW", "on backend-python", "suspect")
		m.decides("● YES")
		m.chooses("1 of 3 components selected", "[x] backend-python", "[ ] backend-rust", "is healthy itself", "★ good")
		m.confirms("✓ this should help: 1.41.0 served")
		m.verifies()
		m.closes()
	})
}

// What came after the first bad sample is not accused.
func TestScenarioInnocentHotfix(t *testing.T) {
	play(t, "innocent-hotfix", func(m *played) {
		m.Waits(20*time.Second, "ROLL BACK NOW", "on backend-python", "suspect  backend-python 1.42.0")
		m.decides("● YES")
		m.chooses("1 of 3 components selected", "[x] backend-python  1.42.0 → 1.41.0 (6 → 5)", "★ good")
		if l := m.line("[ ] frontend"); strings.Contains(l, "sample") {
			t.Errorf("frontend is accused: %q", l)
		}
		m.confirms("✓ this should help: 1.41.0 served 26 h at 0%; 1.42.0 came")
		m.verifies()
		m.closes()
	})
}

// Where nothing was released it is said with the verdict, and a rollback is doubted.
func TestScenarioDependency(t *testing.T) {
	play(t, "dependency", func(m *played) {
		m.Waits(20*time.Second, "NOTHING TO ROLL BACK", "on backend-rust", "nothing was released in the hour before")
		m.decides("● YES", "NOTHING TO ROLL BACK")
		m.chooses("0 of 3 components selected", "failing, but not changed in the hour before")
		m.Keys(" ")
		m.Waits(10*time.Second, "[x] backend-rust")
		m.Keys(down)
		m.Keys(enter)
		m.Waits(10*time.Second, "0.9.1 → 0.9.0")
		m.Keys(enter)
		m.Waits(20*time.Second, "▸4 Confirm", "⚠ nobody knows how 0.9.0 did; backend-rust did not change in the hour")
		m.hinted(4)
		m.Keys(esc)
		m.abandons()
	})
}

// Worse than before is said at once, and the undo of the undo is one key away.
func TestScenarioMadeWorse(t *testing.T) {
	play(t, "made-worse", func(m *played) {
		m.Waits(20*time.Second, "ROLL BACK NOW", "on backend-python")
		m.decides("● YES")
		m.chooses("1.42.0 → 1.41.0 (6 → 5)", "★ good")
		m.confirms("✓ this should help")
		m.Waits(90*time.Second, "is worse than before: errors 8", "u  undo the undo: back to 1.42.0 (revision 6), which was over the limits", "r  recovery")
		m.hinted(5)
		m.Keys("1")
		m.Waits(5*time.Second, "WORSE THAN BEFORE", "by you (1.42.0 → 1.41.0)")
		m.Keys("5")
		m.Keys("u")
		m.Waits(20*time.Second, "▸3 Choose", "1.41.0 → 1.42.0", "✗ bad")
		m.Keys(enter)
		m.Waits(20*time.Second, "▸4 Confirm", "Blocked: 1.42.0 was over the limits when it last ran")
		m.overrides("it fails less")
		m.confirmed("1.41.0 → 1.42.0 (revision 7 → 6, runs as 8)")
		m.Waits(2*time.Minute, "rolled out after", "Rolled out. Verify proves")
		m.Keys("1")
		m.Waits(2*time.Minute, "STILL OVER ITS LIMIT", "backend-python errors 85.", "→ 8% since the rollback")
		m.abandons()
	})
}

// A controller that puts its version back blocks the confirmation until it is
// suspended.
func TestScenarioGitops(t *testing.T) {
	play(t, "gitops", func(m *played) {
		m.Waits(20*time.Second, "ROLL BACK NOW", "on backend-python", "Flux would undo that: stop it first", "Flux: flux suspend kustomization shop")
		m.decides("● YES")
		m.chooses("1.42.0 → 1.41.0 (6 → 5)", "★ good")
		m.Keys(enter)
		m.Waits(20*time.Second, "▸4 Confirm", "✓ this should help", "Blocked: Flux owns it (kustomization flux-system/shop)", "do: flux suspend kustomization shop")
		m.hinted(4)
		m.annotates("backend-python", `"kustomize.toolkit.fluxcd.io/reconcile":"disabled"`)
		m.Keys("R")
		m.confirmed("runs as 7")
		m.verifies()
		m.closes()
	})
}

// Overridden, the controller does what it said.
func TestScenarioGitopsTheWrongWay(t *testing.T) {
	play(t, "gitops", func(m *played) {
		m.Waits(20*time.Second, "ROLL BACK NOW", "on backend-python")
		m.decides("● YES")
		m.chooses("★ good")
		m.Keys(enter)
		m.Waits(20*time.Second, "Blocked: Flux owns it")
		m.overrides("it will not be that quick")
		m.confirmed()
		m.Waits(time.Minute, "kustomize-controller put another template in place")
		m.scenario.End = sandbox.End{}
		m.abandons()
	})
}

// Back to the bad release after a good rollback: known, marked, and blocked.
func TestScenarioErrorsTheWrongWay(t *testing.T) {
	play(t, "errors", func(m *played) {
		m.Waits(20*time.Second, "ROLL BACK NOW", "on backend-python")
		m.decides("● YES")
		m.chooses("★ good")
		m.confirms("✓ this should help: 1.41.0 served 26 h at 0%; 1.42.0 came")
		m.Keys("1")
		m.Waits(20*time.Second, "ROLLING BACK since", "(1.42.0 → 1.41.0): backend-python errors")
		m.Waits(2*time.Minute, "ROLLED BACK", "falling")
		for _, not := range []string{"ROLL BACK NOW", "revision 7"} {
			if strings.Contains(m.Screen(), not) {
				t.Errorf("after the rollback the board says %q:\n%s", not, m.Screen())
			}
		}
		m.Keys("3")
		m.Waits(10*time.Second, "▸3 Choose", "now ★ good", "✗ bad", "gitl")
		m.Keys(down)
		m.Keys(enter)
		m.Waits(5*time.Second, "1.42.0 was over the limits")
		m.Keys(enter)
		m.Waits(20*time.Second, "▸4 Confirm", "Blocked: 1.42.0 was over the limits when it last ran")
		m.runs("backend-python", "shop/backend-python:1.41.0")
		m.abandons()
	})
}

// Back to the release that crash-loops.
func TestScenarioCrashLoopTheWrongWay(t *testing.T) {
	play(t, "crash-loop", func(m *played) {
		m.Waits(20*time.Second, "ROLL BACK WITHIN 10 MINUTES")
		m.decides("● YES")
		m.chooses("roll back within 9:", "★ good")
		m.confirms("✓ this should help: 1.41.0 served 26 h at 0%")
		m.Waits(2*time.Minute, "Rolled out")
		m.Keys("3")
		m.Waits(10*time.Second, "▸3 Choose", "now ★ good", "✗ crash loop")
		m.Keys(down)
		m.Keys(enter)
		m.Waits(5*time.Second, "1.42.0 crash-looped when it last ran")
		m.Keys(enter)
		m.Waits(20*time.Second, "▸4 Confirm", "Blocked: 1.42.0 crash-looped when it last ran")
		m.overrides("to see it once more")
		m.confirmed()
		m.Waits(3*time.Minute, "u  undo the undo: back to 1.41.0 (revision 7), which served well")
		m.Keys("u")
		m.Waits(10*time.Second, "▸3 Choose", "1.42.0 → 1.41.0", "★ good")
		m.confirms("✓ this should help: 1.41.0 served")
		m.verifies()
		m.closes()
	})
}

// A component that is well and did not change.
func TestScenarioErrorsTheWrongComponent(t *testing.T) {
	play(t, "errors", func(m *played) {
		m.Waits(20*time.Second, "ROLL BACK NOW", "on backend-python")
		m.decides("● YES")
		m.chooses("★ good")
		m.Keys(" ")
		m.Waits(5*time.Second, "0 of 3 components selected")
		m.Keys(tab)
		m.Keys(tab)
		m.Keys(" ")
		m.Waits(10*time.Second, "[x] frontend")
		m.Keys(down)
		m.Keys(enter)
		m.Waits(5*time.Second, "[x] frontend        2.6.1 → 2.5.0")
		m.Keys(enter)
		m.Waits(20*time.Second, "▸4 Confirm", "Blocked: nothing fails on frontend, and it did not change before the onset")
		m.scenario.End = sandbox.End{}
		m.abandons()
	})
}

// Where the cluster refuses, the pipeline goes back.
func TestScenarioGitlabOnly(t *testing.T) {
	play(t, "gitlab-only", func(m *played) {
		m.Waits(20*time.Second, "ROLL BACK NOW", "on backend-python")
		m.decides("● YES")
		m.chooses("1.42.0 → 1.41.0 (6 → 5)", "★ good", "by Kubernetes undo (b: GitLab job)")
		m.Keys("b")
		m.Waits(20*time.Second, "by GitLab job", "(6 → #4561)", "★ good", "not rolled back: data and its schema")
		m.history = versionsOn(m.Screen())
		m.confirms("Run again the job deploy of pipeline 4561", "✓ the token has the scope api", "/jobs/910/retry")
		m.Waits(time.Minute, "job 913 (deploy) runs for", "│ $ kubectl apply -k overlays/production")
		m.Waits(time.Minute, "of 3 new pods")
		m.verifies()
		m.closes()
	})
}

// The undo is refused before anything is written, with the cluster's own words.
func TestScenarioGitlabOnlyTheWrongWay(t *testing.T) {
	play(t, "gitlab-only", func(m *played) {
		m.Waits(20*time.Second, "ROLL BACK NOW", "on backend-python")
		m.decides("● YES")
		m.chooses("★ good")
		m.Keys(enter)
		m.Waits(20*time.Second, "▸4 Confirm", "Blocked: you may not patch deployments", "User \"you\" cannot patch resource")
		m.runs("backend-python", "shop/backend-python:1.42.0")
		m.scenario.End = sandbox.End{}
		m.abandons()
	})
}

// A job that was cancelled has brought nothing back: the same version is confirmed again,
// and its job is run once more.
func TestScenarioGitlabOnlyCancelled(t *testing.T) {
	play(t, "gitlab-only", func(m *played) {
		m.Waits(20*time.Second, "ROLL BACK NOW", "on backend-python")
		m.decides("● YES")
		m.chooses("★ good")
		m.Keys("b")
		m.Waits(20*time.Second, "by GitLab job", "(6 → #4561)", "★ good")
		m.history = versionsOn(m.Screen())
		m.confirms("Run again the job deploy of pipeline 4561", "/jobs/910/retry")
		m.Waits(time.Minute, "job 913 (deploy) runs for", "D  cancel job 913 (deploy)")
		m.Keys("D")
		m.Waits(20*time.Second, "▸4 Confirm", "Cancel job 913 (deploy) of pipeline 4561")
		m.Waits(5*time.Second, "type y to do this")
		m.Keys("y")
		m.Keys(enter)
		m.Waits(time.Minute, "▸4 Confirm", "job 913 (deploy) was cancelled; what it had done until then", "the job deploy can be run: it is canceled", "/jobs/913/retry")
		m.Keys("5") // no page is turned while a word is asked for
		m.Keys(enter)
		m.Waits(5*time.Second, "▸4 Confirm", "type y to roll back: 5")
		m.runs("backend-python", "shop/backend-python:1.42.0")
		m.Keys("\x7f")
		m.confirmed()
		m.Waits(time.Minute, "job 914 (deploy) runs for")
		m.Waits(time.Minute, "of 3 new pods")
		m.verifies()
		m.closes()
	})
}

// The schema goes back first, and the application only when that is proved.
func TestScenarioBadMigration(t *testing.T) {
	play(t, "bad-migration", func(m *played) {
		m.Waits(20*time.Second, "ROLL BACK NOW", "on backend-python", "NumericValueOutOfRange")
		m.decides("● YES")
		m.chooses("1.42.0 → 1.41.0 (6 → 5)", "★ good", "2 migrations since 1.41.0")
		m.Keys("s")
		m.Waits(20*time.Second, "by migrations", "▸ b2c3d4e5f6a1", "1.41.0 ends here")
		m.Keys(" ")
		m.Waits(5*time.Second, "▸✓b2c3d4e5f6a1", "is taken back to b2c3d4e5f6a1 before its release")
		m.accepts("data of backend-python will be lost", "Take back 2 migrations of backend-python", "alembic downgrade")
		m.Waits(time.Minute, "waits for what goes before it", "Running downgrade d4e5f6a1b2c3 ->")
		m.Waits(time.Minute, "the schema is at b2c3d4e5f6a1, by the database: 2 migrations undone", "1.42.0 → 1.41.0 (6 → 5)", "of 3 new pods")
		m.verifies()
		m.closes()
	})
}

// The application alone: the old code fails with the new schema, and more than before.
func TestScenarioBadMigrationTheWrongWay(t *testing.T) {
	play(t, "bad-migration", func(m *played) {
		m.Waits(20*time.Second, "ROLL BACK NOW", "on backend-python")
		m.decides("● YES")
		m.chooses("2 migrations since 1.41.0; left applied")
		m.confirms("⚠ 2 migrations since 1.41.0: left applied")
		m.Waits(90*time.Second, "is worse than before: errors 34% → 8", "u  undo the undo")
		m.runs("backend-python", "shop/backend-python:1.41.0")
		m.abandons()
	})
}

// What the undo leaves behind comes back from git.
func TestScenarioConfigDrift(t *testing.T) {
	needsGit(t)
	play(t, "config-drift", func(m *played) {
		m.Waits(20*time.Second, "ROLL BACK NOW", "that may not help: configmap", "⚠ configmap backend-python-config changed too: 1.41.0 will read")
		m.decides("● YES")
		m.chooses("1.42.0 → 1.41.0 (6 → 5)", "★ good", "by Kubernetes undo (b: Redeploy)")
		m.Keys("b")
		m.Waits(20*time.Second, "by Redeploy", "1.42.0 → v1.41.0", "★ good")
		m.history = versionsOn(m.Screen())
		m.confirms("Redeploy backend-python at v1.41.0", "2 objects change")
		m.Waits(time.Minute, "of 3 new pods")
		m.verifies()
		m.closes()
	})
}

// The undo alone: the old pods start with the new ConfigMap, which is told before.
func TestScenarioConfigDriftTheWrongWay(t *testing.T) {
	needsGit(t)
	play(t, "config-drift", func(m *played) {
		m.Waits(20*time.Second, "ROLL BACK NOW", "on backend-python")
		m.decides("● YES")
		m.chooses("★ good", "changed too: 1.41.0 will read the new one (changed")
		m.confirms("▸ ⚠ configmap backend-python-config changed too", "by gitlab-ci)")
		m.Waits(2*time.Minute, "Rolled out")
		m.Keys(enter)
		m.Waits(time.Minute, "▸6 Verify", "error ratio       ✗ bad")
		m.runs("backend-python", "shop/backend-python:1.41.0")
		m.Keys("3")
		m.Waits(20*time.Second, "▸3 Choose")
		m.abandons()
	})
}

// needsGit leaves a scenario out where what it needs of the machine is not there.
func needsGit(t *testing.T) {
	t.Helper()
	for _, program := range []string{"git", "kubectl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed: an overlay of a repository cannot be built", program)
		}
	}
}
