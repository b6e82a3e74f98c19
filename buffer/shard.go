package buffer

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"time"
)

const (
	// patience is how often Append looks for a lock that is free before it waits for one. Together
	// that takes about as long as an append.
	patience = 64
	// shardLook is what it counts to look at a shard, whose lock is in another cache line.
	shardLook = 8
	// crowded is how many records must have waited while one batch was open, to open a shard.
	crowded = 8
	// maxShards bounds the shards of a topic. The number of processors is the other bound.
	maxShards = 32
	// shardBytes is the size of a shard.
	shardBytes = 128
)

// shard takes un-keyed records beside the open batch of its topic, so that goroutines that send at
// the same time need not wait for each other. It has an open batch only while they would.
//
// The batch is opened, grown and sealed under the lock of the topic and that of the shard. Under
// the shard's alone, records are added while there is room.
type shard struct {
	mu     sync.Mutex // guards what follows; taken inside the lock of a topic, or alone
	limit  int        // of the records of the open batch, in bytes
	added  uint64     // records in it that the topic has not counted
	source source     // its sealed batches move to those of the topic at once

	_ [shardBytes - 96]byte // a processor that takes one shard does not slow those that take others
}

// add adds r to the open batch of sh, unless somebody else holds sh. Full means that there is no
// room for it: the caller should make some.
func (sh *shard) add(cfg *Config, r *Record, now time.Duration) (added, full bool) {
	if !sh.mu.TryLock() {
		return false, false
	}
	defer sh.mu.Unlock()
	b := sh.source.open
	if b == nil {
		return false, false
	}
	delta, size, framed := b.measure(r)
	if !b.fits(framed, sh.limit) || b.full(r, framed) || now-b.born >= cfg.DeliveryTimeout/16 {
		return false, true
	}
	b.add(r, now, delta, size)
	if sh.added++; sh.added%catchUpEvery == 0 {
		cfg.CatchUp()
	}
	return true, false
}

// enter adds r to a shard, if it is free to go there, or takes the lock of t. Full is a shard
// without room that it has found.
// Waited means that no lock was free for longer than an append takes.
//
// It looks at shards first, and at each as often: a lock that every processor looks at is slow.
func (t *Topic) enter(cfg *Config, r *Record, free bool, now time.Duration) (added bool,
	full *shard, waited bool) {
	for left := patience; left > 0; left-- {
		shards := t.aside()
		open := min(int(t.opened.Load()), len(shards))
		// one more than there are shards, for the open batch of t
		if i := rand.IntN(open + 1); free && i < open {
			var isFull bool
			if added, isFull = shards[i].add(cfg, r, now); added {
				return true, nil, false
			} else if isFull {
				full = &shards[i]
			}
			left -= shardLook
		}
		if t.mu.TryLock() {
			return false, full, false
		}
	}
	t.mu.Lock()
	return false, full, true
}

// addUnkeyedLocked adds r to full, which may be a shard without room, to a new shard if records
// have waited, or to the open batch of t.
func (t *Topic) addUnkeyedLocked(cfg *Config, full *shard, waited bool, r *Record,
	now time.Duration, tight bool) error {
	switch {
	case full != nil && full.source.open == nil:
		full = nil // its batch was taken meanwhile
	case full == nil && waited:
		full = t.widenLocked(cfg)
	}
	if full != nil && t.addAsideLocked(cfg, full, r, now) {
		return nil
	}
	return t.addLocked(cfg, &t.unkeyed, r, now, tight)
}

// addAsideLocked adds r to sh, in a new batch if need be. It reports whether there was memory for
// that. If not, sh takes no more.
func (t *Topic) addAsideLocked(cfg *Config, sh *shard, r *Record, now time.Duration) bool {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	t.countLocked(sh)
	sh.limit = t.limitLocked(cfg)
	err := t.addLocked(cfg, &sh.source, r, now, false)
	if err != nil && sh.source.seal() != nil {
		t.outlet.Wake()
	}
	t.gatherLocked(sh)
	return err == nil
}

// widenLocked returns a shard without an open batch, if it is worth one: enough records have
// waited, and there are enough to fill batches. Otherwise shards would only make batches small.
func (t *Topic) widenLocked(cfg *Config) *shard {
	t.unkeyed.waited++
	open := t.unkeyed.open
	if t.unkeyed.waited < crowded || open == nil || !t.lane.ample() ||
		t.opened.Load() == 0 && len(open.body) < t.limitLocked(cfg)/2 {
		return nil
	}
	t.unkeyed.waited = 0
	shards := t.aside()
	if n := min(runtime.GOMAXPROCS(0)-1, maxShards); shards == nil && n > 0 {
		shards = make([]shard, n)
		t.shards.Store(&shards)
		t.lane.budget.Adjust(cfg.Class, int64(n)*shardBytes)
	}
	for i := range shards {
		if sh := &shards[i]; sh.source.open == nil {
			sh.source.kind, sh.source.partition, sh.source.hint = Unkeyed, -1, t.unkeyed.hint
			return sh
		}
	}
	return nil
}

