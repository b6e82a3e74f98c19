package loadtest

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Millis is a time in milliseconds. NaN means that there is none.
type Millis float64

// MarshalJSON writes null where there is no time.
func (m Millis) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(m)) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(m))
}

// String returns the time for people.
func (m Millis) String() string {
	if math.IsNaN(float64(m)) {
		return "-"
	}
	d := time.Duration(float64(m) * float64(time.Millisecond))
	switch {
	case d >= 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	}
	return fmt.Sprintf("%.3gms", float64(m))
}

// Latency sums up times in milliseconds. Without any, all but Count are NaN.
type Latency struct {
	Count int64  `json:"count"`
	P50   Millis `json:"p50"`
	P90   Millis `json:"p90"`
	P99   Millis `json:"p99"`
	P999  Millis `json:"p99_9"`
	Max   Millis `json:"max"`
}

// longest is the longest time that a histogram tells from longer ones.
const longest = time.Hour

// histogram counts times, to three digits. It is not safe for concurrent use.
type histogram struct{ h *hdrhistogram.Histogram }

func newHistogram() histogram {
	return histogram{hdrhistogram.New(1, longest.Microseconds(), 3)}
}

func (h histogram) record(d time.Duration) {
	_ = h.h.RecordValue(min(max(d, 0), longest).Microseconds()) // it is within the bounds
}

func (h histogram) latency() Latency {
	if h.h.TotalCount() == 0 {
		none := Millis(math.NaN())
		return Latency{P50: none, P90: none, P99: none, P999: none, Max: none}
	}
	at := func(q float64) Millis { return Millis(h.h.ValueAtQuantile(q)) / 1000 }
	return Latency{Count: h.h.TotalCount(), P50: at(50), P90: at(90), P99: at(99), P999: at(99.9),
		Max: Millis(h.h.Max()) / 1000}
}
