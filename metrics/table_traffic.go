package metrics

import "github.com/forebay-go/forebay/producer"

// requests returns the metrics of delivery times and produce requests.
func requests() []Metric {
	return []Metric{{
		Name: "forebay_delivery_seconds", Kind: Histogram, Unit: Seconds,
		Labels: []string{"priority", "cluster"},
		Help: "Delivery time of records, from the Send of the oldest record in their batch to " +
			"Kafka's acknowledgement. Its count is the number of records delivered.",
		Question: "How long does delivery take?",
		From:     []string{"Paths.DeliveryTime.Buckets", "Paths.DeliveryTime.Sum"},
		hist: func(v *view, emit func(*producer.Histogram, ...string)) {
			for i := range v.Paths {
				emit(&v.Paths[i].DeliveryTime, v.Paths[i].Priority.String(), v.Paths[i].Cluster)
			}
		},
	}, {
		Name: "forebay_requests_total", Kind: Counter, Unit: Requests,
		Labels:   []string{"priority", "cluster"},
		Help:     "Produce requests that were answered.",
		Question: "How many requests are sent?",
		From:     []string{"Paths.Requests"},
		read:     byPath(func(t *producer.Traffic) float64 { return float64(t.Requests) }),
	}, {
		Name: "forebay_request_records_total", Kind: Counter, Unit: Records,
		Labels: []string{"priority", "cluster"},
		Help: "Records in those requests. Divide by forebay_requests_total for records per " +
			"request.",
		Question: "Are requests well filled?",
		From:     []string{"Paths.RequestRecords"},
		read:     byPath(func(t *producer.Traffic) float64 { return float64(t.RequestRecords) }),
	}, {
		Name: "forebay_request_bytes_total", Kind: Counter, Unit: Bytes,
		Labels: []string{"priority", "cluster"},
		Help: "Compressed bytes of the batches in those requests. Divide by " +
			"forebay_requests_total for bytes per request.",
		Question: "How much goes over the wire?",
		From:     []string{"Paths.RequestBytes"},
		read:     byPath(func(t *producer.Traffic) float64 { return float64(t.RequestBytes) }),
	}}
}

// attempts returns the metrics of attempts, throttling and the order of records.
func attempts() []Metric {
	return []Metric{{
		Name: "forebay_attempts_total", Kind: Counter, Unit: Batches,
		Labels:   []string{"priority", "cluster"},
		Help:     "Attempts to write a batch, including those that may not have been written.",
		Question: "How many attempts does it take?",
		From:     []string{"Paths.Attempts"},
		read:     byPath(func(t *producer.Traffic) float64 { return float64(t.Attempts) }),
	}, {
		Name: "forebay_retries_total", Kind: Counter, Unit: Batches,
		Labels:   []string{"priority", "cluster"},
		Help:     "Those attempts that were not the first of their batch.",
		Question: "How many of them are retries?",
		From:     []string{"Paths.Retries"},
		read:     byPath(func(t *producer.Traffic) float64 { return float64(t.Retries) }),
	}, {
		Name: "forebay_throttles_total", Kind: Counter, Unit: Times,
		Labels:   []string{"priority", "cluster"},
		Help:     "How often a broker throttled us because of a Kafka quota.",
		Question: "Are we over a quota?",
		From:     []string{"Paths.Throttled"},
		read:     byPath(func(t *producer.Traffic) float64 { return float64(t.Throttled) }),
	}, {
		Name: "forebay_throttle_seconds_total", Kind: Counter, Unit: Seconds,
		Labels:   []string{"priority", "cluster"},
		Help:     "Total time for which brokers throttled us.",
		Question: "How far over the quota?",
		From:     []string{"Paths.ThrottledFor"},
		read:     byPath(func(t *producer.Traffic) float64 { return t.ThrottledFor.Seconds() }),
	}, {
		Name: "forebay_order_at_risk_records_total", Kind: Counter, Unit: Records,
		Labels: []string{"priority", "cluster"},
		Help: "Keyed records that may stand behind newer ones of the same key: their attempt " +
			"was not answered and may arrive late, or newer records of their topic went with " +
			"another priority.",
		Question: "May records of a key be out of order?",
		From:     []string{"Paths.OrderAtRisk"},
		read:     byPath(func(t *producer.Traffic) float64 { return float64(t.OrderAtRisk) }),
	}}
}
