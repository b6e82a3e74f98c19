package buffer

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
)

// Classes is how many classes of lanes share a budget.
const Classes = 3

// Budget bounds the bytes that all lanes of a producer hold. A lane takes its memory as one of
// several classes; a higher number is worth more. It is safe for concurrent use and never waits.
//
// A class may have a guarantee: room that is kept for it against higher classes, from its first
// record on. What it does not use of that is lent to lower classes, and to them alone, for only
// from those it can be taken back at once. It may also have a ceiling, which it never exceeds.
type Budget struct {
	max  atomic.Int64
	used atomic.Int64 // sum of what the classes use; changed under mu
	// one slot; sent by Reserve, received by the one that reclaims; never closed
	pressed chan int

	// guards what follows; taken for each batch and each time that one grows, never for each record
	mu      sync.Mutex
	classes [Classes]class
	owed    int // how many wait for room to deal batches out
}

// class is a part of a budget.
type class struct {
	used      int64
	guarantee int64
	ceiling   int64
	known     bool // it has had a record
}

// kept returns what higher classes leave to this one.
func (c *class) kept() int64 {
	if !c.known {
		return 0
	}
	return c.guarantee
}

// NewBudget returns a budget of limit bytes whose classes have neither guarantees nor ceilings.
func NewBudget(limit int64) *Budget {
	b := &Budget{pressed: make(chan int, 1)}
	b.max.Store(limit)
	for i := range b.classes {
		b.classes[i].ceiling = math.MaxInt64
	}
	return b
}

// SetMax changes the bound. What is held above it stays until it is released or evicted.
func (b *Budget) SetMax(limit int64) { b.max.Store(limit) }

// Shrink lowers the bound as far as what is held allows, but not below limit, and reports whether
// more is held. Between calls nobody can take what was given back, and nobody has to make more room
// than for himself.
func (b *Budget) Shrink(limit int64) (more bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.max.Store(max(limit, min(b.Max(), b.Used())))
	return b.Used() > limit
}

// Highest returns the highest class that has had a record.
func (b *Budget) Highest() (highest int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := range b.classes {
		if b.classes[c].known {
			highest = c
		}
	}
	return highest
}

// SetClass changes the guarantee and the ceiling of a class, in bytes.
func (b *Budget) SetClass(c int, guarantee, ceiling int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.classes[c].guarantee, b.classes[c].ceiling = guarantee, ceiling
}

// Max returns the bound, in bytes.
func (b *Budget) Max() int64 { return b.max.Load() }

// Used returns the bytes held. It takes no lock.
func (b *Budget) Used() int64 { return b.used.Load() }

// Shares returns the bytes that each class holds, and all together, at one instant.
func (b *Budget) Shares() (by [Classes]int64, sum int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.classes {
		by[i] = b.classes[i].used
	}
	return by, b.Used()
}

// Errors of Reserve. They are ErrFull to errors.Is.
var (
	// ErrCeiling reports that a lane holds as much as it ever may.
	ErrCeiling = fmt.Errorf("%w: its lane is at its ceiling", ErrFull)
	// ErrOverShare reports that a topic holds more than it may, for ever or while others want room.
	ErrOverShare = fmt.Errorf("%w: the topic is over its share", ErrFull)
)

// Reserve takes n bytes for a class, if its ceiling, the bound and the guarantees of lower classes
// allow it. Else it takes nothing and fails with ErrCeiling or ErrFull.
func (b *Budget) Reserve(c int, n int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.classes[c].known = true
	err := b.fitsLocked(c, n)
	if err == nil {
		b.addLocked(c, n)
	}
	if b.lacksLocked(c) {
		b.pressLocked(c)
	}
	return err
}

// Outlook is what a class can expect that wants room.
type Outlook struct {
	Err      error // what Reserve would return
	Lent     bool  // lower classes hold more than their guarantees
	Borrowed bool  // and it can have that
	MayHold  int64 // the most that the class may hold now
}

