package drive

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestValues_AreTheSameEachTimeAndOfTheirSize(t *testing.T) {
	for kind, size := range map[string]int{"100B": 100, "1KiB": 1024, "lines": 0} {
		a, err := Values(kind)
		require.NoError(t, err)
		b, err := Values(kind)
		require.NoError(t, err)
		require.Equal(t, a, b)
		require.NotEqual(t, a[0], a[1])
		for _, v := range a {
			if size > 0 {
				require.Len(t, v, size)
			}
			require.Greater(t, len(v), 8, "there is room for a number")
		}
	}
	_, err := Values("2KiB")
	require.Error(t, err)
}
