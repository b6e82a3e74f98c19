//go:build unix

package kafkatest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestShared_IsOneClusterForAll(t *testing.T) {
	c := Shared(t)
	require.Same(t, c, Shared(t))
	require.Len(t, c.Brokers(), 1)
	require.Equal(t, []string{c.Broker(0).Addr()}, c.Seeds())
}
