package audit

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/delivery"
	"github.com/forebay-go/forebay/producer"
)

// mailbox is a sender that keeps statements, and delivers them unless it is told not to.
type mailbox struct {
	mu     sync.Mutex
	values [][]byte
	fail   bool
	refuse error
}

func (m *mailbox) SendFunc(rec producer.Record, fn func(producer.Report)) error {
	m.mu.Lock()
	fail, refuse := m.fail, m.refuse
	if !fail && refuse == nil {
		m.values = append(m.values, rec.Value)
	}
	m.mu.Unlock()
	if refuse != nil {
		return refuse
	}
	outcome := producer.Delivered
	if fail {
		outcome = producer.Shed
	}
	fn(producer.Report{Outcome: outcome})
	return nil
}

func (m *mailbox) set(fail bool, refuse error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail, m.refuse = fail, refuse
}

// ledger returns what the statements come to.
func (m *mailbox) ledger(t *testing.T) *Report {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := NewLedger()
	for _, v := range m.values {
		require.NoError(t, l.Add(v, time.Now()))
	}
	return l.Report(time.Now())
}

func newTestSource(t *testing.T, cfg SourceConfig) *Source {
	cfg.Instance, cfg.Interval = "test", leastInterval
	s, err := NewSource(cfg)
	require.NoError(t, err)
	return s
}

// pass sends a record past a source, and reports its outcome.
func pass(s *Source, rec producer.Record, rep producer.Report) (out producer.Outgoing, seen producer.Report) {
	out.Record, out.Now = rec, time.Now()
	s.Sending(&out)
	rep.Topic, rep.Tag = out.Topic, out.Tag
	s.Outcome(&rep)
	return out, rep
}

func TestSource_StatesWhatBecameOfEachRecord(t *testing.T) {
	s := newTestSource(t, SourceConfig{})
	box := &mailbox{}
	s.Start(box)
	for i := range 10 {
		pass(s, producer.Record{Topic: "t"}, producer.Report{Outcome: producer.Delivered, Offset: int64(i)})
	}
	pass(s, producer.Record{Topic: "t"}, producer.Report{Outcome: producer.Shed,
		Reason: producer.ReasonPreemptedByHigh})
	out := producer.Outgoing{Record: producer.Record{Topic: "t"}, Now: time.Now()}
	s.Sending(&out)
	s.Refused(&out, producer.ErrBufferFull)
	require.NoError(t, s.Close(context.Background()))
	c := box.ledger(t).Total
	require.Equal(t, uint64(12), c.Numbered)
	require.Equal(t, uint64(10), c.Delivered)
	require.Equal(t, uint64(1), c.Shed)
	require.Equal(t, uint64(1), c.Refused)
	require.Equal(t, map[delivery.Reason]uint64{delivery.PreemptedByHigh: 1}, c.Reasons)
	require.True(t, box.ledger(t).Sources[0].Ended)
}

func TestSource_GivesBackTheTagAndTheHeadersOfTheApplication(t *testing.T) {
	s := newTestSource(t, SourceConfig{Topics: []TopicShare{{Topic: "audited"}}})
	own := []producer.Header{{Key: "own", Value: []byte("1")}}
	for _, topic := range []string{"audited", "other"} {
		for _, tag := range []uint64{0, 7, 1 << 63, 3 << 62, 1<<64 - 1} {
			returned := producer.Record{Topic: topic, Headers: own}
			out, rep := pass(s, producer.Record{Topic: topic, Tag: tag, Headers: own},
				producer.Report{Outcome: producer.Shed, Record: &returned})
			require.Equal(t, tag, rep.Tag)
			require.Equal(t, tag, rep.Record.Tag)
			require.Equal(t, own, rep.Record.Headers)
			require.Len(t, out.Headers, map[string]int{"audited": 2, "other": 1}[topic])
		}
	}
	require.Len(t, s.tags.slots, len(s.tags.free), "all tags were taken back")
	require.Len(t, s.tags.slots, 1)
	require.Equal(t, uint64(5), s.Stats().Stamped)
}

