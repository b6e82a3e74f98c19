package audit

// segment is what a reader has read of a partition and will state in one sight.
type segment struct {
	sight
	origins map[origin]int // index in sight.streams
	last    map[int]int    // by origin: index of its newest run
	changed bool           // since it was stated last
}

// runsInSight is how many runs fill a sight. They take 80 KB here, and up to 20 KB in the
// statement.
const runsInSight = 2000

func newSegment(reader, topic string, partition int32, generation uint32, from int64) *segment {
	return &segment{sight: sight{reader: reader, topic: topic, partition: partition,
		generation: generation, from: from, upto: from},
		origins: make(map[origin]int), last: make(map[int]int)}
}

// full reports whether the next record goes into another segment.
func (s *segment) full() bool {
	return len(s.runs)+len(s.swaps)+len(s.skipped) >= runsInSight || s.upto-s.from >= 1<<30
}

// pass notes that all offsets before next were read.
func (s *segment) pass(next int64) {
	s.upto = next
	s.changed = true
}

// skip notes that nobody reads the offsets from the end of the segment to start.
func (s *segment) skip(start int64) {
	s.skipped = append(s.skipped, span{s.upto, start})
	s.pass(start)
}

// see notes a record with a header.
func (s *segment) see(h *Header, offset int64) {
	i := s.origin(origin{h.Instance, h.Run})
	if n, ok := s.last[i]; ok && s.runs[n].extend(h, offset) {
		return
	}
	s.last[i] = len(s.runs)
	s.runs = append(s.runs, sightingOf(i, h, offset))
}

func (s *segment) origin(o origin) int {
	i, ok := s.origins[o]
	if !ok {
		i = len(s.streams)
		s.origins[o] = i
		s.streams = append(s.streams, o)
	}
	return i
}

// swap notes a record that stands behind a later one of its key.
func (s *segment) swap(h *Header, offset int64) {
	i := s.origin(origin{h.Instance, h.Run})
	if n := len(s.swaps); n > 0 && s.swaps[n-1].origin == i && s.swaps[n-1].extend(h, offset) {
		return
	}
	s.swaps = append(s.swaps, sightingOf(i, h, offset))
}
