package dispatch

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"go.uber.org/zap"

	"github.com/forebay-go/forebay/delivery"
	"github.com/forebay-go/forebay/internal/cluster"
)

const (
	retryMin = 20 * time.Millisecond // before a second attempt, where the answer was an error
	retryMax = time.Second

	// throttleMax is how long a broker is left alone at most that asks for it. Quotas rarely ask
	// for more than some seconds; a broker that does mutes the connection by itself, and one that
	// is out of its mind may ask for weeks.
	throttleMax = 30 * time.Second
)

// pause returns how long to wait after fails failures in a row: twice as long each time, with a
// fifth of jitter.
func pause(fails int) time.Duration {
	d := min(retryMin<<min(fails-1, 10), retryMax)
	return time.Duration(float64(d) * (0.8 + 0.4*rand.Float64()))
}

// land settles the shipments that came back.
func (d *dispatcher) land(now time.Duration) {
	d.mu.Lock()
	landed := d.landed
	d.landed = nil
	d.mu.Unlock()
	for _, s := range landed {
		d.inFlight -= int64(s.bytes)
		d.settleBroker(s, now)
		for _, it := range s.items {
			it.p.flying = nil
			d.settle(it, now)
			d.activate(it.ts)
		}
		s.pace(now)
	}
}

// settleBroker learns from a shipment about its broker.
func (d *dispatcher) settleBroker(s *shipment, now time.Duration) {
	b := s.broker
	if s.aside {
		b.aside = false
	} else {
		b.flying--
	}
	d.learnSize(s, now)
	if s.err == nil {
		d.count(s)
		d.cluster.gate.Answered(d.lane.Priority, b.ID, s.bytes, now)
		d.settleThrottle(s, now)
		b.fails = 0
		b.plain = b.plain && s.version == b.speaks
		b.speaks = s.version
		b.patience = max(cluster.AttemptTimeout, min(2*s.took(), patienceMax))
		return
	}
	b.fails++
	b.plain = false // it may come back as another version
	if errors.Is(s.err, context.DeadlineExceeded) {
		b.patience = min(2*b.patience, patienceMax)
	}
	b.retryAt = max(b.retryAt, now+pause(b.fails)) // it may be throttled for longer
	if d.ctx.Err() == nil {
		d.cluster.Failed(b.ID, s.err)
	}
}

// settleThrottle leaves a broker alone for as long as it wants.
func (d *dispatcher) settleThrottle(s *shipment, now time.Duration) {
	wait := min(s.throttle, throttleMax)
	d.troubles.throttle(s.broker.ID, wait, now)
	s.broker.retryAt = max(s.broker.retryAt, now+wait)
	if wait > 0 {
		d.counts.throttled.Add(1)
		d.counts.throttledFor.Add(int64(wait))
	}
}

// pace learns from how long the answer took which partitions would hold up others. Where one of
// them failed it is that one; where none did it may be any, and they travel in smaller companies
// until it is found.
func (s *shipment) pace(now time.Duration) {
	if s.err != nil || len(s.items) == 0 {
		return
	}
	someFailed := slices.ContainsFunc(s.items, (*item).failed)
	late := s.broker.learn(s, someFailed)
	for _, it := range s.items {
		switch p := it.p; {
		case (!late || someFailed && !it.failed()) && p.pace == apace: // as ever
		case !late || someFailed && !it.failed():
			it.ts.setPace(p.id, apace, 0)
		case someFailed || len(s.items) == 1 || p.pace == slow:
			it.ts.setPace(p.id, slow, now+avoid)
		default:
			it.ts.setPace(p.id, len(s.items)/2, p.avoidUntil)
		}
	}
}

// failed reports whether the broker answered with an error.
func (it *item) failed() bool {
	return it.attempt.Fate != cluster.Answered || cluster.ActionOf(it.attempt.Code) != cluster.Done
}

