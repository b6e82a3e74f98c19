package audit

import (
	"fmt"
	"time"
)

// life is a statement of a source: that it lives, or has ended as it should.
type life struct {
	instance string
	run      uint64
	started  time.Time     // by its own clock
	interval time.Duration // between two of these
	ended    bool          // it has stated all that it knows, and nothing will follow
	unstated uint64        // records whose fate it could not state: see SourceStats
}

func (l *life) key() []byte { return fmt.Appendf(nil, "life/%s/%016x", l.instance, l.run) }

func (l *life) encode() []byte {
	e := encode(kindLife)
	e.string(l.instance)
	e.fixed(l.run)
	e.int(l.started.UnixNano())
	e.uint(uint64(l.interval))
	e.bool(l.ended)
	e.uint(l.unstated)
	return e.b
}

func decodeLife(d *decoder) (*life, error) {
	l := &life{instance: d.string(), run: d.fixed(), started: time.Unix(0, d.int()),
		interval: time.Duration(d.uint()), ended: d.bool(), unstated: d.uint()}
	return l, d.end()
}

// pulse is a statement of a reader: that it lives, and how far it has read what it was assigned.
type pulse struct {
	reader    string
	interval  time.Duration
	ended     bool
	positions []position
}

// position is how far a reader is in a partition.
type position struct {
	topic      string
	partition  int32
	partitions int32 // of the topic
	next       int64 // offset of the record that it reads next
	high       int64 // offset after the last record that consumers may read, when it last heard
}

func (p *pulse) key() []byte { return []byte("pulse/" + p.reader) }

func (p *pulse) encode() []byte {
	e := encode(kindPulse)
	e.string(p.reader)
	e.uint(uint64(p.interval))
	e.bool(p.ended)
	e.uint(uint64(len(p.positions)))
	for _, at := range p.positions {
		e.string(at.topic)
		e.uint(uint64(at.partition))
		e.uint(uint64(at.partitions))
		e.uint(uint64(at.next))
		e.int(at.high - at.next)
	}
	return e.b
}

func decodePulse(d *decoder) (*pulse, error) {
	p := &pulse{reader: d.string(), interval: time.Duration(d.uint()), ended: d.bool()}
	p.positions = make([]position, d.count())
	for i := range p.positions {
		at := &p.positions[i]
		at.topic, at.partition, at.partitions = d.string(), d.int32(), d.int32()
		at.next = int64(d.uint())
		at.high = at.next + d.int()
	}
	return p, d.end()
}
