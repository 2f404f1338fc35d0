package model

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// MarkKey begins the label and the annotation of a mark on a workload; the method's name
// ends them. The label counts, and its value is the key of the version that is owed: an
// undo by kubectl takes a revision's annotations for the workload's, so that an annotation
// may be lost by it, or come back. The annotation says more.
const MarkKey = "rollbook/owes."

// markNote is a mark's annotation.
type markNote struct {
	To       Version   `json:"to"`
	What     string    `json:"what,omitempty"`
	Plan     string    `json:"plan,omitempty"`
	Since    time.Time `json:"since,omitzero"`
	By       string    `json:"by,omitempty"`
	Incident string    `json:"incident,omitempty"`
	Objects  []Object  `json:"objects,omitempty"`
}

// Note returns what stands in the mark's annotation.
func (m *Mark) Note() string {
	b, err := json.Marshal(markNote{m.To, m.What, m.Plan, m.Since.UTC().Truncate(time.Second), m.By, m.Incident, m.Objects})
	if err != nil { // a time beyond the year 9999
		return ""
	}
	return string(b)
}

type incidentKey struct{}

// ForIncident returns a context for a write of an incident: what that switches off is marked
// as the incident's.
func ForIncident(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, incidentKey{}, id)
}

// IncidentOf returns the ID of the incident that a write is of; "" = it is of none.
func IncidentOf(ctx context.Context) string {
	id, _ := ctx.Value(incidentKey{}).(string)
	return id
}

// MarkOf returns the mark of a method on a workload; nil when there is none.
func MarkOf(of Method, labels, annotations map[string]string) *Mark {
	key := MarkKey + string(of)
	to := labels[key]
	if to == "" {
		return nil
	}
	m := &Mark{Slot: Slot{Role: RoleSwitch}, Method: of, To: Version{Key: to, Label: to, Short: to}, What: "switched off by rollbook (" + string(of) + ")"}
	switch of {
	case MethodMaintenance:
		m.Role = RoleMaintenance
	case MethodFault:
		m.Role = RoleFault
	}
	var n markNote
	if json.Unmarshal([]byte(annotations[key]), &n) == nil && n.To.Key == to { // else it is of another time
		m.To, m.What, m.Plan, m.Since, m.By, m.Incident, m.Objects = n.To, n.What, n.Plan, n.Since, n.By, n.Incident, n.Objects
	}
	return m
}

// Marks returns the marks on a workload, by the names of their methods.
func Marks(labels, annotations map[string]string) []Mark {
	var out []Mark
	for key := range labels {
		if of, ok := strings.CutPrefix(key, MarkKey); ok && of != "" {
			if m := MarkOf(Method(of), labels, annotations); m != nil {
				out = append(out, *m)
			}
		}
	}
	slices.SortFunc(out, func(a, b Mark) int { return strings.Compare(string(a.Method), string(b.Method)) })
	return out
}
