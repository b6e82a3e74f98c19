package watch

import (
	"strconv"

	"github.com/forebay-go/forebay/audit"
	"github.com/forebay-go/forebay/metrics"
)

// brokers returns the metrics of heartbeats.
func brokers() []row {
	return []row{{metrics.Metric{
		Name: "forebay_audit_broker_state", Kind: metrics.Gauge, Unit: metrics.Condition,
		Labels: []string{"broker", "state"},
		Help: "1 for the present state of the broker, 0 for the others: starting, well, slow, " +
			"dead and unwatched.",
		Question: "Which broker is slow or dead?",
		From:     []string{"BrokerReport.State", "BrokerReport.Broker"},
	}, func(l *look, e *emitter) {
		for i := range l.Brokers {
			for _, state := range []audit.BrokerState{audit.Starting, audit.Well, audit.Slow,
				audit.Dead, audit.Unwatched} {
				e.is(l.Brokers[i].State == state, number(&l.Brokers[i]), string(state))
			}
		}
	}}, {metrics.Metric{
		Name: "forebay_audit_broker_state_timestamp_seconds", Kind: metrics.Gauge,
		Unit:     metrics.Seconds,
		Labels:   []string{"broker"},
		Help:     "When the broker came into its present state, in seconds since 1970.",
		Question: "Since when?",
		From:     []string{"BrokerReport.Since"},
	}, byBroker(func(b *audit.BrokerReport) float64 { return unix(b.Since) })}, {metrics.Metric{
		Name: "forebay_audit_heartbeats_total", Kind: metrics.Counter, Unit: metrics.Records,
		Labels:   []string{"broker"},
		Help:     "Heartbeats that were sent to the broker.",
		Question: "Is the broker watched?",
		From:     []string{"BrokerReport.Sent"},
	}, byBroker(func(b *audit.BrokerReport) float64 { return float64(b.Sent) })}, {metrics.Metric{
		Name: "forebay_audit_heartbeat_failures_total", Kind: metrics.Counter,
		Unit:     metrics.Records,
		Labels:   []string{"broker"},
		Help:     "Heartbeats that were not delivered.",
		Question: "Does it refuse heartbeats?",
		From:     []string{"BrokerReport.Failed"},
	}, byBroker(func(b *audit.BrokerReport) float64 { return float64(b.Failed) })}, {metrics.Metric{
		Name: "forebay_audit_heartbeat_acknowledgement_seconds", Kind: metrics.Histogram,
		Unit:     metrics.Seconds,
		Labels:   []string{"broker"},
		Help:     "From a heartbeat to its acknowledgement. Both times are by one clock.",
		Question: "How fast does each broker acknowledge?",
		From:     []string{"BrokerReport.Acknowledged"},
	}, func(l *look, e *emitter) {
		for i := range l.Brokers {
			e.times(l.Brokers[i].Acknowledged, number(&l.Brokers[i]))
		}
	}}, {metrics.Metric{
		Name: "forebay_audit_heartbeat_read_seconds", Kind: metrics.Histogram,
		Unit:     metrics.Seconds,
		Labels:   []string{"broker"},
		Help:     "From a heartbeat until it was read back. Both times are by one clock.",
		Question: "How long does a record take through each broker?",
		From:     []string{"BrokerReport.Read"},
	}, func(l *look, e *emitter) {
		for i := range l.Brokers {
			e.times(l.Brokers[i].Read, number(&l.Brokers[i]))
		}
	}}}
}

func number(b *audit.BrokerReport) string { return strconv.Itoa(int(b.Broker)) }

func byBroker(value func(*audit.BrokerReport) float64) func(*look, *emitter) {
	return func(l *look, e *emitter) {
		for i := range l.Brokers {
			e.value(value(&l.Brokers[i]), number(&l.Brokers[i]))
		}
	}
}

// loads returns the metrics of the traffic that this instance makes.
func loads() []row {
	return []row{{metrics.Metric{
		Name: "forebay_audit_load_sent_records_total", Kind: metrics.Counter, Unit: metrics.Records,
		Labels:   []string{"topic"},
		Help:     "Records that the load has given to Send.",
		Question: "Does the load run?",
		From:     []string{"LoadStats.Sent"},
	}, byLoad(func(s *audit.LoadStats) float64 { return float64(s.Sent) })}, {metrics.Metric{
		Name: "forebay_audit_load_refused_records_total", Kind: metrics.Counter,
		Unit:     metrics.Records,
		Labels:   []string{"topic"},
		Help:     "Those that Send has refused.",
		Question: "Does Send refuse records of the load?",
		From:     []string{"LoadStats.Refused"},
	}, byLoad(func(s *audit.LoadStats) float64 { return float64(s.Refused) })}, {metrics.Metric{
		Name: "forebay_audit_load_late_seconds", Kind: metrics.Gauge, Unit: metrics.Seconds,
		Labels:   []string{"topic"},
		Help:     "How far the load is behind its rate, because the machine is too slow for it.",
		Question: "Does the load keep its rate?",
		From:     []string{"LoadStats.Late"},
	}, byLoad(func(s *audit.LoadStats) float64 { return s.Late.Seconds() })}}
}

func byLoad(value func(*audit.LoadStats) float64) func(*look, *emitter) {
	return func(l *look, e *emitter) {
		for i := range l.Loads {
			e.value(value(&l.Loads[i]), l.Loads[i].Topic)
		}
	}
}
