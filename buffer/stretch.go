package buffer

import "sync/atomic"

// widest is how many times the size of a full batch a batch may have before it is compressed.
const widest = 4

// leastLearned is the size of the least batch, in bytes of records, that says how well a topic's
// are compressed: small ones are compressed worse.
const leastLearned = 16 << 10

// packed is which part of their size the batches of a topic keep when they are compressed, in
// 65,536ths, as in the one that was lately compressed worst; 0: not known. It is safe for
// concurrent use.
type packed struct{ part atomic.Uint32 }

// learn notes that so many raw bytes of records were compressed to so many. What is larger than
// before counts at once, what is smaller by and by.
func (p *packed) learn(raw, small int) {
	if raw < leastLearned {
		return
	}
	part, before := uint32((int64(small)<<16)/int64(raw))+1, p.part.Load()
	if part < before {
		part = before - (before-part+7)/8
	}
	p.part.Store(part)
}

// times returns how many times its size a batch may have raw, so that compressed it is likely no
// larger: 1, 2 or 4. An eighth is left for what is compressed worse than before.
func (p *packed) times() int {
	part, times := p.part.Load(), 1
	for part > 0 && times < widest && 2*uint32(times)*part <= 7<<13 {
		times *= 2
	}
	return times
}

// stretchLocked returns the size limit of the records of the open batch of s, which has reached
// limit. A partition has one batch of keyed records in flight, and a request one batch of it. So
// where their topic is compressed, they fill until they are about as large as limit when
// compressed: that needs fewer requests, and a partition that is far away takes more. Un-keyed
// batches spread, and gain nothing.
func (t *Topic) stretchLocked(cfg *Config, s *source, limit int) int {
	b, budget := s.open, t.lane.budget
	if b.extra == 0 {
		extra := t.extraLocked(cfg, s, limit)
		if budget.stretched.Add(int64(extra)) > budget.Max()/allStretched {
			budget.stretched.Add(int64(-extra))
			return limit
		}
		b.extra = extra
	}
	return limit + b.extra
}

// extraLocked returns by how much a batch of s may exceed limit before it is compressed.
func (t *Topic) extraLocked(cfg *Config, s *source, limit int) int {
	if cfg.Codec.None() || s.partition < 0 || s.hold != nil || t.limit > 0 {
		return 0
	}
	times := t.packed.times()
	for times > 1 && int64(times*limit) > t.lane.budget.Max()/oneStretched {
		times /= 2
	}
	return (times - 1) * limit
}

// unstretch notes that b, which is stretched, is not open any more. The compressor is next.
func (b *Batch) unstretch() {
	b.topic.lane.budget.stretched.Add(int64(-b.extra))
	b.extra = 0
}

const (
	// allStretched is the part of the memory that open batches together take beyond full ones, at
	// most. They are not compressed yet, so in an outage the memory would hold less.
	allStretched = 8
	oneStretched = 16 // and the part that one such batch takes
)

// IsLarge reports whether b is larger on the wire than a full batch and has more than one record.
func (b *Batch) IsLarge() bool { return b.records > 1 && b.Size() > b.topic.Config().BatchBytes }

// IsStretched reports whether b is large, and is to be compressed for that reason before it is
// sent.
func (b *Batch) IsStretched() bool {
	return b.kind != Unkeyed && b.stage.Load() == raw && b.IsLarge()
}
