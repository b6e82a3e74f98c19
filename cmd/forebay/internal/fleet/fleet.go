package fleet

import (
	"time"

	"github.com/forebay-go/forebay/internal/cluster"
	"github.com/forebay-go/forebay/internal/dispatch"
	"github.com/forebay-go/forebay/routing"
)

// Fleet is a fleet of instances that send to one Kafka cluster. The zero value is not a fleet:
// Read and Parse fill in the defaults.
type Fleet struct {
	// Instances is how many processes send, each with one producer. Required.
	Instances int `yaml:"instances"`
	// Brokers is how many brokers the cluster has. Required.
	Brokers int `yaml:"brokers"`
	// Zones is how many zones the brokers are in. Default 1. With more, every instance is taken to
	// set rack: records without a key then keep to the brokers of its zone.
	Zones int `yaml:"zones"`
	// Topics is what the instances send. Required.
	Topics []Topic `yaml:"topics"`
	// Settings is how the producers are set.
	Settings Settings `yaml:"settings"`
	// Outage is how long the whole cluster is away. Default 10m.
	Outage time.Duration `yaml:"outage"`
	// Broker is what one broker can do.
	Broker Broker `yaml:"broker"`
	// Limits are those of the service that runs the brokers.
	Limits Limits `yaml:"limits"`
}

// Topic is one topic, or several that are alike.
type Topic struct {
	// Name is for the reader of the file. Nothing else uses it.
	Name string `yaml:"name"`
	// Count is how many topics are like this. The rate is that of all of them together. Default 1.
	Count int `yaml:"count"`
	// RecordsPerSecond is the rate of the whole fleet.
	RecordsPerSecond float64 `yaml:"records_per_second"`
	// InstanceRecordsPerSecond is the rate of one instance, instead.
	InstanceRecordsPerSecond float64 `yaml:"instance_records_per_second"`
	// RecordBytes is the size of key, value and headers before compression. Default 1KiB.
	RecordBytes int64 `yaml:"record_bytes"`
	// Priority is that of the records. Default medium.
	Priority routing.Priority `yaml:"priority"`
	// Keyed says that records have keys, which choose their partitions. Default false.
	Keyed bool `yaml:"keyed"`
	// Partitions is how many each topic has. Default: one for each broker.
	Partitions int `yaml:"partitions"`
	// Replicas is how many brokers hold each partition. Default 3 for high priority, 2 for others.
	Replicas int `yaml:"replicas"`
	// CompressionRatio is the size before compression by the size after it. Default 1: none.
	CompressionRatio float64 `yaml:"compression_ratio"`
}

// Settings are those of the producers that matter here.
type Settings struct {
	// Linger is batching.linger. Default 10ms.
	Linger time.Duration `yaml:"linger"`
	// MaxLinger is batching.max_linger: up to it the linger grows, until requests are filled well.
	// Default 0: it does not.
	MaxLinger time.Duration `yaml:"max_linger"`
	// BatchBytes is batching.max_bytes. Default 1,000,000.
	BatchBytes int64 `yaml:"batch_bytes"`
	// BufferBytes is buffer.max_bytes. Default 64MiB.
	BufferBytes int64 `yaml:"buffer_bytes"`
	// MaxBrokers is how many brokers get the records of an instance that have no key; -1 means all.
	// Default: 8 if there are more than 16 brokers, else -1.
	MaxBrokers int `yaml:"max_brokers"`
	// ShareConnections says that all priorities share one connection to each broker. Without it,
	// each has its own. Default true.
	ShareConnections bool `yaml:"share_connections"`
	// ProbeMax is the longest time between two probes of a broker in an outage. Default 2s.
	ProbeMax time.Duration `yaml:"probe_max"`
	// AckLatency is how long a produce request takes. It bounds the requests that can be in flight
	// one after the other. Default 5ms.
	AckLatency time.Duration `yaml:"ack_latency"`
	// DeliveryTimeout has the delivery timeouts of the priorities.
	DeliveryTimeout Timeouts `yaml:"delivery_timeout"`
}

