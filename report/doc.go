// Package report keeps what those who look into an incident's cause will need,
// and writes what they read: the evidence in the incident's folder, the report
// from the folded journal, and the table of all incidents.
//
// A Collector gathers. What the cluster will throw away comes first: the last
// lines of failing pods, then events and objects, then the figures with their
// pictures, then whole logs. Everything is bounded, passes the sanitiser and the
// redactor, and is renamed into place when it is whole, so that a kill at any
// point leaves no half file. Nothing that is there is ever overwritten: a later
// gathering may find less. What could not be had is kept with the reason.
//
// New makes a Data of a journal's facts; Markdown and JSON print it. There is
// nothing in it that the journal or the evidence do not say: what is not known
// is unknown, and the cause is a suspicion until a person confirms it.
package report
