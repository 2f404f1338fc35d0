package cli

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	appsv1 "k8s.io/client-go/kubernetes/typed/apps/v1"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/charmbracelet/x/ansi"

	"rollbook/engine/journal"
	"rollbook/incident"
	"rollbook/replay"
	"rollbook/replay/replaytest"
	"rollbook/sandbox"
	"rollbook/ui"
	"rollbook/ui/uitest"
)

// played is the whole program, as the command starts it, in an emulated
// terminal on a scenario of the sandbox. Nothing in it is a fake but the wire
// and the clock.
type played struct {
	*uitest.Terminal
	t        *testing.T
	ended    chan error
	left     bool   // ended was read
	stop     func() // as a signal does
	tmp      string // the sandbox's folder is in it
	scenario *sandbox.Scenario
	cluster  *appsv1.AppsV1Client
	history  []string // the versions that Choose showed first
}

// night is when scenarios are played: the pictures tell it.
var night = time.Date(2026, 11, 23, 3, 12, 0, 0, time.UTC)

// picturesTo is a folder in which the pictures of the docs are kept; see make
// docs.
const picturesTo = "ROLLBOOK_PICTURES"

// journalsTo is a folder in which the journals of the plays are kept, each by its
// test's name. Those of a format are taken once, when the format is new; see
// engine/journal/testdata.
const journalsTo = "ROLLBOOK_JOURNALS"

// play opens a scenario and hands it over when the board is filled. It returns
// when all has ended and nothing is left. Other plays go on beside it.
func play(t *testing.T, scenario string, walked func(m *played)) {
	t.Helper()
	t.Parallel()
	perform(t, scenario, 80, 24, opens(scenario), walked)
}

// opens opens a scenario as its command does.
func opens(scenario string) func(context.Context, stage) error {
	return func(ctx context.Context, s stage) error {
		return (&exercise{scenario: scenario, flags: &flags{stage: s}}).run(ctx, io.Discard)
	}
}

// perform is play for a screen of any size and another way to open the scenario.
func perform(t *testing.T, scenario string, width, height int, open func(context.Context, stage) error, walked func(m *played)) {
	t.Helper()
	raise(t, width, height, open, func(m *played, tmp string, pipe *sandbox.Pipe) {
		var err error
		if m.scenario, err = sandbox.Load(scenario); err != nil {
			t.Fatal(err)
		}
		m.Waits(10*time.Second, "▸1 Assess", "backend-python", "frontend", "backend-rust")
		m.connects(tmp, pipe)
		walked(m)
	})
}

// raise opens a screen in a bubble, and hands it over at once. It returns when
// all has ended, and nothing is left.
func raise(t *testing.T, width, height int, open func(context.Context, stage) error, seen func(m *played, tmp string, pipe *sandbox.Pipe)) {
	t.Helper()
	tmp := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(night))
		ctx, cancel := context.WithCancel(t.Context())
		m := &played{t: t, ended: make(chan error, 1), Terminal: uitest.New(t, width, height), stop: cancel, tmp: tmp}
		pipe, server := sandbox.NewPipe(), sandbox.NewPipeAt("gitlab.invalid:80")
		dial := func(ctx context.Context, network, address string) (net.Conn, error) {
			if address == server.Addr().String() {
				return server.Dial(ctx, network, address)
			}
			return pipe.Dial(ctx, network, address)
		}
		go func() {
			m.ended <- open(ctx, stage{dial: dial, listen: pipe, gitlab: server, seed: 1, temp: tmp,
				screen: ui.Options{Input: m, Output: m, Width: width, Height: height, Env: uitest.Env, Program: uitest.Program}})
			m.Hangup()
		}()
		defer func() { // also after a failure, or the bubble would not end
			cancel()
			if !m.left {
				if err := <-m.ended; err != nil {
					t.Errorf("ended with %v", err)
				}
			}
			m.Close()
			time.Sleep(time.Minute) // timers of connections and of the screen
		}()
		seen(m, tmp, pipe)
	})
	nothingIn(t, tmp)
}

// connects makes a client of its own for the cluster that is played on.
func (m *played) connects(tmp string, pipe *sandbox.Pipe) {
	m.t.Helper()
	found, err := filepath.Glob(filepath.Join(tmp, "*", "kubeconfig"))
	if err != nil || len(found) != 1 {
		m.t.Fatalf("kubeconfigs: %v %v", found, err)
	}
	own, err := clientcmd.BuildConfigFromFlags("", found[0])
	if err != nil {
		m.t.Fatal(err)
	}
	own.Dial = pipe.Dial
	if m.cluster, err = appsv1.NewForConfig(own); err != nil {
		m.t.Fatal(err)
	}
}

