package ownline

import (
	"sync"
	"time"
)

// PerMinute is how often a Quota allows a message in a minute.
const PerMinute = 20

// Quota bounds how often a message is logged. Messages are constants, so there are few of them. The
// zero value is ready. It is safe for concurrent use, and must not be copied. (zap has a sampler
// too, which takes half a megabyte for each logger.)
type Quota struct {
	mu   sync.Mutex // guards what follows; not held while logging
	said map[string]saying
}

// saying is how often a message was logged in the minute that began at since.
type saying struct {
	since time.Time
	times int
}

// May reports whether a message may be logged once more.
func (q *Quota) May(message string, now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.said == nil {
		q.said = make(map[string]saying)
	}
	s := q.said[message]
	if now.Sub(s.since) >= time.Minute {
		s = saying{since: now}
	}
	s.times++
	q.said[message] = s
	return s.times <= PerMinute
}