// Look returns what a class can expect that wants n bytes.
func (b *Budget) Look(c int, n int64) Outlook {
	b.mu.Lock()
	defer b.mu.Unlock()
	may, lent := b.mayHoldLocked(c), b.lentLocked(c)
	return Outlook{b.fitsLocked(c, n), lent, lent && b.classes[c].used+n <= may, may}
}

func (b *Budget) fitsLocked(c int, n int64) error {
	if ceiling := b.classes[c].ceiling; ceiling < b.Max() && b.classes[c].used+n > ceiling {
		return ErrCeiling
	}
	limit := b.Max()
	if b.owed > 0 && !b.lentLocked(c) { // else room is made before it is needed
		limit -= limit / owedShare
	}
	if n > limit-b.Used() {
		return ErrFull
	}
	// Whichever lower class one looks at: those above it leave to it, and to those below, what is
	// guaranteed to them. Some of that may be lent to the lowest at the moment, from which it can
	// be taken back.
	above, kept := n, int64(0)
	for i := range b.classes {
		if i < c {
			kept += b.classes[i].kept()
		} else {
			above += b.classes[i].used
		}
	}
	for i := c - 1; i >= 0; i-- {
		if above > limit-kept {
			return ErrFull
		}
		above += b.classes[i].used
		kept -= b.classes[i].kept()
	}
	return nil
}

// pressLocked tells the one that reclaims that a class wants room which lower classes have.
func (b *Budget) pressLocked(c int) {
	select {
	case b.pressed <- c:
	default:
	}
}

// Lacks reports whether less than a tenth of the bound is free for a class, or less than all that
// it may hold, and lower classes have more.
func (b *Budget) Lacks(c int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lacksLocked(c)
}

func (b *Budget) lacksLocked(c int) bool {
	free := b.Max() - b.Used()
	return free < b.Max()/10 && b.lentLocked(c) && free < b.mayHoldLocked(c)-b.classes[c].used
}

// lentLocked reports whether a class below c holds more than its guarantee.
func (b *Budget) lentLocked(c int) bool {
	for i := range c {
		if b.classes[i].used > b.classes[i].guarantee {
			return true
		}
	}
	return false
}

// Pressed returns the channel on which a class is told for which room should be made: it has wanted
// some while more than nine tenths were held, and lower classes hold more than their guarantees. It
// holds one signal.
func (b *Budget) Pressed() <-chan int { return b.pressed }

// AboveGuarantee reports whether a class holds more than its guarantee.
func (b *Budget) AboveGuarantee(c int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.classes[c].used > b.classes[c].guarantee
}

// mayHoldLocked returns the most that a class may hold now: its ceiling, and everything but what
// higher classes hold and what is guaranteed to lower ones.
func (b *Budget) mayHoldLocked(c int) int64 {
	may := b.Max()
	for i := range b.classes {
		switch k := &b.classes[i]; {
		case i > c:
			may -= k.used
		case i < c:
			may -= k.kept()
		}
	}
	return max(0, min(may, b.classes[c].ceiling))
}

// Ceiling returns what a class may hold at most, whatever the others do.
func (b *Budget) Ceiling(c int) int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return min(b.Max(), b.classes[c].ceiling)
}

// Adjust adds n bytes to a class, which may be negative, whether they fit or not. It is for what
// must go on to be delivered at all, such as dealing out a keyed batch anew, one batch at a time.
func (b *Budget) Adjust(c int, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.addLocked(c, n)
}

// owedShare is the part of the bound that is kept for what is to be dealt out, while there is some.
const owedShare = 64

// Owe keeps a sixty-fourth of the bound free from now on for what takes its room by Adjust, or ends
// that. There may be several who want it.
func (b *Budget) Owe(owes bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if owes {
		b.owed++
	} else {
		b.owed--
	}
}

func (b *Budget) addLocked(c int, n int64) {
	b.classes[c].used += n
	b.used.Add(n)
}
