package incident

import (
	"strings"
	"testing"
	"time"

	"rollbook/model"
)

func TestBrief(t *testing.T) {
	w := newWorld(t, func(s *Settings) { s.Links = []Link{{Name: "runbook", URL: "https://wiki.example/runbook"}} })
	w.do(Observed{})
	brief := func() string {
		s := w.snap()
		nodes := Tree(s)
		v, why := VerdictOf(s, nodes)
		return strings.Join(Brief(s, HeadlineOf(s, v, why, s.Afterwards(), Calm(s, nodes))), "\n")
	}
	if got := brief(); strings.Count(got, "\n") != 2 || !strings.Contains(got, "[production] nothing is over its limit now\nNo suspect is known.\n") {
		t.Error(got)
	}
	w.component("backend-python", func(c *model.Component) { c.RevisionBy, c.ChangeCause = "gitlab-ci", "pay by invoice\nsecond line" })
	w.figures("backend-python", repeat(0.3, 21), repeat(0.2, 21))
	w.do(Observed{})
	w.do(PodLogsRead{said(30, model.SaidLine{Text: "KeyError: 'PAYMENT_URL'", Where: "settings.py:27", Level: "error", Count: 6, New: true})})
	w.do(Next{})
	w.do(Observed{})
	got := strings.Split(brief(), "\n")
	if len(got) != 3 {
		t.Fatalf("%q", got)
	}
	for n, parts := range [][]string{
		{"[production] backend-python errors 30%, since ", " UTC. Pods of backend-python say: KeyError: 'PAYMENT_URL'  (settings.py:27) (×6, new since 1.42.0)"},
		{"Suspect: backend-python revision 42, released 11m ago", "before the first bad sample, by gitlab-ci: “pay by invoice”"},
		{"ROLL BACK NOW: ", ". On it: maria@corp (INC-", " · https://wiki.example/runbook"},
	} {
		for _, part := range parts {
			if !strings.Contains(got[n], part) {
				t.Errorf("line %d is %q, without %q", n+1, got[n], part)
			}
		}
	}
	// The same in a chat's draft, and nothing of it on a public page.
	s := w.snap()
	s.Now = s.Now.Add(time.Second)
	if m := Draft(s, model.Channel{ID: "slack/x", Kind: model.ChannelSlack}, model.MessageStarted); !strings.Contains(m.Text, "KeyError") {
		t.Errorf("%+v", m)
	}
	for _, kind := range []model.MessageKind{model.MessageStarted, model.MessageUpdated, model.MessageResolved} {
		for _, public := range []model.ChannelKind{model.ChannelStatuspage, model.ChannelWebhook} {
			m := Draft(s, model.Channel{ID: "x/x", Kind: public}, kind)
			for _, internal := range []string{"KeyError", "backend-python", "production", "maria", "revision", "INC-"} {
				if strings.Contains(m.Text+m.Title, internal) {
					t.Errorf("%s to %s names %q: %+v", kind, public, internal, m)
				}
			}
		}
	}
}
