package calibrate

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/cmd/forebay/internal/fleet"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// What a plan says about memory in an outage is what a producer holds that cannot reach its
// cluster.
func TestOutage_TakesTheMemoryOfThePlan(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		codec                  string
		topics, records, bytes int
		ratio                  float64
	}{
		{"none", 1, 20_000, 991, 1},
		{"none", 1, 100_000, 100, 1},
		{"none", 50, 10_000, 991, 1},
		{"lz4", 1, 20_000, 991, 220}, // as lz4 compresses one sentence
	} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			t.Parallel()
			p, err := producer.New(producer.Config{
				Clusters: map[string]producer.ClusterConfig{"away": {
					Brokers: []string{"127.0.0.1:1"}}},
				Batching: producer.BatchingConfig{Compression: c.codec},
			})
			require.NoError(t, err)
			t.Cleanup(func() { _, _ = p.Close(canceled(t)) })
			value := bytes.Repeat([]byte("a line of a log, more or less. "), c.bytes)[:c.bytes]
			for i := range c.records {
				require.NoError(t, p.Send(producer.Record{Topic: fmt.Sprint("t", i%c.topics),
					Value: value, Priority: routing.High}))
			}
			f, err := fleet.Parse("f", fmt.Appendf(nil, "{instances: 1, brokers: 1, outage: 100s, "+
				"topics: [{count: %d, records_per_second: %d, record_bytes: %d, "+
				"compression_ratio: %f, priority: high}]}", c.topics, c.records/100, c.bytes,
				c.ratio))
			require.NoError(t, err)
			needed := fleet.Make(f, fleet.Measured()).Outage.Needed
			require.Eventually(t, func() bool {
				return math.Abs(float64(p.Stats().HeldBytes)/needed-1) < 0.1
			}, time.Minute, 10*time.Millisecond, "%.0f bytes are predicted", needed)
			t.Logf("%d bytes, predicted %.0f", p.Stats().HeldBytes, needed)
		})
	}
}

// canceled returns a context that has ended.
func canceled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
