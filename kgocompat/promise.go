package kgocompat

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/producer"
)

// call is a record whose promise was not called yet.
type call struct {
	record  *kgo.Record
	promise func(*kgo.Record, error)
	size    int64
	in      *generation
}

// refusal is a record that was not accepted.
type refusal struct {
	call
	err error
}

// reported calls the promise of a record that was accepted. The goroutine is that of the producer's
// callbacks, which survives what promises do.
func (c *Client) reported(k call, rep *producer.Report) {
	k.fill(rep)
	c.keep(k, outcomeOf(rep))
}

// fill says in a record what the producer knows of it.
func (k *call) fill(rep *producer.Report) {
	k.unknown()
	if rep.Partition >= 0 {
		k.record.Partition = rep.Partition
	}
	if rep.Outcome == producer.Delivered {
		k.record.Topic = rep.Topic // an interceptor may have chosen another one
		k.record.Offset = rep.Offset
	}
}

// unknown gives a record the values with which kgo says that it does not know.
func (k *call) unknown() {
	k.record.Offset, k.record.LeaderEpoch = -1, -1
	k.record.ProducerID, k.record.ProducerEpoch = -1, -1
}

// keep calls a promise.
func (c *Client) keep(k call, err error) {
	c.calls.Lock()
	c.calling.Store(true)
	returned := false
	defer func() {
		c.calling.Store(false)
		c.calls.Unlock()
		if !returned {
			c.panics.Add(1)
		}
		c.pending.leave(k.in, k.size)
	}()
	k.promise(k.record, err)
	returned = true
}

// refuse has the promise of a record called that was not accepted. The queue has no bound: Produce
// neither waits for promises nor forgets one.
func (c *Client) refuse(k call, err error) {
	k.unknown()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refused = append(c.refused, refusal{k, err})
	if !c.keeping {
		c.keeping = true
		go c.keepRefused()
	}
}

// keepRefused calls the promises of refused records until there are none. If one ends its goroutine
// by runtime.Goexit, another goroutine goes on.
func (c *Client) keepRefused() {
	finished := false
	defer func() {
		if !finished {
			go c.keepRefused()
		}
	}()
	for {
		r, ok := c.nextRefused()
		if !ok {
			break
		}
		c.keepOne(r)
	}
	finished = true
}

// keepOne calls the promise of a refused record and survives it. The producer does so for the
// others.
func (c *Client) keepOne(r refusal) {
	defer func() { _ = recover() }() // keep has counted it
	c.keep(r.call, r.err)
}

func (c *Client) nextRefused() (r refusal, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.refused) == 0 {
		c.refused, c.keeping = nil, false
		return refusal{}, false
	}
	r, c.refused[0] = c.refused[0], refusal{}
	c.refused = c.refused[1:]
	return r, true
}
