package hostile

import (
	"context"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"syscall"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/forebay-go/forebay/internal/faultnet"
)

// Middle is the man in the middle. It is safe for concurrent use.
type Middle struct {
	dial faultnet.DialFunc
	wg   sync.WaitGroup

	mu        sync.Mutex // guards what follows
	rand      *rand.Rand
	mutations []Mutation
	percent   int
	// nil, or says what is served with each produce request
	script func(*kmsg.ProduceRequest) *Mutation
	sane   chan struct{} // closed by Sane; whoever sleeps ends then
	served map[string]int64
	count  Count
}

// Count is what has been seen so far.
type Count struct {
	Dials    int64
	Requests int64              // without the greetings of connections
	ByKey    map[kmsg.Key]int64 // all
}

// New returns a middle over dial that is sane, and whose choices come from seed.
func New(dial faultnet.DialFunc, seed uint64) *Middle {
	m := &Middle{dial: dial, rand: rand.New(rand.NewPCG(seed, 0)), served: make(map[string]int64),
		sane: make(chan struct{})}
	m.count.ByKey = make(map[kmsg.Key]int64)
	close(m.sane)
	return m
}

// Turn makes m serve one of mutations with so many percent of the answers that one of them suits.
func (m *Middle) Turn(percent int, mutations ...Mutation) {
	m.Sane()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mutations, m.percent, m.sane = mutations, percent, make(chan struct{})
}

// Script has next say what becomes of each produce request; nil is nothing. It must not call m.
func (m *Middle) Script(next func(*kmsg.ProduceRequest) *Mutation) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.script = next
}

// Sane makes m pass on everything as it is, and at once.
func (m *Middle) Sane() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mutations, m.script = nil, nil
	select {
	case <-m.sane:
	default:
		close(m.sane)
	}
}

// Served returns how often each mutation was served, by its name.
func (m *Middle) Served() map[string]int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	served := make(map[string]int64, len(m.served))
	for name, n := range m.served {
		served[name] = n
	}
	return served
}

// Count returns what has been seen so far.
func (m *Middle) Count() Count {
	m.mu.Lock()
	defer m.mu.Unlock()
	count := m.count
	count.ByKey = make(map[kmsg.Key]int64, len(m.count.ByKey))
	for k, n := range m.count.ByKey {
		count.ByKey[k] = n
	}
	return count
}

// Wait waits until all connections are closed, which is for the client to do.
func (m *Middle) Wait() { m.wg.Wait() }

// choose notes a request and returns the mutation of its answer, if there is to be one.
func (m *Middle) choose(q *request) *Mutation {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := q.key
	m.count.ByKey[kmsg.Key(key)]++
	if kmsg.Key(key) != kmsg.ApiVersions {
		m.count.Requests++
	}
	if m.script != nil && kmsg.Key(key) == kmsg.Produce {
		if req, err := q.produce(); err == nil {
			return m.script(req)
		}
	}
	if m.rand.IntN(100) >= m.percent {
		return nil
	}
	var suiting []*Mutation
	for i := range m.mutations {
		if m.mutations[i].suits(key) {
			suiting = append(suiting, &m.mutations[i])
		}
	}
	if len(suiting) == 0 {
		return nil
	}
	chosen := suiting[m.rand.IntN(len(suiting))]
	m.served[chosen.Name]++
	return chosen
}

// random returns a source of choices for one answer.
func (m *Middle) random() *rand.Rand {
	m.mu.Lock()
	defer m.mu.Unlock()
	return rand.New(rand.NewPCG(m.rand.Uint64(), 1))
}

func (m *Middle) untilSane() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sane
}

// Dial opens a connection through m.
func (m *Middle) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	m.mu.Lock()
	m.count.Dials++
	m.mu.Unlock()
	if host, _, err := net.SplitHostPort(addr); err == nil && host == Hole {
		<-ctx.Done()
		return nil, &net.OpError{Op: "dial", Net: network, Err: ctx.Err()}
	}
	broker, err := m.dial(ctx, network, addr)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network,
			Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	ours, theirs := net.Pipe()
	r := &relay{m: m, client: ours, broker: broker, pending: make(chan pending, 1024),
		ended: make(chan struct{})}
	m.wg.Go(r.requests)
	m.wg.Go(r.answers)
	return theirs, nil
}
