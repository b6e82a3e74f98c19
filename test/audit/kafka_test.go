//go:build unix

package audit_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/audit"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
	"github.com/forebay-go/forebay/test/kafkatest"
)

const interval = 200 * time.Millisecond

// stage is a Kafka with a topic to audit and a topic for statements, which no other test uses.
type stage struct {
	*kafkatest.Cluster
	topic, statements string
}

func newStage(t *testing.T, c *kafkatest.Cluster) *stage {
	s := &stage{c, kafkatest.TopicName(t), kafkatest.TopicName(t)}
	s.CreateTopic(t, s.topic, 6)
	_, err := audit.CreateStatementTopic(soon(t), s.statements, 3, -1, kgo.SeedBrokers(c.Seeds()...))
	require.NoError(t, err)
	return s
}

// soon returns a context that bounds what must happen.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func (s *stage) settings() producer.Config {
	return producer.Config{Clusters: map[string]producer.ClusterConfig{"kafka": {Brokers: s.Seeds()}}}
}

func (s *stage) options() []kgo.Opt { return []kgo.Opt{kgo.SeedBrokers(s.Seeds()...)} }

// producer returns a producer whose records source, or what is around it, makes audited ones.
func (s *stage) producer(t *testing.T, source *audit.Source, around producer.Observer) *producer.Producer {
	p, err := producer.New(s.settings(), producer.WithObserver(around))
	require.NoError(t, err)
	t.Cleanup(func() { _, _ = p.Close(soon(t)) })
	source.Start(p)
	return p
}

func (s *stage) source(t *testing.T, instance string) *audit.Source {
	source, err := audit.NewSource(audit.SourceConfig{Instance: instance, Interval: interval,
		StatementTopic: s.statements, Ordered: true})
	require.NoError(t, err)
	return source
}

func (s *stage) follow(t *testing.T) *audit.Follower {
	f, err := audit.Follow(s.statements, nil, s.options()...)
	require.NoError(t, err)
	t.Cleanup(f.Close)
	return f
}

func (s *stage) reader(t *testing.T, f *audit.Follower, opts ...audit.ReaderOption) *audit.Reader {
	p, err := producer.New(s.settings())
	require.NoError(t, err)
	r, err := audit.NewReader(audit.ReaderConfig{Topics: []string{s.topic}, Group: s.topic,
		StatementTopic: s.statements, Interval: interval}, f, p, nil, s.options(), opts...)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, r.Close(soon(t)))
		_, err := p.Close(soon(t))
		require.NoError(t, err)
	})
	return r
}

