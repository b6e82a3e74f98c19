package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/forebay-go/forebay/cmd/forebay/internal/fleet"
	"github.com/forebay-go/forebay/cmd/forebay/internal/picture"
	"github.com/forebay-go/forebay/cmd/forebay/internal/simulate"
)

const planLong = `Compute what a fleet of services that use Forebay costs its Kafka cluster.

A fleet file describes one cluster and the instances that send to it: the processes, each with one
producer. Only instances, brokers, and a rate for each topic are required:

  instances: 3000
  brokers: 50
  zones: 3                        # of the brokers; default 1. With more, producers set rack
  topics:
    - name: views                 # a remark; it may be left out
      count: 20                   # so many equal topics; default 1
      records_per_second: 150k    # of all of them in the whole fleet; or, of one instance,
                                  # instance_records_per_second
      record_bytes: 2KiB          # key, value and headers, before compression; default 1KiB
      priority: medium            # low, medium (default) or high
      keyed: false                # true: records have keys; default false
      partitions: 50              # of each topic; default: the number of brokers
      replicas: 2                 # default 3 for high priority, 2 for the others
      compression_ratio: 4        # size before compression / size after it; default 1
  settings:                       # of the producers; these are the defaults
    linger: 10ms
    max_linger: 0                 # above linger: batches wait so long while requests are small
    batch_bytes: 1MB
    buffer_bytes: 64MiB
    max_brokers: 8                # -1: all; default 8 above 16 brokers, else all
    share_connections: true       # false: each priority sends so much that it needs its own
    probe_max: 2s
    ack_latency: 5ms              # from a produce request to its answer
    delivery_timeout: {high: 1h, medium: 10m, low: 2m}
  outage: 10m                     # the outage of the whole cluster to plan for
  broker:                         # what one broker can do
    cores: 8
    produce_bytes_per_second: 100MB                # what it receives from producers, at most
  limits: {connections: 3000, new_connections_per_second: 100}    # of one broker; those of MSK

The command prints requests, connections and processor time of one broker, the memory that an
outage needs in each instance, the time to send the backlog afterwards, and the connection attempts.
It then advises what to change, and computes the effect of each change. docs/scale.md explains the
output and the model, and compares them with measured runs.

With --simulate, the command also plays the fleet second by second: a minute in which all is well,
the outage, and what follows. It prints requests, connections, attempts to connect, processor time,
memory, backlog and lost records, and when the first and the last instance have sent their backlog.
--json has every second.

Processor times were measured on the machine that is named at the end of the output. Run "forebay
plan calibrate" with a broker of your own before you rely on them.

Producers have these settings under other names: linger is batching.linger, max_linger is
batching.max_linger, batch_bytes is batching.max_bytes, and buffer_bytes is buffer.max_bytes.
max_brokers and probe_max belong to a cluster, and delivery_timeout to a priority. share_connections
and ack_latency describe what the producers and brokers do; there is no such setting. See
docs/settings.md.

Exit codes:
  0  the plan was made
  1  a file is wrong, or cannot be read or written
  2  the command line is wrong`

// planFlags holds the flags of plan.
type planFlags struct {
	json         bool
	pictures     string
	coefficients string
	simulate     time.Duration
}

// planned is what plan prints as JSON.
type planned struct {
	*fleet.Plan
	Simulation *simulate.Result `json:"simulation,omitempty"`
}

func newPlan() *cobra.Command {
	var f planFlags
	cmd := &cobra.Command{
		Use:   "plan [flags] file",
		Short: "Size a fleet: requests, connections and memory for a Kafka cluster",
		Long:  planLong,
		Example: "  forebay plan fleet.yaml\n  forebay plan --json fleet.yaml\n" +
			"  forebay plan --simulate 1h fleet.yaml\n" +
			"  forebay plan --svg pictures --coefficients coefficients.json fleet.yaml",
		Args: oneFleet,
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd.OutOrStdout(), cmd.ErrOrStderr(), args[0])
		},
	}
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON instead of tables")
	cmd.Flags().StringVar(&f.pictures, "svg", "",
		"also draw pictures into this `folder`, and create it if necessary")
	cmd.Flags().StringVar(&f.coefficients, "coefficients", "",
		"processor times from a `file` that \"plan calibrate\" wrote "+
			"(default: those of this build)")
	cmd.Flags().DurationVar(&f.simulate, "simulate", 0,
		"also play the fleet through so much `time`, such as 1h, with the outage in it")
	cmd.Flags().SortFlags = false
	cmd.DisableFlagsInUseLine = true
	cmd.AddCommand(newCalibrate())
	return cmd
}

// oneFleet accepts the name of one file.
func oneFleet(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("%d file names given: name one fleet file", len(args))
	}
	return nil
}

// run prints the plan of the fleet at path to out, and what is wrong with a file to stderr. The
// error is an exitError then.
func (f *planFlags) run(out, stderr io.Writer, path string) error {
	described, err := fleet.Read(path)
	if wrong, ok := errors.AsType[*fleet.Error](err); ok {
		fmt.Fprintf(stderr, "%v\n\n%s in %s\n", wrong, plural(len(wrong.Mistakes), "mistake"), path)
		return exitError(exitFailed)
	} else if err != nil {
		return gaveUp(stderr, fmt.Errorf("read the fleet file: %w", err))
	}
	coefficients := fleet.Measured()
	if f.coefficients != "" {
		if coefficients, err = fleet.ReadCoefficients(f.coefficients); err != nil {
			return gaveUp(stderr, fmt.Errorf("--coefficients: %w", err))
		}
	}
	p := planned{Plan: fleet.Make(described, coefficients)}
	if f.simulate != 0 {
		if p.Simulation, err = simulate.Run(p.Plan, f.simulate); err != nil {
			return fmt.Errorf("--simulate: %w", err)
		}
	}
	if f.pictures != "" {
		if _, err := picture.Draw(f.pictures, p.Plan, p.Simulation); err != nil {
			return gaveUp(stderr, fmt.Errorf("--svg: %w", err))
		}
	}
	if f.json {
		return printJSON(out, p)
	}
	return p.print(out)
}

// print writes the plan, and what was played, as tables.
func (p *planned) print(out io.Writer) error {
	if err := p.Print(out); err != nil || p.Simulation == nil {
		return err
	}
	return p.Simulation.Print(out)
}

// gaveUp prints an error that the command line does not cause.
func gaveUp(stderr io.Writer, err error) error {
	fmt.Fprintf(stderr, "forebay: %v\n", err)
	return exitError(exitFailed)
}

// printResult prints a result, as JSON or as tables does. The error says that it was not written.
func printResult(out io.Writer, asJSON bool, result any, tables func(out io.Writer)) error {
	var text bytes.Buffer
	if asJSON {
		if err := printJSON(&text, result); err != nil {
			return err
		}
	} else {
		tables(&text)
	}
	if _, err := out.Write(text.Bytes()); err != nil {
		return fmt.Errorf("the result cannot be written: %w", err)
	}
	return nil
}

// printJSON prints a value as JSON that people can read.
func printJSON(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}
