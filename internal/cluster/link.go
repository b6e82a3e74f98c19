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
	// AttemptTimeout is the default of Request.Patience.
	AttemptTimeout = 5 * time.Second
	// brokerTimeout is how long a broker waits for its followers. It is below AttemptTimeout, so
	// that a healthy broker reports late followers instead of staying silent.
	brokerTimeout = 3 * time.Second
	// kgoTimeout is far above AttemptTimeout: we decide when a connection is given up, not kgo.
	kgoTimeout = 60 * time.Second
)

// Fate is what is known about an attempt.
type Fate uint8

// The fates.
const (
	NotSent    Fate = iota // nothing of it was written
	Unresolved             // it was or may have been written, and was not answered
	Answered               // Code has the broker's answer
)

// Answer is the result of an attempt.
type Answer struct {
	Fate   Fate
	Code   int16  // Kafka's error code, if it was answered
	Offset int64  // of the first record; -1: not known
	Leader int32  // the leader that the broker named; -1: none
	Bad    []int  // indexes of the records that the broker found invalid
	Text   string // the broker's words
	Err    error  // why there is no answer
}

// Streams is how many batches a link can have in flight to one partition, each in a stream with its
// own sequence.
const Streams = 10

// Way is the connection that a request takes to a broker.
type Way uint8

// The ways. Two requests on the same connection are answered one after the other.
const (
	Common  Way = iota // that of all links of the cluster
	Own                // that of the link
	Aside              // another one of the link, for requests that would delay others
	further            // the first of those beside Own
)

const (
	// Widest is how many connections a link has to one broker at most, but for Common and Aside.
	Widest = 8
	// Ways is how many ways there are.
	Ways = int(further) + Widest - 1
)

// Nth returns the n-th of Widest ways, from 0 on, which is Own.
func Nth(n int) Way {
	if n == 0 {
		return Own
	}
	return further + Way(n-1)
}

// Link is the way of one lane to a cluster. It has connections of its own to the brokers, for when
// the common ones would have it wait behind another lane's requests. It has its own producer IDs,
// so that no lane waits for another's batch in flight.
type Link struct {
	c    *Cluster
	more func() // called when Renew may succeed that failed before

	asking sync.WaitGroup // those of askMemory

	mu  sync.Mutex    // guards what follows
	own [Ways]*client // nil until the first request; that of Common is the cluster's
	ids []*identity   // by number, as far as any was used
}

// NewLink returns a link. Progress is called, on any goroutine, after each answer to a request for
// a producer ID: Renew may succeed then. NewLink does no I/O.
func (c *Cluster) NewLink(progress func()) *Link {
	c.users.Add(1)
	return &Link{c: c, more: progress}
}

// identity returns the n-th producer ID, from 0 on.
func (l *Link) identity(n int) *identity {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.ids) <= n {
		l.ids = append(l.ids, newIdentity(l.c, l.more))
	}
	return l.ids[n]
}

func (l *Link) identities() []*identity {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.ids)
}

// client returns the client for a request.
func (l *Link) client(way Way) (*client, error) {
	if way == Common {
		return l.c.common, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.own[way] != nil {
		return l.own[way], nil
	}
	var err error
	l.own[way], err = l.c.cfg.newProduceClient(l.c.origin, &l.c.connections)
	return l.own[way], err
}

// newProduceClient returns a client for produce requests.
func (cfg *Config) newProduceClient(o *origin, counts *connections) (*client, error) {
	return newClient(cfg, o, counts, nil, kgo.RequestTimeoutOverhead(kgoTimeout),
		kgo.RetryTimeout(askTimeout))
}

// Renew returns a new sequence of the n-th producer ID for one partition. No earlier call has
// returned the same: earlier attempts of that ID on the partition that are not appended yet will
// fail. Renew returns false while there is no producer ID yet. Streams that write to one partition
// at the same time must use different n.
func (l *Link) Renew(n int, topic string, partition int32) (Sequence, bool) {
	return l.identity(n).renew(topic, partition)
}

// Available reports whether Renew would return a sequence.
func (l *Link) Available(n int) bool { return l.identity(n).available() }

// Forget frees what the producer IDs of the link remember of a topic. It may be called at any time.
func (l *Link) Forget(topic string) {
	for _, i := range l.identities() {
		i.forget(topic)
	}
}

// Current reports whether s may go on: it belongs to the producer ID in use, or has no ID because
// the cluster grants none.
func (l *Link) Current(n int, s Sequence) bool { return l.identity(n).current(s.ID) }

// Drop gives up the producer ID of s, which a broker has rejected.
func (l *Link) Drop(n int, s Sequence) { l.identity(n).drop(s.ID) }

// Refuse has batches go without sequences until the cluster grants a producer ID again. Call it
// when the cluster does not let us use that of s.
func (l *Link) Refuse(n int, s Sequence, err error) { l.identity(n).refuse(s.ID, err) }

// Refusal returns why batches are not numbered, nil if they are.
func (l *Link) Refusal() error { return l.identity(0).refusal() }

// Unidentified returns why the last request for a producer ID failed, nil if none did.
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

// The values of Request.Acks: who must have the batches before the broker answers.
const (
	AllAcks    = -1 // all in-sync replicas
	LeaderAcks = 1  // the leader alone
)

// Prepare makes one produce request of attempts, with AllAcks. Attempts of the same topic must be
// adjacent. Once it returns, Revoke may be called on each.
func (l *Link) Prepare(attempts []*Attempt) *Request {
	req := &Request{ProduceRequest: kmsg.NewProduceRequest(), Patience: AttemptTimeout,
		attempts: attempts}
	req.TimeoutMillis = int32(brokerTimeout.Milliseconds())
	req.Acks = AllAcks
	for _, a := range attempts {
		a.req = req
	}
	return req
}

// Produce sends req to node and waits for the answer for req.Patience at most. It fills in the
// Answer of each attempt, and returns the broker's throttle time, or why there is no answer. If ctx
// or the patience ends first, the connection is closed, with everything in flight on it.
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

// HangUp closes all connections to node, with everything in flight there. Call it when another
// broker answers on them. The next dial looks the name up again.
func (l *Link) HangUp(node int32) {
	addr := l.c.View().Brokers[node].Addr
	l.mu.Lock()
	own := l.own
	l.mu.Unlock()
	for _, cl := range append(own[:], l.c.common, l.c.control, l.c.helper) {
		if cl != nil {
			cl.dials.hangUp(addr, true)
		}
	}
}

func (l *Link) request(ctx context.Context, node int32, req *Request) (*kmsg.ProduceResponse,
	error) {
	cl, err := l.client(req.Way)
	if err != nil {
		return nil, err
	}
	cl.dials.outbox.add(req)
	defer cl.dials.outbox.remove(req)
	resp, err := cl.ask(ctx, node, l.c.View().Brokers[node].Addr, req)
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

// read fills in the Answer of each attempt.
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
			a.Fate, a.Code = Answered, kerr.UnsupportedCompressionType.Code
			a.Text = "the broker is older than Kafka 2.1, which brought zstd"
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

// maxText bounds a broker's error message, in bytes: reports keep it outside of the budget.
const maxText = 512

func clip(words string) string {
	if len(words) <= maxText {
		return words
	}
	return strings.Clone(words[:maxText]) + "..." // a slice would keep the whole string
}

// Close ends the connections of the link. Call it after every Produce has returned, and after the
// cluster was closed.
func (l *Link) Close() {
	for _, i := range l.identities() {
		i.wg.Wait()
	}
	l.asking.Wait()
	for _, cl := range l.own {
		if cl != nil {
			cl.close()
		}
	}
	l.c.release()
}
