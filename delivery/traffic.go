package delivery

import "time"

// Traffic is what went to Kafka, and how.
type Traffic struct {
	Requests       uint64 // produce requests that were answered
	RequestRecords uint64 // records in them
	RequestBytes   uint64 // bytes of batches in them

	Attempts uint64 // batches that were written, or may have been, each as often as that was
	Retries  uint64 // of these, all but the first of each batch

	// Throttled is how often a broker asked to be left alone for a while, by a quota of Kafka, and
	// ThrottledFor for how long in all. It is obeyed for that broker and lane alone, up to half a
	// minute at a time.
	Throttled    uint64
	ThrottledFor time.Duration

	// OrderAtRisk counts keyed records that may stand behind newer ones of their keys. Either an
	// attempt to write them was not answered and may arrive late: nothing fenced it, because what
	// was written to the partition next has another producer ID or no numbers (no right to a
	// producer ID, or acks of the leader alone). Or newer records of their topic had gone to the
	// same cluster before them, with another priority or by newer settings.
	OrderAtRisk uint64

	// DeliveryTime is how long records took that were delivered, from the Send of the oldest in
	// their batch to Kafka's acknowledgement: for the others up to Batching.Linger too much, and
	// more where batches wait to be filled.
	DeliveryTime Histogram
}

// RecordsPerRequest returns the mean number of records in a produce request.
func (t *Traffic) RecordsPerRequest() float64 { return ratio(t.RequestRecords, t.Requests) }

// BytesPerRequest returns the mean number of bytes in a produce request.
func (t *Traffic) BytesPerRequest() float64 { return ratio(t.RequestBytes, t.Requests) }

func ratio(n, of uint64) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}

// Add adds other to t.
func (t *Traffic) Add(other *Traffic) {
	t.Requests += other.Requests
	t.RequestRecords += other.RequestRecords
	t.RequestBytes += other.RequestBytes
	t.Attempts += other.Attempts
	t.Retries += other.Retries
	t.Throttled += other.Throttled
	t.ThrottledFor += other.ThrottledFor
	t.OrderAtRisk += other.OrderAtRisk
	t.DeliveryTime.Add(&other.DeliveryTime)
}
