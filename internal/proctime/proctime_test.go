package proctime

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParse_TakesUserAndSystem(t *testing.T) {
	cpu, err := parse("42 (a) (b c) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 1 0")
	require.NoError(t, err)
	require.Equal(t, 2*time.Second, cpu)
	for _, text := range []string{"", "42 (java", "42 (java) S 1 2",
		"42 (java) S 1 2 3 4 5 6 7 8 9 10 x 50"} {
		_, err := parse(text)
		require.Error(t, err, text)
	}
}
