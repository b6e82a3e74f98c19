package calibrate

import "time"

// Load is a steady load.
type Load struct {
	Producers int
	Records   float64 // per second, of all producers
	Bytes     int     // of each record's value
	Linger    time.Duration
	Keyed     bool // each record has a key of its own
	// Replicated loads go to a topic with three replicas, or two if there are two brokers. With one
	// broker they are left out.
	Replicated bool
}

// warmUp is what is sent before anything is measured: a broker that was just started compiles its
// code for a while.
var warmUp = Load{Producers: 8, Records: 8000, Bytes: 1000, Linger: 10 * time.Millisecond}

// Loads are those that Run measures unless it is given others. They vary one thing after the other:
// requests/s, bytes/s, connections.
var Loads = []Load{
	{Producers: 1, Records: 100, Bytes: 100, Linger: 10 * time.Millisecond},
	{Producers: 1, Records: 1000, Bytes: 100, Linger: 10 * time.Millisecond},
	{Producers: 1, Records: 10_000, Bytes: 1000, Linger: 10 * time.Millisecond},
	{Producers: 1, Records: 20_000, Bytes: 1000, Linger: 100 * time.Millisecond},
	{Producers: 1, Records: 1000, Bytes: 10_000, Linger: 50 * time.Millisecond},
	{Producers: 4, Records: 2000, Bytes: 1000, Linger: 5 * time.Millisecond},
	{Producers: 8, Records: 1600, Bytes: 100, Linger: 10 * time.Millisecond},
	{Producers: 4, Records: 40_000, Bytes: 1000, Linger: 50 * time.Millisecond},
	{Producers: 32, Records: 3200, Bytes: 100, Linger: 10 * time.Millisecond},
	{Producers: 16, Records: 1600, Bytes: 1000, Linger: 10 * time.Millisecond},
	{Producers: 16, Records: 8000, Bytes: 1000, Linger: 50 * time.Millisecond},
	{Producers: 32, Records: 10_000, Bytes: 1000, Linger: 100 * time.Millisecond},
	{Producers: 64, Records: 640, Bytes: 100, Linger: 100 * time.Millisecond},
	{Producers: 200, Records: 200, Bytes: 100, Linger: 100 * time.Millisecond},
	{Producers: 400, Records: 200, Bytes: 100, Linger: 100 * time.Millisecond},
	{Producers: 2, Records: 1000, Bytes: 1000, Linger: 20 * time.Millisecond, Keyed: true},
	{Producers: 8, Records: 4000, Bytes: 100, Linger: 20 * time.Millisecond, Keyed: true},
	{Producers: 1, Records: 1000, Bytes: 1000, Linger: 20 * time.Millisecond, Replicated: true},
	{Producers: 8, Records: 1600, Bytes: 100, Linger: 20 * time.Millisecond, Replicated: true},
	{Producers: 8, Records: 8000, Bytes: 1000, Linger: 100 * time.Millisecond, Replicated: true},
	{Producers: 16, Records: 1600, Bytes: 100, Linger: 10 * time.Millisecond, Replicated: true},
	{Producers: 4, Records: 1000, Bytes: 100, Linger: 50 * time.Millisecond, Keyed: true,
		Replicated: true},
}
