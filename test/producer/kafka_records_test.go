//go:build unix

package producer_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/kafkatest"
	"github.com/forebay-go/forebay/test/proof"
)

func TestKafka_EveryCompressionReadsBackEqual(t *testing.T) {
	t.Parallel()
	c := kafkatest.Shared(t)
	for codec, name := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		t.Run(name, func(t *testing.T) {
			topic := kafkatest.TopicName(t)
			c.CreateTopic(t, topic, 3)
			tr := try(t, to(c, func(cfg *producer.Config) { cfg.Batching.Compression = name }))
			for i := range 10_000 {
				rec := mixed(topic)(i)
				rec.Value = value(20 + i%200)
				tr.send(t, rec)
			}
			for _, r := range tr.settleOnce(t, c, topic) {
				require.EqualValues(t, codec, r.Attrs.CompressionType())
				require.Equal(t, value(len(r.Value))[12:], r.Value[12:])
			}
			s := tr.Stats()
			t.Logf("%.0f bytes a request of %.0f records", s.BytesPerRequest(),
				s.RecordsPerRequest())
		})
	}
}

func TestKafka_RecordsReadBackEqual(t *testing.T) {
	t.Parallel()
	c := kafkatest.Shared(t)
	for _, compression := range []string{"none", "zstd"} {
		t.Run(compression, func(t *testing.T) {
			topic := kafkatest.TopicName(t)
			// old records stay
			c.CreateTopic(t, topic, 1, kafkatest.TopicConfig("retention.ms", "-1"))
			sent := oddRecords(topic)
			tr := try(t, to(c,
				func(cfg *producer.Config) { cfg.Batching.Compression = compression }))
			offsets := make([]int64, len(sent)) // written by reports, which end with close
			tr.alsoReport(func(r producer.Report) { offsets[r.Tag] = r.Offset })
			for i, rec := range sent {
				rec.Tag = uint64(i)
				require.NoError(t, tr.Send(rec)) // the ledger would change the values
			}
			require.EqualValues(t, len(sent), tr.close(t).Delivered)
			log := c.Read(t, topic)
			require.Len(t, log, len(sent))
			for i := range sent {
				requireEqual(t, &sent[i], log[offsets[i]])
			}
		})
	}
}

// oddRecords returns records with everything that may be null or empty, and timestamps of all ages
// in no order.
func oddRecords(topic string) (records []producer.Record) {
	times := []time.Time{
		time.UnixMilli(0), time.UnixMilli(1), time.UnixMilli(999_999_999_999),
		time.Now().Add(-48 * time.Hour),
		time.Now().Add(50 * time.Minute), time.Now().Add(-time.Nanosecond), time.Date(2001, 2, 3, 4,
			5, 6, 789_999_999, time.UTC),
	}
	headers := [][]producer.Header{
		nil,
		{{Key: "one", Value: []byte("1")}},
		{{Key: "null"}, {Key: "empty", Value: []byte{}}, {Key: "", Value: []byte("no key")},
			{Key: "twice", Value: []byte("a")}, {Key: "twice", Value: []byte("b")}},
		{{Key: "bytes", Value: []byte{0, 255, 10, 13}},
			{Key: "schlüssel", Value: []byte(strings.Repeat("long", 1000))}},
	}
	contents := [][]byte{nil, {}, []byte("text"), {0, 1, 254, 255}}
	for _, key := range contents {
		for _, val := range contents {
			for _, h := range headers {
				records = append(records, producer.Record{
					Topic: topic, Key: key, Value: val, Headers: h,
					Timestamp: times[len(records)%len(times)],
				})
			}
		}
	}
	return records
}

// requireEqual compares what was sent with what was read; null and empty are not the same.
func requireEqual(t *testing.T, sent *producer.Record, got *kgo.Record) {
	t.Helper()
	require.Equal(t, sent.Key, got.Key)
	require.Equal(t, sent.Value, got.Value)
	require.Equal(t, sent.Timestamp.UnixMilli(), got.Timestamp.UnixMilli())
	require.Zero(t, got.Attrs.TimestampType(), "the time of its creation")
	require.Len(t, got.Headers, len(sent.Headers))
	for i, h := range sent.Headers {
		require.Equal(t, h, producer.Header{Key: got.Headers[i].Key, Value: got.Headers[i].Value})
	}
}

func TestKafka_ARecordWithoutATimestampHasThatOfSend(t *testing.T) {
	t.Parallel()
	c := kafkatest.Shared(t)
	topic := kafkatest.TopicName(t)
	c.CreateTopic(t, topic, 1)
	tr := try(t, to(c))
	begin := time.Now().Truncate(time.Millisecond)
	tr.send(t, producer.Record{Topic: topic})
	end := time.Now()
	log := tr.settleOnce(t, c, topic)
	require.False(t, log[0].Timestamp.Before(begin))
	require.False(t, log[0].Timestamp.After(end))
}

