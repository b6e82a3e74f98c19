package levels

import (
	"log/slog"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/routing"
)

func TestTable_HasThePriorityOfTheNextLowerLevel(t *testing.T) {
	table, err := New(map[slog.Level]routing.Priority{slog.LevelError: routing.High,
		slog.LevelDebug: routing.Low, slog.LevelInfo: routing.Unset}, nil)
	require.NoError(t, err)
	for level, want := range map[slog.Level]routing.Priority{
		math.MaxInt: routing.High, slog.LevelError: routing.High, slog.LevelError - 1: routing.Unset,
		slog.LevelInfo - 1: routing.Low, slog.LevelDebug: routing.Low,
		slog.LevelDebug - 1: routing.Unset, math.MinInt: routing.Unset,
	} {
		require.Equal(t, want, table.Of(level), "%v", level)
	}
	require.Equal(t, routing.Unset, Table[int](nil).Of(1))
}

func TestNew_NamesWhatIsWrong(t *testing.T) {
	_, err := New(map[slog.Level]routing.Priority{slog.LevelWarn: 9, slog.LevelInfo: routing.Low,
		slog.LevelDebug: 7}, nil)
	const write = ": write routing.Low, routing.Medium, routing.High or routing.Unset"
	require.EqualError(t, err, "option Priorities: level WARN has priority 9"+write+"\n"+
		"option Priorities: level DEBUG has priority 7"+write)
}
