// Package kube is the cluster: what rollbook sees of Kubernetes and the one
// thing that it changes there.
//
// Connect resolves context, namespace and user as kubectl does, without asking
// the network. Client.Watch keeps the board up to date; History, Preflight,
// Undo and Look are the rollback; Logs, Events and Manifest are for a person to
// look at. A read-only client cannot write: its transport lets nothing leave
// that changes anything, whatever the code above it does.
//
// All text that comes from the cluster (annotations, events, messages, names of
// managers, the API server's own words) passes package text here, where it
// enters. Pod templates are read and written as raw JSON: a typed copy would
// drop the fields that this program's libraries do not know yet.
package kube
