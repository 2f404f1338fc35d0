//go:build e2e

package engine

const killTimes = 200
