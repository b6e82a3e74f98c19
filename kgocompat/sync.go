package kgocompat

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// ProduceSync produces rs and waits for their outcomes. The results have the order of rs. If ctx
// ends first, the records without an outcome have an error that wraps that of ctx. They stay in the
// buffer and may still be delivered; the Client does not touch rs any more.
//
// ProduceSync does not end the linger of the producer, as that of kgo does. In a promise it would
// wait for itself: there it sends nothing, and every record has an error that says so.
func (c *Client) ProduceSync(ctx context.Context, rs ...*kgo.Record) kgo.ProduceResults {
	if ctx == nil {
		ctx = context.Background()
	}
	s := &syncCall{results: make(kgo.ProduceResults, len(rs)), told: make([]bool, len(rs)),
		left: len(rs), done: make(chan struct{})}
	if len(rs) == 0 {
		return s.results
	}
	for i, r := range rs {
		s.results[i].Record = r
	}
	if c.inPromise() {
		return s.abandon(errors.New("ProduceSync waits for promises, so it sends nothing in a " +
			"promise: call Produce"))
	}
	for i, r := range rs {
		mine := *r // r is the caller's again when ctx ends
		c.Produce(ctx, &mine, func(_ *kgo.Record, err error) { s.tell(i, &mine, err) })
	}
	if !await(ctx, s.done) {
		return s.abandon(fmt.Errorf("no outcome yet, the record stays in the buffer: %w",
			ctx.Err()))
	}
	return s.results
}

// syncCall is a call of ProduceSync.
type syncCall struct {
	done chan struct{} // closed by tell when every record has its result

	mu      sync.Mutex // guards what follows
	results kgo.ProduceResults
	told    []bool // which results are there
	left    int    // how many are not
	gone    bool   // ProduceSync has returned without them
}

// tell is the promise of a record: it takes over what mine has become.
func (s *syncCall) tell(i int, mine *kgo.Record, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return
	}
	*s.results[i].Record = *mine
	s.results[i].Err, s.told[i] = err, true
	if s.left--; s.left == 0 {
		close(s.done)
	}
}

// abandon returns the results, with err for the records that have none.
func (s *syncCall) abandon(err error) kgo.ProduceResults {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = true
	for i := range s.results {
		if !s.told[i] {
			s.results[i].Err = fmt.Errorf("send to %q: %w", s.results[i].Record.Topic, err)
		}
	}
	return s.results // tell writes to it no more
}
