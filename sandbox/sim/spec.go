package sim

import (
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// behaves says how a container behaves: its image with its environment, as far as what the
// pod says of it lets it.
func (m *Sim) behaves(c *container) Behaviour {
	b := m.behave(c.spec.Image, c.env)
	limit(c.spec, &b)
	b.Then = slices.Clone(b.Then) // the scenario's own is shared
	for n := range b.Then {
		limit(c.spec, &b.Then[n].Behaviour)
	}
	return b
}

// limit gives a behaviour what a container's command, probe and CPU make of it.
func limit(spec *corev1.Container, b *Behaviour) {
	if crash := shell(spec.Command); crash != nil {
		b.Crash = crash
	}
	if deaf(spec) {
		b.NeverReady = true
	}
	if cpu, is := spec.Resources.Limits[corev1.ResourceCPU]; is && cpu.Cmp(throttled) < 0 && b.P95 != Endless {
		b.P95 *= throttling
	}
}

// A container with less than throttled of a core takes throttling times as long for a
// request.
var throttled = resource.MustParse("50m")

const throttling = 25

var (
	exits  = regexp.MustCompile(`\bexit ([1-9][0-9]*)\s*$`)
	echoes = regexp.MustCompile(`echo '([^']*)'`)
)

// shell returns how a command ends that is a script which ends by itself; nil for any other.
func shell(command []string) *Crash {
	if len(command) != 3 || !strings.HasSuffix(command[0], "sh") || command[1] != "-c" {
		return nil
	}
	exit := exits.FindStringSubmatch(command[2])
	if exit == nil {
		return nil
	}
	code, err := strconv.ParseInt(exit[1], 10, 32)
	if err != nil {
		return nil
	}
	out := &Crash{Exit: int32(code), After: time.Second}
	for _, said := range echoes.FindAllStringSubmatch(command[2], -1) {
		out.Lines = append(out.Lines, said[1])
	}
	return out
}

// unready returns what the kubelet says of a probe that fails.
func (m *Sim) unready(p *corev1.Pod, c *container) string {
	if deaf(c.spec) {
		return "Readiness probe failed: dial tcp " + net.JoinHostPort(p.Status.PodIP, c.spec.ReadinessProbe.TCPSocket.Port.String()) + ": connect: connection refused"
	}
	return "Readiness probe failed: HTTP probe failed with statuscode: 503"
}

// deaf reports whether a container is asked for its readiness on a port that it does not
// listen on: it listens on those that it declares.
func deaf(spec *corev1.Container) bool {
	if spec.ReadinessProbe == nil || spec.ReadinessProbe.TCPSocket == nil {
		return false
	}
	port := spec.ReadinessProbe.TCPSocket.Port
	for _, p := range spec.Ports {
		if port.IntVal == p.ContainerPort || port.StrVal != "" && port.StrVal == p.Name {
			return false
		}
	}
	return true
}
