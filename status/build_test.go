package status

import (
	"testing"

	"rollbook/incident"
	"rollbook/model"
)

// The name of a verdict, and with it the exit code, follows the headline's kind: 0 only
// where nothing is to be done, and never for what is not known.
func TestState(t *testing.T) {
	rising := []incident.Node{{Rising: true}}
	owed := []Debt{{What: "api is scaled to 0"}}
	after := func(a incident.AfterState) incident.Headline {
		return incident.Headline{Kind: incident.HeadAfter, After: a}
	}
	for _, tt := range []struct {
		name  string
		head  incident.Headline
		v     incident.Verdict
		nodes []incident.Node
		debts []Debt
		want  State
	}{
		{"the zero value", incident.Headline{}, 0, nil, nil, Unknown},
		{"unknown with a debt", incident.Headline{}, 0, nil, owed, Unknown},
		{"now", incident.Headline{Kind: incident.HeadNow}, incident.Now, nil, nil, Now},
		{"nothing was released", incident.Headline{Kind: incident.HeadNothing}, incident.Now, nil, nil, NoRelease},
		{"within", incident.Headline{Kind: incident.HeadWithin}, incident.Within10, nil, nil, Within},
		{"over, not long enough", incident.Headline{Kind: incident.HeadWatch}, incident.WatchClosely, rising, nil, Watch},
		{"nothing over, all answered", incident.Headline{Kind: incident.HeadWatch}, incident.WatchClosely, nil, nil, Nothing},
		{"calm", incident.Headline{Kind: incident.HeadCalm}, incident.YourCall, nil, nil, Nothing},
		{"calm, an alert fires", incident.Headline{Kind: incident.HeadCalm, Alert: &model.Alert{Name: "Slow"}}, incident.YourCall, nil, nil, Watch},
		{"calm, something is owed", incident.Headline{Kind: incident.HeadCalm}, incident.YourCall, nil, owed, Owed},
		{"verified", after(incident.AfterVerified), incident.YourCall, nil, nil, Nothing},
		{"verified, something is owed", after(incident.AfterVerified), incident.YourCall, nil, owed, Owed},
		{"better, not proved", after(incident.AfterBetter), incident.YourCall, nil, nil, Settling},
		{"settling", after(incident.AfterSettling), incident.YourCall, nil, nil, Settling},
		{"nobody knows", after(incident.AfterUnknown), incident.YourCall, nil, nil, Unknown},
		{"no better", after(incident.AfterNoBetter), incident.YourCall, nil, nil, NoHelp},
		{"worse", after(incident.AfterWorse), incident.YourCall, nil, nil, NoHelp},
		{"ended", incident.Headline{Kind: incident.HeadEnded}, incident.YourCall, nil, nil, Nothing},
		{"ended, over again", incident.Headline{Kind: incident.HeadEndedOver}, incident.Now, nil, nil, Now},
		{"ended, over, not long enough", incident.Headline{Kind: incident.HeadEndedOver}, incident.WatchClosely, rising, nil, Watch},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := Data{Debts: tt.debts}
			got := d.state(tt.head, tt.v, tt.nodes)
			if got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
			if code, known := Codes[got]; !known || (code == 0) != (got == Nothing) || code != 0 && code < 10 {
				t.Errorf("code %d of %q", code, got)
			}
		})
	}
}
