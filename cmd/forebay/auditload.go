package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/forebay-go/forebay/cmd/forebay/internal/admin"
	"github.com/forebay-go/forebay/cmd/forebay/internal/loadtest"
)

const loadLong = `Measure what a Kafka cluster does under load, with a producer that has the
settings of the file.

Each record is due at a time that does not depend on Kafka, and latency counts from that time until
its delivery report: a stall counts for every record that was due in it. The warm-up is left out. A
record that is late because this machine is too slow counts as late, too. The table says how late
records were sent, and a measurement whose sender did not reach its rate is inconclusive.

Modes:
  steps       one rate after the other
  search      the highest rate that meets the objective: doubles the rate until it is missed, then
              halves the distance; of each rate, several measurements have to agree
  consumers   what readers cost: produce only, tailing readers, readers from the beginning, produce
              only again; in several rounds, so that a machine that becomes slower shows
  fetch_wait  latencies and fetch requests with several values of fetch.max.wait, in rounds

The settings, with their defaults:

  audit:
    cluster: kafka                # with the topic; required if there are several
    load:
      mode: steps
      topic: audited              # required; must exist, and this command does not delete records
      bytes: 100                  # of a value, at least 16
      keys: 0                     # number of different keys; 0: records without keys
      priority: medium            # default: by the topics of the settings
      records_per_second: [1000]  # one or more rates for steps, one for consumers and fetch_wait
      ramp: {from: 1000, to: 5000, step: 1000}   # for steps, instead of records_per_second
      warm_up: 5s                 # of each measurement, left out of its figures
      duration: 20s               # of each measurement, after its warm-up
      drain: 30s                  # ends the run if no outcome of a record comes for so long
      objective:                  # required for search; default for the others: none
        p99: 50ms                 # longest latency; also p50, p90 and p99_9
        loss: 0                   # largest share of records that are not delivered
      search:
        from: 1000                # the first rate
        to: 1000000               # the highest rate
        resolution: 0.05          # distance of the highest rate and the next, as a share
        confirm: 2                # how many measurements of a rate have to agree
      readers: 3                  # for consumers and fetch_wait; each reads the whole topic
      rounds: 3                   # of consumers and fetch_wait; at least 3
      old_records: 500000         # for consumers: a topic that has fewer is filled before
      fetch_wait:
        values: [10ms, 100ms, 500ms]   # of fetch.max.wait
        min_bytes: 1048576        # fetch.min.bytes; with 1, the wait would matter only when idle
      broker_pids: []             # default: found by their ports, where brokers run on this machine

Result. A line for each measurement goes to standard error. The table on standard output, or JSON
with --json, comes at the end. docs/audit.md says what the figures mean.

Interrupts. Ctrl-C (or SIGTERM) stops sending. Records that are sent have 30 seconds to be
delivered. Then the command prints what it has measured. A second Ctrl-C, at least half a second
later, ends that wait.

Exit codes:
  0    everything was measured, and the objective, if there is one, was met
  1    the command could not do its work, or the file is wrong
  2    the command line is wrong
  4    the objective was missed; for search: even at the first rate
  5    inconclusive: the sender is too slow on this machine, or Kafka is away
  130  interrupted`

// loadGrace is how long records have to be delivered after an interrupt.
const loadGrace = 30 * time.Second

// loadFlags holds the flags of audit load. They go before the settings of the file.
type loadFlags struct {
	json      bool
	mode      string
	topic     string
	cluster   string
	rates     []string
	duration  time.Duration
	warmUp    time.Duration
	bytes     int
	readers   int
	rounds    int
	objective map[string]string
	pids      []int
}

func newAuditLoad() *cobra.Command {
	var f loadFlags
	cmd := &cobra.Command{
		Use:   "load [flags] file",
		Short: "Measure latency and throughput under load, and what readers cost",
		Long:  loadLong,
		Example: "  forebay audit load --topic audited --rates 1000,5000,20000 audit.yaml\n" +
			"  forebay audit load --mode search --topic audited --objective p99=50ms audit.yaml\n" +
			"  forebay audit load --mode consumers --topic audited --rates 5000 audit.yaml",
		Args: oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			var wrong error
			file, err := readLoad(args[0], f.cluster, func(c *loadtest.Config) {
				wrong = f.change(c, cmd.Flags().Changed)
			})
			if wrong != nil {
				return wrong
			}
			if err != nil {
				return gaveUp(cmd.ErrOrStderr(), err)
			}
			return f.run(cmd, file)
		},
	}
	f.register(cmd)
	cmd.DisableFlagsInUseLine = true
	return cmd
}