// The keys that have no letter.
const (
	enter = "\r"
	esc   = "\x1b"
	up    = "\x1b[A"
	down  = "\x1b[B"
	tab   = "\t"
	f1    = "\x1bOP"

	pageDown = "\x1b[6~"
)

// decides goes on from the board to the decision, and chooses from there to
// the choice, with what has to be seen on each.
func (m *played) decides(words ...string) {
	m.t.Helper()
	m.hinted(1)
	m.Keys(enter)
	m.Waits(10*time.Second, append(words, "▸2 Decide")...)
	m.hinted(2)
}

func (m *played) chooses(words ...string) {
	m.t.Helper()
	m.Keys(enter)
	m.Waits(20*time.Second, append(words, "▸3 Choose")...)
	m.history = versionsOn(m.Screen())
	m.hinted(3)
}

// confirms goes on to the confirmation and gives it: in the sandbox, which is
// no production, with y and enter.
func (m *played) confirms(words ...string) {
	m.t.Helper()
	m.Keys(enter)
	m.Waits(20*time.Second, append(words, "▸4 Confirm", "type y to roll back")...)
	m.hinted(4)
	m.confirmed()
}

// accepts is confirms where a sentence has to be typed first.
func (m *played) accepts(sentence string, words ...string) {
	m.t.Helper()
	m.Keys(enter)
	m.Waits(20*time.Second, append(words, "▸4 Confirm", "type "+sentence+" to accept that")...)
	m.Keys(sentence)
	m.Keys(enter)
	m.Waits(5*time.Second, "type y to do this")
	m.hinted(4)
	m.Keys("y")
	m.Keys(enter)
	m.Waits(5*time.Second, "▸5 Roll back")
}

// overrides lifts the marked line of the preflight, with a reason.
func (m *played) overrides(reason string) {
	m.t.Helper()
	m.Keys("o")
	m.Waits(5*time.Second, "Override for ")
	m.Keys(reason)
	m.Keys(enter)
	m.Waits(5*time.Second, "(overridden)")
}

// confirmed is confirms from where the confirmation is open.
func (m *played) confirmed(words ...string) {
	m.t.Helper()
	m.Waits(20*time.Second, append(words, "▸4 Confirm", "type y to roll back")...)
	m.Keys("y")
	m.Keys(enter)
	m.Waits(5*time.Second, "▸5 Roll back")
}

// verifies waits for the rollout, goes on, and waits for the proof.
func (m *played) verifies() {
	m.t.Helper()
	m.hinted(5)
	m.Waits(2*time.Minute, "Rolled out. Verify proves that it worked")
	m.Keys(enter)
	m.Waits(5*time.Second, "▸6 Verify")
	m.hinted(6)
	m.Waits(5*time.Minute, "VERIFIED: green for 30s")
}

// closes ticks the checklist off, leaves, and compares with the right end.
func (m *played) closes() {
	m.t.Helper()
	m.Keys(enter)
	m.settles()
}

// answersPage answers when the operator was paged: with the alert, after a time that
// cannot be and a thought better of.
func (m *played) answersPage() {
	m.t.Helper()
	m.Waits(5*time.Second, "▸7 Close", "▸ [ ] open   detection: when were you paged?")
	m.Keys(enter)
	m.Waits(5*time.Second, "paged, as HighErrorRate began to fire at 03:0", "records: paged at 03:0", "after the first bad sample")
	m.Keys("2:61")
	m.Waits(5*time.Second, "“2:61” is no time of day")
	m.Keys(enter)
	m.Waits(5*time.Second, "enter record: “2:61” is no time of day")
	m.Keys(esc)
	m.Waits(5*time.Second, "▸ [ ] open   detection")
	m.Keys(enter)
	m.Waits(5*time.Second, "records: paged at 03:0")
	m.Keys(enter)
	m.Waits(5*time.Second, "[x] done   detection: when were you paged?")
}

// rates answers how severe it was, and leaves an action to somebody.
func (m *played) rates() {
	m.t.Helper()
	m.Waits(5*time.Second, "▸ [ ] open   severity, and users affected?")
	m.Keys(enter)
	m.Waits(5*time.Second, "records: severity not known; users affected not known")
	m.Keys(down)
	m.Keys(down)
	m.Keys("all who paid by card")
	m.Waits(5*time.Second, "records: SEV2; users affected: all who paid by card")
	m.Keys(enter)
	m.Waits(5*time.Second, "[x] done   severity")
	for !strings.Contains(m.Screen(), "▸ [ ] open   tests for the bug") {
		m.Keys(down)
	}
	m.Keys(enter)
	m.Waits(5*time.Second, "records: to do, no owner")
	m.Keys("jonas 2026-12-40")
	m.Waits(5*time.Second, "“2026-12-40” is no date")
	m.Keys("\x7f\x7f01 OPS-412")
	m.Waits(5*time.Second, "records: to do, jonas, by 2026-12-01, OPS-412")
	m.Keys(enter)
	m.Waits(5*time.Second, "[>] to do  tests for the bug", "jonas, by 2026-12-01, OPS-4")
}

