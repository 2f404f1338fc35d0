package kube

import (
	"strings"
	"sync"
	"unique"

	corev1 "k8s.io/api/core/v1"
)

// intern gives equal strings one copy: thousands of pods share a few names and
// states.
func intern(s string) string { return unique.Make(s).Value() }

var namesOfContainers sync.Map // joined names → *[]string

// containerNames returns the names of a pod's containers, one copy for all pods
// that have the same.
func containerNames(in []corev1.Container) *[]string {
	var key string
	if len(in) == 1 {
		key = in[0].Name
	} else {
		names := make([]string, len(in))
		for i := range in {
			names[i] = in[i].Name
		}
		key = strings.Join(names, "\x00")
	}
	if v, ok := namesOfContainers.Load(key); ok {
		return v.(*[]string)
	}
	names := make([]string, len(in))
	for i := range in {
		names[i] = in[i].Name
	}
	v, _ := namesOfContainers.LoadOrStore(key, &names)
	return v.(*[]string)
}
