package producer

import (
	"errors"
	"strings"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/routing"
)

// refusal numbers the errors of Send that are counted for the whole producer.
type refusal int

const (
	refusedTooLarge refusal = iota
	refusedTooManyTopics
	refusedNoRoute
	refusedInvalid
	refusedIntercepted
	refusedClosed
	refusedNoTable // ErrBufferFull where not even the table of the topic had room
	refusals
)

// framing is more than a record takes in a batch beside its key, value and headers.
const framing = 64

// Send accepts rec or refuses it, and returns at once. It does no I/O and never waits: not for
// room, not for metadata, not for Kafka. It is safe for concurrent use, and allocates nothing in
// steady state.
//
// A nil error means accepted, not delivered. The outcome is reported exactly once (see
// WithDelivery) and counted in Stats. Every error is a *SendError that wraps ErrBufferFull,
// ErrRecordTooLarge, ErrTooManyTopics, ErrNoRoute, ErrInvalidRecord, ErrIntercepted or ErrClosed;
// nothing of rec was kept then. Send copies rec, so the caller may reuse its memory as soon as Send
// returns.
func (p *Producer) Send(rec Record) error { return p.send(rec, nil) }

// send is Send for a record with a call, which reports find with it; nil: none.
func (p *Producer) send(rec Record, call any) error {
	if p.options.interceptors != nil {
		var err error
		if rec, err = p.intercept(rec); err != nil {
			return err
		}
	}
	return p.pass(&rec, call)
}

// pass is send for a record that interceptors have seen.
func (p *Producer) pass(rec *Record, call any) error {
	if p.options.observer != nil {
		return p.observe(rec, call)
	}
	return p.accept(rec, call)
}

// accept is send for a record that the observer has seen, too.
func (p *Producer) accept(rec *Record, call any) error {
	for {
		s := p.setup.Load()
		if s.tooLarge(rec) {
			return p.refuse(rec, ErrRecordTooLarge, "")
		}
		topic, err := p.topic(s, rec)
		if err != nil {
			return err
		}
		err = p.append(topic, rec, call, false)
		if err == nil {
			return nil
		}
		if errors.Is(err, buffer.ErrFull) {
			if err = p.appendFull(topic, rec, call, err); err == nil {
				return nil
			}
		}
		if errors.Is(err, buffer.ErrClosed) && !s.isClosed(rec.Priority) {
			topic.Lane().Drop(topic)
			// it was idle for so long that it was freed just now: it is made again
			s.ruled.Delete(topic)
			continue
		}
		return p.refuse(rec, err, "")
	}
}

// headerFraming is more than a header takes beside its key and value.
const headerFraming = 16

// about returns at least as many bytes as rec takes in a batch.
func about(rec *Record) int {
	n := len(rec.Key) + len(rec.Value) + framing
	for i := range rec.Headers {
		n += len(rec.Headers[i].Key) + len(rec.Headers[i].Value) + headerFraming
	}
	return n
}

// tooLarge reports whether rec is larger than a record may be. Few are so large that it has to be
// measured.
func (s *setup) tooLarge(rec *Record) bool {
	limit := s.cfg.Batching.MaxRecordBytes
	if about(rec) <= limit {
		return false
	}
	r := buffer.Record{Key: rec.Key, Value: rec.Value, Headers: rec.Headers}
	return r.FramedSize() > limit
}

// append writes rec into an open batch of topic; tight means where an open batch cannot grow, into
// a small new one.
func (p *Producer) append(topic *buffer.Topic, rec *Record, call any, tight bool) error {
	now, wall := p.clock.Now()
	if !rec.Timestamp.IsZero() {
		wall = rec.Timestamp.UnixMilli()
	}
	kind, partition := buffer.Unkeyed, int32(-1)
	switch {
	case rec.Partition.code != 0:
		kind, partition = buffer.Explicit, ^rec.Partition.code
	case rec.Key != nil:
		kind = buffer.Keyed
	}
	// field by field: a literal would be built elsewhere and copied, and the copy's reads wait for
	// the writes before them
	var r buffer.Record
	r.Key, r.Value, r.Headers, r.Timestamp, r.Tag = rec.Key, rec.Value, rec.Headers, wall, rec.Tag
	r.TTL, r.Call = rec.TTL, call
	switch {
	case rec.Hold != nil:
		return topic.AppendOnHold(rec.Hold, &r, kind, partition, now, tight)
	case tight:
		return topic.AppendTight(&r, kind, partition, now)
	}
	return topic.Append(&r, kind, partition, now)
}

