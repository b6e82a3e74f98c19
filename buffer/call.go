package buffer

import "time"

// callBytes is the size of a call.
const callBytes = 40

// call is what a batch keeps of a record with Record.Call.
type call struct {
	index int // of the record
	tag   uint64
	born  time.Duration // monotonic time of Send
	call  any
}

// Called reports whether a record of b has a Call.
func (b *Batch) Called() bool { return len(b.calls) > 0 }

// EachCall calls yield for every record of b that has a Call, with its index, tag and the monotonic
// time of its Send.
func (b *Batch) EachCall(yield func(i int, tag uint64, born time.Duration, call any)) {
	for _, c := range b.calls {
		yield(c.index, c.tag, c.born, c.call)
	}
}

// allowCall makes room for one more call, if the budget and the topic's share allow it.
func (b *Batch) allowCall(now time.Duration) error {
	if len(b.calls) < cap(b.calls) {
		return nil
	}
	calls := max(4, 2*cap(b.calls))
	more := int64(calls-cap(b.calls)) * callBytes
	if err := b.reserve(more, now); err != nil {
		return err
	}
	b.held += more
	b.calls = append(make([]call, 0, calls), b.calls...)
	return nil
}