// A record that its application sends again, as it was returned, has one header: the new one.
func TestSource_AReturnedRecordCanBeSentAgain(t *testing.T) {
	s := newTestSource(t, SourceConfig{})
	out, _ := pass(s, producer.Record{Topic: "t"}, producer.Report{Outcome: producer.Delivered})
	returned := producer.Record{Topic: "t", Headers: out.Headers}
	_, rep := pass(s, producer.Record{Topic: "t"}, producer.Report{Outcome: producer.Expired,
		Record: &returned})
	require.Empty(t, rep.Record.Headers)
}

// A service that passes on the headers of what it has read sends records with two audit headers.
func TestSource_AHeaderThatIsPassedOnStaysTheApplications(t *testing.T) {
	first, second := newTestSource(t, SourceConfig{}), newTestSource(t, SourceConfig{})
	got, _ := pass(first, producer.Record{Topic: "in"}, producer.Report{Outcome: producer.Delivered})
	out := producer.Outgoing{Record: producer.Record{Topic: "out", Headers: got.Headers}, Now: time.Now()}
	second.Sending(&out)
	value, found := headerOf(&kgo.Record{Headers: []kgo.RecordHeader{
		{Key: out.Headers[0].Key, Value: out.Headers[0].Value},
		{Key: out.Headers[1].Key, Value: out.Headers[1].Value}}})
	require.True(t, found)
	h, err := ParseHeader(value)
	require.NoError(t, err)
	require.Equal(t, second.Run(), h.Run)
	rep := producer.Report{Topic: "out", Tag: out.Tag, Outcome: producer.Expired,
		Record: &producer.Record{Topic: "out", Headers: out.Headers}}
	second.Outcome(&rep)
	require.Equal(t, got.Headers, rep.Record.Headers)
}

func TestSource_AuditsAPartOfATopic(t *testing.T) {
	ten, none := uint64(10), uint64(0)
	s := newTestSource(t, SourceConfig{Topics: []TopicShare{{Topic: "part", Every: &ten},
		{Topic: "none", Every: &none}, {Topic: "all.*"}}})
	for range 100 {
		for _, topic := range []string{"part", "none", "all.a", "unnamed", StatementTopic} {
			pass(s, producer.Record{Topic: topic}, producer.Report{Outcome: producer.Delivered})
		}
	}
	require.Equal(t, uint64(110), s.Stats().Stamped)
	given := s.stream("part").next
	require.Equal(t, uint64(10), given)
}

func TestSource_TopicsWithoutEndAreCountedAndNotKept(t *testing.T) {
	s := newTestSource(t, SourceConfig{})
	for i := range maxStreams + 100 {
		pass(s, producer.Record{Topic: fmt.Sprint("t", i)}, producer.Report{Outcome: producer.Delivered})
	}
	require.Equal(t, uint64(100), s.Stats().Skipped)
	require.Equal(t, uint64(maxStreams), s.Stats().Stamped)
}

// While statements cannot be delivered, they wait within MaxBytes. What is given up is counted, and
// what is left is stated when it can be.
func TestSource_StatementsThatCannotBeDeliveredAreBounded(t *testing.T) {
	s := newTestSource(t, SourceConfig{MaxBytes: 1 << 20})
	box := &mailbox{fail: true}
	s.state.sender = box
	const n = 400_000
	for i := range n { // no two are in one run
		pass(s, producer.Record{Topic: "t"}, producer.Report{Outcome: producer.Delivered,
			Partition: int32(i % 2), Offset: int64(i)})
		if i%10_000 == 0 {
			s.stateAll(false)
		}
	}
	s.stateAll(false)
	require.LessOrEqual(t, s.Stats().Waiting, int64(1<<20))
	require.Positive(t, s.Stats().Unstated)
	box.set(false, producer.ErrBufferFull)
	s.stateAll(false)
	box.set(false, nil)
	s.state.begin.Do(func() { close(s.state.done) })
	require.NoError(t, s.Close(context.Background()))
	require.Zero(t, s.Stats().Waiting)
	r := box.ledger(t)
	require.Equal(t, uint64(n), r.Total.Numbered)
	require.Equal(t, s.Stats().Unstated, r.Total.Unsettled)
	require.Equal(t, s.Stats().Unstated, r.Sources[0].Unstated)
	require.Equal(t, n-s.Stats().Unstated, r.Total.Delivered)
}