func (d *dispatcher) count(s *shipment) {
	if len(s.items) == 0 {
		return
	}
	d.counts.requests.Add(1)
	d.counts.requestBytes.Add(uint64(s.bytes))
	for _, it := range s.items {
		d.counts.requestRecords.Add(uint64(it.attempt.Records))
	}
}

// countAttempt counts a batch that was written, or may have been.
func (d *dispatcher) countAttempt(it *item) {
	if it.attempt.Fate == cluster.NotSent {
		return
	}
	d.counts.attempts.Add(1)
	if it.tried {
		d.counts.retries.Add(1)
	}
}

// settle decides what becomes of a batch that was in flight.
func (d *dispatcher) settle(it *item, now time.Duration) {
	a, b := it.attempt, it.batch
	d.countAttempt(it)
	if a.Fate != cluster.NotSent && (!it.gone || it.written) {
		it.p.numbers.wrote(b, a.Fate == cluster.Answered)
	}
	if it.gone {
		d.settleGone(it)
		return
	}
	switch a.Fate {
	case cluster.NotSent:
		d.failed(it, a.Err)
		d.again(it)
	case cluster.Unresolved:
		b.History.Attempts++
		d.failed(it, a.Err)
		if it.ship.err == nil {
			// the broker answered, and said nothing of this partition: nobody else would slow it
			// down
			it.p.fail(now)
		}
		it.pin()
		d.condemn(it)
	case cluster.Answered:
		b.History.Attempts++
		d.settleAnswer(it, now)
	}
}

// settleGone learns what it can from the answer to a batch that was resolved while it was in
// flight.
func (d *dispatcher) settleGone(it *item) {
	if a := it.attempt; it.written && a.Fate == cluster.Answered && a.Action(true) == cluster.Done {
		it.p.numbers.advance(a.Records)
	}
}

func (d *dispatcher) failed(it *item, err error) {
	if err != nil && d.ctx.Err() == nil {
		it.ts.lastErr = err
		d.blame(it, causeOf(err), err)
	}
}

// again has a batch wait for its next attempt: in place if an attempt is unresolved, else wherever
// there is room.
func (d *dispatcher) again(it *item) {
	if it.batch.History.Unresolved {
		it.p.pinned = it.batch
		return
	}
	d.giveBack(it.ts, it.p, it.batch)
}

// settleAnswer does what the broker's error code asks for.
func (d *dispatcher) settleAnswer(it *item, now time.Duration) {
	a, p, b := it.attempt, it.p, it.batch
	action := a.Action(it.repeats || b.History.Unresolved)
	if action == cluster.Done {
		d.acked.Store(int64(now))
		p.numbers.advance(a.Records)
		p.fails, it.ship.broker.astray, it.ts.bad = 0, 0, 0
		d.eased(it, now)
		b.History.Unresolved = false
		if d.overtaken(it) {
			d.counts.orderAtRisk.Add(uint64(b.Records()))
		}
		d.counts.delivery.add(now-b.Born(), b.Records())
		d.resolve(it.ts, b, Verdict{Outcome: delivery.Delivered, Partition: p.id, Offset: a.Offset})
		return
	}
	err := kerr.ErrorForCode(a.Code)
	if a.Text != "" {
		err = fmt.Errorf("%w: %s", err, a.Text)
	}
	d.failed(it, err)
	p.fail(now)
	switch action {
	case cluster.Confirm:
		it.pin()
		d.follow(it)
	case cluster.Elsewhere:
		d.elsewhere(it, now)
	case cluster.Renew, cluster.NewID, cluster.Unnumber:
		d.renew(it, action, err)
	case cluster.Resend:
		d.resend(it, err)
	case cluster.Split:
		d.split(it, err)
	case cluster.Reject:
		p.retryAt = 0
		d.reject(it, err)
	case cluster.Recompress:
		d.decompress(it, err)
	case cluster.Hold:
		d.cluster.Refresh(it.attempt.Topic)
		d.again(it)
	default: // nothing is known of the code, so nothing of the batch either
		d.sayOnce(a.Code, err)
		it.pin()
	}
}

