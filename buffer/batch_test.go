package buffer

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"github.com/forebay-go/forebay/delivery"
)

const day = 24 * time.Hour

func newTestLane(t testing.TB, maxBytes int64, change ...func(*Config)) *Lane {
	t.Helper()
	cfg := Config{Linger: time.Millisecond, DeliveryTimeout: day, BatchBytes: 16 << 10,
		MaxTopics: 100, Reports: true}
	outlet := NewOutlet()
	cfg.Outlet = func(string) *Outlet { return outlet }
	for _, fn := range change {
		fn(&cfg)
	}
	return NewLane(cfg, NewBudget(maxBytes), NewPool(cfg.BatchBytes, 4<<20))
}

func newTestTopic(t testing.TB, l *Lane) *Topic {
	t.Helper()
	topic, err := l.Topic("events", 0)
	require.NoError(t, err)
	return topic
}

// decode reads b as Kafka would: with kgo's own decoder, and a header such as an attempt has.
func decode(t testing.TB, b *Batch) []*kgo.Record {
	t.Helper()
	base, highest := b.Times()
	raw := binary.BigEndian.AppendUint64(nil, 0)
	raw = binary.BigEndian.AppendUint32(raw, uint32(HeaderBytes-12+len(b.Body())))
	raw = binary.BigEndian.AppendUint32(raw, 0)
	raw = append(raw, 2)
	raw = binary.BigEndian.AppendUint32(raw, 0)
	raw = binary.BigEndian.AppendUint16(raw, uint16(b.Codec()))
	raw = binary.BigEndian.AppendUint32(raw, uint32(b.Records()-1))
	raw = binary.BigEndian.AppendUint64(raw, uint64(base))
	raw = binary.BigEndian.AppendUint64(raw, uint64(highest))
	raw = binary.BigEndian.AppendUint64(raw, ^uint64(0))
	raw = binary.BigEndian.AppendUint16(raw, ^uint16(0))
	raw = binary.BigEndian.AppendUint32(raw, ^uint32(0))
	raw = binary.BigEndian.AppendUint32(raw, uint32(b.Records()))
	raw = append(raw, b.Body()...)
	binary.BigEndian.PutUint32(raw[17:], crc32.Checksum(raw[21:],
		crc32.MakeTable(crc32.Castagnoli)))
	part := kmsg.NewFetchResponseTopicPartition()
	part.RecordBatches, part.HighWatermark = raw, int64(b.Records())
	fetched, _ := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{Topic: "events",
		Offset: 0, KeepControlRecords: true},
		&part, kgo.DefaultDecompressor(), nil)
	require.NoError(t, fetched.Err)
	return fetched.Records
}

func anyRecord() *rapid.Generator[Record] {
	maybe := func(n int) *rapid.Generator[[]byte] {
		return rapid.OneOf(rapid.Just[[]byte](nil), rapid.SliceOfN(rapid.Byte(), 0, n))
	}
	return rapid.Custom(func(t *rapid.T) Record {
		r := Record{
			Key:       maybe(40).Draw(t, "key"),
			Value:     maybe(3000).Draw(t, "value"),
			Timestamp: rapid.Int64Range(0, 1<<42).Draw(t, "timestamp"),
			Tag:       rapid.Uint64().Draw(t, "tag"),
		}
		for range rapid.IntRange(0, 3).Draw(t, "headers") {
			r.Headers = append(r.Headers, Header{Key: rapid.String().Draw(t, "header"),
				Value: maybe(20).Draw(t, "header value")})
		}
		return r
	})
}

func requireSame(t require.TestingT, want Record, got *kgo.Record) {
	require.Equal(t, want.Key == nil, got.Key == nil, "null key")
	require.Equal(t, want.Value == nil, got.Value == nil, "null value")
	require.True(t, bytes.Equal(want.Key, got.Key))
	require.True(t, bytes.Equal(want.Value, got.Value))
	require.Equal(t, want.Timestamp, got.Timestamp.UnixMilli())
	require.Len(t, got.Headers, len(want.Headers))
	for i, h := range want.Headers {
		require.Equal(t, h.Key, got.Headers[i].Key)
		require.Equal(t, h.Value == nil, got.Headers[i].Value == nil)
		require.True(t, bytes.Equal(h.Value, got.Headers[i].Value))
	}
}

