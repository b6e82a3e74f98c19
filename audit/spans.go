package audit

import (
	"cmp"
	"slices"
)

// spans is a set of offsets, as spans in order that do not touch.
type spans []span

// add adds a span, and returns the parts of it that were not there.
func (s *spans) add(n span) (fresh []span) {
	if n.from >= n.upto {
		return nil
	}
	// i is the first that touches n, j the first behind it
	i := s.search(n.from)
	j, at := i, n.from
	joined := n
	for ; j < len(*s) && (*s)[j].from <= n.upto; j++ {
		e := (*s)[j]
		if at < e.from {
			fresh = append(fresh, span{at, e.from})
		}
		at = max(at, e.upto)
		joined = span{min(joined.from, e.from), max(joined.upto, e.upto)}
	}
	if at < n.upto {
		fresh = append(fresh, span{at, n.upto})
	}
	*s = slices.Replace(*s, i, j, joined)
	return fresh
}

// search returns the index of the first span that ends at or above an offset.
func (s spans) search(offset int64) int {
	i, _ := slices.BinarySearchFunc(s, offset, func(e span, offset int64) int {
		return cmp.Compare(e.upto, offset)
	})
	return i
}

// has reports whether all of n is in the set.
func (s spans) has(n span) bool {
	_, any := s.gap(n)
	return !any
}

// gap returns the first offset of n that is not in the set; false if there is none.
func (s spans) gap(n span) (offset int64, any bool) {
	i := s.search(n.from + 1)
	if i == len(s) || s[i].from > n.from {
		return n.from, true
	}
	return s[i].upto, s[i].upto < n.upto
}

// overlaps reports whether some of n is in the set.
func (s spans) overlaps(n span) bool {
	i := s.search(n.from + 1)
	return i < len(s) && s[i].from < n.upto
}

// outside returns the parts of n that are not in the set.
func (s spans) outside(n span) (parts []span) {
	for _, e := range s {
		if e.upto <= n.from || e.from >= n.upto {
			continue
		}
		if n.from < e.from {
			parts = append(parts, span{n.from, e.from})
		}
		n.from = e.upto
	}
	if n.from < n.upto {
		parts = append(parts, n)
	}
	return parts
}

// start returns where the first span begins.
func (s spans) start() (offset int64, any bool) {
	if len(s) == 0 {
		return 0, false
	}
	return s[0].from, true
}

// end returns where the first span ends: what is after it is not known, whatever else is.
func (s spans) end() (offset int64, any bool) {
	if len(s) == 0 {
		return 0, false
	}
	return s[0].upto, true
}
