//go:build synctests

package producer_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
	"github.com/forebay-go/forebay/test/ledger"
)

// Random faults, loads and settings; the books are checked at every step, and in the end the ledger
// checks all. A schedule that fails is made as small as it can be, printed step by step, and
// written to testdata/rapid, from where every later run of the test begins with it. The shards run
// beside each other, each as many schedules as -rapid.checks says.
func TestVirtual_SurvivesRandomSchedules(t *testing.T) {
	for _, shard := range []string{"a", "b"} {
		t.Run(shard, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(rt *rapid.T) { rapid.SyncTest(rt, runSchedule) })
		})
	}
}

// Codes that a producer has to live with.
var (
	produceCodes = []*kerr.Error{
		kerr.RequestTimedOut, kerr.NotEnoughReplicasAfterAppend, kerr.NotEnoughReplicas,
		kerr.KafkaStorageError,
		kerr.NotLeaderForPartition, kerr.LeaderNotAvailable, kerr.OutOfOrderSequenceNumber,
		kerr.UnknownProducerID,
		kerr.InvalidProducerEpoch, kerr.InvalidProducerIDMapping, kerr.UnknownTopicOrPartition,
		kerr.TopicAuthorizationFailed,
		kerr.MessageTooLarge, kerr.UnknownServerError, kerr.InvalidRecord,
		kerr.UnsupportedCompressionType,
		kerr.ThrottlingQuotaExceeded,
	}
	metadataCodes = []*kerr.Error{
		kerr.UnknownTopicOrPartition, kerr.LeaderNotAvailable, kerr.TopicAuthorizationFailed,
		kerr.UnknownServerError,
		kerr.ReplicaNotAvailable,
	}
	identityCodes = []*kerr.Error{
		kerr.ClusterAuthorizationFailed, kerr.CoordinatorLoadInProgress, kerr.UnknownServerError,
		kerr.RequestTimedOut,
	}
)

// topics are where records go. Steady and growing are there from the start, late comes at some
// time. The log of fleeting, which is deleted and made again, is gone by the operator's hand: of
// its records only the outcomes are judged, apart from the others.
var topics = []string{"steady", "growing", "late", "fleeting"}

// ttls are those that records have in place of the delivery timeout.
var ttls = []time.Duration{time.Millisecond, 50 * time.Millisecond, time.Second,
	1010 * time.Millisecond, 20 * time.Second, time.Hour}

// schedule is one run: a producer, its Kafka, and what is known of both.
type schedule struct {
	*rapid.T
	k        *embedded
	p        *producer.Producer
	cfg      producer.Config
	ledger   *ledger.Ledger
	fleeting outcomes
	lost     map[producer.Reason]uint64

	controller int32 // the broker that must stay
	port       int   // of the next broker
	faults     []*kfake.FaultHandle
	late       bool // that topic is there
	fleets     bool // so is that one
	priority   map[string]routing.Priority
	partitions map[string]int32 // that explicit ones are drawn from

	holds []*producer.Hold
	freed map[*producer.Hold]bool
	// records that were given up at the end because they were on hold
	leftOnHold uint64
}

// longPause lets as much time pass now and then as it takes for everything with a timer to run out:
// limits of batches, idle topics, what names mean, what brokers know of producers. What rapid draws
// is hashed, for it draws small numbers more often.
func longPause(t *rapid.T) bool {
	chance := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "long pause, by chance"), 0)).IntN(16000)
	if chance >= 81 {
		return false
	}
	d := []time.Duration{9 * time.Minute, 10 * time.Minute, 11 * time.Minute,
		61 * time.Minute}[chance%4]
	switch chance {
	case 79:
		d = 2 * 24 * time.Hour
	case 80:
		d = 13 * time.Hour
	}
	t.Logf("a pause of %v", d)
	time.Sleep(d)
	return true
}

// outcomes judges records without their log.
type outcomes struct {
	accepted map[uint64]bool
	reports  map[uint64]int
	books    producer.Books
}

// apart is where the tags of fleeting records begin.
const apart = 1 << 40

