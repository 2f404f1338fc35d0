// Package model holds the nouns that the rooms exchange: workload and component,
// reading and figures, history and revision, plan, check and receipt, target and
// limits, message, lease, evidence, and the observations and errors of the ports.
//
// It decides nothing and knows no clock, no I/O, no types of Kubernetes or of the
// screen. The zero value of everything here means unknown.
package model
