package capture

import (
	"fmt"
	"time"
)

// Moment is where a range begins or ends: a time in milliseconds since 1970, Earliest or Latest.
type Moment int64

// The moments that are no times, as Kafka has them.
const (
	Earliest Moment = -2
	Latest   Moment = -1
)

// ParseMoment reads earliest, latest, a time as in RFC 3339, or how long ago.
func ParseMoment(text string, now time.Time) (Moment, error) {
	switch text {
	case "earliest":
		return Earliest, nil
	case "latest":
		return Latest, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil && at.UnixMilli() >= 0 {
		return Moment(at.UnixMilli()), nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		if at := now.Add(-ago).UnixMilli(); at >= 0 {
			return Moment(at), nil
		}
	}
	return 0, fmt.Errorf("%q: write earliest, latest, a time such as 2026-11-30T20:00:00Z, or how "+
		"long ago, such as 1h30m", text)
}
