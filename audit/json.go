package audit

import (
	"encoding/json"
	"time"
)

// As JSON, spans of time are seconds, and their names say so. Go's own form, a whole number of
// nanoseconds, would leave readers to guess the unit.

// MarshalJSON writes Quiet as QuietSeconds.
func (p Presence) MarshalJSON() ([]byte, error) {
	return json.Marshal(presenceJSON{plainPresence(p), p.Quiet.Seconds()})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (p *Presence) UnmarshalJSON(text []byte) error {
	var read presenceJSON
	err := json.Unmarshal(text, &read)
	*p = Presence(read.plainPresence)
	p.Quiet = seconds(read.QuietSeconds)
	return err
}

type plainPresence Presence // without the methods

type presenceJSON struct {
	plainPresence

	QuietSeconds float64
}

// MarshalJSON writes Late as LateSeconds.
func (s LoadStats) MarshalJSON() ([]byte, error) {
	return json.Marshal(loadJSON{plainLoad(s), s.Late.Seconds()})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (s *LoadStats) UnmarshalJSON(text []byte) error {
	var read loadJSON
	err := json.Unmarshal(text, &read)
	*s = LoadStats(read.plainLoad)
	s.Late = seconds(read.LateSeconds)
	return err
}

type plainLoad LoadStats

type loadJSON struct {
	plainLoad

	LateSeconds float64
}

// MarshalJSON writes the times in seconds.
func (t Times) MarshalJSON() ([]byte, error) {
	return json.Marshal(timesJSON{t.Last.Seconds(), t.Median.Seconds(), t.Longest.Seconds()})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (t *Times) UnmarshalJSON(text []byte) error {
	var read timesJSON
	err := json.Unmarshal(text, &read)
	*t = Times{Last: seconds(read.LastSeconds), Median: seconds(read.MedianSeconds),
		Longest: seconds(read.LongestSeconds)}
	return err
}

type timesJSON struct{ LastSeconds, MedianSeconds, LongestSeconds float64 }

func seconds(s float64) time.Duration {
	return time.Duration(s * float64(time.Second)).Round(time.Microsecond)
}
