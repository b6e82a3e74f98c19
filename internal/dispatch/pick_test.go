package dispatch

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRelied_LeavesTimeForAnAttempt(t *testing.T) {
	require.Equal(t, 12*time.Hour, relied(24*time.Hour))
	require.Equal(t, 30*time.Second, relied(time.Minute))
	require.Equal(t, 5*time.Second, relied(25*time.Second))
	require.Zero(t, relied(3*time.Second))
}
