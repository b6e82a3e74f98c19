//go:build unix

package kafkatest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// port is a port of 127.0.0.1 that no other cluster takes before release, in this process or
// another, even while its broker is down.
type port struct {
	number int

	mu       sync.Mutex   // guards what follows
	lock     *os.File     // flocked; nil once released
	listener net.Listener // keeps other programs out until the broker binds; nil after free
}

// pickPorts holds n ports. They lie below the range from which the kernel takes the ports of
// outgoing connections: a client that keeps dialling a broker that is down would sooner or later be
// given that very port, connect to itself, and keep the broker from coming back.
func pickPorts(n int) ([]*port, error) {
	dir := filepath.Join(os.TempDir(), "kafkatest-ports")
	// Shared by all users of the machine, as the ports are.
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("make the folder of port locks: %w", err)
	}
	_ = os.Chmod(dir, 0o777|os.ModeSticky) // fails where another user made it, who did the same
	low, high := portRange()
	var ports []*port
	for _, offset := range rand.Perm(high - low) {
		if len(ports) == n {
			return ports, nil
		}
		if p := holdPort(dir, low+offset); p != nil {
			ports = append(ports, p)
		}
	}
	for _, p := range ports {
		p.release()
	}
	return nil, fmt.Errorf("no %d free ports from %d to %d", n, low, high)
}

// portRange returns the ports to choose from, high exclusive.
func portRange() (low, high int) {
	low, high = 20000, 32768
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return low, high // not Linux; these begin at 32768 or above
	}
	if f := strings.Fields(string(text)); len(f) == 2 {
		if first, err := strconv.Atoi(f[0]); err == nil && first < high {
			high = first
		}
	}
	switch {
	case high >= 12000:
		return min(low, high-10000), high
	default: // the kernel may use nearly all of them, so nothing better is to be had
		return 20000, 32768
	}
}

// holdPort returns nil when the port is in use.
func holdPort(dir string, number int) *port {
	// Never removed: a lock on a file that was unlinked meanwhile would hold nothing.
	lock, err := os.OpenFile(filepath.Join(dir, strconv.Itoa(number)), os.O_CREATE|os.O_RDONLY,
		0o666)
	if err != nil {
		return nil
	}
	p := &port{number: number, lock: lock}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = lock.Close()
		return nil
	}
	if p.listener, err = net.Listen("tcp", p.addr()); err != nil {
		_ = lock.Close()
		return nil
	}
	return p
}

func (p *port) addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(p.number)) }

// free lets the broker bind the port.
func (p *port) free() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		_ = p.listener.Close() // it only held the place
		p.listener = nil
	}
}

// release lets other clusters have the port. Twice is harmless.
func (p *port) release() {
	p.free()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lock != nil {
		_ = p.lock.Close() // closing gives up the flock
		p.lock = nil
	}
}
