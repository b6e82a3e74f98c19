package audit

import (
	"fmt"
	"math/rand"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/forebay-go/forebay/delivery"
)

// world is a model of instances, of the logs that they write to, and of what is true of each
// record. Its statements are those of the real streams and segments.
type world struct {
	t       *rapid.T
	logs    [][]entry // by partition
	sources []*worldSource
	want    Counts
	values  [][]byte // statements, in the order in which they were made
}

type entry struct {
	header *Header // nil: a record without one
}

type worldSource struct {
	*Source
	stream *stream
}

const worldTopic = "views"

// history is the start of the first bucket of a world.
var history = BucketOf(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))

func newWorld(t *rapid.T) *world {
	w := &world{t: t, logs: make([][]entry, rapid.IntRange(1, 3).Draw(t, "partitions"))}
	w.want.Reasons = make(map[delivery.Reason]uint64)
	for i := range rapid.IntRange(1, 3).Draw(t, "sources") {
		s, err := NewSource(SourceConfig{Instance: fmt.Sprintf("instance-%d", i)})
		require.NoError(t, err)
		w.sources = append(w.sources, &worldSource{s, s.stream(worldTopic)})
	}
	return w
}

// append puts a record into a log and returns its offset.
func (w *world) append(partition int, h *Header) int64 {
	w.logs[partition] = append(w.logs[partition], entry{header: h})
	return int64(len(w.logs[partition]) - 1)
}

// send sends a record through a source, and draws what becomes of it.
func (w *world) send(bucket Bucket) {
	s := w.sources[rapid.IntRange(0, len(w.sources)-1).Draw(w.t, "source")]
	partition := rapid.IntRange(0, len(w.logs)-1).Draw(w.t, "partition")
	n := uint64(rapid.SampledFrom([]int{1, 1, 1, 2, 5, 40}).Draw(w.t, "batch"))
	what := rapid.SampledFrom([]string{"delivered", "delivered", "delivered", "delivered", "again",
		"remembered", "shed", "expired", "refused", "persisted", "not persisted", "lost",
		"copied", "contradicted"}).Draw(w.t, "what")
	for range n {
		sequence, in, ok := s.stream.stamp(bucket)
		require.True(w.t, ok)
		h := &Header{Instance: s.id, Run: s.run, Sequence: sequence, Bucket: in}
		w.want.Numbered++
		w.become(s.stream, h, partition, what)
	}
}

func (w *world) become(s *stream, h *Header, partition int, what string) {
	settle := func(f fate, offset int64) { s.settle(h.Sequence, f, int32(partition), offset) }
	count := func(n *uint64) { *n++ }
	c := &w.want
	switch what {
	case "delivered":
		settle(fate{}, w.append(partition, h))
		count(&c.Delivered)
		count(&c.Seen)
	case "again":
		w.append(partition, h)
		settle(fate{again: true}, w.append(partition, h))
		count(&c.Delivered)
		count(&c.Seen)
		count(&c.Copies)
		count(&c.Explained)
	case "remembered":
		w.append(partition, h)
		settle(fate{}, noOffset)
		count(&c.Delivered)
		count(&c.Seen)
	case "shed":
		settle(fate{kind: fateShed, reason: delivery.Closed}, noOffset)
		count(&c.Shed)
		c.Reasons[delivery.Closed]++
	case "expired":
		settle(fate{kind: fateExpired, reason: delivery.DeliveryTimeout}, noOffset)
		count(&c.Expired)
		c.Reasons[delivery.DeliveryTimeout]++
	case "refused":
		settle(fate{kind: fateRefused}, noOffset)
		count(&c.Refused)
	case "persisted", "not persisted":
		settle(fate{kind: fatePossible, reason: delivery.Unanswered}, noOffset)
		count(&c.PossiblyPersisted)
		c.Reasons[delivery.Unanswered]++
		if what == "not persisted" {
			count(&c.NotPersisted)
			return
		}
		w.append(partition, h)
		count(&c.Persisted)
		count(&c.Seen)
	case "lost":
		settle(fate{}, w.append(partition, nil)) // another record is there
		count(&c.Delivered)
		count(&c.Lost)
	case "copied":
		settle(fate{}, w.append(partition, h))
		w.append(partition, h)
		count(&c.Delivered)
		count(&c.Seen)
		count(&c.Copies)
		count(&c.Unexplained)
	case "contradicted":
		settle(fate{kind: fateShed, reason: delivery.Closed}, noOffset)
		w.append(partition, h)
		count(&c.Shed)
		c.Reasons[delivery.Closed]++
		count(&c.Seen)
		count(&c.Contradicted)
	}
}

