package kube

import "sync"

// planMemory keeps what plans were made of, in memory only, so that a change
// since then can be named by its fields.
type planMemory struct {
	mu    sync.Mutex
	order []string
	of    map[string]*object
}

const plansKept = 16

func (m *planMemory) keep(id string, d *object) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.of == nil {
		m.of = map[string]*object{}
	}
	if _, ok := m.of[id]; !ok {
		m.order = append(m.order, id)
	}
	m.of[id] = d
	if len(m.order) > plansKept {
		delete(m.of, m.order[0])
		m.order = m.order[1:]
	}
}

func (m *planMemory) get(id string) *object {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.of[id]
}
