package audit

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/forebay-go/forebay/producer"
)

// rig is an embedded Kafka with a topic to audit.
type rig struct {
	t       *testing.T
	kafka   *kfake.Cluster
	brokers []string
}

func newRig(t *testing.T) *rig {
	c, err := kfake.NewCluster(kfake.NumBrokers(2), kfake.SeedTopics(6, "views"),
		kfake.SeedTopics(3, StatementTopic))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return &rig{t, c, c.ListenAddrs()}
}

func (r *rig) producer(opts ...producer.Option) *producer.Producer {
	p, err := producer.New(producer.Config{Clusters: map[string]producer.ClusterConfig{
		"kafka": {Brokers: r.brokers}}}, opts...)
	require.NoError(r.t, err)
	r.t.Cleanup(func() { _, _ = p.Close(r.soon()) })
	return p
}

// soon returns a context that bounds a test.
func (r *rig) soon() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	r.t.Cleanup(cancel)
	return ctx
}

// audited returns a producer and its source.
func (r *rig) audited(instance string) (*producer.Producer, *Source) {
	s, err := NewSource(SourceConfig{Instance: instance, Interval: leastInterval, Ordered: true})
	require.NoError(r.t, err)
	p := r.producer(producer.WithObserver(s))
	s.Start(p)
	return p, s
}

// finish has a source state all that it knows.
func (r *rig) finish(p *producer.Producer, s *Source) {
	require.NoError(r.t, p.Flush(r.soon()))
	require.NoError(r.t, s.Close(r.soon()))
}

func (r *rig) follow() *Follower {
	f, err := Follow(StatementTopic, nil, kgo.SeedBrokers(r.brokers...))
	require.NoError(r.t, err)
	r.t.Cleanup(f.Close)
	return f
}

func (r *rig) reader(f *Follower, p *producer.Producer, opts ...ReaderOption) *Reader {
	reader, err := NewReader(ReaderConfig{Topics: []string{"views"}, Interval: leastInterval}, f, p,
		nil, []kgo.Opt{kgo.SeedBrokers(r.brokers...)}, opts...)
	require.NoError(r.t, err)
	return reader
}

