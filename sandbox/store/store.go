// Package store holds the sandbox's objects as an API server would: one version
// counter over all of them, optimistic updates, a log of changes for watches,
// defaults, and the managedFields that tell who wrote what and when. client-go's
// tracker has none of these.
//
// Objects that it returns are shared and read-only: DeepCopy to change one.
package store

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
)

// By says who writes, as the managedFields will name it, and which part.
type By struct {
	Manager string
	Sub     string // "" for the object itself, "status" or "scale"
	DryRun  bool   // everything but keeping the result
}

type key struct{ namespace, name string }

// Store is safe for concurrent use.
type Store struct {
	now func() time.Time

	mu       sync.RWMutex
	rand     *rand.Rand
	version  int64
	objects  map[schema.GroupResource]map[key]*unstructured.Unstructured
	log      []Change // oldest first
	cut      int64    // changes up to this version are no longer in the log
	changed  chan struct{}
	managers map[managerKey]*manager
}

// New makes an empty store. now is what creation times and managedFields are
// dated by; it may run ahead of or behind the wall's clock.
func New(now func() time.Time) *Store {
	return &Store{
		now:      now,
		rand:     rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())), //nolint:gosec // names of pods, not secrets
		version:  1,
		cut:      1,
		objects:  map[schema.GroupResource]map[key]*unstructured.Unstructured{},
		changed:  make(chan struct{}),
		managers: map[managerKey]*manager{},
	}
}

// Seed makes the names and UIDs that follow the same at every run, for tests
// and pictures.
func (s *Store) Seed(n uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rand = rand.New(rand.NewPCG(n, n)) //nolint:gosec // names of pods, not secrets
}

// Now is the store's clock.
func (s *Store) Now() time.Time { return s.now() }

// Version is the newest version that was given out.
func (s *Store) Version() int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.version
}

// Changed is closed at the next write. Take it before you read, then no write
// falls between.
func (s *Store) Changed() <-chan struct{} {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.changed
}

// Get returns one object. The error is the API server's NotFound.
func (s *Store) Get(gr schema.GroupResource, namespace, name string) (*unstructured.Unstructured, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if o := s.objects[gr][key{namespace, name}]; o != nil {
		return o, nil
	}
	return nil, apierrors.NewNotFound(gr, name)
}

// List returns the objects of a namespace ("" = of all), sorted as the API
// server sorts them, and the version that they are of.
func (s *Store) List(gr schema.GroupResource, namespace string) ([]*unstructured.Unstructured, int64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return sorted(s.objects[gr], namespace), s.version
}

func sorted(objects map[key]*unstructured.Unstructured, namespace string) []*unstructured.Unstructured {
	keys := make([]key, 0, len(objects))
	for k := range objects {
		if namespace == "" || k.namespace == namespace {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b key) int {
		if d := strings.Compare(a.namespace, b.namespace); d != 0 {
			return d
		}
		return strings.Compare(a.name, b.name)
	})
	out := make([]*unstructured.Unstructured, len(keys))
	for i, k := range keys {
		out[i] = objects[k]
	}
	return out
}

// put keeps an object under a new version and notes the change. The caller
// holds the lock.
func (s *Store) put(gr schema.GroupResource, o, old *unstructured.Unstructured) {
	s.version++
	o.SetResourceVersion(strconv.FormatInt(s.version, 10))
	if s.objects[gr] == nil {
		s.objects[gr] = map[key]*unstructured.Unstructured{}
	}
	s.objects[gr][keyOf(o)] = o
	kind := watch.Added
	if old != nil {
		kind = watch.Modified
	}
	s.note(Change{Version: s.version, Type: kind, Resource: gr, Object: o, Old: old})
}

// drop removes an object; what watches see of it carries the version of its
// end. The caller holds the lock.
func (s *Store) drop(gr schema.GroupResource, old *unstructured.Unstructured) *unstructured.Unstructured {
	s.version++
	last := old.DeepCopy()
	last.SetResourceVersion(strconv.FormatInt(s.version, 10))
	delete(s.objects[gr], keyOf(old))
	s.note(Change{Version: s.version, Type: watch.Deleted, Resource: gr, Object: last, Old: old})
	return last
}

func (s *Store) note(c Change) {
	s.log = append(s.log, c)
	if len(s.log) > logLimit {
		s.cutTo(s.log[len(s.log)-logLimit/2].Version)
	}
	close(s.changed)
	s.changed = make(chan struct{})
}

func keyOf(o *unstructured.Unstructured) key { return key{o.GetNamespace(), o.GetName()} }

// uid is a random UUID of version 4.
func (s *Store) uid() types.UID {
	a, b := s.rand.Uint64(), s.rand.Uint64()
	a = a&^0xf000 | 0x4000
	b = b&^(3<<62) | 2<<62
	return types.UID(fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", a>>32, a>>16&0xffff, a&0xffff, b>>48, b&0xffffffffffff))
}
