package ui

import (
	"time"

	"rollbook/incident"
	"rollbook/model"
)

// hotfixed is the shop 21 minutes after a bad release, with a hotfix since then that did not
// help: the version before the one that runs is not the one to go back to.
func hotfixed() *incident.Snapshot {
	const fixRS = "backend-python-66f5c9d8b7" // revision 43
	image := func(tag string) []string { return []string{"registry.example/shop/backend-python:" + tag} }
	s := saying(filled(), 0, model.SaidLine{Level: "error", Count: 65, Where: "store_v2.py:112",
		Text: `psycopg.errors.UndefinedColumn: column "customer_ref" of relation "orders_v2" does not exist`})
	c := s.Seen.Component("backend-python")
	s.Incident.Onset = ago(21 * time.Minute)
	s.Incident.Triggers[0].Onset, s.Incident.Triggers[0].Text = s.Incident.Onset, "errors over 5% for 20m (limit 5m) on backend-python"
	c.Revision, c.RevisionStart, c.OwnerName, c.RevisionBy, c.ChangeCause, c.Images = 43, ago(9*time.Minute), fixRS, "maria", "hotfix 1.42.1: retry orders", image("1.42.1")
	c.Past = []model.Earlier{
		{Owner: badRS, Revision: 42, At: s.Incident.Onset.Add(-46 * time.Second), Images: image("1.42.0"), Cause: "deploy 1.42.0, pipeline 4578: new order store"},
		{Owner: goodRS, Revision: 41, At: ago(26 * time.Hour), Images: image("1.41.0"), Cause: "deploy 1.41.0"},
	}
	c.Ready, c.Available, c.Pods = 6, 6, nil
	for _, name := range []string{"9lmn2", "x7k2p", "b8v7m", "c4d5e", "f6g7h", "j8k9l"} {
		c.Pods = append(c.Pods, pod(fixRS+"-"+name, 43, "Running", true, 9*time.Minute))
	}
	s.Incident.Said[0].Version = c.Running()
	f := s.Seen.Figures[c.ID]
	f.Errors, f.P95 = series("q", ramp(.003, 4, .24, 84)...), series("q", ramp(.176, 4, .177, 84)...)
	f.Alerts = []model.Alert{{Name: "HighErrorRate", Severity: "page", Since: ago(20 * time.Minute)}}
	served := func(errors float64) model.Behaviour {
		return model.Behaviour{Errors: known(errors), P95: known(.176), Requests: known(137e3)}
	}
	s.Incident.Histories[0].Candidates = []model.Candidate{
		{Version: c.Running(), Current: true}, {Version: c.Came(&c.Past[0]), Now: served(.179)}, {Version: c.Came(&c.Past[1]), Behaviour: served(0)}}
	return s
}

// backFixtures are what the board says of the way back.
func backFixtures() []fixture {
	drifted := filled()
	drifted.Incident.Histories[0].Candidates[1].Rewritten = []model.Rewritten{{Name: "api-env", At: ago(11 * time.Minute), By: "gitlab-ci"}}
	return []fixture{{"hotfixed", hotfixed(), nil}, {"back-doubtful", drifted, nil}}
}