// eventually waits until the account is as it should be.
func (r *rig) eventually(f *Follower, ok func(*Report) bool) *Report {
	deadline := time.Now().Add(90 * time.Second)
	for {
		rep := f.Ledger().Report(time.Now())
		if ok(rep) {
			return rep
		}
		if time.Now().After(deadline) {
			require.FailNow(r.t, "not in time", "%+v\n%+v", rep.Total, rep.Partitions)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func TestReader_AccountsForEachRecord(t *testing.T) {
	r := newRig(t)
	p, s := r.audited("shop-1")
	f := r.follow()
	reader := r.reader(f, r.producer())
	const n = 5000
	for i := range n {
		rec := producer.Record{Topic: "views", Value: fmt.Append(nil, i)}
		if i%2 == 0 {
			rec.Key = fmt.Append(nil, i%7)
		}
		require.NoError(t, p.Send(rec))
	}
	require.ErrorIs(t, p.Send(producer.Record{Topic: "views", TTL: 1}), producer.ErrInvalidRecord)
	r.finish(p, s)
	rep := r.eventually(f, func(rep *Report) bool {
		return rep.Total.Seen == n && rep.Total.Waiting == 0 && rep.Total.Unsettled == 0
	})
	require.Equal(t, uint64(n+1), rep.Total.Numbered)
	require.Equal(t, uint64(n), rep.Total.Delivered)
	require.Equal(t, uint64(1), rep.Total.Refused)
	require.False(t, rep.Total.Faulty())
	require.Equal(t, 1.0, rep.Total.Completeness())
	for _, row := range rep.Rows {
		require.Equal(t, "shop-1", row.Instance)
		require.True(t, row.Closed)
	}
	require.NoError(t, reader.Close(r.soon()))
	require.NoError(t, reader.Close(r.soon()), "a second call does nothing")
	rep = r.eventually(f, func(rep *Report) bool { return rep.Readers[0].Ended && rep.Sources[0].Ended })
	require.False(t, rep.Readers[0].Silent)
}

// Readers come and go while records flow. Each partition is read by several of them, and no record
// is counted twice or not at all.
func TestReader_OthersTakeUpWhereItEnds(t *testing.T) {
	r := newRig(t)
	p, s := r.audited("shop-1")
	f := r.follow()
	var reads atomic.Int64
	count := OnRecord(func(*kgo.Record, *Header) { reads.Add(1) })
	statements := r.producer()
	readers := []*Reader{r.reader(f, statements, count)}
	const n = 3000
	for i := range n {
		require.NoError(t, p.Send(producer.Record{Topic: "views", Key: fmt.Append(nil, i%50)}))
		switch i {
		case 500, 1000:
			require.NoError(t, p.Flush(r.soon()))
			readers = append(readers, r.reader(f, statements, count))
		case 1500:
			require.NoError(t, p.Flush(r.soon()))
			readers[0].cancel() // it dies: nobody hears of it
			<-readers[0].done
			readers[0].client.CloseAllowingRebalance()
		case 2000:
			require.NoError(t, readers[1].Close(r.soon()))
		}
	}
	r.finish(p, s)
	rep := r.eventually(f, func(rep *Report) bool {
		return rep.Total.Seen == n && rep.Total.Waiting == 0 && rep.Total.Unsettled == 0
	})
	require.False(t, rep.Total.Faulty(), "%+v", rep.Total)
	require.Zero(t, rep.Total.Copies)
	require.NoError(t, readers[2].Close(r.soon()))

	again := r.follow() // a ledger that begins now comes to the same
	require.NoError(t, again.CatchUp(r.soon()))
	again.Ledger().Judge(time.Now(), true)
	total := again.Ledger().Report(time.Now()).Total
	require.Equal(t, rep.Total, total)
}

// A partition without a leader has no end that anybody can tell. That is no reason to read it anew.
func TestReader_APartitionWithoutALeaderDoesNotBeginAnew(t *testing.T) {
	r := newRig(t)
	p, s := r.audited("shop-1")
	f := r.follow()
	statements := r.producer()
	reader := r.reader(f, statements)
	const n = 600
	for i := range n {
		require.NoError(t, p.Send(producer.Record{Topic: "views", Key: fmt.Append(nil, i)}))
	}
	r.finish(p, s)
	r.eventually(f, func(rep *Report) bool { return rep.Total.Seen == n })
	require.NoError(t, reader.Close(r.soon()))
	asked := r.leaderless("views", 6, func(*kmsg.ListOffsetsRequest) {})
	reader = r.reader(f, statements)
	r.eventually(f, func(rep *Report) bool { return len(rep.Readers) == 2 && asked.Load() > 6 })
	require.Eventually(t, func() bool {
		reader.mu.Lock()
		defer reader.mu.Unlock()
		return len(reader.partitions) == 6
	}, time.Minute, 10*time.Millisecond)
	time.Sleep(time.Second)
	require.NoError(t, reader.Close(r.soon()))
	rep := f.Ledger().Report(time.Now())
	require.False(t, rep.Total.Faulty(), "%+v", rep.Total)
	all, _ := reader.Records()
	require.Zero(t, all, "all was read before")
}

// leaderless has the partitions of a topic be without a leader, the first times that somebody asks
// where they begin or end. It calls each with what is asked, before it is answered.
func (r *rig) leaderless(topic string, times int64,
	each func(*kmsg.ListOffsetsRequest)) (asked *atomic.Int64) {
	asked = new(atomic.Int64)
	r.kafka.ControlKey(int16(kmsg.ListOffsets), func(req kmsg.Request) (kmsg.Response, error, bool) {
		ask := req.(*kmsg.ListOffsetsRequest)
		if len(ask.Topics) != 1 || ask.Topics[0].Topic != topic || asked.Add(1) > times {
			return nil, nil, false
		}
		each(ask)
		r.kafka.KeepControl()
		answer := ask.ResponseKind().(*kmsg.ListOffsetsResponse)
		of := kmsg.NewListOffsetsResponseTopic()
		of.Topic = topic
		for _, p := range ask.Topics[0].Partitions {
			partition := kmsg.NewListOffsetsResponseTopicPartition()
			partition.Partition, partition.ErrorCode = p.Partition, kerr.LeaderNotAvailable.Code
			of.Partitions = append(of.Partitions, partition)
		}
		answer.Topics = append(answer.Topics, of)
		return answer, nil, true
	})
	return asked
}

// What was stated into a partition that has no leader just now is not left out.
func TestFollower_WaitsForAPartitionWithoutALeader(t *testing.T) {
	r := newRig(t)
	p, s := r.audited("shop-1")
	for range 10 {
		require.NoError(t, p.Send(producer.Record{Topic: "views"}))
	}
	r.finish(p, s)
	ctx, cancel := context.WithCancel(r.soon())
	defer cancel()
	var ends atomic.Int64
	r.leaderless(StatementTopic, 1<<40, func(ask *kmsg.ListOffsetsRequest) {
		if ask.Topics[0].Partitions[0].Timestamp == -1 && ends.Add(1) > 2 {
			cancel() // both brokers have answered, and this answer comes too late
		}
	})
	f := r.follow()
	require.ErrorIs(t, f.CatchUp(ctx), kerr.LeaderNotAvailable)
}

// A topic is deleted and made again while it is read. Its records have offsets that were passed
// before, and none of them is called lost.
func TestReader_ReadsATopicThatIsMadeAgain(t *testing.T) {
	r := newRig(t)
	p, s := r.audited("shop-1")
	f := r.follow()
	reader := r.reader(f, r.producer())
	const n = 600
	send := func() {
		for i := range n {
			require.NoError(t, p.Send(producer.Record{Topic: "views", Key: fmt.Append(nil, i)}))
		}
		require.NoError(t, p.Flush(r.soon()))
	}
	send()
	r.eventually(f, func(rep *Report) bool { return rep.Total.Seen == n })
	client, err := kgo.NewClient(kgo.SeedBrokers(r.brokers...))
	require.NoError(t, err)
	defer client.Close()
	admin := kadm.NewClient(client)
	_, err = admin.DeleteTopic(r.soon(), "views")
	require.NoError(t, err)
	_, err = admin.CreateTopic(r.soon(), 6, 1, nil, "views")
	require.NoError(t, err)
	send()
	send()
	r.finish(p, s)
	rep := r.eventually(f, func(rep *Report) bool {
		return rep.Total.Seen == 3*n && rep.Total.Waiting == 0 && rep.Total.Unsettled == 0
	})
	require.False(t, rep.Total.Faulty(), "%+v", rep.Total)
	require.Zero(t, rep.Total.Copies)
	require.NoError(t, reader.Close(r.soon()))
}

// Of a compacted topic readers may find gaps, and these are no losses.
func TestReader_WhatCompactionDeletesIsSkipped(t *testing.T) {
	r := newRig(t)
	client, err := kgo.NewClient(kgo.SeedBrokers(r.brokers...))
	require.NoError(t, err)
	defer client.Close()
	policy := "compact"
	_, err = kadm.NewClient(client).CreateTopic(r.soon(), 1, 1, map[string]*string{
		"cleanup.policy": &policy}, "states")
	require.NoError(t, err)
	reader := r.reader(r.follow(), r.producer())
	found := reader.compacted(r.soon(), []string{"views", "states"})
	require.Equal(t, map[string]bool{"states": true}, found)
	require.NoError(t, reader.Close(r.soon()))

	s := newStory(t)
	part := &tracked{segment: s.segment("a", 0, 0), order: newOrder(), compact: true}
	s.claim(0, 5, 0)
	for _, offset := range []int64{0, 1, 4} {
		h := Header{Instance: s.source.id, Run: s.source.run, Sequence: uint64(offset), Bucket: history}
		reader.see(part, &kgo.Record{Offset: offset, Headers: []kgo.RecordHeader{{Key: HeaderKey,
			Value: h.AppendTo(nil)}}}, new(latency), time.Now())
	}
	s.add(part.segment.encode())
	c := s.judged()
	require.Zero(t, c.Lost)
	require.Equal(t, uint64(2), c.Skipped)
	require.Equal(t, uint64(3), c.Seen)
}

// A statement that was there long before the follower does not make its source alive.
func TestFollower_DoesNotTakeTheDeadForTheLiving(t *testing.T) {
	r := newRig(t)
	client, err := kgo.NewClient(kgo.SeedBrokers(r.brokers...))
	require.NoError(t, err)
	defer client.Close()
	dead := life{instance: "shop", run: 1, interval: time.Second}
	say := func(at time.Time) {
		require.NoError(t, client.ProduceSync(r.soon(), &kgo.Record{Topic: StatementTopic,
			Key: dead.key(), Value: dead.encode(), Timestamp: at}).FirstErr())
	}
	say(time.Now().Add(-time.Hour))
	f := r.follow()
	require.NoError(t, f.CatchUp(r.soon()))
	rep := f.Ledger().Report(time.Now())
	require.True(t, rep.Sources[0].Silent)
	require.Greater(t, rep.Sources[0].Quiet, 50*time.Minute)
	say(time.Now().Add(-time.Hour)) // its clock is wrong, but it lives
	r.eventually(f, func(rep *Report) bool { return !rep.Sources[0].Silent })
}

// A producer that has dropped reports will never say what became of their records. Close finds that
// out, and does not wait for them.
func TestSource_CloseDoesNotWaitForReportsThatWereDropped(t *testing.T) {
	r := newRig(t)
	s, err := NewSource(SourceConfig{Instance: "shop", Interval: leastInterval})
	require.NoError(t, err)
	release := make(chan struct{})
	p, err := producer.New(producer.Config{Reports: producer.ReportsConfig{MaxBytes: 20_000},
		Clusters: map[string]producer.ClusterConfig{"kafka": {Brokers: r.brokers}}},
		producer.WithObserver(s), producer.WithDelivery(func(producer.Report) { <-release }))
	require.NoError(t, err)
	defer func() { _, _ = p.Close(r.soon()) }()
	s.Start(p)
	const n = 300
	for i := range n {
		require.NoError(t, p.Send(producer.Record{Topic: "views", Key: fmt.Append(nil, i),
			Value: make([]byte, 1000)}))
		if i%10 == 0 {
			require.NoError(t, p.Flush(r.soon()))
		}
	}
	require.NoError(t, p.Flush(r.soon()))
	require.Positive(t, p.Stats().ReportsDropped)
	close(release)
	ctx := r.soon()
	err = s.Close(ctx)
	require.NoError(t, ctx.Err(), "it waited")
	require.ErrorIs(t, err, errNotStated)
	stats := s.Stats()
	require.Positive(t, stats.Unstated)
	require.Equal(t, uint64(n), stats.Stamped)
	require.ErrorContains(t, err, fmt.Sprintf("%d outcomes were not reported: set reports.max_bytes", stats.Unstated))
	f := r.follow()
	rep := r.eventually(f, func(rep *Report) bool { return len(rep.Sources) == 1 && rep.Sources[0].Ended })
	require.Equal(t, stats.Unstated, rep.Sources[0].Unstated)
	rep = r.eventually(f, func(rep *Report) bool { return rep.Total.Numbered == n })
	require.Equal(t, stats.Unstated, rep.Total.Unsettled)
}