func TestKafka_F11_OnlyTheRecordThatKafkaRefusesIsRejected(t *testing.T) {
	t.Parallel()
	c := kafkatest.Shared(t)
	ahead := time.Now().Add(2 * time.Hour)
	for _, test := range []struct {
		name   string
		bad    producer.Record
		reason producer.Reason
		err    error
	}{
		{"too large for its topic", producer.Record{Value: randomBytes(30_000)},
			producer.ReasonTooLarge, kerr.MessageTooLarge},
		{"two hours ahead", producer.Record{Timestamp: ahead, Value: make([]byte, 50)},
			producer.ReasonInvalid, kerr.InvalidTimestamp},
	} {
		for _, key := range []string{"", "key"} {
			for _, compression := range []string{"none", "snappy"} {
				t.Run(fmt.Sprintf("%s/key=%q/%s", test.name, key, compression), func(t *testing.T) {
					bad := test.bad
					topic := kafkatest.TopicName(t)
					c.CreateTopic(t, topic, 1, kafkatest.TopicConfig("max.message.bytes", "20000"))
					bad.Topic, bad.Headers = topic, []producer.Header{{Key: "h",
						Value: []byte("v")}}
					if key != "" {
						bad.Key = []byte(key)
					}
					requireOneRejected(t, c, bad, compression, test.reason, test.err)
				})
			}
		}
	}
}

// requireOneRejected sends bad in the middle of a batch of good records.
func requireOneRejected(t *testing.T, c *kafkatest.Cluster, bad producer.Record, compression string,
	reason producer.Reason, cause error) {
	proven := proof.Of(t, "F11")
	tr := try(t, to(c, func(cfg *producer.Config) {
		cfg.Batching.Compression = compression
		cfg.Batching.Linger = 10 * time.Second // they are together until Flush
	}))
	var mu sync.Mutex // guards what follows
	var rejected []producer.Report
	tr.alsoReport(func(r producer.Report) {
		if r.Outcome != producer.Delivered {
			mu.Lock()
			defer mu.Unlock()
			rejected = append(rejected, r)
		}
	})
	const good = 100
	for i := range good {
		if i == good/2 {
			tr.send(t, bad)
		}
		tr.send(t, producer.Record{Topic: bad.Topic, Key: bad.Key, Value: randomBytes(500)})
	}
	tr.flush(t)
	summary := tr.close(t)
	log := tr.read(t, c, bad.Topic)
	tr.judge(t)
	require.EqualValues(t, good, summary.Delivered)
	require.Equal(t, map[producer.Reason]uint64{reason: 1}, summary.Lost)
	require.Zero(t, summary.Left)
	require.Len(t, log, good)
	require.Zero(t, tr.Stats().Total.MaybeDuplicated)
	tr.ledger.Prove(proven)

	require.Len(t, rejected, 1)
	r := rejected[0]
	require.EqualValues(t, good/2, r.Tag)
	require.Equal(t, producer.Rejected, r.Outcome)
	require.Equal(t, reason, r.Reason)
	require.ErrorIs(t, r.Err, cause)
	proven.Bit("records that Kafka refused as "+reason.String(), 1)
	require.Equal(t, bad.Topic, r.Record.Topic)
	require.Equal(t, bad.Key, r.Record.Key)
	require.Equal(t, bad.Headers, r.Record.Headers)
	require.Len(t, r.Record.Value, len(bad.Value))
	require.EqualValues(t, good/2, r.Record.Tag)
	if !bad.Timestamp.IsZero() {
		require.Equal(t, bad.Timestamp.UnixMilli(), r.Record.Timestamp.UnixMilli())
	}
}

func TestKafka_TheJavaConsumerReadsATopicAsSent(t *testing.T) {
	t.Parallel()
	c := kafkatest.Shared(t)
	topic := kafkatest.TopicName(t)
	// else retention may delete records that are so old within a second
	c.CreateTopic(t, topic, 3, kafkatest.TopicConfig("retention.ms", "-1"))
	tr := try(t, to(c, func(cfg *producer.Config) { cfg.Batching.Compression = "zstd" }))
	var want strings.Builder
	for i := range 3000 {
		rec := producer.Record{
			Topic: topic, Key: fmt.Append(nil, "key ", i%10), Value: fmt.Append(nil, "event ", i),
			Timestamp: time.UnixMilli(1_700_000_000_000 +
				int64(i)), Headers: []producer.Header{{Key: "n", Value: fmt.Append(nil, i)}},
		}
		if i%100 == 0 {
			rec.Key, rec.Value = nil, nil
		}
		text := func(b []byte) string {
			if b == nil {
				return "null"
			}
			return string(b)
		}
		fmt.Fprintf(&want, "CreateTime:%d|n:%d|%s|%s\n", rec.Timestamp.UnixMilli(), i,
			text(rec.Key), text(rec.Value))
		require.NoError(t, tr.Send(rec)) // the ledger would change the values
	}
	require.EqualValues(t, 3000, tr.close(t).Delivered)
	got := c.ConsoleConsume(t, topic, "--property", "print.timestamp=true", "--property",
		"print.headers=true",
		"--property", "print.key=true", "--property", "key.separator=|")
	require.Equal(t, sortedLines(want.String()), sortedLines(got))
}

func TestKafka_AcksOfTheLeaderAreUnnumberedThoseOfAllAreNumbered(t *testing.T) {
	t.Parallel()
	c := kafkatest.Shared(t)
	for _, acks := range []string{"leader", "all"} {
		t.Run(acks, func(t *testing.T) {
			topic := kafkatest.TopicName(t)
			c.CreateTopic(t, topic, 3)
			tr := try(t, to(c, func(cfg *producer.Config) { cfg.Batching.Acks = acks }))
			for i := range 10_000 {
				tr.send(t, mixed(topic)(i))
			}
			for _, r := range tr.settleOnce(t, c, topic) {
				require.Equal(t, acks == "all", r.ProducerID >= 0)
			}
		})
	}
}
