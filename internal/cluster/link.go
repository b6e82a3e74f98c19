package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// attemptTimeout is how long an answer to a produce request is waited for. It is ours: kgo's own timeouts are far
	// above it, so that a connection is given up when we say so.
	attemptTimeout = 5 * time.Second
	// brokerTimeout is how long a broker waits for its followers. It is below attemptTimeout, so that a broker that is
	// well says that they are late, instead of saying nothing.
	brokerTimeout = 3 * time.Second
	kgoTimeout    = 60 * time.Second
)

// Fate is what is known of an attempt.
type Fate uint8

// The fates.
const (
	NotSent    Fate = iota // nothing of it was written
	Unresolved             // it was written, or may have been, and there is no answer
	Answered               // Code says what the broker did
)

// Answer is what became of an attempt.
type Answer struct {
	Fate   Fate
	Code   int16  // Kafka's error code, if it was answered
	Offset int64  // of the first record; -1: not known
	Leader int32  // whom the broker named as the leader, -1: nobody
	Bad    []int  // numbers of the records that the broker found invalid
	Text   string // the broker's words
	Err    error  // why there is no answer
}

// Link is what one lane sends to a cluster through: a connection of its own to each broker, so that no lane waits behind
// another's requests, and a producer ID of its own, so that none waits for another's batch in flight.
type Link struct {
	c        *Cluster
	cl       *kgo.Client
	identity *identity

	learning chan struct{} // one slot; holds a token while kgo's table is brought up to date
	layout   uint64        // of the view that kgo's table of brokers is at least as new as; belongs to who holds the token
}

// NewLink returns a link. Progress is called, on any goroutine, when Renew can say more than before. It does no I/O.
func (c *Cluster) NewLink(progress func()) (*Link, error) {
	cl, err := kgo.NewClient(c.cfg.options(
		kgo.RequestTimeoutOverhead(kgoTimeout),
		kgo.RetryTimeout(askTimeout),
	)...)
	if err != nil {
		return nil, err
	}
	return &Link{c: c, cl: cl, identity: newIdentity(c, progress), learning: make(chan struct{}, 1)}, nil
}

// Renew returns the beginning of a new numbering for one partition, in place of before: every earlier attempt there that
// has not been appended yet will fail. It returns false while the producer ID that it takes has to be waited for.
func (l *Link) Renew(before Sequence) (Sequence, bool) { return l.identity.renew(before) }

// Forget must be called when Sequences are forgotten whose partitions may be written to again.
func (l *Link) Forget() { l.identity.forget() }

// Current reports whether s may go on: it belongs to the producer ID in use, or there is none to be had.
func (l *Link) Current(s Sequence) bool { return l.identity.current(s.ID) }

// Drop gives up the producer ID of s, which a broker does not take any more.
func (l *Link) Drop(s Sequence) { l.identity.drop(s.ID) }

// Prepare makes one produce request of attempts; those of the same topic must stand together. From then on Revoke may be
// called on each.
func (l *Link) Prepare(attempts []*Attempt) *Request {
	req := &Request{ProduceRequest: kmsg.NewProduceRequest(), attempts: attempts}
	req.TimeoutMillis = int32(brokerTimeout.Milliseconds())
	req.Acks = 1
	if l.c.cfg.AcksAll {
		req.Acks = -1
	}
	for _, a := range attempts {
		a.req = req
	}
	return req
}

// Produce sends req to node and waits for the answer, at most five seconds. It fills in the Answer of each attempt, and
// returns how long the broker wants to be left alone, or why it did not answer. Cancelling ctx, or the five seconds, gives
// up the connection, and with it everything in flight on it.
func (l *Link) Produce(ctx context.Context, node int32, req *Request) (throttle time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	resp, err := l.request(ctx, node, req)
	fate := NotSent
	if req.close() {
		fate = Unresolved
	}
	for _, a := range req.attempts {
		a.Answer = Answer{Fate: fate, Offset: -1, Leader: -1, Err: err}
	}
	if err != nil {
		return 0, err
	}
	read(resp, req.attempts)
	return time.Duration(resp.ThrottleMillis) * time.Millisecond, nil
}

func (l *Link) request(ctx context.Context, node int32, req *Request) (*kmsg.ProduceResponse, error) {
	if err := l.follow(ctx); err != nil {
		return nil, err
	}
	resp, err := l.cl.Broker(int(node)).Request(ctx, req)
	if err != nil {
		return nil, err
	}
	produced, ok := resp.(*kmsg.ProduceResponse)
	if !ok || produced.Version < 3 {
		return nil, fmt.Errorf("broker %d is older than Kafka 0.11 and has no record batches", node)
	}
	return produced, nil
}

// follow makes kgo's table of brokers as new as the view, which another client of kgo's learnt.
func (l *Link) follow(ctx context.Context) error {
	layout := l.c.View().layout
	select {
	case l.learning <- struct{}{}:
		defer func() { <-l.learning }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if l.layout == layout {
		return nil
	}
	if err := updateBrokers(ctx, l.cl); err != nil {
		return fmt.Errorf("learn the brokers: %w", err)
	}
	l.layout = layout
	return nil
}

var errNotMentioned = errors.New("the answer does not mention the partition")

// read gives each attempt its part of the answer.
func read(resp *kmsg.ProduceResponse, attempts []*Attempt) {
	type place struct {
		topic     string
		partition int32
	}
	answers := make(map[place]*kmsg.ProduceResponseTopicPartition, len(attempts))
	for i := range resp.Topics {
		t := &resp.Topics[i]
		for j := range t.Partitions {
			answers[place{t.Topic, t.Partitions[j].Partition}] = &t.Partitions[j]
		}
	}
	for _, a := range attempts {
		p := answers[place{a.Topic, a.Partition}]
		if p == nil {
			a.Err = errNotMentioned
			continue
		}
		a.Fate, a.Code, a.Offset = Answered, p.ErrorCode, p.BaseOffset
		if resp.Version >= 10 {
			a.Leader = p.CurrentLeader.LeaderID
		}
		if p.ErrorMessage != nil {
			a.Text = *p.ErrorMessage
		}
		for _, bad := range p.ErrorRecords {
			a.Bad = append(a.Bad, int(bad.RelativeOffset))
		}
	}
}

// Close ends the connections of the link. Call it after every Produce has returned, and after the cluster was closed.
func (l *Link) Close() {
	l.identity.wg.Wait()
	l.cl.Close()
}
