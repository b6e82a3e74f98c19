package audit

import (
	"hash/maphash"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
)

// order finds records of one partition that stand behind a later one of their key. What it remembers
// is bounded: it may miss such a record, but finds none that is not.
type order struct {
	seed   maphash.Seed
	newest map[keyOf]uint64   // sequence of each key
	copies map[origin]*copies // which records were there before
}

type keyOf struct {
	origin
	key uint64 // hash
}

const (
	// keysRemembered bounds the keys of a partition. They take about 6 MB.
	keysRemembered = 100_000
	// copiesRemembered is how many records are remembered at least, to know their copies. They take
	// half a megabyte at most.
	copiesRemembered = 2 << 20
)

func newOrder() *order {
	return &order{seed: maphash.MakeSeed(), newest: make(map[keyOf]uint64),
		copies: make(map[origin]*copies)}
}

// broken reports whether a record is behind a later one of its key, and was not there before. The
// copy of a record that was written again is behind others, too, but that is another finding.
func (o *order) broken(h *Header, key []byte) bool {
	from := origin{h.Instance, h.Run}
	c := o.copies[from]
	if c == nil {
		c = newCopies()
		o.copies[from] = c
	}
	old := c.note(h.Sequence)
	k := keyOf{from, maphash.Bytes(o.seed, key)}
	newest, known := o.newest[k]
	if known && h.Sequence < newest {
		return !old
	}
	if !known && len(o.newest) >= keysRemembered {
		clear(o.newest)
	}
	o.newest[k] = h.Sequence
	return false
}

// copies remembers the newest sequences of a stream.
type copies struct {
	now, before *roaring64.Bitmap
	noted       int    // in now
	next        uint64 // above all
	since       uint64 // next when now began
	floor       uint64 // next when before began: from here on nothing is forgotten
}

func newCopies() *copies { return &copies{now: roaring64.New(), before: roaring64.New()} }

// note remembers a sequence, and reports whether it may have been noted before.
func (c *copies) note(sequence uint64) (old bool) {
	old = sequence < c.floor || c.before.Contains(sequence) || !c.now.CheckedAdd(sequence)
	c.next = max(c.next, sequence+1)
	if c.noted++; c.noted == copiesRemembered {
		c.before, c.now, c.noted = c.now, roaring64.New(), 0
		c.floor, c.since = c.since, c.next
	}
	return old
}
