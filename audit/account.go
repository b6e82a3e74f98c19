package audit

import (
	"time"

	"github.com/forebay-go/forebay/delivery"
)

// account is what is known of one bucket of a stream. All of it only grows, and to learn something
// twice changes nothing.
type account struct {
	// of its source
	stated      bool // a claim came
	fresh       bool // one was made since the ledger began
	first, next uint64
	parts       map[uint32]bool // that came
	last        uint32          // number of the last part
	final       bool            // last is known
	fates       map[fate]*numbers
	settled     numbers             // with any fate
	again       numbers             // maybe duplicated
	placed      map[string]*numbers // by cluster: they are there, or may be

	clusters *clusters // of the topic

	// of readers
	seen    numbers
	sole    uint32              // generation of the logs in which they were seen
	inEach  map[uint32]*numbers // by generation, if there are several
	copies  numbers             // seen again, elsewhere
	extra   uint64              // sightings beyond the first
	swapped numbers             // behind a later one of their key

	// of both
	waiting uint64             // delivered, and not decided
	doubted uint64             // possibly persisted, and not decided
	suspect [turns + 1]numbers // delivered, read past, and not seen: the newest first
	missing numbers            // the same for so long that no statement can be on its way
	skipped numbers            // delivered, and nobody reads it: retention was faster
	absent  numbers            // possibly persisted, and not there
	turned  time.Time          // when suspects were moved on

	compacted bool // compact has done its work
	forgotten bool // the ledger has dropped it

	touched time.Time // when somebody last stated something new of it, by the clock of the ledger
	known   *summary  // nil: something has changed since it was made
}

// summary is an account in numbers. To make it walks all sets, so it is kept until one changes.
type summary struct {
	counts   Counts
	closed   bool
	examples []uint64
	clusters uint64 // version of the clusters that it was made with
}

// summary returns the account in numbers. The caller must not change it.
func (a *account) summary() *summary {
	if a.known == nil || a.known.clusters != a.clusters.version {
		a.known = &summary{a.counts(), a.closed(), a.examples(), a.clusters.version}
	}
	return a.known
}

// changed is called whenever one of the sets, or what is said of them, changes.
func (a *account) changed() { a.known = nil }

func newAccount(clusters *clusters) *account {
	return &account{parts: make(map[uint32]bool), fates: make(map[fate]*numbers),
		placed: make(map[string]*numbers), clusters: clusters}
}

// fate returns the records with a fate, by its kind and reason.
func (a *account) fate(f fate) *numbers {
	f.again, f.cluster = false, ""
	n := a.fates[f]
	if n == nil {
		n = new(numbers)
		a.fates[f] = n
	}
	return n
}

// claim takes what a source states, and calls fresh for what is new of runs that have to be looked
// for in the log.
func (a *account) claim(c *claim, fresh func(r run)) {
	a.changed()
	if !a.stated {
		a.stated, a.first, a.next = true, c.first, c.next
	}
	a.next = max(a.next, c.next)
	a.parts[c.part] = true
	if c.final {
		a.final, a.last = true, c.part
	}
	for i := range c.runs {
		a.claimRun(&c.runs[i], fresh)
	}
}

func (a *account) claimRun(r *run, fresh func(r run)) {
	known := a.settled.count(r.first, r.end())
	if known == r.n {
		return
	}
	if known == 0 {
		a.settle(*r, fresh)
		return
	}
	if a.settled.count(r.first, r.first+known) == known { // as most often: it has become longer
		a.settle(r.part(known, r.n), fresh)
		return
	}
	for from, upto := uint64(0), uint64(0); from < r.n; from = upto {
		known := a.settled.has(r.first + from)
		for upto = from + 1; upto < r.n && a.settled.has(r.first+upto) == known; {
			upto++
		}
		if !known {
			a.settle(r.part(from, upto), fresh)
		}
	}
}

// settle notes the fate of records that had none.
func (a *account) settle(r run, fresh func(r run)) {
	a.settled.add(r.first, r.end())
	a.fate(r.fate).add(r.first, r.end())
	if r.fate.again {
		a.again.add(r.first, r.end())
	}
	if r.fate.placed() {
		if a.placed[r.fate.cluster] == nil {
			a.placed[r.fate.cluster] = new(numbers)
		}
		a.placed[r.fate.cluster].add(r.first, r.end())
	}
	switch r.fate.kind {
	case fateDelivered:
		a.waiting += r.n
		fresh(r)
	case fatePossible:
		a.doubted += r.n
		fresh(r)
	}
}

// see notes records that stand in logs of a generation, at offsets that nobody told of before. A
// log that is cut, or made again, may have anew what it had before: a copy is one in the same
// generation.
func (a *account) see(first, n uint64, generation uint32) {
	a.changed()
	seen := a.seenIn(generation)
	if old := seen.count(first, first+n); old > 0 {
		again := seen.within(first, first+n)
		a.copies.take(&again)
		a.extra += old
	}
	seen.add(first, first+n)
	if seen != &a.seen {
		a.seen.add(first, first+n)
	}
}

