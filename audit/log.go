package audit

import "time"

// partitionOf names a partition.
type partitionOf struct {
	topic     string
	partition int32
}

// partitionLog is what readers have read of a partition, and what waits for them to come by.
type partitionLog struct {
	generations []generation // the newest last; offsets begin anew in each
	waiting     waitlist
	clusters    *clusters        // of the topic
	searched    string           // what clusters.known returned when all that waits was looked at
	bare        uint64           // records without a header
	garbled     uint64           // records with a header that nobody can read
	counted     map[string]sight // by reader: the newest sight; only its counts
	caughtUp    time.Time        // when a reader last said that it is at the end
}

// clusters is what is known of where a topic is. Sources and readers may call a cluster by
// different names, so a name says something only if both have used it.
type clusters struct {
	read    string          // the one that is read
	named   map[string]bool // by sources
	version uint64          // grows when the others change
}

// learn notes that readers or sources have used a name.
func (c *clusters) learn(name string, reads bool) {
	switch {
	case name == "":
	case reads && c.read != name:
		c.read = name
		c.version++
	case !reads && !c.named[name]:
		c.named[name] = true
		c.version++
	}
}

// elsewhere reports whether a run is in another cluster than the one that is read.
func (c *clusters) elsewhere(r *run) bool { return c.another(r.fate.cluster) }

// another reports whether a name is that of another cluster than the one that is read.
func (c *clusters) another(name string) bool { return c.named[c.read] && name != c.read }

// known returns the name of the cluster that is read, if it is known which others are not read.
func (c *clusters) known() string {
	if !c.named[c.read] {
		return ""
	}
	return c.read
}

type generation struct {
	number  uint32
	log     logID // zero: not known
	read    spans
	skipped spans // some reader has left them out; another may have read them before
	passed  spans // read or skipped
}

// generation returns the generation with a number, and makes it if necessary.
func (l *partitionLog) generation(number uint32) *generation {
	for i := range l.generations {
		if g := &l.generations[i]; g.number == number {
			return g
		} else if g.number > number {
			l.generations = append(l.generations[:i:i], append([]generation{{number: number}},
				l.generations[i:]...)...)
			return &l.generations[i]
		}
	}
	l.generations = append(l.generations, generation{number: number})
	return &l.generations[len(l.generations)-1]
}

// count adds the counts of a sight. What two readers have read is counted twice.
func (l *partitionLog) count(s *sight) {
	if l.counted == nil {
		l.counted = make(map[string]sight)
	}
	before := l.counted[s.reader]
	if before.from != s.from || before.generation != s.generation || before.bare > s.bare {
		before = sight{}
	}
	l.bare += s.bare - before.bare
	l.garbled += s.garbled - min(s.garbled, before.garbled)
	l.counted[s.reader] = sight{from: s.from, generation: s.generation, bare: s.bare,
		garbled: s.garbled}
}

// newest returns the newest generation; nil if nobody has read anything.
func (l *partitionLog) newest() *generation {
	if len(l.generations) == 0 {
		return nil
	}
	return &l.generations[len(l.generations)-1]
}

// missing returns an offset of a run that nobody has read past; false if there is none. A delivery
// report does not say in which generation the offset is: it is in the newest that reaches down to
// it. As long as nobody has read past the offset, in whatever generation, the run is not passed.
func (l *partitionLog) missing(r *run) (offset int64, any bool) {
	want := span{r.offset, r.offset + int64(r.n)}
	for i := len(l.generations) - 1; i >= 0 && want.from < want.upto; i-- {
		g := &l.generations[i]
		start, any := g.passed.start()
		if !any || want.upto <= start {
			continue
		}
		if offset, any := g.passed.gap(span{max(want.from, start), want.upto}); any {
			return offset, true
		}
		want.upto = min(want.upto, max(want.from, start))
	}
	return want.upto - 1, want.from < want.upto
}

// skips reports whether readers have left an offset out.
func (l *partitionLog) skips(offset int64) bool {
	one := span{offset, offset + 1}
	for i := len(l.generations) - 1; i >= 0; i-- {
		if g := &l.generations[i]; g.passed.has(one) {
			return g.skipped.has(one) && !g.read.has(one)
		}
	}
	return false
}

// await decides about a run, or has it wait.
func (l *partitionLog) await(a awaited) {
	offset, waits := l.missing(&a.run)
	if waits && !l.clusters.elsewhere(&a.run) {
		l.waiting.add(a, offset)
		return
	}
	l.decide(&a)
}

// decide decides about a run that readers have passed.
func (l *partitionLog) decide(a *awaited) {
	if l.clusters.elsewhere(&a.run) {
		a.account.decided(&a.run)
		return
	}
	if !l.skipsSome(&a.run) {
		a.account.decide(&a.run, false)
		return
	}
	for i := range a.run.n {
		one := a.run
		one.first, one.n, one.offset = a.run.first+i, 1, a.run.offset+int64(i)
		a.account.decide(&one, l.skips(one.offset))
	}
}

// skipsSome reports whether readers have left out some offset of a run.
func (l *partitionLog) skipsSome(r *run) bool {
	for i := range l.generations {
		if l.generations[i].skipped.overlaps(span{r.offset, r.offset + int64(r.n)}) {
			return true
		}
	}
	return false
}

// advance decides about the runs that wait for some of fresh, which was passed just now.
func (l *partitionLog) advance(fresh []span) {
	found := l.waiting.take(fresh)
	if now := l.clusters.known(); now != l.searched { // some may be elsewhere
		l.searched = now
		found = append(found, l.waiting.all()...)
	}
	for _, a := range found {
		l.await(a)
	}
}
