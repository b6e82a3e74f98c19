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
// several classes; a higher number has priority. It is safe for concurrent use and never waits.
//
// A class may have a guarantee: from its first record on, higher classes leave it that much room.
// Room that it does not use is lent to lower classes only, because only they must give it back at
// once. A class may also have a ceiling, which it never exceeds.
type Budget struct {
	max  atomic.Int64
	used atomic.Int64 // sum of what the classes use; changed under mu
	// of that, what is on hold and its tables
	onHold atomic.Int64
	// bytes by which open batches may exceed full ones
	stretched atomic.Int64
	// one slot; sent by Reserve, received by the reclaimer; never closed
	pressed chan int

	// guards what follows; taken when a batch is made or grows, never for each record
	mu      sync.Mutex
	classes [Classes]class
	owed    int // how many callers wait for room to deal batches out; see Owe
}

// class is a part of a budget.
type class struct {
	used      int64
	guarantee int64
	ceiling   int64
	known     bool // it has had a record
}

// kept returns the bytes that higher classes leave to this one.
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

// SetMax changes the bound. Memory held above it stays until it is released or evicted.
func (b *Budget) SetMax(limit int64) { b.max.Store(limit) }

// Shrink lowers the bound to the bytes held, but not below limit. It reports whether more than
// limit is held. Between calls nobody can take memory that was given back, and nobody has to make
// more room than for itself.
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
	// ErrOverShare reports that a topic holds as much as it may, always or while others want room.
	ErrOverShare = fmt.Errorf("%w: the topic is over its share", ErrFull)
	// ErrOnHold reports that records on hold take as much as they ever may.
	ErrOnHold = fmt.Errorf("%w: a quarter of it is on hold", ErrFull)
)

// reserveOnHold takes n bytes of the part that records on hold may have, if reserve takes them of
// the whole.
func (b *Budget) reserveOnHold(n int64, reserve func() error) error {
	err := ErrOnHold
	if b.onHold.Add(n) <= b.Max()/onHoldShare {
		err = reserve()
	}
	if err != nil {
		b.onHold.Add(-n)
	}
	return err
}

// Reserve takes n bytes for a class, if its ceiling, the bound and the guarantees of lower classes
// allow it. Otherwise it takes nothing and returns ErrCeiling or ErrFull.
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

// Outlook is what a class that wants room can expect.
type Outlook struct {
	Err      error // what Reserve would return
	Lent     bool  // lower classes hold more than their guarantees
	Borrowed bool  // and the class may have that room
	// MayHold is what the class may hold now: all but what higher classes hold and what is
	// guaranteed to lower ones, and its ceiling at most.
	MayHold int64
}

// Look returns what a class that wants n bytes can expect.
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
	if b.owed > 0 && !b.lentLocked(c) { // otherwise room is made before it is needed
		limit -= limit / owedShare
	}
	if n > limit-b.Used() {
		return ErrFull
	}
	// For each lower class, the classes above it must leave the guarantees of it and of all below.
	// Some of that may now be lent to the lowest, which can be made to give it back.
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

// pressLocked signals the reclaimer that a class wants room that lower classes hold.
func (b *Budget) pressLocked(c int) {
	select {
	case b.pressed <- c:
	default:
	}
}

// Lacks reports whether the reclaimer should make room for a class. It should if less than a tenth
// of the bound is free, that is less than the class may still take, and lower classes hold more
// than their guarantees.
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

// Pressed returns the channel of classes for which room should be made. Reserve sends a class that
// wants room while Lacks is true for it. The channel holds one signal.
func (b *Budget) Pressed() <-chan int { return b.pressed }

// AboveGuarantee reports whether a class holds more than its guarantee.
func (b *Budget) AboveGuarantee(c int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.classes[c].used > b.classes[c].guarantee
}

// mayHoldLocked returns what a class may hold now: all but what higher classes hold and what is
// guaranteed to lower ones, and its ceiling at most.
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

// Ceiling returns the most that a class may ever hold.
func (b *Budget) Ceiling(c int) int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return min(b.Max(), b.classes[c].ceiling)
}

// Adjust adds n bytes, which may be negative, to a class, whether they fit or not. It is for work
// without which nothing would be delivered, such as dealing out one keyed batch again.
func (b *Budget) Adjust(c int, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.addLocked(c, n)
}

// owedShare is the part of the bound that Owe keeps free.
const owedShare = 64

// Owe keeps a sixty-fourth of the bound free for callers of Adjust, or ends that. Several callers
// may want it: it ends when each has ended it.
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
