package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// AttemptTimeout is how long an answer to a produce request is waited for, if the request does
	// not say otherwise.
	AttemptTimeout = 5 * time.Second
	// brokerTimeout is how long a broker waits for its followers. It is below AttemptTimeout, so
	// that a broker that is well says that they are late, instead of saying nothing.
	brokerTimeout = 3 * time.Second
	// kgoTimeout is far above the time that an answer is waited for: a connection is given up when
	// we say so.
	kgoTimeout = 60 * time.Second
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

// Streams is how many batches a link can have in flight to one partition, each in a stream with
// numbers of its own.
const Streams = 10

// Link is what one lane sends to a cluster through: a connection of its own to each broker, so that
// no lane waits behind another's requests, and producer IDs of its own, so that none waits for
// another's batch in flight.
type Link struct {
	c    *Cluster
	main *client
	more func() // called when Renew can say more than before

	asking sync.WaitGroup // those of askMemory

	mu    sync.Mutex  // guards what follows
	aside *client     // for what would hold up others; nil until there is something
	ids   []*identity // as many as were asked for
}

// NewLink returns a link. Progress is called, on any goroutine, when Renew can say more than
// before. It does no I/O.
func (c *Cluster) NewLink(progress func()) (*Link, error) {
	main, err := linkClient(c)
	if err != nil {
		return nil, err
	}
	return &Link{c: c, main: main, more: progress}, nil
}

// identity returns a producer ID by its number, from 0 on.
func (l *Link) identity(n int) *identity {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.ids) <= n {
		l.ids = append(l.ids, newIdentity(l.c, l.main, l.more))
	}
	return l.ids[n]
}

func (l *Link) identities() []*identity {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.ids)
}

