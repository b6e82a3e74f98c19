package dispatch

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"go.uber.org/zap"

	"github.com/forebay-go/forebay/delivery"
	"github.com/forebay-go/forebay/internal/cluster"
)

// answers decides what becomes of the batches of a request that came back.
type answers struct {
	*core
	splitter *splitter
	said     map[int16]bool // error codes that were logged
}

// land settles the requests that came back.
func (an *answers) land() {
	an.mu.Lock()
	landed := an.landed
	an.landed = nil
	an.mu.Unlock()
	for _, s := range landed {
		an.inFlight -= int64(s.bytes)
		an.settleBroker(s)
		for _, it := range s.items {
			it.stream.flying = nil
			an.settle(it)
			an.activate(it.ts)
		}
		s.pace(an.pass.now)
	}
}

// settleBroker notes what a request has shown about its broker.
func (an *answers) settleBroker(s *shipment) {
	b := s.broker
	b.aboard[s.way]--
	switch s.way {
	case cluster.Aside:
		b.aside = false
	case cluster.Common:
		an.cluster.common.Ended(an.lane.Priority, b.ID)
		fallthrough
	default:
		b.flying--
	}
	an.learnSize(s)
	if s.err == nil {
		if s.way != cluster.Aside {
			b.width.acked(s.acknowledged(), s.took()-b.away, an.pass.now,
				b.pressed == an.pass.number-1)
		}
		an.count(s)
		an.cluster.gate.Answered(an.lane.Priority, b.ID, s.bytes, an.pass.now)
		an.settleThrottle(s)
		b.fails = 0
		if s.version != b.speaks {
			b.refuses = 0
		}
		b.speaks = s.version
		b.patience = max(cluster.AttemptTimeout, min(2*s.took(), patienceMax))
		return
	}
	b.fail(s.launched, an.pass.now)
	b.width = width{is: 1}
	b.refuses = 0 // it may come back as another version
	if errors.Is(s.err, context.DeadlineExceeded) {
		b.patience = min(2*b.patience, patienceMax)
	}
	if an.ctx.Err() == nil {
		an.cluster.Failed(b.ID, s.err)
	}
}

// settleThrottle leaves a broker alone for as long as it asks.
func (an *answers) settleThrottle(s *shipment) {
	wait := min(s.throttle, throttleMax)
	an.troubles.throttle(s.broker.ID, wait, an.pass.now)
	s.broker.retryAt = max(s.broker.retryAt, an.pass.now+wait)
	if wait > 0 {
		if s.way == cluster.Common {
			an.cluster.common.Mute(s.broker.ID, an.pass.now+min(s.throttle, mutedMax))
		}
		an.counts.throttled.Add(1)
		an.counts.throttledFor.Add(int64(wait))
	}
}

func (an *answers) count(s *shipment) {
	if len(s.items) == 0 {
		return
	}
	an.counts.requests.Add(1)
	an.counts.requestBytes.Add(uint64(s.bytes))
	an.counts.requestRecords.Add(uint64(s.records()))
}

// countAttempt counts a batch that was written, or may have been.
func (an *answers) countAttempt(it *item) {
	if it.attempt.Fate == cluster.NotSent {
		return
	}
	an.counts.attempts.Add(1)
	if it.tried {
		an.counts.retries.Add(1)
	}
}

// settle decides what becomes of a batch that was in flight.
func (an *answers) settle(it *item) {
	a, b := it.attempt, it.batch
	an.countAttempt(it)
	if a.Fate != cluster.NotSent && (!it.gone || it.written) {
		it.stream.numbers.wrote(b, a.Fate == cluster.Answered)
	}
	if it.gone {
		an.settleGone(it)
		return
	}
	switch a.Fate {
	case cluster.NotSent:
		an.failed(it, a.Err)
		an.again(it)
	case cluster.Unresolved:
		b.History.Attempts++
		an.failed(it, a.Err)
		if it.ship.err == nil {
			// the broker answered, and said nothing of this partition: nobody else would slow it
			// down
			it.stream.fail(an.pass.now)
		}
		it.pin()
		an.splitter.condemn(it)
	case cluster.Answered:
		b.History.Attempts++
		an.settleAnswer(it)
	}
}

// settleGone notes what the answer shows about a batch that had its outcome while in flight.
func (an *answers) settleGone(it *item) {
	if a := it.attempt; it.written && a.Fate == cluster.Answered && a.Action(true) == cluster.Done {
		it.stream.numbers.advance(a.Records)
	}
}

// settleAnswer does what the error code of the broker asks for.
func (an *answers) settleAnswer(it *item) {
	a := it.attempt
	action := a.Action(it.repeats || it.batch.History.Unresolved)
	if action == cluster.Done {
		an.delivered(it)
		return
	}
	err := kerr.ErrorForCode(a.Code)
	if a.Text != "" {
		err = fmt.Errorf("%w: %s", err, a.Text)
	}
	an.failed(it, err)
	it.stream.fail(an.pass.now)
	do, known := actions[action]
	if !known { // nothing is known of the code, so nothing of the batch either
		do = (*answers).wonder
	}
	do(an, it, action, err)
}

// delivered ends a batch that is in the log.
func (an *answers) delivered(it *item) {
	st, b := it.stream, it.batch
	an.acked.Store(int64(an.pass.now))
	st.numbers.advance(it.attempt.Records)
	st.fails, it.ship.broker.astray, it.ts.bad = 0, 0, 0
	an.troubles.eased(it)
	b.History.Unresolved = false
	if an.overtaken(it) {
		an.counts.orderAtRisk.Add(uint64(b.Records()))
	}
	an.counts.delivery.add(an.pass.now-b.Born(), b.Records())
	an.resolve(it.ts, b, Verdict{Outcome: delivery.Delivered, Partition: st.id,
		Offset: it.attempt.Offset})
}

// sayOnce logs an error code that has no action of its own, once.
func (an *answers) sayOnce(code int16, err error) {
	if !an.said[code] {
		an.said[code] = true
		an.log.Warn("Kafka answers with an error that should not be; this is said once",
			zap.Int16("code", code), zap.Error(err))
	}
}
