package audit

// awaited is a run that readers have not come to.
type awaited struct {
	run     run
	account *account
}

// waitlist has runs that wait until readers have passed an offset. It looks only at those near an
// offset that is passed: readers pass the offsets of a partition in spans, and in any order.
type waitlist struct {
	blocks map[int64][]waiter
	n      int
}

type waiter struct {
	awaited
	offset int64 // it is not passed
}

// perBlock is how many offsets a block has.
const perBlock = 1 << 10

// add has a run wait for an offset.
func (w *waitlist) add(a awaited, offset int64) {
	if w.blocks == nil {
		w.blocks = make(map[int64][]waiter)
	}
	w.blocks[offset/perBlock] = append(w.blocks[offset/perBlock], waiter{a, offset})
	w.n++
}

// len returns how many runs wait.
func (w *waitlist) len() int { return w.n }

// take takes out the runs that wait for an offset in some spans.
func (w *waitlist) take(passed []span) (found []awaited) {
	for _, s := range passed {
		first, last := s.from/perBlock, (s.upto-1)/perBlock
		if last-first >= int64(len(w.blocks)) {
			for n := range w.blocks {
				found = w.takeFrom(n, s, found)
			}
			continue
		}
		for n := first; n <= last; n++ {
			found = w.takeFrom(n, s, found)
		}
	}
	return found
}

// takeFrom moves the runs of a block that wait for an offset in s to found.
func (w *waitlist) takeFrom(block int64, s span, found []awaited) []awaited {
	return w.move(block, found, func(x *waiter) bool {
		return s.from <= x.offset && x.offset < s.upto
	})
}

// move moves the runs of a block that match to found.
func (w *waitlist) move(block int64, found []awaited, matches func(*waiter) bool) []awaited {
	in := w.blocks[block]
	kept := in[:0]
	for i := range in {
		if matches(&in[i]) {
			found = append(found, in[i].awaited)
			w.n--
			continue
		}
		kept = append(kept, in[i])
	}
	clear(in[len(kept):])
	if len(kept) == 0 {
		delete(w.blocks, block)
	} else {
		w.blocks[block] = kept
	}
	return found
}

// all takes out all runs.
func (w *waitlist) all() (found []awaited) { return w.drop(func(*account) bool { return true }) }

// drop takes out the runs of some accounts.
func (w *waitlist) drop(of func(*account) bool) (found []awaited) {
	for n := range w.blocks {
		found = w.move(n, found, func(x *waiter) bool { return of(x.account) })
	}
	return found
}
