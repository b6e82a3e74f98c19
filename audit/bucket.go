package audit

import (
	"fmt"
	"math"
	"time"
)

// BucketLength is the time that one row of the accounts covers.
const BucketLength = 10 * time.Minute

// Bucket is a span of ten minutes, counted from 1970 in UTC. A record is in the bucket in which it
// was to be sent, by the clock of the instance that sent it. Readers take the bucket from its
// header, so a clock that is wrong puts records into the wrong row, but no record is counted twice
// or not at all.
type Bucket uint32

// BucketOf returns the bucket of a time: the first one for all times before it, and the last one
// for all times after that.
func BucketOf(t time.Time) Bucket {
	n := t.Unix() / int64(BucketLength/time.Second)
	return Bucket(min(max(n, 0), math.MaxUint32))
}

// Start returns when the bucket begins.
func (b Bucket) Start() time.Time {
	return time.Unix(int64(b)*int64(BucketLength/time.Second), 0).UTC()
}

// String returns the day and the minute at which the bucket begins, in UTC.
func (b Bucket) String() string { return b.Start().Format(layout) }

// MarshalText writes what String returns.
func (b Bucket) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// UnmarshalText reads what String returns.
func (b *Bucket) UnmarshalText(text []byte) error {
	t, err := time.Parse(layout, string(text))
	if err != nil {
		return fmt.Errorf("bucket %q: write it as %q", text, layout)
	}
	*b = BucketOf(t)
	return nil
}

const layout = "2006-01-02 15:04"