// topic returns where rec waits.
func (p *Producer) topic(s *setup, rec *Record) (*buffer.Topic, error) {
	var t *buffer.Topic
	switch {
	case rec.Priority == routing.Unset:
		t = s.ruled.Get(rec.Topic)
	case rec.Priority.Valid() && s.lanes[rec.Priority] != nil:
		t = s.lanes[rec.Priority].Buffer.Find(rec.Topic)
	}
	if t == nil || rec.Partition == negative || rec.badTTL() {
		return p.newTopic(s, rec)
	}
	return t, nil
}

// newTopic checks what need not be checked for every record, and makes the topic of rec.
func (p *Producer) newTopic(s *setup, rec *Record) (*buffer.Topic, error) {
	if hint := rec.mistake(); hint != "" {
		return nil, p.refuse(rec, ErrInvalidRecord, hint)
	}
	priority := s.priorityOf(rec)
	if !priority.Valid() || s.lanes[priority] == nil {
		return nil, p.refuse(rec, ErrNoRoute, "")
	}
	t, err := p.makeTable(s.lanes[priority], strings.Clone(rec.Topic))
	if err != nil {
		if errors.Is(err, buffer.ErrFull) {
			p.refused[refusedNoTable].Add(1)
			p.evict.lack(s.lanes[priority], ErrBufferFull.Error())
		}
		return nil, p.refuse(rec, err, "")
	}
	if rec.Priority == routing.Unset {
		s.ruled.Put(t)
	}
	return t, nil
}

func (s *setup) priorityOf(rec *Record) routing.Priority {
	if rec.Priority == routing.Unset {
		return s.rules.Priority(rec.Topic)
	}
	return rec.Priority
}

func (s *setup) isClosed(priority routing.Priority) bool {
	for q, l := range s.lanes {
		if l != nil && (priority == routing.Unset || int(priority) == q) && l.Buffer.Closed() {
			return true
		}
	}
	return false
}

// refuse counts a refusal and returns what Send returns for it.
func (p *Producer) refuse(rec *Record, err error, hint string) error {
	cfg := &p.setup.Load().cfg
	e := &SendError{Topic: rec.Topic, Priority: p.setup.Load().priorityOf(rec), Hint: hint,
		Err: err}
	count := refusals
	switch {
	case errors.Is(err, ErrIntercepted):
		count = refusedIntercepted
	case errors.Is(err, buffer.ErrFull):
		e.Err, e.Limit = ErrBufferFull, cfg.Buffer.MaxBytes
		switch {
		case errors.Is(err, buffer.ErrCeiling):
			e.Limit = p.budget.Ceiling(classOf(e.Priority))
			e.Hint = "the priority holds as much as its ceiling_share allows"
		case errors.Is(err, buffer.ErrOverShare):
			e.Limit = 0
			e.Hint = "the topic holds more than its max_share, or more than half of what its " +
				"priority may hold while others want room"
		case errors.Is(err, buffer.ErrOnHold):
			e.Limit = 0
			e.Hint = "records that are kept back take a quarter of buffer.max_bytes; this one " +
				"waits for " + rec.Hold.String()
		}
	case errors.Is(err, ErrRecordTooLarge):
		r := buffer.Record{Key: rec.Key, Value: rec.Value, Headers: rec.Headers}
		e.Limit, e.Size = int64(cfg.Batching.MaxRecordBytes), int64(r.FramedSize())
		count = refusedTooLarge
	case errors.Is(err, buffer.ErrTooManyTopics):
		e.Err, e.Limit = ErrTooManyTopics, int64(cfg.Buffer.MaxTopics)
		count = refusedTooManyTopics
	case errors.Is(err, buffer.ErrClosed):
		e.Err = ErrClosed
		count = refusedClosed
	case errors.Is(err, ErrNoRoute):
		count = refusedNoRoute
	case errors.Is(err, ErrInvalidRecord):
		count = refusedInvalid
	}
	if count < refusals {
		p.refused[count].Add(1)
	}
	return e
}
