//go:build unix

package kafkatest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// process is a child that does not outlive this process.
type process struct {
	cmd *exec.Cmd
	// closed by the goroutine of startProcess once the child is reaped; nobody sends
	done chan struct{}
	err  error // how it ended; read after done
}

// startProcess starts cmd. The goroutine it leaves ends with the child, for which process.done is
// the signal: by then the kernel has given back the child's ports and file locks.
func startProcess(cmd *exec.Cmd) (*process, error) {
	cmd.SysProcAttr = processAttr()
	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		// The kernel kills the child when the thread that forked it ends, and Go ends idle threads
		// when it likes. So the thread belongs to this goroutine until the child is gone; then it
		// can only end together with the whole process.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		p.err = cmd.Wait()
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) signal(sig syscall.Signal) error { return p.cmd.Process.Signal(sig) }

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// runProcess runs cmd to its end, or kills it when ctx ends first.
func runProcess(ctx context.Context, cmd *exec.Cmd) error {
	cmd.WaitDelay = 5 * time.Second // for the pipes, should a grandchild hold them open
	p, err := startProcess(cmd)
	if err != nil {
		return err
	}
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		err := p.signal(syscall.SIGKILL)
		<-p.done
		return errors.Join(ctx.Err(), err)
	}
}

// runQuietly runs cmd and has its output in the error, if there is one.
func runQuietly(ctx context.Context, cmd *exec.Cmd) error {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := runProcess(ctx, cmd); err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(cmd.Path), err, out.String())
	}
	return nil
}