// until waits for a report that is as it should be.
func until(t *testing.T, f *audit.Follower, ok func(*audit.Report) bool) *audit.Report {
	t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for {
		r := f.Ledger().Report(time.Now())
		if ok(r) {
			return r
		}
		if time.Now().After(deadline) {
			require.FailNow(t, "not in time", "%+v\n%+v\n%+v", r.Total, r.Partitions, r.Readers)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// decided reports whether nothing of a report is open.
func decided(r *audit.Report) bool { return r.Total.Numbered > 0 && r.Open() == 0 && !anyLive(r) }

func anyLive(r *audit.Report) bool {
	for i := range r.Rows {
		if r.Rows[i].Live {
			return true
		}
	}
	return false
}

// taker is an observer that takes some records away: something without a header stands in their
// place.
type taker struct {
	*audit.Source
	topic string
	sent  atomic.Uint64
	take  uint64 // which one
}

func (k *taker) Sending(out *producer.Outgoing) {
	k.Source.Sending(out)
	if out.Topic == k.topic && k.sent.Add(1) == k.take {
		out.Headers = nil
	}
}

// One record that is taken away and one that is put there again are found, and nothing else.
func TestKafka_F21_TheAuditFindsExactlyWhatWasDone(t *testing.T) {
	t.Parallel()
	s := newStage(t, kafkatest.Shared(t))
	source := s.source(t, "shop")
	p := s.producer(t, source, &taker{Source: source, topic: s.topic, take: 30_001})
	f := s.follow(t)
	reader := s.reader(t, f)
	const n = 100_000
	for i := range n {
		rec := producer.Record{Topic: s.topic, Value: fmt.Append(nil, i)}
		if i%2 == 0 {
			rec.Key = fmt.Append(nil, i%100)
		}
		require.NoError(t, p.Send(rec))
	}
	require.NoError(t, source.Close(soon(t)))
	copied := s.Read(t, s.topic)[4711]
	client, err := kgo.NewClient(s.options()...)
	require.NoError(t, err)
	defer client.Close()
	require.NoError(t, client.ProduceSync(soon(t), &kgo.Record{Topic: s.topic, Value: copied.Value,
		Headers: copied.Headers}).FirstErr())

	r := until(t, f, func(r *audit.Report) bool { return decided(r) && r.Total.Lost+r.Total.Unexplained >= 2 })
	require.Equal(t, audit.Faulty, r.Verdict())
	require.Equal(t, uint64(1), r.Total.Lost)
	require.Equal(t, uint64(1), r.Total.Unexplained)
	require.Equal(t, uint64(n), r.Total.Numbered)
	require.Equal(t, uint64(n), r.Total.Delivered)
	require.Equal(t, uint64(n-1), r.Total.Seen)
	require.Zero(t, r.Total.OutOfOrder+r.Total.Contradicted)
	h, err := audit.ParseHeader(copied.Headers[0].Value)
	require.NoError(t, err)
	var examples []uint64
	for _, row := range r.Rows {
		examples = append(examples, row.Examples...)
	}
	require.ElementsMatch(t, []uint64{30_000, h.Sequence}, examples)
	all, audited := reader.Records()
	require.Equal(t, uint64(n+1), all)
	require.Equal(t, uint64(n), audited)
}

// What retention deletes before a reader comes is no loss.
func TestKafka_F21_WhatRetentionHasDeletedIsNotCalledLost(t *testing.T) {
	t.Parallel()
	s := newStage(t, kafkatest.Shared(t))
	source := s.source(t, "shop")
	p := s.producer(t, source, source)
	const n = 20_000
	for i := range n {
		require.NoError(t, p.Send(producer.Record{Topic: s.topic, Key: fmt.Append(nil, i)}))
	}
	require.NoError(t, source.Close(soon(t)))
	gone := s.deleteRecords(t, s.Admin(t), 1, 0.3)
	require.Positive(t, gone)
	f := s.follow(t)
	s.reader(t, f)
	r := until(t, f, decided)
	require.Equal(t, uint64(gone), r.Total.Skipped)
	require.Equal(t, uint64(n)-uint64(gone), r.Total.Seen)
	require.False(t, r.Total.Faulty(), "%+v", r.Total)
	require.Equal(t, audit.Inconclusive, r.Verdict())
}

// deleteRecords deletes what is in every other partition, as far as share says, and returns how many
// records have gone.
func (s *stage) deleteRecords(t *testing.T, admin *kadm.Client, parity int32, share float64) (gone int64) {
	starts, err := admin.ListStartOffsets(soon(t), s.topic)
	require.NoError(t, err)
	ends, err := admin.ListEndOffsets(soon(t), s.topic)
	require.NoError(t, err)
	upto := make(kadm.Offsets)
	ends.Each(func(end kadm.ListedOffset) {
		start, _ := starts.Lookup(s.topic, end.Partition)
		if n := int64(float64(end.Offset-start.Offset) * share); end.Partition%2 == parity && n > 0 {
			upto.AddOffset(s.topic, end.Partition, start.Offset+n, -1)
			gone += n
		}
	})
	_, err = admin.DeleteRecords(soon(t), upto)
	require.NoError(t, err)
	return gone
}

// Retention deletes records before readers come, while they read, and after. What is gone is no
// loss, and each record that a reader has met counts as seen.
func TestKafka_F21_RetentionDeletesWhileReadersRead(t *testing.T) {
	t.Parallel()
	s := newStage(t, kafkatest.Shared(t))
	source := s.source(t, "shop")
	p := s.producer(t, source, source)
	send := s.sender(t, p)
	admin := s.Admin(t)
	const n, each = 100_000, 5_000
	for i := range each {
		send(i)
	}
	require.NoError(t, p.Flush(soon(t)))
	first := s.deleteRecords(t, admin, 0, 1)
	f := s.follow(t)
	var behind sync.Mutex // while it is held, the reader stands still
	s.reader(t, f, audit.OnRecord(func(*kgo.Record, *audit.Header) {
		behind.Lock()
		defer behind.Unlock()
	}))
	round := func(from int) {
		behind.Lock()
		defer behind.Unlock()
		for i := range each {
			send(from + i)
			if i == 0 || i == each/2 { // a client that waits fetches little ahead
				require.NoError(t, p.Flush(soon(t)))
			}
		}
		require.NoError(t, p.Flush(soon(t)))
		s.deleteRecords(t, admin, int32(from/each)%2, float64(1+from/each%3)/3)
	}
	for i := each; i < n; i += each {
		round(i)
	}
	require.NoError(t, source.Close(soon(t)))
	r := until(t, f, decided)
	require.False(t, r.Total.Faulty(), "%+v", r.Total)
	require.Equal(t, uint64(n), r.Total.Delivered)
	require.Equal(t, r.Total.Delivered, r.Total.Seen+r.Total.Skipped, "%+v", r.Total)
	require.GreaterOrEqual(t, r.Total.Skipped, uint64(first))
	require.Equal(t, audit.Inconclusive, r.Verdict())
}

// The statement topic is away. Records flow as if nobody audited them, and when it comes, each is
// accounted for.
func TestKafka_F21_TheStatementTopicIsAway(t *testing.T) {
	t.Parallel()
	c := kafkatest.Shared(t)
	s := &stage{c, kafkatest.TopicName(t), kafkatest.TopicName(t)}
	s.CreateTopic(t, s.topic, 6)
	source := s.source(t, "shop")
	p := s.producer(t, source, source)
	f := s.follow(t)
	s.reader(t, f)
	const n = 50_000
	for i := range n {
		require.NoError(t, p.Send(producer.Record{Topic: s.topic, Key: fmt.Append(nil, i%100)}))
	}
	require.Eventually(t, func() bool {
		return p.Stats().Priorities[routing.Medium].Delivered == n
	}, 2*time.Minute, 10*time.Millisecond)
	require.Zero(t, f.Ledger().Report(time.Now()).Total.Numbered)
	_, err := audit.CreateStatementTopic(soon(t), s.statements, 3, -1, s.options()...)
	require.NoError(t, err)
	require.NoError(t, source.Close(soon(t)))
	r := until(t, f, decided)
	require.Equal(t, audit.Whole, r.Verdict(), "%+v", r.Total)
	require.Equal(t, uint64(n), r.Total.Seen)
}

// A broker that hangs is named within seconds, no other one is, and it is well again when it goes
// on.
func TestKafka_F3_HeartbeatsNameTheBrokerThatHangs(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t, kafkatest.Brokers(3))
	s := &stage{Cluster: c}
	topic := kafkatest.TopicName(t)
	added, err := audit.CreateHeartbeatTopic(soon(t), topic, s.options()...)
	require.NoError(t, err)
	require.Equal(t, 3, added)
	added, err = audit.CreateHeartbeatTopic(soon(t), topic, s.options()...)
	require.NoError(t, err)
	require.Zero(t, added)
	p, err := producer.New(s.settings())
	require.NoError(t, err)
	h, err := audit.NewHeart(audit.HeartbeatConfig{Topic: topic}, p, nil, s.options()...)
	require.NoError(t, err)
	defer func() {
		h.Close()
		_, _ = p.Close(soon(t))
	}()
	state := func(b *kafkatest.Broker) audit.BrokerState {
		for _, r := range h.Brokers() {
			if r.Broker == b.NodeID() {
				return r.State
			}
		}
		return ""
	}
	allWell := func() bool {
		for _, b := range c.Brokers() {
			if state(b) != audit.Well {
				return false
			}
		}
		return true
	}
	require.Eventually(t, allWell, 2*time.Minute, 10*time.Millisecond)
	hanging := c.Broker(1)
	hanging.Pause(t)
	paused := time.Now()
	// a busy machine may not look while it is slow, which is three seconds
	require.Eventually(t, func() bool {
		return state(hanging) == audit.Slow || state(hanging) == audit.Dead
	}, time.Minute, 5*time.Millisecond)
	slow := time.Since(paused)
	require.Eventually(t, func() bool { return state(hanging) == audit.Dead }, time.Minute,
		5*time.Millisecond)
	t.Logf("slow after %v, dead after %v", slow, time.Since(paused))
	require.Eventually(t, func() bool {
		return state(c.Broker(0)) == audit.Well && state(c.Broker(2)) == audit.Well
	}, time.Minute, 5*time.Millisecond)
	require.NotEqual(t, audit.Well, state(hanging))
	hanging.Resume(t)
	require.Eventually(t, allWell, 2*time.Minute, 10*time.Millisecond)
}
