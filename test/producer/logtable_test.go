package producer_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zaptest/observer"
)

// logRow is a row of docs/logs.md.
type logRow struct {
	level  string
	fields []string
}

// logTable returns the rows of docs/logs.md by their messages.
var logTable = sync.OnceValues(func() (map[string]logRow, error) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "logs.md"))
	rows := make(map[string]logRow)
	named := regexp.MustCompile("`[^`]+`")
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 6 || cells[1] == " message " || cells[1] == "---" {
			continue
		}
		row := logRow{level: strings.TrimSpace(cells[2])}
		for _, name := range named.FindAllString(cells[4], -1) {
			row.fields = append(row.fields, strings.Trim(name, "`"))
		}
		rows[strings.TrimSpace(cells[1])] = row
	}
	return rows, err
})

// requireTold checks that the lines are as docs/logs.md says.
func requireTold(t *testing.T, logs *observer.ObservedLogs) {
	t.Helper()
	rows, err := logTable()
	require.NoError(t, err)
	for _, line := range logs.All() {
		row, ok := rows[line.Message]
		require.True(t, ok, "docs/logs.md does not have %q", line.Message)
		require.Equal(t, row.level, line.Level.String(), line.Message)
		names := slices.Sorted(maps.Keys(line.ContextMap()))
		if line.Message == "records were lost or refused" { // those of the priorities that lost any
			require.Subset(t, row.fields, names, line.Message)
		} else {
			require.ElementsMatch(t, row.fields, names, line.Message)
		}
	}
}
