package kube

import (
	"slices"
	"strings"

	"rollbook/text"
)

// Messages of the kubelet and of controllers of which the names and hashes tell
// nothing that is not said beside them.
var (
	backOff    = text.Pattern(`^back-off (\S+) restarting failed container=(\S+)( pod=\S+)?$`)
	pulling    = text.Pattern(`^(?:Back-off pulling image|Failed to pull image) "([^"]+)"(?:: (?s:(.*)))?$`)
	timedOut   = text.Pattern(`^ReplicaSet "[^"]*" has timed out progressing\.?$`)
	forbidden  = text.Pattern(`^(?:Error creating: )?pods "[^"]*" is forbidden: `)
	rpc        = text.Pattern(`rpc error: code = \S+ desc = `)
	preemption = text.Pattern(`[,.]? ?(preemption: |no new claims to deallocate).*$`)
)

// wrappers are how the layers between the kubelet and the cause begin what they add.
var wrappers = []string{
	"failed to pull and unpack image", "failed to resolve reference", "failed to do request", "failed to copy",
	"failed to create containerd task", "failed to create shim task", "OCI runtime create failed", "runc create failed",
	"container create failed", "unable to start container process", "error during container init", "ErrImagePull", "ImagePullBackOff", "Error creating",
	"failed to start container", "failed to create task for container", "Head ", "Get ",
}

// cause returns what tells in a message of the kubelet, of a controller or of the
// scheduler; "" where it says no more than its reason does.
func cause(message string) string {
	message = strings.TrimSpace(message)
	if m := backOff().FindStringSubmatch(message); m != nil {
		return "container " + m[2] + ": back-off " + m[1] + " restarting"
	}
	if m := pulling().FindStringSubmatch(message); m != nil {
		if why := unwrapped(m[2], m[1]); why != "" {
			return "image " + m[1] + ": " + why
		}
		return "image " + m[1] + " cannot be pulled"
	}
	if timedOut().MatchString(message) {
		return ""
	}
	message = forbidden().ReplaceAllString(message, "")
	message = preemption().ReplaceAllString(message, "")
	return unwrapped(message, "")
}

// unwrapped leaves out what the layers around a cause add, and the image's name, which
// is told.
func unwrapped(message, image string) string {
	parts := strings.Split(rpc().ReplaceAllString(message, ""), ": ")
	for len(parts) > 1 && slices.ContainsFunc(wrappers, func(w string) bool { return strings.HasPrefix(parts[0], w) }) {
		parts = parts[1:]
	}
	for len(parts) > 1 && parts[len(parts)-1] == "unknown" {
		parts = parts[:len(parts)-1]
	}
	for image != "" && len(parts) > 1 && strings.HasSuffix(parts[0], image) {
		parts = parts[1:]
	}
	if len(parts) == 1 && slices.Contains(wrappers, parts[0]) {
		return ""
	}
	return strings.Join(parts, ": ")
}