// seenIn returns what was seen in logs of a generation.
func (a *account) seenIn(generation uint32) *numbers {
	switch {
	case a.inEach == nil && a.seen.bits == nil:
		a.sole = generation
		return &a.seen
	case a.inEach == nil && a.sole == generation:
		return &a.seen
	case a.inEach == nil:
		a.inEach = map[uint32]*numbers{a.sole: {a.seen.bits.Clone()}}
	}
	n := a.inEach[generation]
	if n == nil {
		n = new(numbers)
		a.inEach[generation] = n
	}
	return n
}

// abroad returns what is in another cluster than the one that is read, or maybe there, and was not
// seen. Which cluster is read may be known late.
func (a *account) abroad() (all numbers) {
	for name, n := range a.placed {
		if a.clusters.another(name) {
			all.join(n)
		}
	}
	all.drop(&a.seen)
	return all
}

// decided notes that a run does not wait any more.
func (a *account) decided(r *run) {
	a.changed()
	if r.fate.kind == fatePossible {
		a.doubted -= r.n
	} else {
		a.waiting -= r.n
	}
}

// decide notes that a run would have been seen by now, if it was in the log; or that nobody
// reads it.
func (a *account) decide(r *run, skipped bool) {
	a.decided(r)
	if a.seen.count(r.first, r.end()) == r.n {
		return
	}
	unseen := a.seen.missing(r.first, r.end())
	switch {
	case r.fate.kind == fatePossible:
		a.absent.take(&unseen)
	case skipped:
		a.skipped.take(&unseen)
	default:
		a.suspect[0].take(&unseen)
	}
}

// turns is how often suspects are moved on until they are missing.
const turns = 3

// turn moves suspects on, if it is time: those that still are after all turns are missing.
func (a *account) turn(now time.Time, grace time.Duration) {
	if now.Sub(a.turned) < grace/turns {
		return
	}
	a.turned = now
	if a.suspects(&numbers{}) == 0 {
		return // as in most accounts
	}
	a.changed()
	for i := range a.suspect {
		a.suspect[i].drop(&a.seen)
	}
	a.missing.take(&a.suspect[turns])
	copy(a.suspect[1:], a.suspect[:turns])
	a.suspect[0] = numbers{}
}

// suspects returns how many there are that are not gone: seen, or not looked for.
func (a *account) suspects(gone *numbers) (n uint64) {
	for i := range a.suspect {
		n += a.suspect[i].without(gone)
	}
	return n
}

// complete reports whether the source has stated all that it will.
func (a *account) complete() bool {
	if !a.final {
		return false
	}
	for i := range a.last {
		if !a.parts[i] {
			return false
		}
	}
	return true
}

// closed reports whether nothing of the account is open.
func (a *account) closed() bool {
	return a.complete() && a.waiting+a.doubted == 0 && a.suspects(&a.seen) == 0
}

// disordered returns the records that are behind a later one of their key. Copies are not among
// them, nor what may be one: the first may have been before the place where reading began.
func (a *account) disordered() numbers {
	if a.swapped.bits == nil {
		return numbers{}
	}
	behind := numbers{a.swapped.bits.Clone()}
	behind.drop(&a.copies)
	behind.drop(&a.again)
	return behind
}

// compact makes the sets of a closed account small: most of them are one run by then.
func (a *account) compact() {
	if a.compacted || !a.closed() {
		return
	}
	a.compacted = true
	for _, n := range a.fates {
		n.compact()
	}
	for _, n := range a.placed {
		n.compact()
	}
	for _, n := range a.inEach {
		n.compact()
	}
	for _, n := range []*numbers{&a.settled, &a.again, &a.seen, &a.copies, &a.swapped, &a.missing,
		&a.skipped, &a.absent} {
		n.compact()
	}
}

// counts returns the account in numbers.
func (a *account) counts() Counts {
	c := Counts{Reasons: make(map[delivery.Reason]uint64)}
	if a.stated {
		c.Numbered = a.next - a.first
	}
	c.Unsettled = c.Numbered - min(c.Numbered, a.settled.len())
	for f, n := range a.fates {
		switch f.kind {
		case fateDelivered:
			c.Delivered += n.len()
		case fateShed:
			c.Shed += n.len()
		case fateExpired:
			c.Expired += n.len()
		case fateRejected:
			c.Rejected += n.len()
		case fatePossible:
			c.PossiblyPersisted += n.len()
			c.Persisted += n.and(&a.seen)
		case fateRefused:
			c.Refused += n.len()
		}
		if f.reason != delivery.None {
			c.Reasons[f.reason] += n.len()
		}
		if !f.placed() {
			c.Contradicted += n.and(&a.seen)
		}
	}
	gone := a.abroad()
	c.Elsewhere = gone.len()
	gone.join(&a.seen) // neither is looked for
	c.NotPersisted = a.absent.without(&gone)
	c.Seen = a.seen.len()
	c.Unclaimed = c.Seen
	if a.stated { // those of its numbers that have no fate are Unsettled, seen or not
		c.Unclaimed -= a.seen.count(a.first, a.next)
	}
	c.Waiting, c.Unresolved = a.waiting, a.doubted
	c.Suspect = a.suspects(&gone)
	c.Lost = a.missing.without(&gone)
	c.Skipped = a.skipped.without(&gone)
	c.Copies = a.extra
	c.Explained = a.copies.and(&a.again)
	unstated := a.copies.without(&a.settled)
	c.Unexplained = a.copies.len() - c.Explained - unstated
	behind := a.disordered()
	c.OutOfOrder = behind.len()
	return c
}
