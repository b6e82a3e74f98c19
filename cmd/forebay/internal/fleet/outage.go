package fleet

import (
	"math"
	"time"

	"github.com/forebay-go/forebay/routing"
)

// GuaranteedShare is the part of the buffer that higher priorities leave to low and to medium.
const GuaranteedShare = 1.0 / 16

// Held is what an outage leaves of one priority in one instance.
type Held struct {
	Priority string `json:"priority"`
	// Needed is the memory for all records of the outage that do not expire.
	Needed float64 `json:"needed_bytes"`
	// Kept is how much of it the buffer has for this priority.
	Kept float64 `json:"kept_bytes"`
	// KeptSeconds is how many seconds of records are there in the end.
	KeptSeconds float64 `json:"kept_seconds"`
	// Expired and NoRoom are the records that are lost, per instance: those that were accepted and
	// waited too long, and those that Send refused, or that higher priorities took the memory of.
	Expired float64 `json:"expired_records"`
	NoRoom  float64 `json:"records_without_room"`
}

// Outage is what happens when the whole cluster is away for a while.
type Outage struct {
	Seconds float64 `json:"seconds"`
	Buffer  float64 `json:"buffer_bytes"`
	Needed  float64 `json:"needed_bytes"` // per instance, all priorities
	Fits    bool    `json:"fits"`
	Lanes   []Held  `json:"priorities"`

	// Backlog is what each broker gets afterwards beside the usual load, from producers.
	Backlog float64 `json:"backlog_bytes_per_broker"`
	// Capacity is what a broker takes from producers then, in large requests.
	Capacity float64 `json:"capacity_bytes_per_second_per_broker"`
	// Bound is what limits the capacity: "processor", or "network or disk".
	Bound string `json:"bound"`
	// DrainSeconds is how long the backlog takes; negative: for ever, because the usual load takes
	// all the capacity.
	DrainSeconds float64 `json:"drain_seconds"`
}

// outage returns what an outage does to one instance, and how long it takes to drain.
func (f *Fleet) outage(lanes []lane, now *Load, c *Coefficients) Outage {
	o := Outage{Seconds: f.Outage.Seconds(), Buffer: float64(f.Settings.BufferBytes), Fits: true}
	var needs []float64
	for i := range lanes {
		takes := lanes[i].holding()
		needs = append(needs, takes.held(lanes[i].lasts()))
		o.Needed += needs[i]
	}
	kept := share(o.Buffer, lanes, needs)
	sum := 0.0
	for i := range lanes {
		h := lanes[i].held(needs[i], kept[i])
		o.Lanes = append(o.Lanes, h)
		o.Fits = o.Fits && h.NoRoom == 0
		sum += h.KeptSeconds * lanes[i].wire()
	}
	o.Backlog = sum * float64(f.Instances) / float64(f.Brokers)
	o.Capacity, o.Bound = f.capacity(now, c)
	o.DrainSeconds = -1
	if spare := o.Capacity - now.ProduceBytes; spare > 0 {
		o.DrainSeconds = o.Backlog / spare
	}
	return o
}

// lasts returns how long the records wait that are there at the end of the outage, in seconds.
func (l *lane) lasts() float64 {
	return min(l.fleet.Outage, l.fleet.Settings.DeliveryTimeout.Of(l.priority)).Seconds()
}

// holding returns what the lane takes in the outage.
func (l *lane) holding() (sum holding) {
	timeout := l.fleet.Settings.DeliveryTimeout.Of(l.priority).Seconds()
	for i := range l.flows {
		h := l.flows[i].holding(timeout, l.lasts(), float64(l.fleet.Settings.BatchBytes))
		sum.perSecond += h.perSecond
		sum.open += h.open
	}
	return sum
}

// held returns what of an outage is left with so much memory.
func (l *lane) held(needed, kept float64) Held {
	outage := l.fleet.Outage.Seconds()
	h := Held{Priority: l.priority.String(), Needed: needed, Kept: kept, KeptSeconds: l.lasts()}
	if kept < needed*(1-1e-9) {
		h.KeptSeconds *= kept / needed
	}
	// A full buffer refuses records until the oldest expire, so in each delivery timeout it takes
	// KeptSeconds of records, and refuses the rest.
	expire := outage - l.lasts() // how long ago those that are there began to arrive
	times := math.Floor(expire / max(l.lasts(), 1e-9))
	rest := expire - times*l.lasts()
	h.Expired = (times*h.KeptSeconds + min(rest, h.KeptSeconds)) * l.rate()
	h.NoRoom = ((1+times)*(l.lasts()-h.KeptSeconds) + max(0, rest-h.KeptSeconds)) * l.rate()
	return h
}

// share returns the memory that each priority has in the end, of those that need so much. Higher
// priorities come first, and leave the others their guarantees.
func share(buffer float64, lanes []lane, needs []float64) []float64 {
	guaranteed := func(i int) float64 {
		if lanes[i].priority == routing.High {
			return 0
		}
		return min(needs[i], GuaranteedShare*buffer)
	}
	kept := make([]float64, len(lanes))
	left := buffer
	for i := range lanes {
		below := 0.0
		for j := i + 1; j < len(lanes); j++ {
			below += guaranteed(j)
		}
		kept[i] = min(needs[i], left-below)
		left -= kept[i]
	}
	return kept
}

// capacity returns the bytes/s that a broker takes from producers in a backlog, and what limits
// them. Requests are large then, so that bytes are what costs.
func (f *Fleet) capacity(now *Load, c *Coefficients) (bytes float64, bound string) {
	bytes, bound = float64(f.Broker.ProduceBytesPerSecond), "network or disk"
	if now.ProduceBytes == 0 {
		return bytes, bound
	}
	copies := now.WrittenBytes / now.ProduceBytes
	perByte := c.PerMegabyte/1e6*copies + (c.PerRequest+c.PerBatch+
		c.PerFetch*(copies-1))/float64(f.Settings.BatchBytes)
	left := f.Broker.Cores - c.Base - now.Cores.Connections
	if byCores := max(0, left/perByte); perByte > 0 && byCores < bytes {
		return byCores, "processor"
	}
	return bytes, bound
}

// seconds returns so many seconds as a time, at most a year.
func seconds(s float64) time.Duration {
	return time.Duration(min(math.Max(s, 0), 365*24*3600) * float64(time.Second))
}
