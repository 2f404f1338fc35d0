package sim

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
)

type phase int

const (
	creating phase = iota
	pulling
	pullFailed
	pullBackOff
	running
	crashed
	crashBackOff
)

// A container gets from phase to phase; at is when the next one is due.
type container struct {
	spec     *corev1.Container
	env      map[string]string // that it was started with
	phase    phase
	at       time.Time
	life     life  // the present or the last one
	last     *life // the one before
	restarts int32
	ready    bool
	readyAt  time.Time // when it will have started up
	probe    time.Time // when it is asked next whether it is ready
	sync     time.Time // when the kubelet looks at a waiting one next
	backOff  backOff
}

// A life of a container, from its start to its end; ended is zero while it lasts.
type life struct {
	number  int32
	started time.Time
	ended   time.Time
	exit    int32
	words   []string // its last
}

// probePeriod and syncPeriod are the kubelet's defaults, about.
const (
	probePeriod = 10 * time.Second
	syncPeriod  = 12 * time.Second
)

// advance does what is due of one container.
func (m *Sim) advance(p *corev1.Pod, r *podRun, c *container) {
	all := m.behaves(c)
	for _, ch := range all.Then {
		m.due(ch.From)
	}
	b := all.at(m.now)
	for !c.at.IsZero() && !c.at.After(m.now) {
		m.turn(p, r, c, b)
	}
	switch c.phase {
	case running:
		m.probe(p, c, b)
	case crashBackOff:
		m.sync(c, func() {
			m.podEvent(p, c.spec.Name, corev1.EventTypeWarning, "BackOff", "Back-off restarting failed container %s in pod %s", c.spec.Name, formatted(p))
		})
	case pullBackOff:
		m.sync(c, func() {
			m.podEvent(p, c.spec.Name, corev1.EventTypeNormal, "BackOff", "Back-off pulling image %q", c.spec.Image)
			m.podEvent(p, c.spec.Name, corev1.EventTypeWarning, "Failed", "Error: ImagePullBackOff")
		})
	}
	if !c.at.IsZero() {
		m.due(c.at)
	}
}

// turn brings a container to its next phase.
func (m *Sim) turn(p *corev1.Pod, r *podRun, c *container, b Behaviour) {
	name, image := c.spec.Name, c.spec.Image
	switch c.phase {
	case creating, pullBackOff:
		if !b.PullFails && m.images[r.node+" "+image] {
			m.podEvent(p, name, corev1.EventTypeNormal, "Pulled", "Container image %q already present on machine and can be accessed by the pod", image)
			m.start(p, r, c, b)
			return
		}
		m.podEvent(p, name, corev1.EventTypeNormal, "Pulling", "Pulling image %q", image)
		c.phase, c.at = pulling, m.now.Add(m.pullTime(r, c))
	case pulling:
		if b.PullFails {
			m.podEvent(p, name, corev1.EventTypeWarning, "Failed", "Failed to pull image %q: %s", image, pullError(image))
			m.podEvent(p, name, corev1.EventTypeWarning, "Failed", "Error: ErrImagePull")
			c.phase, c.at = pullFailed, m.now.Add(m.between(time.Second, 3*time.Second, r.name+"/pull failed"))
			return
		}
		took := m.pullTime(r, c).Round(time.Millisecond)
		m.podEvent(p, name, corev1.EventTypeNormal, "Pulled", "Successfully pulled image %q in %v (%v including waiting). Image size: %d bytes.",
			image, took, took, int(80e6+40e6*m.share(image)))
		m.images[r.node+" "+image] = true
		m.start(p, r, c, b)
	case pullFailed:
		if c.backOff.wait == 0 {
			c.backOff.failed(m.now) // unlike a crash, the first failure has to wait as well
		}
		c.phase, c.at, c.sync = pullBackOff, m.now.Add(c.backOff.failed(m.now)), m.now
	case running:
		if b.Crash == nil { // any more
			c.at = time.Time{}
			return
		}
		c.life.ended, c.life.exit, c.life.words = m.now, b.Crash.Exit, b.Crash.Lines
		c.phase, c.ready = crashed, false
		c.at = m.now.Add(m.between(500*time.Millisecond, time.Second, fmt.Sprintf("%s/ended/%d", r.name, c.restarts)))
		if p.Spec.RestartPolicy == corev1.RestartPolicyNever {
			c.at = time.Time{}
		}
	case crashed:
		if wait := c.backOff.failed(c.life.ended); wait > 0 {
			c.phase, c.at, c.sync = crashBackOff, c.life.ended.Add(wait), m.now
			return
		}
		m.restart(p, r, c, b)
	case crashBackOff:
		m.restart(p, r, c, b)
	}
}