// state makes the sources state what they know.
func (w *world) state(now Bucket, last bool) {
	for _, s := range w.sources {
		todo, _ := s.stream.unsaid(now, last, time.Time{})
		for i := range todo {
			t := &todo[i]
			t.claim.instance, t.claim.run, t.claim.topic = s.cfg.Instance, s.run, worldTopic
			value := t.encoded
			if value == nil {
				value = t.claim.encode()
			}
			if t.full && t.encoded == nil {
				s.stream.encoded(t.part, value)
			}
			delivered := last || rapid.IntRange(0, 9).Draw(w.t, "stated") > 0
			if delivered {
				w.values = append(w.values, value)
			}
			s.stream.answered(t, delivered)
		}
	}
}

// read has a reader read a log from an offset, in segments of any length, each stated several
// times.
func (w *world) read(reader string, partition int, from, upto int64) {
	log := w.logs[partition]
	seg := newSegment(reader, worldTopic, int32(partition), 0, from)
	for offset := from; offset < upto; offset++ {
		if h := log[offset].header; h != nil {
			seg.see(h, offset)
		}
		seg.pass(offset + 1)
		if rapid.IntRange(0, 20).Draw(w.t, "state") == 0 {
			w.values = append(w.values, seg.encode())
		}
		if rapid.IntRange(0, 30).Draw(w.t, "roll") == 0 {
			w.values = append(w.values, seg.encode())
			seg = newSegment(reader, worldTopic, int32(partition), 0, offset+1)
		}
	}
	w.values = append(w.values, seg.encode())
}

// ledger returns a ledger that got all statements in a random order, some of them twice.
func (w *world) ledger() *Ledger {
	l := NewLedger()
	values := append([][]byte(nil), w.values...)
	for range rapid.IntRange(0, 10).Draw(w.t, "twice") {
		if len(values) > 0 {
			values = append(values, values[rapid.IntRange(0, len(values)-1).Draw(w.t, "which")])
		}
	}
	rand.New(rand.NewSource(rapid.Int64().Draw(w.t, "order"))).Shuffle(len(values), func(i, j int) {
		values[i], values[j] = values[j], values[i]
	})
	now := time.Now()
	for _, v := range values {
		require.NoError(w.t, l.Add(v, now))
		if rapid.IntRange(0, 20).Draw(w.t, "report") == 0 {
			l.Report(now)
		}
		if rapid.IntRange(0, 50).Draw(w.t, "judge") == 0 {
			l.Judge(now, false)
			require.Zero(w.t, l.Report(now).Total.Lost, "statements are on their way")
			requireFresh(w.t, l, now)
		}
	}
	return l
}

// requireFresh checks that what a ledger keeps of its accounts for reports is what they have now.
func requireFresh(t *rapid.T, l *Ledger, now time.Time) {
	kept := l.Report(now)
	for _, a := range l.accounts {
		a.known = nil
	}
	require.Equal(t, l.Report(now), kept)
}

// Whatever becomes of records, and in whatever order statements come and how often: what the ledger
// finds is what is true.
func TestLedger_FindsWhatIsTrue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		bucket := history
		for range rapid.IntRange(1, 60).Draw(t, "sends") {
			w.send(bucket)
			if rapid.IntRange(0, 9).Draw(t, "bucket") == 0 {
				bucket++
			}
			if rapid.IntRange(0, 9).Draw(t, "claim") == 0 {
				w.state(bucket, false)
			}
		}
		w.state(bucket, true)
		for i, log := range w.logs {
			end := int64(len(log))
			cut := rapid.Int64Range(0, end).Draw(t, "rebalance")
			again := rapid.Int64Range(0, cut).Draw(t, "overlap")
			w.read("a", i, 0, cut)
			w.read("b", i, again, end)
		}
		l := w.ledger()
		now := time.Now()
		ends := make(map[int32]int64)
		for i, log := range w.logs {
			ends[int32(i)] = int64(len(log))
		}
		l.Ends(worldTopic, ends)
		l.Judge(now, true)
		r := l.Report(now)
		requireFresh(t, l, now)
		require.Equal(t, w.want, r.Total)
		for _, row := range r.Rows {
			require.True(t, row.Closed || row.Numbered == 0, "%+v", row)
		}
	})
}

// Where readers have not come to, nothing is lost, and nothing else is decided.
func TestLedger_DecidesNothingAboutWhatNobodyHasRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		for range rapid.IntRange(1, 40).Draw(t, "sends") {
			w.send(history)
		}
		w.state(history, true)
		for i, log := range w.logs {
			w.read("a", i, 0, rapid.Int64Range(0, int64(len(log))).Draw(t, "end"))
		}
		l := w.ledger()
		now := time.Now()
		for range 4 {
			now = now.Add(time.Minute)
			l.Judge(now, false)
		}
		c := l.Report(now).Total
		require.LessOrEqual(t, c.Lost, w.want.Lost)
		require.LessOrEqual(t, c.Unexplained, w.want.Unexplained)
		require.LessOrEqual(t, c.NotPersisted, w.want.NotPersisted)
		require.Zero(t, c.NotPersisted, "no reader has said that it is at the end")
		require.Equal(t, w.want.Delivered, c.Delivered)
	})
}
