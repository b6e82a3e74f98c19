package loadtest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestConfig_NamesEachMistake(t *testing.T) {
	for text, change := range map[string]func(*Config){
		`mode: "fast": write steps, search, consumers or fetch_wait`: func(c *Config) { c.Mode = "fast" },
		"topic: not set: name a topic that exists":                   func(c *Config) { c.Topic = "" },
		`topic: "a b": `:                                                          func(c *Config) { c.Topic = "a b" },
		"bytes: 15: write 16 to 1048576":                                          func(c *Config) { c.Bytes = 15 },
		"keys: -1: write 0 to 1000000":                                            func(c *Config) { c.Keys = -1 },
		"warm_up: -1s: write 1ms to 1h0m0s":                                       func(c *Config) { c.WarmUp = -time.Second },
		"duration: 1ms: write 100ms to 24h0m0s":                                   func(c *Config) { c.Duration = time.Millisecond },
		"drain: 1ms: write 100ms to 1h0m0s":                                       func(c *Config) { c.Drain = time.Millisecond },
		"records_per_second: 0.5: write a rate of 1 to 10000000":                  func(c *Config) { c.RecordsPerSecond = []float64{0.5} },
		"records_per_second: not set: write rates, such as [1000, 2000]":          func(c *Config) { c.RecordsPerSecond = nil },
		"ramp: records_per_second is set too: keep one of them":                   func(c *Config) { c.Ramp = &Ramp{1, 2, 1} },
		"ramp.step: 0: write a rate of 1 to 10000000":                             func(c *Config) { c.RecordsPerSecond, c.Ramp = nil, &Ramp{1, 2, 0} },
		"ramp.to: 1 is below ramp.from, 2: exchange them":                         func(c *Config) { c.RecordsPerSecond, c.Ramp = nil, &Ramp{2, 1, 1} },
		"ramp.step: 1: more than 1000 steps: write a larger one":                  func(c *Config) { c.RecordsPerSecond, c.Ramp = nil, &Ramp{1, 1001, 1} },
		"records_per_second: 2 rates: mode consumers takes one, such as [1000]":   func(c *Config) { c.Mode, c.RecordsPerSecond = Consumers, []float64{1, 2} },
		"records_per_second: 0 rates: mode fetch_wait takes one, such as [1000]":  func(c *Config) { c.Mode, c.RecordsPerSecond = FetchWait, nil },
		"objective: not set: write what the rate has to meet, such as {p99: 50ms": func(c *Config) { c.Mode = Search },
		"objective.p99: -1s: write a time up to 1h0m0s":                           func(c *Config) { c.Objective = &Objective{P99: -time.Second} },
		"objective.loss: 1: write a share of 0 up to 1, such as 0.001":            func(c *Config) { c.Objective = &Objective{Loss: 1} },
		"search.from: -1: write a rate of 1 to 10000000":                          func(c *Config) { c.Search.From = -1 },
		"search.to: 10 is below search.from, 1000: exchange them":                 func(c *Config) { c.Search.To = 10 },
		"search.resolution: 2: write a share of 0.001 to 1":                       func(c *Config) { c.Search.Resolution = 2 },
		"search.confirm: -1: write 1 to 100":                                      func(c *Config) { c.Search.Confirm = -1 },
		"readers: -1: write 1 to 1000":                                            func(c *Config) { c.Readers = -1 },
		"rounds: 2: write 3 to 1000":                                              func(c *Config) { c.Rounds = 2 },
		"old_records: -1: write 1 to 1000000000":                                  func(c *Config) { c.OldRecords = -1 },
		"fetch_wait.values: 5ms: write 10ms to 1m0s":                              func(c *Config) { c.FetchWait.Values = []time.Duration{5 * time.Millisecond} },
		"fetch_wait.min_bytes: -1: write 1 to 52428800":                           func(c *Config) { c.FetchWait.MinBytes = -1 },
		"broker_pids: 0: write the number of each broker's process":               func(c *Config) { c.BrokerPIDs = []int{0} },
		"duration: 1ms: write 100ms to 24h0m0s\nrounds: 1: write 3 to 1000":       func(c *Config) { c.Duration, c.Rounds = time.Millisecond, 1 },
		"records_per_second: NaN: write a rate of 1 to 10000000":                  func(c *Config) { c.RecordsPerSecond = []float64{nan()} },
		"search.resolution: NaN: write a share of 0.001 to 1":                     func(c *Config) { c.Search.Resolution = nan() },
		"objective.loss: NaN: write a share of 0 up to 1, such as 0.001":          func(c *Config) { c.Objective = &Objective{Loss: nan()} },
		"records_per_second: +Inf: write a rate of 1 to 10000000":                 func(c *Config) { c.RecordsPerSecond = []float64{1 / zero()} },
		"ramp.from: NaN: write a rate of 1 to 10000000":                           func(c *Config) { c.RecordsPerSecond, c.Ramp = nil, &Ramp{nan(), 2, 1} },
	} {
		c := &Config{Topic: "plays", RecordsPerSecond: []float64{1000}}
		change(c)
		require.ErrorContains(t, c.Complete(), text)
	}
}

func zero() float64 { return 0 }
func nan() float64  { return zero() / zero() }

func TestConfig_Defaults(t *testing.T) {
	c := &Config{Topic: "plays", RecordsPerSecond: []float64{1000}}
	require.NoError(t, c.Complete())
	require.Equal(t, &Config{Mode: Steps, Topic: "plays", Bytes: 100, RecordsPerSecond: []float64{1000},
		WarmUp: 5 * time.Second, Duration: 20 * time.Second, Drain: 30 * time.Second,
		Search:  SearchConfig{From: 1000, To: 1e6, Resolution: 0.05, Confirm: 2},
		Readers: 3, Rounds: 3, OldRecords: 500_000, FetchWait: FetchWaitConfig{MinBytes: 1 << 20,
			Values: []time.Duration{10 * time.Millisecond, 100 * time.Millisecond, 500 * time.Millisecond}}}, c)
}

func TestConfig_ARampHasItsLastRate(t *testing.T) {
	c := &Config{Topic: "plays", Ramp: &Ramp{From: 100, To: 100.3, Step: 1}}
	require.NoError(t, c.Complete())
	require.Equal(t, []float64{100}, c.rates())
	c = &Config{Topic: "plays", Ramp: &Ramp{From: 1000, To: 5000, Step: 1000}}
	require.NoError(t, c.Complete())
	require.Equal(t, []float64{1000, 2000, 3000, 4000, 5000}, c.rates())
	takes, known := c.Takes()
	require.True(t, known)
	require.Equal(t, 125*time.Second, takes)
}
