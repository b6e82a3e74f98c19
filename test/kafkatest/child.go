//go:build unix

package kafkatest

import (
	"errors"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// Child is a program that a test runs. It ends with the test, and with this process.
type Child struct{ proc *process }

// StartChild starts cmd. It fails t at once if that is not possible.
func StartChild(t testing.TB, cmd *exec.Cmd) *Child {
	t.Helper()
	cmd.WaitDelay = 5 * time.Second
	p, err := startProcess(cmd)
	if err != nil {
		t.Fatalf("kafkatest: start %s: %v", cmd.Path, err)
	}
	c := &Child{p}
	t.Cleanup(c.Kill)
	return c
}

// Kill ends the program with SIGKILL, and returns when it is gone. One that has ended is left as it
// is.
func (c *Child) Kill() {
	_ = c.proc.signal(syscall.SIGKILL) // an error means that it had ended by itself
	<-c.proc.done
}

// Stop ends the program with SIGTERM, and returns its exit code. It fails t after limit.
func (c *Child) Stop(t testing.TB, limit time.Duration) (code int) {
	t.Helper()
	_ = c.proc.signal(syscall.SIGTERM)
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-c.proc.done:
	case <-timer.C:
		t.Fatalf("kafkatest: %s runs on %v after SIGTERM", c.proc.cmd.Path, limit)
	}
	if failed, ok := errors.AsType[*exec.ExitError](c.proc.err); ok {
		return failed.ExitCode()
	}
	if c.proc.err != nil {
		t.Errorf("kafkatest: wait for %s: %v", c.proc.cmd.Path, c.proc.err)
	}
	return 0
}
