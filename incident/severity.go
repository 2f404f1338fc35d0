package incident

// ItemSeverity is the item of the checklist that asks how severe the incident was and
// whom it affected.
const ItemSeverity = "severity"

// Severities lists what an incident can be rated as, the worst first.
var Severities = []string{"SEV1", "SEV2", "SEV3", "SEV4"}

// TellSeverity says how severe the incident was, and who was affected by it, in the
// operator's words; what is not known is empty.
type TellSeverity struct{ Severity, Users string }

func (do TellSeverity) decide(d *decider) {
	if i := d.inc(); i.ID == "" || !i.Closed.IsZero() {
		return
	}
	d.fact(SeverityTold(do))
	d.closeIfDone()
}

// SeverityTold records the operator's answer: how severe it was, and who was affected.
type SeverityTold struct {
	Severity string `json:"severity,omitempty"`
	Users    string `json:"users,omitempty"`
}

func (b SeverityTold) apply(i *Incident, f Fact) {
	i.Severity = b
	i.setItem(Item{ID: ItemSeverity, State: ItemDone, By: f.By, At: f.At, Reason: b.Words()})
}

func (b SeverityTold) entry(*Incident) (EntryKind, string) { return EntryAnswer, b.Words() }

// Words tells both in a few words.
func (b SeverityTold) Words() string {
	severity, users := "severity not known", "users affected not known"
	if b.Severity != "" {
		severity = b.Severity
	}
	if b.Users != "" {
		users = "users affected: " + b.Users
	}
	return severity + "; " + users
}
