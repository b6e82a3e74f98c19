package docs

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLogTable_HasTheLevelAndTheFieldsOfEachMessage(t *testing.T) {
	rows, err := LogTable(page(t, "# Log lines\n\n| message | level | when | fields |\n"+
		"|---|---|---|---|\n| cluster up | info | `n` brokers answer | `cluster` `was` |\n"+
		"| closed | warn | at the end | |\n\nThe end.\n"))
	require.NoError(t, err)
	require.Equal(t, map[string]LogRow{
		"cluster up": {Level: "info", Fields: []string{"cluster", "was"}},
		"closed":     {Level: "warn"},
	}, rows)
	_, err = LogTable(filepath.Join(t.TempDir(), "none.md"))
	require.ErrorIs(t, err, os.ErrNotExist)
}
