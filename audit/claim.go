package audit

import (
	"fmt"
	"slices"

	"github.com/forebay-go/forebay/delivery"
)

// fate is what became of a record, as its source knows it.
type fate struct {
	kind   fateKind
	reason delivery.Reason // why it was not delivered
	again  bool            // it was written again although an earlier attempt may have succeeded

	// cluster is the name of the one that it was delivered to, or that may have it. Names are those
	// of the source's settings.
	cluster string
}

type fateKind uint8

const (
	fateDelivered fateKind = iota
	fateShed
	fateExpired
	fateRejected
	fatePossible // possibly persisted
	fateRefused  // Send returned an error: it was never accepted
	fateKinds
)

// fateOf returns the fate that a report tells of.
func fateOf(outcome delivery.Outcome, reason delivery.Reason, again bool, cluster string) fate {
	f := fate{reason: reason, again: again}
	if outcome == delivery.Delivered || outcome == delivery.PossiblyPersisted {
		f.cluster = cluster
	}
	switch outcome {
	case delivery.Delivered:
		f.kind = fateDelivered
	case delivery.Shed:
		f.kind = fateShed
	case delivery.Expired:
		f.kind = fateExpired
	case delivery.Rejected:
		f.kind = fateRejected
	default:
		f.kind = fatePossible
	}
	return f
}

// placed reports whether the record is in a cluster, or may be.
func (f *fate) placed() bool { return f.kind == fateDelivered || f.kind == fatePossible }

// perBucket is more than one instance sends to one topic in ten minutes. It bounds what a statement
// that somebody has made up costs.
const perBucket = 1 << 33

// maxRun bounds the records of a run.
const maxRun = 1 << 20

// noOffset is the offset of records whose broker only remembered that it has them.
const noOffset = -1

// run is records of successive sequences with the same fate. Delivered ones are in one partition,
// at successive offsets; or the offset of none is known.
type run struct {
	first, n  uint64
	fate      fate
	partition int32
	offset    int64 // of the first
}

// end returns the sequence after the last.
func (r *run) end() uint64 { return r.first + r.n }

// part returns a part of the run.
func (r *run) part(from, upto uint64) run {
	p := *r
	p.first, p.n = r.first+from, upto-from
	if r.offset != noOffset {
		p.offset += int64(from)
	}
	return p
}

// extend adds a record to the run, if it is the next.
func (r *run) extend(sequence uint64, f fate, partition int32, offset int64) bool {
	if r.n == maxRun || sequence != r.end() || f != r.fate || partition != r.partition {
		return false
	}
	if f.kind == fateDelivered && (offset == noOffset) != (r.offset == noOffset) ||
		r.offset != noOffset && offset != r.offset+int64(r.n) {
		return false
	}
	r.n++
	return true
}

// claim is a statement of a source: the numbers that it has given to records of one topic in one
// bucket, and what became of some of them. A bucket has several claims when one would be too large:
// parts 0, 1, … They are cumulative: each version of a part has all that the version before had.
type claim struct {
	instance    string
	run         uint64
	topic       string
	bucket      Bucket
	part        uint32
	first, next uint64 // the numbers of the bucket so far: first to next-1

	// final is set in the last part when no more numbers and no more fates will follow. Numbers
	// that no part has a fate for have none.
	final bool
	runs  []run
}

func (c *claim) stream() Stream {
	return Stream{Instance: IDOf(c.instance), Run: c.run, Topic: c.topic}
}

// key is that of the statement in the audit topic.
func (c *claim) key() []byte {
	return fmt.Appendf(nil, "claim/%s/%016x/%s/%d/%d", c.instance, c.run, c.topic, c.bucket, c.part)
}

func (c *claim) encode() []byte {
	e := encode(kindClaim)
	e.string(c.instance)
	e.fixed(c.run)
	e.string(c.topic)
	e.uint(uint64(c.bucket))
	e.uint(uint64(c.part))
	e.uint(c.first)
	e.uint(c.next - c.first)
	e.bool(c.final)
	var clusters []string
	for i := range c.runs {
		if f := &c.runs[i].fate; f.placed() && !slices.Contains(clusters, f.cluster) {
			clusters = append(clusters, f.cluster)
		}
	}
	e.uint(uint64(len(clusters)))
	for _, name := range clusters {
		e.string(name)
	}
	e.uint(uint64(len(c.runs)))
	after, offset := c.first, int64(0)
	for i := range c.runs {
		r := &c.runs[i]
		e.byte(byte(r.fate.kind)<<1 | bit(r.fate.again))
		e.int(int64(r.first - after))
		e.uint(r.n)
		after = r.end()
		if r.fate.placed() {
			e.uint(uint64(slices.Index(clusters, r.fate.cluster)))
		}
		if r.fate.kind != fateDelivered {
			e.byte(byte(r.fate.reason))
			continue
		}
		e.uint(uint64(r.partition))
		e.bool(r.offset != noOffset)
		if r.offset != noOffset {
			e.int(r.offset - offset)
			offset = r.offset + int64(r.n)
		}
	}
	return e.b
}

func decodeClaim(d *decoder) (*claim, error) {
	c := &claim{instance: d.string(), run: d.fixed(), topic: d.string(), bucket: Bucket(d.uint()),
		part: uint32(d.uint()), first: d.uint()}
	if given := d.uint(); c.first < sequences && given <= perBucket {
		c.next = c.first + given
	} else {
		d.fail()
	}
	c.final = d.bool()
	clusters := make([]string, d.count())
	for i := range clusters {
		clusters[i] = d.string()
	}
	c.runs = make([]run, d.count())
	after, offset := c.first, int64(0)
	for i := range c.runs {
		r := &c.runs[i]
		code := d.byte()
		r.fate.kind, r.fate.again = fateKind(code>>1), code&1 == 1
		r.first = after + uint64(d.int())
		r.n = d.uint()
		if after = r.end(); r.fate.kind >= fateKinds || r.first < c.first || after > c.next ||
			r.n > maxRun || r.n == 0 {
			d.fail()
		}
		r.offset = noOffset
		if r.fate.placed() {
			if n := d.uint(); n < uint64(len(clusters)) {
				r.fate.cluster = clusters[n]
			} else {
				d.fail()
			}
		}
		if r.fate.kind != fateDelivered {
			r.fate.reason = delivery.Reason(d.byte())
			continue
		}
		if r.partition = d.int32(); d.bool() {
			r.offset = offset + d.int()
			offset = r.offset + int64(r.n)
		}
	}
	return c, d.end()
}
