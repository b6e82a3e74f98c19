package loadtest

import (
	"math"
	"slices"
)

// Spread is a figure over all rounds.
type Spread struct {
	Median float64 `json:"median"`
	Least  float64 `json:"least"`
	Most   float64 `json:"most"`
}

func spread(values []float64) *Spread {
	if len(values) == 0 {
		return nil
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return &Spread{Median: (sorted[(n-1)/2] + sorted[n/2]) / 2, Least: sorted[0],
		Most: sorted[n-1]}
}

// figure is one of the figures that are compared.
type figure func(*Measurement) float64 // NaN: not at hand

func ackP50(m *Measurement) float64    { return float64(m.Ack.P50) }
func ackP99(m *Measurement) float64    { return float64(m.Ack.P99) }
func ackP999(m *Measurement) float64   { return float64(m.Ack.P999) }
func delivered(m *Measurement) float64 { return m.DeliveredRate }

func brokerCPU(m *Measurement) float64 {
	if m.BrokerCPU == nil {
		return math.NaN()
	}
	return *m.BrokerCPU
}

func ownCPU(m *Measurement) float64 {
	if m.OwnCPU == nil {
		return math.NaN()
	}
	return *m.OwnCPU
}

func fetches(m *Measurement) float64 {
	if m.Readers == nil {
		return 0
	}
	return m.Readers.FetchRate
}

func readRate(m *Measurement) float64 {
	if m.Readers == nil {
		return 0
	}
	return m.Readers.RecordsRate
}

func lag(m *Measurement) float64 {
	if m.Readers == nil || m.Readers.Lag == nil {
		return math.NaN()
	}
	return float64(*m.Readers.Lag)
}

func endToEnd(of func(*Latency) Millis) figure {
	return func(m *Measurement) float64 {
		if m.Readers == nil || m.Readers.EndToEnd == nil {
			return math.NaN()
		}
		return float64(of(m.Readers.EndToEnd))
	}
}

// over returns a figure of some measurements, nil if it is at hand for none.
func over(all []*Measurement, f figure) *Spread {
	var values []float64
	for _, m := range all {
		if v := f(m); !math.IsNaN(v) {
			values = append(values, v)
		}
	}
	return spread(values)
}
