//go:build linux

package calibrate

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/internal/proctime"
)

func TestProcessorTime_GrowsWithTheWork(t *testing.T) {
	before, err := proctime.Of(os.Getpid())
	require.NoError(t, err)
	for after := before; after < before+3*proctime.Tick; { // it ends, however slow the machine is
		after, err = proctime.Of(os.Getpid())
		require.NoError(t, err)
		require.GreaterOrEqual(t, after, before)
	}
	require.Less(t, before, 24*time.Hour)
}

func TestProcessorTimes_NameTheProcessThatIsMissing(t *testing.T) {
	const nobody = 1 << 30 // above any process of Linux
	_, err := processorTimes([]int{os.Getpid(), nobody})
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "processor time of process 1073741824: ")
	none, err := processorTimes(nil)
	require.NoError(t, err)
	require.Zero(t, none)
}
