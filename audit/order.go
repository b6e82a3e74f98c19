package audit

import "hash/maphash"

// order finds records of one partition that stand behind a later one of their key. What it
// remembers is bounded: it may miss such a record. The copy of a record that was written again is
// behind others, too: the ledger leaves copies out.
type order struct {
	seed   maphash.Seed
	newest map[keyOf]uint64 // sequence of each key
}

type keyOf struct {
	origin
	key uint64 // hash
}

const (
	// keysRemembered bounds the keys of all partitions of a reader. They take about 60 MB.
	keysRemembered = 1_000_000
	// keysOfOne is how many keys a partition may have in any case.
	keysOfOne = 1000
)

func newOrder() *order {
	return &order{seed: maphash.MakeSeed(), newest: make(map[keyOf]uint64)}
}

// broken reports whether a record is behind a later one of its key. It is one of so many partitions
// that the reader has.
func (o *order) broken(h *Header, key []byte, partitions int) bool {
	k := keyOf{origin{h.Instance, h.Run}, maphash.Bytes(o.seed, key)}
	newest, known := o.newest[k]
	if known && h.Sequence < newest {
		return true
	}
	if !known && len(o.newest) >= max(keysOfOne, keysRemembered/partitions) {
		o.newest = make(map[keyOf]uint64)
	}
	o.newest[k] = h.Sequence
	return false
}
