package capture

import (
	"slices"
	"time"
)

// Version is the version of the format that this package writes and reads.
const Version = 1

// Header is the first line of a capture.
type Header struct {
	Version  int       `json:"forebay_capture"`
	Topics   []string  `json:"topics"`
	Recorded time.Time `json:"recorded"` // when recording began

	// First is the timestamp of the first record. It is the zero time if there is none.
	First time.Time `json:"first,omitzero"`
}

// Has reports whether the capture is of topic.
func (h *Header) Has(topic string) bool { return slices.Contains(h.Topics, topic) }

// Trailer is the last line of a capture.
type Trailer struct {
	Records  uint64 `json:"records"`
	Complete bool   `json:"complete"` // false: recording was interrupted, or failed
}
