package main

import (
	"slices"
	"sync"
	"time"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// comebacks measures how soon records are delivered after their cluster started. It is safe for
// concurrent use.
type comebacks struct {
	mu    sync.Mutex // guards what follows
	since map[routing.Priority]time.Time
	took  map[routing.Priority][]time.Duration // one for each start that was followed by a delivery
}

func newComebacks() *comebacks {
	return &comebacks{since: make(map[routing.Priority]time.Time),
		took: make(map[routing.Priority][]time.Duration)}
}

// starting says that the cluster of priority starts now. The time of its start is within what is
// measured.
func (c *comebacks) starting(priority routing.Priority) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.since[priority] = time.Now()
}

// report is the producer's delivery callback: it is called once for each accepted record.
func (c *comebacks) report(r producer.Report) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if since, ok := c.since[r.Priority]; ok && r.Outcome == producer.Delivered {
		c.took[r.Priority] = append(c.took[r.Priority], time.Since(since))
		delete(c.since, r.Priority)
	}
}

// settled reports whether something was delivered after each start.
func (c *comebacks) settled() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.since) == 0
}

// of returns the times of the cluster of priority, in the order of its starts.
func (c *comebacks) of(priority routing.Priority) []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.took[priority])
}