// settles is closes from where the checklist is open.
func (m *played) settles() {
	m.t.Helper()
	m.Waits(5*time.Second, "▸7 Close", "items are open")
	m.hinted(7)
	m.ticks()
}

// ticks is settles without a look at the hint.
func (m *played) ticks() {
	m.t.Helper()
	for !strings.Contains(m.Screen(), "Closed. q leaves") && strings.Contains(m.Screen(), "open   ") {
		m.Keys(" ")
	}
	m.Waits(5*time.Second, "Closed. q leaves")
	m.leaves()
}

// hinted looks at the hint of a step on its page, and whether each key that it names
// works there now. One that the hint says to wait for has to be there, and may not
// work yet.
func (m *played) hinted(step int) {
	m.t.Helper()
	hint := m.scenario.Hints.Of(step)
	if hint == "" {
		m.t.Fatalf("%s has no hint for step %d", m.scenario.Name, step)
	}
	typing := strings.Contains(m.Screen(), "type y to ")
	if typing {
		m.Keys(f1) // every letter is text
	} else {
		m.Keys("?")
	}
	offered := m.offered()
	m.Keys("H")
	words := strings.Fields(hint)
	m.Waits(5*time.Second, "Hint for ", strings.Join(words[:4], " "), words[len(words)-1])
	m.Keys(esc)
	m.Keys(esc)
	for _, k := range keysIn(hint) {
		works, there := offered[k.key]
		switch {
		case !there:
			m.t.Errorf("%s, step %d: the hint names %s, which is no key there: %q", m.scenario.Name, step, k.key, hint)
		case !works && !k.later:
			m.t.Errorf("%s, step %d: the hint names %s, which does nothing now: %q\n%s", m.scenario.Name, step, k.key, hint, m.Screen())
		}
	}
}

// offered are the keys that the open help names, and whether they work now.
func (m *played) offered() map[string]bool {
	m.t.Helper()
	m.Waits(5*time.Second, "┌ Help ")
	out := map[string]bool{}
	for range 20 {
		for l := range strings.Lines(m.Screen()) {
			cells := []rune(strings.TrimRight(l, "\n"))
			if len(cells) < 80 || cells[0] != '│' || cells[79] != '│' {
				continue
			}
			for _, column := range [][]rune{cells[2:11], cells[41:51]} {
				keys := strings.TrimSpace(string(column))
				name := strings.Trim(keys, "()")
				for _, k := range strings.Fields(name) {
					out[k] = name == keys
				}
			}
		}
		if !moreBelow.MatchString(m.Screen()) {
			return out
		}
		m.Keys(pageDown)
	}
	m.t.Fatalf("the help does not end:\n%s", m.Screen())
	return nil
}

// namedKey is a key that a hint names.
type namedKey struct {
	key   string
	later bool // when something has come
}

var (
	keyWords  = regexp.MustCompile(`(?i)(?:^|\s)(enter|space|esc|tab|[b-hj-z])\b`)
	waitWords = regexp.MustCompile(`(?i)\b(wait|when|if|as soon as)\b`)
	moreBelow = regexp.MustCompile(`↓ \d+ more`)
)

// keysIn are the keys that a hint names, up to one that leads to another page.
func keysIn(hint string) []namedKey {
	var out []namedKey
	waits := false
	for _, sentence := range strings.SplitAfter(hint, ". ") {
		waits = waits || waitWords.MatchString(sentence)
		for _, found := range keyWords.FindAllStringSubmatch(sentence, -1) {
			key := found[1]
			if len(key) > 1 {
				key = strings.ToLower(key)
			}
			if key == "esc" && len(out) > 0 { // it closes what the key before opened
				continue
			}
			out = append(out, namedKey{key, waits})
			if slices.Contains([]string{"esc", "u", "R", "x"}, key) {
				return out
			}
		}
	}
	return out
}

// leaves compares with what the scenario calls the right end, quits, and fails
// unless the program ends well.
func (m *played) leaves() {
	m.t.Helper()
	for component, image := range m.scenario.End.Images {
		m.runs(component, image)
	}
	m.keeps()
	m.replays()
	m.Keys("q")
	if err := m.end(); err != nil {
		m.t.Errorf("ended with %v", err)
	}
}

