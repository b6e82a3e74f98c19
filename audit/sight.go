package audit

import (
	"encoding/binary"
	"fmt"
)

// sight is a statement of a reader: what it has read in a span of the offsets of a partition. It is
// cumulative: the next version of a sight begins at the same offset, and has all that the version
// before had.
type sight struct {
	reader     string
	topic      string
	partition  int32
	generation uint32 // of the partition's log; it grows when offsets begin anew
	from, upto int64  // the offsets that were read: from to upto-1

	skipped []span // offsets among these that nobody reads: retention was faster
	bare    uint64 // records without a header
	garbled uint64 // records with a header that could not be read
	streams []origin
	runs    []sighting
	swaps   []sighting // records behind a later one of their key
	cluster string     // with the topic, as the settings of sources call it; empty: not known
	log     logID      // what Kafka calls the topic; another one when it is made again
}

// logID is what Kafka gives each topic when it is made. Old versions give none: it is zero then.
type logID [16]byte

// perSight bounds how many offsets a sight covers: those that are skipped may be all that a
// partition ever had.
const perSight = 1 << 60

// span is a range of offsets, or of sequences: from to upto-1.
type span struct{ from, upto int64 }

// origin is a stream of the topic of the sight.
type origin struct {
	instance InstanceID
	run      uint64
}

// sighting is records of successive sequences at successive offsets.
type sighting struct {
	origin int // index into streams
	bucket Bucket
	first  uint64
	n      uint64
	offset int64 // of the first
}

func sightingOf(origin int, h *Header, offset int64) sighting {
	return sighting{origin: origin, bucket: h.Bucket, first: h.Sequence, n: 1, offset: offset}
}

// extend adds a record of the same stream to the run, if it is the next.
func (r *sighting) extend(h *Header, offset int64) bool {
	if r.bucket != h.Bucket || r.n >= maxRun || r.first+r.n != h.Sequence ||
		r.offset+int64(r.n) != offset {
		return false
	}
	r.n++
	return true
}

func (s *sight) key() []byte {
	return fmt.Appendf(nil, "sight/%s/%d/%d/%d/%s", s.topic, s.partition, s.generation, s.from,
		s.reader)
}

func (s *sight) encode() []byte {
	e := encode(kindSight)
	e.string(s.reader)
	e.string(s.topic)
	e.uint(uint64(s.partition))
	e.uint(uint64(s.generation))
	e.uint(uint64(s.from))
	e.uint(uint64(s.upto - s.from))
	e.uint(uint64(len(s.skipped)))
	for _, r := range s.skipped {
		e.uint(uint64(r.from - s.from))
		e.uint(uint64(r.upto - r.from))
	}
	e.uint(s.bare)
	e.uint(s.garbled)
	e.uint(uint64(len(s.streams)))
	for _, o := range s.streams {
		e.fixed(uint64(o.instance))
		e.fixed(o.run)
	}
	s.encodeRuns(e, s.runs)
	s.encodeRuns(e, s.swaps)
	e.b = append(e.b, s.log[:]...)
	e.string(s.cluster)
	return e.b
}

// encodeRuns writes most runs as a few bytes each: the differences to what would follow.
func (s *sight) encodeRuns(e *encoder, runs []sighting) {
	e.uint(uint64(len(runs)))
	after := make([]uint64, len(s.streams))
	bucket, offset := Bucket(0), s.from
	for _, r := range runs {
		e.uint(uint64(r.origin))
		e.int(int64(r.bucket) - int64(bucket))
		e.int(int64(r.first - after[r.origin]))
		e.uint(r.n)
		e.int(r.offset - offset)
		bucket, after[r.origin], offset = r.bucket, r.first+r.n, r.offset+int64(r.n)
	}
}

func decodeSight(d *decoder) (*sight, error) {
	s := &sight{reader: d.string(), topic: d.string(), partition: d.int32(),
		generation: uint32(d.uint()), from: int64(d.uint())}
	s.upto = s.from + int64(d.uint())
	if s.from < 0 || s.upto < s.from || s.upto-s.from > perSight {
		d.fail()
	}
	s.skipped = make([]span, d.count())
	for i := range s.skipped {
		from := s.from + int64(d.uint())
		s.skipped[i] = span{from, from + int64(d.uint())}
		if r := s.skipped[i]; r.from < s.from || r.upto < r.from || r.upto > s.upto {
			d.fail()
		}
	}
	s.bare, s.garbled = d.uint(), d.uint()
	s.streams = make([]origin, d.count())
	for i := range s.streams {
		s.streams[i] = origin{InstanceID(d.fixed()), d.fixed()}
	}
	s.runs = s.decodeRuns(d)
	s.swaps = s.decodeRuns(d)
	binary.BigEndian.PutUint64(s.log[:8], d.fixed())
	binary.BigEndian.PutUint64(s.log[8:], d.fixed())
	s.cluster = d.string()
	return s, d.end()
}

func (s *sight) decodeRuns(d *decoder) []sighting {
	runs := make([]sighting, d.count())
	after := make([]uint64, len(s.streams))
	bucket, offset := Bucket(0), s.from
	for i := range runs {
		r := &runs[i]
		o := d.uint()
		if o >= uint64(len(s.streams)) {
			d.fail()
			return nil
		}
		r.origin = int(o)
		r.bucket = Bucket(int64(bucket) + d.int())
		r.first = after[o] + uint64(d.int())
		r.n = d.uint()
		r.offset = offset + d.int()
		bucket, after[o], offset = r.bucket, r.first+r.n, r.offset+int64(r.n)
		if r.offset < s.from || offset > s.upto || r.n > maxRun || r.first >= sequences {
			d.fail()
			return nil
		}
	}
	return runs
}
