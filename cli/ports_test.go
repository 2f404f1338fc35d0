package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollbook/config"
	"rollbook/engine/journal"
	"rollbook/incident"
	"rollbook/model"
	"rollbook/text"
)

// rota is a source of who is on call.
type rota struct {
	name   string
	people []model.OnCall
	err    error
}

func (r *rota) String() string { return r.name }

func (r *rota) OnCall(context.Context) ([]model.OnCall, error) { return r.people, r.err }

func TestWhoIsOnCallIsRemembered(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache", "oncall.json")
	a := &rota{name: "Grafana OnCall", people: []model.OnCall{{Name: "Ada", How: "+49 30 1"}}}
	b := &rota{name: "PagerDuty", people: []model.OnCall{{Name: "Bob"}}}
	c := contacts{[]onCallSource{{"on_call", a}, {"lead", b}}, &onCallCache{path: path, scope: "hash-1"}}
	people, first, err := c.OnCall(context.Background())
	if err != nil || len(people) != 2 {
		t.Fatalf("%v, %v", people, err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", st, err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("beside it: %v, %v", left, err)
	}
	a.err, a.people = errors.New("503"), nil
	b.people = []model.OnCall{{Name: "Cyd"}}
	people, at, err := c.OnCall(context.Background())
	if err == nil || len(people) != 2 || people[0].Name != "Ada" || people[1].Name != "Cyd" || at.After(first) {
		t.Errorf("while one does not answer: %v of %s (%s), %v", people, at, first, err)
	}
	other := contacts{c.sources, &onCallCache{path: path, scope: "hash-2"}}
	if people, _, _ := other.OnCall(context.Background()); len(people) != 1 {
		t.Errorf("another configuration is told %v", people)
	}
	if err := os.WriteFile(path, []byte("{broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	if people, _, err := c.OnCall(context.Background()); len(people) != 1 || !strings.Contains(err.Error(), "503") {
		t.Errorf("with a broken file: %v, %v", people, err)
	}
	if old, _ := c.kept.get("lead PagerDuty"); len(old) != 1 {
		t.Error("the broken file was not begun anew")
	}
	if err := c.kept.put("x", time.Now().Add(2*onCallOld), nil); err != nil {
		t.Fatal(err)
	}
	if old, _ := c.kept.get("lead PagerDuty"); old != nil {
		t.Error("what is older than a month is kept")
	}
}

func TestMessengerKnowsItsChannels(t *testing.T) {
	t.Setenv("CLOSE_TEST_HOOK", "https://hooks.example.com/secret-path")
	cfg := config.Defaults()
	cfg.Notifications.Slack = []config.Hook{{Name: "incidents", URL: config.Secret{Env: "CLOSE_TEST_HOOK"}}}
	cfg.Notifications.Teams = []config.Hook{{Name: "ops", URL: config.Secret{Env: "CLOSE_TEST_NONE"}}}
	all := senders(cfg, true)
	got := channels(all)
	if len(got) != 2 || got[0] != (model.Channel{ID: "slack/incidents", Kind: model.ChannelSlack, Name: "incidents", Host: "hooks.example.com"}) ||
		got[1].Kind != model.ChannelTeams {
		t.Errorf("channels %+v", got)
	}
	for channel, why := range map[string]string{"slack/gone": "not configured any more", "teams/ops": "CLOSE_TEST_NONE"} {
		_, err := messenger(all).Send(context.Background(), channel, model.Message{Kind: model.MessageStarted, Text: "x"})
		var said *model.SendError
		if !errors.As(err, &said) || !said.Certain || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", channel, err)
		}
	}
}

func TestReportIsWrittenBesideTheJournal(t *testing.T) {
	dir := t.TempDir()
	t0 := time.Date(2026, 11, 23, 3, 12, 0, 0, time.UTC)
	var path string
	w := journal.Begin([]string{dir}, journal.Header{ID: "INC-1", Cluster: "c", Namespace: "shop"}, func(_ int, p string, err error) {
		if path = p; err != nil {
			t.Error(err)
		}
	})
	for _, b := range []incident.Body{incident.Began{Settings: incident.Settings{Namespace: "shop", Operator: "maria", Limits: model.DefaultLimits()}},
		incident.Opened{ID: "INC-1", Onset: t0}, incident.Moved{To: incident.Close}, incident.ImpactMeasured{Impact: model.Impact{From: t0, To: t0.Add(time.Hour)}}} {
		if _, err := w.Append(incident.Fact{At: t0, By: "maria", Body: b}); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	folder := filepath.Dir(path)
	cfg := config.Defaults()
	got, err := reporter{cfg}.Write(context.Background(), &incident.Incident{}, folder)
	if err != nil || got != filepath.Join(folder, "report.md") {
		t.Fatalf("%q, %v", got, err)
	}
	md, err := os.ReadFile(got)
	if err != nil || !strings.Contains(string(md), "# Incident INC-1") || !strings.Contains(string(md), "2026-11-23") {
		t.Errorf("%v:\n%s", err, md)
	}
	if strings.Contains(string(md), "Unknown: ") {
		t.Error("the impact is in the journal, and not in the report")
	}
	cfg.Report.Template = filepath.Join(dir, "nowhere.md")
	if _, err = (reporter{cfg}).Write(context.Background(), &incident.Incident{}, folder); err != nil {
		t.Fatal(err)
	}
	if md, err = os.ReadFile(got); err != nil || !strings.Contains(string(md), "nowhere.md") || !strings.Contains(string(md), "# Incident INC-1") {
		t.Errorf("without the template it says:\n%s", md)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err = (reporter{cfg}).Write(context.Background(), &incident.Incident{}, folder); err == nil {
		t.Error("written without a journal")
	}
	if again, err := os.ReadFile(got); err != nil || string(again) != string(md) {
		t.Error("a report that failed left the old one not as it was")
	}
}

func TestOwnSecretsAreMasked(t *testing.T) {
	t.Setenv("CLOSE_TEST_TOKEN", "canary-4711-canary")
	cfg := config.Defaults()
	cfg.Notifications.GitLab = []config.GitLab{{Name: "shop", Token: config.Secret{Env: "CLOSE_TEST_TOKEN"}}}
	masked(cfg)
	if got := text.Line("the upstream refused canary-4711-canary"); strings.Contains(got, "canary-4711") {
		t.Error(got)
	}
}