// A record that is just small enough is sent without a header.
func TestSource_MakesNoRecordTooLarge(t *testing.T) {
	s := newTestSource(t, SourceConfig{})
	p, err := producer.New(producer.Config{Clusters: map[string]producer.ClusterConfig{
		"a": {Brokers: []string{"127.0.0.1:1"}}}}, producer.WithObserver(s))
	require.NoError(t, err)
	limit := p.Config().Batching.MaxRecordBytes
	for free := 20; free < 300; free += 7 {
		require.NoError(t, p.Send(producer.Record{Topic: "t", Value: make([]byte, limit-free)}))
	}
	stats := s.Stats()
	require.Positive(t, stats.Stamped)
	require.Positive(t, stats.Skipped)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = p.Close(ended)
	require.Error(t, err)
	require.Eventually(t, func() bool { return p.Stats().Total.Pending == 0 }, time.Minute,
		time.Millisecond)
}

// slowbox is a sender whose statements have no outcome until the test says so.
type slowbox struct {
	values  [][]byte
	answers []func(producer.Report)
}

func (b *slowbox) SendFunc(rec producer.Record, fn func(producer.Report)) error {
	b.values, b.answers = append(b.values, rec.Value), append(b.answers, fn)
	return nil
}

// While Kafka is away, one version of each statement is in the producer's buffer, and no more.
func TestSource_DoesNotFillTheBufferWithVersions(t *testing.T) {
	s := newTestSource(t, SourceConfig{})
	box := &slowbox{}
	s.state.sender = box
	for i := range 1000 {
		pass(s, producer.Record{Topic: "t"}, producer.Report{Outcome: producer.Delivered, Offset: int64(i)})
		s.stateAll(false)
	}
	require.Len(t, box.values, 2, "a claim and a sign of life")
	for _, answer := range box.answers {
		answer(producer.Report{Outcome: producer.Expired})
	}
	s.stateAll(false)
	require.Len(t, box.values, 4)
}

// A statement is answered late: its part has become full since then, and is stated as a whole.
func TestSource_ALateAnswerIsNotThatOfALaterVersion(t *testing.T) {
	s := newTestSource(t, SourceConfig{})
	box := &slowbox{}
	s.state.sender = box
	const n = 3 * runsInPart
	for i := range n { // no two are in one run
		if i == 10 {
			s.stateAll(false)
		}
		pass(s, producer.Record{Topic: "t"}, producer.Report{Outcome: producer.Delivered,
			Partition: int32(i % 2), Offset: int64(i)})
	}
	for round := range 5 {
		s.stateAll(false)
		answers := box.answers
		box.answers = nil
		for i, answer := range answers {
			outcome := producer.Delivered
			if round == 0 && i > 0 {
				outcome = producer.Expired // all but the early version
			}
			answer(producer.Report{Outcome: outcome})
		}
	}
	require.Zero(t, s.Stats().Waiting)
	newest := make(map[uint32][]byte) // as compaction leaves them
	for _, v := range box.values {
		if d, kind, err := decode(v); err == nil && kind == kindClaim {
			c, err := decodeClaim(d)
			require.NoError(t, err)
			newest[c.part] = v
		}
	}
	l := NewLedger()
	for _, v := range newest {
		require.NoError(t, l.Add(v, time.Now()))
	}
	require.Equal(t, uint64(n), l.Report(time.Now()).Total.Delivered)
}

