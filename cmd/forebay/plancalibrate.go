package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/forebay-go/forebay/cmd/forebay/internal/calibrate"
	"github.com/forebay-go/forebay/cmd/forebay/internal/fleet"
)

const calibrateLong = `Measure the processor time that producers cost brokers, for "forebay plan".

The command sends up to 22 loads with Forebay, one after the other, which takes some two minutes.
From the measured processor time it fits the time for a request, a batch, a megabyte, a connection
and a fetch of a follower. It writes these times and all measured values to a file.

It creates two topics, one of them with replicas, and deletes them at the end. Loads go up to 1,600
requests/s and 40 MB/s, so do not use a cluster that others rely on.

The processor time comes from /proc, so the brokers must run on this machine. Name the process of
each broker with --pid. Without --pid the command measures only how late batches leave, and "forebay
plan" leaves out processor times.

Exit codes:
  0  the file was written
  1  something went wrong
  2  the command line is wrong`

// calibrateFlags holds the flags of plan calibrate.
type calibrateFlags struct {
	brokers []string
	pids    []int
	window  time.Duration
	machine string
	kafka   string
	file    string
}

func newCalibrate() *cobra.Command {
	var f calibrateFlags
	cmd := &cobra.Command{
		Use:   "calibrate --brokers host:port[,...] [flags]",
		Short: "Measure the processor time that producers cost brokers",
		Long:  calibrateLong,
		Example: "  forebay plan calibrate --brokers 127.0.0.1:9092 --pid 4711 --kafka 4.1.0\n" +
			"  forebay plan --coefficients coefficients.json fleet.yaml",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	set := cmd.Flags()
	set.StringSliceVar(&f.brokers, "brokers", nil,
		"one or more brokers, as `host:port`[,host:port...] (required)")
	set.IntSliceVar(&f.pids, "pid", nil,
		"the process IDs of all brokers, as `number`[,number...]")
	set.DurationVar(&f.window, "window", 5*time.Second, "how long each load is measured")
	set.StringVar(&f.machine, "machine", fmt.Sprintf("%s/%s, %d cores", runtime.GOOS,
		runtime.GOARCH, runtime.NumCPU()), "a description of the brokers' `machine`, for the file")
	set.StringVar(&f.kafka, "kafka", "of unknown version", "the `version` of Kafka, for the file")
	set.StringVar(&f.file, "file", "coefficients.json", "the `file` to write")
	set.SortFlags = false
	cmd.DisableFlagsInUseLine = true
	return cmd
}

func (f *calibrateFlags) run(cmd *cobra.Command) error {
	switch {
	case len(f.brokers) == 0:
		return errors.New("--brokers: not set: name one broker or more, such as " +
			"--brokers 127.0.0.1:9092")
	case slices.ContainsFunc(f.brokers, noPort):
		return fmt.Errorf("--brokers: %q: write each as host:port, such as 127.0.0.1:9092",
			strings.Join(f.brokers, ","))
	case slices.ContainsFunc(f.pids, func(pid int) bool { return pid < 1 }):
		return fmt.Errorf("--pid: %v: write the number of each broker's process", f.pids)
	case f.window < time.Second || f.window > 10*time.Minute:
		return fmt.Errorf("--window: %v: write a time from 1s to 10m", f.window)
	}
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	stderr := cmd.ErrOrStderr()
	measured, err := calibrate.Run(ctx, calibrate.Options{Brokers: f.brokers, PIDs: f.pids,
		Window: f.window, Machine: f.machine, Kafka: f.kafka, Progress: stderr})
	if err == nil {
		err = f.write(measured)
	}
	if err != nil {
		return gaveUp(stderr, err)
	}
	fmt.Fprint(cmd.OutOrStdout(), calibrated(&measured), "\nwritten to ", f.file, "\n")
	return nil
}

// noPort reports whether a broker is not written as host:port.
func noPort(broker string) bool {
	host, port, err := net.SplitHostPort(broker)
	return err != nil || host == "" || port == ""
}

// write writes the coefficients file.
func (f *calibrateFlags) write(c fleet.Coefficients) error {
	var text strings.Builder
	if err := printJSON(&text, c); err != nil {
		return err
	}
	return os.WriteFile(f.file, []byte(text.String()), 0o644)
}

// calibrated says what was found.
func calibrated(c *fleet.Coefficients) string {
	var b strings.Builder
	fmt.Fprintf(&b, "a batch leaves %.2f ms after its linger\n", 1000*c.Late)
	if c.NoProcessor {
		fmt.Fprintln(&b, "the brokers' processor time was not measured: name their processes "+
			"with --pid")
	} else {
		fmt.Fprintf(&b, "a request takes %.3f ms and %.3f ms for each batch in it, a fetch of a "+
			"follower %.3f ms, a megabyte %.2f ms; each second a connection takes %.4f ms, a "+
			"broker by itself %.1f ms\n", 1000*c.PerRequest, 1000*c.PerBatch, 1000*c.PerFetch,
			1000*c.PerMegabyte, 1000*c.PerConnection, 1000*c.Base)
	}
	for _, p := range c.Points {
		fmt.Fprintf(&b, "%3d producers, linger %3.0f ms: %6.0f requests/s, predicted %6.0f; "+
			"%6.0f batches/s, %4.0f fetches/s; %.3f cores, fitted %.3f\n", p.Producers,
			1000*p.Linger, p.Requests, p.Predicted, p.Batches, p.Fetches, p.Cores, c.Fitted(&p))
	}
	return b.String()
}
