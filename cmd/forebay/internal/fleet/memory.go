package fleet

import "math"

// What the buffer does with a batch, as package buffer has it.
const (
	// BatchOverhead is what it counts for a batch beside its records.
	BatchOverhead = 320
	// leastCapacity and sharedCapacity bound the buffers whose size is a power of two.
	leastCapacity  = 512
	sharedCapacity = 512 << 10
	// SealedAfter is the part of its delivery timeout after which a batch takes no more records.
	SealedAfter = 1.0 / 16
)

// holding is what the records of one flow take while nothing can be sent.
type holding struct {
	perSecond float64 // bytes of batches that are sealed in a second, compressed
	open      float64 // bytes of the batches that are open, not compressed yet
}

// held returns the bytes after an outage of so many seconds.
func (h *holding) held(lasts float64) float64 { return h.perSecond*lasts + h.open }

// holding returns what a flow takes in an outage of so many seconds.
//
// A batch is open until it is full, or until a sixteenth of the delivery timeout has passed since
// its first record. A topic has one such batch, or with keys one for each partition. Its buffer
// grows by doubling. When it is sealed, it is compressed into a buffer that fits.
func (f *flow) holding(timeout, lasts, batchBytes float64) holding {
	if lasts <= 0 {
		return holding{}
	}
	streams := f.topics
	if f.topic.Keyed {
		streams *= float64(f.topic.Partitions)
	}
	rate := f.rate / streams
	bytes := rate * f.size
	sealed := max(bytes/batchBytes, rate/(1+rate*timeout*SealedAfter)) // per second
	content := min(bytes/sealed, max(batchBytes, f.size))
	if sealed*lasts < 1 { // there is one batch, or none
		there := min(1, rate*lasts)
		return holding{open: streams * there *
			(Grown(bytes*lasts/there, batchBytes) + BatchOverhead)}
	}
	after := Grown(content, batchBytes)
	if f.topic.CompressionRatio > 1 {
		after = min(after, Fitting(content/f.topic.CompressionRatio))
	}
	return holding{perSecond: streams * sealed * (after + BatchOverhead),
		open: streams * (Grown(content, batchBytes) + BatchOverhead)}
}

// Grown returns the size of the buffer of a batch that has grown to so many bytes.
func Grown(bytes, batchBytes float64) float64 {
	doubled := powerOfTwo(max(leastCapacity, bytes))
	return max(Fitting(bytes), min(doubled, Fitting(batchBytes)))
}

// Fitting returns the size of a buffer that is made for so many bytes.
func Fitting(bytes float64) float64 {
	if bytes > sharedCapacity {
		const page = 4096
		return page * math.Ceil(bytes/page)
	}
	return powerOfTwo(max(leastCapacity, bytes))
}

// powerOfTwo returns the least power of two that is not below f.
func powerOfTwo(f float64) float64 {
	fraction, exponent := math.Frexp(f)
	if fraction == 0.5 {
		exponent--
	}
	return math.Ldexp(1, exponent)
}
