package cluster

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// DefaultMemory is how long brokers remember a producer if nothing else is known: Kafka's default
// of producer.id.expiration.ms.
const DefaultMemory = 24 * time.Hour

// The settings of a broker that say how long it remembers a producer. The first is of Kafka 3.4 and
// later (KIP-854); before, the second said it.
const (
	ownMemory    = "producer.id.expiration.ms"
	sharedMemory = "transactional.id.expiration.ms"
)

// memoryAge is how long what a broker said holds, or that it would not say it: the setting can be
// changed while it runs.
const memoryAge = time.Hour

// memorySoon is how soon a broker is asked again that gave no answer.
const memorySoon = 5 * time.Second

// memory is how long brokers remember producers, as they say themselves. It is safe for concurrent
// use.
type memory struct {
	set time.Duration // by the settings, where brokers do not say; 0: it is not

	mu   sync.Mutex // guards what follows
	says map[int32]time.Duration
	next map[int32]time.Time // when each is asked again
}

func newMemory(set time.Duration) *memory {
	return &memory{set: set, says: make(map[int32]time.Duration), next: make(map[int32]time.Time)}
}

// of returns how long node remembers a producer, by the timestamps of its records. Where it has not
// said so, it counts what the others have.
func (m *memory) of(node int32) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if said, ok := m.says[node]; ok {
		return said
	}
	switch {
	case len(m.says) > 0: // they are mostly alike
		return slices.Min(slices.Collect(maps.Values(m.says)))
	case m.set > 0:
		return m.set
	}
	return DefaultMemory
}

// due reports whether node is to be asked now; it is not due again then for a while.
func (m *memory) due(node int32) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if now.Before(m.next[node]) {
		return false
	}
	m.next[node] = now.Add(memoryAge)
	return true
}

// missed notes that node gave no answer.
func (m *memory) missed(node int32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.next[node] = time.Now().Add(memorySoon)
}

// note notes what node has said. Who may not be asked any more keeps what it said before.
func (m *memory) note(node int32, said time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.says[node] = said
}

// Memory returns how long a broker remembers a producer, by the timestamps of its records: what it
// says itself, or else what the settings say, or else a day. It never waits.
func (c *Cluster) Memory(node int32) time.Duration { return c.memory.of(node) }

// askMemory asks node how long it remembers producers, on a goroutine of its own, unless that was
// done of late. Links do it through their own connections, after an answer: nothing else waits
// there.
func (l *Link) askMemory(node int32) {
	if l.c.ctx.Err() != nil || !l.c.memory.due(node) {
		return
	}
	l.asking.Go(func() {
		ctx, cancel := context.WithTimeout(l.c.ctx, askTimeout)
		defer cancel()
		resp, err := l.main.ask(ctx, node, l.c.View().Brokers[node].Addr, memoryRequest(node))
		if err != nil {
			l.c.memory.missed(node)
			return
		}
		if said, err := memorySaid(resp.(*kmsg.DescribeConfigsResponse)); err == nil {
			l.c.memory.note(node, said)
		}
	})
}

func memoryRequest(node int32) *kmsg.DescribeConfigsRequest {
	req := kmsg.NewPtrDescribeConfigsRequest()
	r := kmsg.NewDescribeConfigsRequestResource()
	r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeBroker, strconv.Itoa(int(node))
	r.ConfigNames = []string{ownMemory, sharedMemory}
	req.Resources = append(req.Resources, r)
	return req
}

// memorySaid reads an answer.
func memorySaid(resp *kmsg.DescribeConfigsResponse) (time.Duration, error) {
	said := make(map[string]time.Duration)
	for i := range resp.Resources {
		r := &resp.Resources[i]
		if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
			return 0, err
		}
		for _, c := range r.Configs {
			if c.Value == nil {
				continue
			}
			// More is of no use, and would overflow.
			if ms, err := strconv.ParseInt(*c.Value, 10, 64); err == nil && ms > 0 {
				said[c.Name] = time.Duration(min(ms,
					(365*24*time.Hour).Milliseconds())) * time.Millisecond
			}
		}
	}
	for _, name := range []string{ownMemory, sharedMemory} {
		if d, ok := said[name]; ok {
			return d, nil
		}
	}
	return 0, fmt.Errorf("it tells neither %s nor %s", ownMemory, sharedMemory)
}
