package loadtest

import (
	"fmt"
	"time"
)

// Measurement is the figures of one stretch of traffic, without its warm-up. Counts are of the
// records that were due in it, and rates are of what happened in it.
type Measurement struct {
	Name  string  `json:"name,omitempty"`  // of a phase, or the value of fetch.max.wait
	Round int     `json:"round,omitempty"` // from 1
	Rate  float64 `json:"intended_records_per_second"`

	Seconds       float64 `json:"seconds"` // shorter than set if it was interrupted
	SentRate      float64 `json:"sent_records_per_second"`
	DeliveredRate float64 `json:"delivered_records_per_second"`
	MegabytesRate float64 `json:"delivered_megabytes_per_second"` // 10^6 bytes of keys and values

	Sent      uint64            `json:"sent"`      // calls of Send
	NotSent   uint64            `json:"not_sent"`  // due, and the sender was too slow
	Refused   uint64            `json:"refused"`   // by Send
	Delivered uint64            `json:"delivered"` // acknowledged by Kafka, sooner or later
	Failed    uint64            `json:"failed"`    // accepted, with another outcome
	Open      uint64            `json:"open"`      // without an outcome at the end of the wait
	Reasons   map[string]uint64 `json:"reasons,omitempty"`

	// Ack is from when a delivered record was due to its delivery report. SenderLate is how late
	// Send was called; it is a part of Ack.
	Ack        Latency `json:"ack_ms"`
	SenderLate Latency `json:"sender_late_ms"`

	Readers *ReaderFigures `json:"readers,omitempty"`

	// BrokerCPU is how many processors the brokers took. Nil means not at hand.
	BrokerCPU *float64 `json:"broker_cpu_processors"`

	// OwnCPU is how many processors this process took: the producer and all readers. Where they
	// share a machine with the brokers, this slows the brokers too.
	OwnCPU *float64 `json:"own_cpu_processors"`

	Verdict     Verdict  `json:"verdict,omitempty"`
	MissedBy    []string `json:"missed_by,omitempty"`
	Problems    []string `json:"problems,omitempty"` // why the measurement is inconclusive
	Interrupted bool     `json:"interrupted,omitempty"`
}

// ReaderFigures is what readers did during a measurement, all together.
type ReaderFigures struct {
	Readers int `json:"readers"`

	FetchRate     float64 `json:"fetch_requests_per_second"`
	RecordsRate   float64 `json:"read_records_per_second"`
	MegabytesRate float64 `json:"read_megabytes_per_second"` // 10^6 bytes of keys and values

	// Lag is how many records the reader that is furthest behind had not read at the end. Nil means
	// that Kafka did not say where the topic ended.
	Lag *int64 `json:"lag_records"`

	// Passes is how often readers from the beginning came to the end and began anew.
	Passes uint64 `json:"passes,omitempty"`

	// EndToEnd is from when a record was due to when a reader had it. This process measures both
	// ends. Nil for readers from the beginning.
	EndToEnd *Latency `json:"end_to_end_ms,omitempty"`
}

// Loss returns the share of records that were not delivered.
func (m *Measurement) Loss() float64 {
	if m.Sent == 0 {
		return 0
	}
	return float64(m.Refused+m.Failed+m.Open) / float64(m.Sent)
}

// mostBehind returns how far a sender may be behind at the end of a measurement, in seconds: 1 % of
// it, or 200 ms where that is more, for a machine that was busy at the wrong moment.
func mostBehind(seconds float64) float64 { return max(0.01*seconds, 0.2) }

// check finds out whether the measurement says something about Kafka.
func (m *Measurement) check() {
	if behind := m.Seconds * (1 - m.SentRate/m.Rate); behind > mostBehind(m.Seconds) &&
		!m.Interrupted {
		m.problem("the sender is too slow on this machine: it reached %.0f of %.0f records/s",
			m.SentRate, m.Rate)
	}
	if m.Sent == 0 {
		m.problem("no record was due")
	}
}

func (m *Measurement) problem(format string, args ...any) {
	m.Problems = append(m.Problems, fmt.Sprintf(format, args...))
}

// perSecond returns a rate.
func perSecond(n uint64, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return float64(n) / d.Seconds()
}
