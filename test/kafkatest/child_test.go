//go:build unix

package kafkatest

import (
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestChild_EndsBySignalsAndWithTheTest(t *testing.T) {
	t.Parallel()
	var left *Child
	t.Run("left", func(t *testing.T) {
		left = StartChild(t, exec.Command("sleep", "600"))
	})
	require.Error(t, syscall.Kill(left.proc.pid(), 0), "it has ended with its test")

	killed := StartChild(t, exec.Command("sleep", "600"))
	killed.Kill()
	killed.Kill()
	require.True(t, killed.proc.ended())

	polite := StartChild(t, exec.Command("sh", "-c",
		"trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done"))
	require.Contains(t, []int{7, -1}, polite.Stop(t, time.Minute), "-1: before the trap was set")
}
