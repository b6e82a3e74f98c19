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
