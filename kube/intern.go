package kube

import (
	"strings"
	"sync"
	"unique"
)

// intern gives equal strings one copy: thousands of pods share a few names and
// states.
func intern(s string) string { return unique.Make(s).Value() }

var sharedNames sync.Map // joined names → []string

// internNames does the same for lists of container names.
func internNames(names []string) []string {
	key := strings.Join(names, "\x00")
	if v, ok := sharedNames.Load(key); ok {
		return v.([]string)
	}
	v, _ := sharedNames.LoadOrStore(key, names)
	return v.([]string)
}