// Timeouts are how long records of each priority may wait before they expire.
type Timeouts struct {
	High   time.Duration `yaml:"high"`   // default 1h
	Medium time.Duration `yaml:"medium"` // default 10m
	Low    time.Duration `yaml:"low"`    // default 2m
}

// Of returns the timeout of a priority.
func (t Timeouts) Of(p routing.Priority) time.Duration {
	switch p {
	case routing.High:
		return t.High
	case routing.Low:
		return t.Low
	default:
		return t.Medium
	}
}

// set sets the timeout of the priority with that name.
func (t *Timeouts) set(priority string, timeout time.Duration) {
	switch priority {
	case routing.High.String():
		t.High = timeout
	case routing.Low.String():
		t.Low = timeout
	default:
		t.Medium = timeout
	}
}

// Broker is what one broker can do.
type Broker struct {
	// Cores is how many processor cores it has. Default 8.
	Cores float64 `yaml:"cores"`
	// ProduceBytesPerSecond is what it takes from producers, by its network and its disks. Default
	// 100MB.
	ProduceBytesPerSecond int64 `yaml:"produce_bytes_per_second"`
}

// Limits are those of the service that runs the brokers. The defaults are those of Amazon MSK with
// IAM.
type Limits struct {
	// Connections is how many a broker holds. Default 3000.
	Connections int `yaml:"connections"`
	// NewConnections is how many a broker accepts in a second. Default 100.
	NewConnections float64 `yaml:"new_connections_per_second"`
}

// unset marks a number whose default depends on others.
const unset = -1

// defaults returns a fleet with every default that does not depend on others.
func defaults() *Fleet {
	return &Fleet{
		Instances: unset, Brokers: unset, Zones: 1,
		Settings: Settings{
			Linger: 10 * time.Millisecond, BatchBytes: 1_000_000, BufferBytes: 64 << 20,
			ShareConnections: true, ProbeMax: cluster.ProbeMax,
			AckLatency: 5 * time.Millisecond,
			DeliveryTimeout: Timeouts{High: time.Hour, Medium: 10 * time.Minute,
				Low: 2 * time.Minute},
		},
		Outage: 10 * time.Minute,
		Broker: Broker{Cores: 8, ProduceBytesPerSecond: 100_000_000},
		Limits: Limits{Connections: 3000, NewConnections: 100},
	}
}

// defaultTopic returns a topic with every default that does not depend on others.
func defaultTopic() Topic {
	return Topic{Count: 1, RecordsPerSecond: unset, InstanceRecordsPerSecond: unset,
		RecordBytes: 1 << 10, Priority: routing.Medium, Partitions: unset, Replicas: unset,
		CompressionRatio: 1}
}

// AllBrokers is the MaxBrokers of instances that use all.
const AllBrokers = -1

// complete fills in the defaults that depend on others. f has passed check.
func (f *Fleet) complete() {
	if f.Settings.MaxBrokers == 0 {
		f.Settings.MaxBrokers = AllBrokers
		if few := dispatch.KeepTo(0, f.Brokers); few < f.Brokers {
			f.Settings.MaxBrokers = few
		}
	}
	for i := range f.Topics {
		t := &f.Topics[i]
		if t.Partitions == unset {
			t.Partitions = f.Brokers
		}
		if t.Replicas == unset {
			t.Replicas = min(replicasOf(t.Priority), f.Brokers)
		}
		if t.InstanceRecordsPerSecond == unset {
			t.InstanceRecordsPerSecond = t.RecordsPerSecond / float64(f.Instances)
		} else {
			t.RecordsPerSecond = t.InstanceRecordsPerSecond * float64(f.Instances)
		}
	}
}

// replicasOf returns what a priority recommends.
func replicasOf(p routing.Priority) int {
	if p == routing.High {
		return 3
	}
	return 2
}
