package drive

import "github.com/forebay-go/forebay/bench/client"

// Result is what a driver has measured. Times are in nanoseconds.
type Result struct {
	Client string
	Error  string `json:",omitempty"` // why there is nothing else
	Failed string `json:",omitempty"` // what the first record that failed did fail of
	Told   map[string]string

	Due      int64 // calls that the rate asked for
	Calls    int64 // calls that were made
	Accepted int64 // records that were not refused
	Counts   client.Counts
	Finished bool // everything had an outcome in time

	Unfinished string `json:",omitempty"` // why not

	WallNanos  int64 // from the first call until all have their outcome
	CallNanos  int64 // from the first call to the last
	CPUNanos   int64 // of the process, user and system, by getrusage, over WallNanos
	Mallocs    int64 // over WallNanos; of the runtime's own heap: not those of C; -1: not known
	AllocBytes int64 // likewise

	Latency Histogram // of the calls, where they were timed

	Held *Held `json:",omitempty"`
}

// Held is what records take that wait.
type Held struct {
	Records     int64
	HeapBytes   int64 // of the heap, after a collection, beyond what was there before
	HeapObjects int64 // -1: not known
	RSSBytes    int64 // of the process, beyond what was there before
	// of the CPU that the process takes while the application allocates and the records wait
	GCShare     float64
	GCShareIdle float64 // the same before there were any
}
