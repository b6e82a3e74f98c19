package fleet

import "slices"

// Plan is what a fleet costs its cluster.
type Plan struct {
	Instances   int         `json:"instances"`
	Brokers     int         `json:"brokers"`
	Lanes       []Lane      `json:"per_instance"`
	Instance    Lane        `json:"per_instance_total"`
	Connections Connections `json:"connections"`
	Broker      Load        `json:"per_broker"`
	CrossZone   float64     `json:"bytes_per_second_between_zones"` // of the whole fleet
	Outage      Outage      `json:"outage"`
	Storm       Storm       `json:"storm"`
	Advice      []Advice    `json:"advice"`

	Coefficients Coefficients `json:"coefficients"`

	fleet *Fleet
}

// Make computes the plan of a fleet.
func Make(f *Fleet, c Coefficients) *Plan {
	p := compute(f, c)
	p.Advice = advise(p)
	return p
}

// Fleet returns the fleet of the plan.
func (p *Plan) Fleet() Fleet { return *p.fleet }

// With returns the plan of the fleet after a change, without advice. change must not keep the
// fleet, and may replace its topics.
func (p *Plan) With(change func(*Fleet)) *Plan {
	f := *p.fleet
	f.Topics = slices.Clone(f.Topics)
	change(&f)
	return compute(&f, p.Coefficients)
}

// compute returns the plan without advice.
func compute(f *Fleet, c Coefficients) *Plan {
	p := &Plan{Instances: f.Instances, Brokers: f.Brokers, Coefficients: c, fleet: f,
		Lanes: []Lane{}, Advice: []Advice{}}
	p.Coefficients.Points = nil // the file has them
	lanes := lanesOf(f)
	p.Instance.Priority = "all"
	for i := range lanes {
		lanes[i].linger = lanes[i].settled(c.Late)
		l := makeLane(&lanes[i], c.Late)
		p.Lanes = append(p.Lanes, l)
		p.Instance.add(&l)
	}
	p.Connections = f.connections(lanes)
	p.Broker = p.load(&c)
	p.CrossZone = f.crossZone(lanes)
	p.Outage = f.outage(lanes, &p.Broker, &c)
	p.Storm = f.storm(p.Connections)
	return p
}

// add adds other to l.
func (l *Lane) add(other *Lane) {
	l.Records += other.Records
	l.Requests += other.Requests
	l.Batches += other.Batches
	l.Bytes += other.Bytes
	l.written += other.written
	l.Why.Lingered += other.Why.Lingered
	l.Why.Full += other.Why.Full
	l.Why.Limit += other.Why.Limit
	if l.Requests > 0 {
		l.RecordsPerRequest = l.Records / l.Requests
	}
}

// load returns what a broker gets of all instances.
func (p *Plan) load(c *Coefficients) Load {
	each := float64(p.Instances) / float64(p.Brokers)
	l := Load{Requests: p.Instance.Requests * each, Batches: p.Instance.Batches * each,
		Records: p.Instance.Records * each, ProduceBytes: p.Instance.Bytes * each,
		WrittenBytes: p.Instance.written * each, Connections: p.Connections.Broker}
	if l.Requests > 0 {
		l.Fetches = Fetches(l.Requests, l.Batches/l.Requests, l.WrittenBytes/l.ProduceBytes,
			p.Brokers)
	}
	l.Cores = c.Cores(&l, p.fleet.Broker)
	return l
}

// crossZone returns the bytes/s that producers send to brokers of other zones: records with keys
// go wherever their partition is.
func (f *Fleet) crossZone(lanes []lane) (sum float64) {
	for i := range lanes {
		for j := range lanes[i].flows {
			if fl := &lanes[i].flows[j]; fl.topic.Keyed {
				sum += fl.wire() * float64(f.Instances)
			}
		}
	}
	return sum * float64(f.Zones-1) / float64(f.Zones)
}
