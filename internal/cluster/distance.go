package cluster

import (
	"slices"
	"sync"
	"time"
)

// distances are the round trip times of small requests, which brokers answer at once. They
// distinguish a distant broker from a busy one: the answers to produce requests are late from both.
// It is safe for concurrent use.
type distances struct {
	mu     sync.Mutex // guards what follows
	latest map[int32][]time.Duration
}

// latestAnswers is how many of a broker's last answers count. The shortest of them is its distance.
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

// of returns the distance of a broker, 0 if it is not known.
func (d *distances) of(node int32) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.latest[node]) == 0 {
		return 0
	}
	return slices.Min(d.latest[node])
}

// known reports whether enough answers of a broker count.
func (d *distances) known(node int32) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.latest[node]) == latestAnswers
}

// forget forgets a broker.
func (d *distances) forget(node int32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.latest, node)
}
