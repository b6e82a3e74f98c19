package buffer

import (
	"maps"
	"sync"
	"sync/atomic"
)

// Index finds topics by name. Reading takes no lock and allocates nothing. A new name is first kept
// apart, so that adding many does not copy the index each time. It is safe for concurrent use.
type Index struct {
	read atomic.Pointer[map[string]*Topic]
	// topics that were found recently, so that most names need no hashing
	slots [slots]atomic.Pointer[Topic]

	mu     sync.Mutex        // guards what follows
	recent map[string]*Topic // nil, or all of read and what was added since
	misses int               // look-ups that had to go to recent
}

// slots is how many topics can be found without hashing their names.
const slots = 64

// slot returns the slot of the topic called name.
func slot(name string) int {
	n := len(name)
	return (n + int(name[0])<<1 + int(name[n/2])<<2 + int(name[n-1])<<3) % slots
}

// Get returns the topic called name, or nil. It may still return a topic that is being deleted.
func (x *Index) Get(name string) *Topic {
	if name == "" {
		return nil
	}
	s := &x.slots[slot(name)]
	if topic := s.Load(); topic != nil && topic.name == name {
		return topic
	}
	topic := x.find(name)
	if topic != nil {
		s.Store(topic)
	}
	return topic
}

func (x *Index) find(name string) *Topic {
	if m := x.read.Load(); m != nil {
		if topic := (*m)[name]; topic != nil {
			return topic
		}
	}
	return x.getRecent(name)
}

func (x *Index) getRecent(name string) *Topic {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.recent == nil { // read may have been replaced since find loaded it
		if m := x.read.Load(); m != nil {
			return (*m)[name]
		}
		return nil
	}
	topic := x.recent[name]
	if topic != nil {
		if x.misses++; x.misses >= len(x.recent) {
			x.promoteLocked()
		}
	}
	return topic
}

func (x *Index) promoteLocked() {
	recent := x.recent
	x.read.Store(&recent)
	x.recent, x.misses = nil, 0
}

// Put adds topic under its name, or replaces the topic of that name.
func (x *Index) Put(topic *Topic) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.copyLocked()
	x.recent[topic.name] = topic
	x.slots[slot(topic.name)].Store(nil) // it may hold another topic of that name
}

// Delete removes those of topics that the index holds.
func (x *Index) Delete(topics ...*Topic) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.copyLocked()
	for _, topic := range topics {
		if x.recent[topic.name] == topic {
			delete(x.recent, topic.name)
		}
	}
	x.promoteLocked()
	// Clear the slots last: nobody who looks now finds one of topics and stores it again. A Get
	// that has found it already may.
	for _, topic := range topics {
		x.slots[slot(topic.name)].CompareAndSwap(topic, nil)
	}
}

func (x *Index) copyLocked() {
	if x.recent != nil {
		return
	}
	x.recent = make(map[string]*Topic)
	if m := x.read.Load(); m != nil {
		maps.Copy(x.recent, *m)
	}
}
