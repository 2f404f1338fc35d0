package engine

import (
	"context"
	"time"

	"rollbook/incident"
	"rollbook/model"
)

// The ports of what goes beside the walk and after it. Each may be left out.

// Evidence gathers what the cause will be looked for in.
type Evidence interface {
	// Gather keeps what a moment asks for in dir, the incident's folder, and bounds
	// itself in time and size. What could not be had is in Missing; the error is
	// for when nothing could be kept.
	Gather(ctx context.Context, dir string, s *incident.Snapshot, m model.Moment) (model.Evidence, error)
}

// Impact tells what an incident cost.
type Impact interface {
	Impact(ctx context.Context, w model.ImpactOf) (model.Impact, error)
}

// Reporter writes the report.
type Reporter interface {
	// Write writes the report of the incident into dir, where its journal lies,
	// whole or not at all.
	Write(ctx context.Context, i *incident.Incident, dir string) (path string, err error)
}

// Messenger sends one message, once. An error that wraps *model.SendError says
// whether it surely was not sent; any other error says that it may have been.
type Messenger interface {
	Send(ctx context.Context, channel string, m model.Message) (model.Delivery, error)
}

// Checks are Verify's own looks, beside the figures. None of them returns an
// error: what could not be seen is unknown, with the reason.
type Checks interface {
	Probe(ctx context.Context, h model.Health) model.ProbeSeen
	// Selected counts the pods of a label selector.
	Selected(ctx context.Context, namespace, selector string) model.SelectedSeen
	// Tail reads the end of the log of a component's newest pod; bad is a regular
	// expression, "" for none.
	Tail(ctx context.Context, c *model.Component, lines int, bad string) model.TailSeen
	// Own asks the team's own queries.
	Own(ctx context.Context, t model.Target) []model.OwnSeen
}

// PodLogs reads what the pods of a failing component say.
type PodLogs interface {
	// PodLogs reads the ends of a few logs, bounded in lines, bytes and time, and
	// returns what they say. What could not be read is in its Err.
	PodLogs(ctx context.Context, of model.PodLogs) model.Said
}

// Contacts tells who is on call. When the service does not answer, it may answer
// with what was read earlier, its time, and the error.
type Contacts interface {
	OnCall(ctx context.Context) ([]model.OnCall, time.Time, error)
}

// Leases tell other operators who works on a workload.
type Leases interface {
	// Lease takes, renews, releases or reads a workload's Lease. That somebody
	// else has it is no error.
	Lease(ctx context.Context, ask model.LeaseAsk) (model.Lease, error)
}
