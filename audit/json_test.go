package audit

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Spans of time are in seconds as JSON, with the unit in their names, and are read back.
func TestReport_SpansOfTimeAreSecondsAsJSON(t *testing.T) {
	const span = 1500 * time.Millisecond
	for want, value := range map[string]any{
		`{"Name":"a","Ended":false,"Silent":true,"QuietSeconds":1.5}`:            &Presence{Name: "a", Quiet: span, Silent: true},
		`{"Topic":"t","Sent":3,"Refused":0,"LateSeconds":1.5}`:                   &LoadStats{Topic: "t", Sent: 3, Late: span},
		`{"LastSeconds":1.5,"MedianSeconds":0.000001,"LongestSeconds":31536000}`: &Times{Last: span, Median: time.Microsecond, Longest: 365 * 24 * time.Hour},
	} {
		text, err := json.Marshal(value)
		require.NoError(t, err)
		require.JSONEq(t, want, string(text))
		switch wrote := value.(type) {
		case *Presence:
			requireReadBack(t, text, wrote)
		case *LoadStats:
			requireReadBack(t, text, wrote)
		case *Times:
			requireReadBack(t, text, wrote)
		}
	}
	text, err := json.Marshal(Report{Sources: []Presence{{Name: "a", Quiet: span}}})
	require.NoError(t, err)
	require.Contains(t, string(text), `"QuietSeconds":1.5`, "a value, not a pointer")
}

func requireReadBack[T any](t *testing.T, text []byte, wrote *T) {
	t.Helper()
	read := new(T)
	require.NoError(t, json.Unmarshal(text, read))
	require.Equal(t, wrote, read)
}
