package cluster

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// DefaultMemory is how long brokers remember a producer unless something else is known. It is
// Kafka's default of producer.id.expiration.ms.
const DefaultMemory = 24 * time.Hour

// The broker settings that control how long it remembers a producer. Kafka 3.4 and later use the
// first (KIP-854), older versions the second.
const (
	ownMemory    = "producer.id.expiration.ms"
	sharedMemory = "transactional.id.expiration.ms"
)

const (
	// memoryAge is how long an answer or a refusal of a broker holds, at least. The setting can be
	// changed while the broker runs.
	memoryAge = time.Hour
	// memoryApart is how long after a question no other broker is asked: each question opens a
	// connection. The producers of a fleet that was started at once drift apart by memoryDrift.
	memoryApart = time.Second
	memoryDrift = 10 * time.Minute
)

// memorySoon is how soon a broker that gave no answer is asked again.
const memorySoon = 5 * time.Second

// memory is how long brokers remember producers, by their own answers. It is safe for concurrent
// use.
type memory struct {
	set time.Duration // the setting for brokers that do not answer; 0: not set

	mu   sync.Mutex // guards what follows
	says map[int32]time.Duration
	next map[int32]time.Time // when each is asked again
	any  time.Time           // when any is
}

func newMemory(set time.Duration) *memory {
	return &memory{set: set, says: make(map[int32]time.Duration), next: make(map[int32]time.Time)}
}

// of returns how long node remembers a producer, by the timestamps of its records. While node has
// not answered, the shortest answer of the others counts.
func (m *memory) of(node int32) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if said, ok := m.says[node]; ok {
		return said
	}
	switch {
	case len(m.says) > 0: // brokers mostly have the same settings
		return slices.Min(slices.Collect(maps.Values(m.says)))
	case m.set > 0:
		return m.set
	}
	return DefaultMemory
}

// due reports whether to ask node now. It then returns false for memoryAge.
func (m *memory) due(node int32) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if now.Before(m.next[node]) || now.Before(m.any) {
		return false
	}
	m.any = now.Add(memoryApart)
	m.next[node] = now.Add(memoryAge + rand.N(memoryDrift))
	return true
}

// missed notes that node gave no answer.
func (m *memory) missed(node int32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.next[node] = time.Now().Add(memorySoon)
}

// note notes the answer of node. It holds until the next answer, even if later requests are
// refused.
func (m *memory) note(node int32, said time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.says[node] = said
}

// Memory returns how long a broker remembers a producer, by the timestamps of its records. That is
// the broker's own answer, else the setting, else DefaultMemory. It never waits.
func (c *Cluster) Memory(node int32) time.Duration { return c.memory.of(node) }

// askMemory asks node how long it remembers producers, on a goroutine of its own, unless it was
// asked recently. Links ask after an answer: the broker is there.
func (l *Link) askMemory(node int32) {
	if l.c.ctx.Err() != nil || !l.c.memory.due(node) {
		return
	}
	l.asking.Go(func() {
		ctx, cancel := context.WithTimeout(l.c.ctx, askTimeout)
		defer cancel()
		resp, err := l.c.helper.ask(ctx, node, l.c.View().Brokers[node].Addr, memoryRequest(node))
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
			// Longer times are useless, and would overflow.
			if ms, err := strconv.ParseInt(*c.Value, 10, 64); err == nil && ms > 0 {
				year := (365 * 24 * time.Hour).Milliseconds()
				said[c.Name] = time.Duration(min(ms, year)) * time.Millisecond
			}
		}
	}
	for _, name := range []string{ownMemory, sharedMemory} {
		if d, ok := said[name]; ok {
			return d, nil
		}
	}
	return 0, fmt.Errorf("the broker reports neither %s nor %s", ownMemory, sharedMemory)
}