// pin has a batch that may have been written wait in its place, to be sent again as it was.
func (it *item) pin() {
	it.batch.History.Unresolved, it.batch.History.MaybeWritten = true, true
	it.p.pinned = it.batch
}

// elsewhere has a batch that was not appended wait for wherever there is room. A broker that goes
// on to name itself as the leader is not the one that was asked: it has its address, and an old
// answer to a look-up has led here. No connection would end by itself.
func (d *dispatcher) elsewhere(it *item, now time.Duration) {
	if b := it.ship.broker; it.attempt.Code == kerr.NotLeaderForPartition.Code &&
		it.attempt.Leader == b.ID && b.strays(now) {
		d.link.HangUp(b.ID)
	}
	d.follow(it)
	d.again(it)
}

// follow takes the leader that the broker named (KIP-951). One that is not known yet is waited for:
// the view is asked for it, and the broker that named it has nothing more to say.
func (d *dispatcher) follow(it *item) {
	if leader := d.brokers[it.attempt.Leader]; leader != nil && leader != it.p.leader &&
		leader.usable {
		it.p.lead(leader)
	} else if leader == nil && it.attempt.Leader >= 0 {
		it.p.lead(nil)
	}
	d.cluster.Refresh(it.attempt.Topic)
}

// renew begins a new numbering of the partition, and does more about it where the broker asks for
// that, or has not followed the last ones either.
func (d *dispatcher) renew(it *item, action cluster.Action, err error) {
	n := &it.p.numbers
	switch max(action, n.refused()) {
	case cluster.NewID:
		d.link.Drop(n.id, it.attempt.Sequence)
	case cluster.Unnumber:
		d.link.Refuse(n.id, it.attempt.Sequence, err)
	}
	if it.p.fails == 1 {
		it.p.retryAt = 0 // what goes on is paced like any error
	}
	d.recount(it)
	d.giveBack(it.ts, it.p, it.batch)
}

// damagedMax is how often a batch is sent that arrives damaged. Networks and proxies do that now
// and then; a batch that arrives damaged each time was so before it was sent.
const damagedMax = 5

// resend sends a batch once more that arrived damaged. Brokers before 2.4, and proxies, also say so
// of a batch with a bad record: its halves have one attempt each.
func (d *dispatcher) resend(it *item, err error) {
	if it.batch.History.Damaged++; it.batch.History.Damaged >= damagedMax {
		d.reject(it, err)
		return
	}
	d.again(it)
}

// recount counts a batch as maybe duplicated that is sent again with other numbers, if an attempt
// is unresolved.
func (d *dispatcher) recount(it *item) {
	if it.batch.History.Unresolved {
		it.ts.t.CountDuplicates(it.batch)
		it.batch.History.Unresolved = false
	}
}

// split halves a batch that is too large; a record that is too large by itself is rejected.
func (d *dispatcher) split(it *item, err error) {
	it.p.retryAt = 0
	b := it.batch
	if b.Records() == 1 {
		d.resolve(it.ts, b, Verdict{Outcome: delivery.Rejected, Reason: delivery.TooLarge, Partition: it.p.id,
			Err: err})
		return
	}
	d.limit(it)
	d.halve(it, delivery.TooLarge, err)
}

// halve has the halves of a batch wait in its place.
func (d *dispatcher) halve(it *item, reason delivery.Reason, err error) {
	d.recount(it)
	halves, failure := it.ts.t.Halve(it.batch)
	if failure != nil {
		d.resolve(it.ts, it.batch, Verdict{Outcome: delivery.Rejected, Reason: reason, Partition: it.p.id,
			Err: errors.Join(err, failure)})
		return
	}
	for _, half := range slices.Backward(halves) {
		d.giveBack(it.ts, it.p, half)
	}
}

