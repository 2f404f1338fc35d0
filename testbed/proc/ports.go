package proc

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

var (
	portsMu sync.Mutex
	given   = map[int]bool{}
)

// FreePort finds a TCP port of 127.0.0.1 that nobody listens on. It lies below
// the ports that the kernel gives to outgoing connections, so it stays free until
// the component listens on it, and while the component is stopped on purpose.
func FreePort() (int, error) {
	portsMu.Lock()
	defer portsMu.Unlock()
	for range 200 {
		p := 20000 + rand.IntN(12000)
		if given[p] {
			continue
		}
		l, err := net.Listen("tcp", Loopback(p))
		if err != nil {
			continue
		}
		l.Close()
		given[p] = true
		return p, nil
	}
	return 0, fmt.Errorf("no free TCP port found on 127.0.0.1 between 20000 and 32000")
}

// Loopback is the address of a port on 127.0.0.1.
func Loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
