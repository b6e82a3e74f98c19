//go:build synctests

package producer_test

import (
	"encoding/binary"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/proof"
)

// written is a batch as a broker has seen it.
type written struct {
	at       time.Time
	topic    string
	request  int // which
	acks     int16
	codec    int16
	bytes    int
	records  int
	numbered bool
}

// wire keeps what brokers have seen of produce requests.
type wire struct {
	mu       sync.Mutex // guards what follows
	requests int
	batches  []written
}

// tap has everything noted that k is asked to write.
func tap(k *embedded) *wire {
	w := new(wire)
	k.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		w.note(r.(*kmsg.ProduceRequest))
		return nil, nil, false
	})
	return w
}

func (w *wire) note(r *kmsg.ProduceRequest) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requests++
	for _, t := range r.Topics {
		for _, p := range t.Partitions {
			b := p.Records
			w.batches = append(w.batches, written{
				at: time.Now(), topic: t.Topic, request: w.requests, acks: r.Acks,
				codec: int16(binary.BigEndian.Uint16(b[21:]) & 7), bytes: len(b),
				records:  int(binary.BigEndian.Uint32(b[57:])),
				numbered: int64(binary.BigEndian.Uint64(b[43:])) >= 0,
			})
		}
	}
}

// of returns what was written to a topic, and forgets it.
func (w *wire) of(topic string) (all []written) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.batches = slices.DeleteFunc(w.batches, func(b written) bool {
		if b.topic == topic {
			all = append(all, b)
		}
		return b.topic == topic
	})
	return all
}

// all requires of every batch, of which there must be some, what is returns.
func all[T any](t *testing.T, batches []written, want T, is func(written) T) {
	t.Helper()
	require.NotEmpty(t, batches)
	for _, b := range batches {
		require.Equal(t, want, is(b), b)
	}
}

// kind is what of a batch its topic's settings decide at once.
type kind struct {
	acks, codec int16
	numbered    bool
}

func kindOf(b written) kind { return kind{b.acks, b.codec, b.numbered} }

// worthIt returns the batches that compression makes smaller. One of a few records may not shrink,
// and is sent as it is.
func worthIt(batches []written) []written {
	return slices.DeleteFunc(batches, func(b written) bool { return b.records < 10 })
}

func TestVirtual_Topics_AreSentByTheirOwnSettings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		topics := map[string]int32{"events": 3, "play.start": 3, "play.debug": 2, "plain": 1}
		judged(t, proof.Of(t, "F14"), setup{topics: topics, change: func(c *producer.Config) {
			c.Batching.Compression = "lz4"
			c.Topics = []producer.TopicConfig{
				{Topic: "play.*", Acks: "leader", MaxBatchBytes: 2000},
				{Topic: "play.debug", Compression: "gzip", CompressionLevel: 9},
				{Topic: "plain", Compression: "none", Acks: "leader"},
			}
		}}, func(b *bubble) {
			w := tap(b.k)
			b.stream(3*time.Second, 200, "events", "play.start", "play.debug", "plain")
			b.flush()
			acks := make(map[int]int16)
			for _, batch := range w.batches {
				was, known := acks[batch.request]
				require.True(t, !known || was == batch.acks)
				acks[batch.request] = batch.acks
			}
			start := w.of("play.start")
			most := slices.MaxFunc(start, func(a, b written) int { return a.records - b.records })
			require.LessOrEqual(t, most.records, 2000/28, "the size before compression counts")
			require.Greater(t, most.records, 2000/40)
			debug := w.of("play.debug")
			most = slices.MaxFunc(debug, func(a, b written) int { return a.records - b.records })
			require.GreaterOrEqual(t, most.records, 100, "its own entry decides alone")
			all(t, worthIt(w.of("events")), kind{-1, 3, true}, kindOf)
			all(t, worthIt(start), kind{1, 3, false}, kindOf)
			all(t, worthIt(debug), kind{-1, 1, true}, kindOf)
			all(t, w.of("plain"), kind{1, 0, false}, kindOf)
			b.proof.Bit("requests", int64(len(acks)))
		})
	})
}

