package producer_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zaptest/observer"

	"github.com/forebay-go/forebay/internal/docs"
)

// requireTold checks that the lines are as docs/logs.md says.
func requireTold(t *testing.T, logs *observer.ObservedLogs) {
	t.Helper()
	rows, err := docs.LogTable("../../docs/logs.md")
	require.NoError(t, err)
	for _, line := range logs.All() {
		row, ok := rows[line.Message]
		require.True(t, ok, "docs/logs.md does not have %q", line.Message)
		require.Equal(t, row.Level, line.Level.String(), line.Message)
		names := slices.Sorted(maps.Keys(line.ContextMap()))
		if line.Message == "records were lost or refused" { // those of the priorities that lost any
			require.Subset(t, row.Fields, names, line.Message)
		} else {
			require.ElementsMatch(t, row.Fields, names, line.Message)
		}
	}
}
