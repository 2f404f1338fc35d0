package cluster

import (
	_ "embed"
	"strings"
)

//go:embed stages.yaml
var stages string

// macros are the parts that several stages share, written where a line of
// stages.yaml holds nothing but their name. The outer ones come first.
var macros = []struct{ name, text string }{
	{"CRASHED", `statusTemplate: |
  {{ $now := Now }}
  {{ $root := . }}
  CONDITIONS_NOT_READY
  containerStatuses:
  {{ range $i, $item := .spec.containers }}
  {{ $old := index $root.status.containerStatuses $i }}
  - CONTAINER_HEAD
    ready: false
    started: false
    restartCount: {{ $old.restartCount }}
    state:
      terminated:
        exitCode: 1
        reason: Error
        message: "KeyError: 'PAYMENT_URL'"
        startedAt: {{ $old.state.running.startedAt | Quote }}
        finishedAt: {{ $now | Quote }}
        containerID: {{ $old.containerID | Quote }}
    {{ with $old.lastState }}
    lastState: {{ YAML . 3 }}
    {{ end }}
  {{ end }}`},
	{"CONDITIONS_READY", `conditions:
- {type: Initialized, status: "True", lastTransitionTime: {{ $now | Quote }}}
- {type: Ready, status: "True", reason: "", message: "", lastTransitionTime: {{ $now | Quote }}}
- {type: ContainersReady, status: "True", reason: "", message: "", lastTransitionTime: {{ $now | Quote }}}`},
	{"CONDITIONS_NOT_READY", `{{ $unready := printf "containers with unready status: [%s]" ( index .spec.containers 0 ).name }}
conditions:
- {type: Initialized, status: "True", lastTransitionTime: {{ $now | Quote }}}
- {type: Ready, status: "False", reason: ContainersNotReady, message: {{ $unready | Quote }}, lastTransitionTime: {{ $now | Quote }}}
- {type: ContainersReady, status: "False", reason: ContainersNotReady, message: {{ $unready | Quote }}, lastTransitionTime: {{ $now | Quote }}}`},
	{"CONTAINER_HEAD", `name: {{ .name | Quote }}
image: {{ .image | Quote }}
imageID: {{ printf "%s@sha256:%s" ( regexReplaceAll ":[^:/]*$" .image "" ) ( sha256sum .image ) | Quote }}
containerID: {{ printf "containerd://%s" ( sha256sum ( printf "%s/%s" $.metadata.uid .name ) ) | Quote }}`},
	{"ADDRESSES", `{{ $hostIP := NodeIPWith .spec.nodeName }}
{{ $podIP := or ( index ( or .metadata.annotations dict ) "testbed/pod-ip" ) ( PodIPWith .spec.nodeName ( or .spec.hostNetwork false ) ( or .metadata.uid "" ) ( or .metadata.name "" ) ( or .metadata.namespace "" ) ) }}
hostIP: {{ $hostIP | Quote }}
hostIPs: [{ip: {{ $hostIP | Quote }}}]
podIP: {{ $podIP | Quote }}
podIPs: [{ip: {{ $podIP | Quote }}}]`},
}

// kwokConfig is KWOK's configuration: the stages with their macros written out.
func kwokConfig(kubeVersion string) string {
	text := stages
	for _, m := range macros {
		text = expand(text, m.name, m.text)
	}
	return strings.ReplaceAll(text, "KUBE_VERSION", kubeVersion)
}

// expand replaces each line that is only the macro's name, behind spaces and
// perhaps a list's dash, by its text, indented to the place of the name.
func expand(text, name, body string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		head, ok := strings.CutSuffix(l, name)
		if !ok || strings.Trim(head, " -") != "" {
			continue
		}
		indent := "\n" + strings.Repeat(" ", len(head))
		lines[i] = head + strings.ReplaceAll(body, "\n", indent)
	}
	return strings.Join(lines, "\n")
}
