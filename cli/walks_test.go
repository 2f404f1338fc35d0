package cli

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	tea "charm.land/bubbletea/v2"

	"rollbook/engine/walktest"
	"rollbook/incident"
	"rollbook/sandbox"
	"rollbook/ui"
)

// Any keys in any order over any world: what is shown is so, on every snapshot and in
// every frame, nothing panics, and the journal is the incident that is shown. Every
// third walk is over a world of chance, the others over the scenarios.
func TestWalksOverWorlds(t *testing.T) {
	t.Setenv("GOGC", "400") // or a sandbox would see to it itself, for little memory
	all, err := sandbox.List()
	if err != nil {
		t.Fatal(err)
	}
	all = slices.DeleteFunc(all, func(s *sandbox.Scenario) bool { return s.Name == sandbox.Random })
	seen := map[incident.Step]int{}
	verified, confirmed := 0, 0
	taken := walktest.Each(t, 8, func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 17))
		scenario := all[seed%uint64(len(all))].Name
		if seed%3 == 2 {
			scenario = filepath.Join(t.TempDir(), "chance.yaml")
			if err := os.WriteFile(scenario, []byte(worldOfChance(r)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		w := &witness{}
		perform(t, scenario, 80, 24, func(ctx context.Context, s stage) error {
			s.beside = func(e ui.Engine) ui.Engine { w.Engine = e; return w }
			s.screen.Program = append(slices.Clip(s.screen.Program), tea.WithFilter(w.frame))
			d := &exercise{scenario: scenario, flags: &flags{stage: s}}
			return d.run(ctx, io.Discard)
		}, func(m *played) {
			k := &walker{played: m, r: r, w: w}
			for range 35 {
				k.step()
			}
			k.journaled()
		})
		seen[w.furthest]++
		verified += w.verified
		confirmed += w.confirmed
	})
	if taken >= 8 && confirmed < taken/8 {
		t.Errorf("%d walks: %d confirmations, %d verified, and so many came to each step: %v: nothing was tried", taken, confirmed, verified, seen)
	}
	t.Logf("%d walks: %d confirmations, %d verified, and so many came to each step: %v", taken, confirmed, verified, seen)
}

// walker presses keys at random, more often those that lead on.
type walker struct {
	*played
	r     *rand.Rand
	w     *witness
	typed []string
}

// anyKeys are all but those that leave the program, or the terminal.
var anyKeys = append(strings.Split("tcrMEOHPTJRLDxadlemswnyuogGk?1234567/ ", ""), enter, enter, enter, esc, esc, up, down, down, tab, "\x1b[Z", "\x1b[5~", "\x1b[6~")

// step presses a key, or some that go together, and now and then lets time pass.
func (k *walker) step() {
	k.t.Helper()
	switch n := k.r.IntN(100); {
	case n < 2:
		k.releases()
	case n < 35:
		k.press(anyKeys[k.r.IntN(len(anyKeys))])
	default:
		for _, key := range k.leads() {
			k.press(key)
		}
	}
	switch k.r.IntN(8) {
	case 0:
		k.rest(20 * time.Second)
	case 1, 2, 3:
		k.rest(8 * time.Second)
	}
	k.judged()
}

// leads returns keys that lead on from where the incident is.
func (k *walker) leads() []string {
	one := func(of ...[]string) []string { return of[k.r.IntN(len(of))] }
	switch k.w.Snapshot().Incident.Step {
	case incident.Choose:
		return one([]string{enter}, []string{enter}, []string{enter}, []string{down, enter}, []string{down, down, enter}, []string{up, enter}, []string{" "}, []string{tab})
	case incident.Confirm:
		return one([]string{"y", enter}, []string{"y", enter}, []string{"y", enter}, []string{"o", "because", enter, "y", enter}, []string{"R"}, []string{esc})
	case incident.RollBack:
		return one([]string{enter}, []string{enter}, []string{enter}, []string{"w"}, []string{"n"}, []string{"u"})
	case incident.Verify:
		return one([]string{enter}, []string{enter}, []string{enter}, []string{"a", "because", enter}, []string{down}, []string{"w"})
	case incident.Close:
		return one([]string{" "}, []string{" "}, []string{enter}, []string{down}, []string{"w", "because", enter}, []string{"x", enter})
	}
	return one([]string{esc, enter}, []string{enter})
}

