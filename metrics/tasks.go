package metrics

import "sync"

// tasks are goroutines with one owner, who waits for them. A panic in one is
// raised again in the owner, whose recover restores the terminal.
type tasks struct {
	wg    sync.WaitGroup
	mu    sync.Mutex
	panic any
}

func (t *tasks) run(f func()) {
	t.wg.Add(1)
	go func() {
		defer t.wg.Done()
		defer func() {
			if p := recover(); p != nil {
				t.mu.Lock()
				t.panic = p
				t.mu.Unlock()
			}
		}()
		f()
	}()
}

func (t *tasks) wait() {
	t.wg.Wait()
	if t.panic != nil {
		panic(t.panic)
	}
}
