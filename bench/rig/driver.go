package rig

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/forebay-go/forebay/bench/drive"
)

// Driver is a driver in a process of its own.
type Driver struct {
	client string
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	errs   bytes.Buffer
	early  *drive.Result // of one that never got ready
	begun  bool
	once   sync.Once // kills and waits
}

// readyLimit is for a client to start and to warm up, endLimit for what a driver does beside the
// times of its load.
const (
	readyLimit = 2 * time.Minute
	endLimit   = time.Minute
)

// StartDriver starts the driver of a client and returns when it is ready to begin. It ends with t,
// at the latest.
func StartDriver(t *TB, client string, l *drive.Load) *Driver {
	text, err := json.Marshal(l)
	t.Check(err)
	d := &Driver{client: client}
	if client == "java" {
		d.cmd = javaDriver(t, l, string(text))
	} else {
		self, err := os.Executable()
		t.Check(err)
		d.cmd = exec.Command(self, "drive", "-client", client, "-load", string(text))
	}
	d.cmd.Stderr = &d.errs
	d.in, err = d.cmd.StdinPipe()
	t.Check(err)
	out, err := d.cmd.StdoutPipe()
	t.Check(err)
	d.out = bufio.NewReader(out)
	t.Check(d.cmd.Start())
	t.Cleanup(d.End)
	watch := time.AfterFunc(readyLimit, func() { _ = d.cmd.Process.Kill() })
	defer watch.Stop()
	line, err := d.out.ReadString('\n')
	switch {
	case err != nil:
		d.early = d.lost(err)
	case line != drive.Ready+"\n":
		d.early = d.parse(t, line)
	}
	return d
}

// Begin has the driver begin.
func (d *Driver) Begin(t *TB) {
	if d.early == nil && !d.begun {
		_, err := io.WriteString(d.in, "go\n")
		t.Check(err)
	}
	d.begun = true
}

// PID returns the id of the driver's process.
func (d *Driver) PID() int { return d.cmd.Process.Pid }

// Result waits for the driver's end, for which it has so long, and returns what it has measured.
func (d *Driver) Result(t *TB, limit time.Duration) *drive.Result {
	if d.early != nil {
		return d.early
	}
	watch := time.AfterFunc(limit+endLimit, func() { _ = d.cmd.Process.Kill() })
	defer watch.Stop()
	line, err := d.out.ReadString('\n')
	if err != nil {
		return d.lost(err)
	}
	return d.parse(t, line)
}

// lost returns the result of a driver that said none. It ends it, so that what it wrote to its
// standard error is complete.
func (d *Driver) lost(err error) *drive.Result {
	d.End()
	return &drive.Result{Client: d.client,
		Error: fmt.Sprintf("the driver ended without a result: %v %s", err,
			lastOf(d.errs.String()))}
}

func (d *Driver) parse(t *TB, line string) *drive.Result {
	r := new(drive.Result)
	if err := json.Unmarshal([]byte(line), r); err != nil {
		t.Fatalf("the driver of %s said %q: %v", d.client, line, err)
	}
	return r
}

// End ends the driver, if it has not ended by itself.
func (d *Driver) End() { d.once.Do(d.kill) }

func (d *Driver) kill() {
	if err := d.cmd.Process.Kill(); err == nil || errors.Is(err, os.ErrProcessDone) {
		_ = d.cmd.Wait()
	}
}

// lastOf returns the end of a long text.
func lastOf(text string) string { return text[max(0, len(text)-500):] }