func (f *loadFlags) register(cmd *cobra.Command) {
	set := cmd.Flags()
	set.StringVar(&f.mode, "mode", "", "the `mode`: steps, search, consumers or fetch_wait")
	set.StringVar(&f.topic, "topic", "", "the `name` of the topic")
	set.StringVar(&f.cluster, "cluster", "", "the `name` of the cluster with the topic")
	set.StringSliceVar(&f.rates, "rates", nil, "records per second, as `n`[,n...]")
	set.DurationVar(&f.duration, "duration", 0, "the `time` of each measurement")
	set.DurationVar(&f.warmUp, "warm-up", 0, "the `time` before it that is left out")
	set.IntVar(&f.bytes, "bytes", 0, "the `length` of a value")
	set.IntVar(&f.readers, "readers", 0, "the `number` of readers")
	set.IntVar(&f.rounds, "rounds", 0, "the `number` of rounds")
	set.StringToStringVar(&f.objective, "objective", nil,
		"what to meet, as `p99=50ms`[,loss=0...]")
	set.IntSliceVar(&f.pids, "broker-pids", nil,
		"the `pid`[,pid...] of the brokers, where they run on this machine")
	set.BoolVar(&f.json, "json", false, "print JSON instead of a table")
	set.Lookup("objective").DefValue = "" // the help would show []
	set.SortFlags = false
}

// change sets what the flags set. The error has what is wrong with their form.
func (f *loadFlags) change(c *loadtest.Config, changed func(string) bool) error {
	var err error
	for flag, put := range map[string]func(){
		"mode":        func() { c.Mode = loadtest.Mode(f.mode) },
		"topic":       func() { c.Topic = f.topic },
		"duration":    func() { c.Duration = f.duration },
		"warm-up":     func() { c.WarmUp = f.warmUp },
		"bytes":       func() { c.Bytes = f.bytes },
		"readers":     func() { c.Readers = f.readers },
		"rounds":      func() { c.Rounds = f.rounds },
		"broker-pids": func() { c.BrokerPIDs = f.pids },
	} {
		if changed(flag) {
			put()
		}
	}
	for flag, zero := range map[string]bool{"duration": f.duration == 0, "warm-up": f.warmUp == 0,
		"bytes": f.bytes == 0, "readers": f.readers == 0, "rounds": f.rounds == 0} {
		if zero && changed(flag) { // in a file it would mean the default
			return fmt.Errorf("--%s: 0: write more, or leave it out", flag)
		}
	}
	if changed("rates") {
		c.Ramp, c.RecordsPerSecond = nil, nil
		for _, text := range f.rates {
			rate, wrong := strconv.ParseFloat(text, 64)
			if wrong != nil {
				return fmt.Errorf("--rates: %q: write numbers, such as 1000,2000", text)
			}
			c.RecordsPerSecond = append(c.RecordsPerSecond, rate)
		}
	}
	if changed("objective") {
		c.Objective, err = parseObjective(f.objective)
	}
	return err
}

// parseObjective reads the flag --objective.
func parseObjective(parts map[string]string) (*loadtest.Objective, error) {
	o := new(loadtest.Objective)
	for name, text := range parts {
		var err error
		if name == "loss" {
			if o.Loss, err = strconv.ParseFloat(text, 64); err != nil {
				return nil, fmt.Errorf("--objective: loss=%s: write a share, such as loss=0.001",
					text)
			}
			continue
		}
		at, ok := map[string]*time.Duration{"p50": &o.P50, "p90": &o.P90, "p99": &o.P99,
			"p99_9": &o.P999}[name]
		if !ok {
			return nil, fmt.Errorf("--objective: %q: write p50, p90, p99, p99_9 or loss", name)
		}
		if *at, err = time.ParseDuration(text); err != nil || *at == 0 {
			return nil, fmt.Errorf("--objective: %s=%s: write a time, such as %s=50ms", name, text,
				name)
		}
	}
	return o, nil
}

func (f *loadFlags) run(cmd *cobra.Command, file *auditFile) error {
	stderr := cmd.ErrOrStderr()
	screen := &plainDisplay{out: stderr}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	sending, closing, stop := interrupts(cmd.Context(), signals, loadGrace)
	defer stop()
	screen.say(loadBegins(&file.load))
	result, err := loadtest.Run(sending, closing, &file.load, loadtest.Options{
		Settings: file.settings, Cluster: file.audit.Cluster,
		Client: admin.Options(file.settings, file.audit.Cluster),
		Log:    zap.New(warnings{screen, zap.WarnLevel}),
		Say:    func(m *loadtest.Measurement) { screen.say(measurementLine(m)) },
		Do:     screen.say,
	})
	if err != nil {
		return gaveUp(stderr, err)
	}
	err = printResult(cmd.OutOrStdout(), f.json, result,
		func(out io.Writer) { printLoad(out, result) })
	if err != nil {
		return gaveUp(stderr, err)
	}
	return loadExit(result)
}

// loadExit returns the exit code of a result.
func loadExit(r *loadtest.Result) error {
	switch {
	case r.Interrupted:
		return exitError(exitInterrupted)
	case r.Verdict == loadtest.Missed:
		return exitError(exitMissed)
	case r.Verdict == loadtest.Inconclusive:
		return exitError(exitInconclusive)
	}
	return nil
}