// aside returns the shards of t, if there are any.
func (t *Topic) aside() []shard {
	if shards := t.shards.Load(); shards != nil {
		return *shards
	}
	return nil
}

// gatherLocked moves the sealed batches of sh to those of t, and has Append look at all shards that
// have an open batch. If none has, they are given up. The lock of sh is held, too.
func (t *Topic) gatherLocked(sh *shard) {
	t.collectLocked(&sh.source)
	shards := t.aside()
	open := len(shards)
	for open > 0 && shards[open-1].source.open == nil {
		open--
	}
	t.opened.Store(int32(open))
	if open == 0 && shards != nil {
		t.shards.Store(nil)
		t.lane.budget.Adjust(t.lane.cfg.Load().Class, -int64(len(shards))*shardBytes)
	}
}

// sealShardLocked seals the open batch of sh.
func (t *Topic) sealShardLocked(sh *shard) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	t.countLocked(sh)
	sh.source.seal()
	t.gatherLocked(sh)
}

// sealShardsLocked seals the open batches of shards.
func (t *Topic) sealShardsLocked() {
	shards := t.aside()
	for i := range shards {
		if shards[i].source.open != nil {
			t.sealShardLocked(&shards[i])
		}
	}
}

// sealIfLocked seals b, if it is the open batch of a shard or has a TTL.
func (t *Topic) sealIfLocked(b *Batch) {
	for _, s := range t.timed {
		if s.open == b {
			t.sealTimedLocked(s)
		}
	}
	shards := t.aside()
	for i := range shards {
		if shards[i].source.open == b {
			t.sealShardLocked(&shards[i])
		}
	}
}

// sealEldestLocked seals the oldest open un-keyed batch, if nothing else is sealed and it is a
// shard's or has a TTL.
func (t *Topic) sealEldestLocked() {
	if t.unkeyed.sealed.head != nil {
		return
	}
	eldest, sh, timed := t.unkeyed.open, t.eldestShardLocked(), t.eldestTimedLocked()
	if sh != nil && (eldest == nil || sh.source.open.born < eldest.born) {
		eldest = sh.source.open
	} else {
		sh = nil
	}
	switch {
	case timed != nil && (eldest == nil || timed.open.born < eldest.born):
		t.sealTimedLocked(timed)
	case sh != nil:
		t.sealShardLocked(sh)
	}
}

// eldestShardLocked returns the shard with the oldest open batch, or nil.
func (t *Topic) eldestShardLocked() (eldest *shard) {
	shards := t.aside()
	for i := range shards {
		sh := &shards[i]
		if b := sh.source.open; b != nil && (eldest == nil || b.born < eldest.source.open.born) {
			eldest = sh
		}
	}
	return eldest
}

// countLocked has t count the records that were added to sh. The lock of sh is held, too.
func (t *Topic) countLocked(sh *shard) {
	t.pending += sh.added
	t.books.Accepted += sh.added
	sh.added = 0
}

// countShardsLocked has t count the records that were added to its shards.
func (t *Topic) countShardsLocked() {
	shards := t.aside()
	for i := range shards {
		sh := &shards[i]
		sh.mu.Lock()
		t.countLocked(sh)
		sh.mu.Unlock()
	}
}

// surveyUnkeyedLocked appends what waits of un-keyed records to dst. To the dispatcher the open
// batches of shards, and those with a TTL, are one with that of t.
func (t *Topic) surveyUnkeyedLocked(dst []Waiting) []Waiting {
	before := len(dst)
	dst = t.unkeyed.survey(dst)
	sh := t.eldestShardLocked()
	if sh == nil && t.eldestTimedLocked() == nil {
		return dst
	}
	if len(dst) == before {
		dst = append(dst, Waiting{Kind: Unkeyed, Partition: -1, Oldest: never})
	}
	w := &dst[before]
	if sh != nil {
		sh.mu.Lock()
		b, size := sh.source.open, sh.source.open.Size()
		sh.mu.Unlock()
		w.addOpen(b, size)
	}
	t.surveyTimedLocked(w)
	return dst
}