func runSchedule(t *rapid.T) {
	brokers := rapid.IntRange(1, 3).Draw(t, "brokers")
	s := &schedule{
		T: t, ledger: ledger.New(), controller: int32(brokers - 1), port: 20000,
		lost:     make(map[producer.Reason]uint64),
		fleeting: outcomes{accepted: make(map[uint64]bool), reports: make(map[uint64]int)},
		partitions: map[string]int32{"steady": rapid.Int32Range(1, 6).Draw(t, "steady partitions"),
			"growing": rapid.Int32Range(1, 6).Draw(t, "growing partitions")},
		priority: make(map[string]routing.Priority), freed: make(map[*producer.Hold]bool),
	}
	for _, topic := range topics {
		s.priority[topic] = rapid.SampledFrom([]routing.Priority{routing.Low, routing.Medium,
			routing.High}).Draw(t, "priority of "+topic)
	}
	s.k = newEmbedded(t, brokers, s.partitions)
	defer s.k.Close()
	s.cfg = s.config()
	p, err := producer.New(s.cfg, producer.WithDialer(s.k.link.Dial),
		producer.WithDelivery(unheld(s.report)))
	require.NoError(t, err)
	defer closeWithin(t, p, 0) // where something has failed
	s.p = p
	for range rapid.IntRange(1, 25).Draw(t, "steps") {
		s.step()
		if !longPause(t) {
			time.Sleep(time.Duration(rapid.IntRange(0, 3000).Draw(t,
				"milliseconds")) * time.Millisecond)
		}
		s.check()
	}
	s.end()
	s.judge()
}

func (s *schedule) config() producer.Config {
	timeouts := rapid.SampledFrom([]time.Duration{2 * time.Second, 10 * time.Second, time.Minute,
		time.Hour})
	moves := rapid.SampledFrom([]time.Duration{producer.Never, 100 * time.Millisecond, time.Second,
		10 * time.Second})
	return s.k.config(func(c *producer.Config) {
		c.Buffer.MaxBytes = rapid.SampledFrom([]int64{1 << 20, 4 << 20}).Draw(s.T, "buffer")
		c.Reports.MaxBytes = 16 << 20 // none is dropped, however many expire at once
		c.Batching.MaxBytes = rapid.SampledFrom([]int{1 << 10, 16 << 10, 256 << 10}).Draw(s.T,
			"batch bytes")
		c.Batching.Linger = rapid.SampledFrom([]time.Duration{producer.NoLinger,
			10 * time.Millisecond, time.Second}).Draw(s.T, "linger")
		c.Batching.Compression = rapid.SampledFrom([]string{"none", "snappy", "lz4"}).Draw(s.T,
			"compression")
		c.Batching.Acks = rapid.SampledFrom([]string{"all", "all", "all", "leader"}).Draw(s.T,
			"acks")
		for _, pc := range []*producer.PriorityConfig{&c.Priorities.Low, &c.Priorities.Medium,
			&c.Priorities.High} {
			pc.DeliveryTimeout = timeouts.Draw(s.T, "timeout")
			pc.MoveUnresolvedAfter = moves.Draw(s.T, "move")
		}
		s.change(c)
	})
}

// change draws settings of single topics, and of all, that may be changed at any time.
func (s *schedule) change(c *producer.Config) {
	c.Topics = nil
	for _, topic := range topics {
		if tc := drawTopic(s.T, topic); tc != (producer.TopicConfig{Topic: topic}) {
			c.Topics = append(c.Topics, tc)
		}
	}
}

// drawTopic draws settings of a topic, but for its priority.
func drawTopic(t *rapid.T, topic string) producer.TopicConfig {
	c := producer.TopicConfig{Topic: topic}
	if rapid.IntRange(0, 2).Draw(t, "own settings of "+topic) == 0 {
		return c
	}
	c.Linger = rapid.SampledFrom([]time.Duration{0, producer.NoLinger, 20 * time.Millisecond,
		5 * time.Second}).Draw(t, "own linger")
	c.DeliveryTimeout = rapid.SampledFrom([]time.Duration{0, time.Second, 5 * time.Second,
		10 * time.Minute}).Draw(t, "own timeout")
	c.MaxBatchBytes = rapid.SampledFrom([]int{0, 1 << 10, 3 << 10, 64 << 10}).Draw(t,
		"own batch bytes")
	c.Compression = rapid.SampledFrom([]string{"", "none", "lz4", "gzip"}).Draw(t,
		"own compression")
	c.Acks = rapid.SampledFrom([]string{"", "all", "leader"}).Draw(t, "own acks")
	return c
}

