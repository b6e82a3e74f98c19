package fleet

// Load is what one broker gets on average, and what its processor does for it. Reads of consumers
// are not in it.
type Load struct {
	Requests     float64 `json:"requests_per_second"`
	Batches      float64 `json:"batches_per_second"` // in these requests, one of a partition each
	Records      float64 `json:"records_per_second"`
	ProduceBytes float64 `json:"produce_bytes_per_second"` // from producers, compressed
	WrittenBytes float64 `json:"written_bytes_per_second"` // the same, with all replicas
	Fetches      float64 `json:"fetches_per_second"`       // of followers
	Connections  float64 `json:"connections"`
	Cores        Cores   `json:"cores"`
}

// Cores is processor time in seconds per second, by what it is for.
type Cores struct {
	Requests    float64 `json:"requests"`
	Batches     float64 `json:"batches"`
	Replication float64 `json:"replication"` // fetches; the bytes of replicas are in Bytes
	Bytes       float64 `json:"bytes"`
	Connections float64 `json:"connections"`
	Base        float64 `json:"base"`
	Total       float64 `json:"total"`
	Share       float64 `json:"share"` // of the cores of a broker
}

// Cores returns the processor time that a load takes.
func (c *Coefficients) Cores(load *Load, broker Broker) Cores {
	r := Cores{
		Requests:    c.PerRequest * load.Requests,
		Batches:     c.PerBatch * load.Batches,
		Replication: c.PerFetch * load.Fetches,
		Bytes:       c.PerMegabyte * load.WrittenBytes / 1e6,
		Connections: c.PerConnection * load.Connections,
		Base:        c.Base,
	}
	r.Total = r.Requests + r.Batches + r.Replication + r.Bytes + r.Connections + r.Base
	r.Share = r.Total / broker.Cores
	return r
}

// Lane is what one instance sends with one priority.
type Lane struct {
	Priority          string   `json:"priority"`
	Records           float64  `json:"records_per_second"`
	Requests          float64  `json:"requests_per_second"`
	Batches           float64  `json:"batches_per_second"`
	RecordsPerRequest float64  `json:"records_per_request"`
	Bytes             float64  `json:"bytes_per_second"` // compressed, as produced
	Linger            float64  `json:"linger_seconds"`
	Why               Requests `json:"why"` // from what the requests come

	written float64 // bytes/s with all replicas
	reach   float64 // brokers
}

// makeLane applies the request model.
func makeLane(l *lane, late float64) Lane {
	why := l.requests(late)
	r := Lane{Priority: l.priority.String(), Records: l.rate(), Requests: why.Total(), Why: why,
		Linger: l.linger, reach: l.reach()}
	r.RecordsPerRequest = r.Records / r.Requests
	r.Batches = l.batches(why)
	framing := r.Batches * BatchFraming
	for i := range l.flows {
		f := &l.flows[i]
		bytes := f.wire() + framing*f.rate/r.Records
		r.Bytes += bytes
		r.written += bytes * float64(f.topic.Replicas)
	}
	return r
}
