package fleet

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLinger_GrowsUntilRequestsAreFilledWell(t *testing.T) {
	for _, c := range []struct {
		name, settings, topic string
		linger, requests      float64
	}{
		{"ten records: one, and nine that come in 90 ms", "max_linger: 1s",
			"records_per_second: 100, record_bytes: 100", 0.09, 10},
		{"no longer than it may", "max_linger: 50ms",
			"records_per_second: 100, record_bytes: 100", 0.05, 1 / 0.06},
		{"16 KiB: four records of 4,096 bytes", "linger: 0, max_linger: 1s",
			"records_per_second: 1000, record_bytes: 4087", 0.003, 250},
		{"no longer than it must", "max_linger: 1s",
			"records_per_second: 10k, record_bytes: 100", 0.01, 1 / 0.0101},
		{"with keys each broker gets its own", "max_linger: 1s",
			"records_per_second: 200, record_bytes: 100, keyed: true", 0.09, 20},
		{"without max_linger it does not", "linger: 20ms",
			"records_per_second: 100, record_bytes: 100", 0.02, 1 / 0.03},
	} {
		p := planOf(t, "{instances: 1, brokers: 2, settings: {"+c.settings+"}, topics: [{"+
			c.topic+"}]}")
		require.InEpsilon(t, c.linger, p.Lanes[0].Linger, 1e-3, c.name)
		require.InEpsilon(t, c.requests, p.Instance.Requests, 1e-3, c.name)
	}
}