func TestBatch_ReadsBackAsSentByKafkasRules(t *testing.T) {
	for _, name := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		t.Run(name, func(t *testing.T) {
			codec, err := NewCodec(name, 0)
			require.NoError(t, err)
			rapid.Check(t, func(rt *rapid.T) {
				lane := newTestLane(t, 1<<30)
				topic := newTestTopic(t, lane)
				records := rapid.SliceOfN(anyRecord(), 1, 40).Draw(rt, "records")
				for i := range records {
					require.NoError(rt, topic.Append(&records[i], Unkeyed, -1, time.Duration(i)))
				}
				n := 0
				for b := topic.Take(Unkeyed, -1, true); b != nil; b = topic.Take(Unkeyed, -1,
					true) {
					b.Compress(codec)
					for _, got := range decode(t, b) {
						requireSame(rt, records[n], got)
						n++
					}
					i := n - b.Records()
					require.NoError(rt, b.Each(func(j int, r *Record, born time.Duration) {
						require.Equal(rt, records[i+j].Tag, r.Tag)
						require.Equal(rt, time.Duration(i+j), born)
					}))
					topic.Resolve(b, delivery.Delivered, delivery.None, false)
				}
				require.Equal(rt, len(records), n)
				require.True(rt, topic.lane.budget.Used() == topicBytes+int64(len("events")),
					"all memory was given back")
			})
		})
	}
}

func FuzzBatch_EncodesWhatKgoDecodes(f *testing.F) {
	f.Add([]byte("key"), []byte("value"), "header", []byte(nil), int64(1_700_000_000_000),
		int64(-5), true)
	f.Add([]byte(nil), []byte{}, "", []byte{}, int64(0), int64(1<<40), false)
	f.Fuzz(func(t *testing.T, key, value []byte, header string, headerValue []byte, timestamp,
		later int64, withHeader bool) {
		if timestamp < 0 || timestamp > 1<<43 || later < -timestamp || later > 1<<43 {
			t.Skip()
		}
		records := []Record{{Key: key, Value: value, Timestamp: timestamp},
			{Key: value, Value: key, Timestamp: timestamp + later}}
		if withHeader {
			records[1].Headers = []Header{{Key: header, Value: headerValue}, {Key: "", Value: nil}}
		}
		lane := newTestLane(t, 1<<30, func(c *Config) { c.BatchBytes = 16 << 20 })
		topic := newTestTopic(t, lane)
		for i := range records {
			require.NoError(t, topic.Append(&records[i], Unkeyed, -1, 0))
		}
		b := topic.Take(Unkeyed, -1, true)
		got := decode(t, b)
		require.Len(t, got, len(records))
		for i := range records {
			requireSame(t, records[i], got[i])
		}
	})
}

func FuzzReadRecord_NeverPanics(f *testing.F) {
	r := Record{Key: []byte("k"), Value: []byte("v"),
		Headers: []Header{{Key: "h", Value: []byte("x")}}}
	f.Add(r.appendTo(nil, r.bodySize(0, 0), 0, 0))
	f.Add([]byte{0x80, 0x80, 0x80, 0x80, 0x10})
	f.Fuzz(func(t *testing.T, src []byte) {
		for len(src) > 0 {
			_, rest, err := readRecord(src, 0)
			if err != nil {
				return
			}
			require.Less(t, len(rest), len(src))
			src = rest
		}
	})
}

func TestBatch_FramedSizeIsWhatIsWritten(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := anyRecord().Draw(rt, "record")
		require.Len(rt, r.appendTo(nil, r.bodySize(0, 0), 0, 0), r.FramedSize())
	})
}

func TestBatch_CompressionShrinksWhatIsHeld(t *testing.T) {
	lane := newTestLane(t, 1<<30, func(c *Config) { c.Reports = false })
	topic := newTestTopic(t, lane)
	for i := range 100 {
		require.NoError(t, topic.Append(&Record{Value: fmt.Appendf(nil,
			"the same line again and again, number %d", i)}, Unkeyed, -1, 0))
	}
	b := topic.Take(Unkeyed, -1, true)
	before, size := lane.budget.Used(), b.Size()
	codec, err := NewCodec("zstd", 0)
	require.NoError(t, err)
	b.Compress(codec)
	require.Less(t, b.Size(), size/3)
	require.Less(t, lane.budget.Used(), before)
	require.Equal(t, int64(cap(b.body)+batchOverhead), b.Held())
}

func TestBatch_RandomBytesStayUncompressed(t *testing.T) {
	topic := newTestTopic(t, newTestLane(t, 1<<30))
	noise := make([]byte, 1000)
	for i := range noise {
		noise[i] = byte(i*i*31 + i>>3)
	}
	require.NoError(t, topic.Append(&Record{Value: noise[:20]}, Unkeyed, -1, 0))
	b := topic.Take(Unkeyed, -1, true)
	codec, err := NewCodec("gzip", 0)
	require.NoError(t, err)
	b.Compress(codec)
	require.Zero(t, b.Codec())
	require.Len(t, decode(t, b), 1)
}