// A bucket that is over is stated for the last time, and forgotten. A clock that goes back does not
// open it again.
func TestSource_ForgetsABucketThatIsOver(t *testing.T) {
	s := newTestSource(t, SourceConfig{Intended: true})
	box := &mailbox{}
	s.state.sender = box
	long := time.Now().Add(-24 * time.Hour)
	for i := range 50 {
		pass(s, producer.Record{Topic: "t", Timestamp: long.Add(time.Duration(i) * BucketLength)},
			producer.Report{Outcome: producer.Delivered, Offset: int64(i)})
		s.stateAll(false)
	}
	s.stateAll(false)
	st := s.stream("t")
	require.Empty(t, st.periods)
	pass(s, producer.Record{Topic: "t", Timestamp: long}, producer.Report{Outcome: producer.Delivered,
		Offset: 50})
	s.state.begin.Do(func() { close(s.state.done) })
	require.NoError(t, s.Close(context.Background()))
	r := box.ledger(t)
	require.Equal(t, uint64(51), r.Total.Delivered)
	require.Len(t, r.Rows, 51, "the last one is in a bucket after those that are final")
}

// Times that make no sense open no bucket that never ends.
func TestSource_ABucketIsNeverAheadOfItsTime(t *testing.T) {
	s := newTestSource(t, SourceConfig{Intended: true})
	now := BucketOf(time.Now())
	for _, at := range []time.Time{time.Unix(-5000, 0), time.Unix(1<<60, 0), time.Now().Add(1000 * time.Hour),
		time.Now()} {
		out, _ := pass(s, producer.Record{Topic: "t", Timestamp: at}, producer.Report{Outcome: producer.Delivered})
		h, err := ParseHeader(out.Headers[0].Value)
		require.NoError(t, err)
		require.LessOrEqual(t, h.Bucket, now+1)
	}
	require.Zero(t, BucketOf(time.Time{}))
}

func TestSource_CloseSaysWhenRecordsHaveNoOutcome(t *testing.T) {
	s := newTestSource(t, SourceConfig{})
	s.Start(&mailbox{})
	out := producer.Outgoing{Record: producer.Record{Topic: "t"}, Now: time.Now()}
	s.Sending(&out)
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	err := s.Close(ctx)
	require.ErrorIs(t, err, errNotStated)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestSource_CloseDoesNotWaitForASenderThatIsClosed(t *testing.T) {
	s := newTestSource(t, SourceConfig{})
	box := &mailbox{refuse: producer.ErrClosed}
	s.Start(box)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err := s.Close(ctx)
	require.ErrorIs(t, err, errNotStated)
	require.ErrorIs(t, err, producer.ErrClosed)
	require.NoError(t, ctx.Err())
}

func TestOutbox_ALateSecondReportForgetsNothing(t *testing.T) {
	box := &slowbox{}
	o := outbox{sender: box}
	o.put("key", []byte("first"))
	o.waiting["key"].since = time.Now().Add(-2 * reportsDropped)
	o.again()
	require.Len(t, box.answers, 2)
	box.answers[0](producer.Report{Outcome: producer.Delivered})
	o.put("key", []byte("second"))
	box.answers[1](producer.Report{Outcome: producer.Delivered})
	require.Len(t, o.waiting, 1, "the second version has no report")
	box.answers[2](producer.Report{Outcome: producer.Delivered})
	require.Empty(t, o.waiting)
	require.Zero(t, o.bytes)
}

func TestSource_ConcurrentSafe(t *testing.T) {
	s := newTestSource(t, SourceConfig{})
	box := &mailbox{}
	s.Start(box)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for i := range 2000 {
				pass(s, producer.Record{Topic: fmt.Sprint("t", i%3), Tag: uint64(i)},
					producer.Report{Outcome: producer.Delivered, Offset: noOffset})
				_ = s.Stats()
			}
		})
	}
	group.Wait()
	require.NoError(t, s.Close(context.Background()))
	require.Equal(t, uint64(16_000), box.ledger(t).Total.Delivered)
}

func TestSourceConfig_SaysEveryMistake(t *testing.T) {
	_, err := NewSource(SourceConfig{Instance: "a/b", StatementTopic: "x y", Interval: time.Hour,
		MaxBytes: 5, Topics: []TopicShare{{Topic: "["}}})
	for _, text := range []string{"instance: \"a/b\": write", "statement_topic: \"x y\": the name",
		"interval: 1h0m0s: write 100ms to 1m0s", "max_bytes: 5: write at least 1048576",
		"topics[0].topic: \"[\" is not a pattern"} {
		require.ErrorContains(t, err, text)
	}
}
