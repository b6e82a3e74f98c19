package buffer

import (
	"sync/atomic"
	"time"
)

// HeaderBytes is the size of a RecordBatch's header, which precedes the records. The header belongs
// to an attempt to send the batch: producer ID, epoch and sequence differ between partitions.
const HeaderBytes = 61

// batchOverhead is what the budget counts for a batch beside its buffer: the struct and its entries
// in lists.
const batchOverhead = 320

// metaBytes is the size of a meta.
const metaBytes = 16

// meta is what a delivery report needs of a record beside its contents. It is kept only with
// reports.
type meta struct {
	tag  uint64
	born time.Duration // monotonic time of Send
}

// Kind says how the partition of a batch is chosen.
type Kind uint8

// The kinds.
const (
	Unkeyed  Kind = iota // any partition, chosen when it is sent
	Keyed                // the key's, for a given number of partitions
	Explicit             // named by the caller
)

// Batch is a RecordBatch v2 without its header. While it is open or waits, its topic's lock guards
// it. After Take it belongs to the caller, until Requeue or Resolve gives it back. Its records do
// not change after it was sealed.
type Batch struct {
	topic *Topic
	hold  *Hold  // what it waits for, or waited for when it was given up; nil: nothing
	body  []byte // records in wire format; after compression the compressed ones
	sum   sum    // of body, as far as it was taken
	metas []meta // nil without reports
	calls []call // of the records that have one, in their order
	// writes to a connection that read body now; see Lent
	lent atomic.Int32

	reports  bool // metas are kept
	sums     bool // body is summed while it is written, for it will not be compressed
	records  int
	baseTime int64 // timestamp of the first record, milliseconds since 1970
	maxTime  int64
	born     time.Duration // monotonic time of its oldest Send
	last     time.Duration // no Send in it is newer
	opened   time.Duration // monotonic time of opening; parts of a divided batch keep it
	ttl      time.Duration // from born to giving up, if its records have a TTL; 0: they have none
	order    uint64        // place among the batches of its topic, by the time of opening

	kind      Kind
	partition int32 // -1: none yet
	dueAt     int32 // its index in the dues of topic
	// Keyed: how many partitions the topic had when the partition was computed; 0: unknown
	count int32

	rawBytes int  // of the body before compression; 0: not compressed
	codec    int8 // Kafka's number of the compression; 0: none
	stage    atomic.Int32

	held  int64 // bytes taken from the budget
	extra int   // while it is open: bytes by which it may exceed a full batch

	// links of a queue and of the topic's list of all batches; guarded by the lock of topic
	in                           *queue
	prev, next, allPrev, allNext *Batch
	// links of the lane's list of waiting batches; guarded by the lock of lane
	waitPrev, waitNext *Batch
	waits              bool // it is in that list; changed under both locks
	undealt            bool // it waits to be dealt out; guarded by the lock of topic

	// History is what has happened to the batch since it was sealed. It belongs to the dispatcher.
	History History
}

// History is what has been tried with a batch.
type History struct {
	Attempts int // how often it was or may have been written
	// the last attempt was written and never answered: it must be sent again unchanged, to the same
	// partition
	Unresolved bool
	// some attempt was written and never answered: even if undelivered, it may be in Kafka
	MaybeWritten bool
	Counted      bool // its records were counted as maybe duplicated
	Damaged      int  // how often it arrived damaged
}

// The stages of compression.
const (
	raw int32 = iota
	compressing
	final // compressed, or left as it is
)

// Topic returns the topic of b.
func (b *Batch) Topic() *Topic { return b.topic }

// Hold returns what b waited for when it was taken, nil if for nothing: then it was to be given up.
func (b *Batch) Hold() *Hold { return b.hold }

// Records returns how many records b holds.
func (b *Batch) Records() int { return b.records }

// Size returns the bytes of b on the wire with its header.
func (b *Batch) Size() int { return HeaderBytes + len(b.body) }

// RawSize returns the bytes of b with its header, before compression.
func (b *Batch) RawSize() int {
	if b.rawBytes > 0 {
		return HeaderBytes + b.rawBytes
	}
	return b.Size()
}

// Body returns the bytes after the header on the wire. They are valid until b is resolved, and must
// not be changed.
func (b *Batch) Body() []byte { return b.body }

// Lent counts the writes to a connection that read Body now. A write may last longer than the
// attempt that began it, and longer than b: a body that is lent is not used again. Only an attempt
// that was neither revoked nor has ended may begin a write.
func (b *Batch) Lent() *atomic.Int32 { return &b.lent }

// Held returns the bytes that the budget counts for b.
func (b *Batch) Held() int64 { return b.held }

// Codec returns Kafka's number of the compression of Body: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd.
func (b *Batch) Codec() int8 { return b.codec }

// Times returns the first and the highest timestamp, in milliseconds since 1970.
func (b *Batch) Times() (base, highest int64) { return b.baseTime, b.maxTime }

// Born returns the monotonic time of the oldest Send in b.
func (b *Batch) Born() time.Duration { return b.born }

// Last returns a monotonic time that no Send in b is newer than.
func (b *Batch) Last() time.Duration { return b.last }

// Kind returns how the partition of b is found.
func (b *Batch) Kind() Kind { return b.kind }

// Partition returns the partition of a keyed or explicit batch, -1 for an un-keyed one.
func (b *Batch) Partition() int32 { return b.partition }

// BuiltForOther reports whether b is keyed and was built for a number of partitions other than
// count.
func (b *Batch) BuiltForOther(count int32) bool { return b.kind == Keyed && b.count != count }

