package engine

import (
	"context"
	"fmt"
	"time"

	"rollbook/incident"
	"rollbook/model"
)

// Bounds of reading what failing pods say.
const (
	logsEvery    = 15 * time.Second // of one component, whatever its pods do
	logsAgain    = time.Minute      // after one that failed
	logsDeadline = 15 * time.Second
)

// readPodLogs reads what the pods of each failing component say: once, and again when
// others fail, one has restarted, or it fails by something else.
func (e *Engine) readPodLogs() {
	if e.cfg.PodLogs == nil || e.looking != nil {
		return
	}
	for _, of := range incident.PodLogsWanted(&incident.Snapshot{Incident: e.inc, Seen: e.seen, Now: time.Now()}) {
		name, pods := "podlogs/"+of.Component, podsOf(of)
		if e.logsRead[of.Component] == pods {
			continue
		}
		e.every(name, logsEvery, logsDeadline, func(ctx context.Context, tell func(func())) {
			said := e.cfg.PodLogs.PodLogs(ctx, of)
			tell(func() {
				e.logsRead[of.Component] = pods
				if said.Err != "" {
					delete(e.logsRead, of.Component)
					e.errand(name).due = time.Now().Add(logsAgain)
				}
				e.handle(incident.Input{At: time.Now(), Do: incident.PodLogsRead{Said: said}})
			})
		})
	}
}

// podsOf tells logs that were read from those that have more to say. That old pods go
// is no reason to read the new ones again.
func podsOf(of model.PodLogs) string {
	return fmt.Sprint(of.Version.Key, of.Why, of.New, len(of.Old) > 0)
}
