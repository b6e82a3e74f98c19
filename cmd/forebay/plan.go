package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/forebay-go/forebay/cmd/forebay/internal/fleet"
	"github.com/forebay-go/forebay/cmd/forebay/internal/picture"
)

const planLong = `Say what a fleet of services that use Forebay costs its Kafka cluster.

A fleet file describes one cluster and the instances that send to it. Only instances, brokers, and
a rate for each topic are required:

  instances: 3000
  brokers: 50
  zones: 3                        # default 1; with more, instances set rack
  topics:
    - name: views
      count: 20                   # topics that are alike; default 1
      records_per_second: 150k    # of the whole fleet, or instance_records_per_second
      record_bytes: 2KiB          # before compression; default 1KiB
      priority: medium            # low, medium (default) or high
      keyed: false                # the default
      partitions: 50              # of each topic; default: one for each broker
      replicas: 2                 # default 3 for high priority, 2 for the others
      compression_ratio: 4        # default 1, no compression
  settings:                       # those of the producers, with their defaults
    linger: 10ms
    batch_bytes: 1MB
    buffer_bytes: 64MiB
    max_brokers: 8                # -1: all; default 8 above 16 brokers, else all
    share_connections: true       # false: every priority sends so much that it has its own
    probe_max: 2s
    ack_latency: 5ms
    delivery_timeout: {high: 1h, medium: 10m, low: 2m}
  outage: 10m
  broker: {cores: 8, produce_bytes_per_second: 100MB}    # of one; bytes per second from producers
  limits: {connections: 3000, new_connections_per_second: 100}    # per broker; those of MSK

The command prints the requests, bytes, connections and processor time of one broker, the memory
that an outage takes, the time to drain it, the connection attempts meanwhile, and advice: what to
change, and what that would give. Processor times come from "forebay plan calibrate", run on the
machine that the output names; calibrate on a broker of your own before you rely on them.
docs/scale.md explains the model and compares it with measured runs.

In the settings of a producer, linger, batch_bytes and buffer_bytes are batching.linger,
batching.max_bytes and buffer.max_bytes; max_brokers and probe_max are those of its cluster, and
delivery_timeout that of a priority. docs/settings.md has them all.

Exit codes:
  0  the plan was made
  1  a file is wrong, or cannot be read or written
  2  the command line is wrong`

// planFlags holds the flags of plan.
type planFlags struct {
	json         bool
	pictures     string
	coefficients string
}

func newPlan() *cobra.Command {
	var f planFlags
	cmd := &cobra.Command{
		Use:   "plan [flags] file",
		Short: "Size a fleet: requests, connections and memory for a Kafka cluster",
		Long:  planLong,
		Example: "  forebay plan fleet.yaml\n  forebay plan --json fleet.yaml\n" +
			"  forebay plan --svg pictures --coefficients coefficients.json fleet.yaml",
		Args: oneFleet,
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd.OutOrStdout(), cmd.ErrOrStderr(), args[0])
		},
	}
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON instead of tables")
	cmd.Flags().StringVar(&f.pictures, "svg", "",
		"also draw pictures into this `folder`, which is made if it is missing")
	cmd.Flags().StringVar(&f.coefficients, "coefficients", "",
		"a `file` that \"plan calibrate\" wrote (default: the figures of this build)")
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
	plan := fleet.Make(described, coefficients)
	if f.pictures != "" {
		if _, err := picture.Draw(f.pictures, plan); err != nil {
			return gaveUp(stderr, fmt.Errorf("--svg: %w", err))
		}
	}
	if f.json {
		return printJSON(out, plan)
	}
	return plan.Print(out)
}

// gaveUp prints an error that the command line does not cause.
func gaveUp(stderr io.Writer, err error) error {
	fmt.Fprintf(stderr, "forebay: %v\n", err)
	return exitError(exitFailed)
}

// printJSON prints a value as JSON that people can read.
func printJSON(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}