func (s *schedule) report(r producer.Report) {
	s.lost[r.Reason]++
	requireInTTL(s, r)
	if r.Outcome == producer.Shed && r.Reason == producer.ReasonSchemaUnknown {
		s.leftOnHold++
	}
	if r.Tag >= apart {
		s.fleeting.report(r)
		return
	}
	s.ledger.Report(r)
}

func (o *outcomes) report(r producer.Report) {
	o.reports[r.Tag]++
	switch r.Outcome {
	case producer.Delivered:
		o.books.Delivered++
	case producer.Shed:
		o.books.Shed++
	case producer.Expired:
		o.books.Expired++
	case producer.Rejected:
		o.books.Rejected++
	case producer.PossiblyPersisted:
		o.books.PossiblyPersisted++
	}
	if r.MaybeDuplicated {
		o.books.MaybeDuplicated++
	}
}

// steps are what can happen, the more often they are named the more often.
var steps = []string{
	"send", "send", "send", "send", "send", "send", "send", "send on hold", "release", "cut", "hole", "restore", "restore",
	"reset", "cut after writes",
	"delay", "move leader", "shuffle leaders", "add broker", "remove broker",
	"produce errors", "produce errors", "metadata errors",
	"identity errors", "grow", "create late", "delete fleeting", "create fleeting", "flush",
	"reconfigure",
}

func (s *schedule) step() {
	switch step := rapid.SampledFrom(steps).Draw(s.T, "step"); step {
	case "send":
		s.send()
	case "send on hold":
		s.sendOnHold()
	case "release":
		if len(s.holds) > 0 {
			h := s.holds[rapid.IntRange(0, len(s.holds)-1).Draw(s.T, "released hold")]
			s.freed[h] = true
			h.Release(patchAt, patch)
		}
	case "cut":
		s.k.link.Cut()
	case "hole":
		s.k.link.Hole()
	case "restore":
		s.k.link.Restore()
	case "reset":
		s.k.link.Reset()
	case "cut after writes":
		s.k.link.CutAfterWrites(rapid.Int64Range(0, 9).Draw(s.T, "cut after"))
	case "delay":
		s.k.link.Delay(time.Duration(rapid.IntRange(0, 300).Draw(s.T, "delay")) * time.Millisecond)
	case "move leader":
		topic := rapid.SampledFrom([]string{"steady", "growing"}).Draw(s.T, "moved topic")
		// it may be none
		_ = s.k.MoveTopicPartition(topic, 0, rapid.Int32Range(0, 4).Draw(s.T, "leader"))
	case "shuffle leaders":
		s.k.ShufflePartitionLeaders()
	case "add broker":
		if s.port < 20003 {
			_, _, err := s.k.AddNode(-1, s.port)
			require.NoError(s, err)
			s.port++
		}
	case "remove broker":
		if node := rapid.Int32Range(0, 4).Draw(s.T, "removed broker"); node != s.controller {
			_ = s.k.RemoveNode(node) // it may not be there
		}
	case "reconfigure":
		s.change(&s.cfg)
		require.NoError(s, s.p.Reconfigure(s.cfg))
	case "flush":
		ctx, cancel := context.WithTimeout(context.Background(),
			time.Duration(rapid.IntRange(0, 2000).Draw(s.T, "flush for"))*time.Millisecond)
		defer cancel()
		_ = s.p.Flush(ctx)
	default:
		s.disturb(step)
	}
}

// disturb changes topics, or has Kafka answer with errors for a while.
func (s *schedule) disturb(step string) {
	switch step {
	case "produce errors":
		s.fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce},
			Topic: rapid.SampledFrom(topics).Draw(s.T, "faulty topic")}, produceCodes)
	case "metadata errors":
		s.fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata},
			Topic: rapid.SampledFrom(topics).Draw(s.T, "faulty topic")}, metadataCodes)
	case "identity errors":
		s.fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}}, identityCodes)
	case "grow":
		s.grow(rapid.Int32Range(1, 3).Draw(s.T, "more partitions"))
	case "create late":
		s.createLate()
	case "delete fleeting":
		if s.fleets {
			s.fleets = false
			require.NoError(s, s.k.DeleteTopic("fleeting"))
		}
	case "create fleeting":
		s.createFleeting(rapid.Int32Range(1, 4).Draw(s.T, "fleeting partitions"))
	default:
		s.Fatalf("nobody knows how to %s", step)
	}
}