// A topic without an entry shares requests with nobody who waits for less long, and the dispatcher
// wakes in time for the quickest.
func TestVirtual_Topics_LingerForAsLongAsTheyAreTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		topics := map[string]int32{"slow": 1, "quick": 1, "events": 1, "none": 1}
		judged(t, proof.Of(t, "F14"), setup{brokers: 1, topics: topics,
			change: func(c *producer.Config) {
				c.Batching.Linger, c.Batching.MaxLinger = 50*time.Millisecond, 400*time.Millisecond
				c.Topics = []producer.TopicConfig{
					{Topic: "slow", Linger: 2 * time.Second},
					{Topic: "quick", Linger: 5 * time.Millisecond},
					{Topic: "none", Linger: producer.NoLinger},
				}
			}}, func(b *bubble) {
			send := func(topic string) {
				require.NoError(t, b.ledger.Send(b.p, producer.Record{Topic: topic}))
			}
			round := func(n int) {
				for i := range n {
					send("slow")
					if i%10 == 0 {
						send("events")
					}
					if i%100 == 50 {
						send("quick")
						send("none")
					}
					time.Sleep(10 * time.Millisecond)
				}
			}
			w := tap(b.k)
			round(1000)
			b.flush()
			for topic := range topics {
				w.of(topic)
			}
			clear(b.longest)
			round(2000) // 20 s
			b.flush()
			slow := w.of("slow")
			require.LessOrEqual(t, len(slow), 12)
			require.GreaterOrEqual(t, len(slow), 5)
			require.LessOrEqual(t, b.longest["slow"], 4100*time.Millisecond)
			require.LessOrEqual(t, b.longest["quick"], 15*time.Millisecond)
			require.LessOrEqual(t, b.longest["none"], 5*time.Millisecond)
			require.LessOrEqual(t, b.longest["events"], 900*time.Millisecond)
			require.LessOrEqual(t, len(w.of("events")), 200)
			b.proof.Bit("batches of the slow topic", int64(len(slow)))
		})
	})
}

func TestVirtual_Topics_ExpireByTheirOwnTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const short, long = 4 * time.Second, time.Minute
		expired := make(map[string][]time.Duration)
		judged(t, proof.Of(t, "F8"), setup{
			topics: map[string]int32{"short": 1, "long": 1, "events": 1},
			change: func(c *producer.Config) {
				c.Priorities.Medium.DeliveryTimeout = 10 * time.Second
				c.Topics = []producer.TopicConfig{
					{Topic: "short", DeliveryTimeout: short},
					{Topic: "long", DeliveryTimeout: long},
				}
			}}, func(b *bubble) {
			b.also = func(r producer.Report) {
				if r.Outcome == producer.Expired {
					expired[r.Topic] = append(expired[r.Topic], r.Waited)
				}
			}
			b.stream(time.Second, 10, "short", "long", "events")
			b.flush()
			b.k.link.Cut()
			b.stream(30*time.Second, 1, "short", "long", "events")
			b.rest()
			b.k.link.Restore()
			b.flush()
			require.Empty(t, expired["long"])
			for topic, timeout := range map[string]time.Duration{"short": short,
				"events": 10 * time.Second} {
				require.NotEmpty(t, expired[topic], topic)
				for _, waited := range expired[topic] {
					require.LessOrEqual(t, waited, timeout, topic)
					require.GreaterOrEqual(t, waited, timeout*15/16-time.Millisecond, topic)
				}
			}
			b.proof.Bit("records of the short topic expired", int64(len(expired["short"])))
		})
	})
}

