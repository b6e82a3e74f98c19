package buffer

import (
	"maps"
	"sync"
	"sync/atomic"
)

// Index finds topics by name. Reading takes no lock and allocates nothing; a new name is first kept
// aside, so that adding many does not copy the table each time. It is safe for concurrent use.
type Index struct {
	read atomic.Pointer[map[string]*Topic]
	// topics that were found of late, so that most names need not be hashed
	slots [slots]atomic.Pointer[Topic]

	mu     sync.Mutex        // guards what follows
	recent map[string]*Topic // nil, or all of read and what was added since
	misses int               // look-ups that had to go to recent
}

// slots is how many topics are found without hashing their names, at best.
const slots = 64

// slot returns where the topic called name is looked for first.
func slot(name string) int {
	n := len(name)
	return (n + int(name[0])<<1 + int(name[n/2])<<2 + int(name[n-1])<<3) % slots
}

// Get returns the topic called name, or nil. It may still return a topic that is being deleted.
func (t *Index) Get(name string) *Topic {
	if name == "" {
		return nil
	}
	s := &t.slots[slot(name)]
	if topic := s.Load(); topic != nil && topic.name == name {
		return topic
	}
	topic := t.find(name)
	if topic != nil {
		s.Store(topic)
	}
	return topic
}

func (t *Index) find(name string) *Topic {
	if m := t.read.Load(); m != nil {
		if topic := (*m)[name]; topic != nil {
			return topic
		}
	}
	return t.getRecent(name)
}

func (t *Index) getRecent(name string) *Topic {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.recent == nil { // read may have become newer since it was looked at
		if m := t.read.Load(); m != nil {
			return (*m)[name]
		}
		return nil
	}
	topic := t.recent[name]
	if topic != nil {
		if t.misses++; t.misses >= len(t.recent) {
			t.promoteLocked()
		}
	}
	return topic
}

func (t *Index) promoteLocked() {
	recent := t.recent
	t.read.Store(&recent)
	t.recent, t.misses = nil, 0
}

// Put adds topic under its name, or replaces the one that has it.
func (t *Index) Put(topic *Topic) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.copyLocked()
	t.recent[topic.name] = topic
	t.slots[slot(topic.name)].Store(nil) // it may have another of that name
}

// Delete removes those of topics that the table holds.
func (t *Index) Delete(topics ...*Topic) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.copyLocked()
	for _, topic := range topics {
		if t.recent[topic.name] == topic {
			delete(t.recent, topic.name)
		}
	}
	t.promoteLocked()
	// after that, so that nobody finds one of them and puts it back, but for who has found it
	// already
	for _, topic := range topics {
		t.slots[slot(topic.name)].CompareAndSwap(topic, nil)
	}
}

func (t *Index) copyLocked() {
	if t.recent != nil {
		return
	}
	t.recent = make(map[string]*Topic)
	if m := t.read.Load(); m != nil {
		maps.Copy(t.recent, *m)
	}
}
