//go:build unix

package admin

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// choose adds values to a choice of numbers.
func choose[T int16 | int32](t *testing.T, c *Choice[T], values ...string) {
	t.Helper()
	for _, v := range values {
		require.NoError(t, c.Add(v, func(text string) (T, error) {
			n, err := strconv.Atoi(text)
			return T(n), err
		}))
	}
}

func TestChoice_OfANameGoesBeforePatternsAndThoseBeforeAll(t *testing.T) {
	var c Choice[int32]
	_, ok := c.Of("plays")
	require.False(t, ok)
	choose(t, &c, "pl*=2", "p*=3", "plays=1", " x = 7 ")
	_, ok = c.Of("other")
	require.False(t, ok)
	choose(t, &c, "6")
	for topic, want := range map[string]int32{"plays": 1, "plot": 2, "pot": 3, "other": 6, "x": 7} {
		n, ok := c.Of(topic)
		require.True(t, ok)
		require.Equal(t, want, n, topic)
	}
	number := func(text string) (int32, error) {
		n, err := strconv.Atoi(text)
		return int32(n), err
	}
	require.ErrorContains(t, c.Add("5", number),
		"there is already a value for all topics: write topic=5 for one")
	require.ErrorContains(t, c.Add("=5", number),
		"write a topic or a pattern such as 'plays.*' before the =")
	require.ErrorContains(t, c.Add("[=5", number), "write a topic or a pattern")
	require.Error(t, c.Add("many", number))
}