// A batch that was in flight under other settings is part of it: it keeps its numbers.
func TestVirtual_Topics_ReconfigureReachesThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		judged(t, proof.Of(t, "F14"), setup{topics: map[string]int32{"events": 1, "others": 1}},
			func(b *bubble) {
				w := tap(b.k)
				set := func(entries ...producer.TopicConfig) {
					t.Helper()
					cfg := b.p.Config()
					cfg.Topics = entries
					require.NoError(t, b.p.Reconfigure(cfg))
				}
				kinds := func(events, others kind) {
					t.Helper()
					b.send("events", 20)
					b.send("others", 20)
					b.flush()
					all(t, w.of("events"), events, kindOf)
					all(t, w.of("others"), others, kindOf)
				}
				usual := kind{-1, 0, true}
				kinds(usual, usual)
				set(producer.TopicConfig{Topic: "ev*", Acks: "leader", Compression: "lz4"})
				kinds(kind{1, 3, false}, usual)
				set(producer.TopicConfig{Topic: "ev*", Compression: "gzip"},
					producer.TopicConfig{Topic: "others", Acks: "leader"})
				kinds(kind{-1, 1, true}, kind{1, 0, false})

				// its answer is lost: it comes again as it was, and what comes after it as it is to
				b.loseAnswer(func() { b.sendKey(5) })
				w.of("events")
				set(producer.TopicConfig{Topic: "events", Acks: "leader"})
				b.sendKey(3)
				b.k.link.Restore()
				b.flush()
				events := w.of("events")
				require.Len(t, events, 2)
				require.Equal(t, kind{1, 1, true}, kindOf(events[0]), "its numbers find it out")
				require.Equal(t, kind{1, 0, false}, kindOf(events[1]))
				set()
				kinds(usual, usual)
				cfg := b.p.Config()
				cfg.Batching.Acks, cfg.Batching.Compression = "leader", "snappy"
				require.NoError(t, b.p.Reconfigure(cfg))
				kinds(kind{1, 2, false}, kind{1, 2, false})
				require.Zero(t, b.p.Stats().Total.MaybeDuplicated)
			})
	})
}

// A shorter timeout holds for what waits, at once.
func TestVirtual_Topics_ReconfigureShortensTheTimeOfWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		topics := map[string]int32{"events": 1, "others": 1}
		s := judged(t, proof.Of(t, "F14", "F8"), setup{topics: topics},
			func(b *bubble) {
				b.stream(time.Second, 10, "events", "others")
				b.flush()
				b.k.link.Cut()
				b.send("events", 10)
				b.send("others", 10)
				time.Sleep(30 * time.Second)
				require.EqualValues(t, 20, b.p.Stats().Total.Pending)
				cfg := b.p.Config()
				cfg.Topics = []producer.TopicConfig{{Topic: "events",
					DeliveryTimeout: 20 * time.Second}}
				require.NoError(t, b.p.Reconfigure(cfg))
				time.Sleep(time.Second)
				require.EqualValues(t, 10, b.p.Stats().Total.Pending)
				b.k.link.Restore()
				b.proof.Bit("records that wait", 20)
			})
		require.EqualValues(t, 10, s.Total.Expired+s.Total.PossiblyPersisted)
	})
}

// In a fallback they have other names, and the same settings.
func TestVirtual_Topics_HaveTheirSettingsInAFallbackToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		proven := proof.Of(t, "F14")
		onField(t, proven, two, func(c *producer.Config) {
			c.Priorities.Medium.Fallbacks[0].Prefix = "fb."
			c.Topics = []producer.TopicConfig{
				{Topic: "events", Acks: "leader", Compression: "lz4", DeliveryTimeout: time.Hour},
				{Topic: "fb.events", Compression: "gzip"},
			}
		}, func(f *field) {
			w := tap(f.k["spare"])
			f.stream(time.Second)
			f.k["main"].link.Cut()
			f.stream(30 * time.Second)
			batches := w.of("fb.events")
			proven.Bit("batches that went to the fallback", int64(len(batches)))
			all(t, batches, 1, func(b written) int16 { return b.acks })
			all(t, batches, true, func(b written) bool { return b.codec == 3 || b.bytes < 200 })
			require.True(t, slices.ContainsFunc(batches,
				func(b written) bool { return b.codec == 3 }))
			f.k["main"].link.Restore()
		})
	})
}
