package audit

import "github.com/RoaringBitmap/roaring/v2/roaring64"

// numbers is a set of sequences. The zero value is empty.
type numbers struct{ bits *roaring64.Bitmap }

// add adds from to upto-1.
func (s *numbers) add(from, upto uint64) {
	if s.bits == nil {
		s.bits = roaring64.New()
	}
	if upto-from < few {
		for n := from; n < upto; n++ {
			s.bits.Add(n)
		}
		return
	}
	s.bits.AddRange(from, upto)
}

// few is a number of sequences that are faster looked at one by one.
const few = 16

// within returns those of from to upto-1 that are in the set.
func (s *numbers) within(from, upto uint64) (in numbers) {
	if s.bits != nil {
		in.add(from, upto)
		in.bits.And(s.bits)
	}
	return in
}

// missing returns those of from to upto-1 that are not in the set.
func (s *numbers) missing(from, upto uint64) (out numbers) {
	out.add(from, upto)
	out.drop(s)
	return out
}

func (s *numbers) has(n uint64) bool { return s.bits != nil && s.bits.Contains(n) }

func (s *numbers) len() uint64 {
	if s.bits == nil {
		return 0
	}
	return s.bits.GetCardinality()
}

// count returns how many of from to upto-1 are in the set.
func (s *numbers) count(from, upto uint64) uint64 {
	if s.bits == nil || from >= upto {
		return 0
	}
	if upto-from < few {
		found := uint64(0)
		for n := from; n < upto; n++ {
			if s.bits.Contains(n) {
				found++
			}
		}
		return found
	}
	n := s.bits.Rank(upto - 1)
	if from > 0 {
		n -= s.bits.Rank(from - 1)
	}
	return n
}

// and returns how many are in both sets.
func (s *numbers) and(other *numbers) uint64 {
	if s.bits == nil || other.bits == nil {
		return 0
	}
	return s.bits.AndCardinality(other.bits)
}

// without returns how many are in s and not in other.
func (s *numbers) without(other *numbers) uint64 { return s.len() - s.and(other) }

// compact makes the set as small as it can be.
func (s *numbers) compact() {
	if s.bits != nil {
		s.bits.RunOptimize()
	}
}

// take moves all of other into s.
func (s *numbers) take(other *numbers) {
	if other.bits == nil {
		return
	}
	if s.bits == nil {
		s.bits = other.bits
	} else {
		s.bits.Or(other.bits)
	}
	other.bits = nil
}

// join adds all of other to s.
func (s *numbers) join(other *numbers) {
	switch {
	case other.bits == nil:
	case s.bits == nil:
		s.bits = other.bits.Clone()
	default:
		s.bits.Or(other.bits)
	}
}

// drop takes out of s what is in other.
func (s *numbers) drop(other *numbers) {
	if s.bits != nil && other.bits != nil {
		s.bits.AndNot(other.bits)
	}
}

// some returns at most n of the set, the lowest first.
func (s *numbers) some(n int) (found []uint64) {
	if s.bits == nil {
		return nil
	}
	for it := s.bits.Iterator(); it.HasNext() && len(found) < n; {
		found = append(found, it.Next())
	}
	return found
}
