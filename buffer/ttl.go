package buffer

import (
	"math"
	"math/bits"
	"time"
)

const (
	// ttlParts is the part of its TTL for which a batch takes records: a batch expires as a whole.
	// TTLs that differ by less than such a part count as one. Together a record loses less than a
	// sixteenth of its TTL.
	ttlParts = 32
	// maxTimed is how many open batches a topic has for un-keyed records with different TTLs.
	maxTimed = 16
	// never is a time that does not come.
	never = time.Duration(math.MaxInt64)
)

// classOf returns the TTL of the batch for a record with that TTL: less by a thirty-second at most,
// so that few batches are open where each record has another TTL.
func classOf(ttl time.Duration) time.Duration {
	drop := max(bits.Len64(uint64(ttl))-bits.Len(ttlParts), 0)
	return ttl >> drop << drop
}

// takes reports whether the open batch b, whose oldest record has some age, takes r: a batch
// expires as a whole, and no record of it may lose more than a sixteenth of its time.
func (b *Batch) takes(cfg *Config, r *Record, age time.Duration) bool {
	if r.TTL|b.ttl == 0 { // as most often
		return age < cfg.DeliveryTimeout/16
	}
	return b.ttl == classOf(r.TTL) && age < b.ttl/ttlParts
}

// mixes reports whether b may take the records of c, of which none is changed by that.
func (b *Batch) mixes(cfg *Config, c *Batch) bool {
	window := cfg.DeliveryTimeout / 16
	if b.ttl > 0 {
		window = b.ttl / ttlParts
	}
	return b.ttl == c.ttl && max(b.last, c.last)-min(b.born, c.born) < window
}

// TTL returns how long the records of b may take that have a TTL, 0 for those that have none. It is
// at most a thirty-second less than theirs.
func (b *Batch) TTL() time.Duration { return b.ttl }

// Deadline returns the monotonic time at which b expires. Timeout is the delivery timeout, for
// records without a TTL.
func (b *Batch) Deadline(timeout time.Duration) time.Duration {
	if b.ttl > 0 {
		timeout = b.ttl
	}
	return b.born + timeout
}

// addTimedLocked adds the un-keyed record r, which has a TTL, to an open batch for it.
func (t *Topic) addTimedLocked(cfg *Config, r *Record, now time.Duration, tight bool) error {
	s := t.timedLocked(classOf(r.TTL))
	err := t.addLocked(cfg, s, r, now, tight)
	t.collectLocked(s)
	return err
}

// timedLocked returns the source whose open batch has that TTL, or one without an open batch. If
// there are too many, the oldest batch is sealed.
func (t *Topic) timedLocked(ttl time.Duration) *source {
	var free *source
	for _, s := range t.timed {
		switch {
		case s.open == nil:
			free = s
		case s.open.ttl == ttl:
			return s
		}
	}
	switch {
	case free != nil:
		return free
	case len(t.timed) < maxTimed:
		free = &source{kind: Unkeyed, partition: -1}
		t.timed = append(t.timed, free)
		return free
	}
	eldest := t.eldestTimedLocked()
	t.sealTimedLocked(eldest)
	t.outlet.Wake()
	return eldest
}

// sealTimedLocked seals the open batch of s, which is one of timed, if there is one.
func (t *Topic) sealTimedLocked(s *source) {
	s.seal()
	t.collectLocked(s)
}

// collectLocked moves the sealed batches of s to the other un-keyed ones.
func (t *Topic) collectLocked(s *source) {
	for b := s.sealed.head; b != nil; b = s.sealed.head {
		s.sealed.remove(b)
		t.unkeyed.sealed.insert(b)
	}
}

// eldestTimedLocked returns the one of timed with the oldest open batch, or nil.
func (t *Topic) eldestTimedLocked() (eldest *source) {
	for _, s := range t.timed {
		if s.open != nil && (eldest == nil || s.open.born < eldest.open.born) {
			eldest = s
		}
	}
	return eldest
}

// surveyTimedLocked adds the open batches of timed to w, which describes un-keyed batches.
func (t *Topic) surveyTimedLocked(w *Waiting) {
	for _, s := range t.timed {
		if s.open != nil {
			w.addOpen(s.open, s.open.Size())
		}
	}
}

// addOpen adds b, an open batch of so many bytes, to what w describes.
func (w *Waiting) addOpen(b *Batch, size int) {
	if !w.Sealed && (!w.Open || b.born < w.Oldest) {
		w.Bytes = size
	}
	if !w.Open || b.born < w.OpenSince {
		w.Open, w.OpenSince = true, b.born
	}
	if until := b.born + b.ttl/ttlParts; b.ttl > 0 && (w.OpenUntil == 0 || until < w.OpenUntil) {
		w.OpenUntil = until
	}
	w.Oldest = min(w.Oldest, b.born)
}
