package capture

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseMoment_ReadsTimesAndHowLongAgo(t *testing.T) {
	for text, want := range map[string]Moment{
		"earliest":             Earliest,
		"latest":               Latest,
		"2026-11-30T11:00:00Z": Moment(noon.UnixMilli() - 3_600_000),
		"1h":                   Moment(noon.UnixMilli() - 3_600_000),
		"0":                    Moment(noon.UnixMilli()),
	} {
		got, err := ParseMoment(text, noon)
		require.NoError(t, err)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "yesterday", "-1h", "1000000h", "1960-01-01T00:00:00Z"} {
		_, err := ParseMoment(text, noon)
		require.ErrorContains(t, err, "write earliest, latest, a time such as")
	}
}
