package simulate

import (
	"math"

	"github.com/forebay-go/forebay/cmd/forebay/internal/fleet"
)

// flow is the topics of one entry of the fleet file, as each instance sends them.
type flow struct {
	timeout  float64 // seconds
	rate     float64 // records/s
	wire     float64 // bytes of a record, compressed
	size     float64 // bytes of a record
	ratio    float64 // of compression
	streams  float64 // batches that are open at a time
	most     float64 // records of full batches, of all streams together
	batch    float64 // the size of a full batch
	copies   float64 // replicas
	perVisit float64 // batches that one request takes
}

func newFlow(f *fleet.Fleet, t *fleet.Topic, partitions float64) flow {
	l := flow{timeout: f.Settings.DeliveryTimeout.Of(t.Priority).Seconds(),
		rate: t.InstanceRecordsPerSecond, size: float64(t.RecordBytes + fleet.RecordFraming),
		ratio: t.CompressionRatio, streams: float64(t.Count),
		batch: float64(f.Settings.BatchBytes), copies: float64(t.Replicas),
		perVisit: float64(t.Count) * partitions}
	if t.Keyed {
		l.streams *= float64(t.Partitions)
	}
	l.wire = l.size / l.ratio
	l.most = l.streams * max(1, math.Floor(l.batch/l.size))
	return l
}

// batches returns how many batches so many records make that come at about the same time.
func (l *flow) batches(records float64) float64 {
	return max(l.streams*(1-math.Exp(-records/l.streams)), records*l.streams/l.most)
}

// openBytes returns the memory of open batches with so many records.
func (l *flow) openBytes(records float64) float64 {
	if records <= 0 {
		return 0
	}
	n := l.batches(records)
	return n * (fleet.Grown(records*l.size/n, l.batch) + fleet.BatchOverhead)
}

// sealedBytes returns the memory of the same batches once they take no more records.
func (l *flow) sealedBytes(records float64) float64 {
	n := l.batches(records)
	bytes := fleet.Grown(records*l.size/n, l.batch)
	if l.ratio > 1 {
		bytes = min(bytes, fleet.Fitting(records*l.wire/n))
	}
	return n * (bytes + fleet.BatchOverhead)
}

// batch is the batches of a flow that were open at about the same time.
type batch struct {
	born    float64 // of the oldest record
	records float64 // that are left
	made    float64 // that there were
	batches float64 // that there were
	held    float64 // bytes of memory, for those that there were
}

// sealedApart is how many batches a flow keeps apart in a delivery timeout, or a few more. So those
// that fill in no time need no more memory in a longer outage.
const sealedApart = 256

// bytes returns the memory that is left.
func (b *batch) bytes() float64 {
	if b.made == 0 {
		return 0
	}
	return b.held * b.records / b.made
}

// backlog is what waits of a flow in an instance, the oldest first.
type backlog struct {
	sealed  []batch
	open    batch
	records float64
	held    float64  // bytes of memory
	lane    *float64 // the sum of held of all flows of the lane
}

// hold adds to the memory that is held.
func (q *backlog) hold(bytes float64) {
	q.held += bytes
	*q.lane += bytes
}

// seal closes the open batches if they are full or old.
func (q *backlog) seal(l *flow, now float64) {
	if q.open.records == 0 ||
		q.open.records < l.most && now-q.open.born < l.timeout*fleet.SealedAfter {
		return
	}
	b := q.open
	b.made, b.batches, b.held = b.records, l.batches(b.records), l.sealedBytes(b.records)
	q.hold(b.held - q.open.held)
	q.open = batch{}
	if n := len(q.sealed); n > 0 && b.born-q.sealed[n-1].born < l.timeout/sealedApart {
		q.sealed[n-1].join(&b)
		return
	}
	q.sealed = append(q.sealed, b)
}

// join adds batches that are younger. Nothing of b has been sent.
func (b *batch) join(younger *batch) {
	b.records += younger.records
	b.made += younger.made
	b.batches += younger.batches
	b.held += younger.held
}

// add adds records to the open batches, which hold so many bytes then.
func (q *backlog) add(records, held, now float64) {
	if q.open.records == 0 {
		q.open.born = now
	}
	q.hold(held - q.open.held)
	q.open.records += records
	q.open.held = held
	q.records += records
}

// expire drops what is older than the delivery timeout, and returns how many records.
func (q *backlog) expire(l *flow, now float64) (lost float64) {
	for len(q.sealed) > 0 && q.sealed[0].born+l.timeout <= now {
		lost += q.drop()
	}
	if q.open.records > 0 && q.open.born+l.timeout <= now {
		lost += q.clear()
	}
	return lost
}

// drop drops the oldest batches, and returns how many records they had.
func (q *backlog) drop() (records float64) {
	if len(q.sealed) == 0 {
		return q.clear()
	}
	b := &q.sealed[0]
	records = b.records
	q.records -= records
	q.hold(-b.bytes())
	q.sealed = q.sealed[1:]
	return records
}

// clear drops the open batches.
func (q *backlog) clear() (records float64) {
	records = q.open.records
	q.records -= records
	q.hold(-q.open.held)
	q.open = batch{}
	return records
}

// send takes so many records, the oldest first, and returns in how many batches they were.
func (q *backlog) send(l *flow, records float64) (batches float64) {
	const dust = 1e-6
	for records > dust && len(q.sealed) > 0 {
		b := &q.sealed[0]
		n := min(records, b.records)
		batches += b.batches * n / b.made
		before := b.bytes()
		b.records -= n
		q.hold(b.bytes() - before)
		q.records -= n
		records -= n
		if b.records <= dust {
			q.records -= b.records
			q.hold(-b.bytes())
			q.sealed = q.sealed[1:]
		}
	}
	if records > dust && q.open.records > 0 {
		n := min(records, q.open.records)
		batches += l.batches(n)
		q.records -= n
		q.hold(-q.open.held)
		if q.open.records -= n; q.open.records <= dust {
			q.records -= q.open.records
			q.open = batch{}
		}
		q.open.held = l.openBytes(q.open.records)
		q.hold(q.open.held)
	}
	return batches
}
