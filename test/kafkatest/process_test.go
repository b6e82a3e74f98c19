//go:build unix

package kafkatest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// deathVariable tells TestDiesWithABroker, in a process of its own, how to die.
const deathVariable = "KAFKATEST_DEATH"

func TestStart_NoBrokerOutlivesTheTestProcess(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells a child that its parent has died; see process_other.go")
	}
	needKit(t) // so that the child does not spend its time on the cache
	for _, death := range []string{"panic", "SIGKILL", "SIGKILL while paused"} {
		t.Run(death, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), startLimit)
			defer cancel()
			child := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestDiesWithABroker$")
			child.Env = append(os.Environ(), deathVariable+"="+death, "TMPDIR="+t.TempDir())
			var stderr bytes.Buffer
			child.Stderr = &stderr
			stdout, err := child.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, child.Start())
			t.Cleanup(func() { _ = child.Wait() })
			t.Cleanup(func() { _ = child.Process.Kill() })

			jvm := 0
			for lines := bufio.NewScanner(stdout); jvm == 0 && lines.Scan(); {
				if pid, ok := strings.CutPrefix(lines.Text(), "jvm "); ok {
					jvm, err = strconv.Atoi(pid)
					require.NoError(t, err)
				}
			}
			require.NotZero(t, jvm, "the child started no broker: %s", &stderr)
			if death != "panic" {
				require.True(t, runs(jvm), "the broker must live as long as the child does")
				require.NoError(t, child.Process.Kill())
			}
			require.Eventually(t, func() bool { return !runs(jvm) }, time.Minute,
				20*time.Millisecond)
		})
	}
}

// TestDiesWithABroker is the child of the test above.
func TestDiesWithABroker(t *testing.T) {
	death := os.Getenv(deathVariable)
	if death == "" {
		t.Skip("only run by TestStart_NoBrokerOutlivesTheTestProcess")
	}
	b := Start(t).Broker(0)
	if strings.HasSuffix(death, "paused") {
		b.Pause(t)
	}
	fmt.Printf("jvm %d\n", b.PID())
	if death == "panic" {
		go panic("a goroutine of the code under test")
	}
	select {} // until killed
}

// runs reports whether a process is there and not merely waiting for someone to collect its exit
// status.
func runs(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(stat), ") ") // after the name of the program
	return !strings.HasPrefix(state, "Z")
}

func TestStartProcess_DoneMeansReaped(t *testing.T) {
	p, err := startProcess(exec.Command("sleep", "600"))
	require.NoError(t, err)
	require.False(t, p.ended())
	require.NoError(t, p.signal(syscall.SIGSTOP))
	require.NoError(t, p.signal(syscall.SIGKILL))
	<-p.done
	require.True(t, p.ended())
	require.ErrorIs(t, p.signal(syscall.SIGKILL), os.ErrProcessDone)
	require.ErrorIs(t, syscall.Kill(p.pid(), 0), syscall.ESRCH)
}

func TestRunProcess_KillsWhatOutlastsItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, runProcess(ctx, exec.Command("sleep", "600")), context.DeadlineExceeded)
	_, failed := errors.AsType[*exec.ExitError](runProcess(t.Context(), exec.Command("false")))
	require.True(t, failed)
	require.ErrorIs(t, runProcess(t.Context(), exec.Command("/no/such/program")), os.ErrNotExist)
}
