package loadtest

import (
	"errors"
	"math"
	"time"

	"github.com/forebay-go/forebay/routing"
)

// Mode is what is measured.
type Mode string

// The modes.
const (
	Steps     Mode = "steps"      // one rate after the other
	Search    Mode = "search"     // the highest rate that meets the objective
	Consumers Mode = "consumers"  // what readers cost the producer
	FetchWait Mode = "fetch_wait" // what fetch.max.wait costs and gives
)

// Config says what to measure. Complete fills in its defaults.
type Config struct {
	// Mode is what is measured. The default is Steps.
	Mode Mode `yaml:"mode"`

	// Topic is where the records go. It must exist. Required.
	Topic string `yaml:"topic"`

	// Bytes is the length of a value: 16 bytes to 1 MiB. The default is 100.
	Bytes int `yaml:"bytes"`

	// Keys is the number of different keys. The default, 0, sends records without a key.
	Keys int `yaml:"keys"`

	// Priority is that of the records. The default is by the rules of the settings.
	Priority routing.Priority `yaml:"priority"`

	// RecordsPerSecond are the rates: one or more for Steps, one for Consumers and FetchWait.
	RecordsPerSecond []float64 `yaml:"records_per_second"`

	// Ramp are rates at equal distances, instead of RecordsPerSecond, for Steps.
	Ramp *Ramp `yaml:"ramp"`

	// WarmUp is how long the traffic of each measurement runs before its figures begin. The default
	// is 5 s; 0 means the default.
	WarmUp time.Duration `yaml:"warm_up"`

	// Duration is how long each measurement takes after its warm-up. The default is 20 s.
	Duration time.Duration `yaml:"duration"`

	// Drain is how long to wait for outcomes while none comes. Kafka is away then, and the run
	// ends. The default is 30 s.
	Drain time.Duration `yaml:"drain"`

	// Objective is what a measurement has to meet. Required for Search.
	Objective *Objective `yaml:"objective"`

	Search SearchConfig `yaml:"search"`

	// Readers is how many clients read the topic, each all of it, for Consumers and FetchWait. The
	// default is 3.
	Readers int `yaml:"readers"`

	// Rounds is how often Consumers and FetchWait repeat their measurements, at least 3. The
	// default is 3.
	Rounds int `yaml:"rounds"`

	// OldRecords is how many records the topic has to have for readers from its beginning. If it
	// has fewer, it is filled. The default is 500,000.
	OldRecords int64 `yaml:"old_records"`

	FetchWait FetchWaitConfig `yaml:"fetch_wait"`

	// BrokerPIDs are the processes of the brokers, where they run on this machine. By default they
	// are found by the ports that they listen on.
	BrokerPIDs []int `yaml:"broker_pids"`
}

// Ramp is rates at equal distances.
type Ramp struct {
	From float64 `yaml:"from"`
	To   float64 `yaml:"to"`
	Step float64 `yaml:"step"`
}

// SearchConfig bounds a search.
type SearchConfig struct {
	// From is the first rate. The default is 1,000.
	From float64 `yaml:"from"`

	// To is the highest rate that is tried. The default is 1,000,000.
	To float64 `yaml:"to"`

	// Resolution is how close the rate that was met and the one that was missed are at the end, as
	// a share of the former. The default is 0.05.
	Resolution float64 `yaml:"resolution"`

	// Confirm is how many measurements of a rate have to agree. The default is 2.
	Confirm int `yaml:"confirm"`
}

// FetchWaitConfig is the sweep of fetch.max.wait.
type FetchWaitConfig struct {
	// Values are those of fetch.max.wait, at least 10 ms. The default is 10ms, 100ms, 500ms.
	Values []time.Duration `yaml:"values"`

	// MinBytes is fetch.min.bytes: a broker answers when it has as much, or when the wait is over.
	// The default is 1 MiB, so that the wait decides.
	MinBytes int32 `yaml:"min_bytes"`
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Complete fills in the defaults, and returns all mistakes, a line each.
func (c *Config) Complete() error {
	setDefault(&c.Mode, Steps)
	setDefault(&c.Bytes, 100)
	setDefault(&c.WarmUp, 5*time.Second)
	setDefault(&c.Duration, 20*time.Second)
	setDefault(&c.Drain, 30*time.Second)
	setDefault(&c.Search.From, 1000)
	setDefault(&c.Search.To, 1_000_000)
	setDefault(&c.Search.Resolution, 0.05)
	setDefault(&c.Search.Confirm, 2)
	setDefault(&c.Readers, 3)
	setDefault(&c.Rounds, 3)
	setDefault(&c.OldRecords, 500_000)
	setDefault(&c.FetchWait.MinBytes, 1<<20)
	if len(c.FetchWait.Values) == 0 {
		c.FetchWait.Values = []time.Duration{leastWait, 100 * time.Millisecond,
			500 * time.Millisecond}
	}
	return errors.Join(c.checkRecords(), c.checkTimes(), c.checkRates(), c.checkObjective(),
		c.checkSearch(), c.checkReaders())
}

// rates returns the rates of steps.
func (c *Config) rates() []float64 {
	if c.Ramp == nil {
		return c.RecordsPerSecond
	}
	var rates []float64
	for i := 0; ; i++ {
		rate := c.Ramp.From + float64(i)*c.Ramp.Step
		if rate > c.Ramp.To*(1+1e-9) {
			return rates
		}
		rates = append(rates, rate)
	}
}

// Takes returns about how long a run takes; false if that depends on what it finds.
func (c *Config) Takes() (time.Duration, bool) {
	n := 0
	switch c.Mode {
	case Steps:
		n = len(c.rates())
	case Consumers:
		n = len(phases) * c.Rounds
	case FetchWait:
		n = len(c.FetchWait.Values) * c.Rounds
	default:
		return c.WarmUp + c.Duration, false
	}
	return time.Duration(math.Min(float64(n)*float64(c.WarmUp+c.Duration), math.MaxInt64)), true
}
