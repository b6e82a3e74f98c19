package fleet

import (
	"fmt"
	"math"
	"sort"
	"time"

	"github.com/dustin/go-humanize"
)

// Advice is one change, and the figure that it would give.
type Advice struct {
	Setting string `json:"setting"`
	Write   string `json:"write"` // what to set it to
	Why     string `json:"why"`
	Gives   string `json:"gives"`
}

const (
	busy       = 0.7  // the share of a broker's processor above which it is too busy
	fewRecords = 10.0 // in a request
	longLinger = 100 * time.Millisecond
	// worthwhile is the part of the processor time that a change must save.
	worthwhile = 0.1
)

// advise returns what to change, each by itself.
func advise(p *Plan) []Advice {
	all := []Advice{}
	for _, rule := range []func(*Plan) (Advice, bool){adviseLinger, adviseSubset,
		advisePartitions, adviseKeys, adviseBrokers, adviseBuffer, adviseTimeout,
		adviseStorm} {
		if a, ok := rule(p); ok {
			all = append(all, a)
		}
	}
	return all
}

func adviseLinger(p *Plan) (Advice, bool) {
	if max(p.fleet.Settings.Linger, p.fleet.Settings.MaxLinger) >= longLinger ||
		p.Instance.RecordsPerRequest >= fewRecords {
		return Advice{}, false
	}
	other := p.With(func(f *Fleet) { f.Settings.Linger = longLinger })
	if !p.worth(other) {
		return Advice{}, false
	}
	return Advice{Setting: "settings.linger", Write: DurationText(longLinger),
		Why: fmt.Sprintf("a request has %s records", Short(p.Instance.RecordsPerRequest)),
		Gives: fmt.Sprintf("%s records per request; %s", Short(other.Instance.RecordsPerRequest),
			p.saved(other))}, true
}

// worth reports whether another plan saves enough of what a broker has to do.
func (p *Plan) worth(other *Plan) bool {
	if p.Coefficients.NoProcessor {
		return p.Broker.Requests-other.Broker.Requests >= worthwhile*p.Broker.Requests
	}
	return p.Broker.Cores.Total-other.Broker.Cores.Total >= worthwhile*p.Broker.Cores.Total
}

// saved says what a broker has to do now, and by another plan.
func (p *Plan) saved(other *Plan) string {
	requests := fmt.Sprintf("%s → %s requests/s", Short(p.Broker.Requests),
		Short(other.Broker.Requests))
	if p.Coefficients.NoProcessor {
		return requests + " per broker"
	}
	return fmt.Sprintf("%s and %s → %s cores per broker", requests, Short(p.Broker.Cores.Total),
		Short(other.Broker.Cores.Total))
}

func adviseSubset(p *Plan) (Advice, bool) {
	if p.Connections.Share <= 1 {
		return Advice{}, false
	}
	for k := min(int(p.fleet.subset())-1, 64); k >= 2; k-- {
		other := p.With(func(f *Fleet) { f.Settings.MaxBrokers = k })
		if other.Connections.Share > 0.8 && k > 2 {
			continue
		}
		if other.Connections.Broker >= p.Connections.Broker {
			break // keys reach all brokers anyway
		}
		return Advice{Setting: "settings.max_brokers", Write: fmt.Sprint(k), Why: p.tooMany(),
			Gives: fmt.Sprintf("%s connections per broker", Short(other.Connections.Broker))}, true
	}
	return adviseKeyedReach(p), true
}

// tooMany says how many connections there are.
func (p *Plan) tooMany() string {
	return fmt.Sprintf("%s connections per broker, and the limit is %s",
		Short(p.Connections.Broker), Short(p.Connections.Limit))
}

// adviseKeyedReach returns what helps where max_brokers does not.
func adviseKeyedReach(p *Plan) Advice {
	reach := int(0.8*p.Connections.Limit*float64(p.Brokers)/float64(p.Instances)) - 1
	reach = max(1, reach)
	other := p.With(func(f *Fleet) {
		for i := range f.Topics {
			if t := &f.Topics[i]; t.Keyed {
				t.Partitions = min(t.Partitions, reach)
			}
		}
	})
	if other.Connections.Share <= 1 {
		return Advice{Setting: "topics[].partitions of records with keys", Write: fmt.Sprint(reach),
			Why: p.tooMany() + ": an instance sends to every broker that has one",
			Gives: fmt.Sprintf("%s connections per broker",
				Short(other.Connections.Broker))}
	}
	return Advice{Setting: "instances", Write: "fewer, or split the topics over several clusters",
		Why:   p.tooMany() + ", whatever max_brokers is",
		Gives: humanize.Comma(int64(float64(p.Instances)/p.Connections.Share)) + " instances fit"}
}

func advisePartitions(p *Plan) (Advice, bool) {
	few := 0
	change := func(f *Fleet) {
		for i := range f.Topics {
			f.Topics[i].Partitions = max(f.Topics[i].Partitions, f.Brokers)
		}
	}
	for i := range p.fleet.Topics {
		if t := &p.fleet.Topics[i]; !t.Keyed && t.Partitions < p.Brokers {
			few += t.Count
		}
	}
	if few == 0 {
		return Advice{}, false
	}
	other := p.With(change)
	if p.Broker.Requests-other.Broker.Requests < worthwhile*p.Broker.Requests {
		return Advice{}, false
	}
	return Advice{Setting: "topics[].partitions", Write: fmt.Sprint(p.Brokers),
		Why: fmt.Sprintf("%d topics have no partition on some brokers, so their batches miss "+
			"requests", few),
		Gives: fmt.Sprintf("%s → %s requests/s per broker", Short(p.Broker.Requests),
			Short(other.Broker.Requests))}, true
}

