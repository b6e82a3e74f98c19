package dispatch

import (
	"slices"
	"time"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/internal/cluster"
)

// topicState is what a dispatcher knows of a topic. It belongs to the dispatcher's goroutine.
type topicState struct {
	t       *buffer.Topic
	cfg     *buffer.Config // of t, as it was at the beginning of the pass
	name    string         // what it is called in the cluster
	twin    int            // of the topics that have this name there, which one
	owned   bool           // what waits is for us; else only what we have written, or may have
	leaving bool           // and is to go elsewhere
	id      [16]byte
	parts   []*stream // by number
	all     []*stream // those, and their further streams
	// of the partitions that there are; parts may have more, if the topic was made again with fewer
	count   int32
	active  bool
	waiting []buffer.Waiting // what the last survey found
	onHold  bool             // so did records on hold
	heldAt  time.Duration    // and none of them was sent earlier
	// keyed batches for another count of partitions, oldest first, to be dealt out anew
	stale   []*buffer.Batch
	undealt bool // such batches wait in t
	// keyed batches have to wait: older ones are to be dealt out, or may have to be
	dealing  bool
	cramped  bool          // there is no room to deal more of them out
	dealtAt  time.Duration // when some were dealt out last
	anyApace bool          // some partition can be written to and is not slow
	rack     string        // un-keyed batches keep to leaders in it for a while; empty: to none
	reach    int           // and to leaders up to this rank
	narrowed time.Duration // since when there are such leaders
	opened   time.Duration // when a request last took open batches that linger as long
	batches  uint64        // un-keyed ones that were taken, counted from anywhere
	turn     int32         // the partition that the next one is to go to, or partitioner.Any

	limit      int            // of the bytes of a batch, because one was too large
	limitUntil time.Duration  // until when the topic's batches are kept smaller; 0: they are not
	lastErr    error          // the last failure, for reports
	bad        int            // records that were rejected alone, since one was delivered
	crossed    bool           // it was said that another priority has newer records
	acked      time.Duration  // when something of it was last acknowledged
	blamed     time.Duration  // when it was last found what its records wait for
	lostAt     time.Duration  // when records last expired because of their TTL; see lose
	lostSince  time.Duration  // when the first of those was sent
	scratch    []*stream      // of candidates
	well       []int32        // of designate
	counted    []*brokerState // of poll
}

// rebind continues ts with t, which replaces a topic that was freed.
func (ts *topicState) rebind(t *buffer.Topic) {
	ts.t, ts.cfg, ts.owned = t, t.Config(), false
	if ts.limitUntil != 0 {
		t.Limit(ts.limit)
	}
}

// linger returns how long open batches of ts wait for more records.
func (ts *topicState) linger(pass *pass) time.Duration { return ts.cfg.LingerIn(pass.linger) }

// acks are who must have batches before they count as delivered. A request has one of them, so
// batches with different acks share none.
var acks = [...]int16{cluster.AllAcks, cluster.LeaderAcks}

// acks returns which of acks the batches of ts have.
func (ts *topicState) acks() int {
	if ts.cfg.LeaderAcks {
		return 1
	}
	return 0
}

// renumber begins a new numbering for every stream.
func (ts *topicState) renumber() {
	for _, st := range ts.all {
		st.numbers.lost = true
	}
}

// add adds a stream to a partition.
func (ts *topicState) add(id int32, number int, leader *brokerState) {
	st := &stream{id: id, number: number, numbers: newNumbering(ts.twin*cluster.Streams + number),
		leader: leader}
	ts.all = append(ts.all, st)
	if number == 0 {
		ts.parts = append(ts.parts, st)
	}
}

func (ts *topicState) survey() {
	ts.waiting, ts.onHold = ts.waiting[:0], false
	if ts.owned && !ts.leaving {
		ts.waiting = ts.t.Survey(ts.waiting)
		ts.heldAt, ts.onHold = ts.t.OnHoldSince()
	}
}

// anyAside reports whether some partition is slow, or may be.
func (ts *topicState) anyAside() bool {
	return slices.ContainsFunc(ts.all, func(st *stream) bool { return st.pace != apace })
}

func (ts *topicState) anyPinned() bool {
	for _, st := range ts.all {
		if st.pinned != nil {
			return true
		}
	}
	return false
}

// quiet reports whether nothing of the topic waits or is in flight.
func (ts *topicState) quiet() bool {
	if len(ts.waiting) > 0 || len(ts.stale) > 0 || ts.onHold {
		return false
	}
	for _, st := range ts.all {
		if st.flying != nil || st.pinned != nil {
			return false
		}
	}
	return true
}
