//go:build !e2e

package engine

// killTimes is how often the kill loop kills; with the tag e2e it is 200.
const killTimes = 20
