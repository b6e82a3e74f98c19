package drive

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/bench/client"
)

func TestAnew_IsTheSameMemoryOnlyWhereTheClientGivesItBack(t *testing.T) {
	for name, same := range map[string]bool{"forebay": true, "franz-go": false} {
		callers, err := makeCallers(name,
			&Load{Settings: client.Settings{Brokers: []string{"127.0.0.1:1"}, Compression: "none",
				BoundBytes: 1 << 20}, Values: "100B"})
		require.NoError(t, err)
		a := callers[0]
		one := a.anew(a.values[0])
		require.Equal(t, a.values[0], one)
		require.NotSame(t, &a.values[0][0], &one[0])
		other := a.anew(a.values[1])
		require.Equal(t, a.values[1], other)
		require.Equal(t, same, &one[0] == &other[0])
		require.NoError(t, a.c.Finish(t.Context()))
	}
}