// fits reports whether b may take a record of n framed bytes.
func (b *Batch) fits(n, limit int) bool { return b.records == 0 || len(b.body)+n <= limit }

// measure returns the deltas of r as the next record of b, its size and its framed size.
func (b *Batch) measure(r *Record) (timeDelta int64, size, framed int) {
	if b.records > 0 {
		timeDelta = r.Timestamp - b.baseTime
	}
	size = r.bodySize(timeDelta, int64(b.records))
	return timeDelta, size, size + varintSize(int64(size))
}

// add appends r. The caller has measured it, and has made room for it.
func (b *Batch) add(r *Record, born time.Duration, timeDelta int64, size int) {
	if b.records == 0 {
		b.baseTime, b.maxTime, b.born = r.Timestamp, r.Timestamp, born
	}
	b.maxTime, b.last = max(b.maxTime, r.Timestamp), max(b.last, born)
	b.body = r.appendTo(b.body, size, timeDelta, int64(b.records))
	b.records++
	if b.sums && len(b.body)-b.sum.of >= sumPiece {
		b.sum.extend(b.body)
	}
	if b.reports {
		b.metas = append(b.metas, meta{tag: r.Tag, born: born})
	}
	if r.Call != nil {
		b.calls = append(b.calls, call{index: b.records - 1, tag: r.Tag, born: born, call: r.Call})
	}
}

// full reports whether b must grow before r, of n framed bytes, is added.
func (b *Batch) full(r *Record, n int) bool {
	return len(b.body)+n > cap(b.body) || b.reports && len(b.metas) == cap(b.metas) ||
		r.Call != nil && len(b.calls) == cap(b.calls)
}

// makeRoom has b grow for r, of n framed bytes, if the budget and the topic's share allow it.
func (b *Batch) makeRoom(r *Record, n, limit int, now time.Duration) error {
	if err := b.grow(n, limit, now); err != nil || r.Call == nil {
		return err
	}
	return b.allowCall(now)
}

// grow makes room for n more bytes and one more meta, if the budget and the topic's share allow it.
func (b *Batch) grow(n, limit int, now time.Duration) error {
	l := b.topic.lane
	body, metas := cap(b.body), cap(b.metas)
	if len(b.body)+n > body {
		body = roundUp(max(len(b.body)+n, min(2*body, limit)))
	}
	if b.reports && len(b.metas) == metas {
		metas = max(16, 2*metas)
	}
	if body == cap(b.body) && metas == cap(b.metas) {
		return nil
	}
	more := int64(body-cap(b.body)) + int64(metas-cap(b.metas))*metaBytes
	if err := b.reserve(more, now); err != nil {
		return err
	}
	b.held += more
	if body != cap(b.body) {
		larger := append(l.pool.get(body), b.body...)
		l.pool.put(b.body)
		b.body = larger
	}
	if metas != cap(b.metas) {
		b.metas = append(make([]meta, 0, metas), b.metas...)
	}
	return nil
}

// reserve takes n bytes for b, if the budget, the topic's share and that of what is on hold allow
// it.
func (b *Batch) reserve(n int64, now time.Duration) error {
	if b.hold == nil {
		return b.topic.reserve(n, now)
	}
	err := b.topic.lane.budget.reserveOnHold(n, func() error { return b.topic.reserve(n, now) })
	if err != nil {
		b.topic.short.Store(n)
	}
	return err
}

// unreserve gives back the memory of a batch that was not begun after all.
func (b *Batch) unreserve() {
	if b.hold != nil {
		b.topic.lane.budget.onHold.Add(-b.held)
	}
	b.Release()
}

// Release gives back the memory of a batch that was resolved and kept. Nothing may refer to its
// body any more.
func (b *Batch) Release() {
	b.dropBody()
	b.metas, b.calls = nil, nil
	b.charge(-b.held)
}

// dropBody gives the buffer of b to the pool. One that is lent is left to the garbage collector.
func (b *Batch) dropBody() {
	if b.lent.Load() == 0 {
		b.topic.lane.pool.put(b.body)
	}
	b.body = nil
}

// charge adds n bytes, which may be negative, to what b holds, whether they fit or not.
func (b *Batch) charge(n int64) {
	l := b.topic.lane
	b.held += n
	b.topic.held.Add(n)
	l.budget.Adjust(l.cfg.Load().Class, n)
}

// Each calls yield for every record of b, with its index and the monotonic time of its Send. That
// is the time of the oldest Send without reports, for a record that has no Call. Keys and values
// point into memory that b owns.
func (b *Batch) Each(yield func(i int, r *Record, born time.Duration)) error {
	body, err := b.plain()
	if err != nil {
		return err
	}
	calls := b.calls
	for i := range b.records {
		var r Record
		if r, body, err = readRecord(body, b.baseTime); err != nil {
			return err
		}
		born := b.born
		r.TTL = b.ttl
		if b.metas != nil {
			r.Tag, born = b.metas[i].tag, b.metas[i].born
		}
		if len(calls) > 0 && calls[0].index == i {
			r.Call, r.Tag, born = calls[0].call, calls[0].tag, calls[0].born
			calls = calls[1:]
		}
		yield(i, &r, born)
	}
	return nil
}

// EachTag calls yield for every record of b, with its tag and the monotonic time of its Send. It
// requires reports.
func (b *Batch) EachTag(yield func(i int, tag uint64, born time.Duration)) {
	for i, m := range b.metas {
		yield(i, m.tag, m.born)
	}
}