func adviseKeys(p *Plan) (Advice, bool) {
	other := p.With(func(f *Fleet) {
		for i := range f.Topics {
			f.Topics[i].Keyed = false
		}
	})
	if !p.worth(other) {
		return Advice{}, false
	}
	return Advice{Setting: "topics[].keyed", Write: "false, where nobody needs the order",
		Why:   "records with keys need a request to each broker",
		Gives: p.saved(other)}, true
}

// adviseBrokers returns how many brokers are enough, where these are too busy or too slow.
func adviseBrokers(p *Plan) (Advice, bool) {
	slow := p.Outage.DrainSeconds < 0
	if p.Broker.Cores.Share <= busy && !slow {
		return Advice{}, false
	}
	a := Advice{Setting: "brokers", Why: fmt.Sprintf("a broker's processor is %s busy with "+
		"producers", percent(p.Broker.Cores.Share))}
	if slow {
		a.Why = fmt.Sprintf("producers send %s/s to a broker that takes %s/s, so a backlog never "+
			"drains", BytesText(p.Broker.ProduceBytes), BytesText(p.Outage.Capacity))
	}
	enough := func(other *Plan) bool {
		return other.Broker.Cores.Share <= busy &&
			(!slow || 2*other.Broker.ProduceBytes <= other.Outage.Capacity)
	}
	brokers := p.Brokers + sort.Search(maxBrokers-p.Brokers, func(more int) bool {
		return enough(p.withBrokers(p.Brokers + more))
	})
	other := p.withBrokers(brokers)
	if !enough(other) {
		a.Write, a.Gives = "more than "+humanize.Comma(maxBrokers), "nothing that would be "+
			"enough: send fewer records, or split the topics over several clusters"
		return a, true
	}
	a.Write, a.Gives = fmt.Sprint(brokers), percent(other.Broker.Cores.Share)+" busy"
	if slow {
		a.Gives += ", and a backlog is " + drainText(&other.Outage)
	}
	a.Gives += "; settings that save requests come first"
	return a, true
}

// withBrokers returns the plan with so many brokers. Topics with a partition for each broker keep
// one for each.
func (p *Plan) withBrokers(brokers int) *Plan {
	return p.With(func(f *Fleet) {
		for i := range f.Topics {
			if t := &f.Topics[i]; t.Partitions == f.Brokers {
				t.Partitions = brokers
			}
		}
		f.Brokers = brokers
	})
}

func adviseBuffer(p *Plan) (Advice, bool) {
	if p.Outage.Fits {
		return Advice{}, false
	}
	needed := roundUp(p.Outage.Needed * 1.1)
	return Advice{Setting: "settings.buffer_bytes", Write: sizeText(needed),
		Why: fmt.Sprintf("%s of outage need %s in each instance", DurationText(p.fleet.Outage),
			BytesText(p.Outage.Needed)),
		Gives: "room for all records that do not expire"}, true
}

// roundUp returns the next size of 64 MiB, 96 MiB, 128 MiB, 192 MiB, ….
func roundUp(bytes float64) int64 {
	size := int64(1 << 20)
	for ; float64(size) < bytes && size < maxBuffer; size *= 2 {
		if float64(size+size/2) >= bytes {
			return size + size/2
		}
	}
	return size
}

func adviseTimeout(p *Plan) (Advice, bool) {
	lost, lane := 0.0, ""
	for _, h := range p.Outage.Lanes {
		if h.Expired > lost {
			lost, lane = h.Expired, h.Priority
		}
	}
	if lane == "" {
		return Advice{}, false
	}
	timeout := p.fleet.Outage + time.Minute
	other := p.With(func(f *Fleet) { f.Settings.DeliveryTimeout.set(lane, timeout) })
	return Advice{Setting: "settings.delivery_timeout." + lane, Write: DurationText(timeout),
		Why: fmt.Sprintf("%s records of %s expire in each instance", Short(lost), lane),
		Gives: fmt.Sprintf("none of them expires; all priorities need %s of memory in each "+
			"instance", BytesText(other.Outage.Needed))}, true
}

func adviseStorm(p *Plan) (Advice, bool) {
	if p.Storm.Attempts <= p.Storm.Limit {
		return Advice{}, false
	}
	needed := time.Duration(math.Ceil(4*float64(p.Instances)/3/p.Storm.Limit)) * time.Second
	why := fmt.Sprintf("%s connection attempts/s on each broker in an outage, and the limit is "+
		"%s/s", Short(p.Storm.Attempts), Short(p.Storm.Limit))
	if needed > time.Minute {
		return Advice{Setting: "limits.new_connections_per_second",
			Write: Short(p.Storm.Attempts), Why: why,
			Gives: fmt.Sprintf("all are connected %s after the cluster is back, instead of %s: "+
				"ask your provider for it, or split the topics over several clusters",
				DurationText(p.fleet.Settings.ProbeMax), RoundTime(p.Storm.Seconds))}, true
	}
	other := p.With(func(f *Fleet) { f.Settings.ProbeMax = needed })
	return Advice{Setting: "settings.probe_max", Write: DurationText(needed), Why: why,
		Gives: fmt.Sprintf("%s attempts/s; records flow up to %s after the cluster is back",
			Short(other.Storm.Attempts), DurationText(needed))}, true
}
