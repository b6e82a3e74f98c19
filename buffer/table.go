package buffer

import (
	"maps"
	"sync"
	"sync/atomic"
)

// Table finds topics by name. Reading takes no lock and allocates nothing, which costs half of what a sync.Map of strings does; a new
// name is first kept aside, so that adding many does not copy the table each time. It is safe for concurrent use.
type Table struct {
	read atomic.Pointer[map[string]*Topic]

	mu     sync.Mutex        // guards what follows
	recent map[string]*Topic // nil, or all of read and what was added since
	misses int               // look-ups that had to go to recent
}

// Get returns the topic called name, or nil.
func (t *Table) Get(name string) *Topic {
	if m := t.read.Load(); m != nil {
		if topic := (*m)[name]; topic != nil {
			return topic
		}
	}
	return t.getRecent(name)
}

func (t *Table) getRecent(name string) *Topic {
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

func (t *Table) promoteLocked() {
	recent := t.recent
	t.read.Store(&recent)
	t.recent, t.misses = nil, 0
}

// Put adds topic under its name, or replaces the one that has it.
func (t *Table) Put(topic *Topic) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.copyLocked()
	t.recent[topic.name] = topic
}

// Delete removes topic if the table holds it.
func (t *Table) Delete(topic *Topic) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.copyLocked()
	if t.recent[topic.name] == topic {
		delete(t.recent, topic.name)
		t.promoteLocked()
	}
}

func (t *Table) copyLocked() {
	if t.recent != nil {
		return
	}
	t.recent = make(map[string]*Topic)
	if m := t.read.Load(); m != nil {
		maps.Copy(t.recent, *m)
	}
}
