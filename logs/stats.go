package logs

import "errors"

// What lines are dropped for, beside the errors of Send.
var (
	// ErrNotEncoded reports a line that could not be encoded: an encoder, a value or Options.Key
	// returned an error, panicked or called runtime.Goexit, and nothing could take its place.
	ErrNotEncoded = errors.New("line not encoded")
	// ErrRefused reports a line that a sender refused with an error that is none of Forebay's, by a
	// panic or by runtime.Goexit.
	ErrRefused = errors.New("line refused")
)

// Stats are the counts of a handler, core or exporter since it was made. Every line that it was
// given is in Sent, Own or Dropped once.
type Stats struct {
	Sent      uint64 // lines that Send has accepted
	Truncated uint64 // those of them that were cut, because they were too large
	Own       uint64 // Forebay's own lines, which are not sent

	// Dropped are the other lines by reason: an error of Send (producer.ErrBufferFull and so on),
	// ErrNotEncoded or ErrRefused. Reasons that have not occurred are left out.
	Dropped map[error]uint64
}

// Drops returns the sum of Dropped.
func (s Stats) Drops() (n uint64) {
	for _, more := range s.Dropped {
		n += more
	}
	return n
}
