// Package ui is the screen: seven pages along the walk, overlays above them,
// and keys that are data.
//
// It shows what the engine's snapshot says and sends inputs back; it decides
// nothing. Only App is a tea.Model. A page is a plain struct with Keys and
// View; what a key does stands beside its name and its help, so that the
// footer, the help and docs/keys.md cannot disagree.
//
// What differs between working on an incident, in a cluster or in the sandbox,
// looking on and looking again is one value, the session; no page asks which it
// is.
//
// View is a cheap function of the snapshot, the view state and the size, and
// changes nothing: what is dear (judging a thousand components) is derived once
// per snapshot, and what is marked is scrolled into view after each message
// (Scroll), both in Update. Update does no I/O: what has to be read (logs,
// manifests, events) is read in a tea.Cmd whose answer carries a generation, and
// a stale one is dropped. ui never asks for the time: the clock is the
// snapshot's, moved on by ticks.
package ui
