package store

import (
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
)

// Change is one write. Old is the object before it, nil at its creation.
type Change struct {
	Version  int64
	Type     watch.EventType
	Resource schema.GroupResource
	Object   *unstructured.Unstructured
	Old      *unstructured.Unstructured
}

// logLimit is how many changes are kept: a watch that was away for longer
// begins anew. A change holds about 13 kB.
const logLimit = 2048

// Since returns the changes of a resource after a version, oldest first, and
// the version up to which they reach. It fails as the API server does with 410
// when the log no longer goes back so far.
func (s *Store) Since(gr schema.GroupResource, version int64) ([]Change, int64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if version < s.cut {
		return nil, 0, tooOld(version, s.cut)
	}
	var out []Change
	for i := len(s.log) - 1; i >= 0 && s.log[i].Version > version; i-- {
		if s.log[i].Resource == gr {
			out = append(out, s.log[i])
		}
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return out, s.version, nil
}

// At returns the objects of a namespace as they were at a version, for the
// later pages of a list.
func (s *Store) At(gr schema.GroupResource, namespace string, version int64) ([]*unstructured.Unstructured, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if version < s.cut {
		return nil, tooOld(version, s.cut)
	}
	then := make(map[key]*unstructured.Unstructured, len(s.objects[gr]))
	for k, o := range s.objects[gr] {
		then[k] = o
	}
	for i := len(s.log) - 1; i >= 0 && s.log[i].Version > version; i-- {
		c := &s.log[i]
		switch {
		case c.Resource != gr:
		case c.Old == nil:
			delete(then, keyOf(c.Object))
		default:
			then[keyOf(c.Old)] = c.Old
		}
	}
	return sorted(then, namespace), nil
}

// Compact forgets the changes up to now, as etcd does every five minutes:
// watches that want them get 410.
func (s *Store) Compact() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cutTo(s.version)
}

func (s *Store) cutTo(version int64) {
	i := 0
	for i < len(s.log) && s.log[i].Version <= version {
		i++
	}
	s.log = append([]Change(nil), s.log[i:]...)
	s.cut = max(s.cut, version)
}

func tooOld(version, oldest int64) error {
	return apierrors.NewResourceExpired(fmt.Sprintf("too old resource version: %d (%d)", version, oldest))
}
