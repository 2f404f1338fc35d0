package model

import (
	"time"
)

// Impact is what an incident cost, as Prometheus tells it.
type Impact struct {
	From       time.Time         `json:"from"`
	To         time.Time         `json:"to"`
	Objective  float64           `json:"objective,omitempty"` // of the SLO, 0..1; 0 = none is set up
	Period     time.Duration     `json:"period,omitempty"`    // over which the SLO's budget is counted
	Components []ComponentImpact `json:"components,omitempty"`
	// All is the sum over the components, where each of them is known. A request
	// that passed two components counts in both. Its minutes are those in which any
	// component was over its limit, and those in which nothing is known of any; the
	// former are a lower bound where some component is unknown for a while.
	All ComponentImpact `json:"all"`
}

// ComponentImpact is what it cost one component.
type ComponentImpact struct {
	Component   string  `json:"component,omitempty"` // "" = all of them
	Failed      Reading `json:"failed"`              // requests that failed
	Requests    Reading `json:"requests"`            // requests in all
	MinutesOver Reading `json:"minutesOver"`         // with the error ratio or P95 over the trigger's limit
	NoData      Reading `json:"noData"`              // minutes of which nothing is known
	// BudgetShare is the part of the SLO's error budget of a whole period that the
	// window spent; 1 = all of it.
	BudgetShare Reading `json:"budgetShare"`
}
