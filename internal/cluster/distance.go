package cluster

import (
	"slices"
	"sync"
	"time"
)

// distances are the round trip times of questions that are small and answered at once, by which a
// broker that is far away is told from one that has much to do: the answers to produce requests
// take long from both. It is safe for concurrent use.
type distances struct {
	mu     sync.Mutex // guards what follows
	latest map[int32][]time.Duration
}

// latestAnswers is how many of the last answers of a broker count. The shortest of them says how
// far away it is.
const latestAnswers = 3

// note notes how long an answer of a broker took.
func (d *distances) note(node int32, took time.Duration) {
	if node < 0 {
		return // seeds have no leaders
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	latest := append(d.latest[node], took)
	d.latest[node] = latest[max(0, len(latest)-latestAnswers):]
}

// of returns how far away a broker is, 0 if that is not known.
func (d *distances) of(node int32) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.latest[node]) == 0 {
		return 0
	}
	return slices.Min(d.latest[node])
}

// forget forgets a broker.
func (d *distances) forget(node int32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.latest, node)
}