func (s *schedule) fault(f kfake.Fault, codes []*kerr.Error) {
	f.Err = rapid.SampledFrom(codes).Draw(s.T, "code")
	f.Count = rapid.IntRange(1, 20).Draw(s.T, "times")
	s.faults = append(s.faults, s.k.Fault(f))
}

func (s *schedule) createLate() {
	if !s.late {
		s.late = true
		require.NoError(s, s.k.CreateTopic("late", 2, nil))
	}
}

func (s *schedule) createFleeting(partitions int32) {
	if !s.fleets {
		s.fleets = true
		require.NoError(s, s.k.CreateTopic("fleeting", partitions, nil))
	}
}

// grow adds partitions, as an operator does it who has a way of their own to the cluster.
func (s *schedule) grow(more int32) {
	cl := s.k.operator(s)
	defer cl.Close()
	req := kmsg.NewPtrCreatePartitionsRequest()
	topic := kmsg.NewCreatePartitionsRequestTopic()
	topic.Topic, topic.Count = "growing", int32(len(s.k.PartitionInfos("growing")))+more
	req.Topics = append(req.Topics, topic)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err := req.RequestWith(ctx, cl)
	require.NoError(s, err)
}

// send sends a burst whose records follow from one number, for drawing each by itself would take
// most of the time.
func (s *schedule) send() {
	n := rapid.IntRange(1, 300).Draw(s.T, "records")
	random := rand.New(rand.NewPCG(rapid.Uint64().Draw(s.T, "seed"), 0))
	among := rapid.SampledFrom([][]string{{"steady"}, {"growing"}, {"steady", "growing"},
		topics}).Draw(s.T, "among topics")
	for range n {
		rec := s.record(random, among[random.IntN(len(among))])
		if rec.Topic != "fleeting" {
			_ = s.ledger.Send(s.p, rec) // a full buffer is one of the cases
			continue
		}
		rec.Tag = apart + uint64(len(s.fleeting.accepted))
		if s.p.Send(rec) == nil {
			s.fleeting.accepted[rec.Tag] = true
			s.fleeting.books.Accepted++
		}
	}
}

// sendOnHold sends a burst of records that wait for a Hold, a new one or one that there is, which
// may be released in the middle of it. It has keys of its own: records without a Hold may pass
// them, until it is released.
func (s *schedule) sendOnHold() {
	if len(s.holds) == 0 || rapid.Bool().Draw(s.T, "new hold") {
		s.holds = append(s.holds, producer.NewHold(fmt.Sprintf("hold %d", len(s.holds))))
	}
	h := s.holds[rapid.IntRange(0, len(s.holds)-1).Draw(s.T, "hold")]
	n := rapid.IntRange(1, 300).Draw(s.T, "records")
	random := rand.New(rand.NewPCG(rapid.Uint64().Draw(s.T, "seed"), 0))
	releaseAt := random.IntN(4 * n) // most often not now
	for i := range n {
		if i == releaseAt {
			s.freed[h] = true
			h.Release(patchAt, patch)
		}
		rec := s.record(random, topics[random.IntN(3)])
		if rec.Key != nil {
			rec.Key = append([]byte(h.Name()), rec.Key...)
		}
		if s.freed[h] && random.IntN(2) == 0 {
			_ = s.ledger.Send(s.p, rec) // behind what was on hold
		} else {
			_ = sendOnHold(s.ledger, s.p, h, rec)
		}
	}
}

func (s *schedule) record(random *rand.Rand, topic string) producer.Record {
	rec := producer.Record{Topic: topic, Priority: s.priority[topic],
		Value: make([]byte, []int{0, 20, 50, 5000}[random.IntN(4)])}
	switch kind := random.IntN(8); {
	case kind < 4:
		rec.Key = fmt.Append(nil, random.IntN(6))
	case kind == 4 && s.partitions[topic] > 0:
		rec.Partition = producer.ToPartition(random.Int32N(s.partitions[topic]))
	default:
		rec.Priority = routing.All[random.IntN(len(routing.All))]
	}
	switch random.IntN(16) {
	case 0:
		rec.Timestamp = time.Now().Add(-time.Hour)
	case 1:
		rec.Timestamp = time.Now().Add(-48 * time.Hour)
	case 2:
		rec.Headers = []producer.Header{{Key: "h", Value: []byte("v")}, {Key: "null"}}
	}
	if random.IntN(3) == 0 {
		rec = withTTL(rec, ttls[random.IntN(len(ttls))])
	}
	return rec
}

