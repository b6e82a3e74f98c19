package buffer

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// A reservation that does not fit must not be seen, neither in Used nor by another that does.
func TestBudget_ARefusedReservationIsNeverCounted(t *testing.T) {
	const limit, large, rounds = 1000, 900, 100_000
	b := NewBudget(limit)
	require.True(t, b.Reserve(limit/2))
	var wg sync.WaitGroup
	taken := 0
	wg.Go(func() {
		for range rounds {
			if b.Reserve(large) {
				taken++
			}
		}
	})
	highest, refused := int64(0), 0
	for range rounds {
		highest = max(highest, b.Used())
		if !b.Reserve(1) {
			refused++
			continue
		}
		b.Adjust(-1)
	}
	wg.Wait()
	require.Zero(t, taken)
	require.Zero(t, refused, "there was always room for it")
	require.LessOrEqual(t, highest, int64(limit))
	require.EqualValues(t, limit/2, b.Used())
}
