package health

import (
	"cmp"
	"slices"

	"github.com/forebay-go/forebay/producer"
)

// topicsMax is the most topics in a look.
const topicsMax = 50

// byInterest returns the first topicsMax topics by compareInterest, and how many of all are in
// trouble. It does not sort all topics, because there may be thousands.
func byInterest(topics []producer.TopicStats) (top []*producer.TopicStats, troubled int) {
	for i := range topics {
		t := &topics[i]
		if t.Trouble != "" {
			troubled++
		}
		if len(top) == topicsMax {
			if compareInterest(t, top[topicsMax-1]) >= 0 {
				continue
			}
			top = top[:topicsMax-1]
		}
		at, _ := slices.BinarySearchFunc(top, t, compareInterest)
		top = slices.Insert(top, at, t)
	}
	return top, troubled
}

// compareInterest puts topics in trouble first, then those with the most waiting, lost and accepted
// records.
func compareInterest(a, b *producer.TopicStats) int {
	if (a.Trouble == "") != (b.Trouble == "") {
		return cmp.Compare(b.Trouble, a.Trouble) // the empty one is less
	}
	if a.Pending != b.Pending {
		return cmp.Compare(b.Pending, a.Pending)
	}
	if is, other := lostOf(&a.Books), lostOf(&b.Books); is != other {
		return cmp.Compare(other, is)
	}
	if a.Accepted != b.Accepted {
		return cmp.Compare(b.Accepted, a.Accepted)
	}
	return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(b.Priority, a.Priority))
}

// lostOf returns how many accepted records were not, or perhaps not, delivered.
func lostOf(b *producer.Books) uint64 {
	return b.Shed + b.Expired + b.Rejected + b.PossiblyPersisted
}
