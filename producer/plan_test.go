package producer

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRelied_LeavesTimeForAnAttempt(t *testing.T) {
	require.Equal(t, 12*time.Hour, relied(24*time.Hour))
	require.Equal(t, 30*time.Second, relied(time.Minute))
	require.Equal(t, 5*time.Second, relied(25*time.Second))
	require.Zero(t, relied(3*time.Second))
}

func TestConfig_AProducerIDExpirationIsNoNegativeTime(t *testing.T) {
	_, err := New(Config{Clusters: map[string]ClusterConfig{"a": {Brokers: []string{"a:1"},
		ProducerIDExpiration: -1}}})
	require.ErrorContains(t, err,
		"clusters.a.producer_id_expiration: -1ns: write what producer.id.expiration.ms of the "+
			"brokers says, or 0 for 24h")
}
