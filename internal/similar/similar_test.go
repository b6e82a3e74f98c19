package similar

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestName_IsTheOneThatWasMeant(t *testing.T) {
	names := []string{"events", "high", "medium", "low", "max_bytes"}
	for wrote, meant := range map[string]string{
		"evnts": "events", "hgih": "high", "maxBytes": "max_bytes", "events-eu": "events", "lo": "low",
		"spare": "", "x": "", "": "",
	} {
		require.Equal(t, meant, Name(wrote, names), wrote)
	}
	require.Empty(t, Name("c", []string{"b"}), "no letter is the same")
}

func TestName_TheShorterOfTwoWithTheSameWords(t *testing.T) {
	names := []string{"BATCHING_MAX_LINGER", "BATCHING_LINGER", "BUFFER_MAX_BYTES",
		"BATCHING_MAX_BYTES"}
	require.Equal(t, "BATCHING_LINGER", Name("LINGER", names))
	require.Equal(t, "BATCHING_MAX_LINGER", Name("MAX_LINGER", names))
	require.Empty(t, Name("MAX_BYTES", names), "either of two")
}
