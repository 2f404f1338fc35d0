// Package prom is the sandbox's Prometheus: its own engine over samples kept in
// memory, rules that record and alert as its own do, and as much of its HTTP API
// as client_golang, Grafana and curl speak. It starts no goroutine and asks for
// no time but for queries without one: who owns it tells it what a scrape brought
// and when to evaluate, so that an hour of history takes milliseconds.
//
// The handlers are written here instead of taken from web/api/v1, which would
// add 5 MB to the program for endpoints that nobody asks a sandbox for. So are
// the rules: package rules draws in the clients of three clouds, 6 MB of program
// and of memory at every start. The shapes of requests and answers are those of
// the HTTP API's documentation; the parity tests ask a real one the same.
package prom