// limitFor is how long a topic's batches are kept smaller after one was too large: its limit may be
// raised meanwhile.
const limitFor = 10 * time.Minute

// limit keeps the batches of a topic at half of the size of one that was too large.
func (d *dispatcher) limit(it *item) {
	if !it.ts.owned {
		return
	}
	half := it.batch.RawSize() / 2
	if it.ts.limitUntil == 0 || half < it.ts.limit {
		it.ts.limit = half
		it.ts.t.Limit(half)
	}
	it.ts.limitUntil = d.engine.clock.Mono() + limitFor
}

// liftLimit forgets that a batch was too large.
func (d *dispatcher) liftLimit(ts *topicState, now time.Duration) {
	if ts.limitUntil <= now {
		d.lift(ts)
	}
}

func (d *dispatcher) lift(ts *topicState) {
	if ts.limitUntil != 0 {
		ts.t.Limit(0)
		ts.limitUntil = 0
	}
}

// badMax is how many records of a topic are rejected one by one, with none delivered in between,
// before its batches are rejected whole. Where every record is bad, as without keys in a compacted
// topic, looking for each would cost two requests a record.
const badMax = 16

// reject gives up the records that the broker named, and sends the others on. Where it named none,
// as brokers before 2.4 and many proxies, the batch is halved until a bad record is alone, which
// takes about two attempts for each power of two in the batch.
func (d *dispatcher) reject(it *item, err error) {
	b, v := it.batch, Verdict{Outcome: delivery.Rejected, Reason: delivery.Invalid, Partition: it.p.id,
		Err: err}
	picked := make(map[int]bool)
	for _, i := range it.attempt.Bad {
		if i >= 0 && i < b.Records() {
			picked[i] = true
		}
	}
	switch {
	case len(picked) == 0 && b.Records() > 1 && it.ts.bad < badMax &&
		it.attempt.Code != kerr.UnsupportedForMessageFormat.Code:
		d.halve(it, delivery.Invalid, err)
		return
	case len(picked) == 0 && b.Records() == 1:
		it.ts.bad++
	}
	if len(picked) == 0 || len(picked) == b.Records() {
		d.resolve(it.ts, b, v)
		return
	}
	d.recount(it)
	those, others, failure := it.ts.t.Pick(b, picked)
	if failure != nil {
		d.resolve(it.ts, b, v)
		return
	}
	d.resolve(it.ts, those, v)
	d.giveBack(it.ts, it.p, others)
}

// decompress has a batch, and all that follow it to this broker, go uncompressed: it does not take
// the compression. Those that were compressed before, for others, come here once and go on
// uncompressed.
func (d *dispatcher) decompress(it *item, err error) {
	d.sayPlain(it, err)
	it.ship.broker.plain = true
	if it.batch.Codec() == 0 {
		d.again(it) // it is not that
		return
	}
	it.p.retryAt = 0
	d.recount(it)
	b, failure := it.ts.t.Decompress(it.batch)
	if failure != nil {
		d.resolve(it.ts, it.batch, Verdict{Outcome: delivery.Rejected, Reason: delivery.Invalid,
			Partition: it.p.id, Err: errors.Join(err, failure)})
		return
	}
	d.giveBack(it.ts, it.p, b)
}

// sayPlain says once that a broker does not take the compression.
func (d *dispatcher) sayPlain(it *item, err error) {
	if !d.spoken[it.attempt.Code] {
		d.spoken[it.attempt.Code] = true
		d.log.Warn("broker does not take the compression: batches go to it uncompressed",
			zap.Int32("broker", it.ship.broker.ID),
			zap.String("compression", d.settings.Compression), zap.Error(err))
	}
}

// sayOnce logs an error code that nothing better is known of.
func (d *dispatcher) sayOnce(code int16, err error) {
	if !d.spoken[code] {
		d.spoken[code] = true
		d.log.Warn("Kafka answers with an error that should not be; this is said once",
			zap.Int16("code", code), zap.Error(err))
	}
}