// abandons is leaves from an incident that is open.
func (m *played) abandons() {
	m.t.Helper()
	m.Keys("q")
	m.leaves()
}

// versionsOn returns the lines of a history on a screen, up to the age of each version.
func versionsOn(screen string) (out []string) {
	age := 0
	for l := range strings.Lines(screen) {
		cells := []rune(strings.TrimRight(l, "\n"))
		switch at := strings.Index(l, " AGE "); {
		case strings.Contains(l, " REV ") && at > 0:
			age = at
		case age > 0 && strings.Contains(l, "──"): // what is told of the marked one begins
			return out
		case age > 0 && len(cells) > age && strings.TrimSpace(string(cells[4:age])) != "" && cells[1] != 'r':
			out = append(out, strings.Join(strings.Fields(string(cells[3:age])), " "))
		case age > 0:
			return out
		}
	}
	return out
}

// replays looks whether a replay of the journal shows the versions that Choose showed.
func (m *played) replays() {
	m.t.Helper()
	path := m.journal()
	if path == "" || len(m.history) == 0 {
		return
	}
	c, err := journal.Read(path)
	if err != nil {
		m.t.Fatal(err)
	}
	r, err := replay.Open(replaytest.NewSource(c.Facts), path)
	if err != nil {
		m.t.Fatal(err)
	}
	frame := ""
	for r.Reach(incident.Choose); r.Snapshot().Incident.Step == incident.Choose; {
		frame = ansi.Strip(ui.New(ui.Options{Session: ui.Replaying(r), Env: uitest.Env, Width: 80, Height: 30}).Frame())
		if all := versionsOn(frame); len(all) >= len(m.history) && slices.Equal(all[:len(m.history)], m.history) {
			return
		}
		if !r.Next() {
			break
		}
	}
	m.t.Errorf("Choose showed\n%s\nwhich a replay shows nowhere, such as\n%s", strings.Join(m.history, "\n"), frame)
}

// journal is where the incident's journal lies; "" = nothing was opened.
func (m *played) journal() string {
	m.t.Helper()
	found, err := filepath.Glob(filepath.Join(m.tmp, "*", "incidents", "*", journal.FileName))
	if err != nil || len(found) > 1 {
		m.t.Fatalf("journals: %v %v", found, err)
	}
	if len(found) == 0 {
		return ""
	}
	return found[0]
}

// keeps copies the journal, when they are asked for.
func (m *played) keeps() {
	m.t.Helper()
	to, path := os.Getenv(journalsTo), m.journal()
	if to == "" || path == "" {
		return
	}
	b, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(filepath.Join(to, strings.TrimPrefix(m.t.Name(), "TestScenario")+".jsonl"), b, 0o600)
	}
	if err != nil {
		m.t.Fatal(err)
	}
}

// end is how the program ended, which it has to have done.
func (m *played) end() error {
	m.t.Helper()
	m.Settle()
	select {
	case err := <-m.ended:
		m.left = true
		return err
	default:
		m.t.Errorf("the program is still running:\n%s", m.Screen())
		return nil
	}
}

// runs compares what the cluster runs.
func (m *played) runs(component, image string) {
	m.t.Helper()
	d, err := m.cluster.Deployments("production").Get(m.t.Context(), component, metav1.GetOptions{})
	if err != nil {
		m.t.Fatal(err)
	}
	if got := d.Spec.Template.Spec.Containers[0].Image; got != image {
		m.t.Errorf("%s runs %s, want %s", component, got, image)
	}
}

// annotates sets an annotation of a Deployment, as kubectl does in another terminal.
func (m *played) annotates(component, annotation string) {
	m.t.Helper()
	_, err := m.cluster.Deployments("production").Patch(m.t.Context(), component, types.MergePatchType,
		[]byte(`{"metadata":{"annotations":{`+annotation+`}}}`), metav1.PatchOptions{FieldManager: "kubectl-annotate"})
	if err != nil {
		m.t.Fatal(err)
	}
}

// picture keeps the screen for the docs.
func (m *played) picture(name, title string) {
	m.t.Helper()
	dir := os.Getenv(picturesTo)
	if dir == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(dir, name+".svg"), m.SVG(title), 0o644); err != nil {
		m.t.Fatal(err)
	}
}

// line is the first line of the screen that holds the words; "" = none does.
func (m *played) line(words string) string {
	for l := range strings.Lines(m.Screen()) {
		if strings.Contains(l, words) {
			return strings.TrimRight(l, " \n")
		}
	}
	return ""
}