func (k *walker) press(key string) {
	k.t.Helper()
	k.typed = append(k.typed, key)
	k.Keys(key)
	k.judged()
}

// rest lets time pass, at least as long as until the engine has looked once more.
func (k *walker) rest(most time.Duration) {
	k.t.Helper()
	d := 2*time.Second + time.Duration(k.r.Int64N(int64(most)))
	k.typed = append(k.typed, fmt.Sprintf("(%s)", d.Round(time.Second)))
	time.Sleep(d)
	k.Settle()
	k.w.rested()
}

// releases sets a component to any of its versions, as somebody with kubectl does.
func (k *walker) releases() {
	k.t.Helper()
	id := []string{"backend-python", "frontend", "backend-rust"}[k.r.IntN(3)]
	tags := map[string][]string{"backend-python": {"1.40.0", "1.41.0", "1.42.0"}, "frontend": {"2.5.0", "2.6.1", "2.7.0"}, "backend-rust": {"0.9.0", "0.9.1"}}[id]
	image := "shop/" + id + ":" + tags[k.r.IntN(len(tags))]
	k.typed = append(k.typed, "("+image+")")
	d, err := k.cluster.Deployments("production").Get(k.t.Context(), id, metav1.GetOptions{})
	if err != nil {
		k.t.Fatal(err)
	}
	d.Spec.Template.Spec.Containers[0].Image = image
	if _, err := k.cluster.Deployments("production").Update(k.t.Context(), d, metav1.UpdateOptions{FieldManager: "kubectl-set"}); err != nil {
		k.t.Fatal(err)
	}
}

// judged fails when the witness saw something that may not be.
func (k *walker) judged() {
	k.t.Helper()
	if wrong := k.w.complaint(); wrong != "" {
		k.t.Fatalf("%s\nafter %q in %s on\n%s", wrong, k.typed, k.scenario.Name, k.Screen())
	}
}

// worldOfChance is a scenario in which up to three components were released once or
// twice in the last hour, and their versions behave as it comes.
func worldOfChance(r *rand.Rand) string {
	var releases, images strings.Builder
	serves := []string{"{errors: 0.001%}", "{errors: 0.5%}", "{errors: 8%}", "{errors: 40%}", "{errors: 40%}", "{p95: 3500ms}", "{p95: inf}", "{quiet: true}", "{errors: 30%, then: [{at: +90s}]}"}
	all := append(slices.Clip(serves), "{crash: {exit: 1, after: 4s}}", "{never_ready: true}", "{pull_fails: true}", "{start: 40s}")
	behave := func(image string, as []string) { fmt.Fprintf(&images, "  %s: %s\n", image, as[r.IntN(len(as))]) }
	for _, x := range [][]string{{"backend-python", "1.42.0", "1.42.1"}, {"frontend", "2.7.0", "2.7.1"}, {"backend-rust", "0.9.2", "0.9.3"}} {
		at := 2 + r.IntN(40)
		for _, tag := range x[1 : 1+r.IntN(3)] {
			fmt.Fprintf(&releases, "- {at: -%dm, workload: %s, image: \"shop/%s:%s\"}\n", at, x[0], x[0], tag)
			behave("shop/"+x[0]+":"+tag, all)
			at = 1 + at/2
		}
	}
	behave("shop/backend-python:1.41.0", serves) // it has run for a day
	if releases.Len() == 0 {
		releases.WriteString("- {at: -5m, workload: frontend, image: \"shop/frontend:2.7.0\"}\n")
	}
	return "name: chance\ntitle: a world of chance\nlearn: Nothing.\nend: {none: nobody knows}\nreleases:\n" + releases.String() + "images:\n" + images.String()
}
