package routing

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTable_ExactNameBeforeEarlierPatternBeforeLater(t *testing.T) {
	table, err := NewTable([]Rule{
		{Topic: "play*", Priority: Low},
		{Topic: "playback.start", Priority: High},
		{Topic: "playback.*", Priority: High},
	})
	require.NoError(t, err)
	require.Equal(t, High, table.Priority("playback.start"))
	require.Equal(t, Low, table.Priority("playback.stop"))
	require.Equal(t, Medium, table.Priority("other"))
}

func TestNewTable_NamesEveryMistake(t *testing.T) {
	_, err := NewTable([]Rule{
		{Topic: "", Priority: Low},
		{Topic: "a", Priority: 9},
		{Topic: "[", Priority: Low},
		{Topic: "b", Priority: Low},
		{Topic: "b", Priority: High},
	})
	require.EqualError(t, err, `topics[0].topic: empty: write the name of a topic or a pattern such as "playback.*"
topics[1].priority: priority(9): write low, medium or high
topics[2].topic: "[" is not a pattern: a bracket is not closed, or a backslash ends it
topics[4].topic: "b" has a rule already: keep one of them`)
}

func TestPriority_TextIsItsName(t *testing.T) {
	for _, p := range All {
		text, err := p.MarshalText()
		require.NoError(t, err)
		var back Priority
		require.NoError(t, back.UnmarshalText(text))
		require.Equal(t, p, back)
	}
	var p Priority
	require.EqualError(t, p.UnmarshalText([]byte("hgih")),
		`unknown priority "hgih": write low, medium or high`)
}