func (m *Sim) restart(p *corev1.Pod, r *podRun, c *container, b Behaviour) {
	last := c.life
	c.last = &last
	c.restarts++
	m.podEvent(p, c.spec.Name, corev1.EventTypeNormal, "Pulled", "Container image %q already present on machine and can be accessed by the pod", c.spec.Image)
	m.start(p, r, c, b)
}

func (m *Sim) start(p *corev1.Pod, r *podRun, c *container, b Behaviour) {
	m.podEvent(p, c.spec.Name, corev1.EventTypeNormal, "Created", "Container created")
	m.podEvent(p, c.spec.Name, corev1.EventTypeNormal, "Started", "Container started")
	c.phase, c.at, c.ready = running, time.Time{}, false
	c.env = m.environment(p, c.spec)
	c.life = life{number: c.restarts, started: m.now}
	up := b.Start
	if up == 0 {
		up = 2 * time.Second
	}
	key := fmt.Sprintf("%s/start/%d", r.name, c.restarts)
	c.readyAt = m.now.Add(m.between(up*9/10, up*11/10, key))
	if c.spec.ReadinessProbe == nil {
		c.readyAt = m.now
	}
	c.probe = m.now.Add(period(c.spec.ReadinessProbe))
	if b.Crash != nil {
		c.at = m.now.Add(max(m.between(b.Crash.After*9/10, b.Crash.After*11/10, key), 500*time.Millisecond))
	}
}

// probe makes a running container ready when it has started up, unless it
// behaves otherwise.
func (m *Sim) probe(p *corev1.Pod, c *container, b Behaviour) {
	never := b.NeverReady && c.spec.ReadinessProbe != nil
	c.ready = !never && !c.readyAt.After(m.now)
	switch {
	case c.ready:
		return
	case !never:
		m.due(c.readyAt)
		return
	}
	for !c.probe.After(m.now) {
		m.podEvent(p, c.spec.Name, corev1.EventTypeWarning, "Unhealthy", "%s", m.unready(p, c))
		c.probe = m.now.Add(period(c.spec.ReadinessProbe))
	}
	m.due(c.probe)
}

func period(p *corev1.Probe) time.Duration {
	if p == nil || p.PeriodSeconds == 0 {
		return probePeriod
	}
	return time.Duration(p.PeriodSeconds) * time.Second
}

// sync tells of a waiting container, now and then.
func (m *Sim) sync(c *container, tell func()) {
	if !c.sync.After(m.now) {
		tell()
		c.sync = m.now.Add(syncPeriod)
	}
	if c.sync.Before(c.at) {
		m.due(c.sync)
	}
}

func (m *Sim) pullTime(r *podRun, c *container) time.Duration {
	return m.between(700*time.Millisecond, 2500*time.Millisecond, r.node+c.spec.Image)
}

func pullError(image string) string {
	return fmt.Sprintf("rpc error: code = NotFound desc = failed to pull and unpack image %q: failed to resolve reference %q: %s: not found", full(image), full(image), full(image))
}

// full is an image's name with its registry, as the runtime prints it.
func full(image string) string { return "docker.io/" + image }

// formatted is a pod as the kubelet prints it.
func formatted(p *corev1.Pod) string { return fmt.Sprintf("%s_%s(%s)", p.Name, p.Namespace, p.UID) }