// client returns the client for a request.
func (l *Link) client(aside bool) (*client, error) {
	if !aside {
		return l.main, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.aside != nil {
		return l.aside, nil
	}
	var err error
	l.aside, err = linkClient(l.c)
	return l.aside, err
}

// linkClient returns a client for produce requests.
func linkClient(c *Cluster) (*client, error) {
	return newClient(&c.cfg, c.origin, nil, kgo.RequestTimeoutOverhead(kgoTimeout),
		kgo.RetryTimeout(askTimeout))
}

// Renew returns the beginning of a new numbering by the n-th producer ID for one partition, which
// no call has returned for it before: every earlier attempt in it that has not been appended yet
// will fail, unless the producer ID is another. It returns false while the producer ID has to be
// waited for. Whatever writes to a partition beside others takes an ID that they do not take.
func (l *Link) Renew(n int, topic string, partition int32) (Sequence, bool) {
	return l.identity(n).renew(topic, partition)
}

// Available reports whether Renew would return a numbering.
func (l *Link) Available(n int) bool { return l.identity(n).available() }

// Forget frees the memory of what the producer IDs of the link have numbered in a topic. It may be
// called at any time.
func (l *Link) Forget(topic string) {
	for _, i := range l.identities() {
		i.forget(topic)
	}
}

// Current reports whether s may go on: it belongs to the producer ID in use, or there is none to be
// had.
func (l *Link) Current(n int, s Sequence) bool { return l.identity(n).current(s.ID) }

// Drop gives up the producer ID of s, which a broker does not take any more.
func (l *Link) Drop(n int, s Sequence) { l.identity(n).drop(s.ID) }

// Refuse has batches go without numbers until the cluster grants a producer ID again: it does not
// take that of s.
func (l *Link) Refuse(n int, s Sequence, err error) { l.identity(n).refuse(s.ID, err) }

// Refusal returns why batches are not numbered, nil if they are.
func (l *Link) Refusal() error { return l.identity(0).refusal() }

// Unidentified returns why the last request for a producer ID has failed, nil if none has.
func (l *Link) Unidentified() error {
	for _, i := range l.identities() {
		i.mu.Lock()
		err := i.failed
		i.mu.Unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

// Prepare makes one produce request of attempts; those of the same topic must stand together. From
// then on Revoke may be called on each.
func (l *Link) Prepare(attempts []*Attempt) *Request {
	req := &Request{ProduceRequest: kmsg.NewProduceRequest(), Patience: AttemptTimeout,
		attempts: attempts}
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

// Produce sends req to node and waits for the answer as long as the request says. It fills in the
// Answer of each attempt, and returns how long the broker wants to be left alone, or why it did not
// answer. Cancelling ctx, or the end of that time, gives up the connection, and with it everything
// in flight on it.
func (l *Link) Produce(ctx context.Context, node int32, req *Request) (throttle time.Duration,
	err error) {
	ctx, cancel := context.WithTimeout(ctx, req.Patience)
	defer cancel()
	resp, err := l.request(ctx, node, req)
	fate := NotSent
	if written := req.close(); written && !elsewhere(err) {
		fate = Unresolved
	}
	for _, a := range req.attempts {
		a.Answer = Answer{Fate: fate, Offset: -1, Leader: -1, Err: err}
		if a.untaken {
			a.Fate = NotSent
		}
	}
	if err != nil {
		return 0, err
	}
	read(resp, req.attempts)
	l.askMemory(node)
	return time.Duration(resp.ThrottleMillis) * time.Millisecond, nil
}

// HangUp ends all connections to node, and with them what is in flight there: who answers on them
// is another broker. The next one is opened to where its name leads by then.
func (l *Link) HangUp(node int32) {
	addr := l.c.View().Brokers[node].Addr
	l.mu.Lock()
	aside := l.aside
	l.mu.Unlock()
	for _, b := range []*client{l.main, aside, l.c.control} {
		if b != nil {
			b.dials.hangUp(addr, true)
		}
	}
}

func (l *Link) request(ctx context.Context, node int32, req *Request) (*kmsg.ProduceResponse,
	error) {
	client, err := l.client(req.Aside)
	if err != nil {
		return nil, err
	}
	resp, err := client.ask(ctx, node, l.c.View().Brokers[node].Addr, req)
	if err != nil {
		return nil, err
	}
	produced, ok := resp.(*kmsg.ProduceResponse)
	if !ok || produced.Version < batchVersion {
		return nil, fmt.Errorf("broker %d is older than Kafka 0.11 and has no record batches", node)
	}
	return produced, nil
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
		if a.untaken { // as a newer broker would say
			a.Fate, a.Code, a.Text = Answered, kerr.UnsupportedCompressionType.Code, "the "+
				"broker is older than Kafka 2.1, which brought zstd"
			continue
		}
		p := answers[place{a.Topic, a.Partition}]
		if p == nil {
			a.Err = errNotMentioned
			continue
		}
		a.Fate, a.Code, a.Offset = Answered, p.ErrorCode, max(p.BaseOffset, -1)
		if resp.Version >= 10 {
			a.Leader = p.CurrentLeader.LeaderID
		}
		if p.ErrorMessage != nil {
			a.Text = clip(*p.ErrorMessage)
		}
		for _, bad := range p.ErrorRecords {
			if n := int(bad.RelativeOffset); n >= 0 && n < a.Records {
				a.Bad = append(a.Bad, n)
			}
		}
	}
}

// maxText is how much is kept of a broker's words, in bytes: reports hold them, outside of the
// budget.
const maxText = 512

func clip(words string) string {
	if len(words) <= maxText {
		return words
	}
	return strings.Clone(words[:maxText]) + "..." // a slice would keep all of it
}

// Close ends the connections of the link. Call it after every Produce has returned, and after the
// cluster was closed.
func (l *Link) Close() {
	for _, i := range l.identities() {
		i.wg.Wait()
	}
	l.asking.Wait()
	l.main.close()
	if l.aside != nil {
		l.aside.close()
	}
}
