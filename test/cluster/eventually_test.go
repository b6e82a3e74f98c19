package cluster_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// eventually waits until something is, however busy the machine.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	require.Eventually(t, is, time.Minute, time.Millisecond, what)
}