// check checks what holds at every instant.
func (s *schedule) check() {
	stats := s.p.Stats()
	require.True(s, stats.Total.Balanced(), "%+v", stats.Total)
	require.LessOrEqual(s, stats.HeldBytes, stats.MaxBytes+128<<10,
		"what is dealt out anew takes a little more")
	for _, books := range stats.Priorities {
		require.True(s, books.Balanced(), "%+v", books)
	}
}

// end closes the producer: at once, whatever the trouble, or when all has its outcome.
func (s *schedule) end() {
	if rapid.IntRange(0, 3).Draw(s.T, "close at once") == 0 {
		d := time.Duration(rapid.IntRange(0, 3000).Draw(s.T, "close within")) * time.Millisecond
		begin := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), d)
		defer cancel()
		summary, err := s.p.Close(ctx)
		require.LessOrEqual(s, time.Since(begin), d)
		require.Equal(s, summary.Left > 0, errors.Is(err, producer.ErrLeft))
		synctest.Wait() // for the reports
		require.Equal(s, s.lost[producer.ReasonClosed]+s.lost[producer.ReasonUnansweredClose]+
			s.leftOnHold, summary.Left)
		return
	}
	s.createLate()
	s.createFleeting(1)
	s.k.link.CutAfterWrites(0)
	s.k.link.Restore()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Hour)
	defer cancel()
	require.NoError(s, s.p.Flush(ctx))
	summary := closeWithin(s, s.p, time.Minute)
	require.Zero(s, summary.Left)
}

func (s *schedule) judge() {
	stats := s.p.Stats()
	for _, f := range s.faults {
		f.Remove()
	}
	judged := []string{"steady", "growing"}
	if s.late {
		judged = append(judged, "late")
	}
	log := s.k.read(s, judged...)
	s.ledger.Read(log...)
	s.ordered(log)
	if problems := s.ledger.Check(s.fleeting.apartFrom(s, stats.Total)); len(problems) > 0 {
		s.Fatalf("%d problems, of %+v:\n%s", len(problems), stats.Total,
			strings.Join(problems, "\n"))
	}
	require.Zero(s, s.ledger.LongestSend())
	require.Zero(s, stats.ReportsDropped)
	require.Zero(s, stats.HeldBytes-heldByTopics(stats), "all memory was given back")
}

// ordered checks the order of each key. A key of the growing topic may be in several partitions.
func (s *schedule) ordered(log []*kgo.Record) {
	byTopic := make(map[string][]*kgo.Record)
	for _, r := range log {
		byTopic[r.Topic] = append(byTopic[r.Topic], r)
	}
	for _, part := range perPartition(byTopic["growing"]) {
		s.ledger.Ordered(part)
	}
	s.ledger.Ordered(byTopic["steady"])
	s.ledger.Ordered(byTopic["late"])
}

// apartFrom checks that each record has one outcome, and takes them out of the books.
func (o *outcomes) apartFrom(t require.TestingT, books producer.Books) producer.Books {
	require.Len(t, o.reports, len(o.accepted))
	for tag, n := range o.reports {
		require.True(t, o.accepted[tag] && n == 1, "record %d has %d reports", tag, n)
	}
	books.Accepted -= o.books.Accepted
	books.Delivered -= o.books.Delivered
	books.Shed -= o.books.Shed
	books.Expired -= o.books.Expired
	books.Rejected -= o.books.Rejected
	books.PossiblyPersisted -= o.books.PossiblyPersisted
	books.MaybeDuplicated -= o.books.MaybeDuplicated
	return books
}

// heldByTopics returns what the tables of topics take of the budget.
func heldByTopics(s producer.Stats) (n int64) {
	for _, t := range s.Topics {
		n += 1024 + int64(len(t.Topic))
	}
	return n
}
